//! Where experience comes from: built-in environments (one a file), the bridge to Gymnasium, and the pool that steps
//! many of them at once.
//!
//! - [`registry`]: environments as data; [`make`] turns an id such as `breakout?sticky=0.1` or `gym:ALE/Pong-v5` into an
//!   [`Env`](worldsmith_core::Env)
//! - [`Breakout`], [`CartPole`]: built in, exact to save and restore
//! - [`GymEnv`]: any Gymnasium environment, in a Python process of its own
//! - [`EnvPool`]: steps `n` environments with automatic resets and hands back finished episodes
//! - [`conformance`]: the promises every environment keeps, as a check that any crate can run
//!
//! Invariant: no tensor. Only [`gym`] starts processes and looks at environment variables (to find Python).

pub mod breakout;
pub mod cartpole;
mod clock;
pub mod conformance;
pub mod gym;
mod options;
mod pool;
pub mod registry;
mod wire;

pub use breakout::Breakout;
pub use cartpole::CartPole;
pub use gym::GymEnv;
pub use options::Options;
pub use pool::EnvPool;
pub use registry::{ENVS, EnvEntry, OptionEntry, make};
