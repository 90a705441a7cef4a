//! Freeway by MinAtar's rules: bring the chicken across eight lanes of cars.
//!
//! The chicken walks up and down in one column, at most every third step. Across is worth 1 and sends it back, with new
//! speeds for all cars; so does a car, for nothing. The game lasts 2,501 steps.

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

use super::minatar::{self, Board, CELLS, LAST, Planes, Rules, STICKY, steps};
use crate::EnvEntry;
use crate::canvas::{Canvas, Rgb};
use crate::factors::Factor;
use crate::look::HUE;
use crate::registry::Maker;

const N_CARS: usize = 8;
/// Column of the chicken.
const COLUMN: i32 = 4;
const GAME_STEPS: i32 = 2500;
/// A car moves every step at best, and every sixth at worst.
const SLOWEST: i32 = 5;

const FRAME: Rgb = [52, 92, 62];
const ROAD: Rgb = [52, 54, 62];
const GRASS: Rgb = [74, 138, 82];
const MARK: Rgb = [96, 98, 106];
const CHICKEN: Rgb = [255, 250, 236];
const COMB: Rgb = [232, 60, 52];
const BEAK: Rgb = [255, 176, 40];
const GLASS: Rgb = [26, 34, 50];
const SMOKE: Rgb = [84, 86, 96];
/// By speed, fastest first.
const CARS: [Rgb; SLOWEST as usize] =
    [[240, 74, 66], [250, 142, 52], [246, 214, 74], [92, 200, 128], [88, 150, 240]];

const FACTORS: &[Factor] = &[
    HUE,
    Factor {
        name: "walk_steps",
        about: "steps between two moves of the chicken",
        default: 3.0,
        train: [2.0, 4.0],
        shifted: [5.0, 7.0],
    },
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "freeway",
    about: "Freeway by MinAtar's rules, RGB, 3 actions, 1 point a crossing",
    page: "\
A chicken crosses eight lanes of cars on a grid of ten by ten.

- `pixels`: the road; a car's colour is its speed, red the fastest, and smoke is where it came from.
- `planes`: chicken, cars, and the trails of cars of each of five speeds, as 10x10x7 numbers.
- Actions: `noop`, `up`, `down`; with chance `sticky` the last one is repeated. The chicken moves every third step at most.
- Reward: 1 a crossing. The chicken starts again at the bottom and all cars get new speeds and directions.
- A car sends the chicken back. Ends after 2,501 steps, as in MinAtar; no other limit.
- Equal to MinAtar 1.0.15's game, cell by cell, given the same speeds; these are drawn with the same chances.
- The expert knows where the cars will be in the next 64 steps and takes the fastest way across.",
    options: &[STICKY],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| minatar::insert::<Game>(options, FACTORS, None)),
};

/// The whole game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Game {
    /// Row of the chicken.
    pub row: i32,
    /// Steps until it can move.
    pub walk_timer: i32,
    /// Steps between its moves.
    pub walk_steps: i32,
    /// The cars; the first is in row 1.
    pub cars: [Car; N_CARS],
    /// Steps left; the game is over when there are fewer than none.
    pub steps_left: i32,
}

/// One car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Car {
    /// Its column.
    pub column: i32,
    /// Steps until it moves.
    pub timer: i32,
    /// Steps it stands between moves, from 1 to 5; negative if it drives to the left.
    pub pace: i32,
}

/// The paces of all cars, drawn anew: each direction and each of the five with equal chances.
pub fn draw_paces(rng: &mut Rng) -> [i32; N_CARS] {
    std::array::from_fn(|_| {
        let pace = 1 + rng.below(SLOWEST as usize) as i32;
        if rng.chance(0.5) { -pace } else { pace }
    })
}

impl Car {
    /// One step on a road that goes round.
    fn drive(&mut self) {
        if self.timer == 0 {
            self.timer = self.pace.abs();
            self.column = (self.column + self.pace.signum()).rem_euclid(CELLS);
        } else {
            self.timer -= 1;
        }
    }
}

impl Game {
    /// Takes one step; `paces` gives the cars their new paces after a crossing. Returns the reward.
    pub fn turn(&mut self, choice: usize, paces: impl FnOnce() -> [i32; N_CARS]) -> f32 {
        if self.is_over() {
            return 0.0;
        }
        (self.row, self.walk_timer) = self.walk([self.row, self.walk_timer], choice);
        let mut reward = 0.0;
        if self.row == 0 {
            reward = 1.0;
            self.row = LAST;
            for (car, pace) in self.cars.iter_mut().zip(paces()) {
                (car.timer, car.pace) = (pace.abs(), pace);
            }
        }
        for (y, car) in (1..).zip(&mut self.cars) {
            let before = car.column;
            car.drive();
            if y == self.row && (before == COLUMN || car.column == COLUMN) {
                self.row = LAST;
            }
        }
        self.walk_timer -= i32::from(self.walk_timer > 0);
        self.steps_left -= 1;
        reward
    }

