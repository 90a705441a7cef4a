//! Pictures as files hold them: PNG and JPEG in, JPEG out.

use std::io::Cursor;

use jpeg_encoder::{ColorType, Encoder};
use worldsmith_core::{Error, ErrorKind, Image, Result};
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// No picture has more pixels than that; one that says so is damaged.
const MOST_PIXELS: usize = 1 << 26;
/// Deflate makes at most 1032 bytes of one.
const MOST_INFLATED: usize = 1032;
/// A whole JPEG ends in its end mark, give or take some padding.
const JPEG_END: [u8; 2] = [0xff, 0xd9];
const JPEG_PADDING: usize = 64;

/// Names of files that [`decode`] reads, by their extension in small letters.
pub(crate) const EXTENSIONS: &[&str] = &["png", "jpg", "jpeg"];

/// Height, width and channels of a PNG or JPEG.
///
/// # Errors
/// As [`decode`].
pub(crate) fn shape(bytes: &[u8]) -> Result<[usize; 3]> {
    match kind(bytes)? {
        Kind::Png => png_reader(bytes).map(|(_, shape)| shape),
        Kind::Jpeg => jpeg_header(bytes).map(|(_, shape)| shape),
    }
}

/// Decodes a PNG or JPEG to 8 bits a channel, grey or RGB. Palettes and deep colours are converted, transparency is
/// left out.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if it is neither, damaged, or larger than any sensible picture.
pub(crate) fn decode(bytes: &[u8]) -> Result<Image> {
    match kind(bytes)? {
        Kind::Png => decode_png(bytes),
        Kind::Jpeg => decode_jpeg(bytes),
    }
}

/// `image` with `channels` channels: grey becomes RGB of equal parts.
///
/// # Errors
/// If a colour picture is to be grey.
pub(crate) fn with_channels(image: Image, channels: usize) -> Result<Image> {
    match (image.channels, channels) {
        (got, want) if got == want => Ok(image),
        (1, 3) => {
            let data = image.data.iter().flat_map(|grey| [*grey; 3]).collect();
            Ok(Image { channels, data, ..image })
        }
        _ => Err(Error::new(
            ErrorKind::Mismatch,
            "expected a grey picture like the first one, got a coloured one",
        )),
    }
}

/// `image` as the bytes of a JPEG of `quality` (1 to 100), colours at full resolution.
///
/// # Errors
/// If it is empty, malformed or larger than 65535 pixels a side.
pub(crate) fn jpeg_bytes(image: &Image, quality: u8) -> Result<Vec<u8>> {
    let [height, width, channels] = image.shape();
    let refused =
        || Error::invalid(format!("expected a picture that JPEG can hold, got {height}x{width}x{channels}"));
    let side = |n: usize| u16::try_from(n).ok().filter(|n| *n > 0);
    let (rows, columns) = side(height).zip(side(width)).ok_or_else(refused)?;
    let colour = match channels {
        1 => ColorType::Luma,
        3 => ColorType::Rgb,
        _ => return Err(refused()),
    };
    if image.data.len() != height * width * channels {
        return Err(refused());
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_4_4);
    encoder
        .encode(&image.data, columns, rows, colour)
        .map_err(|err| Error::invalid(format!("cannot encode JPEG: {err}")))?;
    Ok(bytes)
}

enum Kind {
    Png,
    Jpeg,
}

fn kind(bytes: &[u8]) -> Result<Kind> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Ok(Kind::Png),
        [0xff, 0xd8, 0xff, ..] => Ok(Kind::Jpeg),
        _ => Err(broken("expected a PNG or JPEG picture, got something else")),
    }
}

type PngReader<'a> = png::Reader<Cursor<&'a [u8]>>;

fn png_reader(bytes: &[u8]) -> Result<(PngReader<'_>, [usize; 3])> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let reader = decoder.read_info().map_err(|err| broken(format!("cannot read PNG: {err}")))?;
    let info = reader.info();
    let (height, width) = (info.height as usize, info.width as usize);
    let channels = match reader.output_color_type().0 {
        png::ColorType::Grayscale | png::ColorType::GrayscaleAlpha => 1,
        _ => 3,
    };
    check_pixels(height, width)?;
    if info.raw_bytes() / MOST_INFLATED > bytes.len() {
        return Err(broken(format!("expected a PNG of {height}x{width}, got {} bytes", bytes.len())));
    }
    Ok((reader, [height, width, channels]))
}

