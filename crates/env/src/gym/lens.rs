//! What a worker sends, as the user asked to see it: [`Lens`] reads raw observations and makes values of them, [`Stack`] puts
//! the last ones together.
//!
//! This is done on our side, not by Gymnasium's wrappers, so that it holds for pictures inside dicts and for vector
//! environments alike, needs no OpenCV, and costs the worker nothing.

use std::collections::{BTreeMap, VecDeque};

use worldsmith_core::{Error, Image, Result, Space, Value};

use super::picture::Development;
use crate::wire::{Reader, Writer};

/// The longest side of a picture that is believed, in pixels.
const MOST_PX: usize = 1 << 14;

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wish {
    /// Height and width of pictures; as they are if `None`.
    pub size: Option<[usize; 2]>,
    pub grey: bool,
    /// How many observations are shown at once.
    pub frame_stack: usize,
    pub clip_reward: bool,
}

/// Reads observations of one space.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lens {
    Plain(Space),
    Picture(Development),
    Parts(BTreeMap<String, Lens>),
}

impl Lens {
    /// For observations of `raw`.
    ///
    /// # Errors
    /// If it holds a picture that is neither grey nor RGB, or has no pixels, or absurdly many.
    pub fn new(raw: Space, wish: &Wish) -> Result<Self> {
        Ok(match raw {
            Space::Image {
                height: height @ 1..=MOST_PX,
                width: width @ 1..=MOST_PX,
                channels: channels @ (1 | 3),
            } => Lens::Picture(Development::new([height, width, channels], wish.size, wish.grey)),
            Space::Image { .. } => {
                let message = format!(
                    "expected pictures of one channel or three, up to {MOST_PX} pixels a side, got {raw}"
                );
                return Err(Error::invalid(message));
            }
            Space::Dict(parts) => {
                let lens = |(name, part)| Ok((name, Lens::new(part, wish)?));
                Lens::Parts(parts.into_iter().map(lens).collect::<Result<_>>()?)
            }
            plain => Lens::Plain(plain),
        })
    }

    /// What is seen.
    pub fn space(&self) -> Space {
        match self {
            Lens::Plain(space) => space.clone(),
            Lens::Picture(made) => {
                let [height, width, channels] = made.shape();
                Space::Image { height, width, channels }
            }
            Lens::Parts(parts) => {
                Space::Dict(parts.iter().map(|(name, part)| (name.clone(), part.space())).collect())
            }
        }
    }

    /// Reads one observation. Numbers are clipped to their bounds.
    ///
    /// # Errors
    /// If the bytes are torn, or a value lies outside its space.
    pub fn read(&self, from: &mut Reader<'_>) -> Result<Value> {
        match self {
            Lens::Plain(space) => read_plain(space, from),
            Lens::Picture(made) => {
                let n = made.n_bytes().ok_or_else(|| Error::invalid("expected a smaller picture"))?;
                Ok(Value::Image(made.develop(from.take(n)?)))
            }
            Lens::Parts(parts) => {
                let read = |(name, part): (&String, &Lens)| Ok((name.clone(), part.read(from)?));
                Ok(Value::Dict(parts.iter().map(read).collect::<Result<_>>()?))
            }
        }
    }
}

fn read_plain(space: &Space, from: &mut Reader<'_>) -> Result<Value> {
    let value = match space {
        Space::Discrete { .. } => Value::Discrete(from.u64()? as i64),
        Space::MultiDiscrete { nvec } => {
            Value::MultiDiscrete(nvec.iter().map(|_| Ok(from.u64()? as i64)).collect::<Result<_>>()?)
        }
        Space::Box { shape, low, high } => {
            let mut data = from.f32s(low.len())?;
            for (x, (low, high)) in data.iter_mut().zip(low.iter().zip(high)) {
                // NaN stays, and is refused below.
                *x = if *x < *low {
                    *low
                } else if *x > *high {
                    *high
                } else {
                    *x
                };
            }
            Value::Array { shape: shape.clone(), data }
        }
        Space::Text { .. } => Value::Text(from.text()?),
        Space::Image { .. } | Space::Dict(_) => unreachable!("those have lenses of their own"),
    };
    space
        .check(&value)
        .map_err(|err| Error::invalid(format!("showed something outside its space: {err}")))?;
    Ok(value)
}

