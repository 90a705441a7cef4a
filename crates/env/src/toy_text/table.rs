//! Tables of transitions: the ways in which an action can turn out, a draw among them, and what is best.

use std::ops::Deref;

use worldsmith_core::Rng;

/// Weight of the next step's return in a plan; a little below one, so that of two ways to the goal the shorter is better.
const DISCOUNT: f64 = 0.995;
/// A plan is done when no value changes by more than this.
const TOLERANCE: f64 = 1e-9;
const MAX_SWEEPS: usize = 4000;

/// One way in which an action can turn out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// How likely it is, from 0 to 1.
    pub probability: f64,
    /// The state that it leads to.
    pub next: usize,
    /// Reward for it.
    pub reward: f32,
    /// Whether it ends the episode.
    pub terminated: bool,
}

/// All ways in which an action can turn out: one, or three where it may go astray to either side.
#[derive(Debug, Clone, Copy)]
pub struct Ways {
    all: [Way; 3],
    n: usize,
}

impl Ways {
    /// The only way there is.
    pub fn certain(way: Way) -> Self {
        Self { all: [way; 3], n: 1 }
    }

    /// Three ways, whose probabilities have the sum of one.
    pub fn three(all: [Way; 3]) -> Self {
        Self { all, n: 3 }
    }

    /// One of them, by chance; no chance is taken where there is only one.
    pub fn draw(&self, rng: &mut Rng) -> Way {
        let [first, second, third] = self.all;
        if self.n == 1 {
            return first;
        }
        let drawn = f64::from(rng.uniform());
        if drawn < first.probability {
            first
        } else if drawn < first.probability + second.probability {
            second
        } else {
            third
        }
    }
}

impl Deref for Ways {
    type Target = [Way];

    fn deref(&self) -> &[Way] {
        &self.all[..self.n]
    }
}

/// For every state the action of the highest expected return, found by value iteration.
pub(super) fn best_actions(
    n_states: usize,
    n_actions: usize,
    ways: impl Fn(usize, usize) -> Ways,
) -> Vec<usize> {
    let table: Vec<Vec<Ways>> =
        (0..n_states).map(|state| (0..n_actions).map(|action| ways(state, action)).collect()).collect();
    let mut values = vec![0.0; n_states];
    for _ in 0..MAX_SWEEPS {
        let mut change = 0.0_f64;
        for (state, row) in table.iter().enumerate() {
            let best = row.iter().map(|ways| worth(ways, &values)).fold(f64::NEG_INFINITY, f64::max);
            change = change.max((best - values[state]).abs());
            values[state] = best;
        }
        if change < TOLERANCE {
            break;
        }
    }
    table.iter().map(|row| first_best(row.iter().map(|ways| worth(ways, &values)))).collect()
}

/// Expected return of an action.
fn worth(ways: &[Way], values: &[f64]) -> f64 {
    let after = |way: &Way| if way.terminated { 0.0 } else { DISCOUNT * values[way.next] };
    ways.iter().map(|way| way.probability * (f64::from(way.reward) + after(way))).sum()
}

/// The place of the largest number; of numbers that are equal up to rounding, the first.
fn first_best(numbers: impl Iterator<Item = f64>) -> usize {
    let (mut best, mut largest) = (0, f64::NEG_INFINITY);
    for (i, x) in numbers.enumerate() {
        if x > largest + 1e3 * TOLERANCE {
            (best, largest) = (i, x);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(probability: f64, next: usize, reward: f32, terminated: bool) -> Way {
        Way { probability, next, reward, terminated }
    }

    #[test]
    fn a_plan_takes_the_detour_that_pays_and_no_longer_one() {
        // From 0: straight to the end for 1, or by way of 1 for 2; 1 can also go round in circles.
        let ways = |state: usize, action: usize| {
            Ways::certain(match (state, action) {
                (0, 0) => way(1.0, 2, 1.0, true),
                (0, _) => way(1.0, 1, 0.0, false),
                (1, 0) => way(1.0, 1, 0.0, false),
                (1, _) => way(1.0, 2, 2.0, true),
                _ => way(1.0, 2, 0.0, true),
            })
        };
        assert_eq!(best_actions(3, 2, ways), [1, 1, 0]);
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let ways = Ways::three([way(0.5, 0, 0.0, false), way(0.3, 1, 0.0, false), way(0.2, 2, 0.0, false)]);
        let (mut rng, mut counts) = (worldsmith_core::Seed(3).rng(), [0_i32; 3]);
        (0..100_000).for_each(|_| counts[ways.draw(&mut rng).next] += 1);
        let off = [50_000, 30_000, 20_000].iter().zip(counts).map(|(want, got)| (want - got).abs());
        assert!(off.max() < Some(600), "{counts:?}");
    }
}
