//! The starts of a window in order, without weights: what uniform, recent and balanced draws count over.

use std::collections::VecDeque;
use std::ops::Range;

/// Consecutive starts are a run; there is at most one an episode.
///
/// Steps are kept as their lowest 32 bits, which tell those apart that are held together: tables half as large are twice
/// as likely to be in the processor's cache.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    runs: VecDeque<Run>,
    /// Every start: start number `n` is found at once, however many episodes there are.
    starts: VecDeque<u32>,
    /// The oldest start, in full.
    oldest: u64,
}

#[derive(Debug, Clone)]
struct Run {
    first: u32,
    len: u32,
}

impl Runs {
    /// Adds the starts `steps`, which follow all others and belong to the episode that begins at `episode`.
    pub fn add(&mut self, episode: u64, steps: Range<u64>) {
        let (first, len) = (steps.start as u32, (steps.end - steps.start) as u32);
        let is_new = self.runs.back().is_none_or(|last| self.in_full(last.first) < episode);
        match self.runs.back_mut() {
            Some(last) if !is_new => last.len += len,
            last => {
                if last.is_none() {
                    self.oldest = steps.start;
                }
                self.runs.push_back(Run { first, len });
            }
        }
        self.starts.extend(steps.map(|step| step as u32));
    }

    /// Forgets the runs of episodes before `step`.
    pub fn drop_before(&mut self, step: u64) {
        let mut n_left = 0;
        while let Some(run) = self.runs.front().filter(|run| self.in_full(run.first) < step) {
            n_left += run.len as usize;
            self.runs.pop_front();
        }
        self.starts.drain(..n_left);
        if let Some(run) = self.runs.front() {
            self.oldest = self.in_full(run.first);
        }
    }

    /// Number of starts.
    pub fn n_starts(&self) -> u64 {
        self.starts.len() as u64
    }

    /// Start number `rank`, counted from the oldest.
    pub fn start(&self, rank: u64) -> Option<u64> {
        self.starts.get(usize::try_from(rank).ok()?).map(|step| self.in_full(*step))
    }

    /// Number of runs.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// The starts of run `idx`.
    pub fn run(&self, idx: usize) -> Option<Range<u64>> {
        let run = self.runs.get(idx)?;
        let first = self.in_full(run.first);
        Some(first..first + u64::from(run.len))
    }

    /// The step whose lowest bits are `step`, of those held.
    fn in_full(&self, step: u32) -> u64 {
        self.oldest + u64::from(step.wrapping_sub(self.oldest as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_counted_over_runs() {
        // Close to where 32 bits end, they count on.
        for from in [0, u64::from(u32::MAX) - 6, 1 << 40] {
            let at = |steps: Range<u64>| from + steps.start..from + steps.end;
            let mut runs = Runs::default();
            runs.add(from, at(0..3));
            runs.add(from + 5, at(5..6));
            runs.add(from + 5, at(6..8));
            runs.add(from + 10, at(11..12));
            let all = |runs: &Runs| {
                (0..=9).map_while(|n| runs.start(n)).map(|step| step - from).collect::<Vec<_>>()
            };
            assert_eq!((runs.len(), runs.n_starts()), (3, 7));
            assert_eq!(all(&runs), [0, 1, 2, 5, 6, 7, 11]);
            runs.drop_before(from + 5);
            assert_eq!((runs.len(), runs.n_starts()), (2, 4));
            assert_eq!(all(&runs), [5, 6, 7, 11]);
            assert_eq!((runs.run(0), runs.run(2)), (Some(at(5..8)), None));
            runs.drop_before(from + 100);
            assert_eq!((runs.n_starts(), runs.start(0)), (0, None));
            runs.add(from + 200, at(201..203));
            assert_eq!(all(&runs), [201, 202]);
        }
    }
}
