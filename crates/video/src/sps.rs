//! The sequence parameter set of an H.264 stream: the size of its frames and what its numbers mean as colours (H.264,
//! 7.3.2.1 and E.1.1).

use crate::bits::Bits;
use crate::yuv::{Colour, Matrix};

/// Profiles whose parameter sets also say how chroma is sampled and how deep samples are.
const HIGH_PROFILES: [u32; 13] = [44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244];
/// Profiles of streams whose frames are shown in the order of decoding: Baseline, and Scalable Baseline, whose parameter
/// sets have the fields of the high profiles.
const BASELINE: u8 = 66;
const SCALABLE_BASELINE: u8 = 83;
/// Bits of the parameter set before its identifier: profile, flags and level.
const FIXED_BITS: usize = 24;
/// The fields that high profiles add, for what all other profiles have: 4:2:0 chroma (010), 8 bits (1, 1), no bypass,
/// no scaling matrix.
const PLAIN_SAMPLES: [bool; 7] = [false, true, false, true, true, false, false];
/// `aspect_ratio_idc` of an aspect ratio that is spelled out.
const EXTENDED_SAR: u32 = 255;

/// What a decoder must know before it sees a frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sps {
    /// Columns of a frame after cropping, in pixels.
    pub width: usize,
    /// Rows of a frame after cropping, in pixels.
    pub height: usize,
    /// What the samples mean, where the stream says it.
    pub colour: Option<Colour>,
    /// Whether frames are whole, with 4:2:0 chroma and 8 bits a sample, which is what can be read.
    pub supported: bool,
}

impl Sps {
    /// Reads a NAL unit with its header byte.
    pub fn parse(nal: &[u8]) -> Option<Self> {
        let payload = unescape(nal.get(1..)?);
        let mut bits = Bits::new(&payload);
        let profile = bits.uint(8)?;
        bits.uint(16)?; // constraint flags, level
        bits.ue()?; // seq_parameter_set_id
        let plain_samples = !HIGH_PROFILES.contains(&profile) || high_profile_fields(&mut bits)?;
        bits.ue()?; // log2_max_frame_num_minus4
        skip_order_count(&mut bits)?;
        bits.ue()?; // max_num_ref_frames
        bits.flag()?; // gaps_in_frame_num_value_allowed_flag
        let n_columns = bits.ue()?.checked_add(1)?;
        let n_rows = bits.ue()?.checked_add(1)?;
        let whole_frames = bits.flag()?;
        if !whole_frames {
            bits.flag()?; // mb_adaptive_frame_field_flag
        }
        bits.flag()?; // direct_8x8_inference_flag
        let [left, right, top, bottom] =
            if bits.flag()? { [bits.ue()?, bits.ue()?, bits.ue()?, bits.ue()?] } else { [0; 4] };
        let colour = if bits.flag()? { colour(&mut bits)? } else { None };
        Some(Self {
            width: side(n_columns, left, right)?,
            height: side(n_rows, top, bottom)?,
            colour,
            supported: plain_samples && whole_frames,
        })
    }
}

/// The parameter set `nal` of the same stream, declared as one whose frames are shown in the order of decoding. All that
/// decoding depends on stays as it is.
pub(crate) fn without_reordering(nal: &[u8]) -> Option<Vec<u8>> {
    let profile = *nal.get(1)?;
    if profile == BASELINE {
        return Some(nal.to_vec());
    }
    let mut out = nal.to_vec();
    if !HIGH_PROFILES.contains(&profile.into()) {
        let payload = unescape(&nal[1..]);
        let mut id = Bits::new(payload.get(FIXED_BITS / 8..)?);
        id.ue()?; // seq_parameter_set_id
        let at = FIXED_BITS + id.position();
        let bits: Vec<bool> =
            payload.iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1 == 1)).collect();
        let (before, after) = bits.split_at(at);
        let bits = [before, &PLAIN_SAMPLES, after].concat();
        out.truncate(1);
        // A last byte of zeros would not be a payload's end.
        let len = bits.iter().rposition(|bit| *bit)? + 1;
        escape(bits[..len].chunks(8).map(to_byte), &mut out);
    }
    *out.get_mut(1)? = SCALABLE_BASELINE;
    Some(out)
}

fn to_byte(bits: &[bool]) -> u8 {
    bits.iter().enumerate().fold(0, |byte, (i, bit)| byte | u8::from(*bit) << (7 - i))
}

/// Appends `payload` to `out`, with bytes that keep start codes out of it.
fn escape(payload: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    for byte in payload {
        if byte <= 3 && out.ends_with(&[0, 0]) {
            out.push(3);
        }
        out.push(byte);
    }
}

