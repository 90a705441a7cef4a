//! Frames of videos by their times; the files that were read last stay open.

use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, Image, Result, Space, Value};
use worldsmith_video::VideoReader;

use super::columns::Column;
use super::episodes::Entry;
use super::info::{INFO, Info};
use super::paths::{Slots, place};

/// Files that stay open for each video. A set with a file an episode has many, and opening one takes as long as decoding a
/// few frames.
const MAX_OPEN: usize = 16;

/// The videos of a data set.
pub(super) struct Films {
    root: PathBuf,
    template: Option<String>,
    /// How far from its time a frame may be.
    tolerance_secs: f64,
    /// For each video, the files that were read last, the latest at the end.
    open: Vec<Vec<Film>>,
}

/// An open file.
struct Film {
    path: PathBuf,
    reader: VideoReader,
}

impl Films {
    /// The `n` videos that are read of the data set in `root`.
    pub fn new(root: &Path, info: &Info, n: usize) -> Self {
        Self {
            root: root.to_owned(),
            template: info.video_path.clone(),
            tolerance_secs: 0.5 / info.fps + 1e-6,
            open: (0..n).map(|_| Vec::new()).collect(),
        }
    }

    /// Whether no video is read.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The frames of an episode that were taken at `times`, in seconds from its start, of the feature `column`, which is
    /// video `idx`.
    ///
    /// # Errors
    /// If the file is missing or damaged, or has no frames at those times.
    pub fn values(
        &mut self,
        entry: &Entry,
        idx: usize,
        column: &Column,
        times: &[f64],
    ) -> Result<Vec<Value>> {
        let (name, space) = (column.name.as_str(), &column.leaf.space);
        let (Some(clip), Space::Image { height, width, channels }) = (entry.clips.get(idx), space) else {
            return Err(Error::invalid(format!("expected a video, got `{name}`")));
        };
        let template = self.template.as_deref().ok_or_else(|| {
            Error::corrupt(&self.root.join(INFO), format!("expected `video_path` for `{name}`, got none"))
        })?;
        let slots = Slots { chunk: clip.place.0, file: clip.place.1, episode: entry.number, video: name };
        let path = place(&self.root, template, &slots)?;
        let Some(open) = self.open.get_mut(idx) else {
            return Err(Error::invalid(format!("expected a video, got `{name}`")));
        };
        let film = opened(open, path)?;
        let frames = times.iter().map(|time| find(&film.reader, clip.from_secs + time, self.tolerance_secs));
        let frames: Vec<usize> = frames.collect::<Option<_>>().ok_or_else(|| {
            let (from, n) = (clip.from_secs, times.len());
            Error::corrupt(
                &film.path,
                format!("expected frames for {n} rows of the episode at {from} s, found some missing"),
            )
        })?;
        let shaped = |image: Image| {
            let image = as_channels(image, *channels);
            let [h, w, _] = image.shape();
            match image.shape() == [*height, *width, *channels] {
                true => Ok(Value::Image(image)),
                false => Err(Error::corrupt(&film.path, format!("expected frames of {space}, got {h}x{w}"))),
            }
        };
        let mut values = Vec::with_capacity(frames.len());
        for run in runs(&frames) {
            for image in film.reader.read(run)? {
                values.push(shaped(image)?);
            }
        }
        Ok(values)
    }
}

/// The file at `path`, opened if it is not open, and moved to the end of `open`.
fn opened(open: &mut Vec<Film>, path: PathBuf) -> Result<&mut Film> {
    let film = match open.iter().position(|film| film.path == path) {
        Some(at) => open.remove(at),
        None => {
            let reader = VideoReader::open(&path)?;
            if open.len() == MAX_OPEN {
                open.remove(0);
            }
            Film { path, reader }
        }
    };
    open.push(film);
    let last = open.len() - 1;
    Ok(&mut open[last])
}

/// The frame that is shown at `secs`.
fn find(reader: &VideoReader, secs: f64, tolerance_secs: f64) -> Option<usize> {
    let frame = reader.nearest(secs);
    let shown = reader.timestamps().get(frame)?;
    ((shown - secs).abs() <= tolerance_secs).then_some(frame)
}

/// A frame as grey where that is what the data set has: a grey video shows the same in all its channels.
fn as_channels(image: Image, channels: usize) -> Image {
    match (image.channels, channels) {
        (3, 1) => Image { channels: 1, data: image.data.iter().copied().step_by(3).collect(), ..image },
        _ => image,
    }
}

/// Frames as stretches that follow each other.
fn runs(frames: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for frame in frames {
        match runs.last_mut() {
            Some(run) if run.end == *frame => run.end += 1,
            _ => runs.push(*frame..frame + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_follow_each_other_are_read_at_once() {
        assert_eq!(runs(&[4, 5, 6, 6, 9]), [4..7, 6..7, 9..10]);
    }
}
