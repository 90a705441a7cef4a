//! Video files as pictures: mp4 files with one H.264 or AV1 track, read frame by frame from any place and written frame
//! by frame.
//!
//! [`VideoReader`] reads the tables of a file and then only what the asked-for frames need; [`VideoWriter`] makes files
//! that any player opens and that can be entered at every second frame. The container (`mp4`) is written here, since it
//! must survive damaged files; the codecs are OpenH264, rav1d and rav1e, all built by cargo with a C++ compiler alone.
//!
//! Decoding is single-threaded: frames of world models are small, and whoever wants more speed reads several windows at
//! once with one reader a thread.

mod av1;
mod av1_encoder;
mod av1_header;
mod bits;
mod decoder;
mod h264;
mod h264_encoder;
mod mp4;
mod reader;
mod sps;
mod writer;
mod yuv;

pub use reader::VideoReader;
pub use writer::{VideoWriter, video_bytes};

/// How the frames of a file are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// H.264, also called AVC: quick to read, known to every player.
    H264,
    /// AV1: smaller files, slower to read; LeRobot's default.
    Av1,
}

/// What a video file says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoInfo {
    /// Columns of a frame, in pixels.
    pub width: usize,
    /// Rows of a frame, in pixels.
    pub height: usize,
    /// Number of frames that are shown.
    pub n_frames: usize,
    /// Mean number of frames a second.
    pub fps: f64,
    /// How the frames are compressed.
    pub codec: Codec,
}
