//! Means that say how sure they are.

use serde::{Deserialize, Serialize};
use worldsmith_core::Seed;

/// Resamples drawn for a bootstrap interval.
const N_RESAMPLES: usize = 2000;
/// The 97.5 % point of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A mean with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Lower end of the 95 % interval; minus infinity (`null` in JSON) where one sample says nothing about spread.
    #[serde(deserialize_with = "null_is_below")]
    pub low: f64,
    /// Upper end of the 95 % interval; infinity (`null` in JSON) where one sample says nothing about spread.
    #[serde(deserialize_with = "null_is_above")]
    pub high: f64,
    /// Independent samples: seeds, episodes or trials.
    pub n: usize,
}

impl Estimate {
    /// Whether the two intervals share no number.
    pub fn is_apart_from(&self, other: &Estimate) -> bool {
        self.low > other.high || self.high < other.low
    }

    /// Whether the whole interval lies above `x`.
    pub fn is_above(&self, x: f64) -> bool {
        self.low > x
    }

    fn unbounded(mean: f64) -> Self {
        Self { mean, low: f64::NEG_INFINITY, high: f64::INFINITY, n: 1 }
    }
}

/// Student's t interval: right for a few independent, roughly normal numbers, such as one score a training seed. `None`
/// without values; unbounded for a single one.
pub fn student_t(values: &[f64]) -> Option<Estimate> {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    match n {
        0 => None,
        1 => Some(Estimate::unbounded(mean)),
        _ => {
            let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
            let half = t_quantile(n - 1) * (variance / n as f64).sqrt();
            Some(Estimate { mean, low: mean - half, high: mean + half, n })
        }
    }
}

/// Percentile bootstrap interval of a mean: for many numbers of any distribution, such as one return an episode. `None`
/// without values; unbounded for a single one.
pub fn bootstrap(values: &[f64], seed: Seed) -> Option<Estimate> {
    let groups: Vec<(f64, f64)> = values.iter().map(|v| (*v, 1.0)).collect();
    bootstrap_groups(&groups, seed)
}

/// Percentile bootstrap interval of a mean over samples that come in dependent groups, such as windows of one episode:
/// whole groups are resampled. Each group is `(sum, count)`; empty groups are left out, and `n` counts the others.
pub fn bootstrap_groups(groups: &[(f64, f64)], seed: Seed) -> Option<Estimate> {
    let groups: Vec<(f64, f64)> = groups.iter().copied().filter(|g| g.1 > 0.0).collect();
    let n = groups.len();
    let ratio = |(sum, count): (f64, f64)| sum / count;
    let add = |a: (f64, f64), b: (f64, f64)| (a.0 + b.0, a.1 + b.1);
    let mean = ratio(groups.iter().copied().fold((0.0, 0.0), add));
    if n < 2 {
        return (n == 1).then(|| Estimate::unbounded(mean));
    }
    let mut rng = seed.rng();
    let mut resample = || ratio((0..n).map(|_| groups[rng.below(n)]).fold((0.0, 0.0), add));
    let mut means: Vec<f64> = (0..N_RESAMPLES).map(|_| resample()).collect();
    means.sort_by(f64::total_cmp);
    Some(Estimate { mean, low: percentile(&means, 0.025), high: percentile(&means, 0.975), n })
}

/// Wilson's score interval of a rate: holds its level for small counts and for rates near 0 and 1. `None` without trials.
pub fn wilson(successes: usize, trials: usize) -> Option<Estimate> {
    if trials == 0 {
        return None;
    }
    let n = trials as f64;
    let mean = successes.min(trials) as f64 / n;
    let centre = (mean + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z * (mean * (1.0 - mean) / n + Z * Z / (4.0 * n * n)).sqrt() / (1.0 + Z * Z / n);
    Some(Estimate { mean, low: (centre - half).max(0.0), high: (centre + half).min(1.0), n: trials })
}

/// The 97.5 % point of Student's t distribution: tabled up to 10 degrees of freedom, then by the expansion in powers of
/// 1/df (Abramowitz and Stegun, 26.7.5), good to 1e-5.
fn t_quantile(df: usize) -> f64 {
    const TABLE: [f64; 10] = [
        12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157,
        2.228_139,
    ];
    if let Some(t) = df.checked_sub(1).and_then(|i| TABLE.get(i)) {
        return *t;
    }
    let powers = |terms: &[(f64, i32)]| terms.iter().map(|(c, p)| c * Z.powi(*p)).sum::<f64>();
    let v = df as f64;
    Z + powers(&[(1.0, 3), (1.0, 1)]) / (4.0 * v)
        + powers(&[(5.0, 5), (16.0, 3), (3.0, 1)]) / (96.0 * v.powi(2))
        + powers(&[(3.0, 7), (19.0, 5), (17.0, 3), (-15.0, 1)]) / (384.0 * v.powi(3))
        + powers(&[(79.0, 9), (776.0, 7), (1482.0, 5), (-1920.0, 3), (-945.0, 1)]) / (92160.0 * v.powi(4))
}

/// The `q` quantile of sorted values, linear between neighbours.
fn percentile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (below, share) = (at as usize, at.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] * (1.0 - share) + sorted[above] * share
}

fn null_is_below<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NEG_INFINITY))
}

fn null_is_above<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_t_quantile_agrees_with_scipy() {
        // scipy.stats.t.ppf(0.975, df)
        for (df, expected) in
            [(1, 12.706_204_7), (4, 2.776_445_1), (11, 2.200_985_2), (30, 2.042_272_5), (200, 1.971_896_2)]
        {
            assert!((t_quantile(df) - expected).abs() < 1e-5, "df {df}: {}", t_quantile(df));
        }
    }
}
