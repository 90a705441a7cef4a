//! Factors of variation: named numbers of a world (gravity, colours, sizes, clutter) that differ between episodes, so that
//! robustness can be tested: train on one range, test on another.

use std::ops::RangeInclusive;

use worldsmith_core::{Error, Result, Seed};

use crate::Options;

/// What `?factors=` takes.
const RANGES: [&str; 3] = ["default", "train", "shifted"];
/// What options that set one factor start with.
const PREFIX: &str = "factor.";

/// One factor of variation of a world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factor {
    /// Its name, with its unit where it has one: `gravity_mps2`, `hue_deg`.
    pub name: &'static str,
    /// What it changes, in a line.
    pub about: &'static str,
    /// Its value in the world as everybody knows it.
    pub default: f32,
    /// Between which values it is drawn for training (`?factors=train`).
    pub train: [f32; 2],
    /// Between which values it is drawn for tests of robustness (`?factors=shifted`): outside the range of training.
    pub shifted: [f32; 2],
}

/// A factor of variation from its default, the range of training and the shifted range.
pub const fn factor(name: &'static str, about: &'static str, values: [f32; 5]) -> Factor {
    let [default, low, high, beyond, far] = values;
    Factor { name, about, default, train: [low, high], shifted: [beyond, far] }
}

/// How the factors of one world are drawn for each episode.
#[derive(Debug, Clone, PartialEq)]
pub struct Variation {
    ranges: Vec<[f32; 2]>,
}

impl Variation {
    /// Reads `?factors=default|train|shifted` and `?factor.NAME=VALUE` or `?factor.NAME=LOW..HIGH`.
    ///
    /// # Errors
    /// For an unknown factor, and for values that are no numbers or outside all that the factor was made for.
    pub fn new(factors: &[Factor], options: &Options) -> Result<Self> {
        let which = options.text("factors").unwrap_or(RANGES[0]);
        if !RANGES.contains(&which) {
            return Err(options.wrong("factors", &format!("one of {}", RANGES.join(", ")), which));
        }
        for (option, _) in options.iter() {
            if let Some(name) = option.strip_prefix(PREFIX)
                && !factors.iter().any(|factor| factor.name == name)
            {
                let known = factors.iter().map(|factor| factor.name);
                return Err(Error::unknown("factor", name, known, "worldsmith envs"));
            }
        }
        let range = |factor: &Factor| match options.text(&format!("{PREFIX}{}", factor.name)) {
            Some(text) => factor.parse(text, options),
            None => Ok(match which {
                "train" => factor.train,
                "shifted" => factor.shifted,
                _ => [factor.default; 2],
            }),
        };
        Ok(Self { ranges: factors.iter().map(range).collect::<Result<_>>()? })
    }

    /// Writes the factors of the episode that starts with `seed`.
    pub fn draw(&self, seed: Seed, out: &mut Vec<f32>) {
        let mut rng = seed.derive("factors").rng();
        out.clear();
        out.extend(self.ranges.iter().map(|[low, high]| low + (high - low) * rng.uniform()));
    }

    /// Whether `factors`, from a saved state, are such that these rules could have drawn them.
    pub fn fits(&self, factors: &[f32]) -> bool {
        factors.len() == self.ranges.len()
            && factors.iter().zip(&self.ranges).all(|(x, [low, high])| x >= low && x <= high)
    }
}

/// The decimal number that a factor was meant to be, to six places, not the nearest of 32 bits.
pub fn exact(x: f32) -> f64 {
    (f64::from(x) * 1e6).round() / 1e6
}

impl Factor {
    /// All values it was made for.
    pub fn bounds(&self) -> RangeInclusive<f32> {
        let all = [self.default, self.train[0], self.train[1], self.shifted[0], self.shifted[1]];
        all.iter().copied().fold(f32::INFINITY, f32::min)
            ..=all.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }

    fn parse(&self, text: &str, options: &Options) -> Result<[f32; 2]> {
        let bounds = self.bounds();
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        match (low.parse::<f32>(), high.parse::<f32>()) {
            (Ok(low), Ok(high)) if bounds.contains(&low) && bounds.contains(&high) && low <= high => {
                Ok([low, high])
            }
            _ => {
                let expected =
                    format!("a number or a range `LOW..HIGH` from {} to {}", bounds.start(), bounds.end());
                Err(options.wrong(&format!("{PREFIX}{}", self.name), &expected, text))
            }
        }
    }
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
