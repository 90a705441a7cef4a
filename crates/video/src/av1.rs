//! Reading AV1 with rav1d.

use re_rav1d::{PixelLayout, PlanarImageComponent, Settings};
use worldsmith_core::Image;

use crate::av1_header::{SEQUENCE_HEADER, SequenceHeader};
use crate::decoder::{MAX_PIXELS, View};
use crate::mp4::Parsed;
use crate::yuv::Planes;

/// Length of the fixed part of an `av1C` box; header units may follow it.
const CONFIG_FIELDS_LEN: usize = 4;

/// Types of open bitstream units that go to the decoder: sequence header, frame header, tile group, frame and repeated
/// frame header.
const TAKEN: [u8; 5] = [SEQUENCE_HEADER, 3, 4, 6, 7];

const WRONG_SAMPLES: &str = "expected AV1 of 4:2:0 and 8 bits (`yuv420p`), got another kind";

/// A decoder whose every sample gives its own picture at once; AV1 in mp4 is decoded in the order of showing.
pub(crate) struct Av1Decoder {
    decoder: re_rav1d::Decoder,
    /// Header units of the container, sent again after each restart.
    header: Vec<u8>,
    sequence: Option<SequenceHeader>,
    started: bool,
}

impl Av1Decoder {
    /// From the content of an `av1C` box; frames must be of `size`, columns and rows.
    pub fn new(config: &[u8], size: (usize, usize)) -> Parsed<Self> {
        let header = config.get(CONFIG_FIELDS_LEN..).ok_or("box `av1C` is damaged")?;
        let mut sequence = None;
        let header = units(header, |payload| sequence = SequenceHeader::parse(payload));
        let header = header.ok_or("box `av1C` is damaged")?;
        if sequence.is_some_and(|sequence| !sequence.supported) {
            return Err(WRONG_SAMPLES.into());
        }
        let mut settings = Settings::new();
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        let n_pixels = size.0.checked_mul(size.1).map_or(MAX_PIXELS, |n| n.clamp(1, MAX_PIXELS));
        settings.set_frame_size_limit(n_pixels as u32);
        let decoder = re_rav1d::Decoder::with_settings(&settings)
            .map_err(|err| format!("cannot start the AV1 decoder: {err}"))?;
        Ok(Self { decoder, header, sequence, started: false })
    }

    /// The stream's parameters, if the container has them.
    pub fn sequence(&self) -> Option<&SequenceHeader> {
        self.sequence.as_ref()
    }

    /// Forgets what was decoded.
    pub fn restart(&mut self) {
        self.decoder.flush();
        self.started = false;
    }

    /// Decodes a sample; makes a picture of it if it is `wanted`.
    pub fn decode(&mut self, sample: &[u8], view: &View, wanted: bool) -> Parsed<Option<Image>> {
        let damaged = |err: re_rav1d::Error| format!("damaged AV1 data: {err}");
        let mut packet = if self.started { Vec::new() } else { self.header.clone() };
        packet.append(&mut units(sample, |_| {}).ok_or("damaged AV1 data: a unit is cut short")?);
        if packet.is_empty() {
            return Err("damaged AV1 data: no frame in it".into());
        }
        self.started = true;
        let mut shown = None;
        let mut sent = self.decoder.send_data(packet, None, None, None);
        loop {
            match self.decoder.get_picture() {
                Ok(picture) => shown = Some(picture),
                Err(err) if err.is_again() => {}
                Err(err) => return Err(damaged(err)),
            }
            match sent {
                Ok(()) => break,
                Err(err) if err.is_again() => sent = self.decoder.send_pending_data(),
                Err(err) => return Err(damaged(err)),
            }
        }
        let picture = shown.ok_or("damaged AV1 data: no frame in it")?;
        if wanted { to_rgb(&picture, view).map(Some) } else { Ok(None) }
    }
}

fn to_rgb(picture: &re_rav1d::Picture, view: &View) -> Parsed<Image> {
    if picture.pixel_layout() != PixelLayout::I420 || picture.bit_depth() != 8 {
        return Err(WRONG_SAMPLES.into());
    }
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    if (width, height) != view.size {
        let (w, h) = view.size;
        return Err(format!("expected frames of {h}x{w}, got one of {height}x{width}"));
    }
    let [y, u, v] = [PlanarImageComponent::Y, PlanarImageComponent::U, PlanarImageComponent::V];
    let strides = [picture.stride(y) as usize, picture.stride(u) as usize];
    let planes = [picture.plane(y), picture.plane(u), picture.plane(v)];
    let planes = Planes { samples: planes.each_ref().map(AsRef::as_ref), strides };
    planes.rgb(view.crop, view.colour).ok_or_else(|| "the AV1 decoder gave half a frame".into())
}

/// The units of `bytes` that a decoder needs, each whole; `None` if one is cut short. Sequence headers go to `sequence`
/// too.
///
/// A decoder must not see the others: metadata and unknown types are parsed without care by the decoder, and nothing in
/// them changes a picture.
pub(crate) fn units(bytes: &[u8], mut sequence: impl FnMut(&[u8])) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&head) = rest.first() {
        let (has_extension, has_size) = (head & 4 != 0, head & 2 != 0);
        let header_len = 1 + usize::from(has_extension);
        let mut body = rest.get(header_len..)?;
        let len = if has_size { leb128(&mut body)? } else { body.len() };
        let (payload, after) = body.split_at_checked(len)?;
        let (unit, kind) = (&rest[..rest.len() - after.len()], head >> 3 & 15);
        if TAKEN.contains(&kind) {
            out.extend_from_slice(unit);
        }
        if kind == SEQUENCE_HEADER {
            sequence(payload);
        }
        rest = after;
    }
    Some(out)
}

/// Takes a number of 7 bits a byte, least first, from the front of `bytes`.
fn leb128(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0_u64;
    for i in 0..8 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 127) << (7 * i);
        if byte & 128 == 0 {
            return usize::try_from(number).ok();
        }
    }
    None
}
