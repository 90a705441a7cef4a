//! Open-loop prediction: show a model a few real steps, let it dream on under the recorded actions, and compare.
//!
//! Four predictors face the very same windows of held-out episodes: the model, and three floors that any model worth its
//! name must beat.
//!
//! - `copy`: the last frame shown, reward 0, ends at the training set's rate
//! - `mean`: the mean training frame, the mean reward, ends at the training set's rate
//! - `shuffled`: the same model under another window's actions; a model that ignores actions cannot beat it
//!
//! Windows are laid over an episode from a random offset at a fixed stride, without regard to what happens in them, so
//! that ends and rewards occur at their natural rate and the end head's probabilities can be judged as probabilities.

mod score;
mod seen;
mod window;

use std::collections::BTreeMap;

use burn::prelude::Device;
use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, Error, Image, Result, Seed};
use worldsmith_plan::WorldModel;

use crate::events::{Bin, calibration_error, reliability};
use crate::{Estimate, Progress};
use score::Tally;
use seen::Averages;
use window::{Rollout, Window};

/// Bins of the end head's reliability table.
const N_BINS: usize = 10;
/// Imagined frames in a film strip, spread over the longest horizon.
const STRIP_FRAMES: usize = 9;

/// What is measured, and on how much.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenLoopConfig {
    /// Real observations shown before the model is on its own; at least 1.
    pub context: usize,
    /// Steps ahead at which predictions are compared, rising, at least 1.
    pub horizons: Vec<usize>,
    /// Steps between the starts of two windows of one episode; at least 1.
    pub stride: usize,
    /// Most windows judged; a random choice where there are more.
    pub max_windows: usize,
    /// Windows imagined at once; at least 1.
    pub batch: usize,
    /// Film strips kept.
    pub n_strips: usize,
}

impl Default for OpenLoopConfig {
    fn default() -> Self {
        Self { context: 5, horizons: vec![1, 5, 15, 45], stride: 15, max_windows: 256, batch: 32, n_strips: 3 }
    }
}

impl OpenLoopConfig {
    fn check(&self) -> Result<()> {
        let rising = self.horizons.first() > Some(&0) && self.horizons.windows(2).all(|w| w[0] < w[1]);
        if !rising {
            let got = format!("expected rising horizons from 1 on, got {:?}", self.horizons);
            return Err(Error::invalid(got).hint("for example 1, 5, 15, 45"));
        }
        for (name, value) in [("context", self.context), ("stride", self.stride), ("batch", self.batch)] {
            if value == 0 {
                return Err(Error::invalid(format!("expected `{name}` of at least 1, got 0")));
            }
        }
        Ok(())
    }

    fn longest(&self) -> usize {
        self.horizons.last().copied().unwrap_or(0)
    }
}

/// Recorded episodes, parted: the judge learns averages from `training` and judges on `held_out`.
#[derive(Debug, Clone, Copy)]
pub struct Split<'a> {
    /// What the model may have seen: source of the floors' averages.
    pub training: &'a [Episode],
    /// What the model has not seen.
    pub held_out: &'a [Episode],
}

/// What is measured at a horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Peak signal-to-noise ratio of the picture, dB ([`crate::psnr`]).
    Psnr,
    /// The same over the pixels that changed since the last frame shown ([`crate::psnr_changed`]).
    PsnrChanged,
    /// Structural similarity of the picture ([`crate::ssim`]).
    Ssim,
    /// Root mean squared error of the numbers observed, each divided by its standard deviation in training.
    Nrmse,
    /// Mean absolute error of the reward, over the steps after the previous horizon up to this one.
    RewardMae,
    /// Brier score of the end probability, over the steps after the previous horizon up to this one.
    EndBrier,
}

impl Metric {
    /// All of them, in the order of a table's columns.
    pub const ALL: [Metric; 6] =
        [Self::Psnr, Self::PsnrChanged, Self::Ssim, Self::Nrmse, Self::RewardMae, Self::EndBrier];

    /// Name in files and commands (`psnr`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Psnr => "psnr",
            Self::PsnrChanged => "psnr_changed",
            Self::Ssim => "ssim",
            Self::Nrmse => "nrmse",
            Self::RewardMae => "reward_mae",
            Self::EndBrier => "end_brier",
        }
    }

    /// Whether a larger number is nearer the truth.
    pub fn is_higher_better(self) -> bool {
        matches!(self, Self::Psnr | Self::PsnrChanged | Self::Ssim)
    }
}

