//! Episodes on disk and in memory: the store, replay and samplers.
