//! Files that were cut or whose bits flipped: readers must refuse them by name or go on, and never panic.

use std::fs;
use std::path::Path;

use worldsmith_core::{Episode, Result, Seed};
use worldsmith_data::formats::{self, ReadOptions};

/// Opens the set at `path` and reads all of it.
pub fn read_all(path: &Path, format: &str) -> Result<Vec<Episode>> {
    let (_, mut source) = formats::open(path, Some(format), &ReadOptions::default())?;
    (0..source.n_episodes()).map(|idx| source.read(idx)).collect()
}

/// Cuts `file`, which the set at `path` needs, at every hundredth of its length, and flips a bit of it `n_flips` times.
/// Errors must name something below `path`. Puts the file back, and returns how many damaged ones read all the same.
pub fn survive(path: &Path, file: &Path, format: &str, n_flips: usize) -> usize {
    let bytes = fs::read(file).unwrap();
    let mut rng = Seed(bytes.len() as u64).rng();
    let cuts = (0..100).map(|percent| bytes[..bytes.len() * percent / 100].to_vec());
    let flips = (0..n_flips).map(|_| {
        let mut flipped = bytes.clone();
        flipped[rng.below(bytes.len())] ^= 1 << rng.below(8);
        flipped
    });
    let mut n_read = 0;
    for damaged in cuts.chain(flips) {
        fs::write(file, damaged).unwrap();
        match read_all(path, format) {
            Ok(_) => n_read += 1,
            Err(err) => assert!(err.to_string().contains(path.to_str().unwrap()), "{err}"),
        }
    }
    fs::write(file, bytes).unwrap();
    n_read
}