/// The scores of one predictor at one horizon; intervals are bootstrapped over episodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictorScores {
    /// `model`, `copy`, `mean` or `shuffled`.
    pub name: String,
    /// Mean of each metric that applies.
    pub scores: BTreeMap<Metric, Estimate>,
    /// How much better the model is on the same windows: positive where the model is nearer the truth, whatever the
    /// metric's direction. Empty for the model itself.
    pub gains: BTreeMap<Metric, Estimate>,
    /// How well the size of the predicted reward ranks steps with a non-zero reward; 0.5 is chance.
    pub reward_auroc: Option<f64>,
    /// How well the end probability ranks the steps at which the world ended; 0.5 is chance.
    pub end_auroc: Option<f64>,
}

/// All predictors at one horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HorizonScores {
    /// Steps ahead of the last frame shown.
    pub horizon: usize,
    /// Windows whose episode lasts this long; only these count for the observation metrics.
    pub n_windows: usize,
    /// Steps after the previous horizon up to this one; they count for the reward and end metrics.
    pub n_steps: usize,
    /// Non-zero rewards among those steps.
    pub n_rewards: usize,
    /// Terminations among those steps.
    pub n_ends: usize,
    /// The model first, then the floors.
    pub predictors: Vec<PredictorScores>,
}

impl HorizonScores {
    /// The floors, without the model.
    pub fn floors(&self) -> &[PredictorScores] {
        self.predictors.get(1..).unwrap_or_default()
    }

    /// Whether the model's gain over every floor has its whole interval above zero.
    pub fn beats_every_floor(&self, metric: Metric) -> bool {
        let beaten = |floor: &PredictorScores| floor.gains.get(&metric).is_some_and(|g| g.is_above(0.0));
        !self.floors().is_empty() && self.floors().iter().all(beaten)
    }
}

/// What was and what was dreamt, frame by frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Strip {
    /// Which window this is, in words.
    pub name: String,
    /// Steps ahead of each frame; 0 is the last frame shown, and what the model makes of it.
    pub steps: Vec<usize>,
    /// The recorded frames.
    pub real: Vec<Image>,
    /// The model's frames.
    pub dream: Vec<Image>,
}

/// The result of [`open_loop`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenLoop {
    /// Real observations shown before each dream.
    pub context: usize,
    /// Windows judged.
    pub n_windows: usize,
    /// Held-out episodes they come from.
    pub n_episodes: usize,
    /// One entry a horizon, rising. A horizon that no held-out episode reaches has no windows and no scores.
    pub horizons: Vec<HorizonScores>,
    /// The end head's reliability over all steps of all horizons.
    pub reliability: Vec<Bin>,
    /// Expected calibration error of the end head over the same steps.
    pub end_ece: Option<f64>,
    /// Film strips; empty where nothing is seen as a picture.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strips: Vec<Strip>,
}

impl OpenLoop {
    /// The metric that decides whether a model is better than a floor: PSNR where there are pictures, else NRMSE.
    pub fn deciding_metric(&self) -> Metric {
        let has_psnr = |h: &HorizonScores| h.predictors.iter().any(|p| p.scores.contains_key(&Metric::Psnr));
        if self.horizons.iter().any(has_psnr) { Metric::Psnr } else { Metric::Nrmse }
    }

    /// Every mean by name: `psnr@15` for the model, `psnr@15/copy` for a floor.
    pub fn means(&self) -> BTreeMap<String, f64> {
        let mut out = BTreeMap::new();
        for at in &self.horizons {
            for (i, predictor) in at.predictors.iter().enumerate() {
                for (metric, estimate) in &predictor.scores {
                    let name = format!("{}@{}", metric.name(), at.horizon);
                    let name = if i == 0 { name } else { format!("{name}/{}", predictor.name) };
                    out.insert(name, estimate.mean);
                }
            }
        }
        out
    }
}

