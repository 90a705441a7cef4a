//! Writing: pictures in, a file out.

use std::fs::{self, File};
use std::io::{self, BufWriter, Cursor};
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, Image, Result};

use crate::Codec;
use crate::av1_encoder::Av1Encoder;
use crate::h264_encoder::H264Encoder;
use crate::mp4::{Muxer, SampleEntry};
use crate::yuv::Frame420;

/// Every how many frames decoding can begin; LeRobot's choice, made for random access.
pub(crate) const KEY_INTERVAL: u32 = 2;
/// Smallest side of a coded frame.
const MIN_CODED_SIDE: usize = 16;
/// Most frames a second.
const MAX_FPS: f64 = 100_000.0;

/// A coded frame.
#[derive(Default)]
pub(crate) struct Packet {
    /// What the file holds of it.
    pub bytes: Vec<u8>,
    /// Whether decoding can begin here.
    pub is_key: bool,
}

/// A video file being written. It appears at its path when it is finished; until then it is the hidden file
/// `.<name>.tmp` beside it, which is removed if the writer is dropped.
pub struct VideoWriter {
    path: PathBuf,
    temp: Temp,
    muxer: Muxer<BufWriter<File>>,
    coder: Coder,
}

impl VideoWriter {
    /// Starts a video of `height` by `width` pixels with `fps` frames a second. Every second frame can be read without
    /// any other.
    ///
    /// # Errors
    /// If a side is 0 or too large for the codec (H.264: 3840 by 2160; AV1: 65535), `fps` is not between 0.001 and
    /// 100000, or the file cannot be made.
    pub fn create(path: &Path, height: usize, width: usize, fps: f64, codec: Codec) -> Result<Self> {
        let coder = Coder::new([height, width], fps, codec).map_err(|err| err.at(path))?;
        let temp = Temp::beside(path);
        let muxer = File::create(&temp.path).and_then(|file| Muxer::new(BufWriter::new(file)));
        let muxer = muxer.map_err(|err| Error::io("write video", path, &err))?;
        Ok(Self { path: path.to_path_buf(), temp, muxer, coder })
    }

    /// Adds a frame; grey pictures are written as grey.
    ///
    /// # Errors
    /// If the picture is not of the video's size, cannot be encoded, or the disk is full.
    pub fn push(&mut self, image: &Image) -> Result<()> {
        let packets = self.coder.push(image).map_err(|err| err.at(&self.path))?;
        self.muxer.push(&packets).map_err(|err| Error::io("write video", &self.path, &err))
    }

    /// Completes the file and puts it at its path, where nothing stood or the old file stood until now.
    ///
    /// # Errors
    /// If there was no frame, or the file cannot be written; the old file is then still whole.
    pub fn finish(mut self) -> Result<()> {
        let path = &self.path;
        let (rest, entry) = self.coder.finish().map_err(|err| err.at(path))?;
        let written = self.muxer.push(&rest).and_then(|()| self.muxer.finish(&entry, self.coder.timing));
        let synced = written.and_then(|out| out.into_inner().map_err(io::Error::from)?.sync_all());
        let renamed = synced.and_then(|()| self.temp.rename(path));
        renamed.map_err(|err| Error::io("write video", path, &err))
    }
}

/// The bytes of an mp4 file that shows `frames`, all of the first one's size, `fps` a second; what [`VideoWriter`] writes
/// to a file.
///
/// # Errors
/// As [`VideoWriter::create`] and [`VideoWriter::push`], and if there is no frame.
pub fn video_bytes<'a>(
    frames: impl IntoIterator<Item = &'a Image>,
    fps: f64,
    codec: Codec,
) -> Result<Vec<u8>> {
    let mut frames = frames.into_iter().peekable();
    let first = frames.peek().ok_or_else(no_frame)?;
    let mut coder = Coder::new([first.height, first.width], fps, codec)?;
    let unwritable = |err: io::Error| Error::invalid(format!("cannot write video: {err}"));
    let mut muxer = Muxer::new(Cursor::new(Vec::new())).map_err(unwritable)?;
    for frame in frames {
        muxer.push(&coder.push(frame)?).map_err(unwritable)?;
    }
    let (rest, entry) = coder.finish()?;
    let written = muxer.push(&rest).and_then(|()| muxer.finish(&entry, coder.timing));
    written.map(Cursor::into_inner).map_err(unwritable)
}

/// From pictures to coded frames.
struct Coder {
    encoder: Encoder,
    codec: Codec,
    height: usize,
    width: usize,
    /// Units a second, and units a frame.
    timing: (u32, u32),
    frame: Frame420,
}

