//! A ball that is pushed over the floor of a maze, as MuJoCo moves it.
//!
//! Two sliding joints with damping, a force on each, Euler's method with the damping taken implicitly, and soft contacts
//! without friction (MuJoCo's documentation, chapters "Computation" and "Modeling", `solref` and `solimp` at their defaults).
//! What MuJoCo finds by its general solver is found here directly, as only the two numbers of the acceleration are unknown.

use serde::{Deserialize, Serialize};

use super::Point;
use super::maze::Maze;

/// Radius of the ball.
pub const RADIUS_M: f64 = 0.1;
/// A step.
const STEP_SECS: f64 = 0.01;
/// The most speed along an axis that counts.
const MOST_MPS: f64 = 5.0;
/// From what gap on walls are felt: the margins of ball and wall together.
const MARGIN_M: f64 = 0.004;
/// Time constant of contacts, critically damped.
const SETTLE_SECS: f64 = 0.02;
/// How hard contacts are, at the margin and from [`SOFT_M`] within it.
const IMPEDANCE: [f64; 2] = [0.9, 0.95];
const SOFT_M: f64 = 0.001;
/// More wall cells than can touch the ball at once.
const MOST_CONTACTS: usize = 8;

/// Where the ball is and how it moves.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ball {
    /// Its middle.
    pub at_m: Point,
    /// Its velocity.
    pub speed_mps: Point,
}

/// What it weighs and how it is driven.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drive {
    /// Force of the strongest push along an axis.
    pub force_n: f64,
    /// Braking force a speed.
    pub damping_nspm: f64,
    /// What the ball is made of.
    pub density_kgpm3: f64,
}

impl Drive {
    /// Mass of the ball.
    pub fn mass_kg(&self) -> f64 {
        self.density_kgpm3 * (4.0 / 3.0 * std::f64::consts::PI * RADIUS_M.powi(3))
    }
}

/// A wall that is felt.
#[derive(Debug, Clone, Copy, Default)]
struct Contact {
    /// Away from the wall.
    normal: Point,
    /// Acceleration away from the wall that the contact asks for.
    wanted_mps2: f64,
    /// Acceleration by which it falls short a force.
    softness: f64,
}

impl Ball {
    /// Pushes for one step; `push` is a share of the force along each axis.
    pub fn push(&mut self, push: Point, drive: &Drive, maze: &Maze) {
        let mass = drive.mass_kg();
        self.speed_mps = self.speed_mps.map(|speed| speed.clamp(-MOST_MPS, MOST_MPS));
        let free = [0, 1].map(|i| (drive.force_n * push[i] - drive.damping_nspm * self.speed_mps[i]) / mass);
        let mut contacts = [Contact::default(); MOST_CONTACTS];
        let n = self.find_contacts(mass, maze, &mut contacts);
        let held = held(free, mass, &contacts[..n]);
        let inertia = mass + STEP_SECS * drive.damping_nspm;
        for i in [0, 1] {
            self.speed_mps[i] += STEP_SECS * (mass * held[i]) / inertia;
            self.at_m[i] += STEP_SECS * self.speed_mps[i];
        }
    }

    fn find_contacts(&self, mass: f64, maze: &Maze, out: &mut [Contact; MOST_CONTACTS]) -> usize {
        let mut n = 0;
        for [x, y] in maze.walls_near(self.at_m) {
            let [dx, dy] = [self.at_m[0] - x, self.at_m[1] - y];
            let length = dx.hypot(dy);
            let gap = length - RADIUS_M - MARGIN_M;
            if gap < 0.0 && length > 0.0 && n < MOST_CONTACTS {
                let normal = [dx / length, dy / length];
                out[n] = Contact::new(normal, dot(normal, self.speed_mps), gap, mass);
                n += 1;
            }
        }
        n
    }
}

