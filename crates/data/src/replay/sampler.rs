//! Which step is drawn.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, ErrorKind, Result, Rng, Seed};

use super::runs::Runs;
use super::weights::{Rule, Weights, place, places, step_at, unit};
use super::{Replay, Window};
use crate::{Batch, StepId};

/// How often a uniform draw tries its luck.
const N_TRIES: usize = 16;

/// The rule by which starts are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pick {
    /// Every start is equally likely.
    Uniform,
    /// The newer the likelier: a start is half as likely as one that came `half_life` starts later.
    Recent {
        /// Starts over which the probability halves.
        half_life: f32,
    },
    /// Every episode is equally likely, and in it every start.
    Balanced,
    /// As likely as `priority ^ alpha` (Schaul et al., 2016, "Prioritized Experience Replay", equation 1). A new start has
    /// the largest priority that was ever given, 1 at first.
    Prioritised {
        /// From 0, where priorities do not matter, to 1.
        alpha: f32,
        /// How much of the bias [`Batch::weights`] takes back: from 0, none, to 1, all.
        beta: f32,
    },
    /// As likely as `exp(-count / temperature)`, where `count` says how often the start was drawn (Robine et al., 2023,
    /// "Transformer-based World Models Are Happy With 100k Interactions", section 3.2). Draws are counted by themselves.
    Counted {
        /// How many draws more make a start e times less likely.
        temperature: f32,
    },
}

/// Draws windows from one [`Replay`], by its own rule and from its own random stream.
///
/// It follows the replay by itself: whenever it is used it takes in the steps that have come and forgets those that have
/// left. Several samplers may draw from one replay, say one that counts what a model is trained on and another what is
/// imagined from.
///
/// [`Sampler::save`] keeps everything in a file. One that was loaded goes on exactly, with a replay that was brought back
/// to the same moment ([`Replay::restore_state`]).
#[derive(Debug, Clone)]
pub struct Sampler {
    pub(super) pick: Pick,
    pub(super) window: Window,
    pub(super) rng: Rng,
    /// The steps that `starts` takes account of.
    pub(super) seen: Range<u64>,
    /// Of the replay; 0 before the first use.
    pub(super) capacity: usize,
    pub(super) starts: Starts,
}

/// The starts there are.
#[derive(Debug, Clone)]
pub(super) enum Starts {
    /// For rules that count them.
    Runs(Runs),
    /// For rules that weigh them.
    Weights(Weights),
}

impl Sampler {
    /// A sampler for a replay it has not seen yet.
    ///
    /// # Errors
    /// If the rule's numbers are out of range, or there is no such window.
    pub fn new(pick: Pick, window: Window, seed: Seed) -> Result<Self> {
        pick.check()?;
        window.check()?;
        Ok(Self { pick, window, rng: seed.rng(), seen: 0..0, capacity: 0, starts: pick.no_starts() })
    }

    /// The rule it draws by.
    pub fn pick(&self) -> Pick {
        self.pick
    }

    /// What it hands out.
    pub fn window(&self) -> Window {
        self.window
    }

    /// `n_seqs` windows. Those of prioritised and counted draws come in the order of memory: one is drawn from each of
    /// `n_seqs` equal parts of the total weight.
    ///
    /// # Errors
    /// If the replay holds no start for the window, or is not the one that was drawn from before.
    pub fn sample(&mut self, replay: &Replay, n_seqs: usize) -> Result<Batch> {
        let mut batch = Batch::default();
        self.sample_into(replay, n_seqs, &mut batch)?;
        Ok(batch)
    }

