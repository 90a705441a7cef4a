//! Space Invaders by MinAtar's rules: shoot the aliens before they come down.
//!
//! Aliens move sideways all at once, a row down at each edge, the faster the fewer they are. An alien is worth 1. Their
//! bullets and they themselves end the game. Nothing in the rules is left to chance.

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

use super::minatar::{self, Board, CELLS, LAST, Planes, RAMPING, Rules, STICKY, steps};
use crate::canvas::{Canvas, Rgb};
use crate::factors::Factor;
use crate::look::HUE;
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// Steps between two shots of the cannon.
const COOL_STEPS: i32 = 5;
/// Waves do not move faster than this for their number.
const FASTEST_WAVE: i32 = 6;
const WAVE: [u16; 4] = [0b00_1111_1100; 4];
const FULL_ROW: u16 = (1 << CELLS) - 1;

const FRAME: Rgb = [70, 62, 104];
const SPACE: Rgb = [12, 10, 26];
const STAR: Rgb = [84, 80, 120];
const ALIEN: Rgb = [112, 224, 128];
const EYE: Rgb = [14, 40, 24];
const CANNON: Rgb = [86, 172, 255];
const FRIENDLY: Rgb = [255, 250, 210];
const HOSTILE: Rgb = [255, 92, 110];

const FACTORS: &[Factor] = &[
    HUE,
    Factor {
        name: "move_steps",
        about: "steps between two moves of a full wave",
        default: 12.0,
        train: [10.0, 15.0],
        shifted: [6.0, 9.0],
    },
    Factor {
        name: "shot_steps",
        about: "steps between two shots of the aliens",
        default: 10.0,
        train: [8.0, 12.0],
        shifted: [4.0, 7.0],
    },
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "space_invaders",
    about: "Space Invaders by MinAtar's rules, RGB, 4 actions, 1 point an alien",
    page: "\
A cannon below shoots at a wave of aliens on a grid of ten by ten.

- `pixels`: the sky; aliens look where they go, own bullets are yellow, theirs red.
- `planes`: cannon, aliens, aliens going left, aliens going right, own bullets, theirs, as 10x10x6 numbers.
- Actions: `noop`, `left`, `right`, `fire` (every fifth step at most); with chance `sticky` the last one is repeated.
- Reward: 1 an alien. A new wave comes when the last one is gone, and moves faster unless `ramping=false`.
- Ends when a bullet or an alien meets the cannon, or the aliens are down; cut off after 2,500 steps (MinAtar: never).
- Equal to MinAtar 1.0.15's game, cell by cell; nothing but sticky actions is left to chance.
- The expert plays plans of moving and then shooting to their end and takes the best.",
    options: &[
        STICKY,
        RAMPING,
        OptionEntry { name: "max_steps", default: "2500", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| minatar::insert::<Game>(options, FACTORS, Some(2500))),
};

/// Cells that are taken: a number a row from the top, its bit `x` (of value `2^x`) for column `x`.
pub type Rows = [u16; CELLS as usize];

/// The whole game.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Game {
    /// Column of the cannon, in the bottom row.
    pub cannon: i32,
    /// Where the aliens are.
    pub aliens: Rows,
    /// Where the cannon's bullets are.
    pub bullets: Rows,
    /// Where the aliens' bullets are.
    pub hostile_bullets: Rows,
    /// Where the aliens go: 1 right, -1 left.
    pub heading: i32,
    /// Steps until the aliens move.
    pub move_timer: i32,
    /// Steps between moves of a wave that is at least as many.
    pub move_steps: i32,
    /// Steps until an alien shoots.
    pub shot_timer: i32,
    /// Steps between the aliens' shots.
    pub shot_steps: i32,
    /// Steps until the cannon can shoot.
    pub cool_timer: i32,
    /// How often the waves became faster.
    pub ramp_level: i32,
    /// Whether the cannon is lost.
    pub lost: bool,
}

