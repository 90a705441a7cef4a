//! Which steps of which episodes are held.

use std::collections::VecDeque;
use std::ops::Range;

use super::Window;
use crate::StepId;

/// The episodes held, oldest first, over one endless count of steps: the first step ever kept is number 0, and a step
/// keeps its number for as long as it is held.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    spans: VecDeque<Span>,
    /// Episodes that were held once and no longer are.
    n_gone: u64,
    held: Range<u64>,
}

/// One episode.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub steps: Range<u64>,
    /// Steps at its head that were never kept, because it was longer than the whole replay.
    n_cut: u64,
}

impl Timeline {
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

    /// Adds an episode of which the last `n_kept` steps are kept, and not the `n_cut` before them.
    pub fn push(&mut self, n_kept: usize, n_cut: usize) {
        let end = self.held.end + n_kept as u64;
        self.spans.push_back(Span { steps: self.held.end..end, n_cut: n_cut as u64 });
        self.held.end = end;
    }

    /// Drops the oldest episode and returns how many steps it had.
    pub fn pop(&mut self) -> Option<usize> {
        let span = self.spans.pop_front()?;
        self.n_gone += 1;
        self.held.start = span.steps.end;
        Some((span.steps.end - span.steps.start) as usize)
    }

    /// Counts on as if `n_gone` episodes had left and the oldest step held were number `first`.
    pub fn renumber(&mut self, n_gone: u64, first: u64) {
        self.n_gone = n_gone;
        let before = self.held.start;
        let shift = |step: u64| step - before + first;
        for span in &mut self.spans {
            span.steps = shift(span.steps.start)..shift(span.steps.end);
        }
        self.held = first..shift(self.held.end);
    }

    /// The steps of the episode that holds `step`.
    pub fn own(&self, step: u64) -> Option<&Span> {
        self.spans.get(self.idx(step))
    }

    /// The name of `step`.
    pub fn id(&self, step: u64) -> Option<StepId> {
        let idx = self.idx(step);
        let span = self.spans.get(idx)?;
        let place = step.checked_sub(span.steps.start)?;
        Some(StepId { episode: self.n_gone + idx as u64, step: place + span.n_cut })
    }

    /// The number of the step called `id`, if it is still held.
    pub fn find(&self, id: StepId) -> Option<u64> {
        let span = self.spans.get(usize::try_from(id.episode.checked_sub(self.n_gone)?).ok()?)?;
        let step = span.steps.start.checked_add(id.step.checked_sub(span.n_cut)?)?;
        span.steps.contains(&step).then_some(step)
    }

    /// The starts of `window` among `steps`: one run an episode that has any, each with its episode's first step.
    pub fn starts(&self, window: &Window, steps: Range<u64>) -> impl Iterator<Item = (u64, Range<u64>)> {
        let at_least = window.at_least as u64;
        let spans = self.spans.range(self.idx(steps.start)..);
        let spans = spans.map_while(move |span| (span.steps.start < steps.end).then_some((span, steps.clone())));
        spans.filter_map(move |(Span { steps: own, .. }, steps)| {
            let end = (own.end + 1).saturating_sub(at_least).min(steps.end);
            let run = own.start.max(steps.start)..end;
            (!run.is_empty()).then_some((own.start, run))
        })
    }

    /// Before which step the starts of `window` lie, as far as the steps held decide.
    pub fn frontier(&self, window: &Window) -> u64 {
        (self.held.end + 1).saturating_sub(window.reach() as u64).max(self.held.start)
    }

    /// Index of the episode that holds `step`, or the number of episodes.
    fn idx(&self, step: u64) -> usize {
        self.spans.partition_point(|span| span.steps.end <= step)
    }
}
