//! Strided convolutions and their transposes on channels-last pictures, as one matrix product over gathered patches.

use burn::prelude::*;
use burn::tensor::module;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

use crate::gemm::{Mat, matmul};
use crate::kernel::{Kernel, View, apply3, runs_kernels};
use crate::kernels::linear::column_sums;

/// Pictures gathered at once: enough for an efficient product, few enough that the patches stay in the cache.
const CHUNK: usize = 8;

/// The window of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Side of the square kernel, in pixels.
    pub kernel: usize,
    /// Step between windows, in pixels.
    pub stride: usize,
    /// Zeros added on each side, in pixels.
    pub padding: usize,
}

impl Window {
    /// Output side for an input side, in pixels.
    pub fn shrink(&self, side: usize) -> usize {
        (side + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Output side of the transposed convolution, in pixels.
    pub fn grow(&self, side: usize) -> usize {
        (side - 1) * self.stride + self.kernel - 2 * self.padding
    }
}

/// Convolution.
///
/// # Shapes
/// `x [batch, height, width, in]`, `w [kernel * kernel * in, out]` (kernel row, kernel column, channel), `b [out]`
/// -> `[batch, height', width', out]`
pub fn conv2d(x: Tensor<4>, w: Tensor<2>, b: Tensor<1>, window: Window) -> Tensor<4> {
    if runs_kernels(&x.device()) {
        apply3(ConvKernel(window), x, w, b)
    } else {
        conv2d_plain(x, w, b, window)
    }
}

/// Transposed convolution: the gradient of [`conv2d`] with respect to its input, used as a layer that grows a picture.
///
/// # Shapes
/// `x [batch, height, width, in]`, `w [in, kernel * kernel * out]` (kernel row, kernel column, channel), `b [out]`
/// -> `[batch, height', width', out]`
pub fn conv2d_transpose(x: Tensor<4>, w: Tensor<2>, b: Tensor<1>, window: Window) -> Tensor<4> {
    if runs_kernels(&x.device()) {
        apply3(ConvTransposeKernel(window), x, w, b)
    } else {
        conv2d_transpose_plain(x, w, b, window)
    }
}

/// [`conv2d`] by burn's own convolution.
pub(crate) fn conv2d_plain(x: Tensor<4>, w: Tensor<2>, b: Tensor<1>, window: Window) -> Tensor<4> {
    let (k, n_in, n_out) = (window.kernel, x.dims()[3], w.dims()[1]);
    let w = w.reshape([k, k, n_in, n_out]).permute([3, 2, 0, 1]);
    let options = ConvOptions::new([window.stride; 2], [window.padding; 2], [1, 1], 1);
    module::conv2d(x.permute([0, 3, 1, 2]), w, Some(b), options).permute([0, 2, 3, 1])
}

/// [`conv2d_transpose`] by burn's own transposed convolution.
pub(crate) fn conv2d_transpose_plain(x: Tensor<4>, w: Tensor<2>, b: Tensor<1>, window: Window) -> Tensor<4> {
    let (k, n_in, n_out) = (window.kernel, x.dims()[3], b.dims()[0]);
    let w = w.reshape([n_in, k, k, n_out]).permute([0, 3, 1, 2]);
    let options = ConvTransposeOptions::new([window.stride; 2], [window.padding; 2], [0, 0], [1, 1], 1);
    module::conv_transpose2d(x.permute([0, 3, 1, 2]), w, Some(b), options).permute([0, 2, 3, 1])
}

/// Where the patches of one picture lie.
#[derive(Clone, Copy)]
struct Patches {
    window: Window,
    /// Size of the large picture.
    height: usize,
    width: usize,
    channels: usize,
    /// Number of windows in each direction.
    rows: usize,
    cols: usize,
}

impl Patches {
    fn new(window: Window, height: usize, width: usize, channels: usize) -> Self {
        Self { window, height, width, channels, rows: window.shrink(height), cols: window.shrink(width) }
    }

    /// Numbers in one patch.
    fn len(&self) -> usize {
        self.window.kernel * self.window.kernel * self.channels
    }

    /// Patches in one picture.
    fn count(&self) -> usize {
        self.rows * self.cols
    }

    /// Numbers in one picture.
    fn picture(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Calls `f(patch offset, picture offset, length)` for every run of numbers that lies inside the picture.
    #[inline(always)]
    fn runs(&self, mut f: impl FnMut(usize, usize, usize)) {
        let Window { kernel, stride, padding } = self.window;
        for row in 0..self.rows {
            for col in 0..self.cols {
                let patch = (row * self.cols + col) * self.len();
                let left = (col * stride) as isize - padding as isize;
                let skip = (-left).max(0) as usize;
                let end = kernel.min((self.width as isize - left).max(0) as usize);
                if skip >= end {
                    continue;
                }
                for ky in 0..kernel {
                    let y = (row * stride + ky) as isize - padding as isize;
                    if y < 0 || y >= self.height as isize {
                        continue;
                    }
                    let x = (left + skip as isize) as usize;
                    let from = (y as usize * self.width + x) * self.channels;
                    let to = patch + (ky * kernel + skip) * self.channels;
                    f(to, from, (end - skip) * self.channels);
                }
            }
        }
    }

    /// Copies the patches of `picture` into `cols`; what lies outside is left as it is (zero).
    fn gather(&self, picture: &[f32], cols: &mut [f32]) {
        self.runs(|to, from, len| cols[to..to + len].copy_from_slice(&picture[from..from + len]));
    }

    /// Adds the patches in `cols` onto `picture`.
    fn scatter(&self, cols: &[f32], picture: &mut [f32]) {
        self.runs(|to, from, len| {
            for (p, c) in picture[from..from + len].iter_mut().zip(&cols[to..to + len]) {
                *p += c;
            }
        });
    }

    /// Patches of up to [`CHUNK`] pictures, in a buffer that is cleared only where the border needs it.
    fn gather_all(&self, pictures: &[f32], cols: &mut [f32]) {
        let size = self.count() * self.len();
        for (picture, cols) in pictures.chunks_exact(self.picture()).zip(cols.chunks_exact_mut(size)) {
            self.gather(picture, cols);
        }
    }

    fn scatter_all(&self, cols: &[f32], pictures: &mut [f32]) {
        let size = self.count() * self.len();
        for (picture, cols) in pictures.chunks_exact_mut(self.picture()).zip(cols.chunks_exact(size)) {
            self.scatter(cols, picture);
        }
    }
}

#[derive(Debug)]
struct ConvKernel(Window);

impl Kernel for ConvKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let [x, w, b] = [inputs[0], inputs[1], inputs[2]];
        let (n_out, patches) = (w.width(), Patches::new(self.0, x.shape[1], x.shape[2], x.shape[3]));
        let n = x.shape[0];
        let mut y = Vec::with_capacity(n * patches.count() * n_out);
        (0..n * patches.count()).for_each(|_| y.extend_from_slice(b.data));
        let mut cols = vec![0.0; CHUNK * patches.count() * patches.len()];
        let chunks = x.data.chunks(CHUNK * patches.picture());
        for (x, y) in chunks.zip(y.chunks_mut(CHUNK * patches.count() * n_out)) {
            let rows = y.len() / n_out;
            let cols = &mut cols[..rows * patches.len()];
            patches.gather_all(x, cols);
            matmul(y, Mat::new(cols, rows, patches.len()), Mat::new(w.data, patches.len(), n_out), true);
        }
        (vec![n, patches.rows, patches.cols, n_out], y)
    }

    fn backward(&self, inputs: &[View], _output: View, grad: View, wanted: &[bool]) -> Vec<Option<Vec<f32>>> {
        let [x, w] = [inputs[0], inputs[1]];
        let (n_out, patches) = (w.width(), Patches::new(self.0, x.shape[1], x.shape[2], x.shape[3]));
        let mut dx = wanted[0].then(|| vec![0.0; x.data.len()]);
        let mut dw = vec![0.0; w.data.len()];
        let mut cols = vec![0.0; CHUNK * patches.count() * patches.len()];
        let mut dcols = if wanted[0] { cols.clone() } else { Vec::new() };
        for (i, dy) in grad.data.chunks(CHUNK * patches.count() * n_out).enumerate() {
            let rows = dy.len() / n_out;
            let from = i * CHUNK * patches.picture();
            let span = from..from + rows / patches.count() * patches.picture();
            let cols = &mut cols[..rows * patches.len()];
            patches.gather_all(&x.data[span.clone()], cols);
            let dy = Mat::new(dy, rows, n_out);
            matmul(&mut dw, Mat::new(cols, rows, patches.len()).t(), dy, true);
            if let Some(dx) = &mut dx {
                let dcols = &mut dcols[..rows * patches.len()];
                matmul(dcols, dy, Mat::new(w.data, patches.len(), n_out).t(), false);
                patches.scatter_all(dcols, &mut dx[span]);
            }
        }
        vec![dx, Some(dw), Some(column_sums(grad.data, n_out))]
    }
}

#[derive(Debug)]
struct ConvTransposeKernel(Window);

impl ConvTransposeKernel {
    /// Patches of the output picture.
    fn patches(&self, x: &View, b: &View) -> Patches {
        Patches::new(self.0, self.0.grow(x.shape[1]), self.0.grow(x.shape[2]), b.data.len())
    }
}

impl Kernel for ConvTransposeKernel {
    fn forward(&self, inputs: &[View]) -> (Vec<usize>, Vec<f32>) {
        let [x, w, b] = [inputs[0], inputs[1], inputs[2]];
        let (n, n_in, patches) = (x.shape[0], x.width(), self.patches(&x, &b));
        let mut y = Vec::with_capacity(n * patches.picture());
        (0..n * patches.height * patches.width).for_each(|_| y.extend_from_slice(b.data));
        let mut cols = vec![0.0; CHUNK * patches.count() * patches.len()];
        let chunks = x.data.chunks(CHUNK * patches.count() * n_in);
        for (x, y) in chunks.zip(y.chunks_mut(CHUNK * patches.picture())) {
            let rows = x.len() / n_in;
            let cols = &mut cols[..rows * patches.len()];
            matmul(cols, Mat::new(x, rows, n_in), Mat::new(w.data, n_in, patches.len()), false);
            patches.scatter_all(cols, y);
        }
        (vec![n, patches.height, patches.width, patches.channels], y)
    }

