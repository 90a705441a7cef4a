//! The sequence header of an AV1 stream: the size of its frames, how they are sampled and what the samples mean as
//! colours (AV1, 5.5).

use crate::bits::Bits;
use crate::yuv::{Colour, Matrix};

/// Type of the open bitstream unit that holds a sequence header.
pub(crate) const SEQUENCE_HEADER: u8 = 1;
/// `seq_level_idx` above which a tier follows.
const LAST_LEVEL_WITHOUT_TIER: u32 = 7;
/// Colour description of RGB coded as it is: primaries, transfer and matrix.
const IDENTITY: [u32; 3] = [1, 13, 0];
/// `matrix_coefficients` of a stream that does not say it.
const UNSPECIFIED: u32 = 2;

/// What a decoder must know before it sees a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct SequenceHeader {
    /// Most columns of a frame, in pixels.
    pub width: usize,
    /// Most rows of a frame, in pixels.
    pub height: usize,
    /// What the samples mean; no matrix if the stream does not say it.
    pub matrix: Option<Matrix>,
    /// Whether samples run from 0 to 255.
    pub full_range: bool,
    /// Whether samples have 4:2:0 chroma and 8 bits, which is what can be read.
    pub supported: bool,
}

impl SequenceHeader {
    /// Reads the payload of a sequence header unit.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload);
        let profile = bits.uint(3)?;
        bits.flag()?; // still_picture
        let is_reduced = bits.flag()?;
        if is_reduced {
            bits.uint(5)?; // seq_level_idx
        } else {
            skip_operating_points(&mut bits)?;
        }
        let (width_len, height_len) = (bits.uint(4)? + 1, bits.uint(4)? + 1);
        let (width, height) = (bits.uint(width_len)? as usize + 1, bits.uint(height_len)? as usize + 1);
        if !is_reduced && bits.flag()? {
            bits.uint(7)?; // lengths of frame ids
        }
        bits.uint(3)?; // 128x128 blocks, filter intra, intra edge filter
        if !is_reduced {
            skip_inter_tools(&mut bits)?;
        }
        bits.uint(3)?; // superres, cdef, restoration
        let (matrix, full_range, supported) = colour(&mut bits, profile)?;
        Some(Self { width, height, matrix, full_range, supported })
    }

    /// The colours, with the container's word where the stream has none.
    pub fn colour(&self, container: Option<Colour>) -> Colour {
        let matrix = self.matrix.or(container.map(|colour| colour.matrix)).unwrap_or_default();
        Colour { matrix, full_range: self.full_range }
    }
}

fn skip_operating_points(bits: &mut Bits) -> Option<()> {
    let mut delay_len = None;
    if bits.flag()? {
        bits.uint(32)?; // num_units_in_display_tick
        bits.uint(32)?; // time_scale
        if bits.flag()? {
            bits.ue()?; // num_ticks_per_picture_minus_1, in the code that H.264 uses
        }
        if bits.flag()? {
            delay_len = Some(bits.uint(5)? + 1);
            bits.uint(32)?; // num_units_in_decoding_tick
            bits.uint(10)?; // lengths of times
        }
    }
    let has_display_delay = bits.flag()?;
    for _ in 0..=bits.uint(5)? {
        bits.uint(12)?; // operating_point_idc
        if bits.uint(5)? > LAST_LEVEL_WITHOUT_TIER {
            bits.flag()?; // seq_tier
        }
        if let Some(len) = delay_len
            && bits.flag()?
        {
            bits.uint(len)?; // decoder_buffer_delay
            bits.uint(len)?; // encoder_buffer_delay
            bits.flag()?; // low_delay_mode_flag
        }
        if has_display_delay && bits.flag()? {
            bits.uint(4)?; // initial_display_delay_minus_1
        }
    }
    Some(())
}

fn skip_inter_tools(bits: &mut Bits) -> Option<()> {
    bits.uint(4)?; // inter-intra, masked compound, warped motion, dual filter
    let has_order_hint = bits.flag()?;
    if has_order_hint {
        bits.uint(2)?; // weighted compound, reference motion vectors
    }
    let may_be_screen = bits.flag()? || bits.flag()?; // chosen by frame, or for all frames
    if may_be_screen && !bits.flag()? {
        bits.flag()?; // seq_force_integer_mv
    }
    if has_order_hint {
        bits.uint(3)?; // order_hint_bits_minus_1
    }
    Some(())
}

/// The matrix, whether the range is full, and whether samples are of the kind that can be read.
fn colour(bits: &mut Bits, profile: u32) -> Option<(Option<Matrix>, bool, bool)> {
    let is_deep = bits.flag()?;
    if profile == 2 && is_deep {
        bits.flag()?; // twelve_bit
    }
    let is_grey = profile != 1 && bits.flag()?;
    let description = if bits.flag()? { Some([bits.uint(8)?, bits.uint(8)?, bits.uint(8)?]) } else { None };
    if description == Some(IDENTITY) {
        return Some((None, true, false));
    }
    let matrix = description.filter(|d| d[2] != UNSPECIFIED).map(|d| Matrix::from_code(d[2]));
    Some((matrix, bits.flag()?, profile == 0 && !is_deep && !is_grey))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_svt_av1_says_size_and_kind() {
        // Of `tests/fixtures/av1.mp4`: 96 x 96, 8 bits, 4:2:0, limited range, no matrix named.
        let header =
            SequenceHeader::parse(&[0x00, 0x00, 0x00, 0x03, 0x35, 0xfb, 0xe0, 0x17, 0xc0, 0x02]).unwrap();
        let want = SequenceHeader { width: 96, height: 96, matrix: None, full_range: false, supported: true };
        assert_eq!(header, want);
    }

    #[test]
    fn a_header_cut_short_is_none() {
        assert_eq!(SequenceHeader::parse(&[0x00, 0x00, 0x00, 0x03, 0x35, 0xfb]), None);
    }
}
