//! The worlds of reinforcement learning's textbooks: small tables of transitions, equal to Gymnasium's.

mod board;
pub mod cliff_walking;
pub mod frozen_lake;
pub mod lake;
pub mod table;
pub mod taxi;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[frozen_lake::ENTRY, cliff_walking::ENTRY, taxi::ENTRY];
