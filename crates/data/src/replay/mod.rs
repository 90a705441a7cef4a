//! Experience in memory, and how it is drawn from.
//!
//! Four questions, one type each. *What is remembered*: [`Replay`], the latest episodes as one stream of steps. *Which
//! step is drawn*: [`Sampler`], with the rule it [`Pick`]s by. *What is handed out around it*: [`Window`]. *How that
//! looks*: [`Batch`]. What is made of a batch afterwards are plain functions: [`n_step_returns`] and [`Relabel`].
//!
//! [`n_step_returns`]: crate::n_step_returns

mod columns;
mod decoded;
mod goals;
mod mapped;
mod n_step;
mod ring;
mod runs;
mod sampler;
mod saved;
mod sum_tree;
mod timeline;
mod weights;
mod window;

pub use goals::{Goal, Relabel};
pub use n_step::{NStep, n_step_returns};
pub use sampler::{Pick, Sampler};
pub use window::Window;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, Error, ErrorKind, Result, Rng, Seed, Space, StepKind};

use self::columns::LeafRing;
use self::ring::Ring;
use self::timeline::Timeline;
use self::window::Cut;
use crate::leaf::check_episode;
use crate::store::Footage;
use crate::{Batch, Cell, StepId, Store};

/// A run that counts further than this has lost its way.
const MAX_COUNT: u64 = 1 << 62;

/// Pictures that a mapped replay decoded are kept up to so many bytes, if nobody says otherwise.
const MOST_DECODED_BYTES: usize = 1 << 30;

/// The latest episodes of one environment, flattened into one stream of steps.
///
/// An episode of `T` actions is `T + 1` steps, aligned as in [`Batch`]. Each observation leaf, the actions, the rewards
/// and the step kinds lie in one array each, so that a window is one copy an array. When a new episode does not fit, the
/// oldest leave first, always whole; of an episode longer than the whole capacity only the last steps are kept.
///
/// It draws uniformly by itself ([`Replay::sample`], [`Replay::sample_transitions`]); for everything else there is
/// [`Sampler`].
///
/// Contents depend on nothing but the order of [`Replay::push`]. To go on exactly where a run stopped: make a replay of
/// the same spaces and capacity, push the stored episodes in the same order, then [`Replay::restore_state`].
#[derive(Debug)]
pub struct Replay {
    obs: Space,
    action: Space,
    columns: Vec<LeafRing>,
    actions: Ring<f32>,
    rewards: Ring<f32>,
    timeline: Timeline,
    capacity: usize,
    rng: Rng,
}

/// What a [`Replay`] needs, beside its episodes, to sample exactly as it would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayState {
    /// The random stream of the replay's own, uniform draws.
    pub rng: Rng,
    /// Episodes held.
    pub n_episodes: usize,
    /// Steps held.
    pub n_steps: usize,
    /// Episodes that were held once and have left; 0 in states from before there were samplers that count on.
    #[serde(default)]
    pub n_episodes_gone: u64,
    /// Steps that were held once and have left; 0 likewise.
    #[serde(default)]
    pub n_steps_gone: u64,
}

impl Replay {
    /// An empty replay for at most `capacity_steps` steps. Memory is set aside now and used as episodes arrive.
    ///
    /// # Errors
    /// If the capacity is below 2 or more than the machine can set aside, or a space has no tensor form: text anywhere,
    /// pictures in the action.
    pub fn new(obs: &Space, action: &Space, capacity_steps: usize, seed: Seed) -> Result<Self> {
        Self::with_columns(obs, action, LeafRing::all(obs, capacity_steps, false)?, capacity_steps, seed)
    }

    /// An empty replay of episodes that lie in a store and whose pictures stay there: see [`Replay::push_stored`]. A store
    /// that is larger than memory can be trained on. Of pictures kept as video only what is drawn is decoded, when it
    /// is drawn, and up to 1 GiB of it are kept for the next time ([`Replay::keep_decoded`]); a video that cannot be decoded
    /// is an error of drawing.
    ///
    /// # Errors
    /// As [`Replay::new`].
    pub fn mapped(obs: &Space, action: &Space, capacity_steps: usize, seed: Seed) -> Result<Self> {
        let columns = LeafRing::all(obs, capacity_steps, true)?;
        let replay = Self::with_columns(obs, action, columns, capacity_steps, seed)?;
        replay.keep_decoded(MOST_DECODED_BYTES);
        Ok(replay)
    }

