//! Which steps of which episodes are held.

use std::collections::VecDeque;
use std::ops::Range;

use worldsmith_core::{Episode, Error, Result, StepKind};

use super::Window;
use super::ring::Ring;
use super::window::Cut;
use crate::StepId;

/// The episodes held, oldest first, over one endless count of steps: the first step ever kept is number 0, and a step
/// keeps its number for as long as it is held.
#[derive(Debug)]
pub(super) struct Timeline {
    spans: VecDeque<Span>,
    /// Each step knows its episode, so that nothing has to be searched for when it is drawn.
    standings: Ring<Standing>,
    held: Range<u64>,
    /// Episodes that were held once and no longer are.
    n_gone: u64,
    /// What [`Standing::episode`] is in the oldest episode.
    oldest: u32,
}

/// One episode.
#[derive(Debug)]
struct Span {
    steps: Range<u64>,
    /// Steps at its head that were never kept, because it was longer than the whole replay.
    n_cut: u64,
}

/// Where a step stands in its episode.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// The episode: a count that starts at 0 when the timeline is made, and again after 2^32.
    episode: u32,
    /// Steps before it in the episode, those that were never kept with them.
    n_before: u32,
    /// Steps after it.
    n_after: u32,
    pub kind: StepKind,
}

impl Standing {
    /// What stands where there is no step.
    const NONE: Self = Self { episode: 0, n_before: 0, n_after: 0, kind: StepKind::Mid };
}

impl Timeline {
    /// # Errors
    /// If the machine cannot set aside that much memory.
    pub fn new(capacity: usize) -> Result<Self> {
        let standings = Ring::new(1, capacity, Standing::NONE)?;
        Ok(Self { spans: VecDeque::new(), standings, held: 0..0, n_gone: 0, oldest: 0 })
    }

    /// The numbers of all steps held.
    pub fn held(&self) -> &Range<u64> {
        &self.held
    }

    pub fn n_steps(&self) -> usize {
        (self.held.end - self.held.start) as usize
    }

    pub fn n_episodes(&self) -> usize {
        self.spans.len()
    }

    /// Episodes that have left.
    pub fn n_gone(&self) -> u64 {
        self.n_gone
    }

    /// # Errors
    /// If `episode` has more steps than can be counted.
    pub fn check(episode: &Episode) -> Result<()> {
        match u32::try_from(episode.obs.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::invalid(format!(
                "expected an episode of fewer than 2^32 steps, got {}",
                episode.obs.len()
            ))),
        }
    }

    /// Adds a checked episode, of which the last `n_kept` steps are kept. There is room for them.
    pub fn push(&mut self, episode: &Episode, n_kept: usize) {
        let (total, number) = (episode.obs.len(), self.oldest.wrapping_add(self.spans.len() as u32));
        for t in total - n_kept..total {
            self.standings.push(&[Standing {
                episode: number,
                n_before: t as u32,
                n_after: (total - 1 - t) as u32,
                kind: episode.kind(t),
            }]);
        }
        let end = self.held.end + n_kept as u64;
        self.spans.push_back(Span { steps: self.held.end..end, n_cut: (total - n_kept) as u64 });
        self.held.end = end;
    }

    /// Drops the oldest episode and returns how many steps it had.
    pub fn pop(&mut self) -> Option<usize> {
        let span = self.spans.pop_front()?;
        let n_steps = (span.steps.end - span.steps.start) as usize;
        self.standings.drop_front(n_steps);
        self.n_gone += 1;
        self.oldest = self.oldest.wrapping_add(1);
        self.held.start = span.steps.end;
        Some(n_steps)
    }

    /// Counts on as if `n_gone` episodes had left and the oldest step held were number `first`.
    pub fn renumber(&mut self, n_gone: u64, first: u64) {
        let before = self.held.start;
        let shift = |step: u64| step - before + first;
        for span in &mut self.spans {
            span.steps = shift(span.steps.start)..shift(span.steps.end);
        }
        self.held = first..shift(self.held.end);
        self.n_gone = n_gone;
    }

    /// How `step`, which is held, stands.
    pub fn standing(&self, step: u64) -> Standing {
        self.standings.get((step - self.held.start) as usize)[0]
    }

    /// The steps of the episode that holds `step`, which is held.
    pub fn own(&self, step: u64) -> Range<u64> {
        let Standing { n_before, n_after, .. } = self.standing(step);
        step.saturating_sub(u64::from(n_before)).max(self.held.start)..step + u64::from(n_after) + 1
    }

    /// The name of `step`, which is held.
    pub fn id(&self, step: u64) -> StepId {
        let Standing { episode, n_before, .. } = self.standing(step);
        let idx = u64::from(episode.wrapping_sub(self.oldest));
        StepId { episode: self.n_gone + idx, step: u64::from(n_before) }
    }

    /// The number of the step called `id`, if it is still held.
    pub fn find(&self, id: StepId) -> Option<u64> {
        let span = self.spans.get(usize::try_from(id.episode.checked_sub(self.n_gone)?).ok()?)?;
        let step = span.steps.start.checked_add(id.step.checked_sub(span.n_cut)?)?;
        span.steps.contains(&step).then_some(step)
    }

    /// Whether `window` may be drawn at `step`, which lies before its [`Timeline::frontier`].
    pub fn is_start(&self, window: &Window, step: u64) -> bool {
        self.standing(step).n_after as usize >= window.at_least - 1
    }

    /// The starts of `window` among `steps`: one run an episode that has any, each with its episode's first step.
    pub fn starts(&self, window: &Window, steps: Range<u64>) -> impl Iterator<Item = (u64, Range<u64>)> {
        let at_least = window.at_least as u64;
        let first = self.spans.partition_point(|span| span.steps.end <= steps.start);
        let spans = self.spans.range(first..).map(|span| &span.steps);
        spans.take_while(move |own| own.start < steps.end).filter_map(move |own| {
            let end = (own.end + 1).saturating_sub(at_least).min(steps.end);
            let run = own.start.max(steps.start)..end;
            (!run.is_empty()).then_some((own.start, run))
        })
    }

    /// Before which step the starts of `window` lie, as far as the steps held decide.
    pub fn frontier(&self, window: &Window) -> u64 {
        (self.held.end + 1).saturating_sub(window.reach() as u64).max(self.held.start)
    }

    /// How the steps of the windows at `cuts` stand.
    pub fn windows(&self, cuts: &[Cut], n_rows: usize) -> Vec<Standing> {
        let mut out = Vec::new();
        self.standings.copy_windows(cuts, n_rows, &mut out);
        out
    }
}
