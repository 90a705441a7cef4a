//! The part all environments share: counting the steps of an episode and refusing steps outside one.

use serde::{Deserialize, Serialize};
use worldsmith_core::{EnvSpec, Error, Result, StepKind, Value};

/// How far the present episode is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clock {
    n_steps: usize,
    over: bool,
}

impl Clock {
    /// No episode yet.
    pub fn stopped() -> Self {
        Self { n_steps: 0, over: true }
    }

    /// An episode at its first observation.
    pub fn started() -> Self {
        Self { n_steps: 0, over: false }
    }

    /// Checks that `action` may be taken now.
    pub fn admit(&self, spec: &EnvSpec, action: &Value) -> Result<()> {
        if self.over {
            let message = format!("expected a reset of `{}`, got a step outside an episode", spec.id);
            return Err(Error::invalid(message));
        }
        spec.action.check(action)
    }

    /// Counts one step and says where it stands in the episode. Termination goes before the time limit.
    pub fn tick(&mut self, max_steps: Option<usize>, terminated: bool) -> StepKind {
        // A saved state from outside may have counted to the end of all numbers.
        self.n_steps = self.n_steps.saturating_add(1);
        let kind = match max_steps {
            _ if terminated => StepKind::Terminated,
            Some(limit) if self.n_steps >= limit => StepKind::Truncated,
            _ => StepKind::Mid,
        };
        self.over = kind.is_last();
        kind
    }

    /// Whether no episode is under way.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Takes over the verdict of an environment that counts for itself.
    pub fn follow(&mut self, kind: StepKind) {
        self.over = kind.is_last();
    }
}
