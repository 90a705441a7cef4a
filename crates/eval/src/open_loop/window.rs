//! Windows of held-out episodes, and what a predictor says of them.

use std::collections::BTreeMap;

use burn::prelude::*;
use burn::tensor::TensorData;
use worldsmith_core::{Episode, Error, ErrorKind, Result, Rng, Seed, Space, StepKind, Value};
use worldsmith_plan::{Observation, WorldModel};

use super::OpenLoopConfig;
use super::seen::Seen;

/// A stretch of an episode: some steps shown, then the steps to be foretold.
pub(super) struct Window<'a> {
    episode: &'a Episode,
    /// Index of the episode among the held-out ones.
    pub episode_idx: usize,
    /// First observation shown.
    first: usize,
    /// Last observation shown; step `k` of the dream is observation `shown + k`.
    shown: usize,
    /// Flat action that led to the first observation shown; zeros at the start of the episode.
    before: Vec<f32>,
    /// Flat actions from `first` on, through the last step to be foretold.
    actions: Vec<Vec<f32>>,
}

impl Window<'_> {
    /// Steps to be foretold; at least 1.
    pub fn n_steps(&self) -> usize {
        self.actions.len() - (self.shown - self.first)
    }

    /// The observation `k` steps after the last one shown.
    pub fn obs(&self, k: usize) -> &Value {
        &self.episode.obs[self.shown + k]
    }

    /// The reward of step `k`, from 1 on.
    pub fn reward(&self, k: usize) -> f64 {
        f64::from(self.episode.rewards[self.shown + k - 1])
    }

    /// Whether the world ended at step `k`.
    pub fn ends(&self, k: usize) -> bool {
        self.shown + k == self.episode.len() && self.episode.end == StepKind::Terminated
    }

    pub fn name(&self) -> String {
        format!("held-out episode {}, from step {}", self.episode_idx, self.shown)
    }

    /// The action that led to the `t`th observation shown, counted from 0.
    fn shown_action(&self, t: usize) -> &[f32] {
        if t == 0 { &self.before } else { &self.actions[t - 1] }
    }

    /// The action that led to step `k` of the dream; past the end of the window its actions repeat, for rows of a batch
    /// that need something to be fed.
    fn dream_action(&self, k: usize) -> &[f32] {
        let dreamt = &self.actions[self.shown - self.first..];
        &dreamt[(k - 1) % dreamt.len()]
    }
}

/// Lays windows over every episode and keeps at most `max_windows`, by chance; in order of episodes.
pub(super) fn select<'a>(
    held_out: &'a [Episode],
    config: &OpenLoopConfig,
    action: &Space,
    seed: Seed,
) -> Result<Vec<Window<'a>>> {
    let mut rng = seed.rng();
    let mut places = Vec::new();
    for (episode_idx, episode) in held_out.iter().enumerate() {
        // The last start that leaves one step to foretell.
        let Some(last) = episode.len().checked_sub(config.context) else { continue };
        let offset = rng.below(config.stride.min(last + 1));
        places.extend((offset..=last).step_by(config.stride).map(|first| (episode_idx, first)));
    }
    shuffle(&mut places, &mut rng);
    places.truncate(config.max_windows);
    places.sort_unstable();
    if places.len() < 2 {
        let got = format!("expected at least 2 windows to judge, got {}", places.len());
        let hint = format!("hold out more episodes, longer than {} steps", config.context);
        return Err(Error::invalid(got).hint(hint));
    }
    let window = |(episode_idx, first): (usize, usize)| {
        let episode = &held_out[episode_idx];
        let shown = first + config.context - 1;
        let end = (shown + config.longest()).min(episode.len());
        let flat = |value: &Value| {
            let mut flat = Vec::new();
            action.flatten(value, &mut flat).map(|()| flat)
        };
        let actions: Vec<Vec<f32>> = episode.actions[first..end].iter().map(flat).collect::<Result<_>>()?;
        let before = match first {
            0 => vec![0.0; actions.first().map_or(0, Vec::len)],
            _ => flat(&episode.actions[first - 1])?,
        };
        Ok(Window { episode, episode_idx, first, shown, before, actions })
    };
    places.into_iter().map(window).collect()
}

/// A random permutation of `0..n` that leaves nothing in its place, for `n` of at least 2: one random cycle.
pub(super) fn derangement(n: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    shuffle(&mut order, rng);
    let mut partner = vec![0; n];
    for (i, from) in order.iter().enumerate() {
        partner[*from] = order[(i + 1) % n];
    }
    partner
}

fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
    for i in (1..items.len()).rev() {
        items.swap(i, rng.below(i + 1));
    }
}

/// What a predictor says of a batch of windows.
pub(super) struct Rollout {
    /// Predicted reward, `[step - 1][row]`.
    reward: Vec<Vec<f32>>,
    /// Predicted probability that the world ends at this step, `[step - 1][row]`.
    end: Vec<Vec<f32>>,
    /// Predicted observations of each row at the steps that were asked for.
    seen: BTreeMap<usize, Vec<Seen>>,
}

