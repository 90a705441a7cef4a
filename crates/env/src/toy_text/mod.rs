//! The worlds of reinforcement learning's textbooks: small tables of transitions, equal to Gymnasium's.

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[];
