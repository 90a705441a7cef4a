//! The two traits a method implements: [`Recipe`] (what it is, how it is built) and [`Learner`] (what is trained).

use std::collections::BTreeMap;
use std::path::Path;

use burn::prelude::Device;
use worldsmith_core::{Card, EnvSpec, Result, Seed};
use worldsmith_data::Replay;
use worldsmith_plan::{Policy, WorldModel};

use crate::Claim;

/// Numbers a learner reports about one update, by name (`loss/image`, `return/mean`).
pub type Metrics = BTreeMap<&'static str, f64>;

/// A registry entry: data plus constructors.
pub trait Recipe: Sync {
    /// Name, paper, idea.
    fn card(&self) -> &'static Card;

    /// TOML with one table a preset (`tiny`, `small`, `paper`), each with a `run` table (the facade's budget) and a
    /// `model` table (this recipe's configuration).
    fn presets(&self) -> &'static str;

    /// The experiments that show the paper's claims.
    fn claims(&self) -> &'static [Claim];

    /// The complete `model` configuration: `given` with every default filled in.
    ///
    /// # Errors
    /// For unknown keys and values of the wrong type or range.
    fn resolve(&self, given: &toml::Table) -> Result<toml::Table>;

    /// A freshly initialised learner for `spec`, from a resolved `model` configuration.
    ///
    /// # Errors
    /// If the configuration is out of range or the method cannot handle the environment's spaces.
    fn build(
        &self,
        model: &toml::Table,
        spec: &EnvSpec,
        seed: Seed,
        device: &Device,
    ) -> Result<Box<dyn Learner>>;
}

/// A model (and agent, where the method has one) with everything needed to go on training it.
pub trait Learner: Send {
    /// The policy as it is now; a cheap copy that later updates leave alone.
    fn policy(&self) -> Box<dyn Policy>;

    /// The world model as it is now, a cheap copy; `None` for a model-free method.
    fn model(&self) -> Option<Box<dyn WorldModel>>;

    /// One gradient update from `replay`, which holds at least one full window.
    ///
    /// # Errors
    /// [`ErrorKind::Diverged`](worldsmith_core::ErrorKind::Diverged) naming the loss term that is not finite.
    fn update(&mut self, replay: &mut Replay) -> Result<Metrics>;

    /// Writes `model.safetensors` (what predicting and acting need) and `train.safetensors` + `train.json` (optimiser,
    /// statistics, random streams) into the existing folder `dir`.
    ///
    /// # Errors
    /// If a file cannot be written.
    fn save(&self, dir: &Path) -> Result<()>;

    /// Reads what [`Learner::save`] wrote. With `inference` only `model.safetensors` is read, and training cannot go on.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](worldsmith_core::ErrorKind::Corrupt) or
    /// [`ErrorKind::Mismatch`](worldsmith_core::ErrorKind::Mismatch), naming the file and the tensor.
    fn load(&mut self, dir: &Path, inference: bool) -> Result<()>;
}
