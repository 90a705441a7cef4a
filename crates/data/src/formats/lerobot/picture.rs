//! PNG and JPEG pictures out of table cells.

use worldsmith_core::{Image, Result};

use crate::picture;

/// The picture in `bytes`, which must have the height, width and channels (1 or 3) of `shape`. Grey becomes colour if need
/// be; opacity is dropped and 16 bits become 8.
///
/// # Errors
/// What is wrong with it.
pub(super) fn decode(bytes: &[u8], shape: [usize; 3]) -> std::result::Result<Image, String> {
    let [height, width, channels] = shape;
    // The header is looked at first, so that nothing larger than what was announced is decoded.
    let fits = |[h, w, _]: [usize; 3]| (h, w) == (height, width);
    let read = || -> Result<Option<Image>> {
        match fits(picture::shape(bytes)?) {
            true => picture::with_channels(picture::decode(bytes)?, channels).map(Some),
            false => Ok(None),
        }
    };
    let image = read().map_err(|err| err.to_string())?;
    image.ok_or_else(|| format!("expected a picture of {width}x{height}, got another size"))
}
