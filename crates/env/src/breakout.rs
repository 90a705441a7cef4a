//! Breakout by MinAtar's rules, drawn as a 64x64 RGB picture.
//!
//! Reference: Young and Tian, "MinAtar: An Atari-Inspired Testbed" (arXiv 1903.03176). A 10x10 grid holds a paddle on the
//! bottom row, three rows of bricks and a ball that travels on diagonals. A brick is worth 1. Losing the ball ends the
//! episode. When the last brick is gone and the ball comes back to the paddle's row, a new wall appears.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Env, EnvSpec, Error, Image, Result, Rng, Seed, Space, Step, Value};

use crate::clock::Clock;
use crate::{EnvEntry, OptionEntry, Options};

const CELLS: i32 = 10;
const FLOOR: i32 = CELLS - 1;
/// Grid row of the highest bricks.
const BRICK_TOP: i32 = 1;
const CELL_PX: usize = 6;
const BORDER_PX: usize = 2;
const SIZE_PX: usize = 64;

const NIGHT: [u8; 3] = [10, 12, 20];
const WALL: [u8; 3] = [84, 90, 108];
const BRICKS: [[u8; 3]; 3] = [[232, 76, 70], [244, 170, 58], [88, 192, 104]];
const PADDLE: [u8; 3] = [78, 154, 240];
const BALL: [u8; 3] = [255, 255, 255];
const TRAIL: [u8; 3] = [118, 122, 138];

/// The field without anything on it.
static EMPTY: LazyLock<Image> = LazyLock::new(|| {
    let mut image = Image::new(SIZE_PX, SIZE_PX, 3);
    let inner_px = SIZE_PX - 2 * BORDER_PX;
    image.fill_rect(0, 0, SIZE_PX, SIZE_PX, &WALL);
    image.fill_rect(BORDER_PX, BORDER_PX, inner_px, inner_px, &NIGHT);
    image
});

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "breakout",
    about: "Breakout by MinAtar's rules, 64x64 RGB, 3 actions, 1 point a brick",
    options: &[
        OptionEntry {
            name: "sticky",
            default: "0.1",
            about: "chance that the last action is repeated, as in MinAtar",
        },
        OptionEntry { name: "max_steps", default: "500", about: "steps until truncation, or `none`" },
    ],
    make: |options| Ok(Box::new(Breakout::new(options)?)),
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

    /// The picture: 6-pixel cells inside a 2-pixel wall. Bricks leave a one-pixel joint; the trail is a smaller square,
    /// so that what lies under it stays visible.
    pub fn draw(&self) -> Image {
        let mut image = EMPTY.clone();
        let mut cell = |x: i32, y: i32, inset: usize, side: usize, colour: &[u8; 3]| {
            let px = |i: i32| BORDER_PX + inset + CELL_PX * i as usize;
            image.fill_rect(px(x), px(y), side, side, colour);
        };
        for (y, (row, colour)) in (BRICK_TOP..).zip(self.bricks.iter().zip(&BRICKS)) {
            for (x, _) in (0..).zip(row).filter(|(_, stands)| **stands) {
                cell(x, y, 0, CELL_PX - 1, colour);
            }
        }
        cell(self.trail[0], self.trail[1], 1, CELL_PX - 2, &TRAIL);
        cell(self.paddle, FLOOR, 0, CELL_PX, &PADDLE);
        cell(self.ball[0], self.ball[1], 0, CELL_PX, &BALL);
        image
    }
}

/// [`Game`] as an environment: 3 actions (`noop`, `left`, `right`), a 64x64x3 picture, a time limit and sticky
/// actions, both optional. The seed decides from which side the ball starts and when an action sticks.
pub struct Breakout {
    spec: EnvSpec,
    sticky: f32,
    state: State,
}

/// Everything that changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    game: Game,
    rng: Rng,
    last_action: i64,
    clock: Clock,
}

impl Breakout {
    /// Makes the game; see [`ENTRY`] for the options.
    ///
    /// # Errors
    /// If an option has a wrong value.
    pub fn new(options: &Options) -> Result<Self> {
        let spec = EnvSpec {
            id: options.id().to_string(),
            obs: Space::Image { height: SIZE_PX, width: SIZE_PX, channels: 3 },
            action: Space::Discrete { n: 3 },
            action_names: ["noop", "left", "right"].map(String::from).to_vec(),
            max_steps: options.limit("max_steps", Some(500))?,
        };
        let sticky = options.number("sticky", 0.1, 0.0..=1.0)?;
        let state =
            State { game: Game::new(false), rng: Seed(0).rng(), last_action: 0, clock: Clock::stopped() };
        Ok(Self { spec, sticky, state })
    }

    fn obs(&self) -> Value {
        Value::Image(self.state.game.draw())
    }
}

impl Env for Breakout {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        let mut rng = seed.rng();
        let game = Game::new(rng.chance(0.5));
        self.state = State { game, rng, last_action: 0, clock: Clock::started() };
        Ok(Step::first(self.obs()))
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        self.state.clock.admit(&self.spec, action)?;
        let state = &mut self.state;
        let stuck = self.sticky > 0.0 && state.rng.chance(self.sticky);
        if !stuck {
            state.last_action = action.as_discrete().unwrap_or(0);
        }
        let reward = state.game.act([0, -1, 1][state.last_action as usize]);
        let kind = state.clock.tick(&self.spec, state.game.lost);
        Ok(Step { kind, obs: self.obs(), reward })
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.state).ok()
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        let state: State = serde_json::from_slice(state)
            .map_err(|e| Error::invalid(format!("expected a saved state of `breakout`, got {e}")))?;
        let Game { paddle, ball, trail, heading, .. } = &state.game;
        let on_grid = [paddle].into_iter().chain(ball).chain(trail).all(|i| (0..CELLS).contains(i));
        if !on_grid
            || heading.iter().any(|step| !matches!(step, 1 | -1))
            || !(0..3).contains(&state.last_action)
        {
            return Err(Error::invalid("expected a saved state of `breakout`, got one against its rules"));
        }
        self.state = state;
        Ok(())
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
        let image = game.draw();
        let at = |x: usize, y: usize| {
            let i = ((BORDER_PX + 6 * y + 2) * SIZE_PX + BORDER_PX + 6 * x + 2) * 3;
            [image.data[i], image.data[i + 1], image.data[i + 2]]
        };
        assert_eq!([at(0, 1), at(0, 2), at(0, 3)], BRICKS);
        assert_eq!([at(5, 6), at(4, 5), at(4, 9), at(9, 9)], [BALL, TRAIL, PADDLE, NIGHT]);
        assert_eq!(image.data[..3], WALL);
    }
}
