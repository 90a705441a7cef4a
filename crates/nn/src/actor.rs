//! Stochastic policies over flat actions: categorical for choices, normal for numbers.

use burn::prelude::*;
use burn::tensor::{TensorData, activation};
use worldsmith_core::{Error, Result, Rng, Space};

use crate::Init;
use crate::layers::{Mlp, MlpConfig};
use crate::ops::{self, Groups};

/// What a policy chooses.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionKind {
    /// One class from each of several sets, one-hot side by side.
    Choices(Vec<usize>),
    /// Numbers between bounds.
    Numbers {
        /// Middle of each range.
        middle: Vec<f32>,
        /// Half of each range.
        half: Vec<f32>,
    },
}

impl ActionKind {
    /// What is chosen in `space`.
    ///
    /// # Errors
    /// If it is neither choices nor bounded numbers.
    pub fn of(space: &Space) -> Result<Self> {
        match space {
            Space::Discrete { n } => Ok(Self::Choices(vec![*n])),
            Space::MultiDiscrete { nvec } => Ok(Self::Choices(nvec.clone())),
            Space::Box { low, high, .. } if low.iter().chain(high).all(|x| x.is_finite()) => {
                Ok(Self::Numbers {
                    middle: low.iter().zip(high).map(|(l, h)| (l + h) / 2.0).collect(),
                    // Never 0, so that a range of one number can be divided by.
                    half: low.iter().zip(high).map(|(l, h)| ((h - l) / 2.0).max(1e-6)).collect(),
                })
            }
            _ => Err(Error::invalid(format!("expected choices or bounded numbers to act with, got {space}"))),
        }
    }

    /// Numbers in a flat action.
    pub fn len(&self) -> usize {
        match self {
            Self::Choices(sizes) => sizes.iter().sum(),
            Self::Numbers { middle, .. } => middle.len(),
        }
    }

    /// Whether there is nothing to choose.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Flat actions on the scale that networks read: numbers from -1 to 1 over their range, choices as they are.
    ///
    /// # Shapes
    /// `[rows, action]` -> `[rows, action]`
    pub fn unit(&self, action: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Choices(_) => action,
            Self::Numbers { middle, half } => {
                let device = action.device();
                (action - row(middle, &device)) / row(half, &device)
            }
        }
    }

    /// The inverse of [`ActionKind::unit`].
    ///
    /// # Shapes
    /// `[rows, action]` -> `[rows, action]`
    pub fn from_unit(&self, unit: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Choices(_) => unit,
            Self::Numbers { middle, half } => {
                let device = unit.device();
                unit * row(half, &device) + row(middle, &device)
            }
        }
    }

    /// Numbers the network gives.
    fn params(&self) -> usize {
        match self {
            Self::Choices(_) => self.len(),
            Self::Numbers { .. } => 2 * self.len(),
        }
    }
}

/// An MLP whose outputs are the parameters of a distribution over actions.
#[derive(Module, Debug)]
pub struct Actor {
    mlp: Mlp,
    #[module(skip)]
    kind: ActionKind,
    #[module(skip)]
    unimix: f32,
}

/// Log-probability of given actions and the entropy of the policy.
#[derive(Debug)]
pub struct Scored {
    /// `[rows]`, in nats.
    pub log_prob: Tensor<1>,
    /// `[rows]`, in nats.
    pub entropy: Tensor<1>,
}

impl Actor {
    /// A policy over `kind` that reads `n_in` numbers; starts nearly uniform.
    pub fn new(
        kind: ActionKind,
        n_in: usize,
        units: usize,
        layers: usize,
        unimix: f32,
        init: &mut Init,
    ) -> Self {
        let config = MlpConfig { n_in, units, layers, n_out: kind.params(), out_scale: 0.01 };
        Self { mlp: config.init(init), kind, unimix }
    }

    /// Draws flat actions within their bounds, or takes the most probable ones with `greedy`.
    ///
    /// # Shapes
    /// `[rows, n_in]` -> `[rows, action]`
    pub fn act(&self, features: Tensor<2>, greedy: bool, rng: &mut Rng) -> Tensor<2> {
        self.limit(self.draw(features, greedy, rng))
    }