/// Lays out an action as the worker reads it: no tags, no lengths but those of texts.
pub(super) fn write_action(action: &Value, out: &mut Writer) {
    match action {
        Value::Discrete(i) => out.u64(*i as u64),
        Value::MultiDiscrete(v) => v.iter().for_each(|i| out.u64(*i as u64)),
        Value::Array { data, .. } => out.f32s(data),
        Value::Image(image) => out.bytes.extend(&image.data),
        Value::Text(text) => out.blob(text.as_bytes()),
        Value::Dict(parts) => parts.values().for_each(|part| write_action(part, out)),
    }
}

/// The last `n` observations of one environment, oldest first; at the start of an episode the first one, `n` times. As
/// Gymnasium's `FrameStackObservation`, but pictures are stacked in their channels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stack {
    n: usize,
    seen: VecDeque<Value>,
}

impl Stack {
    pub fn new(n: usize) -> Self {
        Self { n, seen: VecDeque::new() }
    }

    /// What is seen of `space` through it.
    ///
    /// # Errors
    /// If it holds text.
    pub fn space(&self, space: Space) -> Result<Space> {
        if self.n == 1 {
            return Ok(space);
        }
        Ok(match space {
            Space::Discrete { n } => Space::MultiDiscrete { nvec: vec![n; self.n] },
            Space::MultiDiscrete { nvec } => Space::MultiDiscrete { nvec: nvec.repeat(self.n) },
            Space::Box { shape, low, high } => {
                let shape = [&[self.n], &shape[..]].concat();
                Space::Box { shape, low: low.repeat(self.n), high: high.repeat(self.n) }
            }
            Space::Image { height, width, channels } => {
                Space::Image { height, width, channels: channels * self.n }
            }
            Space::Text { .. } => return Err(Error::invalid("expected no text to stack, got some")),
            Space::Dict(parts) => {
                let stacked = |(name, part)| Ok((name, self.space(part)?));
                Space::Dict(parts.into_iter().map(stacked).collect::<Result<_>>()?)
            }
        })
    }

    /// Adds an observation, the first of an episode if `starts`, and returns what is seen now.
    pub fn push(&mut self, obs: Value, starts: bool) -> Value {
        if self.n == 1 {
            return obs;
        }
        if starts {
            self.seen.clear();
        }
        let n_new = if self.seen.is_empty() { self.n } else { 1 };
        self.seen.extend(std::iter::repeat_n(obs, n_new));
        self.seen.drain(..self.seen.len() - self.n);
        together(&self.seen.iter().collect::<Vec<_>>())
    }

    /// What [`Stack::push`] returned last; `None` if it keeps nothing.
    pub fn last(&self) -> Option<Value> {
        let seen: Vec<&Value> = self.seen.iter().collect();
        (!seen.is_empty()).then(|| together(&seen))
    }
}

/// Several values of one space as one.
fn together(all: &[&Value]) -> Value {
    match all[0] {
        Value::Discrete(_) => Value::MultiDiscrete(all.iter().filter_map(|x| x.as_discrete()).collect()),
        Value::MultiDiscrete(_) => Value::MultiDiscrete(gather(all, |x| match x {
            Value::MultiDiscrete(v) => v,
            _ => &[],
        })),
        Value::Array { shape, .. } => {
            let data = gather(all, |x| match x {
                Value::Array { data, .. } => data,
                _ => &[],
            });
            Value::Array { shape: [&[all.len()], &shape[..]].concat(), data }
        }
        Value::Image(image) => {
            let pixels: Vec<&[u8]> = all.iter().filter_map(|x| x.image()).map(|x| &x.data[..]).collect();
            Value::Image(Image {
                channels: image.channels * all.len(),
                data: interleaved(&pixels, image.channels),
                ..*image
            })
        }
        Value::Dict(parts) => {
            let part = |name: &String| {
                let of = |x: &&'_ Value| match x {
                    Value::Dict(parts) => parts.get(name).cloned(),
                    _ => None,
                };
                all.iter().filter_map(of).collect::<Vec<_>>()
            };
            let stacked = |name: &String| (name.clone(), together(&part(name).iter().collect::<Vec<_>>()));
            Value::Dict(parts.keys().map(stacked).collect())
        }
        Value::Text(_) => unreachable!("`Stack::space` refuses text"),
    }
}

fn gather<'a, T: Copy + 'a>(all: &[&'a Value], of: impl Fn(&'a Value) -> &'a [T]) -> Vec<T> {
    all.iter().flat_map(|x| of(x)).copied().collect()
}

