//! One folder per method, and the registry of them.
//!
//! A recipe is a paper read in one sitting: its `mod.rs` holds the idea, the equations, the configuration, the model and
//! the loss; `claim.rs` the experiment that shows the paper's effect; `presets.toml` the sizes. No recipe imports
//! another: what two share lives in `worldsmith-nn`.

mod dqn;
mod dreamer_v3;
mod feed;
mod lab;
pub use worldsmith_nn::cpu;
mod recipe;
mod saved;

pub use lab::{Claim, Estimate, Finding, Lab, Outcome, Trial};
pub use recipe::{Learner, Metrics, Recipe};

/// Every recipe, in the order they are listed.
pub const RECIPES: &[&dyn Recipe] = &[&dreamer_v3::DreamerV3, &dqn::Dqn];

/// The recipe called `name`.
///
/// # Errors
/// [`ErrorKind::Unknown`](worldsmith_core::ErrorKind::Unknown) with the nearest name.
pub fn recipe(name: &str) -> worldsmith_core::Result<&'static dyn Recipe> {
    let known = RECIPES.iter().map(|r| r.card().name);
    let found = RECIPES.iter().find(|r| r.card().name == name).copied();
    found.ok_or_else(|| worldsmith_core::Error::unknown("recipe", name, known, "worldsmith recipes"))
}
