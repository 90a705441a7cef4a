//! One decoder for both codecs: a coded frame in, its picture out, at once.

use worldsmith_core::Image;

use crate::Codec;
use crate::av1::Av1Decoder;
use crate::h264::H264Decoder;
use crate::mp4::{Parsed, Track};
use crate::yuv::{Colour, Crop};

/// Most pixels of a coded frame: 8192 by 8192.
pub(crate) const MAX_PIXELS: usize = 1 << 26;

/// How a decoded frame becomes a picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// What is shown of it.
    pub crop: Crop,
    /// Columns and rows that a decoded frame must have.
    pub size: (usize, usize),
    /// What its samples mean.
    pub colour: Colour,
}

/// A decoder that is fed samples in order, from a key sample on.
pub(crate) enum Decoder {
    /// Boxed, as AV1's is.
    H264(Box<H264Decoder>),
    /// AV1.
    Av1(Box<Av1Decoder>),
}

impl Decoder {
    /// A decoder for `track` and how to show what it decodes.
    pub fn new(track: &Track) -> Parsed<(Self, View)> {
        let container = track.colour;
        let (decoder, size, colour) = match track.codec {
            Codec::H264 => {
                let decoder = H264Decoder::new(&track.config)?;
                let sps = decoder.sps();
                let (size, colour) = ((sps.width, sps.height), sps.colour.or(container));
                (Decoder::H264(Box::new(decoder)), size, colour)
            }
            Codec::Av1 => {
                let decoder = Av1Decoder::new(&track.config, track.coded_size)?;
                let sequence = decoder.sequence();
                let size = sequence.map_or(track.coded_size, |sequence| (sequence.width, sequence.height));
                let colour = sequence.map(|sequence| sequence.colour(container)).or(container);
                (Decoder::Av1(Box::new(decoder)), size, colour)
            }
        };
        check_size(size)?;
        Ok((decoder, View { crop: crop(track, size), size, colour: colour.unwrap_or_default() }))
    }

    /// Whether decoding can really begin at `sample`, which the container calls a key.
    pub fn starts_at(&self, sample: &[u8]) -> bool {
        match self {
            Decoder::H264(decoder) => decoder.is_instant_refresh(sample),
            Decoder::Av1(_) => true,
        }
    }

    /// Forgets what was decoded; the next sample is a key.
    pub fn restart(&mut self) {
        match self {
            // Its keys forget by themselves.
            Decoder::H264(_) => {}
            Decoder::Av1(decoder) => decoder.restart(),
        }
    }

    /// Decodes one sample; makes a picture of it if it is `wanted`.
    pub fn decode(&mut self, sample: &[u8], view: &View, wanted: bool) -> Parsed<Option<Image>> {
        match self {
            Decoder::H264(decoder) => decoder.decode(sample, view, wanted),
            Decoder::Av1(decoder) => decoder.decode(sample, view, wanted),
        }
    }
}

fn check_size((width, height): (usize, usize)) -> Parsed<()> {
    match width.checked_mul(height) {
        Some(1..=MAX_PIXELS) => Ok(()),
        _ => Err(format!("expected frames of 1 to {MAX_PIXELS} pixels, got {height}x{width}")),
    }
}

/// The clean aperture if it lies on whole pixels inside the frame, else all of it.
fn crop(track: &Track, (width, height): (usize, usize)) -> Crop {
    let start = |full: usize, shown: usize, shift: i64| {
        let twice = i64::try_from(full.checked_sub(shown)?).ok()?.checked_add(shift)?;
        let start = usize::try_from(twice).ok().filter(|twice| twice % 2 == 0)? / 2;
        (start <= full - shown).then_some(start)
    };
    let clean = track.clean_aperture.and_then(|clean| {
        let (x, y) = (start(width, clean.width, clean.right)?, start(height, clean.height, clean.down)?);
        Some(Crop { x, y, width: clean.width, height: clean.height })
    });
    clean.unwrap_or(Crop { x: 0, y: 0, width, height })
}
