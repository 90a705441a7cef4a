//! What a window may contain.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result};

/// Nobody trains on windows of more steps than this, or warms up over more.
const LONGEST: usize = 1 << 24;

/// Which steps are handed out around a start that was drawn.
///
/// ```text
///       burn_in        n_steps
///    . . 0 1 2 3 | 4 5 6 7 8 . . .      drawn at step 4 of an episode of 9 steps, which nothing crosses
///    - - x x x x | x x x x x - - -      the batch's mask
/// ```
///
/// What lies before the first and after the last step of the start's episode is either left empty (all zero, all false)
/// or, if the window `crosses`, taken from the episodes before and after; the mask is false there all the same. A
/// window that crosses is drawn only where all its `n_steps` are held; its burn-in may still begin before the oldest
/// step held, and is empty there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Steps before the start, which only warm up a recurrent state.
    #[serde(default)]
    pub burn_in: usize,
    /// Steps from the start on.
    pub n_steps: usize,
    /// How many of `n_steps` the start's own episode must have for the start to be drawn.
    pub at_least: usize,
    /// Whether the window runs on into the neighbouring episodes.
    pub crosses: bool,
}

impl Window {
    /// `n_steps` steps wherever there are so many, over the ends of episodes; `first` marks the resets.
    pub fn crossing(n_steps: usize) -> Self {
        Self { burn_in: 0, n_steps, at_least: 1, crosses: true }
    }

    /// `n_steps` steps of one episode; shorter episodes are never drawn. `within(2)` is a transition.
    pub fn within(n_steps: usize) -> Self {
        Self { burn_in: 0, n_steps, at_least: n_steps, crosses: false }
    }

    /// Up to `n_steps`, and at least `at_least`, steps of one episode, filled up with empty ones. With `at_least` 2 every
    /// transition is drawn, close to the end of its episode too: what n-step returns need.
    pub fn padded(n_steps: usize, at_least: usize) -> Self {
        Self { burn_in: 0, n_steps, at_least, crosses: false }
    }

    /// The same window with `burn_in` steps before it.
    #[must_use]
    pub fn burn_in(self, burn_in: usize) -> Self {
        Self { burn_in, ..self }
    }

    /// Steps in all: what a batch calls `n_steps`.
    pub(crate) fn n_rows(&self) -> usize {
        self.burn_in + self.n_steps
    }

    /// How many steps must be held from a start on.
    pub(crate) fn reach(&self) -> usize {
        if self.crosses { self.n_steps } else { self.at_least }
    }

    /// # Errors
    /// If there is no such window.
    pub(crate) fn check(&self) -> Result<()> {
        let Self { burn_in, n_steps, at_least, .. } = *self;
        if n_steps == 0 || n_steps > LONGEST || burn_in > LONGEST {
            return Err(Error::invalid(format!(
                "expected a window of 1..={LONGEST} steps after 0..={LONGEST}, got {n_steps} after {burn_in}"
            )));
        }
        if !(1..=n_steps).contains(&at_least) {
            return Err(Error::invalid(format!(
                "expected a window with at least 1..={n_steps} steps of one episode, got {at_least}"
            )));
        }
        Ok(())
    }

    /// The rows of a window that starts at `start`, where `own` are the steps of its episode and `held` all that there
    /// are.
    pub(super) fn cut(&self, start: u64, own: &Range<u64>, held: &Range<u64>) -> Cut {
        let bounds = if self.crosses { held } else { own };
        let begin = start.saturating_sub(self.burn_in as u64).max(bounds.start);
        let end = start.saturating_add(self.n_steps as u64).min(bounds.end);
        let n_empty = self.burn_in - (start - begin) as usize;
        let row = |step: u64| n_empty + (step.clamp(begin, end) - begin) as usize;
        Cut {
            n_empty,
            begin: (begin - held.start) as usize,
            len: (end - begin) as usize,
            own: row(own.start)..row(own.end),
        }
    }
}

/// One window as rows: empty ones, then steps of the replay, then empty ones again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cut {
    /// Empty rows before the first step.
    pub n_empty: usize,
    /// The first step, counted from the oldest held.
    pub begin: usize,
    /// Number of steps.
    pub len: usize,
    /// Rows that belong to the episode of the start.
    pub own: Range<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_what_the_picture_shows() {
        // The stream holds steps 100..120; the episode of 9 steps is 106..115 and was drawn at its step 4.
        let (own, held) = (106..115, 100..120);
        let window = Window::padded(8, 1).burn_in(6);
        assert_eq!(window.cut(110, &own, &held), Cut { n_empty: 2, begin: 6, len: 9, own: 2..11 });
        let window = Window::crossing(8).burn_in(6);
        assert_eq!(window.cut(110, &own, &held), Cut { n_empty: 0, begin: 4, len: 14, own: 2..11 });
        // Close to the oldest step held even a window that crosses begins empty.
        let window = Window::crossing(3).burn_in(6);
        assert_eq!(window.cut(102, &(100..106), &held), Cut { n_empty: 4, begin: 0, len: 5, own: 4..9 });
    }

    #[test]
    fn windows_without_steps_are_refused() {
        assert!(Window::crossing(0).check().is_err());
        assert!(Window::padded(3, 0).check().is_err());
        assert!(Window::padded(3, 4).check().is_err());
        assert!(Window::within(2).burn_in(usize::MAX).check().is_err());
        assert!(Window::within(2).burn_in(3).check().is_ok());
    }
}
