//! Breakout by MinAtar's rules, drawn as a 64x64 RGB picture.
//!
//! Reference: Young and Tian, "MinAtar: An Atari-Inspired Testbed" (arXiv 1903.03176). A 10x10 grid holds a paddle on the
//! bottom row, three rows of bricks and a ball that travels on diagonals. A brick is worth 1. Losing the ball ends the
//! episode. When the last brick is gone and the ball comes back to the paddle's row, a new wall appears.

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

use super::minatar::{self, Board, CELLS, LAST as FLOOR, Planes, Rules, STICKY, on_grid};
use crate::canvas::Canvas;
use crate::factors::Factor;
use crate::look::HUE;
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// Grid row of the highest bricks.
const BRICK_TOP: i32 = 1;

const NIGHT: [u8; 3] = [10, 12, 20];
const WALL: [u8; 3] = [84, 90, 108];
const BRICKS: [[u8; 3]; 3] = [[232, 76, 70], [244, 170, 58], [88, 192, 104]];
const PADDLE: [u8; 3] = [78, 154, 240];
const BALL: [u8; 3] = [255, 255, 255];
const TRAIL: [u8; 3] = [118, 122, 138];

const FACTORS: &[Factor] = &[HUE];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "breakout",
    about: "Breakout by MinAtar's rules, RGB, 3 actions, 1 point a brick",
    page: "\
A paddle, a ball that travels on diagonals, and three rows of bricks on a grid of ten by ten.

- `pixels`: the field inside its wall; the ball's last place is shown as a trail.
- `planes`: paddle, ball, trail and bricks as 10x10x4 numbers.
- Actions: `noop`, `left`, `right`; with chance `sticky` the last one is repeated.
- Reward: 1 a brick. A cleared wall grows again.
- Ends when the ball is lost; cut off after 500 steps.
- Equal to MinAtar 1.0.15's game, cell by cell. The expert looks ahead to where the ball comes down.",
    options: &[
        STICKY,
        OptionEntry { name: "max_steps", default: "500", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| minatar::insert::<Game>(options, FACTORS, Some(500))),
};

/// The rules alone: ten by ten cells, no chance, no picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Game {
    /// Column of the paddle, in the bottom row.
    pub paddle: i32,
    /// Column and row of the ball.
    pub ball: [i32; 2],
    /// Where the ball was one step ago.
    pub trail: [i32; 2],
    /// Column and row steps of the ball, each 1 or -1.
    pub heading: [i32; 2],
    /// Which bricks stand, by row from the top.
    pub bricks: [[bool; CELLS as usize]; 3],
    /// Whether the ball was at a brick's place in the last step; it breaks no other brick right after.
    pub striking: bool,
    /// Whether the ball is lost.
    pub lost: bool,
}

impl Game {
    /// A full wall and the ball on its way down from the left or right edge.
    pub fn new(from_right: bool) -> Self {
        let (x, dx) = if from_right { (FLOOR, -1) } else { (0, 1) };
        Self {
            paddle: 4,
            ball: [x, 3],
            trail: [x, 3],
            heading: [dx, 1],
            bricks: [[true; CELLS as usize]; 3],
            striking: false,
            lost: false,
        }
    }

    /// Moves the paddle by `push` (-1, 0 or 1) and the ball by one diagonal; returns the reward.
    pub fn turn(&mut self, push: i32) -> f32 {
        if self.lost {
            return 0.0;
        }
        self.paddle = (self.paddle + push).clamp(0, FLOOR);
        self.trail = self.ball;
        let [last_x, last_y] = self.trail;
        let (x, mut y) = (last_x + self.heading[0], last_y + self.heading[1]);
        if x != x.clamp(0, FLOOR) {
            self.heading[0] *= -1;
        }
        let x = x.clamp(0, FLOOR);
        let struck_before = self.striking;
        self.striking = self.brick(x, y).is_some_and(|stands| *stands);
        let mut reward = 0.0;
        if y < 0 {
            y = 0;
            self.heading[1] *= -1;
        } else if self.striking {
            if !struck_before && let Some(brick) = self.brick(x, y) {
                *brick = false;
                reward = 1.0;
                y = last_y;
                self.heading[1] *= -1;
            }
        } else if y == FLOOR {
            y = self.meet_floor(x);
        }
        self.ball = [x, y];
        reward
    }

    /// The ball comes to the paddle's row at column `x`: it bounces or is lost. Returns the ball's row.
    fn meet_floor(&mut self, x: i32) -> i32 {
        if self.bricks.iter().flatten().all(|brick| !brick) {
            self.bricks = [[true; CELLS as usize]; 3];
        }
        if self.trail[0] == self.paddle {
            self.heading[1] *= -1;
        } else if x == self.paddle {
            self.heading = [-self.heading[0], -self.heading[1]];
        } else {
            self.lost = true;
            return FLOOR;
        }
        self.trail[1]
    }

