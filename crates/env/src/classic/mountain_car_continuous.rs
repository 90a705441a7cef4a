//! MountainCar with a real-valued push that costs energy.
//!
//! Reference: Moore (1990), with the constants, limits and rewards of Gymnasium 1.4's `MountainCarContinuous-v0`, which
//! counts in 32 bits. Only the start differs: it is uniform in the same range but drawn from worldsmith's own generator.

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

const PUSH: f64 = 0.0015;
const GOAL: f64 = 0.45;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "mountain_car_continuous",
    about: "MountainCar as in Gymnasium's MountainCarContinuous-v0: 2 numbers, a push, 100 points minus energy",
    page: "\
A car in a valley is too weak to drive up to the flag; it must swing back and forth to get there, and pushing costs.

- `state`: position and velocity (a step). `pixels`: the valley from the side.
- Action: a push from -1 to 1, times 0.0015 a step.
- Reward: minus a tenth of the square of the push; 100 for reaching the goal.
- Ends at position 0.45, if the car is there at least as fast as `goal_velocity`; cut off after 999 steps.
- Equal to Gymnasium 1.4's `MountainCarContinuous-v0` bit for bit from the same state of 32-bit numbers. There the first
  step after a reset is taken in 64 bits, here all are taken in 32. The expert pushes the way the car
  moves, in proportion to its speed.",
    options: &[GOAL_VELOCITY],
    factors: &[PUSH_SCALE, GRAVITY_SCALE, HUE, LIGHT],
    make: Maker::BuiltIn(|options| {
        let face = Face {
            action: Space::vector(1, -1.0, 1.0),
            action_names: &[],
            views: hill::views(options)?,
            max_steps: Some(999),
        };
        let goal_velocity = options.number("goal_velocity", 0.0, 0.0..=MAX_SPEED as f32)?;
        blueprint(MountainCarContinuous { goal_velocity }, face, ENTRY.factors, options)
    }),
};

/// The rules of the car with a real-valued push. Views as of [`MountainCar`](super::mountain_car::MountainCar).
#[derive(Debug, Default)]
pub struct MountainCarContinuous {
    /// The least velocity with which the goal counts.
    pub goal_velocity: f32,
}

/// Everything that changes, and the constants of the episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Where the car is, from -1.2 to 0.6.
    pub position: f32,
    /// How far it goes in a step, at most 0.07.
    pub velocity: f32,
    /// The motor's push, in multiples of 0.0015.
    pub push_scale: f64,
    /// Pull of gravity, in multiples of 0.0025.
    pub gravity_scale: f64,
    /// Colours of the scene.
    pub look: Look,
}

impl World for MountainCarContinuous {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        State {
            position: -0.6 + 0.2 * rng.uniform(),
            velocity: 0.0,
            push_scale: exact(factors[0]),
            gravity_scale: exact(factors[1]),
            look: Look::new([factors[2], factors[3]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        const SPEED: f32 = MAX_SPEED as f32;
        const ENDS: [f32; 2] = [MIN_POSITION as f32, MAX_POSITION as f32];
        let push = action.numbers()[0];
        let pull = GRAVITY * state.gravity_scale * f64::from(3.0 * state.position).cos();
        let change = push * (PUSH * state.push_scale) as f32 - pull as f32;
        state.velocity = (state.velocity + change).clamp(-SPEED, SPEED);
        state.position = (state.position + state.velocity).clamp(ENDS[0], ENDS[1]);
        if state.position == ENDS[0] && state.velocity < 0.0 {
            state.velocity = 0.0;
        }
        let terminated = state.position >= GOAL as f32 && state.velocity >= self.goal_velocity;
        let prize = if terminated { 100.0 } else { 0.0 };
        Outcome { reward: (prize - f64::from(push) * f64::from(push) * 0.1) as f32, terminated }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(numbers) => numbers.copy_from_slice(&[state.position, state.velocity]),
            Sight::Pixels(mut canvas) => {
                Scene { position: f64::from(state.position), goal: GOAL, look: state.look }.draw(&mut canvas);
            }
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        hill::check(f64::from(state.position), f64::from(state.velocity))?;
        check(&[state.push_scale, state.gravity_scale], ENTRY.factors)?;
        state.look.check()
    }

    /// Effort grows with the square of the push and what it gains with the speed, so it pays to push hard when the car is fast.
    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let push = (15.0 * state.velocity.abs()).clamp(0.2, 1.0);
        Value::vector(vec![push.copysign(state.velocity)])
    }
}
