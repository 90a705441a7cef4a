//! Driving: a racing track from above and a road from the car.

pub mod car;
pub mod faces;
pub mod from_above;
pub mod racing;
pub mod road;
pub mod track;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[racing::ENTRY, road::ENTRY];