    /// As [`Sampler::sample`], in the memory of an earlier batch.
    ///
    /// # Errors
    /// As [`Sampler::sample`]'s.
    pub fn sample_into(&mut self, replay: &Replay, n_seqs: usize, out: &mut Batch) -> Result<()> {
        self.follow(replay)?;
        let Self { pick, rng, capacity, starts, seen, window } = self;
        match starts {
            Starts::Runs(runs) => {
                let is_start = |step| replay.timeline.is_start(window, step);
                let draw = |_| pick.draw(runs, seen, is_start, rng);
                let steps = (0..n_seqs).map(draw).collect::<Option<Vec<_>>>();
                replay.copy_windows(&steps.ok_or_else(|| nothing(window))?, window, out)?;
            }
            Starts::Weights(weights) => {
                let drawn = weights.draw(n_seqs, rng).ok_or_else(|| nothing(window))?;
                let steps: Vec<u64> = drawn.iter().map(|p| step_at(*p, seen.start, *capacity)).collect();
                replay.copy_windows(&steps, window, out)?;
                if let Pick::Prioritised { beta, .. } = pick {
                    out.weights.clear();
                    out.weights.extend(weights.corrections(&drawn, *beta));
                }
                weights.add_counts(drawn.into_iter(), 1);
            }
        }
        Ok(())
    }

    /// Gives the windows that were drawn at `starts` new priorities, such as their absolute errors and a little more. What
    /// has left the replay since is passed over; 0 is never drawn again.
    ///
    /// # Errors
    /// If a priority is negative or not a finite number, there are not as many as starts, or this sampler has none; nothing
    /// has changed then.
    pub fn update_priorities(
        &mut self,
        replay: &Replay,
        starts: &[StepId],
        priorities: &[f32],
    ) -> Result<()> {
        if !matches!(self.pick, Pick::Prioritised { .. }) {
            return Err(Error::invalid(format!("expected a prioritised sampler, got {:?}", self.pick)));
        }
        if starts.len() != priorities.len() {
            let (n, got) = (starts.len(), priorities.len());
            return Err(Error::invalid(format!("expected {n} priorities for {n} starts, got {got}")));
        }
        if let Some(bad) = priorities.iter().find(|p| !p.is_finite() || **p < 0.0) {
            return Err(Error::invalid(format!("expected a finite priority of at least 0, got {bad}")));
        }
        self.follow(replay)?;
        for (id, priority) in starts.iter().zip(priorities) {
            if let (Some(place), Starts::Weights(weights)) = (self.find(replay, *id), &mut self.starts) {
                weights.set_priority(place, *priority);
            }
        }
        Ok(())
    }

    /// Corrects more of the bias from now on: `beta` usually grows to 1 while a run lasts.
    ///
    /// # Errors
    /// If it is not in `0..=1`, or this sampler has no priorities.
    pub fn set_beta(&mut self, beta: f32) -> Result<()> {
        let Pick::Prioritised { alpha, .. } = self.pick else {
            return Err(Error::invalid(format!("expected a prioritised sampler, got {:?}", self.pick)));
        };
        let pick = Pick::Prioritised { alpha, beta };
        pick.check()?;
        self.pick = pick;
        Ok(())
    }

    /// How often the start `id` was counted; `None` if it is no start, has left, or this sampler does not count.
    pub fn count(&self, replay: &Replay, id: StepId) -> Option<u32> {
        match &self.starts {
            Starts::Weights(weights) => weights.count(self.find(replay, id)?),
            Starts::Runs(_) => None,
        }
    }

    /// Counts `starts` `n` times more, for uses that this sampler does not see. What has left the replay is passed over.
    ///
    /// # Errors
    /// If this sampler does not count.
    pub fn add_counts(&mut self, replay: &Replay, starts: &[StepId], n: u32) -> Result<()> {
        if !matches!(self.pick, Pick::Counted { .. }) {
            return Err(Error::invalid(format!("expected a counted sampler, got {:?}", self.pick)));
        }
        self.follow(replay)?;
        let places: Vec<usize> = starts.iter().filter_map(|id| self.find(replay, *id)).collect();
        if let Starts::Weights(weights) = &mut self.starts {
            weights.add_counts(places.into_iter(), n);
        }
        Ok(())
    }

