//! Episodes on disk and in memory: the store, replay and samplers.

mod batch;
mod replay;

pub use batch::{Batch, Column};
pub use replay::Replay;
