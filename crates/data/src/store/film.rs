//! Pictures as video: the pictures of one part of an episode are one small mp4 file, which is the cell of the first row.
//! The other rows are null.
//!
//! A video is not exact. What counts as the episode is what a reader sees, and decoding is exact: the same file gives the
//! same pictures on every machine.

use std::ops::Range;
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray};
use bytes::Bytes;
use worldsmith_core::{Error, Image, Result, Space, Value};
use worldsmith_video::{Codec, VideoReader, video_bytes};

use super::columns::Reading;
use crate::leaf::Leaf;

/// What the field of a column of videos says under `media_type`.
pub(super) const MEDIA_TYPE: &str = "video/mp4";
/// Frames a second where nobody said how many.
const FPS: f64 = 10.0;
/// What an mp4 file can say.
const FPS_RANGE: std::ops::RangeInclusive<f64> = 0.001..=100_000.0;
/// No frame that can be read has more pixels.
const MOST_PIXELS: usize = 1 << 26;
/// Channels of a decoded frame.
const RGB: usize = 3;

/// Where the pictures of a part of an episode are, one a row.
#[derive(Debug)]
pub(crate) enum Footage {
    /// Their bytes, one after the other.
    Raw(Bytes),
    /// Coded as a video.
    Film(Film),
}

/// The pictures of a part of an episode as a video, of which no more is decoded than is asked for.
#[derive(Debug)]
pub(crate) struct Film {
    /// An mp4 file.
    pub bytes: Bytes,
    /// Height, width and channels of a picture.
    pub shape: [usize; 3],
    /// Number of pictures.
    pub n_frames: usize,
    /// The file it lies in, and the number of its episode.
    pub place: (PathBuf, usize),
}

impl Footage {
    /// How many pictures there are, each of `width` bytes, which is not 0.
    pub fn n_rows(&self, width: usize) -> usize {
        match self {
            Footage::Raw(bytes) => bytes.len() / width,
            Footage::Film(film) => film.n_frames,
        }
    }

    /// Checks, by decoding one, that pictures are as the store's head says, before memory is set aside for them.
    ///
    /// # Errors
    /// As [`Film::read`].
    pub fn check(&self) -> Result<()> {
        match self {
            Footage::Raw(_) => Ok(()),
            Footage::Film(film) => film.read(0..1).map(drop),
        }
    }
}

impl Film {
    /// Bytes of a picture.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// The bytes of those pictures, one after the other.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](worldsmith_core::ErrorKind::Corrupt) naming the file, if the video is not what it should be.
    pub fn read(&self, frames: Range<usize>) -> Result<Vec<u8>> {
        let pictures = decode(self.bytes.clone(), self.shape, self.n_frames, frames);
        let (path, episode) = &self.place;
        let pictures = pictures.map_err(|why| Error::corrupt(path, format!("episode {episode}: {why}")))?;
        Ok(pictures.into_iter().map(|picture| picture.data).collect::<Vec<_>>().concat())
    }
}

/// Checks that pictures of `leaf` can be coded, and read back, by coding one.
///
/// # Errors
/// If not: their size or their number of channels is none that videos have.
pub(super) fn check(leaf: &Leaf, codec: Codec) -> Result<()> {
    let Space::Image { height, width, channels } = leaf.space else { return Ok(()) };
    let refused = |why: String| {
        Error::invalid(format!("cannot keep `{}` as video: {why}", leaf.name))
            .hint("keep pictures raw or as PNG, or resize them")
    };
    if !matches!(channels, 1 | RGB) {
        return Err(refused(format!("expected pictures of 1 or 3 channels, got {}", leaf.space)));
    }
    if !height.checked_mul(width).is_some_and(|n| (1..=MOST_PIXELS).contains(&n)) {
        return Err(refused(format!("expected pictures of 1 to {MOST_PIXELS} pixels, got {}", leaf.space)));
    }
    let blank = Image { height, width, channels, data: vec![0; height * width * channels] };
    let bytes = video_bytes([&blank], FPS, codec).map_err(|err| refused(err.to_string()))?;
    decode(bytes, [height, width, channels], 1, 0..1).map(drop).map_err(refused)
}

/// The column of a picture leaf over all rows: `values` are its pictures and, in the last row of an action, nothing.
pub(super) fn column(values: &[Option<&Value>], codec: Codec, fps: Option<f32>) -> Result<BinaryArray> {
    let fps = fps.map(f64::from).filter(|fps| FPS_RANGE.contains(fps)).unwrap_or(FPS);
    let mut frames = values.iter().filter_map(|value| value.and_then(Value::image)).peekable();
    let film = frames.peek().is_some().then(|| video_bytes(frames, fps, codec)).transpose()?;
    // Cells of a column are told apart by 31 bits.
    if film.as_ref().is_some_and(|film| i32::try_from(film.len()).is_err()) {
        return Err(Error::invalid("expected an episode whose video is below 2 GiB, got a larger one"));
    }
    let cells = (0..values.len()).map(|row| film.as_deref().filter(|_| row == 0));
    Ok(cells.collect())
}

/// The bytes of the video in a column that [`column`] made.
pub(super) fn cell(column: &ArrayRef) -> Reading<&[u8]> {
    let cells = column.as_binary_opt::<i32>().filter(|cells| !cells.is_empty() && cells.is_valid(0));
    cells.map(|cells| cells.value(0)).ok_or_else(|| "expected a video in the first row, got none".to_owned())
}

/// Those of the `n_frames` pictures of a video.
pub(super) fn decode(
    bytes: impl AsRef<[u8]> + Send + 'static,
    [height, width, channels]: [usize; 3],
    n_frames: usize,
    frames: Range<usize>,
) -> Reading<Vec<Image>> {
    if !matches!(channels, 1 | RGB) {
        return Err(format!("expected pictures of 1 or 3 channels, as videos have, got {channels}"));
    }
    let mut reader = VideoReader::from_bytes(bytes).map_err(|err| err.to_string())?;
    let info = reader.info();
    let (want, got) = ([height, width, n_frames], [info.height, info.width, info.n_frames]);
    if want != got {
        let [got_height, got_width, got_n] = got;
        return Err(format!(
            "expected a video of {n_frames} frames of {height}x{width}, got {got_n} of {got_height}x{got_width}"
        ));
    }
    let pictures = reader.read(frames).map_err(|err| err.to_string())?;
    if pictures.iter().any(|picture| picture.shape() != [height, width, RGB]) {
        return Err(format!("expected frames of {height}x{width}, got others"));
    }
    Ok(pictures.into_iter().map(|picture| if channels == 1 { grey(&picture) } else { picture }).collect())
}

/// A picture that was grey before it was coded: its chroma is nought, so that red, green and blue are the same.
fn grey(picture: &Image) -> Image {
    let data = picture.data.iter().step_by(RGB).copied().collect();
    Image { channels: 1, data, ..*picture }
}
