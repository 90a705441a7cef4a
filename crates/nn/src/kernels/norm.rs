//! RMS normalisation with a learned scale, followed by SiLU or nothing.

use burn::prelude::*;
use burn::tensor::activation;

use crate::kernel::{Kernel, View, apply2, runs_kernels};
use crate::simd::{sigmoid, vectorised};

const EPS: f32 = 1e-6;

/// What follows the normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    None,
    /// `x * sigmoid(x)`.
    Silu,
}

/// `act(x / rms(x) * scale)` over the last axis (Zhang and Sennrich, 2019).
///
/// # Shapes
/// `x [rows, width]`, `scale [width]` -> `[rows, width]`
pub fn norm(x: Tensor<2>, scale: Tensor<1>, act: Act) -> Tensor<2> {
    if runs_kernels(&x.device()) { apply2(NormKernel(act), x, scale) } else { plain(x, scale, act) }
}

/// The same in plain tensor operations.
pub(crate) fn plain(x: Tensor<2>, scale: Tensor<1>, act: Act) -> Tensor<2> {
    let rms = (x.clone().powi_scalar(2).mean_dim(1) + EPS).sqrt();
    let y = x / rms * scale.unsqueeze();
    match act {
        Act::None => y,
        Act::Silu => activation::silu(y),
    }
}

#[derive(Debug)]
struct NormKernel(Act);

impl Kernel for NormKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let [x, scale] = [inputs[0], inputs[1]];
        let mut y = vec![0.0; x.data.len()];
        norm_rows(x.data, scale.data, &mut y, self.0);
        (x.shape.to_vec(), y)
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: View,
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let [x, scale] = [inputs[0], inputs[1]];
        let (mut dx, mut dscale) = (vec![0.0; x.data.len()], vec![0.0; scale.data.len()]);
        norm_rows_backward(x.data, scale.data, grad.data, &mut dx, &mut dscale, self.0);
        vec![Some(dx), Some(dscale)]
    }
}

/// Sum of `f` over a row in eight lanes, which the compiler can keep in vector registers.
#[inline(always)]
fn lane_sum(n: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [0.0f32; 16];
    let whole = n / 16 * 16;
    for start in (0..whole).step_by(16) {
        for (j, lane) in lanes.iter_mut().enumerate() {
            *lane += f(start + j);
        }
    }
    lanes.iter().sum::<f32>() + (whole..n).map(f).sum::<f32>()
}

vectorised! {
    fn norm_rows(x: &[f32], scale: &[f32], y: &mut [f32], act: Act) {
        let n = scale.len();
        for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)) {
            let r = 1.0 / (lane_sum(n, |i| x[i] * x[i]) / n as f32 + EPS).sqrt();
            for i in 0..n {
                let v = x[i] * r * scale[i];
                y[i] = if act == Act::Silu { v * sigmoid(v) } else { v };
            }
        }
    }
}

vectorised! {
    fn norm_rows_backward(
        x: &[f32], scale: &[f32], grad: &[f32], dx: &mut [f32], dscale: &mut [f32], act: Act,
    ) {
        let n = scale.len();
        let mut dv = vec![0.0f32; n]; // gradient before the activation, times the scale
        for ((x, g), dx) in x.chunks_exact(n).zip(grad.chunks_exact(n)).zip(dx.chunks_exact_mut(n)) {
            let r = 1.0 / (lane_sum(n, |i| x[i] * x[i]) / n as f32 + EPS).sqrt();
            for i in 0..n {
                let unit = x[i] * r;
                let mut d = g[i];
                if act == Act::Silu {
                    let v = unit * scale[i];
                    let s = sigmoid(v);
                    d *= s * (1.0 + v * (1.0 - s));
                }
                dscale[i] += d * unit;
                dv[i] = d * scale[i];
            }
            let along = lane_sum(n, |i| dv[i] * x[i]) * r * r / n as f32;
            for i in 0..n {
                dx[i] = r * (dv[i] - x[i] * along);
            }
        }
    }
}
