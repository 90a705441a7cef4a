//! Arcade games: MinAtar's five by their rules, and others in their manner.

pub mod breakout;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[breakout::ENTRY];
