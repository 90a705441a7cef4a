//! A sampler as a file, exact to the bit: safetensors, as everything else that is large.
//!
//! What is small stands as JSON in the header's metadata, under [`KEY`]. Samplers that weigh have a tensor `weights`, f64
//! `[places]`; those that count another, `counts`, u32 `[places]`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::ops::Range;
use std::path::Path;

use safetensors::tensor::{TensorView, serialize};
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng};

use super::sampler::{Pick, Sampler, Starts};
use super::sum_tree::SumTree;
use super::weights::{Rule, step_at};
use super::{MAX_COUNT, Window};
use crate::write_atomic;

/// The version this program writes.
const VERSION: u32 = 1;
/// Where in the metadata the [`Header`] stands.
const KEY: &str = "worldsmith_sampler";

/// What a file says beside its tensors. Numbers that must come back exactly are written as bits.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    /// Checksum of this header (with 0 in this place) and of all tensors.
    crc32: u32,
    pick: Pick,
    window: Window,
    rng: Rng,
    seen: Range<u64>,
    capacity: usize,
    /// Bits of the largest priority.
    largest: u32,
    /// The count that weighs 1.
    base: u32,
}

impl Sampler {
    /// Writes all of it to `path`, whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let (mut weights, mut counts, mut largest, mut base) = (Vec::new(), Vec::new(), 0, 0);
        if let Starts::Weights(all) = &self.starts {
            weights = all.tree.weights().iter().flat_map(|w| w.to_le_bytes()).collect();
            match &all.rule {
                Rule::Priority { largest: l, .. } => largest = l.to_bits(),
                Rule::Count { counts: c, base: b, .. } => {
                    base = *b;
                    counts = c.iter().flat_map(|c| c.to_le_bytes()).collect();
                }
            }
        }
        let header = Header {
            version: VERSION,
            crc32: 0,
            pick: self.pick,
            window: self.window,
            rng: self.rng.clone(),
            seen: self.seen.clone(),
            capacity: self.capacity,
            largest,
            base,
        };
        let bytes = encode(header, &weights, &counts).map_err(|why| Error::invalid(why).at(path))?;
        write_atomic(path, &bytes)
    }

    /// Reads a sampler that was written with [`Sampler::save`].
    ///
    /// # Errors
    /// If the file cannot be read, or is not what was written.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|err| Error::io("read sampler", path, &err))?;
        decode(&bytes).map_err(|why| Error::corrupt(path, why))
    }
}

fn encode(mut header: Header, weights: &[u8], counts: &[u8]) -> std::result::Result<Vec<u8>, String> {
    let why = |err: &dyn std::fmt::Display| format!("cannot write sampler: {err}");
    header.crc32 = checksum(&header, weights, counts)?;
    let view = |dtype, width, bytes| TensorView::new(dtype, vec![<[u8]>::len(bytes) / width], bytes);
    let tensors = BTreeMap::from([
        ("weights", view(Dtype::F64, size_of::<f64>(), weights).map_err(|err| why(&err))?),
        ("counts", view(Dtype::U32, size_of::<u32>(), counts).map_err(|err| why(&err))?),
    ]);
    let json = serde_json::to_string(&header).map_err(|err| why(&err))?;
    serialize(tensors, Some(HashMap::from([(KEY.to_owned(), json)]))).map_err(|err| why(&err))
}

fn decode(bytes: &[u8]) -> std::result::Result<Sampler, String> {
    let (_, layout) = SafeTensors::read_metadata(bytes).map_err(|err| format!("not a sampler: {err}"))?;
    let json =
        layout.metadata().as_ref().and_then(|all| all.get(KEY)).ok_or("not a sampler of worldsmith")?;
    let mut header: Header = serde_json::from_str(json).map_err(|err| format!("not a sampler: {err}"))?;
    if header.version != VERSION {
        return Err(format!("expected version {VERSION}, got {}", header.version));
    }
    let tensors = SafeTensors::deserialize(bytes).map_err(|err| format!("not a sampler: {err}"))?;
    let data = |name: &str, dtype: Dtype| {
        let view = tensors.tensor(name).map_err(|err| err.to_string())?;
        match view.dtype() == dtype {
            true => Ok(view.data()),
            false => Err(format!("expected `{name}` to be {dtype:?}, got {:?}", view.dtype())),
        }
    };
    let (weights, counts) = (data("weights", Dtype::F64)?, data("counts", Dtype::U32)?);
    let stored = std::mem::take(&mut header.crc32);
    if checksum(&header, weights, counts)? != stored {
        return Err("checksum does not match: the file was damaged".to_owned());
    }
    let weights = weights.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let counts = counts.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    restore(header, weights, counts)
}