impl Game {
    /// Takes one step and returns the reward.
    pub fn turn(&mut self, choice: usize, ramping: bool) -> f32 {
        if self.lost {
            return 0.0;
        }
        self.aim_and_fire(choice);
        self.bullets.rotate_left(1);
        self.bullets[LAST as usize] = 0;
        self.hostile_bullets.rotate_right(1);
        self.hostile_bullets[0] = 0;
        self.lost |= self.is_hit_by(&self.hostile_bullets) || self.is_hit_by(&self.aliens);
        if self.move_timer == 0 {
            self.move_timer = self.n_aliens().min(self.move_steps);
            self.march();
            self.lost |= self.is_hit_by(&self.aliens);
        }
        if self.shot_timer == 0 {
            self.shot_timer = self.shot_steps;
            self.shoot_back();
        }
        let mut n_shot = 0;
        for (aliens, bullets) in self.aliens.iter_mut().zip(&mut self.bullets) {
            let both = *aliens & *bullets;
            n_shot += both.count_ones();
            *aliens ^= both;
            *bullets ^= both;
        }
        self.cool_timer -= i32::from(self.cool_timer > 0);
        self.move_timer -= 1;
        self.shot_timer -= 1;
        if self.n_aliens() == 0 {
            if self.move_steps > FASTEST_WAVE && ramping {
                self.move_steps -= 1;
                self.ramp_level += 1;
            }
            self.aliens[..WAVE.len()].copy_from_slice(&WAVE);
        }
        n_shot as f32
    }

    fn aim_and_fire(&mut self, choice: usize) {
        match choice {
            1 => self.cannon = (self.cannon - 1).max(0),
            2 => self.cannon = (self.cannon + 1).min(LAST),
            3 if self.cool_timer == 0 => {
                self.bullets[LAST as usize] |= 1 << self.cannon;
                self.cool_timer = COOL_STEPS;
            }
            _ => {}
        }
    }

    /// All aliens go sideways, or down and round at an edge; those that leave the last row are above again, but have won.
    fn march(&mut self) {
        let edge = if self.heading < 0 { 1 } else { 1 << LAST };
        if self.aliens.iter().any(|row| row & edge != 0) {
            self.heading = -self.heading;
            self.lost |= self.aliens[LAST as usize] != 0;
            self.aliens.rotate_right(1);
        } else {
            let shift = |row: u16| if self.heading < 0 { row >> 1 } else { row << 1 };
            self.aliens = self.aliens.map(shift);
        }
    }

    /// The lowest alien of the column nearest to the cannon shoots; of two columns the left one.
    fn shoot_back(&mut self) {
        let taken = self.aliens.iter().fold(0, |all, row| all | row);
        let columns = (0..CELLS).filter(|x| taken >> x & 1 == 1);
        let Some(x) = columns.min_by_key(|x| (x - self.cannon).abs()) else { return };
        if let Some(y) = self.aliens.iter().rposition(|row| row >> x & 1 == 1) {
            self.hostile_bullets[y] |= 1 << x;
        }
    }

    fn is_hit_by(&self, rows: &Rows) -> bool {
        rows[LAST as usize] >> self.cannon & 1 == 1
    }

    fn n_aliens(&self) -> i32 {
        self.aliens.iter().map(|row| row.count_ones() as i32).sum()
    }

    /// What is gained by `n_moves` steps of `choice`, a shot and a wait; early gains count more, and a loss is a large one.
    fn worth_of(&self, choice: usize, n_moves: usize) -> f32 {
        let mut ahead = self.clone();
        let (mut worth, mut weight, mut n_after) = (0.0, 1.0, 0);
        for t in 0..30 {
            let now = match t {
                _ if t < n_moves => choice,
                _ if ahead.cool_timer == 0 && n_after == 0 => 3,
                _ => 0,
            };
            n_after += i32::from(now == 3 || n_after > 0);
            worth += weight * ahead.turn(now, true);
            if ahead.lost {
                return worth - 10.0 * weight;
            }
            if n_after > 10 {
                break;
            }
            weight *= 0.95;
        }
        worth
    }
}

/// Column and row of each cell that is taken.
fn cells(rows: &Rows) -> impl Iterator<Item = [i32; 2]> {
    (0..).zip(*rows).flat_map(|(y, row)| (0..CELLS).filter(move |x| row >> x & 1 == 1).map(move |x| [x, y]))
}

