//! The set a [`Value`] is drawn from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Image, Result, Rng, Value};

/// The type and range of an observation or action, as in Gymnasium's spaces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// The whole numbers `0..n`.
    Discrete {
        /// Number of choices.
        n: usize,
    },
    /// One choice from each of several sets.
    MultiDiscrete {
        /// Number of choices of each part.
        nvec: Vec<usize>,
    },
    /// Real numbers between bounds, which may be infinite.
    Box {
        /// Extent of each axis.
        shape: Vec<usize>,
        /// Lowest value of each element, row-major.
        low: Vec<f32>,
        /// Highest value of each element, row-major.
        high: Vec<f32>,
    },
    /// 8-bit pictures, channels last.
    Image {
        /// Rows, in pixels.
        height: usize,
        /// Columns, in pixels.
        width: usize,
        /// 1 or 3.
        channels: usize,
    },
    /// Text of at most `max_len` characters.
    Text {
        /// Longest text, in characters.
        max_len: usize,
    },
    /// Named parts.
    Dict(BTreeMap<String, Space>),
}

impl Space {
    /// Real vectors of length `n` with the same bounds everywhere.
    pub fn vector(n: usize, low: f32, high: f32) -> Self {
        Space::Box { shape: vec![n], low: vec![low; n], high: vec![high; n] }
    }

    /// A uniform draw. Unbounded numbers are drawn from a standard normal; text is empty.
    pub fn sample(&self, rng: &mut Rng) -> Value {
        match self {
            Space::Discrete { n } => Value::Discrete(rng.below(*n) as i64),
            Space::MultiDiscrete { nvec } => {
                Value::MultiDiscrete(nvec.iter().map(|n| rng.below(*n) as i64).collect())
            }
            Space::Box { shape, low, high } => Value::Array {
                shape: shape.clone(),
                data: low.iter().zip(high).map(|(lo, hi)| sample_between(*lo, *hi, rng)).collect(),
            },
            Space::Image { height, width, channels } => {
                let mut image = Image::new(*height, *width, *channels);
                image.data.iter_mut().for_each(|b| *b = rng.below(256) as u8);
                Value::Image(image)
            }
            Space::Text { .. } => Value::Text(String::new()),
            Space::Dict(parts) => Value::Dict(parts.iter().map(|(k, s)| (k.clone(), s.sample(rng))).collect()),
        }
    }

    /// Checks that `value` lies in this space.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with what was expected and what was got.
    pub fn check(&self, value: &Value) -> Result<()> {
        let fits = match (self, value) {
            (Space::Discrete { n }, Value::Discrete(i)) => in_range(*i, *n),
            (Space::MultiDiscrete { nvec }, Value::MultiDiscrete(v)) => {
                v.len() == nvec.len() && v.iter().zip(nvec).all(|(i, n)| in_range(*i, *n))
            }
            (Space::Box { shape, low, high }, Value::Array { shape: got, data }) => {
                shape == got
                    && data.len() == low.len()
                    && data.iter().zip(low.iter().zip(high)).all(|(x, (lo, hi))| x >= lo && x <= hi)
            }
            (Space::Image { height, width, channels }, Value::Image(image)) => {
                image.shape() == [*height, *width, *channels] && image.data.len() == height * width * channels
            }
            (Space::Text { max_len }, Value::Text(text)) => text.chars().count() <= *max_len,
            (Space::Dict(parts), Value::Dict(values)) => {
                if parts.len() != values.len() {
                    false
                } else {
                    for (name, space) in parts {
                        let value = values
                            .get(name)
                            .ok_or_else(|| Error::invalid(format!("expected a part `{name}`, got none")))?;
                        space.check(value)?;
                    }
                    true
                }
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(Error::invalid(format!("expected {self}, got {}", describe(value)))) }
    }

    /// The first picture space in this space with its name (empty at the top level), depth first.
    pub fn image(&self) -> Option<(String, [usize; 3])> {
        match self {
            Space::Image { height, width, channels } => Some((String::new(), [*height, *width, *channels])),
            Space::Dict(parts) => parts.iter().find_map(|(name, s)| s.image().map(|(_, shape)| (name.clone(), shape))),
            _ => None,
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Space::Discrete { n } => write!(f, "Discrete({n})"),
            Space::MultiDiscrete { nvec } => write!(f, "MultiDiscrete({nvec:?})"),
            Space::Box { shape, low, high } => {
                let lo = low.iter().copied().fold(f32::INFINITY, f32::min);
                let hi = high.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                write!(f, "Box({shape:?}, {lo}..{hi})")
            }
            Space::Image { height, width, channels } => write!(f, "Image({height}x{width}x{channels})"),
            Space::Text { max_len } => write!(f, "Text({max_len})"),
            Space::Dict(parts) => {
                f.write_str("Dict(")?;
                for (i, (name, space)) in parts.iter().enumerate() {
                    write!(f, "{}{name}: {space}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}

fn in_range(i: i64, n: usize) -> bool {
    usize::try_from(i).is_ok_and(|i| i < n)
}

fn sample_between(low: f32, high: f32, rng: &mut Rng) -> f32 {
    match (low.is_finite(), high.is_finite()) {
        (true, true) => low + (high - low) * rng.uniform(),
        (true, false) => low + rng.normal().abs(),
        (false, true) => high - rng.normal().abs(),
        (false, false) => rng.normal(),
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Discrete(i) => format!("discrete {i}"),
        Value::MultiDiscrete(v) => format!("multi-discrete {v:?}"),
        Value::Array { shape, data } => match data.iter().find(|x| !x.is_finite()) {
            Some(bad) => format!("array {shape:?} containing {bad}"),
            None => format!("array {shape:?}"),
        },
        Value::Image(image) => format!("image {:?}", image.shape()),
        Value::Text(text) => format!("text of {} characters", text.chars().count()),
        Value::Dict(parts) => format!("dict of {:?}", parts.keys().collect::<Vec<_>>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    #[test]
    fn samples_lie_in_their_space_and_others_are_refused() {
        let space = Space::Dict(BTreeMap::from([
            ("choice".into(), Space::Discrete { n: 3 }),
            ("force".into(), Space::vector(2, -1.0, 1.0)),
            ("view".into(), Space::Image { height: 4, width: 5, channels: 3 }),
        ]));
        let mut rng = Seed(0).rng();
        for _ in 0..50 {
            space.check(&space.sample(&mut rng)).unwrap();
        }
        let err = Space::Discrete { n: 3 }.check(&Value::Discrete(3)).unwrap_err();
        assert_eq!(err.to_string(), "expected Discrete(3), got discrete 3");
        let nan = Value::vector(vec![f32::NAN, 0.0]);
        assert!(Space::vector(2, -1.0, 1.0).check(&nan).is_err());
    }
}
