//! A weight for every start: what prioritised and counted draws are made by.

use std::ops::Range;

use worldsmith_core::Rng;

use super::sum_tree::SumTree;

/// How far a count's weight may lie from 1, as a power of e: what is rarer is never drawn anyway, and sums stay finite.
const FARTHEST: f64 = 600.0;
/// With a total below this the counts are weighed anew, from the smallest one on.
const TOO_LIGHT: f64 = 1e-200;

/// Weights of the steps held, in a ring: step `n` has the place `n % capacity`. What is not a start has weight 0.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    pub tree: SumTree,
    pub rule: Rule,
}

/// What a weight is made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    /// `priority ^ alpha`; a new start gets the largest priority that was ever given.
    Priority { alpha: f32, largest: f32 },
    /// `exp((base - count) / temperature)`, where only the ratios matter: `base` keeps the numbers in range.
    Count { temperature: f32, counts: Vec<u32>, base: u32 },
}

impl Weights {
    /// No starts yet.
    pub fn new(rule: Rule) -> Self {
        Self { tree: SumTree::new(), rule }
    }

    /// Adds a start at `place`.
    pub fn add(&mut self, place: usize) {
        let weight = match &mut self.rule {
            Rule::Priority { alpha, largest } => weight_of_priority(*largest, *alpha),
            Rule::Count { temperature, counts, base } => {
                counts.resize(counts.len().max(place + 1), 0);
                counts[place] = 0;
                weight_of_count(0, *base, *temperature)
            }
        };
        self.tree.set(place, weight);
    }

    /// Forgets whatever is at `place`.
    pub fn remove(&mut self, place: usize) {
        if place < self.tree.len() {
            self.tree.set(place, 0.0);
        }
    }

    /// Gives the start at `place` a priority that is neither negative nor infinite.
    pub fn set_priority(&mut self, place: usize, priority: f32) {
        if let Rule::Priority { alpha, largest } = &mut self.rule {
            *largest = largest.max(priority);
            self.tree.set(place, weight_of_priority(priority, *alpha));
        }
    }

    /// How often the start at `place` was counted.
    pub fn count(&self, place: usize) -> Option<u32> {
        match &self.rule {
            Rule::Count { counts, .. } => counts.get(place).copied(),
            Rule::Priority { .. } => None,
        }
    }

    /// Counts the starts at `places` `n` times each.
    pub fn add_counts(&mut self, places: impl Iterator<Item = usize>, n: u32) {
        let Rule::Count { temperature, counts, base } = &mut self.rule else { return };
        for place in places {
            if let Some(count) = counts.get_mut(place) {
                *count = count.saturating_add(n);
                self.tree.set(place, weight_of_count(*count, *base, *temperature));
            }
        }
        if self.tree.total() < TOO_LIGHT {
            self.weigh_anew();
        }
    }

    /// Moves `base` to the smallest count of a start.
    fn weigh_anew(&mut self) {
        let Rule::Count { temperature, counts, base } = &mut self.rule else { return };
        let mut weights = self.tree.weights().to_vec();
        let starts = || weights.iter().zip(counts.iter()).filter(|(weight, _)| **weight > 0.0);
        *base = starts().map(|(_, count)| *count).min().unwrap_or(0);
        for (weight, count) in weights.iter_mut().zip(counts.iter()).filter(|(weight, _)| **weight > 0.0) {
            *weight = weight_of_count(*count, *base, *temperature);
        }
        self.tree = SumTree::from_weights(&weights);
    }

    /// `n` places, each as often as its weight says: one from each of `n` equal parts of the total, which makes the draws
    /// of a batch more even than `n` independent ones. `None` if nothing has weight.
    pub fn draw(&self, n: usize, rng: &mut Rng) -> Option<Vec<usize>> {
        let part = self.tree.total() / n as f64;
        self.tree.find((0..n).map(|i| (i as f64 + unit(rng)) * part).collect())
    }

    /// How much less often each of `places` is drawn than the least likely of them, to the power of `beta`.
    pub fn corrections(&self, places: &[usize], beta: f32) -> impl Iterator<Item = f32> {
        let rarest = places.iter().map(|place| self.tree.get(*place)).fold(f64::INFINITY, f64::min);
        places.iter().map(move |place| (rarest / self.tree.get(*place)).powf(f64::from(beta)) as f32)
    }
}

/// The places of `steps` in a ring.
pub(super) fn places(steps: Range<u64>, capacity: usize) -> impl Iterator<Item = usize> {
    steps.map(move |step| place(step, capacity))
}

/// The place of `step` in a ring.
pub(super) fn place(step: u64, capacity: usize) -> usize {
    (step % capacity as u64) as usize
}

/// The step at `place` of a ring whose oldest is `oldest`.
pub(super) fn step_at(place: usize, oldest: u64, capacity: usize) -> u64 {
    let capacity = capacity as u64;
    oldest + (place as u64 + capacity - oldest % capacity) % capacity
}

/// A uniform number in `[0, 1)` with all the bits that a sum of a million weights asks for.
pub(super) fn unit(rng: &mut Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

fn weight_of_priority(priority: f32, alpha: f32) -> f64 {
    f64::from(priority).powf(f64::from(alpha))
}

fn weight_of_count(count: u32, base: u32, temperature: f32) -> f64 {
    let exponent = (f64::from(base) - f64::from(count)) / f64::from(temperature);
    exponent.clamp(-FARTHEST, FARTHEST).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    #[test]
    fn counts_beyond_the_range_of_numbers_are_weighed_from_the_smallest_on() {
        let rule = Rule::Count { temperature: 1.0, counts: Vec::new(), base: 0 };
        let mut weights = Weights::new(rule);
        [2, 3, 7].iter().for_each(|place| weights.add(*place));
        weights.add_counts([2, 3, 3, 7].into_iter(), 5000);
        assert_eq!([2, 3, 7].map(|place| weights.count(place)), [Some(5000), Some(10_000), Some(5000)]);
        assert_eq!([2, 3, 7].map(|place| weights.tree.get(place)), [1.0, (-FARTHEST).exp(), 1.0]);
        // A newcomer is drawn until it has caught up.
        weights.add(4);
        let drawn = weights.draw(100, &mut Seed(0).rng()).unwrap();
        assert!(drawn.iter().all(|place| *place == 4));
        // What was not a start stays none.
        assert_eq!(weights.tree.weights().iter().filter(|weight| **weight > 0.0).count(), 4);
    }

    #[test]
    fn places_of_a_ring_name_the_steps_held() {
        assert_eq!(places(8..13, 5).collect::<Vec<_>>(), [3, 4, 0, 1, 2]);
        for step in 8..13 {
            assert_eq!(step_at(place(step, 5), 8, 5), step);
        }
    }
}
