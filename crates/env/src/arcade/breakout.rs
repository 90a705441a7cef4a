//! Breakout by MinAtar's rules, drawn as a 64x64 RGB picture.
//!
//! Reference: Young and Tian, "MinAtar: An Atari-Inspired Testbed" (arXiv 1903.03176). A 10x10 grid holds a paddle on the
//! bottom row, three rows of bricks and a ball that travels on diagonals. A brick is worth 1. Losing the ball ends the
//! episode. When the last brick is gone and the ball comes back to the paddle's row, a new wall appears.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use crate::blueprint::blueprint;
use crate::canvas::{Canvas, turned};
use crate::look::HUE;
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

const CELLS: i32 = 10;
const FLOOR: i32 = CELLS - 1;
/// Grid row of the highest bricks.
const BRICK_TOP: i32 = 1;

const NIGHT: [u8; 3] = [10, 12, 20];
const WALL: [u8; 3] = [84, 90, 108];
const BRICKS: [[u8; 3]; 3] = [[232, 76, 70], [244, 170, 58], [88, 192, 104]];
const PADDLE: [u8; 3] = [78, 154, 240];
const BALL: [u8; 3] = [255, 255, 255];
const TRAIL: [u8; 3] = [118, 122, 138];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "breakout",
    about: "Breakout by MinAtar's rules, RGB, 3 actions, 1 point a brick",
    page: "\
A paddle, a ball that travels on diagonals, and three rows of bricks on a grid of ten by ten.

- `pixels`: the field inside its wall; the ball's last place is shown as a trail.
- Actions: `noop`, `left`, `right`; with chance `sticky` the last one is repeated.
- Reward: 1 a brick. A cleared wall grows again.
- Ends when the ball is lost; cut off after 500 steps.
- Equal to MinAtar 1.0.15's game, cell by cell. The expert looks ahead to where the ball comes down.",
    options: &[
        OptionEntry {
            name: "sticky",
            default: "0.1",
            about: "chance that the last action is repeated, as in MinAtar",
        },
        OptionEntry { name: "max_steps", default: "500", about: "steps until truncation, or `none`" },
    ],
    factors: &[HUE],
    make: Maker::BuiltIn(|options| {
        let face = Face {
            action: Space::Discrete { n: 3 },
            action_names: &["noop", "left", "right"],
            views: vec![View::pixels("pixels", options)?],
            max_steps: Some(500),
        };
        blueprint(Breakout::new(options)?, face, ENTRY.factors, options)
    }),
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
    pub fn act(&mut self, push: i32) -> f32 {
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

    /// The picture: square cells inside a wall, at 64x64 of 6 pixels and the wall of 2. Bricks leave a joint; the trail is a
    /// smaller square, so that what lies under it stays visible.
    pub fn draw(&self, hue_deg: f32, canvas: &mut Canvas<'_>) {
        let turn = |colour| turned(colour, hue_deg);
        let side = canvas.height.min(canvas.width) as i32;
        let cell = (side * 15 / 16 / CELLS).max(1);
        let joint = (cell / 6).max(i32::from(cell > 2));
        let left = (canvas.width as i32 - cell * CELLS) / 2;
        let top = (canvas.height as i32 - cell * CELLS) / 2;
        canvas.fill(turn(WALL));
        canvas.rect(left, top, cell * CELLS, cell * CELLS, turn(NIGHT));
        let mut paint = |x: i32, y: i32, inset: i32, side: i32, colour| {
            canvas.rect(left + cell * x + inset, top + cell * y + inset, side, side, turn(colour));
        };
        for (y, (row, colour)) in (BRICK_TOP..).zip(self.bricks.iter().zip(&BRICKS)) {
            for (x, _) in (0..).zip(row).filter(|(_, stands)| **stands) {
                paint(x, y, 0, cell - joint, *colour);
            }
        }
        paint(self.trail[0], self.trail[1], joint, cell - 2 * joint, TRAIL);
        paint(self.paddle, FLOOR, 0, cell, PADDLE);
        paint(self.ball[0], self.ball[1], 0, cell, BALL);
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
            ahead.act(0);
        }
        self.paddle
    }
}

/// [`Game`] as a world: 3 actions (`noop`, `left`, `right`) and sticky actions. The seed decides from which side the ball
/// starts and when an action sticks.
#[derive(Debug)]
pub struct Breakout {
    sticky: f32,
}

/// Everything that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The game.
    pub game: Game,
    /// The action that sticks.
    pub last_action: usize,
    /// How far all colours are turned, in degrees.
    pub hue_deg: f32,
}

impl Breakout {
    fn new(options: &Options) -> Result<Self> {
        Ok(Self { sticky: options.number("sticky", 0.1, 0.0..=1.0)? })
    }
}

impl World for Breakout {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        State { game: Game::new(rng.chance(0.5)), last_action: 0, hue_deg: factors[0] }
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        let stuck = self.sticky > 0.0 && rng.chance(self.sticky);
        if !stuck {
            state.last_action = action.choice();
        }
        let reward = state.game.act([0, -1, 1][state.last_action]);
        Outcome { reward, terminated: state.game.lost }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        if let Sight::Pixels(mut canvas) = out {
            state.game.draw(state.hue_deg, &mut canvas);
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let Game { paddle, ball, trail, heading, .. } = &state.game;
        let on_grid = [paddle].into_iter().chain(ball).chain(trail).all(|i| (0..CELLS).contains(i));
        let moving =
            heading.iter().all(|step| matches!(step, 1 | -1)) && HUE.bounds().contains(&state.hue_deg);
        if on_grid && moving && state.last_action < 3 {
            Ok(())
        } else {
            Err(Error::invalid("expected a paddle and a ball on the grid, got others"))
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        Value::Discrete(match state.game.landing() - state.game.paddle {
            0 => 0,
            ..0 => 1,
            _ => 2,
        })
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
        assert_eq!(game.act(0), 1.0);
        assert!(!game.bricks[2][5]);
        assert_eq!((game.ball, game.heading), ([5, 4], [1, 1]));
    }

    #[test]
    fn a_lost_ball_ends_the_game_and_a_cleared_wall_grows_again() {
        let mut game = Game::new(false);
        game.bricks = [[false; 10]; 3];
        game.ball = [0, 8];
        game.paddle = 9;
        assert_eq!(game.act(0), 0.0);
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
