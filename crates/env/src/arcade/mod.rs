//! Arcade games: MinAtar's five by their rules, and others in their manner.

pub mod asterix;
pub mod breakout;
pub mod fireballs;
pub mod freeway;
pub mod minatar;
pub mod pong;
mod room;
pub mod seaquest;
pub mod space_invaders;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[
    breakout::ENTRY,
    asterix::ENTRY,
    freeway::ENTRY,
    seaquest::ENTRY,
    space_invaders::ENTRY,
    pong::ENTRY,
    fireballs::ENTRY,
];
