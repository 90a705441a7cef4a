//! Asterix by MinAtar's rules: gather gold, keep out of the way of enemies.
//!
//! Gold and enemies come from the sides, one a lane; gold is worth 1, an enemy ends the game. They come ever more often and
//! move ever faster.

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

use super::minatar::{self, Board, CELLS, LAST, Planes, RAMPING, Rules, STICKY, on_grid, steps};
use crate::canvas::{Canvas, Rgb};
use crate::factors::Factor;
use crate::look::HUE;
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

const N_LANES: usize = 8;
/// Steps between two ramps, less two.
const RAMP_STEPS: i32 = 100;

const FRAME: Rgb = [62, 74, 92];
const FIELD: Rgb = [22, 30, 46];
const LANE: Rgb = [28, 38, 58];
const PLAYER: Rgb = [92, 178, 255];
const WINGS: Rgb = [240, 246, 255];
const ENEMY: Rgb = [232, 72, 84];
const ENEMY_EYE: Rgb = [60, 8, 20];
const ENEMY_TRAIL: Rgb = [112, 44, 60];
const GOLD: Rgb = [250, 204, 62];
const GOLD_SHINE: Rgb = [255, 244, 184];
const GOLD_TRAIL: Rgb = [108, 92, 46];

const FACTORS: &[Factor] = &[
    HUE,
    Factor {
        name: "spawn_steps",
        about: "steps between two arrivals at the start",
        default: 10.0,
        train: [8.0, 14.0],
        shifted: [4.0, 7.0],
    },
    Factor {
        name: "move_steps",
        about: "steps between two moves of what crosses, at the start",
        default: 5.0,
        train: [4.0, 7.0],
        shifted: [2.0, 3.0],
    },
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "asterix",
    about: "Asterix by MinAtar's rules, RGB, 5 actions, 1 point a piece of gold",
    page: "\
Gold and enemies cross eight lanes of a grid of ten by ten; the player walks among them.

- `pixels`: the field; where something came from there is a trail. `planes`: player, enemies, trails and gold as 10x10x4
  numbers.
- Actions: `noop`, `left`, `up`, `right`, `down`; with chance `sticky` the last one is repeated.
- Reward: 1 a piece of gold.
- Ends when the player meets an enemy; cut off after 2,500 steps (MinAtar: never).
- About every hundred steps more arrives, and every other time it moves faster, unless `ramping=false`.
- Equal to MinAtar 1.0.15's game, cell by cell, given the same arrivals; these are drawn with the same chances.
- The expert plans 24 steps ahead among what it sees and keeps off the edges.",
    options: &[
        STICKY,
        RAMPING,
        OptionEntry { name: "max_steps", default: "2500", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| minatar::insert::<Game>(options, FACTORS, Some(2500))),
};

/// The whole game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Game {
    /// Column and row of the player.
    pub player: [i32; 2],
    /// What crosses in each lane; lane 0 is row 1.
    pub lanes: [Option<Thing>; N_LANES],
    /// Steps until something arrives.
    pub spawn_timer: i32,
    /// Steps between arrivals.
    pub spawn_steps: i32,
    /// Steps until everything moves.
    pub move_timer: i32,
    /// Steps between moves.
    pub move_steps: i32,
    /// Steps until the game becomes harder; it does so one step after 0.
    pub ramp_timer: i32,
    /// How often it became harder.
    pub ramp_level: i32,
    /// Whether the player met an enemy.
    pub lost: bool,
}

/// Gold or an enemy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// Its column.
    pub column: i32,
    /// Whether it moves to the right.
    pub right: bool,
    /// Whether it is gold.
    pub gold: bool,
}

/// What arrives where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// An empty lane.
    pub lane: usize,
    /// Whether it moves to the right, from the left edge.
    pub right: bool,
    /// Whether it is gold.
    pub gold: bool,
}

impl Arrival {
    /// Draws from the empty lanes of a game, if there are any and it is time. The side is fair, one in three is gold.
    pub fn draw(game: &Game, rng: &mut Rng) -> Option<Self> {
        if game.spawn_timer != 0 {
            return None;
        }
        let (right, gold) = (rng.chance(0.5), rng.chance(1.0 / 3.0));
        let mut empty = (0..N_LANES).filter(|lane| game.lanes[*lane].is_none());
        let lane = match empty.clone().count() {
            0 => return None,
            n => empty.nth(rng.below(n))?,
        };
        Some(Self { lane, right, gold })
    }
}

