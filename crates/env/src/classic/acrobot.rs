//! Acrobot: two links that hang on a bar; a motor between them must swing the free end above a line.
//!
//! Reference: Sutton (1996), with the equations of Sutton and Barto's book, the constants, Runge-Kutta steps, limits and
//! rewards of Gymnasium 1.4's `Acrobot-v1`. Only the start differs: it is uniform in the same range but drawn from worldsmith's
//! own generator.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Result, Rng, Space, Value};

use crate::EnvEntry;
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::{check, check_within, exact, factor};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};

const STEP_SECS: f64 = 0.2;
const LINK_M: f64 = 1.0;
/// From a link's joint to its centre of mass.
const CENTRE_M: f64 = 0.5;
/// Moment of inertia of each link, in kg m^2.
const INERTIA: f64 = 1.0;
const MAX_SPEED_RADPS: [f64; 2] = [4.0 * PI, 9.0 * PI];
/// How far above the bar the free end must get.
const GOAL_M: f64 = 1.0;
/// Half the side of the picture.
const REACH_M: f32 = 2.3;

const SKY: Rgb = [236, 240, 246];
const LINE: Rgb = [72, 160, 104];
const LINKS: [Rgb; 2] = [[58, 112, 184], [92, 158, 222]];
const JOINT: Rgb = [238, 170, 60];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "acrobot",
    about: "Acrobot as in Gymnasium's Acrobot-v1: 6 numbers, 3 actions, -1 a step until the line is crossed",
    page: "\
Two links hang on a bar. A motor in the joint between them swings the free end up above a line.

- `state`: cosine and sine of the first link's angle from hanging down, and of the second's from the first; both angular
  velocities (rad/s). `pixels`: the links from the front.
- Actions: `minus`, `none`, `plus`, a torque of 1 Nm for 0.2 s.
- Reward: -1 a step, 0 for the one that ends it.
- Ends when the free end is 1 m above the bar; cut off after 500 steps.
- Equal to Gymnasium 1.4's `Acrobot-v1` within 1e-6 over 200 steps from the same state. The expert always pushes the way
  the second link turns, which adds energy.",
    options: &[],
    factors: &[
        factor("gravity_mps2", "acceleration of free fall", [9.8, 8.0, 11.0, 11.0, 14.0]),
        factor("first_kg", "mass of the first link", [1.0, 0.8, 1.2, 1.2, 1.5]),
        factor("second_kg", "mass of the second link", [1.0, 0.8, 1.2, 1.2, 1.5]),
        factor("torque_nm", "torque of the motor", [1.0, 0.8, 1.2, 1.2, 1.6]),
        HUE,
        LIGHT,
    ],
    make: Maker::BuiltIn(|options| {
        let [first, second] = MAX_SPEED_RADPS.map(|x| x as f32);
        let high = [1.0, 1.0, 1.0, 1.0, first, second];
        let face = Face {
            action: Space::Discrete { n: 3 },
            action_names: &["minus", "none", "plus"],
            views: vec![
                View::numbers("state", &high.map(|x| -x), &high),
                View::pixels("pixels", options)?,
            ],
            max_steps: Some(500),
        };
        blueprint(Acrobot, face, ENTRY.factors, options)
    }),
};

/// Angle of the first link from hanging down and of the second from the first (rad), and how fast they grow (rad/s).
pub type Links = [f64; 4];

/// The rules of the acrobot. Views: `state`, cosines, sines and speeds; `pixels`, the links from the front.
#[derive(Debug)]
pub struct Acrobot;

/// Everything that changes, and the constants of the episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// How the links hang and turn.
    pub links: Links,
    /// Acceleration of free fall.
    pub gravity_mps2: f64,
    /// Mass of the first link.
    pub first_kg: f64,
    /// Mass of the second link.
    pub second_kg: f64,
    /// Torque of the motor.
    pub torque_nm: f64,
    /// Colours of the scene.
    pub look: Look,
}

