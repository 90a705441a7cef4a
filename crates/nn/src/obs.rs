//! Encoder and decoder for whatever an environment shows: pictures, numbers, or a dictionary of both.

use burn::prelude::*;
use worldsmith_core::{Error, Result, Space};

use crate::{Init, Mlp, MlpConfig, PictureConfig, PictureDecoder, PictureEncoder};

/// The leaves of an observation space, in the order of their names (`obs` for a single leaf).
#[derive(Debug, Clone, PartialEq)]
pub struct ObsShape {
    /// Name and `[height, width, channels]` of every picture.
    pub pictures: Vec<(String, [usize; 3])>,
    /// Name and length of every flat part; they are read as one long vector.
    pub vectors: Vec<(String, usize)>,
}

impl ObsShape {
    /// The leaves of `space`.
    ///
    /// # Errors
    /// If it contains text, or nothing.
    pub fn of(space: &Space) -> Result<Self> {
        let mut shape = Self { pictures: Vec::new(), vectors: Vec::new() };
        shape.add("", space)?;
        if shape.pictures.is_empty() && shape.vectors.is_empty() {
            return Err(Error::invalid(format!("expected pictures or numbers to observe, got {space}")));
        }
        Ok(shape)
    }

    /// Numbers in all vectors together.
    pub fn vector_len(&self) -> usize {
        self.vectors.iter().map(|(_, n)| n).sum()
    }

    fn add(&mut self, name: &str, space: &Space) -> Result<()> {
        let leaf = if name.is_empty() { "obs".to_string() } else { name.to_string() };
        match space {
            Space::Dict(parts) => {
                for (key, part) in parts {
                    let path = if name.is_empty() { key.clone() } else { format!("{name}/{key}") };
                    self.add(&path, part)?;
                }
            }
            Space::Image { height, width, channels } => {
                self.pictures.push((leaf, [*height, *width, *channels]))
            }
            _ => {
                let n = space.flat_len().ok_or_else(|| {
                    Error::invalid(format!(
                        "expected pictures and numbers to observe, got {space} as `{leaf}`"
                    ))
                })?;
                self.vectors.push((leaf, n));
            }
        }
        Ok(())
    }
}

/// Sizes of the networks that read and write observations.
#[derive(Debug, Clone)]
pub struct ObsConfig {
    /// What is observed.
    pub shape: ObsShape,
    /// Channels of the first convolution.
    pub depth: usize,
    /// Step of the first convolution, in pixels.
    pub stem: usize,
    /// Width of the layers for vectors.
    pub units: usize,
    /// Number of hidden layers for vectors.
    pub layers: usize,
}

impl ObsConfig {
    /// Numbers in an embedded observation.
    pub fn embedding(&self) -> usize {
        let pictures: usize = self.pictures().map(|p| p.embedding()).sum();
        pictures + if self.shape.vectors.is_empty() { 0 } else { self.units }
    }

    /// Checks that every picture can be read and drawn.
    ///
    /// # Errors
    /// As [`PictureConfig::check`].
    pub fn check(&self) -> Result<()> {
        self.pictures().try_for_each(|p| p.check())
    }

    /// Draws the encoder.
    pub fn encoder(&self, init: &mut Init) -> ObsEncoder {
        ObsEncoder {
            pictures: self.pictures().map(|p| p.encoder(init)).collect(),
            vector: self.vector(self.shape.vector_len(), self.units, init),
        }
    }

    /// Draws the decoder from `n_in` numbers.
    pub fn decoder(&self, n_in: usize, init: &mut Init) -> ObsDecoder {
        ObsDecoder {
            pictures: self.pictures().map(|p| p.decoder(n_in, init)).collect(),
            vector: self.vector(n_in, self.shape.vector_len(), init),
        }
    }

    fn pictures(&self) -> impl Iterator<Item = PictureConfig> + '_ {
        self.shape.pictures.iter().map(|(_, shape)| PictureConfig::dreamer(*shape, self.depth, self.stem))
    }

    fn vector(&self, n_in: usize, n_out: usize, init: &mut Init) -> Option<Mlp> {
        let config = MlpConfig { n_in, units: self.units, layers: self.layers, n_out, out_scale: 1.0 };
        (!self.shape.vectors.is_empty()).then(|| config.init(init))
    }
}

/// Observations to numbers.
#[derive(Module, Debug)]
pub struct ObsEncoder {
    pictures: Vec<PictureEncoder>,
    vector: Option<Mlp>,
}

impl ObsEncoder {
    /// Pictures in the order of [`ObsShape::pictures`], and all vectors side by side (symlog is the caller's).
    ///
    /// # Shapes
    /// `pictures [rows, height, width, channels]` in `0..=1`, `vector [rows, vector_len]` -> `[rows, embedding]`
    pub fn forward(&self, pictures: Vec<Tensor<4>>, vector: Option<Tensor<2>>) -> Tensor<2> {
        let mut parts: Vec<Tensor<2>> =
            self.pictures.iter().zip(pictures).map(|(encoder, picture)| encoder.forward(picture)).collect();
        if let (Some(mlp), Some(vector)) = (&self.vector, vector) {
            parts.push(mlp.forward(vector));
        }
        if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 1) }
    }

    /// Sets the mean of every picture leaf, as [`PictureEncoder::centre`].
    pub fn centre(&mut self, means: &[Vec<f32>]) {
        self.pictures.iter_mut().zip(means).for_each(|(encoder, mean)| encoder.centre(mean));
    }
}

/// Numbers to observations.
#[derive(Module, Debug)]
pub struct ObsDecoder {
    pictures: Vec<PictureDecoder>,
    vector: Option<Mlp>,
}

impl ObsDecoder {
    /// Pictures in the order of [`ObsShape::pictures`], and all vectors side by side.
    ///
    /// # Shapes
    /// `[rows, n_in]` -> pictures `[rows, height, width, channels]`, vector `[rows, vector_len]`
    pub fn forward(&self, x: Tensor<2>) -> (Vec<Tensor<4>>, Option<Tensor<2>>) {
        let pictures = self.pictures.iter().map(|decoder| decoder.forward(x.clone())).collect();
        (pictures, self.vector.as_ref().map(|mlp| mlp.forward(x)))
    }

    /// Sets the mean of every picture leaf, as [`PictureDecoder::centre`].
    pub fn centre(&mut self, means: &[Vec<f32>]) {
        self.pictures.iter_mut().zip(means).for_each(|(decoder, mean)| decoder.centre(mean));
    }
}
