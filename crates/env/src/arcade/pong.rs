//! Pong: two paddles, a ball, and an opponent as good as one likes.
//!
//! The rules are worldsmith's own. The court is the unit square, `y` down; the player is on the right. Where the ball meets
//! a paddle decides how steeply it leaves, and every return makes it faster. The opponent follows the ball at a part of the
//! player's speed, its skill, and only when the ball comes its way.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::Factor;
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

/// How far a paddle's face is from its edge of the court.
const INSET: f32 = 0.06;
/// Half the side of the ball.
const BALL_RADIUS: f32 = 0.024;
/// How far the player's paddle goes in a step.
const PADDLE_SPEED: f32 = 0.04;
/// How much faster the ball is after each return.
const GAIN: f32 = 1.04;
/// Never faster than this.
const MAX_BALL_SPEED: f32 = 0.06;
/// How steeply the ball leaves the end of a paddle: its way down or up for each step across.
const STEEPEST: f32 = 1.4;
/// Steps between a point and the next serve.
const PAUSE_STEPS: u32 = 8;

const COURT: Rgb = [16, 34, 38];
const CHALK: Rgb = [62, 96, 98];
const PLAYER: Rgb = [104, 220, 150];
const OPPONENT: Rgb = [246, 142, 84];
const BALL: Rgb = [250, 250, 240];

const FACTORS: &[Factor] = &[
    HUE,
    LIGHT,
    Factor {
        name: "ball_speed",
        about: "speed of a serve, in courts a step",
        default: 0.028,
        train: [0.022, 0.034],
        shifted: [0.036, 0.046],
    },
    Factor {
        name: "paddle_length",
        about: "length of both paddles, in courts",
        default: 0.2,
        train: [0.16, 0.26],
        shifted: [0.1, 0.15],
    },
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "pong",
    about: "Pong against an opponent of settable skill, RGB or 8 numbers, 3 actions, first to 5 points",
    page: "\
Two paddles and a ball; the player is the right one.

- `pixels`: the court; points so far are the dots along its upper edge. `state`: ball x and y, its x and y speed, the
  player's y, the opponent's y (courts, and courts a step), and both scores as parts of the points that win.
- Actions: `noop`, `up`, `down`: 0.04 courts a step.
- Reward: 1 for a point, -1 for one of the opponent.
- The ball is served from the middle towards whoever lost the last point, first by chance, after 8 steps. It leaves a paddle
  the more steeply the further from the paddle's middle it met it, and 4 % faster, up to 0.06 courts a step.
- The opponent follows the ball at `skill` times the player's speed while it comes its way; at 1 it seldom misses.
- Ends when one side has `points` points; cut off after 2,000 steps. Rules of worldsmith's own; no reference.
- The expert goes where the ball will come and returns it away from the opponent.",
    options: &[
        OptionEntry { name: "skill", default: "0.3", about: "speed of the opponent as part of the player's, 0 to 1" },
        OptionEntry { name: "points", default: "5", about: "points that win, 1 to 21" },
        OptionEntry { name: "max_steps", default: "2000", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let face = Face {
            action: Space::Discrete { n: 3 },
            action_names: &["noop", "up", "down"],
            views: vec![
                View::pixels("pixels", options)?,
                View::numbers(
                    "state",
                    &[-0.1, 0.0, -0.1, -0.1, 0.0, 0.0, 0.0, 0.0],
                    &[1.1, 1.0, 0.1, 0.1, 1.0, 1.0, 1.0, 1.0],
                ),
            ],
            max_steps: Some(2000),
        };
        blueprint(Pong::new(options)?, face, FACTORS, options)
    }),
};

/// The rules.
#[derive(Debug)]
pub struct Pong {
    skill: f32,
    points: u32,
}

/// Everything that changes. Places are in courts from the top left, speeds in courts a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Middle of the ball.
    pub ball: [f32; 2],
    /// How it moves; still before a serve.
    pub velocity: [f32; 2],
    /// Middle of the player's paddle.
    pub player_y: f32,
    /// Middle of the opponent's paddle.
    pub opponent_y: f32,
    /// Points of the player and of the opponent.
    pub score: [u32; 2],
    /// Steps until the serve.
    pub pause: u32,
    /// Whether the next serve goes to the player.
    pub to_player: bool,
    /// Speed of a serve.
    pub ball_speed: f32,
    /// Length of both paddles.
    pub paddle_length: f32,
    /// Colours of the episode.
    pub look: Look,
}

impl Pong {
    fn new(options: &Options) -> Result<Self> {
        Ok(Self {
            skill: options.number("skill", 0.3, 0.0..=1.0)?,
            points: options.number("points", 5, 1..=21)?,
        })
    }
}

