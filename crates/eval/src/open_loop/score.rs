//! Adds up scores window by window, and turns them into estimates.

use std::collections::BTreeMap;

use worldsmith_core::{Result, Seed};

use super::seen::{Averages, Seen};
use super::window::{Rollout, Window};
use super::{HorizonScores, Metric, PredictorScores};
use crate::events::{Forecast, auroc};
use crate::interval::bootstrap_groups;
use crate::metrics::{psnr, psnr_changed, ssim};

/// Sum and count of one metric in each episode.
type Groups = Vec<(f64, f64)>;

/// Everything one predictor scored.
pub(super) struct Tally {
    name: &'static str,
    n_episodes: usize,
    at: Vec<AtHorizon>,
}

/// What was scored between the previous horizon and this one.
struct AtHorizon {
    /// Steps after the previous horizon, up to and with this one.
    band: std::ops::RangeInclusive<usize>,
    n_windows: usize,
    groups: BTreeMap<Metric, Groups>,
    /// Predicted size of the reward, and whether it was not zero.
    rewards: Vec<Forecast>,
    ends: Vec<Forecast>,
}

impl Tally {
    pub fn new(name: &'static str, horizons: &[usize], n_episodes: usize) -> Self {
        let previous = std::iter::once(0).chain(horizons.iter().copied());
        let at = previous.zip(horizons).map(|(previous, horizon)| AtHorizon {
            band: previous + 1..=*horizon,
            n_windows: 0,
            groups: BTreeMap::new(),
            rewards: Vec::new(),
            ends: Vec::new(),
        });
        Self { name, n_episodes, at: at.collect() }
    }

    /// Scores a batch of windows.
    pub fn add(&mut self, windows: &[Window<'_>], rollout: &Rollout, averages: &Averages<'_>) -> Result<()> {
        for (row, window) in windows.iter().enumerate() {
            let last_shown = averages.seen_in(window.obs(0))?;
            for at in &mut self.at {
                let mut put = |metric, score| {
                    let groups = at.groups.entry(metric).or_insert_with(|| vec![(0.0, 0.0); self.n_episodes]);
                    let group = &mut groups[window.episode_idx];
                    *group = (group.0 + score, group.1 + 1.0);
                };
                for k in at.band.clone().take_while(|k| *k <= window.n_steps()) {
                    let (reward, end) = rollout.outcome(k, row);
                    put(Metric::RewardMse, (reward - window.reward(k)).powi(2));
                    put(Metric::EndBrier, (end - f64::from(u8::from(window.ends(k)))).powi(2));
                    at.rewards.push(Forecast { score: reward.abs(), happened: window.reward(k) != 0.0 });
                    at.ends.push(Forecast { score: end, happened: window.ends(k) });
                }
                let horizon = *at.band.end();
                if horizon > window.n_steps() {
                    continue;
                }
                at.n_windows += 1;
                if let Some(guess) = rollout.seen(horizon, row) {
                    let real = averages.seen_in(window.obs(horizon))?;
                    compare(&real, guess, &last_shown, &averages.std, put)?;
                }
            }
        }
        Ok(())
    }

    /// Every end forecast, over all horizons.
    pub fn all_ends(&self) -> Vec<Forecast> {
        self.at.iter().flat_map(|at| &at.ends).copied().collect()
    }
}

/// Scores one foretold observation.
fn compare(
    real: &Seen,
    guess: &Seen,
    last_shown: &Seen,
    std: &[f64],
    mut put: impl FnMut(Metric, f64),
) -> Result<()> {
    if let (Some(real), Some(guess), Some(shown)) = (&real.image, &guess.image, &last_shown.image) {
        put(Metric::Psnr, psnr(real, guess)?);
        psnr_changed(real, guess, shown)?.into_iter().for_each(|x| put(Metric::PsnrChanged, x));
        ssim(real, guess)?.into_iter().for_each(|x| put(Metric::Ssim, x));
    }
    if !real.vector.is_empty() {
        let pairs = real.vector.iter().zip(&guess.vector).zip(std);
        let squared: f64 = pairs.map(|((a, b), std)| (f64::from(a - b) / std).powi(2)).sum();
        put(Metric::Nrmse, (squared / real.vector.len() as f64).sqrt());
    }
    Ok(())
}

/// The estimates at every horizon; the first tally is the model's.
pub(super) fn horizons(horizons: &[usize], tallies: &[Tally], seed: Seed) -> Vec<HorizonScores> {
    let at_horizon = |(i, horizon): (usize, &usize)| {
        let model = &tallies[0].at[i];
        let count = |events: &[Forecast]| events.iter().filter(|f| f.happened).count();
        HorizonScores {
            horizon: *horizon,
            n_windows: model.n_windows,
            n_steps: model.ends.len(),
            n_rewards: count(&model.rewards),
            n_ends: count(&model.ends),
            predictors: tallies.iter().map(|t| predictor(t.name, &t.at[i], model, seed)).collect(),
        }
    };
    horizons.iter().enumerate().map(at_horizon).collect()
}

fn predictor(name: &str, at: &AtHorizon, model: &AtHorizon, seed: Seed) -> PredictorScores {
    let estimate = |(metric, groups): (&Metric, &Groups)| Some((*metric, bootstrap_groups(groups, seed)?));
    let gain = |(metric, floor): (&Metric, &Groups)| {
        let sign = if metric.is_higher_better() { 1.0 } else { -1.0 };
        // The counts are equal: both predictors face the same windows.
        let differences = model.groups.get(metric)?.iter().zip(floor).map(|(m, f)| (sign * (m.0 - f.0), m.1));
        Some((*metric, bootstrap_groups(&differences.collect::<Groups>(), seed)?))
    };
    let is_model = std::ptr::eq(at, model);
    PredictorScores {
        name: name.to_string(),
        scores: at.groups.iter().filter_map(estimate).collect(),
        gains: if is_model { BTreeMap::new() } else { at.groups.iter().filter_map(gain).collect() },
        reward_auroc: auroc(&at.rewards),
        end_auroc: auroc(&at.ends),
    }
}