impl Contact {
    /// `gap_m` is less than zero, `leaving_mps` the speed away from the wall.
    fn new(normal: Point, leaving_mps: f64, gap_m: f64, mass_kg: f64) -> Self {
        let [least, most] = IMPEDANCE;
        let depth = (-gap_m / SOFT_M).min(1.0);
        let rise = if depth <= 0.5 { 2.0 * depth * depth } else { 1.0 - 2.0 * (1.0 - depth) * (1.0 - depth) };
        let impedance = least + rise * (most - least);
        let damping = 2.0 / (most * SETTLE_SECS);
        let stiffness = 1.0 / (most * most * SETTLE_SECS * SETTLE_SECS);
        Self {
            normal,
            wanted_mps2: -damping * leaving_mps - stiffness * impedance * gap_m,
            softness: (1.0 - impedance) / impedance / mass_kg,
        }
    }
}

/// The acceleration that strays least from `free`, weighted by mass, and from what contacts ask for, where it falls short of
/// that: the minimum of a function that is quadratic as long as the same contacts fall short.
fn held(free: Point, mass: f64, contacts: &[Contact]) -> Point {
    let (mut found, mut short) = (free, [false; MOST_CONTACTS]);
    // Each turn settles the contacts that fall short; there are few.
    for _ in 0..2 * MOST_CONTACTS {
        let mut now = [false; MOST_CONTACTS];
        for (now, contact) in now.iter_mut().zip(contacts) {
            *now = dot(contact.normal, found) < contact.wanted_mps2;
        }
        if now == short {
            break;
        }
        short = now;
        let ([mut xx, mut xy, mut yy], mut sum) = ([mass, 0.0, mass], free.map(|a| mass * a));
        for (contact, _) in contacts.iter().zip(short).filter(|(_, is_short)| *is_short) {
            let [x, y] = contact.normal;
            xx += x * x / contact.softness;
            xy += x * y / contact.softness;
            yy += y * y / contact.softness;
            sum[0] += x * contact.wanted_mps2 / contact.softness;
            sum[1] += y * contact.wanted_mps2 / contact.softness;
        }
        let determinant = xx * yy - xy * xy;
        found = [(yy * sum[0] - xy * sum[1]) / determinant, (xx * sum[1] - xy * sum[0]) / determinant];
    }
    found
}

fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVE: Drive = Drive { force_n: 100.0, damping_nspm: 1.0, density_kgpm3: 1000.0 };

    #[test]
    fn a_ball_in_the_open_gains_speed_up_to_the_limit() {
        let mut ball = Ball { at_m: [-1.2, 1.0], speed_mps: [0.0; 2] };
        ball.push([1.0, 0.0], &DRIVE, &Maze::ALL[0]);
        let gain = 1.0 / (4.188_790_204_786_391 + 0.01);
        assert!((ball.speed_mps[0] - gain).abs() < 1e-12 && ball.speed_mps[1] == 0.0);
        assert!((ball.at_m[0] + 1.2 - 0.01 * gain).abs() < 1e-12);
        ball.speed_mps = [9.0, -9.0];
        ball.push([0.0, 0.0], &DRIVE, &Maze::ALL[0]);
        assert!(ball.speed_mps.iter().all(|speed| speed.abs() < 5.0));
    }

    #[test]
    fn a_ball_pressed_into_a_corner_comes_to_rest_there() {
        let mut ball = Ball { at_m: [-1.2, 1.2], speed_mps: [0.0; 2] };
        for _ in 0..400 {
            ball.push([-1.0, 1.0], &DRIVE, &Maze::ALL[0]);
        }
        assert!(ball.speed_mps.iter().all(|speed| speed.abs() < 1e-6), "{ball:?}");
        let gaps = [ball.at_m[0] + 1.5, 1.5 - ball.at_m[1]];
        assert!(gaps.iter().all(|gap| (0.09..RADIUS_M + MARGIN_M).contains(gap)), "{ball:?}");
    }
}
