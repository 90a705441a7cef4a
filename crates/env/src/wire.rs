//! A compact binary form of values, spaces and episodes, for saved pools. Little-endian; lengths and counts
//! are 32-bit. Spaces are laid out alike by `gym/worker/frames.py`, whose values need no tags and are read in `gym/lens.rs`.

use std::collections::BTreeMap;

use worldsmith_core::{Episode, EpisodeMeta, Error, ErrorKind, Image, Result, Seed, Space, StepKind, Value};

/// Deepest nesting of named parts that is read; more can only be garbage.
const MAX_DEPTH: usize = 16;

const DISCRETE: u8 = 0;
const MULTI_DISCRETE: u8 = 1;
const NUMBERS: u8 = 2;
const IMAGE: u8 = 3;
const TEXT: u8 = 4;
const DICT: u8 = 5;

/// Bytes being written.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn u8(&mut self, x: u8) {
        self.bytes.push(x);
    }

    pub fn count(&mut self, n: usize) {
        self.bytes.extend((n as u32).to_le_bytes());
    }

    pub fn u64(&mut self, x: u64) {
        self.bytes.extend(x.to_le_bytes());
    }

    pub fn f32s(&mut self, xs: &[f32]) {
        xs.iter().for_each(|x| self.bytes.extend(x.to_le_bytes()));
    }

    pub fn blob(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.bytes.extend(bytes);
    }

    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Discrete(i) => {
                self.u8(DISCRETE);
                self.u64(*i as u64);
            }
            Value::MultiDiscrete(v) => {
                self.u8(MULTI_DISCRETE);
                self.count(v.len());
                v.iter().for_each(|i| self.u64(*i as u64));
            }
            Value::Array { shape, data } => {
                self.u8(NUMBERS);
                self.count(shape.len());
                shape.iter().for_each(|n| self.count(*n));
                self.f32s(data);
            }
            Value::Image(image) => {
                self.u8(IMAGE);
                image.shape().iter().for_each(|n| self.count(*n));
                self.bytes.extend(&image.data);
            }
            Value::Text(text) => {
                self.u8(TEXT);
                self.blob(text.as_bytes());
            }
            Value::Dict(parts) => {
                self.u8(DICT);
                self.count(parts.len());
                for (name, part) in parts {
                    self.blob(name.as_bytes());
                    self.value(part);
                }
            }
        }
    }

    pub fn episode(&mut self, episode: &Episode) {
        let meta = &episode.meta;
        for text in [&meta.env, &meta.policy, &meta.source] {
            self.blob(text.as_bytes());
        }
        self.u8(meta.task.is_some() as u8);
        self.blob(meta.task.as_deref().unwrap_or_default().as_bytes());
        self.u64(meta.seed.0);
        self.u8(episode.end as u8);
        self.count(episode.len());
        self.f32s(&episode.rewards);
        episode.actions.iter().chain(&episode.obs).for_each(|v| self.value(v));
    }
}

/// Bytes being read. Every method fails, and none panics, on bytes that are not what was written.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, tail) = self
            .rest
            .split_at_checked(n)
            .ok_or_else(|| garbage(format!("expected {n} more bytes, got {}", self.rest.len())))?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn count(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn f32s(&mut self, n: usize) -> Result<Vec<f32>> {
        let bytes =
            self.take(n.checked_mul(4).ok_or_else(|| garbage(format!("expected fewer than {n} numbers")))?)?;
        Ok(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
    }

    pub fn blob(&mut self) -> Result<&'a [u8]> {
        let n = self.count()?;
        self.take(n)
    }

    pub fn text(&mut self) -> Result<String> {
        String::from_utf8(self.blob()?.to_vec()).map_err(|_| garbage("expected text in UTF-8"))
    }

    /// A count, then as many items.
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let n = self.count()?;
        (0..n).map(|_| item(self)).collect()
    }

    pub fn kind(&mut self) -> Result<StepKind> {
        use StepKind::{First, Mid, Terminated, Truncated};
        let tag = self.u8()?;
        let kind = [First, Mid, Terminated, Truncated].into_iter().find(|k| *k as u8 == tag);
        kind.ok_or_else(|| garbage(format!("expected a kind of step, got {tag}")))
    }

    pub fn value(&mut self) -> Result<Value> {
        self.nested_value(0)
    }

    fn nested_value(&mut self, depth: usize) -> Result<Value> {
        Ok(match self.u8()? {
            DISCRETE => Value::Discrete(self.u64()? as i64),
            MULTI_DISCRETE => Value::MultiDiscrete(self.list(|r| Ok(r.u64()? as i64))?),
            NUMBERS => {
                let shape = self.list(Self::count)?;
                let data = self.f32s(product(&shape)?)?;
                Value::Array { shape, data }
            }
            IMAGE => {
                let (height, width, channels) = (self.count()?, self.count()?, self.count()?);
                let data = self.take(product(&[height, width, channels])?)?.to_vec();
                Value::Image(Image { height, width, channels, data })
            }
            TEXT => Value::Text(self.text()?),
            DICT => Value::Dict(self.parts(depth, Self::nested_value)?),
            tag => return Err(garbage(format!("expected a value, got tag {tag}"))),
        })
    }

    pub fn space(&mut self) -> Result<Space> {
        self.nested_space(0)
    }

    fn nested_space(&mut self, depth: usize) -> Result<Space> {
        Ok(match self.u8()? {
            DISCRETE => Space::Discrete { n: self.count()? },
            MULTI_DISCRETE => Space::MultiDiscrete { nvec: self.list(Self::count)? },
            NUMBERS => {
                let shape = self.list(Self::count)?;
                let n = product(&shape)?;
                Space::Box { shape, low: self.f32s(n)?, high: self.f32s(n)? }
            }
            IMAGE => Space::Image { height: self.count()?, width: self.count()?, channels: self.count()? },
            TEXT => Space::Text { max_len: self.count()? },
            DICT => Space::Dict(self.parts(depth, Self::nested_space)?),
            tag => return Err(garbage(format!("expected a space, got tag {tag}"))),
        })
    }

    fn parts<T>(
        &mut self,
        depth: usize,
        part: fn(&mut Self, usize) -> Result<T>,
    ) -> Result<BTreeMap<String, T>> {
        if depth == MAX_DEPTH {
            return Err(garbage(format!("expected at most {MAX_DEPTH} levels of parts")));
        }
        Ok(self.list(|r| Ok((r.text()?, part(r, depth + 1)?)))?.into_iter().collect())
    }

    pub fn episode(&mut self) -> Result<Episode> {
        let (env, policy, source) = (self.text()?, self.text()?, self.text()?);
        let has_task = self.u8()? != 0;
        let task = Some(self.text()?).filter(|_| has_task);
        let meta = EpisodeMeta { env, policy, source, task, seed: Seed(self.u64()?) };
        let end = self.kind()?;
        let n = self.count()?;
        let rewards = self.f32s(n)?;
        let actions = (0..n).map(|_| self.value()).collect::<Result<_>>()?;
        let obs = (0..=n).map(|_| self.value()).collect::<Result<_>>()?;
        Ok(Episode { obs, actions, rewards, end, meta })
    }

    /// Checks that everything was read.
    pub fn finish(self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(garbage(format!("expected the end, got {n} more bytes"))),
        }
    }
}

