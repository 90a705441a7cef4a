//! Pictures out: PNG, animated GIF, mp4 and film strips.

use std::path::Path;

use gif::{Encoder, Frame, Repeat};
use worldsmith_core::{Error, Image, Result};
use worldsmith_video::{Codec, VideoWriter};

use crate::write_atomic;

/// Width of the lines between the frames of a film strip, and their grey.
const GAP_PX: usize = 2;
const GAP_GREY: u8 = 48;
/// Largest enlargement.
const MAX_SCALE: usize = 64;

/// Writes an endless animation of `frames`, all of one size, enlarged `scale` times. Frames of at most 256 colours are
/// kept exactly, others get their own palette.
///
/// GIF counts time in hundredths of a second and browsers slow down anything above 50 frames a second, so `fps` is
/// rounded to what they can show.
///
/// # Errors
/// If there is no frame, their sizes differ or exceed 65535 pixels, or the file cannot be written.
pub fn gif(frames: &[Image], fps: u32, scale: usize, path: &Path) -> Result<()> {
    let Some(head) = frames.first() else {
        return Err(Error::invalid("expected at least one frame for a GIF, got none").at(path));
    };
    if fps == 0 {
        return Err(Error::invalid("expected at least 1 frame a second, got 0").at(path));
    }
    let (width, height) = gif_size(head, scale).map_err(|err| err.at(path))?;
    let broken = |err: gif::EncodingError| Error::invalid(format!("cannot encode GIF: {err}")).at(path);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height, &[]).map_err(broken)?;
    encoder.set_repeat(Repeat::Infinite).map_err(broken)?;
    for (idx, image) in frames.iter().enumerate() {
        same_shape(head, image, idx).map_err(|err| err.at(path))?;
        let rgb = to_rgb(&enlarge(image, scale)?);
        let mut frame = Frame::from_rgb_speed(width, height, &rgb, 10);
        frame.delay = (100.0 / f64::from(fps)).round().clamp(2.0, 65535.0) as u16;
        encoder.write_frame(&frame).map_err(broken)?;
    }
    drop(encoder);
    write_atomic(path, &bytes)
}

/// Writes an H.264 video of `frames`, all of one size, enlarged `scale` times, that every player and browser shows.
/// Colours are approximate, as in any such video; [`gif()`] keeps up to 256 of them exactly.
///
/// # Errors
/// If there is no frame, their sizes differ or exceed 3840 by 2160 pixels, or the file cannot be written.
pub fn mp4(frames: &[Image], fps: u32, scale: usize, path: &Path) -> Result<()> {
    let Some(head) = frames.first() else {
        return Err(Error::invalid("expected at least one frame for a video, got none").at(path));
    };
    check(head, scale).map_err(|err| err.at(path))?;
    let (height, width) = (head.height * scale, head.width * scale);
    let mut writer = VideoWriter::create(path, height, width, f64::from(fps), Codec::H264)?;
    for (idx, image) in frames.iter().enumerate() {
        same_shape(head, image, idx).map_err(|err| err.at(path))?;
        writer.push(&enlarge(image, scale).map_err(|err| err.at(path))?)?;
    }
    writer.finish()
}

/// Writes `image`, enlarged `scale` times, as a PNG file.
///
/// # Errors
/// If the picture is empty or malformed, or the file cannot be written.
pub fn png(image: &Image, scale: usize, path: &Path) -> Result<()> {
    let bytes = enlarge(image, scale).and_then(|image| png_bytes(&image)).map_err(|err| err.at(path))?;
    write_atomic(path, &bytes)
}

