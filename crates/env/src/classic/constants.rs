//! Constants of physics that may differ between episodes.

use worldsmith_core::{Error, Result};

use crate::factors::{Factor, exact};

/// A factor of variation from its default, the range of training and the shifted range.
pub(crate) const fn factor(name: &'static str, about: &'static str, values: [f32; 5]) -> Factor {
    let [default, low, high, beyond, far] = values;
    Factor { name, about, default, train: [low, high], shifted: [beyond, far] }
}

/// Checks constants that came from outside against the factors that they are values of.
pub(crate) fn check(constants: &[f64], factors: &[Factor]) -> Result<()> {
    for (x, factor) in constants.iter().zip(factors) {
        let bounds = factor.bounds();
        if !(exact(*bounds.start())..=exact(*bounds.end())).contains(x) {
            let (name, low, high) = (factor.name, bounds.start(), bounds.end());
            return Err(Error::invalid(format!("expected `{name}` from {low} to {high}, got {x}")));
        }
    }
    Ok(())
}

/// Checks that a number which came from outside is within `most` of zero.
pub(crate) fn check_within(name: &str, x: f64, most: f64) -> Result<()> {
    if x.abs() <= most {
        Ok(())
    } else {
        Err(Error::invalid(format!("expected `{name}` from {} to {most}, got {x}", -most)))
    }
}