    /// Keeps no more than `most_bytes` of pictures that were decoded to be drawn; the longest unused leave first. Each
    /// column of pictures has its equal share.
    pub fn keep_decoded(&self, most_bytes: usize) {
        let mapped = || self.columns.iter().filter(|column| column.is_mapped());
        let share = most_bytes / mapped().count().max(1);
        mapped().for_each(|column| column.keep_decoded(share));
    }

    fn with_columns(
        obs: &Space,
        action: &Space,
        columns: Vec<LeafRing>,
        capacity_steps: usize,
        seed: Seed,
    ) -> Result<Self> {
        if capacity_steps < 2 {
            return Err(Error::invalid(format!(
                "expected a replay of at least 2 steps, got {capacity_steps}"
            )));
        }
        let action_len = action.flat_len().ok_or_else(|| {
            Error::invalid(format!("expected an action of choices and numbers, got {action}"))
                .hint("pictures and text have no tensor form as actions")
        })?;
        Ok(Self {
            obs: obs.clone(),
            action: action.clone(),
            columns,
            actions: Ring::new(action_len, capacity_steps, 0.0)?,
            rewards: Ring::new(1, capacity_steps, 0.0)?,
            timeline: Timeline::new(capacity_steps)?,
            capacity: capacity_steps,
            rng: seed.rng(),
        })
    }

    /// Adds an episode, and drops the oldest ones that no longer fit. On an error nothing has changed.
    ///
    /// # Errors
    /// If the episode does not fit the spaces.
    pub fn push(&mut self, episode: &Episode) -> Result<()> {
        if self.columns.iter().any(LeafRing::is_mapped) {
            return Err(Error::invalid("expected an episode of a store, got one without a place there"));
        }
        check_episode(episode, &self.obs, &self.action)?;
        self.push_checked(episode)
    }

    /// Adds episode `idx` of `store`. A mapped replay leaves its pictures there, which must be raw or video; others copy them.
    ///
    /// # Errors
    /// As [`Replay::push`], and if the episode cannot be read or is longer than the whole replay.
    pub fn push_stored(&mut self, store: &Store, idx: usize) -> Result<()> {
        if !self.columns.iter().any(LeafRing::is_mapped) {
            return self.push(&store.read(idx)?);
        }
        if (store.obs(), store.action()) != (&self.obs, &self.action) {
            let message = format!(
                "expected episodes of {} and {}, got {} and {}",
                self.obs,
                self.action,
                store.obs(),
                store.action()
            );
            return Err(Error::new(ErrorKind::Mismatch, message).at(store.dir()));
        }
        let (episode, mut pictures) = store.read_mapped(idx)?;
        // The head of a store says one thing of all its pictures, so that one is enough.
        if self.n_episodes() == 0 {
            pictures.values().try_for_each(Footage::check)?;
        }
        let mut flat = Vec::new();
        for action in &episode.actions {
            flat.clear();
            self.action.flatten(action, &mut flat).map_err(|err| err.at(store.dir()))?;
        }
        if episode.obs.len() > self.capacity {
            let (steps, capacity) = (episode.obs.len(), self.capacity);
            return Err(Error::invalid(format!(
                "expected episodes of at most {capacity} steps, got {steps}"
            ))
            .hint("choose a larger replay capacity"));
        }
        self.push_checked(&episode).map_err(|err| err.at(store.dir()))?;
        self.columns.iter_mut().try_for_each(|column| column.push_mapped(&mut pictures))
    }

    fn push_checked(&mut self, episode: &Episode) -> Result<()> {
        Timeline::check(episode)?;
        let total = episode.obs.len();
        let kept = total.min(self.capacity);
        self.make_room(kept);
        let mut flat = Vec::new();
        for t in total - kept..total {
            self.columns.iter_mut().try_for_each(|column| column.push(&episode.obs[t], &mut flat))?;
            flat.clear();
            match t {
                0 => flat.resize(self.actions.width(), 0.0),
                _ => self.action.flatten(&episode.actions[t - 1], &mut flat)?,
            }
            self.actions.push(&flat);
            self.rewards.push(&[if t == 0 { 0.0 } else { episode.rewards[t - 1] }]);
        }
        self.timeline.push(episode, kept);
        Ok(())
    }

