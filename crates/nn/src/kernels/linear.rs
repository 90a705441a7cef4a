//! An affine map: `y = x w + b`.

use burn::prelude::*;

use crate::gemm::{Mat, matmul};
use crate::kernel::{Kernel, View, apply3, runs_kernels};
use crate::simd::vectorised;

/// `x w + b`.
///
/// # Shapes
/// `x [rows, in]`, `w [in, out]`, `b [out]` -> `[rows, out]`
pub fn linear(x: Tensor<2>, w: Tensor<2>, b: Tensor<1>) -> Tensor<2> {
    if runs_kernels(&x.device()) { apply3(LinearKernel, x, w, b) } else { plain(x, w, b) }
}

/// The same in plain tensor operations.
pub(crate) fn plain(x: Tensor<2>, w: Tensor<2>, b: Tensor<1>) -> Tensor<2> {
    x.matmul(w) + b.unsqueeze()
}

#[derive(Debug)]
struct LinearKernel;

impl Kernel for LinearKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let [x, w, b] = [inputs[0], inputs[1], inputs[2]];
        let (rows, n_in, n_out) = (x.rows(), x.width(), w.width());
        let mut y = Vec::with_capacity(rows * n_out);
        (0..rows).for_each(|_| y.extend_from_slice(b.data));
        matmul(&mut y, Mat::new(x.data, rows, n_in), Mat::new(w.data, n_in, n_out), true);
        (vec![rows, n_out], y)
    }

    fn backward(&self, inputs: &[View], _output: View, grad: View, wanted: &[bool]) -> Vec<Option<Vec<f32>>> {
        let [x, w] = [inputs[0], inputs[1]];
        let (rows, n_in, n_out) = (x.rows(), x.width(), w.width());
        let dy = Mat::new(grad.data, rows, n_out);
        let dx = wanted[0].then(|| {
            let mut dx = vec![0.0; rows * n_in];
            matmul(&mut dx, dy, Mat::new(w.data, n_in, n_out).t(), false);
            dx
        });
        let dw = wanted[1].then(|| {
            let mut dw = vec![0.0; n_in * n_out];
            matmul(&mut dw, Mat::new(x.data, rows, n_in).t(), dy, false);
            dw
        });
        let db = wanted[2].then(|| column_sums(grad.data, n_out));
        vec![dx, dw, db]
    }
}

/// The sum of every column of a row-major matrix of `width` columns.
pub(crate) fn column_sums(data: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    add_rows(data, &mut sums);
    sums
}

vectorised! {
    fn add_rows(data: &[f32], sums: &mut [f32]) {
        for row in data.chunks_exact(sums.len()) {
            for (s, x) in sums.iter_mut().zip(row) {
                *s += x;
            }
        }
    }
}
