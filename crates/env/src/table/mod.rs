//! Things pushed and grasped on a table, and worlds of points and walls.

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[];
