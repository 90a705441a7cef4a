//! What a world looks like, as factors of variation that many worlds share: its colours turned, its light dimmed.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result};

use crate::canvas::{Rgb, turned};
use crate::factors::Factor;

/// How far all colours are turned.
pub const HUE: Factor = Factor {
    name: "hue_deg",
    about: "how far all colours are turned",
    default: 0.0,
    train: [0.0, 60.0],
    shifted: [120.0, 180.0],
};

/// How bright all colours are.
pub const LIGHT: Factor = Factor {
    name: "light",
    about: "brightness of all colours; 1 is as they were painted",
    default: 1.0,
    train: [0.75, 1.0],
    shifted: [0.35, 0.6],
};

/// The look of one episode: values of [`HUE`] and [`LIGHT`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// How far all colours are turned, in degrees.
    pub hue_deg: f32,
    /// Brightness, from 0 to 1.
    pub light: f32,
}

impl Look {
    /// From the values of [`HUE`] and [`LIGHT`], in this order.
    pub fn new([hue_deg, light]: [f32; 2]) -> Self {
        Self { hue_deg, light }
    }

    /// `colour` as it looks in this episode.
    pub fn of(self, colour: Rgb) -> Rgb {
        let colour = turned(colour, self.hue_deg);
        if self.light == 1.0 {
            return colour;
        }
        colour.map(|part| (f32::from(part) * self.light).round() as u8)
    }

    /// Checks a look that came from outside.
    ///
    /// # Errors
    /// If it is none that [`HUE`] and [`LIGHT`] allow.
    pub fn check(self) -> Result<()> {
        let values = [(HUE, self.hue_deg), (LIGHT, self.light)];
        match values.iter().find(|(factor, value)| !factor.bounds().contains(value)) {
            None => Ok(()),
            Some((factor, value)) => {
                let bounds = factor.bounds();
                let expected = format!("`{}` from {} to {}", factor.name, bounds.start(), bounds.end());
                Err(Error::invalid(format!("expected {expected}, got {value}")))
            }
        }
    }
}
