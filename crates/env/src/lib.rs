//! Where experience comes from: built-in environments (one a file), the bridge to Gymnasium, and the pool that steps
//! many of them at once.
//!
//! - [`registry`]: environments as data; [`make`] turns an id such as `breakout?sticky=0.1` or `gym:ALE/Pong-v5` into an
//!   [`Env`](worldsmith_core::Env)
//! - [`world`]: what a built-in environment is: pure rules over a state that can be saved; [`factors`] of variation ([`look`]), [`canvas`]
//!   to draw on; [`blueprint`] makes one ([`Solo`](solo::Solo)) or many ([`batch`]) of them
//! - [`classic`], [`toy_text`], [`arcade`], [`grid`], [`minigrid`], [`mod@crafter`], [`table`], [`plane`], [`first_person`],
//!   [`driving`]: the worlds
//! - [`GymEnv`]: any Gymnasium environment, in a Python process of its own
//! - [`EnvPool`]: steps `n` environments of any kind with automatic resets and hands back finished episodes
//! - [`conformance`]: the promises every environment keeps, as a check that any crate can run
//!
//! Invariant: no tensor. Only [`gym`] starts processes and looks at environment variables (to find Python).

pub mod arcade;
pub mod batch;
pub mod blueprint;
pub mod canvas;
pub mod classic;
mod clock;
pub mod conformance;
pub mod crafter;
pub mod driving;
pub mod factors;
pub mod first_person;
pub mod grid;
pub mod gym;
pub mod look;
pub mod minigrid;
mod options;
pub mod plane;
mod pool;
pub mod registry;
pub mod solo;
pub mod table;
pub mod toy_text;
mod wire;
pub mod world;

pub use blueprint::{BuiltIn, Skill};
pub use gym::GymEnv;
pub use options::Options;
pub use pool::EnvPool;
pub use registry::{EnvEntry, OptionEntry, envs, make, make_batch, make_built_in};
