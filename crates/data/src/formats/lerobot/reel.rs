//! Pictures of one feature going into videos, of all episodes one after the other.

use std::fs;
use std::path::PathBuf;

use worldsmith_core::{Image, Result};
use worldsmith_video::{Codec, VideoWriter};

use super::shards::{Place, file, next};
use crate::atomic::temp_path;

/// Videos that are being written.
pub(super) struct Reel {
    dir: PathBuf,
    fps: f64,
    /// Size from which on a file is full.
    full_bytes: u64,
    place: Place,
    open: Option<(PathBuf, VideoWriter)>,
    /// Frames in the open file.
    n_frames: usize,
}

impl Reel {
    /// Videos in the folder `dir`.
    pub fn new(dir: PathBuf, fps: f64, full_bytes: u64) -> Self {
        Self { dir, fps, full_bytes, place: (0, 0), open: None, n_frames: 0 }
    }

    /// Adds the pictures of an episode, all of one size: where they lie, when the first is shown and when the last is over.
    ///
    /// # Errors
    /// If they cannot be encoded or written.
    pub fn push(&mut self, images: &[&Image]) -> Result<(Place, f64, f64)> {
        // Until it is complete a video has the name of a file in the making.
        let size = |path: &PathBuf| fs::metadata(temp_path(path)).map_or(0, |found| found.len());
        if self.open.as_ref().is_some_and(|(path, _)| size(path) >= self.full_bytes) {
            self.finish()?;
            self.place = next(self.place);
        }
        let [height, width, _] = images.first().map_or([0; 3], |image| image.shape());
        let (_, writer) = match &mut self.open {
            Some(open) => open,
            closed => {
                let path = file(&self.dir, self.place, "mp4")?;
                let writer = VideoWriter::create(&path, height, width, self.fps, Codec::H264)?;
                self.n_frames = 0;
                closed.insert((path, writer))
            }
        };
        images.iter().try_for_each(|image| writer.push(image))?;
        let from = self.n_frames;
        self.n_frames += images.len();
        Ok((self.place, from as f64 / self.fps, self.n_frames as f64 / self.fps))
    }

    /// Completes the open file, which is then safe on the disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&mut self) -> Result<()> {
        match self.open.take() {
            Some((_, writer)) => writer.finish(),
            None => Ok(()),
        }
    }
}
