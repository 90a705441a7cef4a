//! What a learner is fed: plain arrays, batch first, aligned on arrival.

use std::collections::BTreeMap;

/// One named observation leaf over all steps of a batch, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Pictures: `shape` is `[height, width, channels]`.
    U8 {
        /// Extent of one element.
        shape: Vec<usize>,
        /// `n_seqs * n_steps` elements, one after the other.
        data: Vec<u8>,
    },
    /// Flat numbers: `shape` is `[len]`. Choices are one-hot.
    F32 {
        /// Extent of one element.
        shape: Vec<usize>,
        /// `n_seqs * n_steps` elements, one after the other.
        data: Vec<f32>,
    },
}

/// `n_seqs` windows of `n_steps` consecutive steps.
///
/// Everything is aligned on arrival: at `(b, t)` stand the observation, the action that led to it, the reward that
/// came with it, and what kind of step it is. On a first step the action is all zeros and the reward 0. All arrays are
/// `[n_seqs, n_steps, ..]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Number of windows.
    pub n_seqs: usize,
    /// Steps in each window.
    pub n_steps: usize,
    /// Observation leaves by name: the keys of a dict observation joined by `/`; `obs` when it is a single leaf.
    pub obs: BTreeMap<String, Column>,
    /// Numbers in one flat action ([`worldsmith_core::Space::flat_len`]).
    pub action_len: usize,
    /// The action that led to this step, flat (choices one-hot): `[n_seqs, n_steps, action_len]`.
    pub action: Vec<f32>,
    /// The reward that came with this step: `[n_seqs, n_steps]`.
    pub reward: Vec<f32>,
    /// Whether this step is the first of its episode.
    pub first: Vec<bool>,
    /// Whether the world ended at this step (terminated, not truncated).
    pub terminal: Vec<bool>,
    /// Whether this step is the last of its episode, for either reason.
    pub last: Vec<bool>,
}
