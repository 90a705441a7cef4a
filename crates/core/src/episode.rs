//! A whole episode, aligned once and for all.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, Seed, Step, StepKind, Value};

/// Where an episode came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpisodeMeta {
    /// Id of the environment.
    pub env: String,
    /// Who acted: `random`, a recipe's name, `human`.
    pub policy: String,
    /// Seed the environment was reset with.
    pub seed: Seed,
    /// `real`, or `dream` for an imagined episode.
    pub source: String,
    /// The task in words, where there is one.
    pub task: Option<String>,
}

/// One episode of `T` actions and `T + 1` observations.
///
/// Alignment: `actions[t]`, taken on seeing `obs[t]`, led to `rewards[t]` and `obs[t + 1]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// `T + 1` observations.
    pub obs: Vec<Value>,
    /// `T` actions.
    pub actions: Vec<Value>,
    /// `T` rewards; `rewards[t]` answers `actions[t]`.
    pub rewards: Vec<f32>,
    /// How it ended: terminated, truncated, or [`StepKind::Mid`] while it is still going on.
    pub end: StepKind,
    /// Where it came from.
    pub meta: EpisodeMeta,
}

impl Episode {
    /// Starts an episode from its first observation.
    pub fn start(first: Value, meta: EpisodeMeta) -> Self {
        Self { obs: vec![first], actions: Vec::new(), rewards: Vec::new(), end: StepKind::Mid, meta }
    }

    /// Adds an action and the step that answered it.
    ///
    /// # Errors
    /// If the episode has already ended, or `step` is a first step.
    pub fn push(&mut self, action: Value, step: Step) -> Result<()> {
        if self.end.is_last() || step.kind == StepKind::First {
            return Err(Error::invalid("expected a step that follows the last one of an unfinished episode"));
        }
        self.actions.push(action);
        self.rewards.push(step.reward);
        self.obs.push(step.obs);
        self.end = step.kind;
        Ok(())
    }

    /// Number of actions, `T`.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether no action was taken yet.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Sum of rewards.
    pub fn total_reward(&self) -> f32 {
        self.rewards.iter().sum()
    }

    /// The stretch `steps` of it: observations `steps.start..=steps.end`, actions and rewards `steps`. What stops before
    /// the episode does ends in [`StepKind::Mid`].
    ///
    /// # Errors
    /// If it has no such steps.
    pub fn slice(mut self, steps: Range<usize>) -> Result<Self> {
        let n = self.len();
        if steps.start > steps.end || steps.end > n {
            return Err(Error::invalid(format!("expected steps within 0..{n}, got {steps:?}")));
        }
        if steps.end < n {
            self.end = StepKind::Mid;
        }
        self.obs.truncate(steps.end + 1);
        self.obs.drain(..steps.start);
        self.actions.truncate(steps.end);
        self.actions.drain(..steps.start);
        self.rewards.truncate(steps.end);
        self.rewards.drain(..steps.start);
        Ok(self)
    }

    /// Where step `t` of `0..=T` stands in the episode.
    pub fn kind(&self, t: usize) -> StepKind {
        match t {
            0 => StepKind::First,
            t if t == self.len() => self.end,
            _ => StepKind::Mid,
        }
    }
}
