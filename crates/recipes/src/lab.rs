//! How a recipe shows its paper's effect without knowing the program around it: it asks a [`Lab`] for trained agents.

use std::collections::BTreeMap;

use worldsmith_core::Result;

/// One claim of a paper and the experiment that measures it.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Short id, unique within the recipe.
    pub id: &'static str,
    /// The claim in one sentence.
    pub statement: &'static str,
    /// What is measured, with its unit.
    pub metric: &'static str,
    /// What the paper reports, in words.
    pub paper: &'static str,
    /// Runs the experiment.
    pub measure: fn(&mut dyn Lab) -> Result<Finding>,
}

/// A training run asked of a [`Lab`]: everything not named here is the recipe's preset.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Registry name of the recipe to train.
    pub recipe: String,
    /// Overrides, as `--set` takes them: `("model.deter", "128")`.
    pub set: Vec<(String, String)>,
}

/// What a trained agent and its model scored on held-out seeds.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Return of each evaluation episode in the real environment.
    pub returns: Vec<f64>,
    /// Real environment steps spent in training.
    pub env_steps: usize,
    /// Training time, in seconds.
    pub wall_secs: f64,
    /// Scores of the world model on held-out episodes by name (`psnr@15`), and of its floors (`psnr@15/copy`).
    pub model: BTreeMap<String, f64>,
}

/// A mean with its 95 % interval over `n` seeds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// Mean over seeds.
    #[serde(deserialize_with = "nan_if_null")]
    pub mean: f64,
    /// Lower end of the 95 % interval.
    #[serde(deserialize_with = "nan_if_null")]
    pub low: f64,
    /// Upper end of the 95 % interval.
    #[serde(deserialize_with = "nan_if_null")]
    pub high: f64,
    /// Number of seeds.
    pub n: usize,
}

/// JSON has no NaN and writes `null` for it.
fn nan_if_null<'de, D: serde::Deserializer<'de>>(from: D) -> std::result::Result<f64, D::Error> {
    Ok(<Option<f64> as serde::Deserialize>::deserialize(from)?.unwrap_or(f64::NAN))
}

/// What an experiment found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The method.
    pub here: Estimate,
    /// Every baseline, with the same budget.
    pub baselines: BTreeMap<String, Estimate>,
    /// The random policy, or another floor.
    pub floor: Estimate,
    /// Whether the paper's effect appears.
    pub effect: bool,
    /// What a reader should know beside the numbers.
    pub note: String,
}

/// Trains and scores agents for an experiment: same environment, steps and evaluation for every recipe asked for.
pub trait Lab {
    /// Seeds to run, from the command line.
    fn seeds(&self) -> Vec<u64>;

    /// Trains one recipe with one seed and scores it.
    ///
    /// # Errors
    /// If training fails or is interrupted.
    fn train(&mut self, trial: &Trial, seed: u64) -> Result<Outcome>;

    /// Scores the random policy.
    ///
    /// # Errors
    /// If the environment fails.
    fn random(&mut self, seed: u64) -> Result<Outcome>;

    /// Mean and 95 % interval of one number a seed.
    fn estimate(&self, per_seed: &[f64]) -> Estimate;
}