impl Rollout {
    /// A predictor that says the same at every step of a window.
    pub fn constant(
        windows: &[Window<'_>],
        horizons: &[usize],
        (reward, end): (f64, f64),
        seen: impl Fn(&Window<'_>) -> Result<Seen>,
    ) -> Result<Self> {
        let rows: Vec<Seen> = windows.iter().map(seen).collect::<Result<_>>()?;
        let n_steps = horizons.last().copied().unwrap_or(0);
        Ok(Self {
            reward: vec![vec![reward as f32; windows.len()]; n_steps],
            end: vec![vec![end as f32; windows.len()]; n_steps],
            seen: horizons.iter().map(|h| (*h, rows.clone())).collect(),
        })
    }

    /// What several dreams of the same windows say on average.
    pub fn mean(dreams: Vec<Rollout>) -> Self {
        let n = dreams.len() as f32;
        let grid = |of: &dyn Fn(&Rollout) -> &Vec<Vec<f32>>| {
            let mut sum = of(&dreams[0]).clone();
            for dream in &dreams[1..] {
                let cells = sum.iter_mut().flatten().zip(of(dream).iter().flatten());
                cells.for_each(|(sum, x)| *sum += x);
            }
            sum.iter_mut().flatten().for_each(|x| *x /= n);
            sum
        };
        let seen = |k: &usize| {
            let row = |i: usize| Seen::mean(&dreams.iter().map(|d| &d.seen[k][i]).collect::<Vec<_>>());
            (*k, (0..dreams[0].seen[k].len()).map(row).collect())
        };
        Self {
            reward: grid(&|d| &d.reward),
            end: grid(&|d| &d.end),
            seen: dreams[0].seen.keys().map(seen).collect(),
        }
    }

    /// Reward and end probability foretold for step `k`, from 1 on.
    pub fn outcome(&self, k: usize, row: usize) -> (f64, f64) {
        (f64::from(self.reward[k - 1][row]), f64::from(self.end[k - 1][row]))
    }

    /// The observation foretold for step `k`, if it was asked for and the predictor has one.
    pub fn seen(&self, k: usize, row: usize) -> Option<&Seen> {
        self.seen.get(&k).and_then(|rows| rows.get(row))
    }
}

/// Shows the model each window's context, then dreams on under `actions` (one window for each row, its own for a fair
/// trial). Observations are decoded at the steps `decode_at`; step 0 is the last one shown.
pub(super) fn dream(
    model: &dyn WorldModel,
    windows: &[Window<'_>],
    actions: &[&Window<'_>],
    decode_at: &[usize],
    device: &Device,
    rng: &mut Rng,
) -> Result<Rollout> {
    let (n, space) = (windows.len(), &model.spec().obs);
    let mut latent = model.start(n);
    let context = windows.first().map_or(0, |w| w.shown - w.first + 1);
    for t in 0..context {
        let shown: Vec<Value> = windows.iter().map(|w| w.episode.obs[w.first + t].clone()).collect();
        let obs = Observation::stack(space, &shown, device)?;
        let action = rows(windows.iter().map(|w| w.shown_action(t)), device);
        // As in training: a window that starts in mid-episode is no reset.
        let is_first: Vec<bool> = windows.iter().map(|w| w.first + t == 0).collect();
        latent = model.observe(&latent, action, &obs, &is_first, rng)?;
    }
    let mut rollout = Rollout { reward: Vec::new(), end: Vec::new(), seen: BTreeMap::new() };
    let n_steps = windows.iter().map(Window::n_steps).max().unwrap_or(0);
    for k in 0..=n_steps {
        if k > 0 {
            latent = model.imagine(&latent, rows(actions.iter().map(|w| w.dream_action(k)), device), rng);
        }
        let prediction = model.predict(&latent, decode_at.contains(&k));
        if k > 0 {
            rollout.reward.push(finite(prediction.reward, "reward", k)?);
            let cont = finite(prediction.cont, "continuation", k)?;
            rollout.end.push(cont.iter().map(|c| 1.0 - c.clamp(0.0, 1.0)).collect());
        }
        if let Some(obs) = prediction.obs.filter(|_| decode_at.contains(&k)) {
            let seen = obs.unstack(space)?.iter().map(|obs| Seen::of(space, obs)).collect::<Result<_>>()?;
            rollout.seen.insert(k, seen);
        }
    }
    Ok(rollout)
}

/// Flat rows of equal length as a tensor, `[rows, len]`.
fn rows<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]>, device: &Device) -> Tensor<2> {
    let n = rows.len();
    let data: Vec<f32> = rows.flatten().copied().collect();
    let len = data.len() / n.max(1);
    Tensor::from_data(TensorData::new(data, [n, len]), device)
}

fn finite(numbers: Tensor<1>, what: &str, step: usize) -> Result<Vec<f32>> {
    let numbers = numbers.into_data().convert::<f32>().try_to_vec::<f32>();
    let numbers = numbers.map_err(|e| Error::invalid(format!("expected numbers from the model: {e}")))?;
    match numbers.iter().find(|x| !x.is_finite()) {
        None => Ok(numbers),
        Some(bad) => {
            let message = format!("expected a finite {what} at step {step} of the dream, got {bad}");
            Err(Error::new(ErrorKind::Diverged, message))
        }
    }
}
