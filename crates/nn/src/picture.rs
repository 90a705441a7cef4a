//! Convolutional encoder and decoder for pictures, both relative to a mean picture.
//!
//! In many games little of the picture ever changes, and next to the rest of it the ball is noise to a fresh network: its
//! latents do not depend on what is seen, the decoder learns to do without them, and neither recovers. So the encoder
//! reads how a picture's embedding differs from that of the mean picture, the decoder draws how it differs from it, and
//! the decoder's last layer starts at zero, which draws the mean. The mean is set once ([`PictureEncoder::centre`]), is
//! saved with the weights and is not trained.

use burn::module::Param;
use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Error, Result};

use crate::ops::{self, Act, Window};
use crate::{Init, Linear, Norm};

/// One convolution of an encoder; the decoder mirrors it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConvStage {
    /// Channels out of the encoder's convolution.
    pub channels: usize,
    /// Its window.
    pub window: Window,
}

/// The shape of the pictures and of the networks that read and write them.
#[derive(Debug, Clone)]
pub struct PictureConfig {
    /// `[height, width, channels]` of a picture.
    pub shape: [usize; 3],
    /// Convolutions of the encoder, first to last.
    pub stages: Vec<ConvStage>,
}

impl PictureConfig {
    /// Stages of 4x4 kernels: the first steps by `stem` pixels, the others by 2; channels double from `depth` on.
    /// With `stem` 2 this is the usual Dreamer encoder; a larger one is cheaper on pictures with large pixels.
    pub fn dreamer(shape: [usize; 3], depth: usize, stem: usize) -> Self {
        let mut side = shape[0].min(shape[1]);
        let mut stages = Vec::new();
        while side > 4 {
            let stride = if stages.is_empty() { stem.clamp(2, side) } else { 2 };
            let window = if stride == 2 {
                Window { kernel: 4, stride: 2, padding: 1 }
            } else {
                Window { kernel: stride, stride, padding: 0 }
            };
            side /= stride;
            stages.push(ConvStage { channels: depth << stages.len(), window });
        }
        Self { shape, stages }
    }

    /// Checks that the decoder draws pictures of the size the encoder reads.
    ///
    /// # Errors
    /// If a side does not divide evenly, or is too small to be halved at all.
    pub fn check(&self) -> Result<()> {
        let comes_back = |side: usize| {
            let mut now = side;
            for stage in &self.stages {
                if now + 2 * stage.window.padding < stage.window.kernel {
                    return false;
                }
                now = stage.window.shrink(now);
            }
            self.stages.iter().rev().fold(now, |now, stage| stage.window.grow(now)) == side
        };
        let [height, width, channels] = self.shape;
        if channels > 0 && !self.stages.is_empty() && comes_back(height) && comes_back(width) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "expected pictures whose sides halve evenly, got {height}x{width}x{channels}"
        ))
        .hint(
            "choose another size, as in `gym:...?size=64` or `data import --image-size 64`, or another `model.stem`",
        ))
    }

    /// `[height, width, channels]` after the last stage.
    fn last(&self) -> [usize; 3] {
        self.stages
            .iter()
            .fold(self.shape, |[h, w, _], s| [s.window.shrink(h), s.window.shrink(w), s.channels])
    }

    /// Numbers the encoder gives for one picture.
    pub fn embedding(&self) -> usize {
        self.last().iter().product()
    }

    /// Draws an encoder.
    pub fn encoder(&self, init: &mut Init) -> PictureEncoder {
        let mut n_in = self.shape[2];
        let convs = self.stages.iter().map(|s| {
            let n = s.window.kernel * s.window.kernel * n_in;
            n_in = s.channels;
            Conv {
                weight: init.weight(n, s.channels, 1.0),
                bias: init.vector(s.channels, 0.0),
                window: s.window,
            }
        });
        let convs = convs.collect();
        let norms = self.stages.iter().map(|s| Norm::new(s.channels, Act::Silu, init)).collect();
        let norm = Norm::new(self.embedding(), Act::None, init);
        PictureEncoder { mean: self.grey(init), convs, norms, norm }
    }

    /// The mean picture before any was seen.
    fn grey(&self, init: &mut Init) -> Param<Tensor<1>> {
        init.vector(self.shape.iter().product(), 0.5)
    }

    /// Draws a decoder from `n_in` numbers.
    pub fn decoder(&self, n_in: usize, init: &mut Init) -> PictureDecoder {
        let [height, width, channels] = self.last();
        let outs: Vec<usize> = (0..self.stages.len())
            .rev()
            .map(|i| if i == 0 { self.shape[2] } else { self.stages[i - 1].channels })
            .collect();
        let stages = self.stages.iter().enumerate().rev();
        let convs = stages.zip(&outs).map(|((i, s), n_out)| {
            let (n_in, n) = (s.channels, s.window.kernel * s.window.kernel * n_out);
            let weight = init.weight(n_in, n, if i == 0 { 0.0 } else { 1.0 });
            Conv { weight, bias: init.vector(*n_out, 0.0), window: s.window }
        });
        let convs = convs.collect();
        PictureDecoder {
            mean: self.grey(init),
            shape: self.shape,
            input: Linear::new(n_in, height * width * channels, init),
            input_norm: Norm::new(channels, Act::Silu, init),
            convs,
            norms: outs[..outs.len() - 1].iter().map(|n| Norm::new(*n, Act::Silu, init)).collect(),
            grid: [height, width, channels],
        }
    }
}

