//! What a run's checkpoint holds beside the learner, and how a run goes back to it.

use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, ErrorKind, Result, Rng, Seed};
use worldsmith_data::ReplayState;

use super::folder::CHECKPOINTS;
use super::{Actor, Run};
use crate::checkpoint;

const STATE: &str = "state.json";

/// How far a run is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Steps taken in the real environment.
    pub env_steps: u64,
    /// Gradient updates.
    pub updates: u64,
    /// Number of the newest checkpoint.
    pub serial: u64,
    /// Seconds spent before this process went on with the run.
    pub wall_secs: f64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct State {
    pub count: Counters,
    /// Episodes in the store.
    n_episodes: usize,
    replay: ReplayState,
    /// The stream actions are drawn from; none when training on recorded episodes.
    act_rng: Option<Rng>,
    /// Length of the metrics file.
    pub metrics_bytes: u64,
}

impl State {
    /// Reads the state in the checkpoint `dir`.
    pub fn read(dir: &Path) -> Result<Self> {
        checkpoint::read_json(&dir.join(STATE))
    }

    /// The seed for the environments: the run's own where they were saved; else they start new episodes, which should
    /// not be the first ones again.
    pub fn env_seed(&self, root: Seed, dir: &Path) -> Seed {
        if Actor::is_saved(dir) { root } else { root.derive("resumed").index(self.count.env_steps) }
    }
}

impl Run {
    /// Writes a checkpoint of this moment.
    pub(super) fn save(&mut self) -> Result<()> {
        self.write_metrics()?;
        self.count.wall_secs = self.wall_secs();
        self.started = Instant::now();
        self.count.serial += 1;
        let state = State {
            count: self.count.clone(),
            n_episodes: self.store.len(),
            replay: self.replay.state(),
            act_rng: self.actor.as_ref().map(|a| a.rng().clone()),
            metrics_bytes: self.log.sync()?,
        };
        checkpoint::write(&self.dir.join(CHECKPOINTS), self.count.serial, |dir| {
            self.learner.save(dir)?;
            checkpoint::write_config(dir, &self.config, &self.spec)?;
            checkpoint::write_json(&dir.join(STATE), &state)?;
            self.actor.as_ref().map_or(Ok(()), |actor| actor.save(dir))
        })?;
        self.saved_at = Instant::now();
        Ok(())
    }

    /// Goes back to `state`, read from the checkpoint in `from`; learner and metrics are there already.
    pub(super) fn restore(&mut self, state: State, from: &Path) -> Result<()> {
        self.count = state.count;
        let Some(actor) = &mut self.actor else {
            if self.store.len() != state.n_episodes {
                let message = format!(
                    "expected the {} episodes the run was begun with, got {}",
                    state.n_episodes,
                    self.store.len()
                );
                return Err(Error::new(ErrorKind::Mismatch, message)
                    .at(self.store.dir())
                    .hint("a run goes on with the data it has seen; start another run for other data"));
            }
            return self.replay.restore_state(&state.replay);
        };
        if self.store.len() < state.n_episodes {
            let why = format!("expected at least {} episodes, got {}", state.n_episodes, self.store.len());
            return Err(Error::corrupt(self.store.dir(), why));
        }
        self.store.truncate(state.n_episodes)?;
        let n_forgotten = state.n_episodes.saturating_sub(state.replay.n_episodes);
        (n_forgotten..state.n_episodes).try_for_each(|idx| self.replay.push(&self.store.read(idx)?))?;
        self.replay.restore_state(&state.replay)?;
        if self.count.updates > 0 {
            actor.set_policy(self.learner.policy());
        }
        actor.restore(from, state.act_rng)
    }
}
