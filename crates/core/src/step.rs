//! One moment of an episode.

use serde::{Deserialize, Serialize};

use crate::Value;

/// Where in an episode a step stands. Termination (the world ended) and truncation (somebody stopped watching) are
/// different things: only the first has value zero after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum StepKind {
    /// The first observation after a reset.
    First,
    /// Neither the first nor the last.
    Mid,
    /// The episode ended by the world's own rules.
    Terminated,
    /// The episode was cut off: a time limit, a lost worker.
    Truncated,
}

impl StepKind {
    /// Whether no step follows.
    pub fn is_last(self) -> bool {
        matches!(self, StepKind::Terminated | StepKind::Truncated)
    }
}

/// What an environment answers: the observation, and the reward for the action that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Where in the episode this step stands.
    pub kind: StepKind,
    /// What is seen now.
    pub obs: Value,
    /// Reward for the action that led here; 0 on the first step.
    pub reward: f32,
}

impl Step {
    /// The first step of an episode.
    pub fn first(obs: Value) -> Self {
        Self { kind: StepKind::First, obs, reward: 0.0 }
    }

    /// A step that neither starts nor ends an episode.
    pub fn mid(obs: Value, reward: f32) -> Self {
        Self { kind: StepKind::Mid, obs, reward }
    }

    /// A step at which the world ended.
    pub fn terminated(obs: Value, reward: f32) -> Self {
        Self { kind: StepKind::Terminated, obs, reward }
    }

    /// A step after which the episode was cut off.
    pub fn truncated(obs: Value, reward: f32) -> Self {
        Self { kind: StepKind::Truncated, obs, reward }
    }
}