fn product(shape: &[usize]) -> Result<usize> {
    let n = shape.iter().try_fold(1_usize, |n, side| n.checked_mul(*side));
    n.ok_or_else(|| garbage(format!("expected a smaller array, got shape {shape:?}")))
}

fn garbage(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, why)
}

#[cfg(test)]
impl Writer {
    /// What a worker writes about its spaces; Rust itself only reads it.
    pub fn space(&mut self, space: &Space) {
        match space {
            Space::Discrete { n } => {
                self.u8(DISCRETE);
                self.count(*n);
            }
            Space::MultiDiscrete { nvec } => {
                self.u8(MULTI_DISCRETE);
                self.count(nvec.len());
                nvec.iter().for_each(|n| self.count(*n));
            }
            Space::Box { shape, low, high } => {
                self.u8(NUMBERS);
                self.count(shape.len());
                shape.iter().for_each(|n| self.count(*n));
                self.f32s(low);
                self.f32s(high);
            }
            Space::Image { height, width, channels } => {
                self.u8(IMAGE);
                [height, width, channels].into_iter().for_each(|n| self.count(*n));
            }
            Space::Text { max_len } => {
                self.u8(TEXT);
                self.count(*max_len);
            }
            Space::Dict(parts) => {
                self.u8(DICT);
                self.count(parts.len());
                for (name, part) in parts {
                    self.blob(name.as_bytes());
                    self.space(part);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Step;

    fn everything() -> Space {
        Space::Dict(BTreeMap::from([
            ("choice".into(), Space::Discrete { n: 5 }),
            ("choices".into(), Space::MultiDiscrete { nvec: vec![2, 3] }),
            ("inner".into(), Space::Dict(BTreeMap::from([("words".into(), Space::Text { max_len: 9 })]))),
            (
                "numbers".into(),
                Space::Box {
                    shape: vec![1, 2],
                    low: vec![f32::NEG_INFINITY, 0.0],
                    high: vec![f32::INFINITY, 1.0],
                },
            ),
            ("view".into(), Space::Image { height: 3, width: 2, channels: 3 }),
        ]))
    }

    #[test]
    fn spaces_and_values_of_every_kind_come_back_as_they_went() {
        let space = everything();
        let value = space.sample(&mut Seed(3).rng());
        let mut out = Writer::default();
        out.space(&space);
        out.value(&value);
        let mut reader = Reader::new(&out.bytes);
        assert_eq!(reader.space().unwrap(), space);
        assert_eq!(reader.value().unwrap(), value);
        reader.finish().unwrap();
    }

    #[test]
    fn an_episode_comes_back_as_it_went_and_a_torn_one_is_refused_at_every_length() {
        let meta = EpisodeMeta {
            env: "e".into(),
            policy: "p".into(),
            seed: Seed(u64::MAX),
            source: "real".into(),
            task: Some("go".into()),
        };
        let mut episode = Episode::start(Value::Text("ä".into()), meta);
        episode.push(Value::Discrete(-1), Step::truncated(Value::vector(vec![1.5, f32::MIN]), 2.0)).unwrap();
        let mut out = Writer::default();
        out.episode(&episode);
        assert_eq!(Reader::new(&out.bytes).episode().unwrap(), episode);
        for len in 0..out.bytes.len() {
            assert!(Reader::new(&out.bytes[..len]).episode().is_err(), "length {len}");
        }
    }

    #[test]
    fn absurd_lengths_and_endless_nesting_are_refused() {
        let huge = [&[NUMBERS, 3, 0, 0, 0][..], &[255; 12]].concat();
        assert!(Reader::new(&huge).value().is_err());
        let nested = [DICT, 1, 0, 0, 0, 0, 0, 0, 0].repeat(100_000);
        assert!(Reader::new(&nested).value().is_err());
    }
}
