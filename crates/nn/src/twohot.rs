//! Regression as classification: a number is spread over its two neighbouring bins on a symlog axis.
//!
//! Source: DreamerV3 (Hafner et al., 2023), equations 8 to 10.

use burn::prelude::*;
use burn::tensor::{TensorData, activation};

/// `sign(x) ln(1 + |x|)`: squeezes large numbers, leaves small ones.
pub fn symlog(x: f32) -> f32 {
    x.signum() * x.abs().ln_1p()
}

/// The inverse of [`symlog`].
pub fn symexp(x: f32) -> f32 {
    x.signum() * x.abs().exp_m1()
}

/// An odd number of bins, evenly spaced in symlog from -`limit` to `limit`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoHot {
    /// Number of bins.
    pub bins: usize,
    /// Symlog of the largest number.
    pub limit: f32,
}

impl TwoHot {
    /// The usual axis: symlog from -20 to 20.
    pub fn new(bins: usize) -> Self {
        Self { bins, limit: 20.0 }
    }

    /// Target probabilities, `[values.len(), bins]`.
    pub fn encode(&self, values: &[f32], device: &Device) -> Tensor<2> {
        let mut data = vec![0.0; values.len() * self.bins];
        let last = (self.bins - 1) as f32;
        for (row, value) in data.chunks_exact_mut(self.bins).zip(values) {
            let at = ((symlog(*value) / self.limit + 1.0) / 2.0 * last).clamp(0.0, last);
            let (low, share) = (at.floor() as usize, at.fract());
            row[low] = 1.0 - share;
            if share > 0.0 {
                row[low + 1] = share;
            }
        }
        Tensor::from_data(TensorData::new(data, [values.len(), self.bins]), device)
    }

    /// The number a distribution stands for: symexp of its mean.
    ///
    /// # Shapes
    /// `logits [rows, bins]` -> `[rows]`
    pub fn decode(&self, logits: Tensor<2>) -> Tensor<1> {
        let last = (self.bins - 1) as f32;
        let axis: Vec<f32> = (0..self.bins).map(|i| self.limit * (2.0 * i as f32 / last - 1.0)).collect();
        let axis = Tensor::<2>::from_data(TensorData::new(axis, [self.bins, 1]), &logits.device());
        let mean = activation::softmax(logits, 1).matmul(axis).squeeze_dim::<1>(1);
        mean.clone().sign() * (mean.abs().exp() - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_survives_encoding_and_decoding() {
        let (axis, device) = (TwoHot::new(63), Device::flex());
        let values = [-300.0, -1.0, 0.0, 0.25, 1.0, 17.0];
        let target = axis.encode(&values, &device);
        let decoded = axis.decode((target + 1e-12).log()).into_data().try_to_vec::<f32>().unwrap();
        for (got, want) in decoded.iter().zip(values) {
            assert!((got - want).abs() < 1e-3 * (1.0 + want.abs()), "{got} against {want}");
        }
        assert_eq!(symexp(symlog(5.0)).round(), 5.0);
    }

    #[test]
    fn no_opinion_means_zero() {
        let logits = Tensor::<2>::zeros([1, 255], &Device::flex());
        assert!(TwoHot::new(255).decode(logits).into_scalar::<f32>().abs() < 1e-5);
    }
}