/// Judges `model` by open-loop prediction on the held-out episodes.
///
/// `device` is where the model lives; `seed` draws the windows, the dreams and the bootstrap resamples; `progress` is
/// called after every batch with windows done and windows in all.
///
/// # Errors
/// If the configuration is out of range, fewer than two windows fit into the held-out episodes, an episode is not what the
/// model was made for, a prediction is not a finite number, or `progress` stops the judging.
pub fn open_loop(
    model: &dyn WorldModel,
    data: Split<'_>,
    config: &OpenLoopConfig,
    device: &Device,
    seed: Seed,
    progress: Progress<'_>,
) -> Result<OpenLoop> {
    config.check()?;
    let spec = model.spec();
    let averages = Averages::of(data.training, &spec.obs)?;
    let windows = window::select(data.held_out, config, &spec.action, seed.derive("windows"))?;
    let partner = window::derangement(windows.len(), &mut seed.derive("shuffle").rng());
    let mut tallies = ["model", "copy", "mean", "shuffled"]
        .map(|name| Tally::new(name, &config.horizons, data.held_out.len()));
    for (i, start) in (0..windows.len()).step_by(config.batch).enumerate() {
        let end = (start + config.batch).min(windows.len());
        let batch = &windows[start..end];
        let others: Vec<&Window> = partner[start..end].iter().map(|j| &windows[*j]).collect();
        let own: Vec<&Window> = batch.iter().collect();
        // Both dreams draw the same noise, so that only the actions differ.
        let dream = |actions: &[&Window]| {
            let mut rng = seed.derive("dream").index(i as u64).rng();
            window::dream(model, batch, actions, &config.horizons, device, &mut rng)
        };
        let last_shown = |w: &Window| averages.seen_in(w.obs(0));
        let copy = Rollout::constant(batch, &config.horizons, (0.0, averages.end), last_shown)?;
        let mean =
            Rollout::constant(batch, &config.horizons, (averages.reward, averages.end), |_| Ok(averages.seen.clone()))?;
        for (tally, rollout) in tallies.iter_mut().zip([dream(&own)?, copy, mean, dream(&others)?]) {
            tally.add(batch, &rollout, &averages)?;
        }
        progress(end, windows.len())?;
    }
    let bins = reliability(&tallies[0].all_ends(), N_BINS);
    Ok(OpenLoop {
        context: config.context,
        n_windows: windows.len(),
        n_episodes: windows.chunk_by(|a, b| a.episode_idx == b.episode_idx).count(),
        horizons: score::horizons(&config.horizons, &tallies, seed.derive("bootstrap")),
        end_ece: calibration_error(&bins),
        reliability: bins,
        strips: strips(model, &windows, config, device, seed.derive("strips"))?,
    })
}

/// Film strips of the longest windows, no two from one episode.
fn strips(
    model: &dyn WorldModel,
    windows: &[Window<'_>],
    config: &OpenLoopConfig,
    device: &Device,
    seed: Seed,
) -> Result<Vec<Strip>> {
    if model.spec().obs.image().is_none() {
        return Ok(Vec::new());
    }
    let mut longest: Vec<&Window> = Vec::new();
    for episode in windows.chunk_by(|a, b| a.episode_idx == b.episode_idx) {
        longest.extend(episode.iter().max_by_key(|w| w.n_steps()));
    }
    longest.sort_by_key(|w| std::cmp::Reverse(w.n_steps()));
    longest.truncate(config.n_strips);
    let mut steps: Vec<usize> =
        (0..=STRIP_FRAMES).map(|i| (i * config.longest()).div_ceil(STRIP_FRAMES)).chain([1]).collect();
    steps.sort_unstable();
    steps.dedup();
    let strip = |(i, window): (usize, &&Window)| {
        let alone = std::slice::from_ref(*window);
        let rollout = window::dream(model, alone, &[*window], &steps, device, &mut seed.index(i as u64).rng())?;
        let mut strip = Strip { name: window.name(), steps: Vec::new(), real: Vec::new(), dream: Vec::new() };
        for step in steps.iter().copied().filter(|k| *k <= window.n_steps()) {
            let dreamt = rollout.seen(step, 0).and_then(|s| s.image.clone());
            if let (Some(real), Some(dreamt)) = (window.obs(step).image(), dreamt) {
                strip.steps.push(step);
                strip.real.push(real.clone());
                strip.dream.push(dreamt);
            }
        }
        Ok(strip)
    };
    let strips: Result<Vec<Strip>> = longest.iter().enumerate().map(strip).collect();
    Ok(strips?.into_iter().filter(|s| !s.steps.is_empty()).collect())
}
