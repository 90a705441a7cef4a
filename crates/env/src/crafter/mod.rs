//! Crafter: a small open world to survive in.

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[];
