//! Reading: frames by number, with as little decoding as they need.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, ErrorKind, Image, Result};

use crate::VideoInfo;
use crate::decoder::{Decoder, View};
use crate::mp4::{Parsed, Sample, Track, read_track};

/// Bytes read at once, so that a stretch of small frames costs one visit to the file.
const READ_AHEAD: usize = 1 << 15;
/// Pictures kept for the next read: those decoded early because a shown frame needed them. H.264 allows 16.
const MAX_HELD: usize = 16;

/// A video file, or the bytes of one, opened for reading.
pub struct VideoReader {
    /// Where the file is, if it is one.
    path: Option<PathBuf>,
    input: Input,
    track: Track,
    info: VideoInfo,
    timestamps: Vec<f64>,
    /// The place of each sample in the order of showing, if it is shown.
    frame_of_sample: Vec<Option<usize>>,
    view: View,
    decoder: Decoder,
    /// The sample that the decoder is ready for, after at least one before it.
    next_sample: Option<usize>,
    /// Decoded pictures that no read has asked for yet, by frame.
    held: Vec<(usize, Image)>,
}

impl VideoReader {
    /// Opens an mp4 file. Reads its tables, not its frames.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or holds no H.264 or AV1 track of 8 bits and 4:2:0.
    pub fn open(path: &Path) -> Result<Self> {
        let opened = File::open(path).and_then(|file| file.metadata().map(|meta| (file, meta.len())));
        let (file, len) = opened.map_err(|err| Error::io("open video", path, &err))?;
        Self::new(Some(path), Box::new(file), len)
    }

    /// Reads the bytes of an mp4 file, as [`VideoReader::open`] does a file. Errors name no file.
    ///
    /// # Errors
    /// As [`VideoReader::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Result<Self> {
        let len = bytes.as_ref().len() as u64;
        Self::new(None, Box::new(Cursor::new(bytes)), len)
    }

    fn new(path: Option<&Path>, mut file: Box<dyn ReadSeek>, len: u64) -> Result<Self> {
        let track = read_track(&mut file, len).map_err(|why| unreadable(path, why))?;
        let (decoder, view) = Decoder::new(&track).map_err(|why| unreadable(path, why))?;
        let timestamps: Vec<f64> = track.frames.iter().map(|frame| frame.secs).collect();
        let info = VideoInfo {
            width: view.crop.width,
            height: view.crop.height,
            n_frames: track.frames.len(),
            fps: fps(&timestamps),
            codec: track.codec,
        };
        let mut frame_of_sample = vec![None; track.samples.len()];
        for (frame_idx, frame) in track.frames.iter().enumerate() {
            frame_of_sample[frame.sample_idx] = Some(frame_idx);
        }
        let input = Input { file, window: Vec::new(), start: 0 };
        Ok(Self {
            path: path.map(Path::to_path_buf),
            input,
            track,
            info,
            timestamps,
            frame_of_sample,
            view,
            decoder,
            next_sample: None,
            held: Vec::new(),
        })
    }

    /// What the file says about itself.
    pub fn info(&self) -> &VideoInfo {
        &self.info
    }

    /// When each frame is shown, in seconds, ascending.
    pub fn timestamps(&self) -> &[f64] {
        &self.timestamps
    }

    /// The frame whose time is nearest to `secs`, the earlier of two equally near, as LeRobot picks it; 0 if there is no
    /// frame.
    pub fn nearest(&self, secs: f64) -> usize {
        let after = self.timestamps.partition_point(|t| *t < secs);
        let Some(before) = after.checked_sub(1) else { return 0 };
        match self.timestamps.get(after) {
            Some(later) if later - secs < secs - self.timestamps[before] => after,
            _ => before,
        }
    }

    /// The pictures of `frames`. Decoding begins at the key frame before them, or goes on where the last read stopped.
    ///
    /// # Errors
    /// If there are not that many frames, or one of them cannot be decoded.
    pub fn read(&mut self, frames: Range<usize>) -> Result<Vec<Image>> {
        let n = self.info.n_frames;
        if frames.start > frames.end || frames.end > n {
            let message = format!("expected frames within 0..{n}, got {}..{}", frames.start, frames.end);
            let err = Error::invalid(message);
            return Err(self.path.iter().fold(err, |err, path| err.at(path)));
        }
        let mut pictures = vec![None; frames.len()];
        for (frame_idx, picture) in std::mem::take(&mut self.held) {
            if frames.contains(&frame_idx) {
                pictures[frame_idx - frames.start] = Some(picture);
            }
        }
        if let Some(samples) = self.samples_of(&frames, &pictures) {
            let decoded = self.decode(samples, &frames, &mut pictures);
            if let Err(why) = decoded {
                self.next_sample = None;
                return Err(unreadable(self.path.as_deref(), why));
            }
        }
        let missing = |picture: Option<Image>| {
            picture.ok_or_else(|| unreadable(self.path.as_deref(), "a frame is missing"))
        };
        pictures.into_iter().map(missing).collect()
    }

    /// The first and last sample of those frames that are not there yet.
    fn samples_of(&self, frames: &Range<usize>, pictures: &[Option<Image>]) -> Option<Range<usize>> {
        let absent = frames.clone().zip(pictures).filter(|(_, picture)| picture.is_none());
        let samples = absent.map(|(frame_idx, _)| self.track.frames[frame_idx].sample_idx);
        let (first, last) = samples.fold((usize::MAX, 0), |(lo, hi), s| (lo.min(s), hi.max(s)));
        (first <= last).then_some(first..last + 1)
    }

    /// Decodes as far as the end of `samples` and lays what is shown into `pictures`.
    fn decode(
        &mut self,
        samples: Range<usize>,
        frames: &Range<usize>,
        pictures: &mut [Option<Image>],
    ) -> Parsed<()> {
        for sample_idx in self.enter(samples.start)?..samples.end {
            self.next_sample = None;
            let frame_idx = self.frame_of_sample[sample_idx];
            let is_ahead = |idx: usize| idx >= frames.end && self.held.len() < MAX_HELD;
            let wanted = frame_idx.is_some_and(|idx| frames.contains(&idx) || is_ahead(idx));
            let bytes = self.input.sample(self.track.samples[sample_idx])?;
            let decoded = self.decoder.decode(bytes, &self.view, wanted);
            let picture =
                decoded.map_err(|why| format!("frame {}: {why}", frame_idx.unwrap_or(sample_idx)))?;
            self.next_sample = Some(sample_idx + 1);
            let Some((idx, picture)) = frame_idx.zip(picture) else { continue };
            if frames.contains(&idx) {
                pictures[idx - frames.start] = Some(picture);
            } else {
                self.held.push((idx, picture));
            }
        }
        Ok(())
    }

    /// Where decoding must begin to reach `sample_idx`; the decoder is ready for it.
    fn enter(&mut self, sample_idx: usize) -> Parsed<usize> {
        let mut key = sample_idx;
        while key > 0 && !self.track.samples[key].is_key {
            key -= 1;
        }
        if let Some(next) = self.next_sample.filter(|next| (key..=sample_idx).contains(next)) {
            return Ok(next);
        }
        // A key of the container may still lean on frames before it.
        while key > 0 {
            let is_start = self.track.samples[key].is_key
                && self.decoder.starts_at(self.input.sample(self.track.samples[key])?);
            if is_start {
                break;
            }
            key -= 1;
        }
        self.decoder.restart();
        Ok(key)
    }
}