    /// Takes in what has come and forgets what has left.
    fn follow(&mut self, replay: &Replay) -> Result<()> {
        let timeline = &replay.timeline;
        let held = timeline.held();
        let (seen, capacity) = (self.seen.clone(), replay.capacity);
        if ![0, capacity].contains(&self.capacity) || seen.start > held.start || seen.end > held.end {
            let message = format!(
                "expected the replay of {} steps that was drawn from up to step {}, got one of {capacity} with steps {held:?}",
                self.capacity, seen.end
            );
            return Err(Error::new(ErrorKind::Mismatch, message)
                .hint("restore the replay that was saved together with this sampler"));
        }
        self.capacity = capacity;
        let from = seen.end.max(held.start);
        let to = timeline.frontier(&self.window).max(from);
        let came = timeline.starts(&self.window, from..to);
        match &mut self.starts {
            Starts::Runs(runs) => {
                runs.drop_before(held.start);
                came.for_each(|(episode, steps)| runs.add(episode, steps));
            }
            Starts::Weights(weights) => {
                let left = seen.start..held.start.min(seen.end);
                places(left, capacity).for_each(|place| weights.remove(place));
                came.flat_map(|(_, steps)| places(steps, capacity)).for_each(|place| weights.add(place));
            }
        }
        self.seen = held.start..to;
        Ok(())
    }

    /// The place of the start `id` among the weights.
    fn find(&self, replay: &Replay, id: StepId) -> Option<usize> {
        let step = replay.timeline.find(id)?;
        let is_start = self.seen.contains(&step) && replay.timeline.is_start(&self.window, step);
        is_start.then(|| place(step, self.capacity))
    }
}

impl Pick {
    fn check(&self) -> Result<()> {
        let positive = |name: &str, x: f32| match x.is_finite() && x > 0.0 {
            true => Ok(()),
            false => Err(Error::invalid(format!("expected a positive `{name}`, got {x}"))),
        };
        let share = |name: &str, x: f32| match (0.0..=1.0).contains(&x) {
            true => Ok(()),
            false => Err(Error::invalid(format!("expected `{name}` in 0..=1, got {x}"))),
        };
        match *self {
            Pick::Uniform | Pick::Balanced => Ok(()),
            Pick::Recent { half_life } => positive("half_life", half_life),
            Pick::Prioritised { alpha, beta } => share("alpha", alpha).and_then(|()| share("beta", beta)),
            Pick::Counted { temperature } => positive("temperature", temperature),
        }
    }

    pub(super) fn no_starts(self) -> Starts {
        match self {
            Pick::Uniform | Pick::Recent { .. } | Pick::Balanced => Starts::Runs(Runs::default()),
            Pick::Prioritised { alpha, .. } => {
                Starts::Weights(Weights::new(Rule::Priority { alpha, largest: 1.0 }))
            }
            Pick::Counted { temperature } => {
                Starts::Weights(Weights::new(Rule::Count { temperature, counts: Vec::new(), base: 0 }))
            }
        }
    }

    /// One start, by a rule that needs no weights, of the `runs` among the steps `seen`.
    fn draw(
        self,
        runs: &Runs,
        seen: &Range<u64>,
        is_start: impl Fn(u64) -> bool,
        rng: &mut Rng,
    ) -> Option<u64> {
        let n = runs.n_starts();
        if n == 0 {
            return None;
        }
        if let Pick::Recent { half_life } = self {
            return runs.start(n - 1 - age(f64::from(half_life), n, unit(rng)));
        }
        if let Pick::Balanced = self {
            let run = runs.run(rng.below(runs.len()))?;
            return Some(run.start + rng.below((run.end - run.start) as usize) as u64);
        }
        // Most steps are starts, so trying some is quicker than counting, and as fair.
        let any = |rng: &mut Rng| seen.start + rng.below((seen.end - seen.start) as usize) as u64;
        let tried = (0..N_TRIES).map(|_| any(rng)).find(|step| is_start(*step));
        tried.or_else(|| runs.start(rng.below(n as usize) as u64))
    }
}

fn nothing(window: &Window) -> Error {
    let Window { n_steps, at_least, .. } = window;
    let message = format!(
        "expected a start for a window of {n_steps} steps, {at_least} of them of one episode, got none"
    );
    Error::invalid(message).hint("collect more experience first")
}

/// The inverse of the distribution function of ages `0..n` with probabilities proportional to `0.5 ^ (age / half_life)`.
fn age(half_life: f64, n: u64, u: f64) -> u64 {
    let rate = std::f64::consts::LN_2 / half_life;
    let all = -(-rate * n as f64).exp_m1(); // 1 - 0.5 ^ (n / half_life)
    let age = -(-u * all).ln_1p() / rate;
    (age as u64).min(n - 1)
}
