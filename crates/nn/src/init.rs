//! Where fresh weights come from: a seeded stream, so that the same seed gives the same network on every device.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Rng, Seed};

/// Draws initial weights, in the order the network is built.
#[derive(Debug, Clone)]
pub struct Init {
    rng: Rng,
    device: Device,
}

impl Init {
    /// Weights from `seed` on `device` (without a tape).
    pub fn new(seed: Seed, device: &Device) -> Self {
        Self { rng: seed.rng(), device: device.clone() }
    }

    /// A matrix of normal numbers cut at two standard deviations, with variance `scale^2 / fan` where `fan` is the mean
    /// of inputs and outputs. `scale` 0 gives zeros.
    pub fn weight(&mut self, n_in: usize, n_out: usize, scale: f32) -> Param<Tensor<2>> {
        // 0.88 is the standard deviation left after the cut.
        let std = scale / 0.879_625_7 / ((n_in + n_out) as f32 / 2.0).sqrt();
        let draw = |rng: &mut Rng| loop {
            let x = rng.normal();
            if x.abs() <= 2.0 {
                return x * std;
            }
        };
        let data: Vec<f32> = (0..n_in * n_out).map(|_| draw(&mut self.rng)).collect();
        self.param(data, [n_in, n_out])
    }

    /// A vector filled with `value`.
    pub fn vector(&mut self, n: usize, value: f32) -> Param<Tensor<1>> {
        self.param(vec![value; n], [n])
    }

    fn param<const D: usize>(&self, data: Vec<f32>, shape: [usize; D]) -> Param<Tensor<D>> {
        Param::from_tensor(Tensor::from_data(TensorData::new(data, shape), &self.device))
    }
}
