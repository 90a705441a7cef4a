//! Returns over several steps.

use crate::Batch;

/// What is known of the return from each step of a batch on: `[n_seqs, n_steps]` each.
#[derive(Debug, Clone, PartialEq)]
pub struct NStep {
    /// Discounted sum of the rewards that came with the next steps, at most `n` of them.
    pub reward: Vec<f32>,
    /// What the value after those steps is worth now: `discount ^ steps`, or 0 where the world has ended.
    pub discount: Vec<f32>,
    /// The step whose value is to be added: its index `b * batch.n_steps + t`. The step itself where none follows.
    pub next: Vec<usize>,
}

/// For each step `t` of each window
///
/// ```text
/// reward   = r[t+1] + d r[t+2] + .. + d^(m-1) r[t+m]
/// discount = d^m, or 0 if t+m is terminal
/// next     = t+m
/// ```
///
/// where `d` is `discount` and `m` is `n`, or less where the episode or the window ends before. The target of a value is
/// then `reward + discount * value(next)`. No sum runs over the end of an episode, whatever the window does. What comes out
/// at empty steps means nothing.
pub fn n_step_returns(batch: &Batch, n: usize, discount: f32) -> NStep {
    let len = batch.n_seqs * batch.n_steps;
    let mut out = NStep { reward: vec![0.0; len], discount: vec![1.0; len], next: (0..len).collect() };
    for start in 0..len {
        let window_end = start - start % batch.n_steps + batch.n_steps;
        for step in start + 1..window_end.min(start.saturating_add(n).saturating_add(1)) {
            if !follows(batch, step) {
                break;
            }
            out.reward[start] += out.discount[start] * batch.reward[step];
            out.discount[start] *= discount;
            out.next[start] = step;
        }
        if batch.terminal[out.next[start]] {
            out.discount[start] = 0.0;
        }
    }
    out
}

/// Whether `step` belongs to the same episode as the one before it in its window.
fn follows(batch: &Batch, step: usize) -> bool {
    !batch.first[step] && batch.mask[step] == batch.mask[step - 1]
}
