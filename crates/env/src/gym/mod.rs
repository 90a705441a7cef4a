//! The bridge to Gymnasium: any of its environments, in Python processes of their own.
//!
//! A worker (the Python files in `worker`, embedded in the program) makes one environment, several, or a vector environment of
//! the package's own, and exchanges one small binary frame each way per step (`link.rs`, `worker.rs`). `lanes.rs` asks a worker
//! and replaces one that dies or hangs: the episodes it was in end as truncated. What it sends is shaped on our side
//! (`lens.rs`, `picture.rs`). [`GymEnv`] is one environment behind the seam; a pool uses many lanes.

mod config;
mod env;
mod greeting;
mod lanes;
mod lens;
mod link;
mod picture;
mod worker;

pub use config::{ENTRY, PREFIX};
pub use env::GymEnv;
pub(crate) use lanes::{Lanes, Order};