fn restore(header: Header, weights: Vec<f64>, counts: Vec<u32>) -> std::result::Result<Sampler, String> {
    let Header { pick, window, rng, seen, capacity, largest, base, .. } = header;
    let mut sampler = Sampler::new(pick, window, worldsmith_core::Seed(0)).map_err(|err| err.to_string())?;
    sampler.rng = rng;
    let Starts::Weights(all) = &mut sampler.starts else {
        // Runs are counted again from the replay.
        return Ok(sampler);
    };
    let n_seen = seen.end.checked_sub(seen.start).filter(|_| seen.end <= MAX_COUNT);
    let is_seen = |at: usize| at < capacity && step_at(at, seen.start, capacity) < seen.end;
    let fits =
        |(at, weight): (usize, &f64)| *weight == 0.0 || (*weight > 0.0 && weight.is_finite() && is_seen(at));
    let largest = f32::from_bits(largest);
    let is_sound = n_seen.is_some_and(|n| n <= capacity as u64)
        && weights.iter().enumerate().all(fits)
        && largest >= 0.0
        && largest.is_finite();
    if !is_sound {
        return Err(format!("expected weights of the steps {seen:?} in {capacity} places, got others"));
    }
    all.tree = SumTree::from_weights(&weights);
    match &mut all.rule {
        Rule::Priority { largest: l, .. } => *l = largest,
        Rule::Count { counts: c, base: b, .. } => (*c, *b) = (counts, base),
    }
    (sampler.seen, sampler.capacity) = (seen, capacity);
    Ok(sampler)
}

fn checksum(header: &Header, weights: &[u8], counts: &[u8]) -> std::result::Result<u32, String> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(serde_json::to_string(header).map_err(|err| err.to_string())?.as_bytes());
    hasher.update(weights);
    hasher.update(counts);
    Ok(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    /// The file of a sampler with `weights`, its checksum right whatever it says.
    fn file(capacity: usize, seen: Range<u64>, largest: f32, weights: &[f64]) -> Vec<u8> {
        let header = Header {
            version: VERSION,
            crc32: 0,
            pick: Pick::Prioritised { alpha: 0.5, beta: 0.5 },
            window: Window::within(2),
            rng: Seed(0).rng(),
            seen,
            capacity,
            largest: largest.to_bits(),
            base: 0,
        };
        let weights: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
        encode(header, &weights, &[]).unwrap()
    }

    #[test]
    fn files_that_lie_are_refused_though_their_checksum_is_right() {
        // Steps 8, 9 and 10 lie at places 3, 4 and 0 of 5.
        let good = [1.0, 0.0, 0.0, 2.0, 0.5, 0.0, 0.0, 0.0];
        assert!(decode(&file(5, 8..11, 1.0, &good)).is_ok());
        let lies = [
            file(5, 8..11, f32::NAN, &good),
            file(5, 8..11, -1.0, &good),
            file(5, 8..10, 1.0, &good),
            file(5, 8..14, 1.0, &good),
            file(5, Range { start: 11, end: 8 }, 1.0, &good),
            file(2, 8..10, 1.0, &good),
            file(0, 0..0, 1.0, &good),
            file(usize::MAX, u64::MAX - 1..u64::MAX, 1.0, &good),
            file(5, 8..11, 1.0, &[f64::NAN; 3]),
            file(5, 8..11, 1.0, &[-1.0, 0.0, 0.0]),
            file(5, 8..11, 1.0, &[f64::INFINITY, 0.0, 0.0]),
            file(5, 8..11, 1.0, &[0.0, 1.0, 0.0]),
        ];
        for (n, lie) in lies.iter().enumerate() {
            assert!(decode(lie).is_err(), "lie {n}");
        }
    }
}
