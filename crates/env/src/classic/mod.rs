//! Classic control, equal to Gymnasium's.

pub mod acrobot;
pub mod cartpole;
mod hill;
pub mod mountain_car;
pub mod mountain_car_continuous;
pub mod pendulum;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] =
    &[cartpole::ENTRY, pendulum::ENTRY, mountain_car::ENTRY, mountain_car_continuous::ENTRY, acrobot::ENTRY];
