//! PNG files into pictures.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};
use worldsmith_core::Image;

/// Most bytes that one picture may take, whatever its file says.
const MAX_BYTES: usize = 256 << 20;

/// The picture in the bytes of a PNG file: grey or RGB, 8 bits; palettes are resolved and transparency is dropped.
///
/// # Errors
/// In words, if it is no PNG file, is damaged, or is larger than any picture here.
pub(crate) fn decode(bytes: &[u8]) -> Result<Image, String> {
    let broken = |e: png::DecodingError| format!("not a whole PNG file: {e}");
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_BYTES });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().filter(|n| *n <= MAX_BYTES);
    let mut data = vec![0; size.ok_or("the picture is too large")?];
    let info = reader.next_frame(&mut data).map_err(broken)?;
    data.truncate(info.buffer_size());
    let (height, width) = (info.height as usize, info.width as usize);
    let opaque = |channels: usize| -> Vec<u8> {
        data.chunks_exact(channels + 1).flat_map(|pixel| &pixel[..channels]).copied().collect()
    };
    let (channels, data) = match info.color_type {
        ColorType::Grayscale => (1, data),
        ColorType::GrayscaleAlpha => (1, opaque(1)),
        ColorType::Rgb => (3, data),
        ColorType::Rgba => (3, opaque(3)),
        ColorType::Indexed => return Err("expected resolved colours, got a palette".to_owned()),
    };
    Ok(Image { height, width, channels, data })
}