impl Game {
    /// Takes one step; `arrival` is what comes when it is time, [`Arrival::draw`] draws it. Returns the reward.
    pub fn turn(&mut self, choice: usize, ramping: bool, arrival: Option<Arrival>) -> f32 {
        if self.lost {
            return 0.0;
        }
        if self.spawn_timer == 0 {
            if let Some(Arrival { lane, right, gold }) = arrival {
                self.lanes[lane] = Some(Thing { column: if right { 0 } else { LAST }, right, gold });
            }
            self.spawn_timer = self.spawn_steps;
        }
        self.player = walk(self.player, choice);
        let mut reward = self.meet();
        if self.move_timer == 0 {
            self.move_timer = self.move_steps;
            self.drift();
            reward += self.meet();
        }
        self.spawn_timer -= 1;
        self.move_timer -= 1;
        if ramping {
            self.ramp();
        }
        reward
    }

    /// Everything in the lanes moves by a cell, or off the grid.
    fn drift(&mut self) {
        for lane in &mut self.lanes {
            *lane = lane
                .map(|thing| Thing { column: thing.column + if thing.right { 1 } else { -1 }, ..thing })
                .filter(|thing| (0..CELLS).contains(&thing.column));
        }
    }

    /// The player takes gold in its cell, or is lost to an enemy there.
    fn meet(&mut self) -> f32 {
        let [x, y] = self.player;
        let Some(lane) = self.lanes.get_mut((y - 1) as usize) else { return 0.0 };
        match lane {
            Some(thing) if thing.column == x && thing.gold => {
                *lane = None;
                1.0
            }
            Some(thing) if thing.column == x => {
                self.lost = true;
                0.0
            }
            _ => 0.0,
        }
    }

    fn ramp(&mut self) {
        if self.spawn_steps <= 1 && self.move_steps <= 1 {
            return;
        }
        if self.ramp_timer >= 0 {
            self.ramp_timer -= 1;
            return;
        }
        if self.move_steps > 1 && self.ramp_level % 2 == 1 {
            self.move_steps -= 1;
        }
        if self.spawn_steps > 1 {
            self.spawn_steps -= 1;
        }
        self.ramp_level += 1;
        self.ramp_timer = RAMP_STEPS;
    }

    /// What crosses, with its cell.
    fn things(&self) -> impl Iterator<Item = ([i32; 2], Thing)> {
        (1..).zip(self.lanes).filter_map(|(y, thing)| thing.map(|thing| ([thing.column, y], thing)))
    }
}

/// Where a player at `[x, y]` is after an action; the rows at top and bottom are closed.
fn walk([x, y]: [i32; 2], choice: usize) -> [i32; 2] {
    let [dx, dy] = [[0, 0], [-1, 0], [0, -1], [1, 0], [0, 1]][choice];
    [(x + dx).clamp(0, LAST), (y + dy).clamp(1, N_LANES as i32)]
}

