//! Weighted draws in logarithmic time.

/// Children of a node: eight numbers are one cache line, and a tree over a million weights is seven nodes high.
const ARITY: usize = 8;

type Node = [f64; ARITY];

/// Non-negative weights with their sums. A sum is always taken anew from the numbers below it and never adjusted, so the
/// tree is a function of its weights alone: it cannot drift, and weights that were saved bring all of it back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SumTree {
    /// The weights, then the sums of their nodes, then the sums of those, up to one node.
    levels: Vec<Vec<Node>>,
}

impl SumTree {
    /// No weights.
    pub fn new() -> Self {
        Self { levels: vec![vec![[0.0; ARITY]]] }
    }

    /// The tree over `weights`.
    pub fn from_weights(weights: &[f64]) -> Self {
        let mut tree = Self::new();
        tree.grow(weights.len());
        for (node, chunk) in tree.levels[0].iter_mut().zip(weights.chunks(ARITY)) {
            node[..chunk.len()].copy_from_slice(chunk);
        }
        tree.sum_up();
        tree
    }

    /// Number of weights; what was never set is 0.
    pub fn len(&self) -> usize {
        self.levels[0].len() * ARITY
    }

    /// All weights.
    pub fn weights(&self) -> &[f64] {
        self.levels[0].as_flattened()
    }

    /// Weight `idx`.
    pub fn get(&self, idx: usize) -> f64 {
        self.weights().get(idx).copied().unwrap_or(0.0)
    }

    /// Sum of all weights.
    pub fn total(&self) -> f64 {
        self.levels.last().map_or(0.0, |top| sum(&top[0]))
    }

    /// Sets weight `idx`, which is not negative.
    pub fn set(&mut self, idx: usize, weight: f64) {
        debug_assert!(weight >= 0.0);
        self.grow(idx + 1);
        let (mut idx, mut value) = (idx, weight);
        for level in &mut self.levels {
            let node = &mut level[idx / ARITY];
            node[idx % ARITY] = value;
            value = sum(node);
            idx /= ARITY;
        }
    }

    /// Where each of `xs`, numbers in `0.0..total`, falls if the weights are laid end to end. Never on a weight of zero;
    /// `None` if there is no other.
    pub fn find(&self, mut xs: Vec<f64>) -> Option<Vec<usize>> {
        let mut found = vec![0; xs.len()];
        // Level by level, not draw by draw: the processor then waits for many nodes at once.
        for level in self.levels.iter().rev() {
            for (at, x) in found.iter_mut().zip(&mut xs) {
                let (child, before) = child(level.get(*at)?, *x)?;
                *at = *at * ARITY + child;
                *x -= before;
            }
        }
        Some(found)
    }

    /// Makes room for `n` weights.
    fn grow(&mut self, n: usize) {
        if n <= self.len() {
            return;
        }
        let mut n_nodes = n;
        let n_levels = self.levels.len();
        for k in 0.. {
            n_nodes = n_nodes.div_ceil(ARITY);
            match self.levels.get_mut(k) {
                Some(level) => level.resize(n_nodes, [0.0; ARITY]),
                None => self.levels.push(vec![[0.0; ARITY]; n_nodes]),
            }
            if n_nodes == 1 {
                break;
            }
        }
        // Below a new top lies one old one; everything else that is new is zero.
        for k in n_levels..self.levels.len() {
            self.levels[k][0][0] = sum(&self.levels[k - 1][0]);
        }
    }

    fn sum_up(&mut self) {
        for k in 1..self.levels.len() {
            let (below, level) = self.levels.split_at_mut(k);
            let sums = below[k - 1].iter().map(sum);
            level[0].as_flattened_mut().iter_mut().zip(sums).for_each(|(place, sum)| *place = sum);
        }
    }
}

/// On which child `x` falls, and how much lies before it. Where rounding carried `x` past the end, it is the last child that
/// has weight.
fn child(node: &Node, x: f64) -> Option<(usize, f64)> {
    let (mut child, mut before, mut sum) = (0, 0.0, 0.0);
    for weight in node {
        sum += weight;
        let is_past = x >= sum;
        child += usize::from(is_past);
        before = if is_past { sum } else { before };
    }
    match child < ARITY {
        true => Some((child, before)),
        false => node.iter().rposition(|weight| *weight > 0.0).map(|last| (last, 0.0)),
    }
}

/// In a fixed order, so that equal numbers have equal sums.
fn sum([a, b, c, d, e, f, g, h]: &Node) -> f64 {
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    #[test]
    fn a_hand_counted_tree_is_drawn_from_at_every_border() {
        // Weights at 0, 2 and 9: laid end to end they cover 0..1, 1..3 and 3..3.5.
        let mut tree = SumTree::new();
        assert_eq!((tree.total(), tree.find(vec![0.0])), (0.0, None));
        for (idx, weight) in [(0, 1.0), (9, 0.5), (2, 2.0)] {
            tree.set(idx, weight);
        }
        assert_eq!(tree.total(), 3.5);
        let xs = vec![0.0, 0.99, 1.0, 2.99, 3.0, 3.49, 3.5, 99.0];
        assert_eq!(tree.find(xs).unwrap(), [0, 0, 2, 2, 9, 9, 9, 9]);
        tree.set(9, 0.0);
        assert_eq!((tree.total(), tree.find(vec![3.4])), (3.0, Some(vec![2])));
    }

    #[test]
    fn sums_and_draws_are_those_of_a_plain_list_over_thousands_of_changes() {
        let mut rng = Seed(11).rng();
        let (mut tree, mut list) = (SumTree::new(), vec![0.0; 3000]);
        for n in 0..20_000 {
            // It grows over time, with weights over twelve orders of magnitude and many zeros.
            let idx = rng.below(1 + (n * 3000) / 20_000);
            let weight =
                if rng.chance(0.3) { 0.0 } else { 10_f64.powf(f64::from(rng.uniform()) * 12.0 - 6.0) };
            tree.set(idx, weight);
            list[idx] = weight;
            if n % 50 != 0 {
                continue;
            }
            let total: f64 = list.iter().sum();
            assert!((tree.total() - total).abs() <= total * 1e-13, "{} is not {total}", tree.total());
            let x = f64::from(rng.uniform()) * total;
            let found = tree.find(vec![x]).unwrap()[0];
            let before: f64 = list[..found].iter().sum();
            assert!(list[found] > 0.0);
            assert!(before - total * 1e-12 <= x && x <= before + list[found] + total * 1e-12);
        }
        assert_eq!(SumTree::from_weights(&list[..tree.len().min(3000)]).total(), tree.total());
    }

    #[test]
    fn sums_do_not_drift_however_often_weights_change() {
        let mut rng = Seed(12).rng();
        let mut tree = SumTree::new();
        for _ in 0..200_000 {
            // A running difference would keep an error of the huge weight's last bit.
            let idx = rng.below(600);
            tree.set(idx, 1e15 * f64::from(rng.uniform()));
            tree.set(idx, 0.1);
        }
        (0..600).for_each(|idx| tree.set(idx, 0.1));
        assert_eq!(tree, SumTree::from_weights(&[0.1; 600]));
        assert!((tree.total() - 60.0).abs() < 1e-12);
        (0..600).for_each(|idx| tree.set(idx, 0.0));
        assert_eq!(tree.total(), 0.0);
    }
}
