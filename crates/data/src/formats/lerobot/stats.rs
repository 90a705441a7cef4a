//! Statistics of features, as LeRobot keeps them for each episode and for the whole.
//!
//! Pictures count per channel, from 0 to 1, and so do a sample of the frames of long episodes and every few pixels of large
//! ones, as there. Two things differ on purpose: LeRobot 0.4.4 squares bytes in eight bits, so that its standard
//! deviations of pictures are wrong; and its quantiles are estimates from histograms, while these are exact for an episode.

use serde_json::{Value as Json, json};
use worldsmith_core::Image;

use super::arrays::{Cell, Scalar};

/// Values in ascending order, and how often each occurs.
type Counted = [(f64, usize)];

/// Names and fractions of the quantiles.
pub(super) const QUANTILES: [(&str, f64); 5] =
    [("q01", 0.01), ("q10", 0.1), ("q50", 0.5), ("q90", 0.9), ("q99", 0.99)];
/// Frames of an episode that are all looked at, and the power with which the sample of longer ones grows.
const MIN_FRAMES: usize = 100;
const MAX_FRAMES: usize = 10_000;
const POWER: f64 = 0.75;
/// Pictures from this side on are thinned to about this many pixels a side.
const LARGE_PX: usize = 300;
const THINNED_PX: usize = 150;

/// Statistics of one feature.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stats {
    /// What the feature's numbers are.
    pub scalar: Scalar,
    /// Extent of each entry below.
    pub shape: Vec<usize>,
    /// Number of rows looked at.
    pub count: usize,
    /// Least value of each number.
    pub min: Vec<f64>,
    /// Greatest value.
    pub max: Vec<f64>,
    /// Mean.
    pub mean: Vec<f64>,
    /// Standard deviation, of the population.
    pub std: Vec<f64>,
    /// [`QUANTILES`]; of a whole data set the mean over its episodes.
    pub quantiles: [Vec<f64>; 5],
}

impl Stats {
    /// Statistics of at least one row of numbers of `shape`, row-major.
    pub fn of_numbers(numbers: &[f64], scalar: Scalar, shape: &[usize]) -> Self {
        let n: usize = shape.iter().product();
        let columns = (0..n).map(|at| {
            let mut column: Vec<f64> = numbers.iter().skip(at).step_by(n).copied().collect();
            column.sort_by(f64::total_cmp);
            column.into_iter().map(|value| (value, 1)).collect()
        });
        Self::of_sorted(columns.collect(), scalar, shape.to_vec(), numbers.len() / n)
    }

    /// Statistics of at least one picture, all of one shape; grey counts as three equal channels, as it does there.
    pub fn of_pictures(images: &[&Image]) -> Self {
        let n = sample_size(images.len());
        let mut counts = [[0_usize; 256]; 3];
        for idx in 0..n {
            let at = (idx * (images.len() - 1)) as f64 / (n - 1).max(1) as f64;
            count_pixels(images[at.round_ties_even() as usize], &mut counts);
        }
        let columns = counts.map(|count| {
            let seen = count.into_iter().enumerate().filter(|(_, n)| *n > 0);
            seen.map(|(byte, n)| (byte as f64 / 255.0, n)).collect()
        });
        Self::of_sorted(columns.to_vec(), Scalar::Float, vec![3, 1, 1], n)
    }

    /// `columns` has, for each number, its values in ascending order and how often each was seen.
    fn of_sorted(columns: Vec<Vec<(f64, usize)>>, scalar: Scalar, shape: Vec<usize>, count: usize) -> Self {
        let total = |column: &[(f64, usize)]| column.iter().map(|(_, n)| *n).sum::<usize>() as f64;
        let mean =
            |column: &[(f64, usize)]| column.iter().map(|(x, n)| x * *n as f64).sum::<f64>() / total(column);
        let std = |column: &[(f64, usize)]| {
            let mean = mean(column);
            let squares: f64 = column.iter().map(|(x, n)| (x - mean).powi(2) * *n as f64).sum();
            (squares / total(column)).sqrt()
        };
        let each = |of: &dyn Fn(&Counted) -> f64| columns.iter().map(|column| of(column)).collect();
        Self {
            scalar,
            shape,
            count,
            min: each(&|column| column.first().map_or(0.0, |(x, _)| *x)),
            max: each(&|column| column.last().map_or(0.0, |(x, _)| *x)),
            mean: each(&mean),
            std: each(&std),
            quantiles: QUANTILES.map(|(_, fraction)| each(&|column| quantile(column, fraction))),
        }
    }

    /// Takes in the statistics of another episode.
    pub fn merge(&mut self, other: &Self) {
        let (n, m) = (self.count as f64, other.count as f64);
        let weigh = |a: f64, b: f64| (a * n + b * m) / (n + m);
        for at in 0..self.mean.len().min(other.mean.len()) {
            self.min[at] = self.min[at].min(other.min[at]);
            self.max[at] = self.max[at].max(other.max[at]);
            let mean = weigh(self.mean[at], other.mean[at]);
            let spread = |stats: &Self| stats.std[at].powi(2) + (stats.mean[at] - mean).powi(2);
            self.std[at] = weigh(spread(self), spread(other)).sqrt();
            self.mean[at] = mean;
            for (mine, theirs) in self.quantiles.iter_mut().zip(&other.quantiles) {
                mine[at] = weigh(mine[at], theirs[at]);
            }
        }
        self.count += other.count;
    }