/// Weights of one convolution, in the layout of [`ops::conv2d`] or [`ops::conv2d_transpose`].
#[derive(Module, Debug)]
struct Conv {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    window: Window,
}

/// Pictures to numbers.
#[derive(Module, Debug)]
pub struct PictureEncoder {
    mean: Param<Tensor<1>>,
    convs: Vec<Conv>,
    norms: Vec<Norm>,
    norm: Norm,
}

impl PictureEncoder {
    /// # Shapes
    /// `[rows, height, width, channels]` in `0..=1` -> `[rows, embedding]`
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let [rows, height, width, channels] = x.dims();
        let mean = self.mean.val().detach().reshape([1, height, width, channels]);
        let x = self.embed(Tensor::cat(vec![x, mean], 0));
        self.norm.forward(x.clone().narrow(0, 0, rows) - x.narrow(0, rows, 1))
    }

    /// Sets the mean picture, numbers in `0..=1`.
    ///
    /// # Panics
    /// If it is of another size.
    pub fn centre(&mut self, mean: &[f32]) {
        set(&mut self.mean, mean);
    }

    fn embed(&self, x: Tensor<4>) -> Tensor<2> {
        let rows = x.dims()[0];
        let x = self.convs.iter().zip(&self.norms).fold(x - 0.5, |x, (conv, norm)| {
            on_channels(norm, ops::conv2d(x, conv.weight.val(), conv.bias.val(), conv.window))
        });
        let width = x.dims()[1..].iter().product::<usize>();
        x.reshape([rows, width])
    }
}

/// Numbers to pictures.
#[derive(Module, Debug)]
pub struct PictureDecoder {
    mean: Param<Tensor<1>>,
    input: Linear,
    input_norm: Norm,
    convs: Vec<Conv>,
    norms: Vec<Norm>,
    #[module(skip)]
    grid: [usize; 3],
    #[module(skip)]
    shape: [usize; 3],
}

impl PictureDecoder {
    /// The mean of every pixel; near `0..=1` once trained, but not clipped.
    ///
    /// # Shapes
    /// `[rows, n_in]` -> `[rows, height, width, channels]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<4> {
        let rows = x.dims()[0];
        let [height, width, channels] = self.grid;
        let x = self.input.forward(x).reshape([rows, height, width, channels]);
        let x = on_channels(&self.input_norm, x);
        let x = self.convs.iter().enumerate().fold(x, |x, (i, conv)| {
            let x = ops::conv2d_transpose(x, conv.weight.val(), conv.bias.val(), conv.window);
            match self.norms.get(i) {
                Some(norm) => on_channels(norm, x),
                None => x,
            }
        });
        let [height, width, channels] = self.shape;
        x + self.mean.val().detach().reshape([1, height, width, channels])
    }

    /// As [`PictureEncoder::centre`].
    ///
    /// # Panics
    /// If it is of another size.
    pub fn centre(&mut self, mean: &[f32]) {
        set(&mut self.mean, mean);
    }
}

fn set(param: &mut Param<Tensor<1>>, to: &[f32]) {
    assert_eq!(param.dims(), [to.len()], "a mean picture of the pictures' size");
    *param =
        param.clone().map(|old| Tensor::from_data(TensorData::new(to.to_vec(), [to.len()]), &old.device()));
}

fn on_channels(norm: &Norm, x: Tensor<4>) -> Tensor<4> {
    let dims = x.dims();
    let [batch, height, width, channels] = dims;
    norm.forward(x.reshape([batch * height * width, channels])).reshape(dims)
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::*;

    #[test]
    fn a_fresh_network_draws_the_mean_picture_and_reads_nothing_in_it() {
        let device = crate::cpu();
        let mut init = Init::new(Seed(0), &device);
        let config = PictureConfig::dreamer([16, 16, 1], 4, 2);
        let (mut encoder, mut decoder) = (config.encoder(&mut init), config.decoder(3, &mut init));
        let mean: Vec<f32> = (0..256).map(|i| i as f32 / 255.0).collect();
        encoder.centre(&mean);
        decoder.centre(&mean);

        let drawn = decoder.forward(Tensor::ones([2, 3], &device));
        let drawn = drawn.into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(drawn, [mean.clone(), mean.clone()].concat());

        let mut other = mean.clone();
        other[0] = 1.0;
        let seen = Tensor::from_data(TensorData::new([mean, other].concat(), [2, 16, 16, 1]), &device);
        let code = encoder.forward(seen).into_data().try_into_vec::<f32>().unwrap();
        let (still, changed) = code.split_at(config.embedding());
        assert!(still.iter().all(|x| *x == 0.0));
        let rms = (changed.iter().map(|x| x * x).sum::<f32>() / changed.len() as f32).sqrt();
        assert!((rms - 1.0).abs() < 1e-2, "one changed pixel has the scale of any change: {rms}");
    }
}
