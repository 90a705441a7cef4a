//! Experience in memory, sampled in windows.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, Error, ErrorKind, Image, Result, Rng, Seed, Space, StepKind, Value};

use crate::leaf::{Leaf, check_episode, leaves};
use crate::ring::Ring;
use crate::{Batch, Column};

/// The latest episodes of one environment, flattened into one stream of steps, with a seeded window sampler.
///
/// An episode of `T` actions is `T + 1` steps, aligned as in [`Batch`]. Each observation leaf, the actions, the rewards
/// and the step kinds lie in one array each, so that a window is one copy an array. When a new episode does not fit, the
/// oldest leave first, always whole; of an episode longer than the whole capacity only the last steps are kept.
///
/// Contents depend on nothing but the order of [`Replay::push`]. To go on exactly where a run stopped: make a replay of
/// the same spaces and capacity, push the stored episodes in the same order, then [`Replay::restore_state`].
#[derive(Debug)]
pub struct Replay {
    obs: Space,
    action: Space,
    columns: Vec<(Leaf, Rings)>,
    actions: Ring<f32>,
    rewards: Ring<f32>,
    kinds: Ring<StepKind>,
    /// Steps of each episode, oldest first.
    episodes: VecDeque<usize>,
    n_steps: usize,
    capacity: usize,
    rng: Rng,
}

/// One observation leaf over all steps, in the form its [`Column`] has.
#[derive(Debug)]
enum Rings {
    U8 { shape: Vec<usize>, ring: Ring<u8> },
    F32 { shape: Vec<usize>, ring: Ring<f32> },
}

/// What a [`Replay`] needs, beside its episodes, to sample exactly as it would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayState {
    /// The sampler's random stream.
    pub rng: Rng,
    /// Episodes held.
    pub n_episodes: usize,
    /// Steps held.
    pub n_steps: usize,
}

impl Replay {
    /// An empty replay for at most `capacity_steps` steps. Memory is set aside now and used as episodes arrive.
    ///
    /// # Errors
    /// If the capacity is below 2 or more than the machine can set aside, or a space has no tensor form: text anywhere,
    /// pictures in the action.
    pub fn new(obs: &Space, action: &Space, capacity_steps: usize, seed: Seed) -> Result<Self> {
        if capacity_steps < 2 {
            return Err(Error::invalid(format!(
                "expected a replay of at least 2 steps, got {capacity_steps}"
            )));
        }
        let action_len = action.flat_len().ok_or_else(|| {
            Error::invalid(format!("expected an action of choices and numbers, got {action}"))
                .hint("pictures and text have no tensor form as actions")
        })?;
        let columns = leaves(obs, "obs", "")?
            .into_iter()
            .map(|leaf| Rings::new(&leaf, capacity_steps).map(|rings| (leaf, rings)))
            .collect::<Result<_>>()?;
        Ok(Self {
            obs: obs.clone(),
            action: action.clone(),
            columns,
            actions: Ring::new(action_len, capacity_steps)?,
            rewards: Ring::new(1, capacity_steps)?,
            kinds: Ring::new(1, capacity_steps)?,
            episodes: VecDeque::new(),
            n_steps: 0,
            capacity: capacity_steps,
            rng: seed.rng(),
        })
    }

    /// Adds an episode, and drops the oldest ones that no longer fit. On an error nothing has changed.
    ///
    /// # Errors
    /// If the episode does not fit the spaces.
    pub fn push(&mut self, episode: &Episode) -> Result<()> {
        check_episode(episode, &self.obs, &self.action)?;
        let total = episode.obs.len();
        let kept = total.min(self.capacity);
        self.make_room(kept);
        let mut flat = Vec::new();
        for t in total - kept..total {
            for (leaf, rings) in &mut self.columns {
                let value = leaf.find(&episode.obs[t]).ok_or_else(|| missing(leaf))?;
                rings.push(&leaf.space, value, &mut flat)?;
            }
            flat.clear();
            match t {
                0 => flat.resize(self.actions.width(), 0.0),
                _ => self.action.flatten(&episode.actions[t - 1], &mut flat)?,
            }
            self.actions.push(&flat);
            self.rewards.push(&[if t == 0 { 0.0 } else { episode.rewards[t - 1] }]);
            self.kinds.push(&[episode.kind(t)]);
        }
        self.episodes.push_back(kept);
        self.n_steps += kept;
        Ok(())
    }

    /// Drops the oldest episodes until `n` more steps fit.
    fn make_room(&mut self, n: usize) {
        let mut dropped = 0;
        while self.n_steps - dropped + n > self.capacity {
            dropped += self.episodes.pop_front().unwrap_or(self.n_steps - dropped);
        }
        self.n_steps -= dropped;
        for (_, rings) in &mut self.columns {
            match rings {
                Rings::U8 { ring, .. } => ring.drop_front(dropped),
                Rings::F32 { ring, .. } => ring.drop_front(dropped),
            }
        }
        self.actions.drop_front(dropped);
        self.rewards.drop_front(dropped);
        self.kinds.drop_front(dropped);
    }

    /// Steps held, `T + 1` an episode.
    pub fn len_steps(&self) -> usize {
        self.n_steps
    }

    /// Episodes held.
    pub fn n_episodes(&self) -> usize {
        self.episodes.len()
    }