/// `payload` without the bytes that keep start codes out of it.
fn unescape(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len());
    for &byte in payload {
        if byte != 3 || !out.ends_with(&[0, 0]) {
            out.push(byte);
        }
    }
    out
}

/// Whether samples have 4:2:0 chroma and 8 bits.
fn high_profile_fields(bits: &mut Bits) -> Option<bool> {
    let chroma_format = bits.ue()?;
    if chroma_format == 3 {
        bits.flag()?; // separate_colour_plane_flag
    }
    let (luma_depth, chroma_depth) = (bits.ue()?, bits.ue()?);
    bits.flag()?; // qpprime_y_zero_transform_bypass_flag
    if bits.flag()? {
        let n_lists = if chroma_format == 3 { 12 } else { 8 };
        for list_idx in 0..n_lists {
            if bits.flag()? {
                skip_scaling_list(bits, if list_idx < 6 { 16 } else { 64 })?;
            }
        }
    }
    Some(chroma_format == 1 && luma_depth == 0 && chroma_depth == 0)
}

fn skip_scaling_list(bits: &mut Bits, len: usize) -> Option<()> {
    let mut last = 8;
    for _ in 0..len {
        last = (last + bits.se()?).rem_euclid(256);
        if last == 0 {
            break;
        }
    }
    Some(())
}

fn skip_order_count(bits: &mut Bits) -> Option<()> {
    match bits.ue()? {
        0 => {
            bits.ue()?; // log2_max_pic_order_cnt_lsb_minus4
        }
        1 => {
            bits.flag()?; // delta_pic_order_always_zero_flag
            bits.se()?; // offset_for_non_ref_pic
            bits.se()?; // offset_for_top_to_bottom_field
            for _ in 0..bits.ue()? {
                bits.se()?; // offset_for_ref_frame
            }
        }
        _ => {}
    }
    Some(())
}

/// A side in pixels, of `n_blocks` macroblocks less what is cropped, which counts in pairs of pixels.
fn side(n_blocks: u32, before: u32, after: u32) -> Option<usize> {
    let full = usize::try_from(n_blocks).ok()?.checked_mul(16)?;
    let cropped = usize::try_from(before.checked_add(after)?).ok()?.checked_mul(2)?;
    full.checked_sub(cropped).filter(|side| *side > 0)
}

fn colour(bits: &mut Bits) -> Option<Option<Colour>> {
    if bits.flag()? && bits.uint(8)? == EXTENDED_SAR {
        bits.uint(32)?; // sar_width, sar_height
    }
    if bits.flag()? {
        bits.flag()?; // overscan_appropriate_flag
    }
    if !bits.flag()? {
        return Some(None);
    }
    bits.uint(3)?; // video_format
    let full_range = bits.flag()?;
    let matrix = if bits.flag()? {
        bits.uint(16)?; // colour_primaries, transfer_characteristics
        Matrix::from_code(bits.uint(8)?)
    } else {
        Matrix::default()
    };
    Some(Some(Colour { matrix, full_range }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4 x 3 macroblocks, 3 pairs of columns and 1 pair of rows cropped.
    fn nal(profile: u8) -> Vec<u8> {
        // 1 (id) 1 (frame num) 011 (order type 2) 010 (one reference) 0 (gaps) 00100 (4 columns) 011 (3 rows)
        // 1 (frames) 1 (direct) 1 (crop) 1 00100 1 010 (0, 3, 0, 1) 0 (no vui) 1 (stop).
        let bits = "1101101000010001111110010010100".to_owned() + "1";
        let bits: Vec<bool> = bits.bytes().map(|bit| bit == b'1').collect();
        [&[0x67, profile, 0, 10], bits.chunks(8).map(to_byte).collect::<Vec<u8>>().as_slice()].concat()
    }

    #[test]
    fn a_size_is_macroblocks_less_the_crop() {
        let sps = Sps::parse(&nal(66)).unwrap();
        assert_eq!((sps.width, sps.height, sps.colour, sps.supported), (58, 46, None, true));
    }

    #[test]
    fn a_set_without_reordering_says_the_same_otherwise() {
        assert_eq!(without_reordering(&nal(66)).unwrap(), nal(66));
        let main = without_reordering(&nal(77)).unwrap();
        assert_eq!(main[1], 83);
        assert_eq!(Sps::parse(&main), Sps::parse(&nal(77)));
        let again = without_reordering(&main).unwrap();
        assert_eq!(again, main);
    }

    #[test]
    fn escape_bytes_are_left_out() {
        assert_eq!(unescape(&[1, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3]), [1, 0, 0, 1, 0, 0, 0, 0]);
    }
}