    /// The place of a brick, standing or not, at column `x` and row `y`.
    fn brick(&mut self, x: i32, y: i32) -> Option<&mut bool> {
        let row = usize::try_from(y - BRICK_TOP).ok()?;
        self.bricks.get_mut(row)?.get_mut(usize::try_from(x).ok()?)
    }

    /// Column and row of each brick that stands.
    fn standing(&self) -> impl Iterator<Item = [i32; 2]> {
        let rows = (BRICK_TOP..).zip(&self.bricks);
        rows.flat_map(|(y, row)| (0..).zip(row).filter(|(_, stands)| **stands).map(move |(x, _)| [x, y]))
    }

    /// The column in which the ball comes down next, if nothing but walls and bricks turns it.
    fn landing(&self) -> i32 {
        let mut ahead = self.clone();
        for _ in 0..4 * CELLS {
            let before = ahead.ball;
            ahead.paddle = (before[0] + ahead.heading[0]).clamp(0, FLOOR);
            if ahead.heading[1] > 0 && before[1] + 1 == FLOOR {
                return ahead.paddle;
            }
            ahead.turn(0);
        }
        self.paddle
    }
}

impl Rules for Game {
    const ACTIONS: &'static [&'static str] = &["noop", "left", "right"];
    const N_PLANES: usize = 4;

    fn start(_: &[f32], rng: &mut Rng) -> Self {
        Self::new(rng.chance(0.5))
    }

    fn act(&mut self, choice: usize, _: bool, _: &mut Rng) -> f32 {
        self.turn([0, -1, 1][choice])
    }

    fn is_over(&self) -> bool {
        self.lost
    }

    fn is_sound(&self) -> bool {
        (0..CELLS).contains(&self.paddle)
            && on_grid(self.ball)
            && on_grid(self.trail)
            && self.heading.iter().all(|step| matches!(step, 1 | -1))
    }

    fn mark(&self, planes: &mut Planes<'_>) {
        planes.mark([self.paddle, FLOOR], 0);
        planes.mark(self.ball, 1);
        planes.mark(self.trail, 2);
        self.standing().for_each(|at| planes.mark(at, 3));
    }

    /// Square cells inside a wall. Bricks leave a joint; the trail is a smaller square, so that what lies under it stays
    /// visible.
    fn draw(&self, hue_deg: f32, canvas: &mut Canvas<'_>) {
        let mut board = Board::new(canvas, hue_deg, [WALL, NIGHT]);
        let cell = board.cell_px;
        let joint = (cell / 6).max(i32::from(cell > 2));
        for [x, y] in self.standing() {
            board.square([x, y], 0, cell - joint, BRICKS[(y - BRICK_TOP) as usize]);
        }
        board.square(self.trail, joint, cell - 2 * joint, TRAIL);
        board.square([self.paddle, FLOOR], 0, cell, PADDLE);
        board.square(self.ball, 0, cell, BALL);
    }

    fn expert(&self) -> usize {
        match self.landing() - self.paddle {
            0 => 0,
            ..0 => 1,
            _ => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struck_brick_pays_once_and_turns_the_ball() {
        let mut game = Game::new(false);
        game.ball = [4, 4];
        game.heading = [1, -1];
        assert_eq!(game.turn(0), 1.0);
        assert!(!game.bricks[2][5]);
        assert_eq!((game.ball, game.heading), ([5, 4], [1, 1]));
    }

    #[test]
    fn a_lost_ball_ends_the_game_and_a_cleared_wall_grows_again() {
        let mut game = Game::new(false);
        game.bricks = [[false; 10]; 3];
        game.ball = [0, 8];
        game.paddle = 9;
        assert_eq!(game.turn(0), 0.0);
        assert!(game.lost);
        assert!(game.bricks.iter().flatten().all(|b| *b));
    }

    #[test]
    fn each_part_has_a_colour_of_its_own() {
        let mut game = Game::new(false);
        game.ball = [5, 6];
        game.trail = [4, 5];
        let mut px = vec![0; 64 * 64 * 3];
        game.draw(0.0, &mut Canvas::new(&mut px, 64, 64));
        let at = |x: usize, y: usize| {
            let i = ((2 + 6 * y + 2) * 64 + 2 + 6 * x + 2) * 3;
            [px[i], px[i + 1], px[i + 2]]
        };
        assert_eq!([at(0, 1), at(0, 2), at(0, 3)], BRICKS);
        assert_eq!([at(5, 6), at(4, 5), at(4, 9), at(9, 9)], [BALL, TRAIL, PADDLE, NIGHT]);
        assert_eq!(px[..3], WALL);
    }
}
