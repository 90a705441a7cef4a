//! Hindsight: experience as if what was reached had been the goal all along.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng};

use super::Replay;
use crate::{Batch, Cell, Column, StepId};

/// Where a new goal is taken from (Andrychowicz et al., 2017, "Hindsight Experience Replay", section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Any later step of the same episode, all equally likely.
    Future,
    /// The last step of the same episode.
    Final,
    /// Any step held, all equally likely.
    Random,
}

/// How to give windows new goals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relabel {
    /// The observation leaf that says what was reached, such as `achieved_goal`.
    pub achieved: String,
    /// The leaf that says what was wanted, such as `desired_goal`; of the same shape.
    pub desired: String,
    /// Where new goals come from.
    pub goal: Goal,
    /// The share of windows that get one, in `0..=1`.
    pub share: f32,
}

impl Relabel {
    /// Gives each window of a batch, with probability `share`, one new goal: what was reached at a step after its start.
    /// It becomes the goal of all steps of the start's episode in the window, and their rewards become
    /// `reward(reached, goal)`, except on a first step, which has none. Steps of other episodes stay as they are, and so
    /// do `terminal` and `last`.
    ///
    /// Returns the step each new goal was taken from. The start itself, where no step follows it.
    ///
    /// # Errors
    /// If the leaves are missing or of different shape, the share is none, a start has left the replay, or a reward is
    /// not a finite number. The batch may be half done then.
    pub fn apply(
        &self,
        batch: &mut Batch,
        replay: &Replay,
        rng: &mut Rng,
        mut reward: impl FnMut(Cell, Cell) -> f32,
    ) -> Result<Vec<Option<StepId>>> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(Error::invalid(format!("expected a `share` in 0..=1, got {}", self.share)));
        }
        let mut desired = self.take_desired(batch)?;
        let result = (0..batch.n_seqs).map(|b| {
            if !rng.chance(self.share) {
                return Ok(None);
            }
            let step = self.draw(replay, replay.find(batch.starts[b])?, rng);
            let mut decoded = Vec::new();
            let goal = replay.cell(&self.achieved, step, &mut decoded)?;
            let goal = goal.ok_or_else(|| missing(&self.achieved))?;
            let rows = b * batch.n_steps..(b + 1) * batch.n_steps;
            for i in rows.filter(|i| batch.mask[*i]) {
                desired.set(i, goal);
                if !batch.first[i] {
                    let reached = batch.obs.get(&self.achieved).and_then(|column| column.get(i));
                    batch.reward[i] = reward(reached.ok_or_else(|| missing(&self.achieved))?, goal);
                    check_reward(batch.reward[i])?;
                }
            }
            Ok(Some(replay.timeline.id(step)))
        });
        let result = result.collect();
        batch.obs.insert(self.desired.clone(), desired);
        result
    }

    /// Takes the goals out of the batch, so that they can be written while the rest is read.
    fn take_desired(&self, batch: &mut Batch) -> Result<Column> {
        let fits = match (batch.obs.get(&self.achieved), batch.obs.get(&self.desired)) {
            (None, _) => return Err(missing(&self.achieved)),
            (_, None) => return Err(missing(&self.desired)),
            (Some(Column::U8 { shape, .. }), Some(Column::U8 { shape: other, .. }))
            | (Some(Column::F32 { shape, .. }), Some(Column::F32 { shape: other, .. })) => shape == other,
            _ => false,
        };
        if !fits || self.achieved == self.desired {
            return Err(Error::invalid(format!(
                "expected two observations of one shape, got `{}` and `{}`",
                self.achieved, self.desired
            )));
        }
        batch.obs.remove(&self.desired).ok_or_else(|| missing(&self.desired))
    }

    /// The step whose goal a window at `start` gets.
    fn draw(&self, replay: &Replay, start: u64, rng: &mut Rng) -> u64 {
        let own = replay.timeline.own(start);
        let n_later = own.end - 1 - start;
        match self.goal {
            Goal::Future if n_later == 0 => start,
            Goal::Future => start + 1 + rng.below(n_later as usize) as u64,
            Goal::Final => own.end - 1,
            Goal::Random => replay.timeline.held().start + rng.below(replay.len_steps()) as u64,
        }
    }
}

fn check_reward(reward: f32) -> Result<()> {
    match reward.is_finite() {
        true => Ok(()),
        false => Err(Error::invalid(format!("expected finite rewards of new goals, got {reward}"))),
    }
}

fn missing(name: &str) -> Error {
    Error::invalid(format!("expected an observation `{name}`, got none"))
}