/// `image` as the bytes of a PNG file.
///
/// # Errors
/// If the picture is empty or malformed.
pub fn png_bytes(image: &Image) -> Result<Vec<u8>> {
    check(image, 1)?;
    let broken = |err: png::EncodingError| Error::invalid(format!("cannot encode PNG: {err}"));
    let side = |n: usize| {
        u32::try_from(n)
            .map_err(|_| Error::invalid(format!("expected a side below 4294967296 pixels, got {n}")))
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(image.width)?, side(image.height)?);
    encoder.set_color(if image.channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(broken)?;
    writer.write_image_data(&image.data).map_err(broken)?;
    writer.finish().map_err(broken)?;
    Ok(bytes)
}

/// A film strip: each row of `rows` is a row of frames, enlarged `scale` times, with a thin line between frames. Cells
/// are as large as the largest frame; rows may differ in length.
///
/// # Errors
/// If there is no frame or one is empty or malformed.
pub fn strip(rows: &[Vec<Image>], scale: usize) -> Result<Image> {
    let all = || rows.iter().flatten();
    all().try_for_each(|image| check(image, scale))?;
    let largest = |side: fn(&Image) -> usize| all().map(side).max().unwrap_or(0) * scale + GAP_PX;
    let (cell_height, cell_width) = (largest(|i| i.height), largest(|i| i.width));
    let n_cols = rows.iter().map(Vec::len).max().unwrap_or(0);
    if n_cols == 0 {
        return Err(Error::invalid("expected at least one frame for a film strip, got none"));
    }
    let channels = all().map(|i| i.channels).max().unwrap_or(1);
    let mut out = Image::new(rows.len() * cell_height - GAP_PX, n_cols * cell_width - GAP_PX, channels);
    out.data.fill(GAP_GREY);
    for (r, row) in rows.iter().enumerate() {
        for (c, image) in row.iter().enumerate() {
            paste(&mut out, &enlarge(image, scale)?, c * cell_width, r * cell_height);
        }
    }
    Ok(out)
}

/// Copies `image` into `out` with its top-left corner at `(x, y)`; there is room for it.
fn paste(out: &mut Image, image: &Image, x: usize, y: usize) {
    let rgb;
    let data = if out.channels == image.channels {
        &image.data
    } else {
        rgb = to_rgb(image);
        &rgb
    };
    let line = image.width * out.channels;
    for (row, pixels) in data.chunks_exact(line).enumerate() {
        let at = ((y + row) * out.width + x) * out.channels;
        out.data[at..at + line].copy_from_slice(pixels);
    }
}

/// Every pixel becomes `scale` by `scale` pixels.
fn enlarge(image: &Image, scale: usize) -> Result<Image> {
    check(image, scale)?;
    let mut out =
        Image { data: Vec::new(), height: image.height * scale, width: image.width * scale, ..*image };
    out.data.reserve_exact(image.data.len() * scale * scale);
    for line in image.data.chunks_exact(image.width * image.channels) {
        let start = out.data.len();
        for pixel in line.chunks_exact(image.channels) {
            (0..scale).for_each(|_| out.data.extend_from_slice(pixel));
        }
        let end = out.data.len();
        (1..scale).for_each(|_| out.data.extend_from_within(start..end));
    }
    Ok(out)
}

fn same_shape(head: &Image, image: &Image, idx: usize) -> Result<()> {
    let (want, got) = (head.shape(), image.shape());
    if want == got {
        return Ok(());
    }
    Err(Error::invalid(format!("expected frames of {want:?}, got {got:?} at frame {idx}")))
}

fn gif_size(image: &Image, scale: usize) -> Result<(u16, u16)> {
    let side = |n: usize| n.checked_mul(scale).and_then(|n| u16::try_from(n).ok());
    side(image.width).zip(side(image.height)).ok_or_else(|| {
        let [height, width, _] = image.shape();
        Error::invalid(format!(
            "expected a GIF of at most 65535 pixels a side, got {height}x{width} enlarged {scale} times"
        ))
    })
}

fn to_rgb(image: &Image) -> Vec<u8> {
    match image.channels {
        1 => image.data.iter().flat_map(|grey| [*grey; 3]).collect(),
        _ => image.data.clone(),
    }
}

fn check(image: &Image, scale: usize) -> Result<()> {
    if !(1..=MAX_SCALE).contains(&scale) {
        return Err(Error::invalid(format!("expected a scale of 1 to {MAX_SCALE}, got {scale}")));
    }
    let [height, width, channels] = image.shape();
    let n_bytes = height.checked_mul(width).and_then(|n| n.checked_mul(channels));
    let whole = n_bytes == Some(image.data.len()) && !image.data.is_empty();
    if whole && (channels == 1 || channels == 3) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "expected a picture of 1 or 3 channels, got {height}x{width}x{channels} with {} bytes",
        image.data.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_puts_enlarged_frames_side_by_side_with_gaps() {
        let white = Image { height: 1, width: 2, channels: 3, data: vec![255; 6] };
        let grey = Image { height: 1, width: 2, channels: 1, data: vec![7, 9] };
        let out = strip(&[vec![white.clone(), grey], vec![white]], 2).unwrap();
        assert_eq!(out.shape(), [2 * 2 + GAP_PX, 2 * 4 + GAP_PX, 3]);
        let pixel = |y: usize, x: usize| out.data[(y * out.width + x) * 3];
        assert_eq!([pixel(0, 3), pixel(0, 4), pixel(0, 6), pixel(0, 8)], [255, GAP_GREY, 7, 9]);
        assert_eq!([pixel(1, 9), pixel(2, 0), pixel(4, 0), pixel(4, 6)], [9, GAP_GREY, 255, GAP_GREY]);
    }

    #[test]
    fn malformed_pictures_are_refused() {
        let short = Image { height: 2, width: 2, channels: 3, data: vec![0; 5] };
        assert!(png_bytes(&short).is_err());
        assert!(strip(&[vec![short]], 1).is_err());
        assert!(strip(&[vec![]], 1).is_err());
        assert!(png_bytes(&Image::new(2, 2, 2)).is_err());
        assert!(png_bytes(&Image::new(0, 2, 3)).is_err());
        assert!(enlarge(&Image::new(1, 1, 1), 0).is_err());
    }
}