    /// Drops the oldest episodes until `n` more steps fit.
    fn make_room(&mut self, n: usize) {
        let mut dropped = 0;
        while self.timeline.n_steps() + n > self.capacity {
            match self.timeline.pop() {
                Some(n_steps) => dropped += n_steps,
                None => break,
            }
        }
        self.columns.iter_mut().for_each(|column| column.drop_front(dropped));
        self.actions.drop_front(dropped);
        self.rewards.drop_front(dropped);
    }

    /// The most steps it can hold.
    pub fn capacity_steps(&self) -> usize {
        self.capacity
    }

    /// Steps held, `T + 1` an episode.
    pub fn len_steps(&self) -> usize {
        self.timeline.n_steps()
    }

    /// Episodes held.
    pub fn n_episodes(&self) -> usize {
        self.timeline.n_episodes()
    }

    /// Whether the step called `id` is still held.
    pub fn holds(&self, id: StepId) -> bool {
        self.timeline.find(id).is_some()
    }

    /// Whether [`Replay::sample`] can cut a window of `n_steps`.
    pub fn can_sample(&self, n_steps: usize) -> bool {
        n_steps > 0 && n_steps <= self.len_steps()
    }

    /// `n_seqs` windows of `n_steps` steps, each starting anywhere in the stream of stored steps with equal probability.
    ///
    /// A window may run over the end of an episode into the start of the next: `first` marks the resets. One that starts
    /// in mid-episode begins with `first` false and the action that truly led there.
    ///
    /// # Errors
    /// If fewer than `n_steps` steps are held.
    pub fn sample(&mut self, n_seqs: usize, n_steps: usize) -> Result<Batch> {
        let mut batch = Batch::default();
        self.sample_into(n_seqs, n_steps, &mut batch)?;
        Ok(batch)
    }

    /// As [`Replay::sample`], in the memory of an earlier batch, which saves the system from handing out fresh pages.
    ///
    /// # Errors
    /// If fewer than `n_steps` steps are held.
    pub fn sample_into(&mut self, n_seqs: usize, n_steps: usize, out: &mut Batch) -> Result<()> {
        if !self.can_sample(n_steps) {
            let held = self.len_steps();
            return Err(Error::invalid(format!("expected a window of 1..={held} steps, got {n_steps}"))
                .hint("collect more experience first"));
        }
        let n_starts = self.len_steps() - n_steps + 1;
        let oldest = self.timeline.held().start;
        let starts: Vec<u64> = (0..n_seqs).map(|_| oldest + self.rng.below(n_starts) as u64).collect();
        self.copy_windows(&starts, &Window::crossing(n_steps), out)
    }

    /// `n` single transitions, drawn uniformly: windows of two steps that never run over the end of an episode.
    ///
    /// Row `i` holds the observation at `(i, 0)`; the action, its reward, the next observation and whether the world
    /// ended there at `(i, 1)`.
    ///
    /// # Errors
    /// If no transition is held.
    pub fn sample_transitions(&mut self, n: usize) -> Result<Batch> {
        if self.len_steps() == self.n_episodes() {
            return Err(Error::invalid("expected at least one stored transition, got none")
                .hint("collect more experience first"));
        }
        let oldest = self.timeline.held().start;
        let mut starts = Vec::with_capacity(n);
        while starts.len() < n {
            let start = oldest + self.rng.below(self.len_steps() - 1) as u64;
            if self.timeline.standing(start + 1).kind != StepKind::First {
                starts.push(start);
            }
        }
        let mut batch = Batch::default();
        self.copy_windows(&starts, &Window::within(2), &mut batch)?;
        Ok(batch)
    }

    /// The windows at `starts`, wherever they came from, in the memory of an earlier batch.
    ///
    /// # Errors
    /// If a step is no longer held, or there is no such window.
    pub fn windows_into(&self, starts: &[StepId], window: &Window, out: &mut Batch) -> Result<()> {
        window.check()?;
        let steps: Vec<u64> = starts.iter().map(|id| self.find(*id)).collect::<Result<_>>()?;
        self.copy_windows(&steps, window, out)
    }

