//! Memory tasks after those of S4WM (Deng, Park and Ahn, "Facing Off World Model Backbones", 2023).
//!
//! Own two-dimensional worlds with the demands that the paper names: rooms seen once and asked about later ([`rooms`]), a cue
//! that decides a reward much later, past distractions ([`distracting`]), and a memory that must be updated ([`doors_keys`]).
//! All are deterministic given the start and the actions; all are seen through a small window ([`sight`]).

pub mod distracting;
pub mod doors_keys;
pub mod rooms;
pub mod sight;
