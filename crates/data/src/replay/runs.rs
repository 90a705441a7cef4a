//! The starts of a window in order, without weights: what uniform, recent and balanced draws count over.

use std::collections::VecDeque;
use std::ops::Range;

use super::lookup::Lookup;

/// Runs of consecutive starts, oldest first, at most one an episode.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    runs: VecDeque<Run>,
    /// Starts there ever were, those that have left with them.
    n_ever: u64,
    /// Runs that have left.
    n_gone: u64,
    lookup: Lookup,
}

#[derive(Debug, Clone)]
struct Run {
    steps: Range<u64>,
    /// Starts in all runs before it, those that have left with them.
    n_before: u64,
}

impl Runs {
    /// Adds the starts `steps`, which follow all others and belong to the episode that begins at `episode`.
    pub fn add(&mut self, episode: u64, steps: Range<u64>) {
        let n_before = self.n_ever;
        match self.runs.back_mut() {
            Some(last) if last.steps.start >= episode => {
                self.n_ever += steps.end - last.steps.end;
                last.steps.end = steps.end;
            }
            _ => {
                self.n_ever += steps.end - steps.start;
                self.runs.push_back(Run { steps, n_before });
            }
        }
        self.lookup.add(n_before..self.n_ever, self.n_gone + self.runs.len() as u64 - 1);
    }

    /// Forgets the runs of episodes before `step`.
    pub fn drop_before(&mut self, step: u64) {
        while self.runs.front().is_some_and(|run| run.steps.start < step) {
            self.runs.pop_front();
            self.n_gone += 1;
        }
        self.lookup.drop_before(self.runs.front().map_or(self.n_ever, |run| run.n_before));
    }

    /// Number of starts.
    pub fn n_starts(&self) -> u64 {
        self.runs.front().map_or(0, |first| self.n_ever - first.n_before)
    }

    /// Start number `rank`, counted from the oldest.
    pub fn start(&self, rank: u64) -> Option<u64> {
        let n = self.runs.front()?.n_before + rank;
        if n >= self.n_ever {
            return None;
        }
        let begins = |idx: usize| self.runs.get(idx).is_some_and(|run| run.n_before <= n);
        let idx = self.lookup.find(n, self.n_gone, begins);
        let run = &self.runs[idx];
        let step = run.steps.start + (n - run.n_before);
        run.steps.contains(&step).then_some(step)
    }

    /// Number of runs.
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// The starts of run `idx`.
    pub fn run(&self, idx: usize) -> Option<&Range<u64>> {
        self.runs.get(idx).map(|run| &run.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_counted_over_runs() {
        let mut runs = Runs::default();
        runs.add(0, 0..3);
        runs.add(5, 5..6);
        runs.add(5, 6..8);
        runs.add(10, 11..12);
        let all = |runs: &Runs| (0..=9).map_while(|n| runs.start(n)).collect::<Vec<_>>();
        assert_eq!((runs.len(), runs.n_starts()), (3, 7));
        assert_eq!(all(&runs), [0, 1, 2, 5, 6, 7, 11]);
        runs.drop_before(5);
        assert_eq!((runs.len(), runs.n_starts()), (2, 4));
        assert_eq!(all(&runs), [5, 6, 7, 11]);
        assert_eq!(runs.run(0), Some(&(5..8)));
        runs.drop_before(100);
        assert_eq!((runs.n_starts(), runs.start(0)), (0, None));
    }
}