fn decode_png(bytes: &[u8]) -> Result<Image> {
    let (mut reader, [height, width, channels]) = png_reader(bytes)?;
    let size = reader.output_buffer_size().ok_or_else(|| broken("expected a PNG that fits into memory"))?;
    let mut data = vec![0; size];
    reader.next_frame(&mut data).map_err(|err| broken(format!("cannot read PNG: {err}")))?;
    // The checksum of the last piece of data comes after the last pixel.
    reader.finish().map_err(|err| broken(format!("cannot read PNG: {err}")))?;
    let samples = reader.output_color_type().0.samples();
    if samples != channels {
        data = data.chunks_exact(samples).flat_map(|pixel| &pixel[..channels]).copied().collect();
    }
    Ok(Image { height, width, channels, data })
}

type JpegReader<'a> = JpegDecoder<Cursor<&'a [u8]>>;

fn jpeg_header(bytes: &[u8]) -> Result<(JpegReader<'_>, [usize; 3])> {
    let mut decoder = JpegDecoder::new(Cursor::new(bytes));
    decoder.decode_headers().map_err(|err| broken(format!("cannot read JPEG: {err}")))?;
    let (width, height) =
        decoder.dimensions().ok_or_else(|| broken("expected a JPEG with a size, got none"))?;
    check_pixels(height, width)?;
    let channels = if decoder.input_colorspace() == Some(ColorSpace::Luma) { 1 } else { 3 };
    Ok((decoder, [height, width, channels]))
}

fn decode_jpeg(bytes: &[u8]) -> Result<Image> {
    let (_, [height, width, channels]) = jpeg_header(bytes)?;
    let tail = &bytes[bytes.len().saturating_sub(JPEG_PADDING)..];
    if !tail.windows(2).any(|pair| pair == JPEG_END) {
        return Err(broken("expected a whole JPEG, got one that breaks off"));
    }
    let colour = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::default().jpeg_set_out_colorspace(colour);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(bytes), options);
    let data = decoder.decode().map_err(|err| broken(format!("cannot read JPEG: {err}")))?;
    if data.len() != height * width * channels {
        return Err(broken(format!(
            "expected a JPEG of {height}x{width}x{channels}, got {} bytes",
            data.len()
        )));
    }
    Ok(Image { height, width, channels, data })
}

fn check_pixels(height: usize, width: usize) -> Result<()> {
    match height.checked_mul(width) {
        Some(1..=MOST_PIXELS) => Ok(()),
        _ => Err(broken(format!("expected a picture of 1 to {MOST_PIXELS} pixels, got {height}x{width}"))),
    }
}

fn broken(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::png_bytes;
    use worldsmith_core::{Seed, Space};

    fn picture(channels: usize) -> Image {
        let mut image = Image::new(21, 13, channels);
        image.fill_rect(3, 4, 6, 9, &[200, 30, 90]);
        image
    }

    #[test]
    fn what_was_encoded_decodes() {
        for channels in [1, 3] {
            let png = png_bytes(&picture(channels)).unwrap();
            assert_eq!(decode(&png).unwrap(), picture(channels));
            let jpeg = jpeg_bytes(&picture(channels), 100).unwrap();
            assert_eq!(shape(&jpeg).unwrap(), [21, 13, channels]);
            let got = decode(&jpeg).unwrap();
            let off = got.data.iter().zip(&picture(channels).data).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(off <= Some(4), "off by {off:?}");
        }
    }

    #[test]
    fn cut_and_flipped_pictures_are_refused_or_keep_their_size() {
        let noise = Space::Image { height: 16, width: 16, channels: 3 }.sample(&mut Seed(1).rng());
        let mut rng = Seed(2).rng();
        let image = noise.image().unwrap();
        for bytes in [png_bytes(image).unwrap(), jpeg_bytes(image, 90).unwrap()] {
            for percent in 0..100 {
                assert!(decode(&bytes[..bytes.len() * percent / 100]).is_err());
            }
            for _ in 0..300 {
                let mut flipped = bytes.clone();
                flipped[rng.below(bytes.len())] ^= 1 << rng.below(8);
                if let Ok(got) = decode(&flipped) {
                    assert_eq!(got.data.len(), got.height * got.width * got.channels);
                }
            }
        }
    }
}
