//! Grids: a MiniGrid-compatible engine, Sokoban, mazes and memory tasks.

pub mod maze;
pub mod rows;
pub mod sokoban;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[sokoban::ENTRY, maze::ENTRY];