impl World for Acrobot {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        State {
            links: std::array::from_fn(|_| 0.1 * (2.0 * f64::from(rng.uniform()) - 1.0)),
            gravity_mps2: exact(factors[0]),
            first_kg: exact(factors[1]),
            second_kg: exact(factors[2]),
            torque_nm: exact(factors[3]),
            look: Look::new([factors[4], factors[5]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        state.swing((action.choice() as f64 - 1.0) * state.torque_nm);
        let terminated = state.height_m() > GOAL_M;
        Outcome { reward: if terminated { 0.0 } else { -1.0 }, terminated }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(numbers) => {
                let [first, second, first_speed, second_speed] = state.links;
                let ((sin_1, cos_1), (sin_2, cos_2)) = (first.sin_cos(), second.sin_cos());
                let seen = [cos_1, sin_1, cos_2, sin_2, first_speed, second_speed];
                numbers.iter_mut().zip(seen).for_each(|(out, x)| *out = x as f32);
            }
            Sight::Pixels(mut canvas) => state.draw(&mut canvas),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let most = [PI, PI, MAX_SPEED_RADPS[0], MAX_SPEED_RADPS[1]];
        state.links.iter().zip(most).try_for_each(|(x, most)| check_within("links", *x, most))?;
        let constants = [state.gravity_mps2, state.first_kg, state.second_kg, state.torque_nm];
        check(&constants, ENTRY.factors)?;
        state.look.check()
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        Value::Discrete(if state.links[3] < 0.0 { 0 } else { 2 })
    }
}

impl State {
    /// How far the free end is above the bar.
    fn height_m(&self) -> f64 {
        let [first, second, ..] = self.links;
        -first.cos() - (second + first).cos()
    }

    /// One Runge-Kutta step of fourth order; angles are then wrapped and speeds cut off.
    fn swing(&mut self, torque: f64) {
        let start = self.links;
        let ahead = |secs: f64, rates: Links| std::array::from_fn(|i| start[i] + secs * rates[i]);
        let k1 = self.rates(start, torque);
        let k2 = self.rates(ahead(STEP_SECS / 2.0, k1), torque);
        let k3 = self.rates(ahead(STEP_SECS / 2.0, k2), torque);
        let k4 = self.rates(ahead(STEP_SECS, k3), torque);
        let mean = std::array::from_fn(|i| k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]);
        let [first, second, first_speed, second_speed] = ahead(STEP_SECS / 6.0, mean);
        let cut_off = |speed: f64, most: f64| speed.clamp(-most, most);
        self.links = [
            wrapped(first),
            wrapped(second),
            cut_off(first_speed, MAX_SPEED_RADPS[0]),
            cut_off(second_speed, MAX_SPEED_RADPS[1]),
        ];
    }

    /// How fast angles and speeds change. Products and sums are taken in Gymnasium's order, so that the last bit agrees.
    fn rates(&self, [first, second, first_speed, second_speed]: Links, torque: f64) -> Links {
        let (m1, m2, g) = (self.first_kg, self.second_kg, self.gravity_mps2);
        let (sin, cos) = second.sin_cos();
        let d1 = m1 * (CENTRE_M * CENTRE_M)
            + m2 * (LINK_M * LINK_M + CENTRE_M * CENTRE_M + 2.0 * LINK_M * CENTRE_M * cos)
            + INERTIA
            + INERTIA;
        let d2 = m2 * (CENTRE_M * CENTRE_M + LINK_M * CENTRE_M * cos) + INERTIA;
        let phi2 = m2 * CENTRE_M * g * (first + second - FRAC_PI_2).cos();
        let phi1 = -m2 * LINK_M * CENTRE_M * (second_speed * second_speed) * sin
            - 2.0 * m2 * LINK_M * CENTRE_M * second_speed * first_speed * sin
            + (m1 * CENTRE_M + m2 * LINK_M) * g * (first - FRAC_PI_2).cos()
            + phi2;
        let second_rate =
            (torque + d2 / d1 * phi1 - m2 * LINK_M * CENTRE_M * (first_speed * first_speed) * sin - phi2)
                / (m2 * (CENTRE_M * CENTRE_M) + INERTIA - d2 * d2 / d1);
        let first_rate = -(d2 * second_rate + phi1) / d1;
        [first_speed, second_speed, first_rate, second_rate]
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let scale = width.min(height) / (2.0 * REACH_M);
        let paint = |colour| self.look.of(colour);
        let hung = |[x, y]: [f32; 2], angle: f64| {
            let (sin, cos) = (angle as f32).sin_cos();
            [x + sin * scale, y + cos * scale]
        };
        let bar = [width / 2.0, height / 2.0];
        let elbow = hung(bar, self.links[0]);
        let end = hung(elbow, self.links[0] + self.links[1]);
        canvas.fill(paint(SKY));
        let line = bar[1] - GOAL_M as f32 * scale;
        canvas.line([0.0, line], [width, line], (0.06 * scale).max(1.0), paint(LINE));
        for (from, to, colour) in [(bar, elbow, LINKS[0]), (elbow, end, LINKS[1])] {
            canvas.line(from, to, 0.26 * scale, paint(colour));
            canvas.disc(to, 0.13 * scale, paint(colour));
        }
        for joint in [bar, elbow] {
            canvas.disc(joint, 0.17 * scale, paint(JOINT));
        }
    }
}

/// The angle without full turns, from minus half a turn to half a turn.
fn wrapped(mut angle: f64) -> f64 {
    while angle > PI {
        angle -= TAU;
    }
    while angle < -PI {
        angle += TAU;
    }
    angle
}
