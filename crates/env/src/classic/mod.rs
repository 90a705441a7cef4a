//! Classic control, equal to Gymnasium's.

pub mod cartpole;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[cartpole::ENTRY];
