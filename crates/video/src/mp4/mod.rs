//! The mp4 container (ISO/IEC 14496-12): where each frame's bytes lie and when it is shown.

mod cursor;
mod demux;
mod mux;
mod tables;

pub(crate) use demux::read_track;
pub(crate) use mux::{Muxer, SampleEntry};

use crate::Codec;
use crate::yuv::Colour;

/// What a part of a file was read as, or what is wrong with it.
pub(crate) type Parsed<T> = std::result::Result<T, String>;

/// The bytes of one coded frame, in the order of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Place in the file, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub size: u32,
    /// Whether decoding can begin here.
    pub is_key: bool,
}

/// A frame that is shown, in the order of showing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    /// When it is shown, in seconds.
    pub secs: f64,
    /// The sample that holds it.
    pub sample_idx: usize,
}

/// The part of a coded frame that is shown, as a `clap` box gives it: its size, and how far its centre is moved, in half
/// pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CleanAperture {
    /// Columns, in pixels.
    pub width: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// Centre to the right of the coded frame's, in half pixels.
    pub right: i64,
    /// Centre below the coded frame's, in half pixels.
    pub down: i64,
}

/// A video track.
#[derive(Debug)]
pub(crate) struct Track {
    /// How samples are coded.
    pub codec: Codec,
    /// The decoder's configuration, the content of `avcC` or `av1C`.
    pub config: Vec<u8>,
    /// Columns and rows of a coded frame as the container says them.
    pub coded_size: (usize, usize),
    /// What of them is shown, if the file says it.
    pub clean_aperture: Option<CleanAperture>,
    /// What samples mean, if the container says it.
    pub colour: Option<Colour>,
    /// In the order of decoding.
    pub samples: Vec<Sample>,
    /// In the order of showing.
    pub frames: Vec<Frame>,
}
