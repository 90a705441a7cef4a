//! Worlds seen through the eyes of who walks in them.

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[];
