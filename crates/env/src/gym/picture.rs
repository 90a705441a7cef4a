//! Pictures of others made as they were asked for: grey, and of another size.

use worldsmith_core::Image;

/// How much red, green and blue give to grey, as in Gymnasium's `GrayscaleObservation`; what is left over is cut off.
const LUMA: [f64; 3] = [0.2125, 0.7154, 0.0721];

/// Numbers that are computed at once; a pixel has no more channels than that.
const LANES: usize = 4;
/// From here on, `f32` has no fractions: adding it rounds to the nearest whole number, and to the even one of two.
const WHOLE: f32 = (1 << 23) as f32;

/// Makes pictures of one size and kind into pictures of another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Development {
    /// Height, width, channels of what comes in.
    raw: [usize; 3],
    to_grey: bool,
    fit: Fit,
    size: [usize; 2],
}

/// How pictures get their size.
#[derive(Debug, Clone, PartialEq)]
enum Fit {
    /// They have it.
    Same,
    /// A black frame, if only a little is missing: rows above, columns to the left.
    Framed([usize; 2]),
    /// Means of areas down, linear up.
    Mixed { rows: Vec<Mix>, cols: Vec<Mix> },
}

/// What one row or column of the result is made of: neighbours from the first on, each with its weight.
#[derive(Debug, Clone, PartialEq)]
struct Mix {
    first: usize,
    weights: Vec<f32>,
}

impl Development {
    /// For pictures of height, width and channels `raw`; `size` is height and width, or `None` to leave them.
    pub fn new(raw: [usize; 3], size: Option<[usize; 2]>, grey: bool) -> Self {
        let is = [raw[0], raw[1]];
        let size = size.unwrap_or(is);
        let missing = [0, 1].map(|i| size[i].checked_sub(is[i]).filter(|gap| *gap <= size[i] / 8));
        let fit = match missing {
            [Some(0), Some(0)] => Fit::Same,
            [Some(rows), Some(cols)] => Fit::Framed([rows / 2, cols / 2]),
            _ => Fit::Mixed { rows: mixes(is[0], size[0]), cols: mixes(is[1], size[1]) },
        };
        Self { raw, to_grey: grey && raw[2] == 3, fit, size }
    }

    /// Height, width and channels of what comes out.
    pub fn shape(&self) -> [usize; 3] {
        [self.size[0], self.size[1], if self.to_grey { 1 } else { self.raw[2] }]
    }

    /// Bytes of what comes in.
    pub fn n_bytes(&self) -> Option<usize> {
        self.raw.iter().try_fold(1_usize, |n, side| n.checked_mul(*side))
    }

    /// The picture made of `raw`, which has [`Development::n_bytes`].
    pub fn develop(&self, raw: &[u8]) -> Image {
        let [height, width, channels] = self.shape();
        let grey: Vec<u8>;
        let raw = if self.to_grey {
            grey = greyed(raw);
            &grey
        } else {
            raw
        };
        let data = match &self.fit {
            Fit::Same => raw.to_vec(),
            Fit::Framed(at) => framed(raw, [self.raw[0], self.raw[1]], *at, [height, width, channels]),
            Fit::Mixed { rows, cols } => mixed(raw, [self.raw[1], channels], rows, cols),
        };
        Image { height, width, channels, data }
    }
}

fn greyed(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>().0.iter().map(|px| grey(*px)).collect()
}

fn grey(px: [u8; 3]) -> u8 {
    let [r, g, b] = px.map(f64::from);
    (r * LUMA[0] + g * LUMA[1] + b * LUMA[2]) as u8
}

fn framed(raw: &[u8], [rows, cols]: [usize; 2], at: [usize; 2], shape: [usize; 3]) -> Vec<u8> {
    let [height, width, channels] = shape;
    let mut out = vec![0; height * width * channels];
    for row in 0..rows {
        let to = ((at[0] + row) * width + at[1]) * channels;
        let from = row * cols * channels;
        out[to..to + cols * channels].copy_from_slice(&raw[from..from + cols * channels]);
    }
    out
}