    fn backward(&self, inputs: &[View], _output: View, grad: View, wanted: &[bool]) -> Vec<Option<Vec<f32>>> {
        let [x, w, b] = [inputs[0], inputs[1], inputs[2]];
        let (n_in, patches) = (x.width(), self.patches(&x, &b));
        let mut dx = vec![0.0; if wanted[0] { x.data.len() } else { 0 }];
        let mut dw = vec![0.0; w.data.len()];
        let mut dcols = vec![0.0; CHUNK * patches.count() * patches.len()];
        for (i, dy) in grad.data.chunks(CHUNK * patches.picture()).enumerate() {
            let rows = dy.len() / patches.picture() * patches.count();
            let span = i * CHUNK * patches.count() * n_in..(i * CHUNK * patches.count() + rows) * n_in;
            let dcols = &mut dcols[..rows * patches.len()];
            patches.gather_all(dy, dcols);
            let dcols = Mat::new(dcols, rows, patches.len());
            matmul(&mut dw, Mat::new(&x.data[span.clone()], rows, n_in).t(), dcols, true);
            if wanted[0] {
                matmul(&mut dx[span], dcols, Mat::new(w.data, n_in, patches.len()).t(), false);
            }
        }
        let db = column_sums(grad.data, b.data.len());
        vec![wanted[0].then_some(dx), Some(dw), Some(db)]
    }
}