    /// Whether [`Replay::sample`] can cut a window of `n_steps`.
    pub fn can_sample(&self, n_steps: usize) -> bool {
        n_steps > 0 && n_steps <= self.n_steps
    }

    /// `n_seqs` windows of `n_steps` steps, each starting anywhere in the stream of stored steps with equal probability.
    ///
    /// A window may run over the end of an episode into the start of the next: `first` marks the resets. One that starts
    /// in mid-episode begins with `first` false and the action that truly led there.
    ///
    /// # Errors
    /// If fewer than `n_steps` steps are held.
    pub fn sample(&mut self, n_seqs: usize, n_steps: usize) -> Result<Batch> {
        if !self.can_sample(n_steps) {
            let held = self.n_steps;
            return Err(Error::invalid(format!("expected a window of 1..={held} steps, got {n_steps}"))
                .hint("collect more experience first"));
        }
        let n_starts = self.n_steps - n_steps + 1;
        let starts: Vec<usize> = (0..n_seqs).map(|_| self.rng.below(n_starts)).collect();
        Ok(self.gather(&starts, n_steps))
    }

    /// `n` single transitions, drawn uniformly: windows of two steps that never run over the end of an episode.
    ///
    /// Row `i` holds the observation at `(i, 0)`; the action, its reward, the next observation and whether the world
    /// ended there at `(i, 1)`.
    ///
    /// # Errors
    /// If no transition is held.
    pub fn sample_transitions(&mut self, n: usize) -> Result<Batch> {
        if self.n_steps == self.episodes.len() {
            return Err(Error::invalid("expected at least one stored transition, got none")
                .hint("collect more experience first"));
        }
        let mut starts = Vec::with_capacity(n);
        while starts.len() < n {
            let start = self.rng.below(self.n_steps - 1);
            if *self.kinds.get(start + 1) != [StepKind::First] {
                starts.push(start);
            }
        }
        Ok(self.gather(&starts, 2))
    }

    /// Copies the windows that begin at `starts`, counted from the oldest step.
    fn gather(&self, starts: &[usize], n_steps: usize) -> Batch {
        let kinds = self.kinds.windows(starts, n_steps);
        let obs = self.columns.iter().map(|(leaf, rings)| {
            let column = match rings {
                Rings::U8 { shape, ring } => {
                    Column::U8 { shape: shape.clone(), data: ring.windows(starts, n_steps) }
                }
                Rings::F32 { shape, ring } => {
                    Column::F32 { shape: shape.clone(), data: ring.windows(starts, n_steps) }
                }
            };
            (leaf.name.clone(), column)
        });
        Batch {
            n_seqs: starts.len(),
            n_steps,
            obs: obs.collect::<BTreeMap<_, _>>(),
            action_len: self.actions.width(),
            action: self.actions.windows(starts, n_steps),
            reward: self.rewards.windows(starts, n_steps),
            first: kinds.iter().map(|kind| *kind == StepKind::First).collect(),
            terminal: kinds.iter().map(|kind| *kind == StepKind::Terminated).collect(),
            last: kinds.iter().map(|kind| kind.is_last()).collect(),
        }
    }

    /// What to save with a run, so that sampling can go on exactly.
    pub fn state(&self) -> ReplayState {
        ReplayState { rng: self.rng.clone(), n_episodes: self.episodes.len(), n_steps: self.n_steps }
    }

    /// Goes back to a saved state, once the same episodes have been pushed in the same order.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] if this replay does not hold as many episodes and steps as the saved one did.
    pub fn restore_state(&mut self, state: &ReplayState) -> Result<()> {
        let (episodes, steps) = (self.episodes.len(), self.n_steps);
        if (episodes, steps) != (state.n_episodes, state.n_steps) {
            let message = format!(
                "expected a replay of {} episodes and {} steps, got {episodes} and {steps}",
                state.n_episodes, state.n_steps
            );
            return Err(Error::new(ErrorKind::Mismatch, message).hint(
                "push the episodes that were stored when the state was saved, in order, and no others",
            ));
        }
        self.rng = state.rng.clone();
        Ok(())
    }
}

impl Rings {
    fn new(leaf: &Leaf, capacity: usize) -> Result<Self> {
        match &leaf.space {
            Space::Image { height, width, channels } => {
                let ring = Ring::new(height * width * channels, capacity)?;
                Ok(Rings::U8 { shape: vec![*height, *width, *channels], ring })
            }
            space => {
                let len = space.flat_len().ok_or_else(|| {
                    Error::invalid(format!("observation `{}`: text has no tensor form yet", leaf.name))
                        .hint("leave text out of the observation")
                })?;
                Ok(Rings::F32 { shape: vec![len], ring: Ring::new(len, capacity)? })
            }
        }
    }

    /// Adds one element; `flat` is scratch space.
    fn push(&mut self, space: &Space, value: &Value, flat: &mut Vec<f32>) -> Result<()> {
        match (self, value) {
            (Rings::U8 { ring, .. }, Value::Image(Image { data, .. })) => ring.push(data),
            (Rings::U8 { .. }, other) => space.check(other)?,
            (Rings::F32 { ring, .. }, value) => {
                flat.clear();
                space.flatten(value, flat)?;
                ring.push(flat);
            }
        }
        Ok(())
    }
}

fn missing(leaf: &Leaf) -> Error {
    Error::invalid(format!("expected a part `{}`, got none", leaf.name))
}