    /// The chicken's row and timer after an action, before cars and time have moved.
    fn walk(&self, [row, timer]: [i32; 2], choice: usize) -> (i32, i32) {
        if choice == 0 || timer != 0 {
            return (row, timer);
        }
        ((row + if choice == 1 { -1 } else { 1 }).clamp(0, LAST), self.walk_steps)
    }
}

impl Rules for Game {
    const ACTIONS: &'static [&'static str] = &["noop", "up", "down"];
    const N_PLANES: usize = 7;

    fn start(factors: &[f32], rng: &mut Rng) -> Self {
        let walk_steps = steps(factors[0]);
        let cars = draw_paces(rng).map(|pace| Car { column: 0, timer: pace.abs(), pace });
        Self { row: LAST, walk_timer: walk_steps, walk_steps, cars, steps_left: GAME_STEPS }
    }

    fn act(&mut self, choice: usize, _: bool, rng: &mut Rng) -> f32 {
        self.turn(choice, || draw_paces(rng))
    }

    fn is_over(&self) -> bool {
        self.steps_left < 0
    }

    fn is_sound(&self) -> bool {
        let car = |car: &Car| {
            let pace = car.pace.checked_abs().is_some_and(|pace| (1..=SLOWEST).contains(&pace));
            pace && (0..CELLS).contains(&car.column) && (0..=SLOWEST).contains(&car.timer)
        };
        (0..CELLS).contains(&self.row)
            && (0..=self.walk_steps).contains(&self.walk_timer)
            && (1..=10_000).contains(&self.walk_steps)
            && (-1..=GAME_STEPS).contains(&self.steps_left)
            && self.cars.iter().all(car)
    }

    fn mark(&self, planes: &mut Planes<'_>) {
        planes.mark([COLUMN, self.row], 0);
        for (y, car) in (1..).zip(&self.cars) {
            planes.mark([car.column, y], 1);
            let behind = (car.column - car.pace.signum()).rem_euclid(CELLS);
            planes.mark([behind, y], 1 + car.pace.unsigned_abs() as usize);
        }
    }

    fn draw(&self, hue_deg: f32, canvas: &mut Canvas<'_>) {
        let mut board = Board::new(canvas, hue_deg, [FRAME, ROAD]);
        board.rect([0.0, 0.0], [CELLS as f32, 1.0], GRASS);
        board.rect([0.0, LAST as f32], [CELLS as f32, 1.0], GRASS);
        for y in 2..LAST {
            for x in 0..CELLS {
                board.rect([x as f32 + 0.3, y as f32 - 0.05], [0.4, 0.1], MARK);
            }
        }
        for (y, car) in (1..).zip(&self.cars) {
            let behind = (car.column - car.pace.signum()).rem_euclid(CELLS);
            board.disc([behind as f32 + 0.5, y as f32 + 0.5], 0.22, SMOKE);
            draw_car(&mut board, car, y as f32);
        }
        let (x, y) = (COLUMN as f32, self.row as f32);
        board.rect([x + 0.4, y], [0.2, 0.25], COMB);
        board.disc([x + 0.5, y + 0.55], 0.42, CHICKEN);
        board.rect([x + 0.36, y + 0.42], [0.28, 0.2], BEAK);
    }

    /// The first step of the way that is across soonest.
    fn expert(&self) -> usize {
        const HORIZON: usize = 64;
        // Whether a car is in the chicken's column before or after it drives, by step and row.
        let mut is_hit = [[false; CELLS as usize]; HORIZON];
        let mut cars = self.cars;
        for rows in &mut is_hit {
            for (hit, car) in rows[1..].iter_mut().zip(&mut cars) {
                let before = car.column;
                car.drive();
                *hit = before == COLUMN || car.column == COLUMN;
            }
        }
        let n_timers = self.walk_steps.min(16) + 1;
        // Steps to the other side, by row and timer.
        let mut left = [[HORIZON as i32; 17]; CELLS as usize];
        let mut best = 0;
        for rows in is_hit.iter().rev() {
            let mut before = left;
            for row in 1..CELLS {
                for timer in 0..n_timers {
                    let steps = |choice| {
                        let (row, timer) = self.walk([row, timer], choice);
                        if row == 0 {
                            return 0;
                        }
                        let row = if rows[row as usize] { LAST } else { row };
                        left[row as usize][(timer - i32::from(timer > 0)).min(16) as usize]
                    };
                    let choice = (0..3).min_by_key(|choice| steps([1, 0, 2][*choice])).unwrap_or_default();
                    let choice = [1, 0, 2][choice];
                    before[row as usize][timer as usize] = 1 + steps(choice);
                    if [row, timer] == [self.row, self.walk_timer] {
                        best = choice;
                    }
                }
            }
            left = before;
        }
        best
    }
}

/// A car from above, its front where it drives.
fn draw_car(board: &mut Board<'_, '_>, car: &Car, y: f32) {
    let x = car.column as f32;
    board.rect([x, y + 0.17], [1.0, 0.67], CARS[(car.pace.unsigned_abs() as usize - 1).min(4)]);
    let glass = if car.pace > 0 { x + 0.55 } else { x + 0.25 };
    board.rect([glass, y + 0.28], [0.2, 0.45], GLASS);
}
