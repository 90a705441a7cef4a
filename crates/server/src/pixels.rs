//! A picture as few bytes: raw, or a palette and runs, whichever is shorter.

use std::collections::HashMap;

use worldsmith::Image;

const RAW: u8 = 0;
const RUNS: u8 = 1;

/// Appends an RGB picture: width, height, coding, body.
pub(crate) fn put_picture(image: &Image, out: &mut Vec<u8>) {
    out.extend((image.width as u16).to_le_bytes());
    out.extend((image.height as u16).to_le_bytes());
    match runs(image) {
        Some(body) => {
            out.push(RUNS);
            out.extend(body);
        }
        None => {
            out.push(RAW);
            out.extend(&image.data);
        }
    }
}

/// The picture as a palette and runs, or `None` where that is no shorter than its bytes.
fn runs(image: &Image) -> Option<Vec<u8>> {
    let mut palette: Vec<u8> = Vec::new();
    let mut index: HashMap<&[u8], u8> = HashMap::new();
    let mut runs: Vec<(u8, u8)> = Vec::new();
    let mut last: Option<&[u8]> = None;
    for pixel in image.data.chunks_exact(3) {
        match runs.last_mut() {
            Some((more, _)) if last == Some(pixel) && *more < u8::MAX => *more += 1,
            _ => {
                let colour = match index.get(pixel) {
                    Some(colour) => *colour,
                    None => {
                        let colour = u8::try_from(index.len()).ok()?;
                        palette.extend(pixel);
                        index.insert(pixel, colour);
                        colour
                    }
                };
                runs.push((0, colour));
                last = Some(pixel);
            }
        }
        if palette.len() + 2 * runs.len() >= image.data.len() {
            return None;
        }
    }
    let most = u8::try_from(index.len().checked_sub(1)?).ok()?;
    let pairs = runs.into_iter().flat_map(|(more, colour)| [more, colour]);
    Some(std::iter::once(most).chain(palette).chain(pairs).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a picture back, as the page does.
    fn read(bytes: &[u8]) -> Vec<u8> {
        let (coding, body) = (bytes[4], &bytes[5..]);
        if coding == RAW {
            return body.to_vec();
        }
        let n = usize::from(body[0]) + 1;
        let (palette, runs) = body[1..].split_at(3 * n);
        let colour = |i: u8| palette[3 * usize::from(i)..][..3].to_vec();
        runs.chunks_exact(2).flat_map(|r| colour(r[1]).repeat(usize::from(r[0]) + 1)).collect()
    }

    #[test]
    fn a_flat_picture_is_short_and_reads_back() {
        let mut image = Image::new(64, 64, 3);
        image.fill_rect(10, 20, 4, 4, &[255, 0, 9]);
        let mut bytes = Vec::new();
        put_picture(&image, &mut bytes);
        assert!(bytes.len() < 200, "{} bytes", bytes.len());
        assert_eq!(read(&bytes), image.data);
    }

    #[test]
    fn a_picture_of_noise_is_sent_as_it_is() {
        let mut rng = worldsmith::Seed(1).rng();
        let mut image = Image::new(16, 16, 3);
        image.data.iter_mut().for_each(|b| *b = rng.below(256) as u8);
        let mut bytes = Vec::new();
        put_picture(&image, &mut bytes);
        assert_eq!(bytes.len(), 5 + 3 * 256);
        assert_eq!(read(&bytes), image.data);
    }

    #[test]
    fn exactly_256_colours_still_fit_a_palette() {
        let mut image = Image::new(64, 64, 3);
        image.data.chunks_exact_mut(3).enumerate().for_each(|(i, p)| p[0] = (i / 16) as u8);
        let mut bytes = Vec::new();
        put_picture(&image, &mut bytes);
        assert_eq!(bytes[4], RUNS);
        assert_eq!(read(&bytes), image.data);
    }
}