    /// Names and values of all but the count, in the order in which LeRobot writes them, and what the values are.
    pub fn entries(&self) -> Vec<(&'static str, &[f64], Scalar)> {
        let mut entries: Vec<(&str, &[f64], Scalar)> = vec![
            ("min", &self.min, self.scalar),
            ("max", &self.max, self.scalar),
            ("mean", &self.mean, Scalar::Float),
            ("std", &self.std, Scalar::Float),
        ];
        let quantiles = QUANTILES.iter().zip(&self.quantiles);
        entries.extend(quantiles.map(|((name, _), values)| (*name, values.as_slice(), Scalar::Float)));
        entries
    }

    /// As `stats.json` has it.
    pub fn json(&self) -> Json {
        let entries = self.entries().into_iter().map(|(name, values, _)| {
            let flat: Vec<Json> = values.iter().map(|x| json!(x)).collect();
            (name.to_owned(), nested(flat, &self.shape))
        });
        let mut all: serde_json::Map<String, Json> = entries.collect();
        all.insert("count".to_owned(), json!([self.count]));
        Json::Object(all)
    }
}

/// The shape of the statistics of a feature; `None` for text, which has none.
pub(super) fn shape(cell: &Cell) -> Option<(Scalar, Vec<usize>)> {
    match cell {
        Cell::Numbers(scalar, shape) => Some((*scalar, shape.clone())),
        Cell::Picture(_) | Cell::Frame(_) => Some((Scalar::Float, vec![3, 1, 1])),
        Cell::Text => None,
    }
}

fn nested(flat: Vec<Json>, shape: &[usize]) -> Json {
    let inner = shape
        .iter()
        .skip(1)
        .rev()
        .fold(flat, |parts, n| parts.chunks(*n).map(|part| Json::Array(part.to_vec())).collect());
    Json::Array(inner)
}

fn sample_size(n: usize) -> usize {
    let grown = (n as f64).powf(POWER) as usize;
    grown.min(MAX_FRAMES).max(MIN_FRAMES.min(n))
}

fn count_pixels(image: &Image, counts: &mut [[usize; 256]; 3]) {
    let [height, width, channels] = image.shape();
    let longer = height.max(width);
    let stride = if longer < LARGE_PX { 1 } else { longer / THINNED_PX };
    for line in image.data.chunks_exact(width * channels).step_by(stride) {
        for pixel in line.chunks_exact(channels).step_by(stride) {
            for (channel, count) in counts.iter_mut().enumerate() {
                count[usize::from(pixel[channel.min(channels - 1)])] += 1;
            }
        }
    }
}

/// The quantile of sorted, counted values, between neighbours in proportion.
fn quantile(column: &[(f64, usize)], fraction: f64) -> f64 {
    let n: usize = column.iter().map(|(_, n)| *n).sum();
    let at = fraction * n.saturating_sub(1) as f64;
    let value = |rank: usize| {
        let mut passed = 0;
        let found = column.iter().find(|(_, n)| {
            passed += n;
            rank < passed
        });
        found.or(column.last()).map_or(0.0, |(x, _)| *x)
    };
    let (below, share) = (at as usize, at.fract());
    let low = value(below);
    if share == 0.0 { low } else { low + (value(below + 1) - low) * share }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_numbers_are_those_of_numpy() {
        // numpy: a = [[1, 10], [2, 20], [4, 60]]; mean, std and quantile over axis 0.
        let stats = Stats::of_numbers(&[1.0, 10.0, 2.0, 20.0, 4.0, 60.0], Scalar::Float, &[2]);
        assert_eq!((stats.min.clone(), stats.max.clone()), (vec![1.0, 10.0], vec![4.0, 60.0]));
        assert_eq!((stats.mean.clone(), stats.count), (vec![7.0 / 3.0, 30.0], 3));
        assert!(
            (stats.std[0] - 1.247219128924647).abs() < 1e-12
                && (stats.std[1] - 21.602468994692867).abs() < 1e-12
        );
        assert!((stats.quantiles[3][0] - 3.6).abs() < 1e-12 && stats.quantiles[2] == [2.0, 20.0]);
    }

    #[test]
    fn merging_gives_the_statistics_of_both_together() {
        let mut first = Stats::of_numbers(&[1.0, 2.0, 4.0], Scalar::Float, &[1]);
        first.merge(&Stats::of_numbers(&[10.0], Scalar::Float, &[1]));
        let whole = Stats::of_numbers(&[1.0, 2.0, 4.0, 10.0], Scalar::Float, &[1]);
        assert_eq!((first.count, &first.min, &first.max), (4, &whole.min, &whole.max));
        assert!((first.mean[0] - whole.mean[0]).abs() < 1e-12 && (first.std[0] - whole.std[0]).abs() < 1e-12);
    }

    #[test]
    fn pictures_count_per_channel_from_0_to_1() {
        let image = Image { height: 1, width: 2, channels: 3, data: vec![0, 51, 255, 255, 51, 0] };
        let stats = Stats::of_pictures(&[&image]);
        assert_eq!((stats.mean.clone(), stats.std.clone()), (vec![0.5, 0.2, 0.5], vec![0.5, 0.0, 0.5]));
        assert_eq!(stats.json()["min"], json!([[[0.0]], [[0.2]], [[0.0]]]));
    }
}
