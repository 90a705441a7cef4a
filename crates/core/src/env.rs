//! The environment seam: real games, Python workers and learned dreams all stand behind [`Env`].

use serde::{Deserialize, Serialize};

use crate::{Result, Seed, Space, Step, Value};

/// What an environment is called and what goes in and out of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnvSpec {
    /// The id it was made by, such as `breakout` or `gym:CartPole-v1`.
    pub id: String,
    /// What is seen.
    pub obs: Space,
    /// What can be done.
    pub action: Space,
    /// Names of discrete actions, in order; empty if they have none.
    pub action_names: Vec<String>,
    /// Steps after which an episode is truncated, if limited.
    pub max_steps: Option<usize>,
}

/// Something that can be reset and stepped.
///
/// Contract: `reset` first; after a last step (`StepKind::is_last`) only `reset` is allowed; the same seed and actions
/// give the same steps, unless the environment is an outside process that cannot promise it.
pub trait Env: Send {
    /// What goes in and out; constant over the environment's life.
    fn spec(&self) -> &EnvSpec;

    /// Starts a new episode and returns its first step.
    ///
    /// # Errors
    /// When an outside process fails for good.
    fn reset(&mut self, seed: Seed) -> Result<Step>;

    /// Takes one action.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an action outside the action space or a step after the
    /// end; [`ErrorKind::External`](crate::ErrorKind::External) when an outside process fails for good.
    fn step(&mut self, action: &Value) -> Result<Step>;

    /// The complete state as bytes, or `None` where it cannot be saved (an outside process).
    fn snapshot(&self) -> Option<Vec<u8>> {
        None
    }

    /// Goes back to a state written by [`Env::snapshot`] of an environment of the same spec.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if the bytes are not such a state.
    fn restore(&mut self, _state: &[u8]) -> Result<()> {
        Err(crate::Error::invalid(format!("environment `{}` cannot restore a state", self.spec().id)))
    }
}