    /// The number of the step called `id`.
    fn find(&self, id: StepId) -> Result<u64> {
        self.timeline.find(id).ok_or_else(|| {
            let StepId { episode, step } = id;
            Error::invalid(format!("expected a step that is held, got step {step} of episode {episode}"))
                .hint("the oldest episodes leave when new ones are pushed")
        })
    }

    /// The leaf `name` of the observation at `step`, which is held; what must be decoded goes to `decoded`.
    fn cell<'a>(&'a self, name: &str, step: u64, decoded: &'a mut Vec<u8>) -> Result<Option<Cell<'a>>> {
        let column = self.columns.iter().find(|column| column.name() == name);
        let idx = (step - self.timeline.held().start) as usize;
        column.map(|column| column.get(idx, decoded)).transpose()
    }

    /// Copies the windows at `starts`, which are steps held.
    fn copy_windows(&self, starts: &[u64], window: &Window, out: &mut Batch) -> Result<()> {
        let (timeline, n_rows) = (&self.timeline, window.n_rows());
        let cut = |start: &u64| window.cut(*start, &timeline.own(*start), timeline.held());
        let cuts: Vec<Cut> = starts.iter().map(cut).collect();
        (out.n_seqs, out.n_steps, out.burn_in) = (starts.len(), n_rows, window.burn_in);
        out.obs.retain(|name, _| self.columns.iter().any(|column| column.name() == name));
        for column in &self.columns {
            column.copy_windows(&cuts, n_rows, &mut out.obs)?;
        }
        out.action_len = self.actions.width();
        self.actions.copy_windows(&cuts, n_rows, &mut out.action);
        self.rewards.copy_windows(&cuts, n_rows, &mut out.reward);
        self.mark(&cuts, out);
        out.starts.clear();
        out.starts.extend(starts.iter().map(|start| timeline.id(*start)));
        out.weights.clear();
        out.weights.resize(starts.len(), 1.0);
        Ok(())
    }

    /// Fills in what kinds of steps there are and whose.
    fn mark(&self, cuts: &[Cut], out: &mut Batch) {
        let standings = self.timeline.windows(cuts, out.n_steps);
        let set = |flags: &mut Vec<bool>, is: fn(StepKind) -> bool| {
            flags.clear();
            flags.extend(standings.iter().map(|standing| is(standing.kind)));
        };
        set(&mut out.first, |kind| kind == StepKind::First);
        set(&mut out.terminal, |kind| kind == StepKind::Terminated);
        set(&mut out.last, StepKind::is_last);
        out.mask.clear();
        out.mask.resize(standings.len(), false);
        for (row, cut) in out.mask.chunks_exact_mut(out.n_steps).zip(cuts) {
            row[cut.own.clone()].fill(true);
        }
    }

    /// What to save with a run, so that sampling can go on exactly.
    pub fn state(&self) -> ReplayState {
        ReplayState {
            rng: self.rng.clone(),
            n_episodes: self.n_episodes(),
            n_steps: self.len_steps(),
            n_episodes_gone: self.timeline.n_gone(),
            n_steps_gone: self.timeline.held().start,
        }
    }

    /// Goes back to a saved state, once the same episodes have been pushed in the same order.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] if this replay does not hold as many episodes and steps as the saved one did.
    pub fn restore_state(&mut self, state: &ReplayState) -> Result<()> {
        let (episodes, steps) = (self.n_episodes(), self.len_steps());
        if (episodes, steps) != (state.n_episodes, state.n_steps) {
            let message = format!(
                "expected a replay of {} episodes and {} steps, got {episodes} and {steps}",
                state.n_episodes, state.n_steps
            );
            return Err(Error::new(ErrorKind::Mismatch, message).hint(
                "push the episodes that were stored when the state was saved, in order, and no others",
            ));
        }
        let (gone, first) = (state.n_episodes_gone, state.n_steps_gone);
        if gone.max(first) > MAX_COUNT {
            return Err(Error::new(
                ErrorKind::Mismatch,
                format!(
                    "expected a replay that counts its steps, got {gone} episodes and {first} steps gone"
                ),
            ));
        }
        self.timeline.renumber(gone, first);
        self.rng = state.rng.clone();
        Ok(())
    }
}