/// Pixel by pixel, the channels of each picture in turn.
fn interleaved(pictures: &[&[u8]], channels: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(pictures.iter().map(|data| data.len()).sum());
    for at in (0..pictures[0].len()).step_by(channels) {
        pictures.iter().for_each(|data| out.extend_from_slice(&data[at..at + channels]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(size: Option<[usize; 2]>, frame_stack: usize) -> Wish {
        Wish { size, grey: false, frame_stack, clip_reward: false }
    }

    fn picture(data: &[u8]) -> Value {
        Value::Image(Image { height: 1, width: 2, channels: 1, data: data.to_vec() })
    }

    #[test]
    fn numbers_are_clipped_and_nan_is_refused() {
        let lens = Lens::new(Space::vector(2, -1.0, 1.0), &wish(None, 1)).unwrap();
        let read = |xs: [f32; 2]| {
            let mut out = Writer::default();
            out.f32s(&xs);
            lens.read(&mut Reader::new(&out.bytes))
        };
        assert_eq!(read([0.5, 7.0]).unwrap(), Value::vector(vec![0.5, 1.0]));
        let message = read([f32::NAN, 0.0]).unwrap_err().to_string();
        assert_eq!(
            message,
            "showed something outside its space: expected Box([2], -1..1), got array [2] containing NaN"
        );
        assert!(lens.read(&mut Reader::new(&[0; 7])).is_err());
    }

    #[test]
    fn pictures_that_no_eye_has_are_refused() {
        for [height, width, channels] in
            [[0, 4, 3], [4, 0, 3], [4, 4, 2], [4, 4, 7], [u32::MAX as usize, 1, 1]]
        {
            assert!(Lens::new(Space::Image { height, width, channels }, &wish(None, 1)).is_err());
        }
    }

    #[test]
    fn parts_are_read_in_the_order_of_their_names() {
        let raw = Space::Dict(BTreeMap::from([
            ("b".into(), Space::Discrete { n: 9 }),
            ("a".into(), Space::Image { height: 1, width: 2, channels: 1 }),
            ("c".into(), Space::Text { max_len: 4 }),
        ]));
        let lens = Lens::new(raw, &wish(Some([1, 1]), 1)).unwrap();
        let mut out = Writer { bytes: vec![10, 20] };
        out.u64(8);
        out.blob(b"go");
        let Value::Dict(parts) = lens.read(&mut Reader::new(&out.bytes)).unwrap() else { panic!() };
        assert_eq!(parts["a"], Value::Image(Image { height: 1, width: 1, channels: 1, data: vec![15] }));
        assert_eq!((&parts["b"], &parts["c"]), (&Value::Discrete(8), &Value::Text("go".into())));
        lens.space().check(&Value::Dict(parts)).unwrap();
    }

    #[test]
    fn a_stack_starts_with_the_first_observation_and_forgets_the_oldest() {
        let mut stack = Stack::new(3);
        let space = stack.space(Space::Image { height: 1, width: 2, channels: 1 }).unwrap();
        let pixels = |x: Value| x.image().unwrap().data.clone();
        let first = stack.push(picture(&[1, 2]), true);
        space.check(&first).unwrap();
        assert_eq!(pixels(first), [1, 1, 1, 2, 2, 2]);
        stack.push(picture(&[3, 4]), false);
        assert_eq!(pixels(stack.push(picture(&[5, 6]), false)), [1, 3, 5, 2, 4, 6]);
        assert_eq!(pixels(stack.push(picture(&[7, 8]), true)), [7, 7, 7, 8, 8, 8]);
    }

    #[test]
    fn numbers_choices_and_parts_stack_as_their_spaces_say_and_text_does_not() {
        let space = Space::Dict(BTreeMap::from([
            ("force".into(), Space::vector(2, 0.0, 1.0)),
            ("choice".into(), Space::Discrete { n: 3 }),
            ("choices".into(), Space::MultiDiscrete { nvec: vec![2, 3] }),
        ]));
        let mut stack = Stack::new(2);
        let stacked = stack.space(space.clone()).unwrap();
        let mut rng = worldsmith_core::Seed(0).rng();
        for starts in [true, false, false] {
            stacked.check(&stack.push(space.sample(&mut rng), starts)).unwrap();
        }
        assert!(stack.space(Space::Text { max_len: 3 }).is_err());
    }
}
