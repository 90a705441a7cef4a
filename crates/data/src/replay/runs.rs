//! The starts of a window in order, without weights: what uniform, recent and balanced draws count over.

use std::collections::VecDeque;
use std::ops::Range;

/// Runs of consecutive starts, oldest first, at most one an episode.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    runs: VecDeque<Run>,
}

#[derive(Debug, Clone)]
struct Run {
    steps: Range<u64>,
    /// Starts in all runs before it, those that have left with them.
    n_before: u64,
}

impl Run {
    fn len(&self) -> u64 {
        self.steps.end - self.steps.start
    }
}

impl Runs {
    /// Adds the starts `steps`, which follow all others and belong to the episode that begins at `episode`.
    pub fn add(&mut self, episode: u64, steps: Range<u64>) {
        match self.runs.back_mut() {
            Some(last) if last.steps.start >= episode => last.steps.end = steps.end,
            last => {
                let n_before = last.map_or(0, |last| last.n_before + last.len());
                self.runs.push_back(Run { steps, n_before });
            }
        }
    }

    /// Forgets the runs of episodes before `step`.
    pub fn drop_before(&mut self, step: u64) {
        while self.runs.front().is_some_and(|run| run.steps.start < step) {
            self.runs.pop_front();
        }
    }

    /// Number of starts.
    pub fn n_starts(&self) -> u64 {
        match (self.runs.front(), self.runs.back()) {
            (Some(first), Some(last)) => last.n_before + last.len() - first.n_before,
            _ => 0,
        }
    }

    /// Start number `rank`, counted from the oldest.
    pub fn start(&self, rank: u64) -> Option<u64> {
        let n = self.runs.front()?.n_before + rank;
        let idx = self.runs.partition_point(|run| run.n_before <= n).checked_sub(1)?;
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