impl Rules for Game {
    const ACTIONS: &'static [&'static str] = &["noop", "left", "right", "fire"];
    const N_PLANES: usize = 6;

    fn start(factors: &[f32], _: &mut Rng) -> Self {
        let (move_steps, shot_steps) = (steps(factors[0]), steps(factors[1]));
        let mut aliens = [0; CELLS as usize];
        aliens[..WAVE.len()].copy_from_slice(&WAVE);
        Self {
            cannon: 5,
            aliens,
            bullets: [0; CELLS as usize],
            hostile_bullets: [0; CELLS as usize],
            heading: -1,
            move_timer: move_steps,
            move_steps,
            shot_timer: shot_steps,
            shot_steps,
            cool_timer: 0,
            ramp_level: 0,
            lost: false,
        }
    }

    fn act(&mut self, choice: usize, ramping: bool, _: &mut Rng) -> f32 {
        self.turn(choice, ramping)
    }

    fn is_over(&self) -> bool {
        self.lost
    }

    fn is_sound(&self) -> bool {
        let rows = self.aliens.iter().chain(&self.bullets).chain(&self.hostile_bullets);
        let timers = [self.move_timer, self.shot_timer, self.cool_timer, self.ramp_level];
        (0..CELLS).contains(&self.cannon)
            && matches!(self.heading, 1 | -1)
            && rows.into_iter().all(|row| *row <= FULL_ROW)
            && self.n_aliens() > 0
            && timers.iter().all(|steps| (0..=10_000).contains(steps))
            && [self.move_steps, self.shot_steps].iter().all(|steps| (1..=10_000).contains(steps))
    }

    fn mark(&self, planes: &mut Planes<'_>) {
        planes.mark([self.cannon, LAST], 0);
        for at in cells(&self.aliens) {
            planes.mark(at, 1);
            planes.mark(at, if self.heading < 0 { 2 } else { 3 });
        }
        cells(&self.bullets).for_each(|at| planes.mark(at, 4));
        cells(&self.hostile_bullets).for_each(|at| planes.mark(at, 5));
    }

    fn draw(&self, hue_deg: f32, canvas: &mut Canvas<'_>) {
        let mut board = Board::new(canvas, hue_deg, [FRAME, SPACE]);
        for i in 0..14_u8 {
            // Any fixed scatter.
            let [x, y] = [i.wrapping_mul(37) % 97, i.wrapping_mul(59) % 89].map(|k| f32::from(k) / 10.0);
            board.rect([x.min(9.8), y], [0.1, 0.1], STAR);
        }
        for [x, y] in cells(&self.aliens) {
            draw_alien(&mut board, [x as f32, y as f32], self.heading as f32);
        }
        for [x, y] in cells(&self.bullets) {
            board.rect([x as f32 + 0.4, y as f32 + 0.1], [0.2, 0.8], FRIENDLY);
        }
        for [x, y] in cells(&self.hostile_bullets) {
            let [x, y] = [x as f32, y as f32];
            board
                .polygon([[x + 0.5, y + 1.0], [x + 0.2, y + 0.3], [x + 0.5, y], [x + 0.8, y + 0.3]], HOSTILE);
        }
        let [x, y] = [self.cannon as f32, LAST as f32];
        board.rect([x, y + 0.5], [1.0, 0.5], CANNON);
        board.rect([x + 0.35, y + 0.1], [0.3, 0.5], CANNON);
    }

    fn expert(&self) -> usize {
        let mut best = (0, f32::NEG_INFINITY);
        for (choice, n_moves) in [(0, 0)].into_iter().chain((1..CELLS as usize).flat_map(|n| {
            // Waiting is a plan too.
            [(0, n), (1, n), (2, n)]
        })) {
            let worth = self.worth_of(choice, n_moves);
            if worth > best.1 {
                best = (if n_moves == 0 { 3 } else { choice }, worth);
            }
        }
        best.0
    }
}

/// A head with feelers and legs; its eyes look where it goes.
fn draw_alien(board: &mut Board<'_, '_>, [x, y]: [f32; 2], heading: f32) {
    board.rect([x + 0.17, y + 0.02], [0.14, 0.3], ALIEN);
    board.rect([x + 0.69, y + 0.02], [0.14, 0.3], ALIEN);
    board.rect([x + 0.05, y + 0.22], [0.9, 0.5], ALIEN);
    board.rect([x + 0.05, y + 0.7], [0.2, 0.18], ALIEN);
    board.rect([x + 0.75, y + 0.7], [0.2, 0.18], ALIEN);
    let eye = x + 0.42 + 0.12 * heading;
    board.rect([eye - 0.17, y + 0.34], [0.16, 0.2], EYE);
    board.rect([eye + 0.17, y + 0.34], [0.16, 0.2], EYE);
}
