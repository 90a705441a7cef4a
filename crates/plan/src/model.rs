//! The trait every tensor-valued world model implements.

use std::collections::BTreeMap;

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Error, Image, Result, Rng, Space, Value};

use crate::Latent;

/// What a model was made for.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// What it observes and decodes.
    pub obs: Space,
    /// What it can be asked to imagine.
    pub action: Space,
}

/// A batch of observations as tensors, by leaf name: the keys of a dict joined by `/`, or `obs` for a single leaf.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// Pictures in `0..=1`, `[batch, height, width, channels]`.
    pub images: BTreeMap<String, Tensor<4>>,
    /// Flat numbers, `[batch, len]`; choices are one-hot.
    pub vectors: BTreeMap<String, Tensor<2>>,
}

impl Observation {
    /// Stacks observations of `space` into tensors on `device`.
    ///
    /// # Errors
    /// If a value is not in `space`, or `space` contains text.
    pub fn stack(space: &Space, values: &[Value], device: &Device) -> Result<Self> {
        let mut out = Self::default();
        out.stack_leaf("", space, &values.iter().collect::<Vec<_>>(), device)?;
        Ok(out)
    }

    /// The observations as values of `space`, one a row: the inverse of [`Observation::stack`]. Pictures are clipped to
    /// `0..=1` and rounded to bytes.
    ///
    /// # Errors
    /// If a leaf of `space` is missing here.
    pub fn unstack(&self, space: &Space) -> Result<Vec<Value>> {
        self.unstack_leaf("", space)
    }

    fn stack_leaf(&mut self, name: &str, space: &Space, values: &[&Value], device: &Device) -> Result<()> {
        let n = values.len();
        match space {
            Space::Dict(parts) => {
                for (key, part) in parts {
                    let mut column = Vec::with_capacity(n);
                    for value in values {
                        match value {
                            Value::Dict(map) if map.contains_key(key) => column.push(&map[key]),
                            other => {
                                return Err(Error::invalid(format!(
                                    "expected {space}, got {}",
                                    other.kind()
                                )));
                            }
                        }
                    }
                    self.stack_leaf(&join(name, key), part, &column, device)?;
                }
            }
            Space::Image { height, width, channels } => {
                let mut data = Vec::with_capacity(n * height * width * channels);
                for value in values {
                    space.check(value)?;
                    data.extend(
                        value.image().into_iter().flat_map(|i| &i.data).map(|b| f32::from(*b) / 255.0),
                    );
                }
                let data = TensorData::new(data, [n, *height, *width, *channels]);
                self.images.insert(leaf(name), Tensor::from_data(data, device));
            }
            _ => {
                let len = space
                    .flat_len()
                    .ok_or_else(|| Error::invalid(format!("expected images and numbers, got {space}")))?;
                let mut data = Vec::with_capacity(n * len);
                for value in values {
                    space.flatten(value, &mut data)?;
                }
                self.vectors.insert(leaf(name), Tensor::from_data(TensorData::new(data, [n, len]), device));
            }
        }
        Ok(())
    }

    fn unstack_leaf(&self, name: &str, space: &Space) -> Result<Vec<Value>> {
        let missing = || Error::invalid(format!("expected a leaf `{}`, got none", leaf(name)));
        match space {
            Space::Dict(parts) => {
                let mut rows: Vec<BTreeMap<String, Value>> = Vec::new();
                for (key, part) in parts {
                    let column = self.unstack_leaf(&join(name, key), part)?;
                    rows.resize_with(column.len(), BTreeMap::new);
                    for (row, value) in rows.iter_mut().zip(column) {
                        row.insert(key.clone(), value);
                    }
                }
                Ok(rows.into_iter().map(Value::Dict).collect())
            }
            Space::Image { height, width, channels } => {
                let data = floats(self.images.get(&leaf(name)).ok_or_else(missing)?.clone());
                let rows = data.chunks_exact(height * width * channels);
                Ok(rows.map(|row| Value::Image(to_image([*height, *width, *channels], row))).collect())
            }
            _ => {
                let tensor = self.vectors.get(&leaf(name)).ok_or_else(missing)?;
                let len = tensor.dims()[1];
                floats(tensor.clone()).chunks_exact(len).map(|row| space.unflatten(row)).collect()
            }
        }
    }
}

/// What a model says of a batch of latents.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Expected reward on arrival, `[batch]`.
    pub reward: Tensor<1>,
    /// Probability that the world goes on after this state, `[batch]`.
    pub cont: Tensor<1>,
    /// The decoded observation, if it was asked for and the model has a decoder.
    pub obs: Option<Observation>,
    /// How unsure the model is of this state, `[batch]`, in nats where it is an entropy; `None` if it cannot say.
    pub uncertainty: Option<Tensor<1>>,
}

/// A learned world: history and action in; next observation, reward, end and uncertainty out.
///
/// Actions are flat, `[batch, action_len]`, choices one-hot ([`Space::flatten`]).
pub trait WorldModel: Send {
    /// What the model was made for.
    fn spec(&self) -> &ModelSpec;

    /// The state before anything was seen, `n` rows.
    fn start(&self, n: usize) -> Latent;

    /// The state after taking `action` and then seeing `obs`. Rows with `first` set forget what came before, and their
    /// action.
    ///
    /// # Errors
    /// If `obs` is not what the model was made for.
    fn observe(
        &self,
        latent: &Latent,
        action: Tensor<2>,
        obs: &Observation,
        first: &[bool],
        rng: &mut Rng,
    ) -> Result<Latent>;

    /// The state after taking `action` and seeing nothing: one step of the dream.
    fn imagine(&self, latent: &Latent, action: Tensor<2>, rng: &mut Rng) -> Latent;

    /// Reward, continuation and uncertainty of a state, and its decoded observation if `decode`.
    fn predict(&self, latent: &Latent, decode: bool) -> Prediction;
}

/// The numbers of a tensor, row-major, on the host.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec::<f32>().expect("converted to f32")
}

fn to_image([height, width, channels]: [usize; 3], row: &[f32]) -> Image {
    let data = row.iter().map(|x| (x.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
    Image { height, width, channels, data }
}

fn join(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_string() } else { format!("{name}/{key}") }
}

fn leaf(name: &str) -> String {
    if name.is_empty() { "obs".to_string() } else { name.to_string() }
}
