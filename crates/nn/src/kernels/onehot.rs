//! Groups of categorical variables: straight-through samples, their divergence, and cross-entropy.
//!
//! Rows hold `groups` distributions of `classes` logits, one after the other. A share `unimix` of every distribution is
//! uniform, so that no probability is ever zero.

use burn::prelude::*;
use burn::tensor::{TensorData, activation};

use crate::kernel::{Kernel, View, apply1, apply2, runs_kernels};
use crate::simd::{softmax, vectorised};

/// How a row is divided into distributions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Groups {
    /// Classes of each distribution.
    pub classes: usize,
    /// Share of the uniform distribution mixed into each, `0..1`.
    pub unimix: f32,
}

/// Probabilities of every class, with the uniform share mixed in.
///
/// # Shapes
/// `logits [rows, groups * classes]` -> the same
pub fn probs(logits: Tensor<2>, groups: Groups) -> Tensor<2> {
    let [rows, width] = logits.dims();
    let p = activation::softmax(logits.reshape([rows, width / groups.classes, groups.classes]), 2);
    (p * (1.0 - groups.unimix) + groups.unimix / groups.classes as f32).reshape([rows, width])
}

/// One-hot samples by inverse transform: `noise` holds one uniform number a distribution. The gradient is that of the
/// probabilities (straight through, Bengio et al., 2013).
///
/// # Shapes
/// `logits [rows, groups * classes]`, `noise` of `rows * groups` numbers -> `[rows, groups * classes]`
pub fn sample(logits: Tensor<2>, noise: Vec<f32>, groups: Groups) -> Tensor<2> {
    if runs_kernels(&logits.device()) {
        return apply1(SampleKernel { groups, noise: Some(noise) }, logits);
    }
    sample_plain(logits, noise, groups)
}

/// The most probable class of each distribution, one-hot, with the gradient of the probabilities.
///
/// # Shapes
/// `logits [rows, groups * classes]` -> the same
pub fn mode(logits: Tensor<2>, groups: Groups) -> Tensor<2> {
    if runs_kernels(&logits.device()) {
        return apply1(SampleKernel { groups, noise: None }, logits);
    }
    let [rows, width] = logits.dims();
    let p = probs(logits, groups);
    let grid = p.clone().detach().reshape([rows, width / groups.classes, groups.classes]);
    let hot = grid.clone().equal(grid.max_dim(2)).float().reshape([rows, width]);
    hot + p.clone() - p.detach()
}

/// [`sample`] in plain tensor operations.
pub(crate) fn sample_plain(logits: Tensor<2>, noise: Vec<f32>, groups: Groups) -> Tensor<2> {
    let [rows, width] = logits.dims();
    let n_groups = width / groups.classes;
    let p = probs(logits, groups);
    let grid = p.clone().detach().reshape([rows, n_groups, groups.classes]);
    let noise = Tensor::<3>::from_data(TensorData::new(noise, [rows, n_groups, 1]), &grid.device());
    let above = grid.cumsum(2).greater(noise).float(); // 0 0 1 1 1: the first one is the sample
    let before = above.clone().narrow(2, 0, groups.classes - 1);
    let shifted = Tensor::cat(
        vec![before.narrow(2, 0, 1).zeros_like(), above.clone().narrow(2, 0, groups.classes - 1)],
        2,
    );
    let hot = (above - shifted).reshape([rows, width]);
    hot + p.clone() - p.detach()
}

/// Kullback-Leibler divergence from `a` to `b`, summed over the distributions of a row.
///
/// # Shapes
/// `a`, `b` logits `[rows, groups * classes]` -> `[rows]`
pub fn kl(a: Tensor<2>, b: Tensor<2>, groups: Groups) -> Tensor<1> {
    if runs_kernels(&a.device()) { apply2(KlKernel(groups), a, b) } else { kl_plain(a, b, groups) }
}

/// [`kl`] in plain tensor operations.
pub(crate) fn kl_plain(a: Tensor<2>, b: Tensor<2>, groups: Groups) -> Tensor<1> {
    let (p, q) = (probs(a, groups), probs(b, groups));
    (p.clone() * (p.log() - q.log())).sum_dim(1).squeeze_dim(1)
}

/// Cross-entropy of a row of logits against target probabilities. No gradient reaches the target.
///
/// # Shapes
/// `logits`, `target` `[rows, classes]` -> `[rows]`
pub fn cross_entropy(logits: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    if runs_kernels(&logits.device()) {
        apply2(CrossEntropyKernel, logits, target.detach())
    } else {
        cross_entropy_plain(logits, target)
    }
}

/// [`cross_entropy`] in plain tensor operations.
pub(crate) fn cross_entropy_plain(logits: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    -(activation::log_softmax(logits, 1) * target.detach()).sum_dim(1).squeeze_dim(1)
}

#[derive(Debug)]
struct SampleKernel {
    groups: Groups,
    /// One uniform number a distribution; the mode is taken where there is none.
    noise: Option<Vec<f32>>,
}

