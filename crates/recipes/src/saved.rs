//! What a learner leaves beside its parameters so that training goes on: counters in `train.json`, and arrays by part in
//! `train.safetensors`.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use worldsmith_core::{Error, Result};
use worldsmith_nn::{Arrays, read_arrays, write_arrays};

/// Arrays of a training state, read back.
pub(crate) struct Saved {
    /// The file they lie in, for errors.
    pub path: PathBuf,
    arrays: Arrays,
}

/// Writes `counters` and the arrays of every part into the folder `dir`.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write<const N: usize>(
    dir: &Path,
    counters: &impl Serialize,
    parts: [(&str, Arrays); N],
) -> Result<()> {
    let named = parts.into_iter().flat_map(|(part, arrays)| {
        arrays.into_iter().map(move |(name, array)| (format!("{part}/{name}"), array))
    });
    write_arrays(&dir.join("train.safetensors"), &named.collect())?;
    let path = dir.join("train.json");
    let json = serde_json::to_string_pretty(counters).map_err(|e| Error::corrupt(&path, e.to_string()))?;
    std::fs::write(&path, json).map_err(|e| Error::io("write training state", &path, &e))
}

/// Reads what [`write`] left.
///
/// # Errors
/// If a file is missing or damaged; it is named.
pub(crate) fn read<T: DeserializeOwned>(dir: &Path) -> Result<(T, Saved)> {
    let path = dir.join("train.json");
    let json = std::fs::read(&path).map_err(|e| Error::io("read training state", &path, &e))?;
    let counters = serde_json::from_slice(&json).map_err(|e| Error::corrupt(&path, e.to_string()))?;
    let path = dir.join("train.safetensors");
    Ok((counters, Saved { arrays: read_arrays(&path)?, path }))
}

impl Saved {
    /// The arrays of one part; none if there is no such part.
    pub fn part(&self, part: &str) -> Arrays {
        let own = |name: &str| name.strip_prefix(part)?.strip_prefix('/').map(str::to_string);
        self.arrays.iter().filter_map(|(name, array)| Some((own(name)?, array.clone()))).collect()
    }
}
