//! Squared error against 8-bit pictures, without unpacking them.

use burn::prelude::*;
use burn::tensor::TensorData;

use crate::kernel::{Kernel, View, apply1, runs_kernels};
use crate::simd::vectorised;

/// Sum of squared differences of a row to `target / 255`.
///
/// # Shapes
/// `x [rows, width]`, `target` of `rows * width` bytes -> `[rows]`
pub fn picture_error(x: Tensor<2>, target: Vec<u8>) -> Tensor<1> {
    if runs_kernels(&x.device()) { apply1(ErrorKernel(target), x) } else { plain(x, &target) }
}

/// The same in plain tensor operations.
pub(crate) fn plain(x: Tensor<2>, target: &[u8]) -> Tensor<1> {
    let data: Vec<f32> = target.iter().map(|b| f32::from(*b) / 255.0).collect();
    let target = Tensor::<2>::from_data(TensorData::new(data, x.dims()), &x.device());
    (x - target).powi_scalar(2).sum_dim(1).squeeze_dim(1)
}

struct ErrorKernel(Vec<u8>);

impl std::fmt::Debug for ErrorKernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ErrorKernel({} bytes)", self.0.len())
    }
}

impl Kernel for ErrorKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let x = inputs[0];
        let mut out = vec![0.0; x.rows()];
        for ((x, t), out) in x.data.chunks_exact(x.width()).zip(self.0.chunks_exact(x.width())).zip(&mut out)
        {
            row_error(x, t, out);
        }
        (vec![out.len()], out)
    }

    fn backward(
        &self,
        inputs: &[View],
        _output: View,
        grad: View,
        _wanted: &[bool],
    ) -> Vec<Option<Vec<f32>>> {
        let x = inputs[0];
        let mut dx = vec![0.0; x.data.len()];
        let rows = x.data.chunks_exact(x.width()).zip(self.0.chunks_exact(x.width()));
        for ((x, t), (g, dx)) in rows.zip(grad.data.iter().zip(dx.chunks_exact_mut(x.width()))) {
            row_slope(x, t, *g, dx);
        }
        vec![Some(dx)]
    }
}

vectorised! {
    fn row_error(x: &[f32], target: &[u8], out: &mut f32) {
        let mut lanes = [0.0f32; 16];
        let (xs, x_rest) = x.as_chunks::<16>();
        let (ts, t_rest) = target.as_chunks::<16>();
        for (x, t) in xs.iter().zip(ts) {
            for i in 0..16 {
                let d = x[i] - f32::from(t[i]) / 255.0;
                lanes[i] += d * d;
            }
        }
        let rest: f32 = x_rest.iter().zip(t_rest).map(|(x, t)| (x - f32::from(*t) / 255.0).powi(2)).sum();
        *out = lanes.iter().sum::<f32>() + rest;
    }
}

vectorised! {
    fn row_slope(x: &[f32], target: &[u8], grad: f32, dx: &mut [f32]) {
        for ((x, t), dx) in x.iter().zip(target).zip(dx) {
            *dx = 2.0 * grad * (x - f32::from(*t) / 255.0);
        }
    }
}
