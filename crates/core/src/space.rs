//! The set a [`Value`] is drawn from.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

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
        #[serde(deserialize_with = "lower_bounds")]
        low: Vec<f32>,
        /// Highest value of each element, row-major.
        #[serde(deserialize_with = "upper_bounds")]
        high: Vec<f32>,
    },
    /// 8-bit pictures, channels last.
    Image {
        /// Rows, in pixels.
        height: usize,
        /// Columns, in pixels.
        width: usize,
        /// 1 or 3, times the number of frames where pictures are stacked.
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
            Space::Dict(parts) => {
                Value::Dict(parts.iter().map(|(k, s)| (k.clone(), s.sample(rng))).collect())
            }
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

    /// Length of [`Space::flatten`]'s result: choices count one a choice, numbers one each; `None` where a part is a
    /// picture or text.
    pub fn flat_len(&self) -> Option<usize> {
        match self {
            Space::Discrete { n } => Some(*n),
            Space::MultiDiscrete { nvec } => Some(nvec.iter().sum()),
            Space::Box { low, .. } => Some(low.len()),
            Space::Image { .. } | Space::Text { .. } => None,
            Space::Dict(parts) => parts.values().map(Space::flat_len).sum(),
        }
    }

    /// Appends `value` as real numbers: choices one-hot, numbers as they are, parts in the order of their names.
    ///
    /// # Errors
    /// If `value` is not in this space, or this space has no flat form.
    pub fn flatten(&self, value: &Value, out: &mut Vec<f32>) -> Result<()> {
        let one_hot = |i: i64, n: usize, out: &mut Vec<f32>| {
            out.extend((0..n).map(|j| if j as i64 == i { 1.0 } else { 0.0 }));
        };
        match (self, value) {
            (Space::Discrete { n }, Value::Discrete(i)) if in_range(*i, *n) => one_hot(*i, *n, out),
            (Space::MultiDiscrete { nvec }, Value::MultiDiscrete(v)) if v.len() == nvec.len() => {
                nvec.iter().zip(v).for_each(|(n, i)| one_hot(*i, *n, out));
            }
            (Space::Box { low, .. }, Value::Array { data, .. }) if data.len() == low.len() => {
                out.extend(data)
            }
            (Space::Dict(parts), Value::Dict(values)) if parts.keys().eq(values.keys()) => {
                for (space, value) in parts.values().zip(values.values()) {
                    space.flatten(value, out)?;
                }
            }
            _ => return Err(Error::invalid(format!("expected {self}, got {}", describe(value)))),
        }
        Ok(())
    }

    /// The value whose flat form is `flat`: the inverse of [`Space::flatten`]. Choices are the largest entry; numbers
    /// are clipped to their bounds.
    ///
    /// # Errors
    /// If the length is not [`Space::flat_len`], or this space has no flat form.
    pub fn unflatten(&self, flat: &[f32]) -> Result<Value> {
        let len = self.flat_len();
        if len != Some(flat.len()) {
            return Err(Error::invalid(format!("expected {len:?} numbers for {self}, got {}", flat.len())));
        }
        let largest = |part: &[f32]| {
            let best = part.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            best.map_or(0, |(i, _)| i as i64)
        };
        Ok(match self {
            Space::Discrete { .. } => Value::Discrete(largest(flat)),
            Space::MultiDiscrete { nvec } => {
                let mut rest = flat;
                let choices = nvec.iter().map(|n| {
                    let (part, tail) = rest.split_at(*n);
                    rest = tail;
                    largest(part)
                });
                Value::MultiDiscrete(choices.collect())
            }
            Space::Box { shape, low, high } => Value::Array {
                shape: shape.clone(),
                data: flat
                    .iter()
                    .zip(low.iter().zip(high))
                    .map(|(x, (lo, hi))| x.max(*lo).min(*hi))
                    .collect(),
            },
            Space::Dict(parts) => {
                let mut rest = flat;
                let mut values = BTreeMap::new();
                for (name, space) in parts {
                    let (part, tail) = rest.split_at(space.flat_len().unwrap_or(0));
                    rest = tail;
                    values.insert(name.clone(), space.unflatten(part)?);
                }
                Value::Dict(values)
            }
            Space::Image { .. } | Space::Text { .. } => unreachable!("refused above: no flat form"),
        })
    }

    /// The first picture space in this space with its name (empty at the top level), depth first.
    pub fn image(&self) -> Option<(String, [usize; 3])> {
        match self {
            Space::Image { height, width, channels } => Some((String::new(), [*height, *width, *channels])),
            Space::Dict(parts) => {
                parts.iter().find_map(|(name, s)| s.image().map(|(_, shape)| (name.clone(), shape)))
            }
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

/// JSON has no infinity and writes `null` for it; below, `null` is none, so no bound.
fn lower_bounds<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<f32>, D::Error> {
    bounds(from, f32::NEG_INFINITY)
}

/// As [`lower_bounds`], above.
fn upper_bounds<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Vec<f32>, D::Error> {
    bounds(from, f32::INFINITY)
}

fn bounds<'de, D: Deserializer<'de>>(from: D, none: f32) -> std::result::Result<Vec<f32>, D::Error> {
    let bounds = Vec::<Option<f32>>::deserialize(from)?;
    Ok(bounds.into_iter().map(|bound| bound.unwrap_or(none)).collect())
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
        let mut flat = Vec::new();
        Space::MultiDiscrete { nvec: vec![2, 3] }
            .flatten(&Value::MultiDiscrete(vec![1, 0]), &mut flat)
            .unwrap();
        assert_eq!(flat, [0.0, 1.0, 1.0, 0.0, 0.0]);
        let back = Space::MultiDiscrete { nvec: vec![2, 3] }.unflatten(&flat).unwrap();
        assert_eq!(back, Value::MultiDiscrete(vec![1, 0]));
        let nan = Value::vector(vec![f32::NAN, 0.0]);
        assert!(Space::vector(2, -1.0, 1.0).check(&nan).is_err());
    }
}