impl World for Pong {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        State {
            ball: [0.5; 2],
            velocity: [0.0; 2],
            player_y: 0.5,
            opponent_y: 0.5,
            score: [0; 2],
            pause: PAUSE_STEPS,
            to_player: rng.chance(0.5),
            look: Look::new([factors[0], factors[1]]),
            ball_speed: factors[2],
            paddle_length: factors[3],
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        state.player_y = state.kept(state.player_y + PADDLE_SPEED * [0.0, -1.0, 1.0][action.choice()]);
        state.follow(self.skill * PADDLE_SPEED);
        if state.pause > 0 {
            state.pause -= 1;
            if state.pause == 0 {
                state.serve(rng);
            }
            return Outcome { reward: 0.0, terminated: false };
        }
        state.fly();
        let reward = match state.ball[0] {
            x if x < 0.0 => state.point(0),
            x if x > 1.0 => state.point(1),
            _ => 0.0,
        };
        Outcome { reward, terminated: state.score.iter().any(|points| *points >= self.points) }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Pixels(mut canvas) => state.draw(&mut canvas),
            Sight::Numbers(numbers) => {
                let State { ball, velocity, player_y, opponent_y, score, .. } = state;
                let [own, other] = score.map(|points| points as f32 / self.points as f32);
                let all = [ball[0], ball[1], velocity[0], velocity[1], *player_y, *opponent_y, own, other];
                numbers.copy_from_slice(&all);
            }
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let bounds = [
            (state.ball[0], 0.0..=1.0),
            (state.ball[1], 0.0..=1.0),
            (state.velocity[0], -0.1..=0.1),
            (state.velocity[1], -0.1..=0.1),
            (state.player_y, 0.0..=1.0),
            (state.opponent_y, 0.0..=1.0),
            (state.ball_speed, 0.001..=0.1),
            (state.paddle_length, 0.01..=0.9),
        ];
        state.look.check()?;
        let is_within = bounds.iter().all(|(x, range)| range.contains(x));
        let is_playing =
            state.score.iter().all(|points| *points <= self.points) && state.pause <= PAUSE_STEPS;
        if is_within && is_playing {
            Ok(())
        } else {
            Err(Error::invalid(
                "expected a ball and paddles on the court and a game that goes on, got others",
            ))
        }
    }

    /// Goes where the ball will come, so that it is met off the paddle's middle and leaves away from the opponent.
    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let goal = match state.landing() {
            // The upper end sends the ball up.
            Some(y) if state.opponent_y > 0.5 => y + 0.36 * state.paddle_length,
            Some(y) => y - 0.36 * state.paddle_length,
            None => 0.5,
        };
        let off = state.kept(goal) - state.player_y;
        Value::Discrete(match off {
            _ if off.abs() <= PADDLE_SPEED / 2.0 => 0,
            _ if off < 0.0 => 1,
            _ => 2,
        })
    }
}

impl State {
    /// The place nearest to `y` where a paddle is whole on the court.
    fn kept(&self, y: f32) -> f32 {
        y.clamp(self.paddle_length / 2.0, 1.0 - self.paddle_length / 2.0)
    }

    /// The opponent goes towards the ball that comes its way, else to the middle at half its speed.
    fn follow(&mut self, speed: f32) {
        let (goal, speed) = if self.velocity[0] < 0.0 { (self.ball[1], speed) } else { (0.5, speed / 2.0) };
        let step = (goal - self.opponent_y).clamp(-speed, speed);
        self.opponent_y = self.kept(self.opponent_y + step);
    }

    fn serve(&mut self, rng: &mut Rng) {
        let steepness = 1.6 * rng.uniform() - 0.8;
        self.set_off(if self.to_player { 1.0 } else { -1.0 }, steepness, self.ball_speed);
    }

    /// Sends the ball to a side (1 or -1); `steepness` is its way down for each step across.
    fn set_off(&mut self, side: f32, steepness: f32, speed: f32) {
        let across = speed / (1.0 + steepness * steepness).sqrt();
        self.velocity = [side * across, steepness * across];
    }

    /// The ball flies a step, off the walls and the paddles.
    fn fly(&mut self) {
        let before = self.ball[0];
        let [x, y] = [before + self.velocity[0], self.ball[1] + self.velocity[1]];
        let inside = y.clamp(BALL_RADIUS, 1.0 - BALL_RADIUS);
        if y != inside {
            self.velocity[1] = -self.velocity[1];
        }
        self.ball = [x, (2.0 * inside - y).clamp(BALL_RADIUS, 1.0 - BALL_RADIUS)];
        let faces = [(INSET + BALL_RADIUS, self.opponent_y), (1.0 - INSET - BALL_RADIUS, self.player_y)];
        for (face, paddle_y) in faces {
            let crosses = (before - face) * (x - face) <= 0.0 && (x - before) * (face - 0.5) > 0.0;
            let off = (self.ball[1] - paddle_y) / (self.paddle_length / 2.0 + BALL_RADIUS);
            if crosses && off.abs() <= 1.0 {
                let speed = self.velocity[0].hypot(self.velocity[1]) * GAIN;
                self.ball[0] = face;
                self.set_off(if face < 0.5 { 1.0 } else { -1.0 }, STEEPEST * off, speed.min(MAX_BALL_SPEED));
            }
        }
    }

