//! Returns and the scale they are measured on.

use serde::{Deserialize, Serialize};

/// Lambda-returns over `steps` transitions of `rows` trajectories, time-major.
///
/// `reward`, `discount` and `value` hold `(steps + 1) * rows` numbers: of the state at time `t`, arrived at. The result
/// has `steps * rows`: `R_t = r_{t+1} + d_{t+1} ((1 - lambda) v_{t+1} + lambda R_{t+1})`, with `R_steps = v_steps`.
/// Source: Sutton and Barto (2018), section 12.1; DreamerV3, equation 4.
pub fn lambda_returns(reward: &[f32], discount: &[f32], value: &[f32], rows: usize, lambda: f32) -> Vec<f32> {
    let steps = value.len() / rows - 1;
    let mut out = vec![0.0; steps * rows];
    let mut next: Vec<f32> = value[steps * rows..].to_vec();
    for t in (0..steps).rev() {
        for (row, next) in next.iter_mut().enumerate() {
            let i = (t + 1) * rows + row;
            *next = reward[i] + discount[i] * ((1.0 - lambda) * value[i] + lambda * *next);
            out[t * rows + row] = *next;
        }
    }
    out
}

/// The range of returns, as a moving average of two percentiles: advantages are divided by it where it exceeds 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReturnRange {
    low: f32,
    high: f32,
    n: u64,
}

impl Default for ReturnRange {
    fn default() -> Self {
        Self { low: 0.0, high: 0.0, n: 0 }
    }
}

impl ReturnRange {
    /// Takes in a batch of returns with moving-average rate 0.01, unbiased from the first batch on. Returns the scale to divide by, at least 1: the
    /// range between the 5th and 95th percentile.
    pub fn update(&mut self, returns: &[f32]) -> f32 {
        let mut sorted = returns.to_vec();
        sorted.sort_by(f32::total_cmp);
        let at = |q: f32| sorted[((sorted.len() - 1) as f32 * q).round() as usize];
        if !sorted.is_empty() {
            self.n += 1;
            // The first hundred batches weigh equally; then old ones fade.
            let rate = (1.0 / self.n as f32).max(0.01);
            self.low += rate * (at(0.05) - self.low);
            self.high += rate * (at(0.95) - self.high);
        }
        (self.high - self.low).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambda_returns_match_a_hand_computed_case() {
        // One trajectory of two steps: r = [_, 1, 2], d = [_, 0.9, 0.5], v = [_, 10, 20], lambda 0.5.
        let (r, d, v) = ([0.0, 1.0, 2.0], [1.0, 0.9, 0.5], [0.0, 10.0, 20.0]);
        // R_1 = 2 + 0.5 * (0.5 * 20 + 0.5 * 20) = 12; R_0 = 1 + 0.9 * (0.5 * 10 + 0.5 * 12) = 10.9
        assert_eq!(lambda_returns(&r, &d, &v, 1, 0.5), [10.9, 12.0]);
    }

    #[test]
    fn lambda_one_is_the_discounted_sum_and_lambda_zero_one_step() {
        let (r, d, v) = ([0.0, 1.0, 1.0, 1.0], [0.5; 4], [0.0, 8.0, 8.0, 8.0]);
        assert_eq!(lambda_returns(&r, &d, &v, 1, 1.0)[0], 1.0 + 0.5 * (1.0 + 0.5 * (1.0 + 0.5 * 8.0)));
        assert_eq!(lambda_returns(&r, &d, &v, 1, 0.0), [5.0, 5.0, 5.0]);
    }

    #[test]
    fn small_returns_are_not_blown_up() {
        let mut range = ReturnRange::default();
        assert_eq!(range.update(&[0.0, 0.1, 0.2]), 1.0);
        let wide: Vec<f32> = (0..=100).map(|x| x as f32).collect();
        assert!(ReturnRange::default().update(&wide) > 80.0);
    }
}
