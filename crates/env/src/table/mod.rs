//! Things pushed and grasped on a table.

pub mod arm_2d;
pub mod physics;
pub mod picture;
pub mod pusher;
pub mod pushing;
pub mod pusht;
pub mod route;
pub mod shape;
pub mod table_blocks;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[pusht::ENTRY, table_blocks::ENTRY, arm_2d::ENTRY];
