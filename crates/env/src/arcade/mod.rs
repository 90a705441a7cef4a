//! Arcade games: MinAtar's five by their rules, and others in their manner.

pub mod asterix;
pub mod breakout;
pub mod freeway;
pub mod minatar;
pub mod pong;
pub mod seaquest;
pub mod space_invaders;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] =
    &[breakout::ENTRY, asterix::ENTRY, freeway::ENTRY, seaquest::ENTRY, space_invaders::ENTRY, pong::ENTRY];
