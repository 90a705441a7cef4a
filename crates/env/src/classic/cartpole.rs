//! CartPole: keep a pole upright on a cart by pushing left or right.
//!
//! Reference: Barto, Sutton and Anderson (1983), equations of motion after Florian (2007), with the constants, Euler
//! steps, limits and rewards of Gymnasium 1.4's `CartPole-v1`. Only the start differs: it is uniform in the same range
//! but drawn from worldsmith's own generator.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::{check, exact, factor};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry};

const CART_KG: f64 = 1.0;
const STEP_SECS: f64 = 0.02;
const MAX_X_M: f64 = 2.4;
const MAX_ANGLE_RAD: f64 = 12.0 * std::f64::consts::TAU / 360.0;
const START: f64 = 0.05;

const SKY: Rgb = [255; 3];
const CART: Rgb = [30, 32, 40];
const POLE: Rgb = [202, 152, 101];
const AXLE: Rgb = [129, 132, 203];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "cartpole",
    about: "CartPole as in Gymnasium's CartPole-v1: 4 numbers, 2 actions, 1 point a step",
    page: "\
A pole stands on a cart; pushing the cart left or right keeps it upright.

- `state`: position (m), velocity (m/s), angle (rad), angular velocity (rad/s). `pixels`: the scene from the side.
- Actions: `left`, `right`, a push of 10 N for 0.02 s.
- Reward: 1 a step, also for the last one; with `sutton_barto` 0 a step and -1 for a fall, as in the paper of 1983.
- Ends when the cart is 2.4 m from the middle or the pole leans by 12 degrees; cut off after 500 steps.
- Equal to Gymnasium 1.4's `CartPole-v1` bit for bit from the same state. The expert is a linear controller.",
    options: &[OptionEntry {
        name: "sutton_barto",
        default: "false",
        about: "whether a step is worth 0 and the fall -1, instead of 1 a step",
    }],
    factors: &[
        factor("gravity_mps2", "acceleration of free fall", [9.8, 8.0, 12.0, 12.0, 16.0]),
        factor("pole_kg", "mass of the pole", [0.1, 0.05, 0.2, 0.2, 0.5]),
        factor("half_pole_m", "half the length of the pole", [0.5, 0.4, 0.7, 0.7, 1.0]),
        factor("force_newton", "force of a push", [10.0, 8.0, 12.0, 5.0, 8.0]),
        HUE,
        LIGHT,
    ],
    make: Maker::BuiltIn(|options| {
        // Twice the limits, so that the last observation still lies in the space.
        let high = [2.0 * MAX_X_M, f64::INFINITY, 2.0 * MAX_ANGLE_RAD, f64::INFINITY].map(|x| x as f32);
        let face = Face {
            action: Space::Discrete { n: 2 },
            action_names: &["left", "right"],
            views: vec![
                View::numbers("state", &high.map(|x| -x), &high),
                View::pixels("pixels", options)?,
            ],
            max_steps: Some(500),
        };
        let world = CartPole { sutton_barto: options.flag("sutton_barto")? };
        blueprint(world, face, ENTRY.factors, options)
    }),
};

/// Position (m), velocity (m/s), angle (rad) and angular velocity (rad/s), as 64-bit numbers.
pub type CartState = [f64; 4];

/// The rules of the cart and pole. Views: `state`, [`CartState`] as 32-bit numbers; `pixels`, the scene from the side.
#[derive(Debug, Default)]
pub struct CartPole {
    /// Whether a step is worth 0 and the fall -1, instead of 1 a step.
    pub sutton_barto: bool,
}

/// Everything that changes, and the constants of the episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Where cart and pole are and how fast.
    pub cart: CartState,
    /// Acceleration of free fall.
    pub gravity_mps2: f64,
    /// Mass of the pole.
    pub pole_kg: f64,
    /// Half the length of the pole.
    pub half_pole_m: f64,
    /// Force of a push.
    pub force_newton: f64,
    /// Colours of the scene.
    pub look: Look,
}