fn unreadable(path: Option<&Path>, why: impl Into<String>) -> Error {
    let err = Error::new(ErrorKind::Corrupt, format!("cannot read video: {}", why.into()));
    path.into_iter().fold(err, |err, path| err.at(path))
}

fn fps(timestamps: &[f64]) -> f64 {
    match timestamps {
        [first, .., last] if last > first => (timestamps.len() - 1) as f64 / (last - first),
        _ => 0.0,
    }
}

/// Where the bytes come from.
trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// The file, with a stretch of it in memory.
struct Input {
    file: Box<dyn ReadSeek>,
    window: Vec<u8>,
    start: u64,
}

impl Input {
    /// The bytes of `sample`, which lies inside the file.
    fn sample(&mut self, sample: Sample) -> Parsed<&[u8]> {
        let len = sample.size as usize;
        if self.inside(sample.offset, len).is_none() {
            self.window.clear();
            self.start = sample.offset;
            let sought = self.file.seek(SeekFrom::Start(sample.offset));
            let up_to = len.max(READ_AHEAD) as u64;
            let read = sought.and_then(|_| self.file.by_ref().take(up_to).read_to_end(&mut self.window));
            read.map_err(|err| format!("cannot read the file: {err}"))?;
        }
        let at = self.inside(sample.offset, len).ok_or("the file is cut short")?;
        Ok(&self.window[at..at + len])
    }

    /// Where in the window the `len` bytes from `offset` on begin.
    fn inside(&self, offset: u64, len: usize) -> Option<usize> {
        let at = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        (at.checked_add(len)? <= self.window.len()).then_some(at)
    }
}
