//! Frames of videos by their times; the last file of each video stays open.

use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, Image, Result, Space, Value};
use worldsmith_video::VideoReader;

use super::columns::Column;
use super::episodes::Entry;
use super::info::{INFO, Info};
use super::paths::{Slots, place};

/// The videos of a data set.
pub(super) struct Films {
    root: PathBuf,
    template: Option<String>,
    /// How far from its time a frame may be.
    tolerance_secs: f64,
    /// For each video, the file that was read last.
    held: Vec<Option<(PathBuf, VideoReader)>>,
}

impl Films {
    /// The `n` videos that are read of the data set in `root`.
    pub fn new(root: &Path, info: &Info, n: usize) -> Self {
        let held = (0..n).map(|_| None).collect();
        Self {
            root: root.to_owned(),
            template: info.video_path.clone(),
            tolerance_secs: 0.5 / info.fps + 1e-6,
            held,
        }
    }

    /// Whether no video is read.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
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
        let (Some(clip), Some(held), Space::Image { height, width, channels }) =
            (entry.clips.get(idx), self.held.get_mut(idx), space)
        else {
            return Err(Error::invalid(format!("expected a video, got `{name}`")));
        };
        let template = self.template.as_deref().ok_or_else(|| {
            Error::corrupt(&self.root.join(INFO), format!("expected `video_path` for `{name}`, got none"))
        })?;
        let slots = Slots { chunk: clip.place.0, file: clip.place.1, episode: entry.number, video: name };
        let path = place(&self.root, template, &slots)?;
        let reader = match held.take() {
            Some((held, reader)) if held == path => reader,
            _ => VideoReader::open(&path)?,
        };
        let (path, reader) = held.insert((path, reader));
        let frames = times.iter().map(|time| find(reader, clip.from_secs + time, self.tolerance_secs));
        let frames: Vec<usize> = frames.collect::<Option<_>>().ok_or_else(|| {
            let (from, n) = (clip.from_secs, times.len());
            Error::corrupt(
                path,
                format!("expected frames for {n} rows of the episode at {from} s, found some missing"),
            )
        })?;
        let mut values = Vec::new();
        for run in runs(&frames) {
            for image in reader.read(run)? {
                let image = as_channels(image, *channels);
                if image.shape() != [*height, *width, *channels] {
                    let [height, width, _] = image.shape();
                    return Err(Error::corrupt(
                        path,
                        format!("expected frames of {space}, got {height}x{width}"),
                    ));
                }
                values.push(Value::Image(image));
            }
        }
        Ok(values)
    }
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
