//! MountainCar: a car too weak for the hill must swing up and down the valley until it gets out.
//!
//! Reference: Moore (1990), with the constants, limits and rewards of Gymnasium 1.4's `MountainCar-v0`. Only the start
//! differs: it is uniform in the same range but drawn from worldsmith's own generator.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Result, Rng, Space, Value};

use super::hill::{
    self, GOAL_VELOCITY, GRAVITY, GRAVITY_SCALE, MAX_POSITION, MAX_SPEED, MIN_POSITION, PUSH_SCALE, Scene,
};
use crate::EnvEntry;
use crate::blueprint::blueprint;
use crate::factors::{check, exact};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, World};

const PUSH: f64 = 0.001;
const GOAL: f64 = 0.5;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "mountain_car",
    about: "MountainCar as in Gymnasium's MountainCar-v0: 2 numbers, 3 actions, -1 a step",
    page: "\
A car in a valley is too weak to drive up to the flag; it must swing back and forth to get there.

- `state`: position and velocity (a step). `pixels`: the valley from the side.
- Actions: `left`, `coast`, `right`, a push of 0.001 a step.
- Reward: -1 a step.
- Ends at position 0.5, if the car is there at least as fast as `goal_velocity`; cut off after 200 steps.
- Equal to Gymnasium 1.4's `MountainCar-v0` bit for bit from the same state. The expert pushes the way the car moves.",
    options: &[GOAL_VELOCITY],
    factors: &[PUSH_SCALE, GRAVITY_SCALE, HUE, LIGHT],
    make: Maker::BuiltIn(|options| {
        let face = Face {
            action: Space::Discrete { n: 3 },
            action_names: &["left", "coast", "right"],
            views: hill::views(options)?,
            max_steps: Some(200),
        };
        let world = MountainCar { goal_velocity: options.number("goal_velocity", 0.0, 0.0..=MAX_SPEED)? };
        blueprint(world, face, ENTRY.factors, options)
    }),
};

/// The rules of the car with three actions. Views: `state`, position and velocity; `pixels`, the valley from the side.
#[derive(Debug, Default)]
pub struct MountainCar {
    /// The least velocity with which the goal counts.
    pub goal_velocity: f64,
}

/// Everything that changes, and the constants of the episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Where the car is, from -1.2 to 0.6.
    pub position: f64,
    /// How far it goes in a step, at most 0.07.
    pub velocity: f64,
    /// The motor's push, in multiples of 0.001.
    pub push_scale: f64,
    /// Pull of gravity, in multiples of 0.0025.
    pub gravity_scale: f64,
    /// Colours of the scene.
    pub look: Look,
}

impl World for MountainCar {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        State {
            position: -0.6 + 0.2 * f64::from(rng.uniform()),
            velocity: 0.0,
            push_scale: exact(factors[0]),
            gravity_scale: exact(factors[1]),
            look: Look::new([factors[2], factors[3]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let push = (action.choice() as f64 - 1.0) * (PUSH * state.push_scale);
        let pull = (3.0 * state.position).cos() * -(GRAVITY * state.gravity_scale);
        state.velocity = (state.velocity + (push + pull)).clamp(-MAX_SPEED, MAX_SPEED);
        state.position = (state.position + state.velocity).clamp(MIN_POSITION, MAX_POSITION);
        if state.position == MIN_POSITION && state.velocity < 0.0 {
            state.velocity = 0.0;
        }
        Outcome { reward: -1.0, terminated: state.position >= GOAL && state.velocity >= self.goal_velocity }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(numbers) => {
                numbers.copy_from_slice(&[state.position as f32, state.velocity as f32]);
            }
            Sight::Pixels(mut canvas) => {
                Scene { position: state.position, goal: GOAL, look: state.look }.draw(&mut canvas);
            }
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        hill::check(state.position, state.velocity)?;
        check(&[state.push_scale, state.gravity_scale], ENTRY.factors)?;
        state.look.check()
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        Value::Discrete(if state.velocity < 0.0 { 0 } else { 2 })
    }
}
