//! Anything that acts: a trained actor, a planner around a model, or chance.

use worldsmith_core::{Result, Rng, Space, Value};

use crate::Latent;

/// How to choose among actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Draw from the policy's distribution, as during collection.
    Sample,
    /// Take the most probable action, as during evaluation.
    Greedy,
}

/// Acts for several environments at once, keeping a memory of each.
pub trait Policy: Send {
    /// Registry name, as written into the episodes it collects.
    fn name(&self) -> &str;

    /// Empty memory for `n` environments.
    fn start(&self, n: usize) -> Latent;

    /// One action for each observation. Rows with `first` set start a new episode; `memory` is updated in place.
    ///
    /// # Errors
    /// If an observation is not what the policy was made for.
    fn act(
        &self,
        memory: &mut Latent,
        obs: &[Value],
        first: &[bool],
        mode: Mode,
        rng: &mut Rng,
    ) -> Result<Vec<Value>>;
}

/// Uniform draws from the action space: the floor under every score.
#[derive(Debug, Clone)]
pub struct RandomPolicy {
    /// What is drawn from.
    pub action: Space,
}

impl Policy for RandomPolicy {
    fn name(&self) -> &str {
        "random"
    }

    fn start(&self, _n: usize) -> Latent {
        Latent::default()
    }

    fn act(
        &self,
        _memory: &mut Latent,
        obs: &[Value],
        _first: &[bool],
        _mode: Mode,
        rng: &mut Rng,
    ) -> Result<Vec<Value>> {
        Ok(obs.iter().map(|_| self.action.sample(rng)).collect())
    }
}
