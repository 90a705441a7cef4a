//! Crafter: a small open world to survive in, as a pure function on a state that can be written down.
//!
//! - [`names`], [`terrain`], [`state`], [`rules`], [`chance`]: the nouns
//! - [`transition`]: one step; `act` is the player's turn, `creatures` everybody else's
//! - [`world_gen`] over [`noise`]: how a world comes to be
//! - `draw` over `tiles` and `textures`, `text`, `symbols`: what is seen
//! - `expert` over `route` and `shelter`: somebody who plays well
//! - [`world`]: all of it behind [`World`](crate::world::World), and the registry entry

mod act;
pub mod chance;
mod creatures;
mod draw;
mod expert;
pub mod names;
pub mod noise;
mod route;
pub mod rules;
mod shelter;
pub mod state;
pub mod symbols;
pub mod terrain;
mod text;
mod textures;
mod tiles;
pub mod transition;
pub mod world;
pub mod world_gen;

use crate::EnvEntry;

/// Registry entries.
pub const ENTRIES: &[EnvEntry] = &[world::ENTRY];
