//! Grids: a MiniGrid-compatible engine, Sokoban, mazes and memory tasks.

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[];
