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

mod result;
mod score;
mod seen;
mod window;

use burn::prelude::Device;
use worldsmith_core::{Episode, Error, Result, Seed};
use worldsmith_plan::WorldModel;

use crate::Progress;
use crate::events::{calibration_error, reliability};
pub use result::{HorizonScores, Metric, OpenLoop, PredictorScores, Strip};
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
    /// Dreams of each window whose mean is the model's prediction; at least 1. One dream commits to one of several
    /// futures; what minimises the expected error, as the `mean` floor does, is their mean.
    pub samples: usize,
    /// Film strips kept.
    pub n_strips: usize,
}

impl Default for OpenLoopConfig {
    fn default() -> Self {
        Self {
            context: 5,
            horizons: vec![1, 5, 15, 45],
            stride: 15,
            max_windows: 256,
            batch: 32,
            samples: 16,
            n_strips: 3,
        }
    }
}

impl OpenLoopConfig {
    fn check(&self) -> Result<()> {
        let rising = self.horizons.first() > Some(&0) && self.horizons.windows(2).all(|w| w[0] < w[1]);
        if !rising {
            let got = format!("expected rising horizons from 1 on, got {:?}", self.horizons);
            return Err(Error::invalid(got).hint("for example 1, 5, 15, 45"));
        }
        for (name, value) in [
            ("context", self.context),
            ("stride", self.stride),
            ("batch", self.batch),
            ("samples", self.samples),
        ] {
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
            let one = |_| window::dream(model, batch, actions, &config.horizons, device, &mut rng);
            (0..config.samples).map(one).collect::<Result<Vec<_>>>().map(Rollout::mean)
        };
        let last_shown = |w: &Window| averages.seen_in(w.obs(0));
        let copy = Rollout::constant(batch, &config.horizons, (0.0, averages.end), last_shown)?;
        let mean = Rollout::constant(batch, &config.horizons, (averages.reward, averages.end), |_| {
            Ok(averages.seen.clone())
        })?;
        for (tally, rollout) in tallies.iter_mut().zip([dream(&own)?, copy, mean, dream(&others)?]) {
            tally.add(batch, &rollout, &averages)?;
        }
        progress(end, windows.len())?;
    }
    let bins = reliability(&tallies[0].all_ends(), N_BINS);
    Ok(OpenLoop {
        context: config.context,
        samples: config.samples,
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
        let rollout =
            window::dream(model, alone, &[*window], &steps, device, &mut seed.index(i as u64).rng())?;
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
