//! Episodes on disk and in memory: the store, replay and its samplers, and pictures of them to look at.

mod atomic;
mod batch;
mod blosc;
mod dtype;
pub mod export;
mod format;
pub mod formats;
mod leaf;
mod natural;
mod npy;
mod npz;
mod picture;
mod replay;
mod resize;
mod ring;
mod store;
mod zarr;
mod zipped;

pub use atomic::{crc32, write_atomic};
pub use batch::{Batch, Column};
pub use replay::{Replay, ReplayState};
pub use resize::resize;
pub use store::{Store, Summary, is_held_out};