impl World for CartPole {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        State {
            cart: std::array::from_fn(|_| START * (2.0 * f64::from(rng.uniform()) - 1.0)),
            gravity_mps2: exact(factors[0]),
            pole_kg: exact(factors[1]),
            half_pole_m: exact(factors[2]),
            force_newton: exact(factors[3]),
            look: Look::new([factors[4], factors[5]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        state.euler(if action.choice() == 1 { state.force_newton } else { -state.force_newton });
        let [x, _, angle, _] = state.cart;
        let terminated = x.abs() > MAX_X_M || angle.abs() > MAX_ANGLE_RAD;
        let reward = match (self.sutton_barto, terminated) {
            (false, _) => 1.0,
            (true, false) => 0.0,
            (true, true) => -1.0,
        };
        Outcome { reward, terminated }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(numbers) => {
                numbers.iter_mut().zip(state.cart).for_each(|(out, x)| *out = x as f32);
            }
            Sight::Pixels(mut canvas) => state.draw(&mut canvas),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        if !state.cart.iter().all(|x| x.is_finite()) {
            return Err(Error::invalid(format!("expected finite numbers, got {:?}", state.cart)));
        }
        let constants = [state.gravity_mps2, state.pole_kg, state.half_pole_m, state.force_newton];
        check(&constants, ENTRY.factors)?;
        state.look.check()
    }

    /// Pushes against the fall, and a little against drifting away.
    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let [x, x_dot, angle, angle_dot] = state.cart;
        Value::Discrete(i64::from(0.1 * x + 0.25 * x_dot + 3.0 * angle + angle_dot > 0.0))
    }
}

impl State {
    /// One explicit Euler step: positions move with the old velocities. Products are taken in Gymnasium's order, so that the
    /// last bit agrees.
    fn euler(&mut self, force: f64) {
        let [x, x_dot, angle, angle_dot] = self.cart;
        let (sin, cos) = angle.sin_cos();
        let total_kg = CART_KG + self.pole_kg;
        let pole = self.pole_kg * self.half_pole_m;
        let push = (force + pole * (angle_dot * angle_dot) * sin) / total_kg;
        let angle_acc = (self.gravity_mps2 * sin - cos * push)
            / (self.half_pole_m * (4.0 / 3.0 - self.pole_kg * (cos * cos) / total_kg));
        let x_acc = push - pole * angle_acc * cos / total_kg;
        self.cart = [
            x + STEP_SECS * x_dot,
            x_dot + STEP_SECS * x_acc,
            angle + STEP_SECS * angle_dot,
            angle_dot + STEP_SECS * angle_acc,
        ];
    }

    /// The track from the side; the picture is as wide as the track.
    fn draw(&self, canvas: &mut Canvas<'_>) {
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let scale = width / (2.0 * MAX_X_M as f32);
        let (x, floor) = (self.cart[0] as f32 * scale + width / 2.0, height * 0.75);
        let (cart_w, cart_h) = (width / 12.0, height / 13.0);
        let paint = |colour| self.look.of(colour);
        canvas.fill(paint(SKY));
        canvas.rect(0, floor as i32, canvas.width as i32, 1, paint(CART));
        let corner = |sx: f32, sy: f32| [x + sx * cart_w / 2.0, floor + sy * cart_h / 2.0];
        canvas.polygon(
            &[corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)],
            paint(CART),
        );
        let (sin, cos) = (self.cart[2] as f32).sin_cos();
        let (axle, length) = ([x, floor - cart_h / 4.0], 2.0 * self.half_pole_m as f32 * scale);
        let tip = [axle[0] + sin * length, axle[1] - cos * length];
        canvas.line(axle, tip, width / 60.0 + 1.0, paint(POLE));
        canvas.disc(axle, width / 120.0 + 0.5, paint(AXLE));
    }
}
