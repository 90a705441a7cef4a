//! Points that move on a plane among walls, towards a goal.
//!
//! [`wall`]: a dot in the two [`rooms`] of DINO-WM. [`point_maze`]: a [`ball`] pushed through a [`maze`], as in
//! Gymnasium-Robotics.

use crate::EnvEntry;

pub mod ball;
pub mod maze;
pub mod point_maze;
pub mod rooms;
pub mod wall;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[wall::ENTRY, point_maze::ENTRY];

/// A place: x and y.
pub type Point = [f64; 2];

/// How far two places are apart.
fn distance([x0, y0]: Point, [x1, y1]: Point) -> f64 {
    (x0 - x1).hypot(y0 - y1)
}

/// A number from `low` to `high`.
fn between(low: f64, high: f64, rng: &mut worldsmith_core::Rng) -> f64 {
    low + (high - low) * f64::from(rng.uniform())
}