enum Encoder {
    H264(Box<H264Encoder>),
    Av1(Box<Av1Encoder>),
}

impl Coder {
    fn new([height, width]: [usize; 2], fps: f64, codec: Codec) -> Result<Self> {
        let timing = timing(fps)?;
        let frame = Frame420::new(coded_side(width, codec), coded_side(height, codec));
        if height == 0 || width == 0 || frame.width.max(frame.height) > usize::from(u16::MAX) {
            let message = format!("expected a video of 1 to 65535 pixels a side, got {height}x{width}");
            return Err(Error::invalid(message));
        }
        let encoder = match codec {
            Codec::H264 => H264Encoder::new(fps).map(|encoder| Encoder::H264(Box::new(encoder))),
            Codec::Av1 => Av1Encoder::new(frame.width, frame.height, timing.0, timing.1)
                .map(|encoder| Encoder::Av1(Box::new(encoder))),
        };
        let encoder = encoder.map_err(Error::invalid)?;
        Ok(Self { encoder, codec, height, width, timing, frame })
    }

    /// Takes a frame; gives what is ready.
    fn push(&mut self, image: &Image) -> Result<Vec<Packet>> {
        let n_bytes = self.height * self.width * image.channels;
        let fits = [image.height, image.width] == [self.height, self.width] && image.data.len() == n_bytes;
        if !fits || !matches!(image.channels, 1 | 3) {
            let ([height, width, channels], want) = (image.shape(), (self.height, self.width));
            let message = format!("expected a picture of {}x{} with 1 or 3 channels, ", want.0, want.1)
                + &format!("got {height}x{width}x{channels} with {} bytes", image.data.len());
            return Err(Error::invalid(message));
        }
        self.frame.fill(image);
        let packets = match &mut self.encoder {
            Encoder::H264(encoder) => encoder.encode(&self.frame).map(|packet| vec![packet]),
            Encoder::Av1(encoder) => encoder.encode(&self.frame),
        };
        packets.map_err(Error::invalid)
    }

    /// What is left after the last frame, and how all frames are coded.
    fn finish(&mut self) -> Result<(Vec<Packet>, SampleEntry)> {
        let rest = match &mut self.encoder {
            Encoder::H264(_) => Ok(Vec::new()),
            Encoder::Av1(encoder) => encoder.finish(),
        };
        let rest = rest.map_err(Error::invalid)?;
        let config = match &self.encoder {
            Encoder::H264(encoder) => encoder.config(),
            Encoder::Av1(encoder) => encoder.config(),
        };
        // Both sides were checked when the video was started.
        let size = |width: usize, height: usize| (width as u16, height as u16);
        let entry = SampleEntry {
            codec: self.codec,
            config: config.ok_or_else(no_frame)?,
            coded_size: size(self.frame.width, self.frame.height),
            shown_size: size(self.width, self.height),
        };
        Ok((rest, entry))
    }
}

fn no_frame() -> Error {
    Error::invalid("expected at least one frame for a video, got none")
}

/// A side of a coded frame that shows `side` pixels: H.264 crops pairs of pixels only.
fn coded_side(side: usize, codec: Codec) -> usize {
    let side = side.max(MIN_CODED_SIDE);
    if codec == Codec::H264 { side.saturating_add(side % 2) } else { side }
}

/// Units a second and units a frame: 1000 or 1001, whichever comes closer, so that 29.97 is 30000 / 1001.
fn timing(fps: f64) -> Result<(u32, u32)> {
    if !(0.001..=MAX_FPS).contains(&fps) {
        return Err(Error::invalid(format!("expected 0.001 to {MAX_FPS} frames a second, got {fps}")));
    }
    let [(coarse, off), (ntsc, ntsc_off)] = [1000.0, 1001.0].map(|delta| {
        let units = (fps * delta).round();
        (units as u32, (units / delta - fps).abs())
    });
    Ok(if ntsc_off < off { (ntsc, 1001) } else { (coarse, 1000) })
}

/// The file under its hidden name, removed when dropped before it got its real one.
struct Temp {
    path: PathBuf,
}

impl Temp {
    fn beside(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self { path: path.with_file_name(format!(".{name}.tmp")) }
    }

    fn rename(self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        if cfg!(unix) {
            // The new name must outlive a power cut too.
            let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        // Gone already if it was renamed; otherwise best effort, the error that matters is another.
        let _ = fs::remove_file(&self.path);
    }
}
