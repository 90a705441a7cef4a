//! What open-loop prediction found, as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use worldsmith_core::Image;

use crate::{Bin, Estimate};

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
    /// Mean squared error of the reward (an absolute error would favour always saying 0), over the steps after the previous horizon up to this one.
    RewardMse,
    /// Brier score of the end probability, over the steps after the previous horizon up to this one.
    EndBrier,
}

impl Metric {
    /// All of them, in the order of a table's columns.
    pub const ALL: [Metric; 6] =
        [Self::Psnr, Self::PsnrChanged, Self::Ssim, Self::Nrmse, Self::RewardMse, Self::EndBrier];

    /// Name in files and commands (`psnr`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Psnr => "psnr",
            Self::PsnrChanged => "psnr_changed",
            Self::Ssim => "ssim",
            Self::Nrmse => "nrmse",
            Self::RewardMse => "reward_mse",
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

/// The result of [`open_loop`](crate::open_loop()).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenLoop {
    /// Real observations shown before each dream.
    pub context: usize,
    /// Dreams of each window whose mean is scored.
    #[serde(default)]
    pub samples: usize,
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
