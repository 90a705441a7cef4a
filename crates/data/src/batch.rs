//! What a learner is fed: plain arrays, batch first, aligned on arrival.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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

/// One element of a [`Column`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// The bytes of a picture.
    U8(&'a [u8]),
    /// Numbers.
    F32(&'a [f32]),
}

/// The name of a step that a replay holds or held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepId {
    /// How many episodes had been pushed before its own.
    pub episode: u64,
    /// Its place in that episode: 0 is the first observation.
    pub step: u64,
}

/// `n_seqs` windows of `n_steps` consecutive steps.
///
/// Everything is aligned on arrival: at `(b, t)` stand the observation, the action that led to it, the reward that
/// came with it, and what kind of step it is. On a first step the action is all zeros and the reward 0. All arrays are
/// `[n_seqs, n_steps, ..]`, row-major. Where a window has no step (see [`Window`](crate::Window)) everything is zero
/// and false.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Number of windows.
    pub n_seqs: usize,
    /// Steps in each window, those of the burn-in with them.
    pub n_steps: usize,
    /// How many steps at the head of each window only warm up a recurrent state and are not trained on.
    pub burn_in: usize,
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
    /// Whether there is a step here and it belongs to the same episode as the window's start: `[n_seqs, n_steps]`.
    pub mask: Vec<bool>,
    /// The step each window was drawn at, which stands at `(b, burn_in)`: `[n_seqs]`.
    pub starts: Vec<StepId>,
    /// What each window's loss is to be multiplied with: `[n_seqs]`, at most 1. Below 1 only where a prioritised sampler
    /// drew a window more often than others.
    pub weights: Vec<f32>,
}

impl Column {
    /// Element `idx`; a step `(b, t)` of a batch has the index `b * n_steps + t`.
    pub fn get(&self, idx: usize) -> Option<Cell<'_>> {
        match self {
            Column::U8 { shape, data } => row(data, shape, idx).map(Cell::U8),
            Column::F32 { shape, data } => row(data, shape, idx).map(Cell::F32),
        }
    }

    /// Overwrites element `idx`; returns whether there is such an element and `cell` has its type and length.
    pub fn set(&mut self, idx: usize, cell: Cell) -> bool {
        match (self, cell) {
            (Column::U8 { shape, data }, Cell::U8(new)) => put(data, shape, idx, new),
            (Column::F32 { shape, data }, Cell::F32(new)) => put(data, shape, idx, new),
            _ => false,
        }
    }
}

fn row<'a, T>(data: &'a [T], shape: &[usize], idx: usize) -> Option<&'a [T]> {
    let width: usize = shape.iter().product();
    data.get(idx.checked_mul(width)?..)?.get(..width)
}

fn put<T: Copy>(data: &mut [T], shape: &[usize], idx: usize, new: &[T]) -> bool {
    let width: usize = shape.iter().product();
    let Some(at) = idx.checked_mul(width) else { return false };
    match data.get_mut(at..).and_then(|rest| rest.get_mut(..width)) {
        Some(old) if new.len() == width => {
            old.copy_from_slice(new);
            true
        }
        _ => false,
    }
}
