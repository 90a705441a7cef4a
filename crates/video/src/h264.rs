//! Reading H.264 with OpenH264.
//!
//! OpenH264 is C++ and has had memory errors on hostile streams, nearly all of them through parameter sets that change
//! in mid-stream. So it gets one sequence parameter set, checked here, and after it slices only: everything else in a
//! sample is left out.
//!
//! OpenH264 would also put pictures into the order of showing, for which it guesses, lags behind, and leaks a picture
//! each time it is flushed. The container knows the order better. Reordering is switched off by declaring the stream as
//! one that has none ([`without_reordering`]); each sample then gives its own picture at once.

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};
use openh264::formats::YUVSource;
use worldsmith_core::Image;

use crate::decoder::View;
use crate::mp4::Parsed;
use crate::sps::{Sps, without_reordering};
use crate::yuv::Planes;

/// NAL unit types: slices of a frame that needs others, of one that needs none, and the parameter sets.
pub(crate) const SLICE: u8 = 1;
pub(crate) const INSTANT_REFRESH_SLICE: u8 = 5;
pub(crate) const SEQUENCE_SET: u8 = 7;
pub(crate) const PICTURE_SET: u8 = 8;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// A decoder whose every sample gives its own picture at once, in the order of decoding.
pub(crate) struct H264Decoder {
    decoder: Decoder,
    config: Config,
    /// The sample at hand in the form that the decoder takes.
    packet: Vec<u8>,
    started: bool,
}

impl H264Decoder {
    /// From the content of an `avcC` box.
    pub fn new(config: &[u8]) -> Parsed<Self> {
        let config = Config::parse(config)?;
        if !config.sps.supported {
            return Err(
                "expected H.264 of whole frames, 4:2:0 and 8 bits (`yuv420p`), got another kind".into()
            );
        }
        let decoder = Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new())
            .map_err(|err| format!("cannot start the H.264 decoder: {err}"))?;
        Ok(Self { decoder, config, packet: Vec::new(), started: false })
    }

    /// The stream's parameters.
    pub fn sps(&self) -> &Sps {
        &self.config.sps
    }

    /// Whether nothing after `sample` needs anything before it.
    pub fn is_instant_refresh(&self, sample: &[u8]) -> bool {
        self.config.units(sample).any(|nal| kind(nal) == INSTANT_REFRESH_SLICE)
    }

    /// Decodes a sample; makes a picture of it if it is `wanted`.
    pub fn decode(&mut self, sample: &[u8], view: &View, wanted: bool) -> Parsed<Option<Image>> {
        self.packet.clear();
        if !self.started {
            self.packet.extend_from_slice(&self.config.header);
        }
        let slices =
            self.config.units(sample).filter(|nal| matches!(kind(nal), SLICE | INSTANT_REFRESH_SLICE));
        for nal in slices {
            self.packet.extend_from_slice(&START_CODE);
            self.packet.extend_from_slice(nal);
        }
        let decoded =
            self.decoder.decode(&self.packet).map_err(|err| format!("damaged H.264 data: {err}"))?;
        self.started = true;
        let Some(frame) = decoded else { return Err("damaged H.264 data: no frame in it".into()) };
        if frame.dimensions() != view.size {
            let ((width, height), (w, h)) = (view.size, frame.dimensions());
            return Err(format!("expected frames of {height}x{width}, got one of {h}x{w}"));
        }
        if !wanted {
            return Ok(None);
        }
        let (luma, chroma, _) = frame.strides();
        let planes = Planes { samples: [frame.y(), frame.u(), frame.v()], strides: [luma, chroma] };
        planes
            .rgb(view.crop, view.colour)
            .map(Some)
            .ok_or_else(|| "the H.264 decoder gave half a frame".into())
    }
}

pub(crate) fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |head| head & 31)
}

/// The content of an `avcC` box.
struct Config {
    sps: Sps,
    /// The parameter sets, each with its start code.
    header: Vec<u8>,
    /// Bytes of the number before each NAL unit of a sample.
    len_size: usize,
}

impl Config {
    fn parse(avcc: &[u8]) -> Parsed<Self> {
        Self::read(avcc).ok_or_else(|| "expected one readable H.264 parameter set, got another `avcC`".into())
    }

    fn read(avcc: &[u8]) -> Option<Self> {
        let (head, mut rest) = avcc.split_at_checked(5)?;
        let len_size = usize::from(head[4] & 3) + 1;
        let mut header = Vec::new();
        let mut sps = None;
        for (set, mask) in [(SEQUENCE_SET, 31), (PICTURE_SET, 255)] {
            let (n, after) = rest.split_first()?;
            rest = after;
            for _ in 0..n & mask {
                let nal = unit(&mut rest, 2)?;
                if kind(nal) != set || set == SEQUENCE_SET && sps.is_some() {
                    return None;
                }
                header.extend_from_slice(&START_CODE);
                if set == SEQUENCE_SET {
                    sps = Some(Sps::parse(nal)?);
                    header.extend_from_slice(&without_reordering(nal)?);
                } else {
                    header.extend_from_slice(nal);
                }
            }
        }
        Some(Self { sps: sps?, header, len_size })
    }

    /// The NAL units of a sample, up to the first that is cut short.
    fn units<'a>(&self, sample: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let (mut rest, len_size) = (sample, self.len_size);
        std::iter::from_fn(move || unit(&mut rest, len_size))
    }
}

/// Takes a NAL unit from the front of `bytes`, with its length in the `len_size` bytes before it.
fn unit<'a>(bytes: &mut &'a [u8], len_size: usize) -> Option<&'a [u8]> {
    let (len, rest) = bytes.split_at_checked(len_size)?;
    let len = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    let (nal, rest) = rest.split_at_checked(len)?;
    *bytes = rest;
    Some(nal)
}
