//! The bridge to Gymnasium: any of its environments, in a Python process of its own.
//!
//! [`GymEnv`] starts a worker (`worker.py`, embedded in the program), tells it which environment to make and then
//! exchanges one small binary frame each way per step. A worker that dies or hangs is replaced: the episode it was in
//! ends as truncated, and the next reset starts a new one.

mod config;
mod env;
mod worker;

pub use config::{ENTRY, PREFIX};
pub use env::GymEnv;