impl Rules for Game {
    const ACTIONS: &'static [&'static str] = &["noop", "left", "up", "right", "down"];
    const N_PLANES: usize = 4;

    fn start(factors: &[f32], _: &mut Rng) -> Self {
        let (spawn_steps, move_steps) = (steps(factors[0]), steps(factors[1]));
        Self {
            player: [5, 5],
            lanes: [None; N_LANES],
            spawn_timer: spawn_steps,
            spawn_steps,
            move_timer: move_steps,
            move_steps,
            ramp_timer: RAMP_STEPS,
            ramp_level: 0,
            lost: false,
        }
    }

    fn act(&mut self, choice: usize, ramping: bool, rng: &mut Rng) -> f32 {
        let arrival = Arrival::draw(self, rng);
        self.turn(choice, ramping, arrival)
    }

    fn is_over(&self) -> bool {
        self.lost
    }

    fn is_sound(&self) -> bool {
        let timers = [self.spawn_timer, self.move_timer, self.ramp_level, self.ramp_timer + 1];
        on_grid(self.player)
            && (1..=N_LANES as i32).contains(&self.player[1])
            && self.things().all(|(at, _)| on_grid(at))
            && timers.iter().all(|steps| (0..=1_000_000).contains(steps))
            && [self.spawn_steps, self.move_steps].iter().all(|steps| (1..=10_000).contains(steps))
    }

    fn mark(&self, planes: &mut Planes<'_>) {
        planes.mark(self.player, 0);
        for ([x, y], thing) in self.things() {
            planes.mark([x, y], if thing.gold { 3 } else { 1 });
            planes.mark([if thing.right { x - 1 } else { x + 1 }, y], 2);
        }
    }

    fn draw(&self, hue_deg: f32, canvas: &mut Canvas<'_>) {
        let mut board = Board::new(canvas, hue_deg, [FRAME, FIELD]);
        for y in (1..=N_LANES).step_by(2) {
            board.rect([0.0, y as f32], [CELLS as f32, 1.0], LANE);
        }
        for ([x, y], thing) in self.things() {
            let [x, y] = [x as f32, y as f32];
            // At the edge there is no cell to come from.
            let from = if thing.right { x - 1.0 } else { x + 1.0 };
            let length = if (0.0..CELLS as f32).contains(&from) { 1.0 } else { 0.5 };
            let left = if thing.right { x + 0.5 - length } else { x + 0.5 };
            board.rect([left, y + 0.4], [length, 0.2], if thing.gold { GOLD_TRAIL } else { ENEMY_TRAIL });
            if thing.gold { draw_gold(&mut board, x, y) } else { draw_enemy(&mut board, x, y) }
        }
        let [x, y] = self.player.map(|i| i as f32);
        board.polygon([[x, y + 0.05], [x + 0.3, y + 0.4], [x + 0.1, y + 0.6]], WINGS);
        board.polygon([[x + 1.0, y + 0.05], [x + 0.9, y + 0.6], [x + 0.7, y + 0.4]], WINGS);
        board.disc([x + 0.5, y + 0.58], 0.4, PLAYER);
        board.rect([x + 0.26, y + 0.42], [0.48, 0.14], WINGS);
    }

    /// The first step of the best plan among what is on the grid now.
    fn expert(&self) -> usize {
        const HORIZON: usize = 24;
        let mut seen = [self.lanes; HORIZON + 1];
        let mut later = [self.lanes; HORIZON + 1];
        let mut ahead = self.clone();
        for t in 1..=HORIZON {
            seen[t] = ahead.lanes;
            if ahead.move_timer == 0 {
                ahead.move_timer = ahead.move_steps;
                ahead.drift();
            }
            ahead.move_timer -= 1;
            later[t] = ahead.lanes;
        }
        // Worth of standing in a cell after step `t`: until gold is taken, and after it.
        let mut worth = [[[0.0_f32; 2]; CELLS as usize]; N_LANES + 1];
        for t in (1..=HORIZON).rev() {
            let mut before = worth;
            for y in 1..=N_LANES as i32 {
                for x in 0..CELLS {
                    let best = best_step(&worth, [x, y]).1;
                    before[y as usize][x as usize] = here(&[seen[t], later[t]], [x, y], best);
                }
            }
            worth = before;
        }
        best_step(&worth, self.player).0
    }
}

/// Worth of a cell, given what its lane holds before and after the move and what the best next step is worth.
fn here(lanes: &[[Option<Thing>; N_LANES]; 2], [x, y]: [i32; 2], [hungry, fed]: [f32; 2]) -> [f32; 2] {
    let met = |gold: bool| {
        let thing = |lanes: &[Option<Thing>; N_LANES]| lanes[(y - 1) as usize];
        lanes.iter().filter_map(thing).any(|thing| thing.gold == gold && thing.column == x)
    };
    if met(false) {
        return [-1.0; 2];
    }
    // Whatever arrives does so at the edges.
    let edge = if (1..LAST).contains(&x) { 0.0 } else { -0.02 };
    let fed = edge + 0.97 * fed;
    [if met(true) { 1.0 + fed } else { edge + 0.97 * hungry }, fed]
}

/// The best action from a cell and its worth: first until gold is taken, which decides, then after it.
fn best_step(worth: &[[[f32; 2]; CELLS as usize]; N_LANES + 1], at: [i32; 2]) -> (usize, [f32; 2]) {
    let mut best = (0, [f32::NEG_INFINITY; 2]);
    for choice in 0..Game::ACTIONS.len() {
        let [x, y] = walk(at, choice);
        let [hungry, fed] = worth[y as usize][x as usize];
        if hungry > best.1[0] {
            best = (choice, [hungry, best.1[1]]);
        }
        best.1[1] = best.1[1].max(fed);
    }
    best
}

fn draw_gold(board: &mut Board<'_, '_>, x: f32, y: f32) {
    board.disc([x + 0.5, y + 0.5], 0.42, GOLD);
    board.disc([x + 0.4, y + 0.4], 0.17, GOLD_SHINE);
}

/// A spiked diamond with two eyes.
fn draw_enemy(board: &mut Board<'_, '_>, x: f32, y: f32) {
    board.polygon([[x + 0.5, y], [x + 1.0, y + 0.5], [x + 0.5, y + 1.0], [x, y + 0.5]], ENEMY);
    board.rect([x + 0.3, y + 0.36], [0.14, 0.24], ENEMY_EYE);
    board.rect([x + 0.58, y + 0.36], [0.14, 0.24], ENEMY_EYE);
}
