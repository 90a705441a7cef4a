//! Crafter: a small open world to survive in, as a pure function on a state that can be written down.
//!
//! - [`names`], [`terrain`], [`state`], [`rules`], [`chance`]: the nouns
//! - [`transition`]: one step; `act` is the player's turn, `creatures` everybody else's
//! - [`world_gen`] over [`noise`]: how a world comes to be
//! - `draw` over `textures`, `text`, `symbols`: what is seen
//! - `expert`: somebody who plays well
//! - [`world`]: all of it behind [`World`](crate::world::World), and the registry entry

mod act;
pub mod chance;
mod creatures;
pub mod names;
pub mod noise;
pub mod rules;
pub mod state;
pub mod terrain;
pub mod transition;
pub mod world_gen;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[];
