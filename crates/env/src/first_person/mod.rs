//! Worlds seen through the eyes of who walks in them.

pub mod eye;
pub mod maze;
pub mod raycast_maze;
pub mod rays;
pub mod texture;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[raycast_maze::ENTRY];
