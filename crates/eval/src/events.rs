//! How well rare events are foretold: Brier score, reliability, AUROC, average precision.

use serde::{Deserialize, Serialize};

/// What was foretold of one moment, and whether it happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// A probability, or for the ranking scores any number that is higher the more the event is expected.
    pub score: f64,
    /// Whether the event happened.
    pub happened: bool,
}

/// One bin of a reliability table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lowest probability in the bin.
    pub low: f64,
    /// Highest probability in the bin.
    pub high: f64,
    /// Mean of the foretold probabilities; the bin's middle if it is empty.
    pub predicted: f64,
    /// How often the event happened; 0 if the bin is empty.
    pub observed: f64,
    /// Number of forecasts in the bin.
    pub count: usize,
}

/// Mean squared difference between probability and outcome: 0 is perfect. `None` without forecasts.
pub fn brier(forecasts: &[Forecast]) -> Option<f64> {
    let total: f64 = forecasts.iter().map(|f| (f.score - f64::from(u8::from(f.happened))).powi(2)).sum();
    (!forecasts.is_empty()).then(|| total / forecasts.len() as f64)
}

/// Forecasts sorted into `n_bins` bins of equal width over `0..=1`.
pub fn reliability(forecasts: &[Forecast], n_bins: usize) -> Vec<Bin> {
    let width = 1.0 / n_bins.max(1) as f64;
    let mut sums = vec![(0.0, 0usize, 0usize); n_bins];
    for forecast in forecasts {
        let Some(last) = n_bins.checked_sub(1) else { break };
        let bin = &mut sums[((forecast.score / width) as usize).min(last)];
        *bin = (bin.0 + forecast.score, bin.1 + usize::from(forecast.happened), bin.2 + 1);
    }
    let bin = |(i, (score, hits, count)): (usize, &(f64, usize, usize))| {
        let (low, n) = (i as f64 * width, (*count).max(1) as f64);
        let predicted = if *count == 0 { low + width / 2.0 } else { score / n };
        Bin { low, high: low + width, predicted, observed: *hits as f64 / n, count: *count }
    };
    sums.iter().enumerate().map(bin).collect()
}

/// Expected calibration error: the mean gap between foretold and observed frequency, weighted by count. `None` if all
/// bins are empty.
pub fn calibration_error(bins: &[Bin]) -> Option<f64> {
    let n: usize = bins.iter().map(|b| b.count).sum();
    let gaps: f64 = bins.iter().map(|b| b.count as f64 * (b.predicted - b.observed).abs()).sum();
    (n > 0).then(|| gaps / n as f64)
}

/// Probability that a moment at which the event happened scores higher than one at which it did not, ties counting half:
/// 0.5 is chance. `None` unless both kinds occur.
pub fn auroc(forecasts: &[Forecast]) -> Option<f64> {
    let groups = by_falling_score(forecasts);
    let (hits, misses) = totals(&groups)?;
    let mut below = misses;
    let mut won = 0.0;
    for (h, m) in groups {
        below -= m;
        won += h * (below + m / 2.0);
    }
    (misses > 0.0).then(|| won / (hits * misses))
}

/// Average precision: the mean, over the events, of the share of events among all moments scored at least as high.
/// Chance is the event's base rate. `None` if the event never happened.
pub fn average_precision(forecasts: &[Forecast]) -> Option<f64> {
    let groups = by_falling_score(forecasts);
    let (hits, _) = totals(&groups)?;
    let (mut found, mut seen, mut sum) = (0.0, 0.0, 0.0);
    for (h, m) in groups {
        found += h;
        seen += h + m;
        sum += h * found / seen;
    }
    Some(sum / hits)
}

/// Events and non-events of each distinct score, highest score first.
fn by_falling_score(forecasts: &[Forecast]) -> Vec<(f64, f64)> {
    let mut sorted = forecasts.to_vec();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let count = |group: &[Forecast]| {
        let hits = group.iter().filter(|f| f.happened).count();
        (hits as f64, (group.len() - hits) as f64)
    };
    sorted.chunk_by(|a, b| a.score == b.score).map(count).collect()
}

/// All events and all non-events; `None` if there is no event.
fn totals(groups: &[(f64, f64)]) -> Option<(f64, f64)> {
    let sum = groups.iter().fold((0.0, 0.0), |t, g| (t.0 + g.0, t.1 + g.1));
    (sum.0 > 0.0).then_some(sum)
}
