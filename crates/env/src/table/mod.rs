//! Things pushed and grasped on a table, and worlds of points and walls.

pub mod physics;
pub mod pushing;
pub mod pusht;
pub mod shape;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[pusht::ENTRY];
