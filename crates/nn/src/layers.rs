//! Dense layers: [`Linear`], [`Norm`] and [`Mlp`].

use burn::module::Param;
use burn::prelude::*;

use crate::Init;
use crate::ops::{self, Act};

/// `y = x w + b`.
#[derive(Module, Debug)]
pub struct Linear {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Linear {
    /// From `n_in` to `n_out` numbers.
    pub fn new(n_in: usize, n_out: usize, init: &mut Init) -> Self {
        Self::scaled(n_in, n_out, 1.0, init)
    }

    /// As [`Linear::new`] with the initial weights multiplied by `scale`; 0 starts at zero.
    pub fn scaled(n_in: usize, n_out: usize, scale: f32, init: &mut Init) -> Self {
        Self { weight: init.weight(n_in, n_out, scale), bias: init.vector(n_out, 0.0) }
    }

    /// # Shapes
    /// `[rows, n_in]` -> `[rows, n_out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        ops::linear(x, self.weight.val(), self.bias.val())
    }
}

/// RMS normalisation with a learned scale and an activation.
#[derive(Module, Debug)]
pub struct Norm {
    scale: Param<Tensor<1>>,
    #[module(skip)]
    act: Act,
}

impl Norm {
    /// Over `width` numbers, followed by `act`.
    pub fn new(width: usize, act: Act, init: &mut Init) -> Self {
        Self { scale: init.vector(width, 1.0), act }
    }

    /// # Shapes
    /// `[rows, width]` -> the same
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        ops::norm(x, self.scale.val(), self.act)
    }
}

/// Hidden layers of [`Linear`], [`Norm`] and SiLU, then a linear output.
#[derive(Module, Debug)]
pub struct Mlp {
    hidden: Vec<Linear>,
    norms: Vec<Norm>,
    out: Linear,
}

/// Sizes of an [`Mlp`].
#[derive(Debug, Clone, Copy)]
pub struct MlpConfig {
    /// Numbers in.
    pub n_in: usize,
    /// Width of the hidden layers.
    pub units: usize,
    /// Number of hidden layers.
    pub layers: usize,
    /// Numbers out.
    pub n_out: usize,
    /// Multiplies the initial weights of the output layer; 0 makes the first outputs zero.
    pub out_scale: f32,
}

impl MlpConfig {
    /// Draws the weights.
    pub fn init(&self, init: &mut Init) -> Mlp {
        let width = |i: usize| if i == 0 { self.n_in } else { self.units };
        Mlp {
            hidden: (0..self.layers).map(|i| Linear::new(width(i), self.units, init)).collect(),
            norms: (0..self.layers).map(|_| Norm::new(self.units, Act::Silu, init)).collect(),
            out: Linear::scaled(width(self.layers), self.n_out, self.out_scale, init),
        }
    }
}

impl Mlp {
    /// Where the parameters lie.
    pub fn device(&self) -> Device {
        self.out.weight.device()
    }

    /// # Shapes
    /// `[rows, n_in]` -> `[rows, n_out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.out.forward(self.trunk(x))
    }

    /// The last hidden layer.
    ///
    /// # Shapes
    /// `[rows, n_in]` -> `[rows, units]`
    pub fn trunk(&self, x: Tensor<2>) -> Tensor<2> {
        self.hidden.iter().zip(&self.norms).fold(x, |x, (layer, norm)| norm.forward(layer.forward(x)))
    }
}
