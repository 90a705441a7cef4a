//! Where the rules get their chance from: a generator, or a record of what another one drew.

use worldsmith_core::Rng;

/// A source of the two kinds of draws that the rules take.
pub trait Chance {
    /// A number from 0 up to 1.
    fn uniform(&mut self) -> f64;

    /// A whole number below `n`.
    fn below(&mut self, n: usize) -> usize;
}

impl Chance for Rng {
    fn uniform(&mut self) -> f64 {
        f64::from(Rng::uniform(self))
    }

    fn below(&mut self, n: usize) -> usize {
        Rng::below(self, n)
    }
}
