//! Driving: a racing track from above and a road from the car.

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[];