    /// Clips what [`Actor::draw`] gave to the bounds of the action space.
    ///
    /// # Shapes
    /// `[rows, action]` -> `[rows, action]`
    pub fn limit(&self, action: Tensor<2>) -> Tensor<2> {
        match &self.kind {
            ActionKind::Choices(_) => action,
            ActionKind::Numbers { .. } => self.kind.from_unit(self.kind.unit(action).clamp(-1.0, 1.0)),
        }
    }

    /// Draws flat actions from the very distribution that [`Actor::score`] knows: numbers may lie beyond their bounds,
    /// and what is done is their [`Actor::limit`]. Learning must score what was drawn, not what was done.
    ///
    /// # Shapes
    /// `[rows, n_in]` -> `[rows, action]`
    pub fn draw(&self, features: Tensor<2>, greedy: bool, rng: &mut Rng) -> Tensor<2> {
        let (rows, device) = (features.dims()[0], features.device());
        let out = self.mlp.forward(features);
        match &self.kind {
            ActionKind::Choices(sizes) => {
                let draw = |(logits, groups)| {
                    if greedy {
                        return ops::mode(logits, groups);
                    }
                    ops::sample(logits, (0..rows).map(|_| rng.uniform()).collect(), groups)
                };
                let parts: Vec<Tensor<2>> = self.parts(out, sizes).map(draw).collect();
                Tensor::cat(parts, 1)
            }
            ActionKind::Numbers { middle, .. } => {
                let n = middle.len();
                let (mean, std) = mean_and_std(out, n);
                let noise: Vec<f32> =
                    (0..rows * n).map(|_| if greedy { 0.0 } else { rng.normal() }).collect();
                let noise = Tensor::<2>::from_data(TensorData::new(noise, [rows, n]), &device);
                self.kind.from_unit(mean + std * noise)
            }
        }
    }

    /// Scores flat actions.
    ///
    /// # Shapes
    /// `features [rows, n_in]`, `action [rows, action]` -> two of `[rows]`
    pub fn score(&self, features: Tensor<2>, action: Tensor<2>) -> Scored {
        let out = self.mlp.forward(features);
        match &self.kind {
            ActionKind::Choices(sizes) => {
                let mut from = 0;
                let mut scored: Option<Scored> = None;
                for (logits, groups) in self.parts(out, sizes) {
                    let p = ops::probs(logits, groups);
                    let log_p = p.clone().log();
                    let chosen = action.clone().narrow(1, from, groups.classes);
                    from += groups.classes;
                    let log_prob = (log_p.clone() * chosen).sum_dim(1).squeeze_dim::<1>(1);
                    let entropy = -(p * log_p).sum_dim(1).squeeze_dim::<1>(1);
                    scored = Some(match scored {
                        None => Scored { log_prob, entropy },
                        Some(s) => Scored { log_prob: s.log_prob + log_prob, entropy: s.entropy + entropy },
                    });
                }
                scored.expect("an action has at least one part")
            }
            ActionKind::Numbers { middle, .. } => {
                let (mean, std) = mean_and_std(out, middle.len());
                let z = (self.kind.unit(action) - mean) / std.clone();
                let constant = 0.5 * (2.0 * std::f32::consts::PI).ln();
                let log_prob = -(z.powi_scalar(2) * 0.5 + std.clone().log() + constant);
                let entropy = std.log() + constant + 0.5;
                Scored {
                    log_prob: log_prob.sum_dim(1).squeeze_dim(1),
                    entropy: entropy.sum_dim(1).squeeze_dim(1),
                }
            }
        }
    }

    fn parts<'a>(
        &'a self,
        out: Tensor<2>,
        sizes: &'a [usize],
    ) -> impl Iterator<Item = (Tensor<2>, Groups)> + 'a {
        let mut from = 0;
        sizes.iter().map(move |n| {
            let logits = out.clone().narrow(1, from, *n);
            from += n;
            (logits, Groups { classes: *n, unimix: self.unimix })
        })
    }
}

/// A mean in -1..1 and a standard deviation in 0.1..1.
fn mean_and_std(out: Tensor<2>, n: usize) -> (Tensor<2>, Tensor<2>) {
    let mean = out.clone().narrow(1, 0, n).tanh();
    (mean, activation::sigmoid(out.narrow(1, n, n) + 2.0) * 0.9 + 0.1)
}

fn row(values: &[f32], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len()]), device)
}
