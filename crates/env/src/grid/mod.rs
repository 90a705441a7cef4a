//! Grids: a MiniGrid-compatible engine, Sokoban, mazes and memory tasks.

pub mod maze;
pub mod memory;
pub mod rows;
pub mod sokoban;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[
    sokoban::ENTRY,
    maze::ENTRY,
    memory::rooms::TWO,
    memory::rooms::FOUR,
    memory::rooms::TEN,
    memory::distracting::ENTRY,
    memory::doors_keys::ENTRY,
];