    /// A point for the player (0) or the opponent (1); returns the reward. The loser is served to.
    fn point(&mut self, winner: usize) -> f32 {
        self.score[winner] += 1;
        (self.ball, self.velocity) = ([0.5; 2], [0.0; 2]);
        self.pause = PAUSE_STEPS;
        self.to_player = winner == 1;
        if winner == 0 { 1.0 } else { -1.0 }
    }

    /// Where the ball comes to the player's paddle, if it is on its way.
    fn landing(&self) -> Option<f32> {
        if self.velocity[0] <= 0.0 {
            return None;
        }
        let mut ahead = self.clone();
        let face = 1.0 - INSET - BALL_RADIUS;
        for _ in 0..200 {
            // Nobody returns it on its way.
            (ahead.player_y, ahead.opponent_y) = (9.0, 9.0);
            if ahead.ball[0] >= face {
                return Some(ahead.ball[1]);
            }
            ahead.fly();
        }
        None
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let mut rect = |[left, top, right, bottom]: [f32; 4], colour| {
            let [x0, x1] = [left, right].map(|x| (x * width).round() as i32);
            let [y0, y1] = [top, bottom].map(|y| (y * height).round() as i32);
            canvas.rect(x0, y0, (x1 - x0).max(1), (y1 - y0).max(1), self.look.of(colour));
        };
        rect([0.0, 0.0, 1.0, 1.0], COURT);
        for i in 0..8 {
            let top = (i as f32 + 0.25) / 8.0;
            rect([0.49, top, 0.51, top + 0.0625], CHALK);
        }
        for (points, colour, from, step) in
            [(self.score[0], PLAYER, 0.94, -0.045), (self.score[1], OPPONENT, 0.03, 0.045)]
        {
            for i in 0..points {
                let x = from + step * i as f32;
                rect([x, 0.02, x + 0.03, 0.05], colour);
            }
        }
        let half = self.paddle_length / 2.0;
        rect([INSET - 0.035, self.opponent_y - half, INSET, self.opponent_y + half], OPPONENT);
        rect([1.0 - INSET, self.player_y - half, 1.035 - INSET, self.player_y + half], PLAYER);
        let [x, y] = self.ball;
        rect([x - BALL_RADIUS, y - BALL_RADIUS, x + BALL_RADIUS, y + BALL_RADIUS], BALL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    fn state() -> State {
        let pong = Pong { skill: 0.0, points: 5 };
        State { pause: 0, ..pong.start(&[0.0, 1.0, 0.03, 0.2], &mut Seed(0).rng()) }
    }

    #[test]
    fn a_paddle_returns_the_ball_the_more_steeply_the_further_from_its_middle() {
        for (player_y, steepness) in [(0.5, 0.0), (0.438, STEEPEST / 2.0), (0.562, -STEEPEST / 2.0)] {
            let mut state = State { ball: [0.9, 0.5], velocity: [0.03, 0.0], player_y, ..state() };
            state.fly();
            let [vx, vy] = state.velocity;
            assert!((vx.hypot(vy) - 0.03 * GAIN).abs() < 1e-6 && vx < 0.0, "{vx} {vy}");
            assert!((vy / -vx - steepness).abs() < 1e-5, "{vy} {steepness}");
        }
    }

    #[test]
    fn a_missed_ball_is_a_point_and_the_loser_is_served_to() {
        let pong = Pong { skill: 0.0, points: 1 };
        let mut state = State { ball: [0.99, 0.9], velocity: [0.03, 0.0], ..state() };
        let outcome = pong.act(&mut state, Action::Choice(0), &mut Seed(0).rng());
        assert_eq!((outcome.reward, outcome.terminated, state.score), (-1.0, true, [0, 1]));
        assert!(state.to_player);
    }

    #[test]
    fn walls_turn_the_ball() {
        let mut state = State { ball: [0.5, 0.03], velocity: [0.0, -0.03], ..state() };
        state.fly();
        assert!((state.ball[1] - 0.048).abs() < 1e-6 && state.velocity[1] == 0.03, "{:?}", state.ball);
    }
}
