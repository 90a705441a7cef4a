//! PNG and JPEG pictures out of table cells.

use std::io::Cursor;

use worldsmith_core::Image;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Most pixels a byte can stand for, which is one-bit black in a PNG: what claims to be denser is not decoded.
const MAX_DENSITY: usize = 8 * 1032;

/// The picture in `bytes`, which must have the height, width and channels (1 or 3) of `shape`. Grey becomes colour if need
/// be; opacity is dropped and 16 bits become 8.
///
/// # Errors
/// What is wrong with it.
pub(super) fn decode(bytes: &[u8], shape: [usize; 3]) -> Result<Image, String> {
    let [height, width, channels] = shape;
    if height.saturating_mul(width) / MAX_DENSITY > bytes.len() {
        return Err(format!("expected a picture of {width}x{height}, got {} bytes", bytes.len()));
    }
    let data = match bytes {
        [0x89, b'P', b'N', b'G', ..] => from_png(bytes, shape)?,
        [0xff, 0xd8, ..] => from_jpeg(bytes, shape)?,
        _ => return Err("expected a PNG or JPEG picture".to_owned()),
    };
    match height.checked_mul(width).and_then(|n| n.checked_mul(channels)) == Some(data.len()) {
        true => Ok(Image { height, width, channels, data }),
        false => Err(format!("expected a picture of {channels} channels, got another")),
    }
}

fn from_png(bytes: &[u8], [height, width, channels]: [usize; 3]) -> Result<Vec<u8>, String> {
    let wrong = |err: png::DecodingError| format!("cannot decode PNG: {err}");
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.ignore_checksums(false);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(wrong)?;
    same_size((reader.info().width as usize, reader.info().height as usize), (width, height))?;
    let size = reader.output_buffer_size().ok_or("the picture is too large")?;
    let mut data = vec![0; size];
    let frame = reader.next_frame(&mut data).map_err(wrong)?;
    data.truncate(frame.buffer_size());
    reader.finish().map_err(wrong)?;
    let colours = match frame.color_type.samples() {
        2 => data.chunks_exact(2).map(|pixel| pixel[0]).collect(),
        4 => data.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect(),
        _ => data,
    };
    let is_grey = frame.color_type.samples() < 3;
    Ok(match is_grey && channels == 3 {
        true => colours.into_iter().flat_map(|grey| [grey; 3]).collect(),
        false => colours,
    })
}

fn from_jpeg(bytes: &[u8], [height, width, channels]: [usize; 3]) -> Result<Vec<u8>, String> {
    let colours = if channels == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let wrong = |err: zune_jpeg::errors::DecodeErrors| format!("cannot decode JPEG: {err}");
    decoder.decode_headers().map_err(wrong)?;
    same_size(decoder.dimensions().unwrap_or_default(), (width, height))?;
    decoder.decode().map_err(wrong)
}

fn same_size(got: (usize, usize), want: (usize, usize)) -> Result<(), String> {
    match got == want {
        true => Ok(()),
        false => Err(format!("expected a picture of {}x{}, got {}x{}", want.0, want.1, got.0, got.1)),
    }
}
