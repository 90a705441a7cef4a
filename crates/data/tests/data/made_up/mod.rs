//! Readers against made-up bytes: an input takes the place of one file of a small valid data set, and everything is read.
//!
//! The first byte of an input says which file; the rest is its content, with checksums made right where the format has them,
//! so that more than the checksum is tried. Whatever comes of it is a result: a panic, a hang or memory without bound is a
//! finding, and so is an error that does not name the data set.
//!
//! The library of `fuzz`, which makes up inputs, takes this module in by its path; the tests read again what was kept of them.

pub mod place;
mod sets;

use std::path::Path;

use worldsmith_core::{Error, Result};
use worldsmith_data::formats::{self, ReadOptions};
use worldsmith_video::VideoReader;

use place::Place;

/// No more episodes of a set are read, and no more frames of a video.
const MOST_EPISODES: usize = 6;
const MOST_FRAMES: usize = 12;

/// The small sets of one target, on a file system in memory.
pub struct Sets {
    places: Vec<Place>,
    /// The file that is not what it was.
    dirty: Option<usize>,
}

impl Sets {
    /// Makes the sets of `target` in the folder `dir`.
    pub fn make(target: &str, dir: &Path) -> Self {
        let sets = sets::make(target, dir);
        let places = sets.iter().flat_map(|(set, format)| place::all(set, format)).collect::<Vec<_>>();
        assert!((1..=256).contains(&places.len()), "one byte must tell {} files apart", places.len());
        Self { places, dirty: None }
    }

    /// An input for each file, which leaves it as it is.
    pub fn seeds(&self) -> impl Iterator<Item = Vec<u8>> {
        self.places.iter().enumerate().map(|(idx, place)| {
            let mut seed = vec![idx as u8];
            seed.extend(place.whole());
            seed
        })
    }

    /// Puts `input` in its place and reads the set.
    pub fn read(&mut self, input: &[u8]) {
        let Some((choice, bytes)) = input.split_first() else { return };
        let idx = usize::from(*choice) % self.places.len();
        if let Some(dirty) = self.dirty.filter(|dirty| *dirty != idx) {
            self.places[dirty].restore();
        }
        self.dirty = Some(idx);
        let place = &self.places[idx];
        place.put(bytes);
        read_set(&place.set, place.format);
    }
}

fn read_set(set: &Path, format: &str) {
    if format == sets::MP4 {
        return check(set, read_video(set));
    }
    let _ = formats::detect(set);
    let opened = formats::open(set, Some(format), &ReadOptions::default());
    let Ok((_, mut source)) = opened else { return check(set, opened.map(drop)) };
    for idx in 0..source.n_episodes().min(MOST_EPISODES) {
        let Ok(episode) = source.read(idx).map_err(|err| check(set, Err(err))) else { continue };
        assert_eq!((episode.obs.len(), episode.rewards.len()), (episode.len() + 1, episode.len()));
        let stretch = episode.len() / 2..episode.len();
        check(set, source.read_range(idx, stretch).map(drop));
    }
}

fn read_video(path: &Path) -> Result<()> {
    let mut reader = VideoReader::open(path)?;
    let n = reader.info().n_frames;
    reader.nearest(0.5);
    let last = reader.read(n.saturating_sub(1)..n);
    let first = reader.read(0..n.min(MOST_FRAMES));
    last.and(first).map(drop)
}

/// An error must name a file of `set`, and nothing outside.
fn check(set: &Path, result: Result<()>) {
    let Err(err) = result else { return };
    assert!(names_file(&err, set), "expected an error that names a file of `{}`, got: {err}", set.display());
}

/// Whether an error names a file of `set`, which is one itself or a folder.
pub fn names_file(err: &Error, set: &Path) -> bool {
    let below = if set.is_dir() { set.join("") } else { set.to_owned() };
    err.to_string().contains(below.to_str().expect("the names of sets are text"))
}
