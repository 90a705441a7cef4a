//! Experience in memory, sampled in windows.

/// Flattened episodes with a seeded window sampler.
pub struct Replay;
