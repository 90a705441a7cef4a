//! Constants of physics that may differ between episodes.

use worldsmith_core::{Error, Result};

use crate::factors::{Factor, exact};

/// Checks constants that came from outside against the factors that they are values of.
pub(super) fn check(constants: &[f64], factors: &[Factor]) -> Result<()> {
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
pub(super) fn check_within(name: &str, x: f64, most: f64) -> Result<()> {
    if x.abs() <= most {
        Ok(())
    } else {
        Err(Error::invalid(format!("expected `{name}` from {} to {most}, got {x}", -most)))
    }
}
