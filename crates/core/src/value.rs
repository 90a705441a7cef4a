//! What an environment shows and accepts: a tree of images, numbers, choices and text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An 8-bit picture, rows first, channels last: `data[(y * width + x) * channels + c]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Rows, in pixels.
    pub height: usize,
    /// Columns, in pixels.
    pub width: usize,
    /// 1 (grey) or 3 (RGB); those of several frames, one after the other, where pictures are stacked.
    pub channels: usize,
    /// `height * width * channels` bytes.
    pub data: Vec<u8>,
}

impl Image {
    /// A black picture.
    pub fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels, data: vec![0; height * width * channels] }
    }

    /// The shape as `[height, width, channels]`.
    pub fn shape(&self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }

    /// Fills the rectangle with its top-left corner at `(x, y)`, clipped to the picture. `colour` has one entry a
    /// channel.
    pub fn fill_rect(&mut self, x: usize, y: usize, width: usize, height: usize, colour: &[u8]) {
        for row in y..(y + height).min(self.height) {
            for col in x..(x + width).min(self.width) {
                let at = (row * self.width + col) * self.channels;
                self.data[at..at + self.channels].copy_from_slice(&colour[..self.channels]);
            }
        }
    }
}

/// An observation or an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// One of `n` choices.
    Discrete(i64),
    /// Several choices at once.
    MultiDiscrete(Vec<i64>),
    /// Real numbers of the given shape, row-major.
    Array {
        /// Extent of each axis.
        shape: Vec<usize>,
        /// Product of `shape` numbers.
        data: Vec<f32>,
    },
    /// A picture.
    Image(Image),
    /// Words.
    Text(String),
    /// Named parts.
    Dict(BTreeMap<String, Value>),
}

impl Value {
    /// A vector of real numbers.
    pub fn vector(data: Vec<f32>) -> Self {
        Value::Array { shape: vec![data.len()], data }
    }

    /// The choice, if this is a [`Value::Discrete`].
    pub fn as_discrete(&self) -> Option<i64> {
        match self {
            Value::Discrete(i) => Some(*i),
            _ => None,
        }
    }

    /// The first picture in this value, depth first.
    pub fn image(&self) -> Option<&Image> {
        match self {
            Value::Image(image) => Some(image),
            Value::Dict(parts) => parts.values().find_map(Value::image),
            _ => None,
        }
    }

    /// A short name of the variant, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Discrete(_) => "discrete",
            Value::MultiDiscrete(_) => "multi-discrete",
            Value::Array { .. } => "array",
            Value::Image(_) => "image",
            Value::Text(_) => "text",
            Value::Dict(_) => "dict",
        }
    }
}
