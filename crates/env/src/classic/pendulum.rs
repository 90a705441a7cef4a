//! Pendulum: swing a rod up with a motor that is too weak to lift it, and hold it there.
//!
//! Reference: Gymnasium 1.4's `Pendulum-v1`, with its constants, semi-implicit Euler steps and costs. Only the start differs:
//! it is uniform in the same range but drawn from worldsmith's own generator.

use std::f64::consts::{PI, TAU};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use crate::EnvEntry;
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::{check, check_within, exact, factor};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};

const STEP_SECS: f64 = 0.05;
const MAX_SPEED_RADPS: f64 = 8.0;
const MAX_TORQUE_NM: f32 = 2.0;
/// Half the side of the picture.
const REACH_M: f32 = 1.5;

const SKY: Rgb = [236, 240, 246];
const RING: Rgb = [206, 214, 226];
const ROD: Rgb = [196, 72, 84];
const AXLE: Rgb = [40, 44, 56];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "pendulum",
    about: "Pendulum as in Gymnasium's Pendulum-v1: 3 numbers, a torque, costs for not standing still upright",
    page: "\
A rod hangs on a motor that is too weak to lift it; it must be swung up and held upright.

- `state`: cosine and sine of the angle from upright, angular velocity (rad/s). `pixels`: the rod from the front.
- Action: a torque from -2 to 2 Nm, for 0.05 s; positive ones turn counter-clockwise.
- Reward: minus the square of the angle, a tenth of that of the velocity and a thousandth of that of the torque.
- Never ends by itself; cut off after 200 steps.
- Equal to Gymnasium 1.4's `Pendulum-v1` bit for bit from the same state; rewards are rounded to 32 bits. The expert pumps
  energy and catches the rod at the top.",
    options: &[],
    factors: &[
        factor("gravity_mps2", "acceleration of free fall", [10.0, 8.0, 11.0, 11.0, 14.0]),
        factor("rod_kg", "mass of the rod", [1.0, 0.8, 1.1, 1.1, 1.3]),
        factor("rod_m", "length of the rod", [1.0, 0.8, 1.1, 1.1, 1.3]),
        HUE,
        LIGHT,
    ],
    make: Maker::BuiltIn(|options| {
        let high = [1.0, 1.0, MAX_SPEED_RADPS as f32];
        let face = Face {
            action: Space::vector(1, -MAX_TORQUE_NM, MAX_TORQUE_NM),
            action_names: &[],
            views: vec![
                View::numbers("state", &high.map(|x| -x), &high),
                View::pixels("pixels", options)?,
            ],
            max_steps: Some(200),
        };
        blueprint(Pendulum, face, ENTRY.factors, options)
    }),
};

/// The rules of the pendulum. Views: `state`, cosine, sine and speed; `pixels`, the rod from the front.
#[derive(Debug)]
pub struct Pendulum;

/// Everything that changes, and the constants of the episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Angle from upright, counter-clockwise; full turns count.
    pub angle_rad: f64,
    /// How fast it turns.
    pub speed_radps: f64,
    /// Acceleration of free fall.
    pub gravity_mps2: f64,
    /// Mass of the rod.
    pub rod_kg: f64,
    /// Length of the rod.
    pub rod_m: f64,
    /// Colours of the scene.
    pub look: Look,
}

impl World for Pendulum {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let mut between = |most: f64| most * (2.0 * f64::from(rng.uniform()) - 1.0);
        State {
            angle_rad: between(PI),
            speed_radps: between(1.0),
            gravity_mps2: exact(factors[0]),
            rod_kg: exact(factors[1]),
            rod_m: exact(factors[2]),
            look: Look::new([factors[3], factors[4]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let torque = action.numbers()[0];
        let cost = state.cost(torque);
        state.turn(torque);
        Outcome { reward: -cost as f32, terminated: false }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(numbers) => {
                let (sin, cos) = state.angle_rad.sin_cos();
                let seen = [cos, sin, state.speed_radps];
                numbers.iter_mut().zip(seen).for_each(|(out, x)| *out = x as f32);
            }
            Sight::Pixels(mut canvas) => state.draw(&mut canvas),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        if !state.angle_rad.is_finite() {
            return Err(Error::invalid(format!("expected a finite `angle_rad`, got {}", state.angle_rad)));
        }
        check_within("speed_radps", state.speed_radps, MAX_SPEED_RADPS)?;
        check(&[state.gravity_mps2, state.rod_kg, state.rod_m], ENTRY.factors)?;
        state.look.check()
    }

    /// Far from the top it brings the energy to that of standing there; near it, it holds.
    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let (angle, speed) = (from_upright(state.angle_rad), state.speed_radps);
        let pull = state.pull();
        let surplus = 0.5 * speed * speed + pull * (angle.cos() - 1.0);
        let acceleration = if angle.abs() < 0.5 && surplus.abs() < 0.3 * pull {
            -pull * angle.sin() - 16.0 * angle - 6.0 * speed
        } else {
            -4.0 * surplus * speed.signum()
        };
        let torque = (acceleration * state.inertia() / 3.0) as f32;
        Value::vector(vec![torque.clamp(-MAX_TORQUE_NM, MAX_TORQUE_NM)])
    }
}

impl State {
    /// What standing like this and pushing so costs. The part of the torque is taken in 32 bits, as in the reference.
    fn cost(&self, torque: f32) -> f64 {
        let angle = from_upright(self.angle_rad);
        let effort = 0.001 * (torque * torque);
        angle * angle + 0.1 * (self.speed_radps * self.speed_radps) + f64::from(effort)
    }

    /// One step: the speed first, then the angle with the new speed. The torque's share is taken in 32 bits.
    fn turn(&mut self, torque: f32) {
        let push = (3.0 / self.inertia()) as f32 * torque;
        let acceleration = self.pull() * self.angle_rad.sin() + f64::from(push);
        let speed = self.speed_radps + acceleration * STEP_SECS;
        self.speed_radps = speed.clamp(-MAX_SPEED_RADPS, MAX_SPEED_RADPS);
        self.angle_rad += self.speed_radps * STEP_SECS;
    }

    /// Angular acceleration by gravity of a horizontal rod, in rad/s^2.
    fn pull(&self) -> f64 {
        3.0 * self.gravity_mps2 / (2.0 * self.rod_m)
    }

    /// Three times the moment of inertia, in kg m^2.
    fn inertia(&self) -> f64 {
        self.rod_kg * (self.rod_m * self.rod_m)
    }

    /// The rod inside the ring that its end runs along.
    fn draw(&self, canvas: &mut Canvas<'_>) {
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let scale = width.min(height) / (2.0 * REACH_M);
        let axle = [width / 2.0, height / 2.0];
        let length = self.rod_m as f32 * scale;
        let (sin, cos) = (self.angle_rad as f32).sin_cos();
        let tip = [axle[0] - sin * length, axle[1] - cos * length];
        let paint = |colour| self.look.of(colour);
        canvas.fill(paint(SKY));
        canvas.disc(axle, length + 0.04 * scale, paint(RING));
        canvas.disc(axle, length - 0.04 * scale, paint(SKY));
        canvas.line(axle, tip, 0.22 * scale, paint(ROD));
        canvas.disc(axle, 0.11 * scale, paint(ROD));
        canvas.disc(tip, 0.11 * scale, paint(ROD));
        canvas.disc(axle, 0.06 * scale, paint(AXLE));
    }
}

/// The angle without full turns, from minus half a turn to half a turn.
fn from_upright(angle_rad: f64) -> f64 {
    (angle_rad + PI).rem_euclid(TAU) - PI
}
