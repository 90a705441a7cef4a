//! CartPole: keep a pole upright on a cart by pushing left or right.
//!
//! Reference: Barto, Sutton and Anderson (1983), equations of motion after Florian (2007), with the constants, Euler
//! steps, limits and rewards of Gymnasium 1.4's `CartPole-v1`. Only the start differs: it is uniform in the same range
//! but drawn from worldsmith's own generator.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Env, EnvSpec, Error, Result, Seed, Space, Step, Value};

use crate::clock::Clock;
use crate::{EnvEntry, OptionEntry, Options};

const GRAVITY: f64 = 9.8;
const POLE_KG: f64 = 0.1;
const TOTAL_KG: f64 = 1.0 + POLE_KG;
const HALF_POLE_M: f64 = 0.5;
const FORCE_N: f64 = 10.0;
const STEP_SECS: f64 = 0.02;
const MAX_X_M: f64 = 2.4;
const MAX_ANGLE_RAD: f64 = 12.0 * std::f64::consts::TAU / 360.0;
const START: f64 = 0.05;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "cartpole",
    about: "CartPole as in Gymnasium's CartPole-v1: 4 numbers, 2 actions, 1 point a step",
    options: &[OptionEntry { name: "max_steps", default: "500", about: "steps until truncation, or `none`" }],
    make: |options| Ok(Box::new(CartPole::new(options)?)),
};

/// Position (m), velocity (m/s), angle (rad) and angular velocity (rad/s), as 64-bit numbers.
pub type CartState = [f64; 4];

/// The cart and pole as an environment. Observation: [`CartState`] as 32-bit numbers; actions: `left`, `right`.
pub struct CartPole {
    spec: EnvSpec,
    state: State,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    cart: CartState,
    clock: Clock,
}

impl CartPole {
    /// Makes the environment; see [`ENTRY`] for the options.
    ///
    /// # Errors
    /// If an option has a wrong value.
    pub fn new(options: &Options) -> Result<Self> {
        // Twice the limits, so that the last observation still lies in the space.
        let high = [2.0 * MAX_X_M, f64::INFINITY, 2.0 * MAX_ANGLE_RAD, f64::INFINITY].map(|x| x as f32);
        let spec = EnvSpec {
            id: options.id().to_string(),
            obs: Space::Box { shape: vec![4], low: high.map(|x| -x).to_vec(), high: high.to_vec() },
            action: Space::Discrete { n: 2 },
            action_names: ["left", "right"].map(String::from).to_vec(),
            max_steps: options.limit("max_steps", Some(500))?,
        };
        Ok(Self { spec, state: State { cart: [0.0; 4], clock: Clock::stopped() } })
    }

    /// Starts an episode from a state of the caller's choice.
    pub fn reset_to(&mut self, cart: CartState) -> Step {
        self.state = State { cart, clock: Clock::started() };
        Step::first(self.obs())
    }

    fn obs(&self) -> Value {
        Value::vector(self.state.cart.map(|x| x as f32).to_vec())
    }
}

impl Env for CartPole {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        let mut rng = seed.rng();
        Ok(self.reset_to(std::array::from_fn(|_| START * (2.0 * f64::from(rng.uniform()) - 1.0))))
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        self.state.clock.admit(&self.spec, action)?;
        let force = if action.as_discrete() == Some(1) { FORCE_N } else { -FORCE_N };
        self.state.cart = euler(self.state.cart, force);
        let [x, _, angle, _] = self.state.cart;
        let fallen = x.abs() > MAX_X_M || angle.abs() > MAX_ANGLE_RAD;
        let kind = self.state.clock.tick(&self.spec, fallen);
        Ok(Step { kind, obs: self.obs(), reward: 1.0 })
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.state).ok()
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        self.state = serde_json::from_slice(state)
            .map_err(|e| Error::invalid(format!("expected a saved state of `cartpole`, got {e}")))?;
        Ok(())
    }
}

/// One explicit Euler step: positions move with the old velocities. Products are taken in Gymnasium's order, so that the
/// last bit agrees.
fn euler([x, x_dot, angle, angle_dot]: CartState, force: f64) -> CartState {
    let (sin, cos) = angle.sin_cos();
    let pole = POLE_KG * HALF_POLE_M;
    let push = (force + pole * (angle_dot * angle_dot) * sin) / TOTAL_KG;
    let angle_acc =
        (GRAVITY * sin - cos * push) / (HALF_POLE_M * (4.0 / 3.0 - POLE_KG * (cos * cos) / TOTAL_KG));
    let x_acc = push - pole * angle_acc * cos / TOTAL_KG;
    [
        x + STEP_SECS * x_dot,
        x_dot + STEP_SECS * x_acc,
        angle + STEP_SECS * angle_dot,
        angle_dot + STEP_SECS * angle_acc,
    ]
}
