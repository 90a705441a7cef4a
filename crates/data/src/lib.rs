//! Episodes on disk and in memory: the store, replay and its samplers, and pictures of them to look at.

mod atomic;
mod batch;
mod blosc;
mod dtype;
pub mod export;
mod fingerprint;
pub mod formats;
mod leaf;
mod natural;
mod npy;
mod npz;
mod picture;
mod replay;
mod resize;
mod stats;
mod store;
mod zarr;
mod zipped;

pub use atomic::{crc32, write_atomic};
pub use batch::{Batch, Cell, Column, StepId};
pub use fingerprint::fingerprint;
pub use replay::{Goal, NStep, Pick, Relabel, Replay, ReplayState, Sampler, Window, n_step_returns};
pub use resize::resize;
pub use stats::{ColumnStats, Statistics, StatsBuilder};
pub use store::{Entry, Keeping, Pictures, Store, Summary, is_held_out};