impl Kernel for SampleKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let Groups { classes, unimix } = self.groups;
        let mut out = inputs[0].data.to_vec();
        mixed_softmax(&mut out, classes, unimix);
        for (i, row) in out.chunks_exact_mut(classes).enumerate() {
            let pick = match &self.noise {
                Some(noise) => inverse_transform(row, noise[i]),
                None => (0..classes).fold(0, |best, j| if row[j] > row[best] { j } else { best }),
            };
            row.fill(0.0);
            row[pick] = 1.0;
        }
        (inputs[0].shape.to_vec(), out)
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: View,
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let Groups { classes, unimix } = self.groups;
        let mut p = inputs[0].data.to_vec();
        mixed_softmax(&mut p, classes, 0.0);
        softmax_backward(&mut p, grad.data, classes, 1.0 - unimix);
        vec![Some(p)]
    }
}

#[derive(Debug)]
struct KlKernel(Groups);

impl Kernel for KlKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let Groups { classes, unimix } = self.0;
        let (mut p, mut q) = (inputs[0].data.to_vec(), inputs[1].data.to_vec());
        mixed_softmax(&mut p, classes, unimix);
        mixed_softmax(&mut q, classes, unimix);
        let width = inputs[0].width();
        let rows = p.chunks_exact(width).zip(q.chunks_exact(width));
        let out: Vec<f32> = rows.map(|(p, q)| p.iter().zip(q).map(|(p, q)| p * (p / q).ln()).sum()).collect();
        (vec![out.len()], out)
    }

    fn backward(&self, inputs: &[View], _output: View, grad: View, wanted: &[bool]) -> Vec<Option<Vec<f32>>> {
        let Groups { classes, unimix } = self.0;
        let width = inputs[0].width();
        let (mut p, mut q) = (inputs[0].data.to_vec(), inputs[1].data.to_vec());
        mixed_softmax(&mut p, classes, 0.0);
        mixed_softmax(&mut q, classes, 0.0);
        let mix = |x: f32| (1.0 - unimix) * x + unimix / classes as f32;
        let row_grad = |i: usize| grad.data[i / width];
        let through = |soft: &[f32], slope: &dyn Fn(f32, f32) -> f32| {
            let d: Vec<f32> = (0..p.len()).map(|i| row_grad(i) * slope(mix(p[i]), mix(q[i]))).collect();
            let mut out = soft.to_vec();
            softmax_backward(&mut out, &d, classes, 1.0 - unimix);
            out
        };
        let da = wanted[0].then(|| through(&p, &|p, q| (p / q).ln() + 1.0));
        let db = wanted[1].then(|| through(&q, &|p, q| -p / q));
        vec![da, db]
    }
}

#[derive(Debug)]
struct CrossEntropyKernel;

impl Kernel for CrossEntropyKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let [logits, target] = [inputs[0], inputs[1]];
        let mut out = vec![0.0; logits.rows()];
        cross_entropy_rows(logits.data, target.data, &mut out, logits.width());
        (vec![out.len()], out)
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: View,
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [logits, target] = [inputs[0], inputs[1]];
        let width = logits.width();
        let mut d = logits.data.to_vec();
        mixed_softmax(&mut d, width, 0.0);
        for ((d, t), g) in d.chunks_exact_mut(width).zip(target.data.chunks_exact(width)).zip(grad.data) {
            let mass: f32 = t.iter().sum();
            d.iter_mut().zip(t).for_each(|(d, t)| *d = g * (*d * mass - t));
        }
        vec![Some(d), None]
    }
}

/// The first class whose cumulative probability exceeds `u`.
fn inverse_transform(p: &[f32], u: f32) -> usize {
    let mut sum = 0.0;
    p.iter()
        .position(|p| {
            sum += p;
            sum > u
        })
        .unwrap_or(p.len() - 1)
}

vectorised! {
    fn mixed_softmax(x: &mut [f32], classes: usize, unimix: f32) {
        for row in x.chunks_exact_mut(classes) {
            softmax(row);
            if unimix > 0.0 {
                row.iter_mut().for_each(|p| *p = (1.0 - unimix) * *p + unimix / classes as f32);
            }
        }
    }
}

vectorised! {
    /// Turns softmax outputs `p` into the gradient of the logits, given that of the outputs, times `scale`.
    fn softmax_backward(p: &mut [f32], grad: &[f32], classes: usize, scale: f32) {
        for (p, g) in p.chunks_exact_mut(classes).zip(grad.chunks_exact(classes)) {
            let along: f32 = p.iter().zip(g).map(|(p, g)| p * g).sum();
            p.iter_mut().zip(g).for_each(|(p, g)| *p *= scale * (g - along));
        }
    }
}

vectorised! {
    fn cross_entropy_rows(logits: &[f32], target: &[f32], out: &mut [f32], width: usize) {
        for ((x, t), out) in logits.chunks_exact(width).zip(target.chunks_exact(width)).zip(out) {
            let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = x.iter().map(|x| crate::simd::exp(x - max)).sum();
            let log_sum = max + sum.ln();
            *out = t.iter().zip(x).map(|(t, x)| t * (log_sum - x)).sum();
        }
    }
}
