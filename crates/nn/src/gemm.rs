//! Matrix products over slices.

/// A matrix inside a slice, with its strides.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Mat<'a> {
    /// A row-major matrix.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(data.len(), rows * cols, "matrix data");
        Self { data, rows, cols, row_stride: cols, col_stride: 1 }
    }

    /// Its transpose.
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

/// `dst = a b`, or `dst += a b` with `add`; `dst` is row-major.
pub(crate) fn matmul(dst: &mut [f32], a: Mat, b: Mat, add: bool) {
    assert_eq!(a.cols, b.rows, "inner dimension");
    assert_eq!(dst.len(), a.rows * b.cols, "output size");
    if dst.is_empty() {
        return;
    }
    let (m, n, k) = (a.rows, b.cols, a.cols);
    // SAFETY: the strides describe matrices that lie inside their slices, as asserted on construction and above.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(0),
        );
    }
}