/// Rows first, then columns of `[width, channels]` in each of them.
fn mixed(raw: &[u8], [width, channels]: [usize; 2], rows: &[Mix], cols: &[Mix]) -> Vec<u8> {
    let line = width * channels;
    // One row of sums, and some more that lie behind its last pixel and do not count.
    let mut sums = vec![0.0_f32; line + LANES];
    let mut out = Vec::with_capacity(rows.len() * cols.len() * channels);
    for row in rows {
        sums.fill(0.0);
        let lines = raw[row.first * line..].chunks_exact(line);
        for (weight, from) in row.weights.iter().zip(lines) {
            sums.iter_mut().zip(from).for_each(|(sum, x)| *sum += weight * f32::from(*x));
        }
        for col in cols {
            // Always four numbers at once, of which a pixel has one or three.
            let mut mean = [0.0_f32; LANES];
            for (i, weight) in (col.first..).zip(&col.weights) {
                let pixel =
                    sums[i * channels..].first_chunk::<LANES>().expect("sums go on behind the last pixel");
                mean.iter_mut().zip(pixel).for_each(|(x, part)| *x += weight * part);
            }
            out.extend(mean[..channels].iter().map(|x| (x + WHOLE - WHOLE) as u8));
        }
    }
    out
}

fn mixes(n_in: usize, n_out: usize) -> Vec<Mix> {
    let scale = n_in as f64 / n_out as f64;
    let mix = |i: usize| if scale >= 1.0 { area(i, scale, n_in) } else { between(i, scale, n_in) };
    (0..n_out).map(mix).collect()
}

/// The pixels that lie under `i` when `scale` of them make one.
fn area(i: usize, scale: f64, n_in: usize) -> Mix {
    let (low, high) = (i as f64 * scale, ((i + 1) as f64 * scale).min(n_in as f64));
    let first = low as usize;
    let covered = |j: usize| ((high.min((j + 1) as f64) - low.max(j as f64)) / (high - low)) as f32;
    Mix { first, weights: (first..high.ceil() as usize).map(covered).collect() }
}

/// The two pixels between whose centres that of `i` lies.
fn between(i: usize, scale: f64, n_in: usize) -> Mix {
    let centre = ((i as f64 + 0.5) * scale - 0.5).clamp(0.0, (n_in - 1) as f64);
    let (first, part) = (centre as usize, centre.fract() as f32);
    let weights = if part == 0.0 { vec![1.0] } else { vec![1.0 - part, part] };
    Mix { first, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn develop(raw: [usize; 3], size: [usize; 2], grey: bool, data: &[u8]) -> Vec<u8> {
        Development::new(raw, Some(size), grey).develop(data).data
    }

    #[test]
    fn smaller_pictures_are_means_of_areas() {
        assert_eq!(develop([2, 2, 1], [1, 1], false, &[10, 20, 30, 41]), [25]);
        // Three columns make two: each takes a half of the one in the middle.
        assert_eq!(develop([1, 3, 1], [1, 2], false, &[0, 30, 90]), [10, 70]);
        assert_eq!(
            develop([1, 4, 3], [1, 2], false, &[0, 1, 2, 10, 11, 12, 4, 4, 4, 8, 8, 8]),
            [5, 6, 7, 6, 6, 6]
        );
    }

    #[test]
    fn larger_pictures_are_linear_between_centres_and_a_little_is_framed() {
        assert_eq!(develop([1, 2, 1], [1, 4], false, &[0, 100]), [0, 25, 75, 100]);
        let framed = develop([7, 8, 1], [8, 8], false, &[9; 56]);
        assert_eq!((&framed[..56], &framed[56..]), (&[9; 56][..], &[0; 8][..]));
    }

    #[test]
    fn grey_is_that_of_gymnasium_and_grey_pictures_stay() {
        assert_eq!(develop([1, 2, 3], [1, 2], true, &[255, 255, 255, 100, 50, 200]), [255, 71]);
        assert_eq!(Development::new([4, 4, 1], None, true).shape(), [4, 4, 1]);
        assert_eq!(Development::new([4, 4, 3], None, true).shape(), [4, 4, 1]);
    }

    #[test]
    fn every_size_can_be_made_of_every_size() {
        for n_in in 1..40 {
            for n_out in 1..40 {
                for mix in mixes(n_in, n_out) {
                    let sum: f32 = mix.weights.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-5, "{n_in} to {n_out}: {mix:?}");
                    assert!(mix.first + mix.weights.len() <= n_in, "{n_in} to {n_out}: {mix:?}");
                }
            }
        }
    }
}
