//! Pictures in another size: area means down, linear up.

use std::ops::Range;

use worldsmith_core::{Episode, Error, Image, Result, Space, Value};

use crate::Pictures;
use crate::formats::{Source, SourceInfo};

/// The picture in `height` x `width` pixels. Each output pixel is the mean of the area it covers; where there is less than
/// a pixel to cover, its two neighbours are mixed.
pub fn resize(image: &Image, height: usize, width: usize) -> Image {
    if (image.height, image.width) == (height, width) {
        return image.clone();
    }
    let (rows, cols) = (mixing(image.height, height), mixing(image.width, width));
    let channels = image.channels;
    let mut wide = vec![0.0f32; height * image.width * channels];
    for (out, taps) in wide.chunks_exact_mut(image.width * channels).zip(&rows) {
        for (from, weight) in taps {
            let row = &image.data[from * image.width * channels..][..image.width * channels];
            out.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * f32::from(*x));
        }
    }
    let mut data = Vec::with_capacity(height * width * channels);
    for row in wide.chunks_exact(image.width * channels) {
        for taps in &cols {
            for channel in 0..channels {
                let sum: f32 =
                    taps.iter().map(|(from, weight)| weight * row[from * channels + channel]).sum();
                data.push(sum.round().clamp(0.0, 255.0) as u8);
            }
        }
    }
    Image { height, width, channels, data }
}

/// For each of `n_out` pixels, which of `n_in` pixels it is made of and how much of each; the weights sum to 1.
fn mixing(n_in: usize, n_out: usize) -> Vec<Vec<(usize, f32)>> {
    let scale = n_in as f64 / n_out as f64;
    let taps = |i: usize| -> Vec<(usize, f32)> {
        if scale >= 1.0 {
            let (low, high) = (i as f64 * scale, (i + 1) as f64 * scale);
            let covered = low as usize..(high.ceil() as usize).min(n_in);
            let area = |at: usize| high.min((at + 1) as f64) - low.max(at as f64);
            return covered.map(|at| (at, (area(at) / scale) as f32)).collect();
        }
        let centre = ((i as f64 + 0.5) * scale - 0.5).clamp(0.0, (n_in - 1) as f64);
        let (at, share) = (centre as usize, centre.fract() as f32);
        vec![(at, 1.0 - share), ((at + 1).min(n_in - 1), share)]
    };
    (0..n_out).map(taps).collect()
}

/// A data set whose pictures come in another size.
pub(crate) struct Resized {
    source: Box<dyn Source>,
    info: SourceInfo,
    side: usize,
}

impl Resized {
    /// Squares of `side` pixels.
    ///
    /// # Errors
    /// If `side` is 0 or larger than 4096.
    pub fn new(source: Box<dyn Source>, side: usize) -> Result<Self> {
        if !(1..=4096).contains(&side) {
            return Err(Error::invalid(format!("expected pictures of 1 to 4096 pixels, got {side}")));
        }
        let mut info = source.info().clone();
        resize_space(&mut info.obs, side);
        Ok(Self { source, info, side })
    }
}

fn resize_space(space: &mut Space, side: usize) {
    match space {
        Space::Image { height, width, .. } => (*height, *width) = (side, side),
        Space::Dict(parts) => parts.values_mut().for_each(|part| resize_space(part, side)),
        _ => {}
    }
}

fn resize_value(value: &mut Value, side: usize) {
    match value {
        Value::Image(image) => *image = resize(image, side, side),
        Value::Dict(parts) => parts.values_mut().for_each(|part| resize_value(part, side)),
        _ => {}
    }
}

impl Source for Resized {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.source.n_episodes()
    }

    fn pictures(&self) -> Option<Pictures> {
        self.source.pictures()
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        let mut episode = self.source.read(idx)?;
        episode.obs.iter_mut().for_each(|obs| resize_value(obs, self.side));
        Ok(episode)
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        let mut episode = self.source.read_range(idx, steps)?;
        episode.obs.iter_mut().for_each(|obs| resize_value(obs, self.side));
        Ok(episode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(height: usize, width: usize, data: &[u8]) -> Image {
        Image { height, width, channels: 1, data: data.to_vec() }
    }

    #[test]
    fn shrinking_takes_means_of_areas() {
        let image = grey(2, 4, &[0, 100, 10, 30, 0, 100, 10, 30]);
        assert_eq!(resize(&image, 1, 2), grey(1, 2, &[50, 20]));
        // Three pixels into two: the middle one is shared by halves, so 2/3 and 1/3 of each.
        assert_eq!(resize(&grey(1, 3, &[0, 90, 240]), 1, 2), grey(1, 2, &[30, 190]));
    }

    #[test]
    fn growing_mixes_neighbours_and_keeps_the_edges() {
        assert_eq!(resize(&grey(1, 2, &[0, 100]), 1, 4), grey(1, 4, &[0, 25, 75, 100]));
    }

    #[test]
    fn the_same_size_is_the_same_picture() {
        let image = grey(2, 2, &[1, 2, 3, 4]);
        assert_eq!(resize(&image, 2, 2), image);
    }
}
