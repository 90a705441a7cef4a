//! The gates of the recurrent cell of DreamerV3: a GRU whose update gate starts closed.

use burn::prelude::*;
use burn::tensor::activation;

use crate::kernel::{Kernel, View, apply2, runs_kernels};
use crate::simd::{sigmoid, tanh, vectorised};

/// The next hidden state from normalised pre-activations `[reset | candidate | update]`:
/// `c = tanh(sigmoid(reset) * candidate)`, `u = sigmoid(update - 1)`, `h' = u c + (1 - u) h`.
///
/// # Shapes
/// `gates [rows, 3 width]`, `h [rows, width]` -> `[rows, width]`
pub fn gru_gates(gates: Tensor<2>, h: Tensor<2>) -> Tensor<2> {
    if runs_kernels(&h.device()) { apply2(GatesKernel, gates, h) } else { plain(gates, h) }
}

/// The same in plain tensor operations.
pub(crate) fn plain(gates: Tensor<2>, h: Tensor<2>) -> Tensor<2> {
    let width = h.dims()[1];
    let part = |i: usize| gates.clone().narrow(1, i * width, width);
    let candidate = (activation::sigmoid(part(0)) * part(1)).tanh();
    let update = activation::sigmoid(part(2) - 1.0);
    update * (candidate - h.clone()) + h
}

#[derive(Debug)]
struct GatesKernel;

impl Kernel for GatesKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let [gates, h] = [inputs[0], inputs[1]];
        let mut out = vec![0.0; h.data.len()];
        gates_forward(gates.data, h.data, &mut out, h.width());
        (h.shape.to_vec(), out)
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: View,
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [gates, h] = [inputs[0], inputs[1]];
        let (mut dgates, mut dh) = (vec![0.0; gates.data.len()], vec![0.0; h.data.len()]);
        gates_backward(gates.data, h.data, grad.data, &mut dgates, &mut dh, h.width());
        vec![Some(dgates), Some(dh)]
    }
}

vectorised! {
    fn gates_forward(gates: &[f32], h: &[f32], out: &mut [f32], n: usize) {
        for ((g, h), out) in gates.chunks_exact(3 * n).zip(h.chunks_exact(n)).zip(out.chunks_exact_mut(n)) {
            let (reset, g) = g.split_at(n);
            let (candidate, update) = g.split_at(n);
            for i in 0..n {
                let c = tanh(sigmoid(reset[i]) * candidate[i]);
                out[i] = h[i] + sigmoid(update[i] - 1.0) * (c - h[i]);
            }
        }
    }
}

vectorised! {
    fn gates_backward(gates: &[f32], h: &[f32], grad: &[f32], dgates: &mut [f32], dh: &mut [f32], n: usize) {
        let rows = gates.chunks_exact(3 * n).zip(h.chunks_exact(n)).zip(grad.chunks_exact(n));
        for (((g, h), d), (dg, dh)) in rows.zip(dgates.chunks_exact_mut(3 * n).zip(dh.chunks_exact_mut(n))) {
            let (reset, g) = g.split_at(n);
            let (candidate, update) = g.split_at(n);
            let (dreset, dg) = dg.split_at_mut(n);
            let (dcandidate, dupdate) = dg.split_at_mut(n);
            for i in 0..n {
                let r = sigmoid(reset[i]);
                let c = tanh(r * candidate[i]);
                let u = sigmoid(update[i] - 1.0);
                let dc = d[i] * u * (1.0 - c * c);
                dreset[i] = dc * candidate[i] * r * (1.0 - r);
                dcandidate[i] = dc * r;
                dupdate[i] = d[i] * (c - h[i]) * u * (1.0 - u);
                dh[i] = d[i] * (1.0 - u);
            }
        }
    }
}
