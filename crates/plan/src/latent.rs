//! The state of a model or policy, erased to a bundle of named tensors.

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Error, Result};

/// A batch of states. Planners gather, repeat and concatenate it without knowing what is inside; the model that made it
/// reads its parts by name. Every part is `[batch, width]`.
#[derive(Debug, Clone, Default)]
pub struct Latent {
    parts: Vec<(&'static str, Tensor<2>)>,
}

impl Latent {
    /// A bundle of parts, each `[batch, width]`.
    pub fn new(parts: Vec<(&'static str, Tensor<2>)>) -> Self {
        Self { parts }
    }

    /// The part called `name`, `[batch, width]`.
    ///
    /// # Panics
    /// If there is none: a model was handed another model's latent.
    pub fn get(&self, name: &str) -> Tensor<2> {
        let part = self.parts.iter().find(|(n, _)| *n == name);
        part.unwrap_or_else(|| panic!("latent has no part `{name}`")).1.clone()
    }

    /// The bundle with the part `name` added or replaced.
    #[must_use]
    pub fn with(&self, name: &'static str, part: Tensor<2>) -> Self {
        let mut parts = self.parts.clone();
        parts.retain(|(n, _)| *n != name);
        parts.push((name, part));
        Self { parts }
    }

    /// Number of rows; 0 for an empty bundle.
    pub fn batch(&self) -> usize {
        self.parts.first().map_or(0, |(_, t)| t.dims()[0])
    }

    /// The rows `idx`, in that order; a row may be taken more than once.
    #[must_use]
    pub fn gather(&self, idx: &[usize]) -> Self {
        self.map(|t| {
            let rows: Vec<i32> = idx.iter().map(|i| *i as i32).collect();
            let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [idx.len()]), &t.device());
            t.select(0, rows)
        })
    }

    /// Every row `k` times in a row: `[a, b]` becomes `[a, a, b, b]`.
    #[must_use]
    pub fn repeat(&self, k: usize) -> Self {
        let idx: Vec<usize> = (0..self.batch() * k).map(|i| i / k).collect();
        self.gather(&idx)
    }

    /// The rows of all bundles, one bundle after the other. All must come from one model.
    pub fn concat(bundles: &[Latent]) -> Self {
        let Some(head) = bundles.first() else { return Self::default() };
        let parts = head.parts.iter().map(|(name, _)| {
            let rows = bundles.iter().map(|b| b.get(name)).collect();
            (*name, Tensor::cat(rows, 0))
        });
        Self { parts: parts.collect() }
    }

    /// Applies `f` to every part.
    #[must_use]
    pub fn map(&self, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        Self { parts: self.parts.iter().map(|(n, t)| (*n, f(t.clone()))).collect() }
    }

    /// Name, shape and values of every part, for saving.
    pub fn to_arrays(&self) -> Vec<(&'static str, [usize; 2], Vec<f32>)> {
        let array = |(name, t): &(&'static str, Tensor<2>)| {
            let data = t.to_data().try_to_vec::<f32>().expect("latents are f32");
            (*name, t.dims(), data)
        };
        self.parts.iter().map(array).collect()
    }

    /// Puts saved values back into a bundle of the same parts and widths; the batch may differ.
    ///
    /// # Errors
    /// If a part is missing or has another width.
    pub fn with_arrays(&self, arrays: &[(String, [usize; 2], Vec<f32>)]) -> Result<Self> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for (name, t) in &self.parts {
            let (_, dims, data) =
                arrays.iter().find(|(n, dims, _)| n == name && dims[1] == t.dims()[1]).ok_or_else(|| {
                    Error::invalid(format!("expected a state part `{name}` of width {}", t.dims()[1]))
                })?;
            parts.push((*name, Tensor::from_data(TensorData::new(data.clone(), *dims), &t.device())));
        }
        Ok(Self { parts })
    }
}
