//! The blocks on the table: a colour and a form each, which is also what they are called.

use serde::{Deserialize, Serialize};

use crate::canvas::Rgb;
use crate::table::physics::Body;
use crate::table::shape::{Shape, Vec2};

/// Names and colours.
pub const COLOURS: [(&str, Rgb); 6] = [
    ("red", [212, 48, 44]),
    ("green", [46, 150, 70]),
    ("blue", [44, 96, 208]),
    ("yellow", [232, 190, 30]),
    ("purple", [140, 66, 176]),
    ("orange", [232, 122, 32]),
];

/// Names of forms, how many corners they have (0 for a disc), and how far these are from the middle for a size of 1.
pub const FORMS: [(&str, usize, f64); 4] =
    [("circle", 0, 1.0), ("square", 4, 1.25), ("triangle", 3, 1.45), ("hexagon", 6, 1.1)];

/// One block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// A place in `COLOURS`.
    pub colour: u8,
    /// A place in `FORMS`.
    pub form: u8,
}

impl Piece {
    /// The piece of this number, from 0 to 23.
    pub fn nth(i: usize) -> Self {
        Self { colour: (i % COLOURS.len()) as u8, form: (i / COLOURS.len() % FORMS.len()) as u8 }
    }

    /// Whether it is one of the pieces there are.
    pub fn is_known(self) -> bool {
        usize::from(self.colour) < COLOURS.len() && usize::from(self.form) < FORMS.len()
    }

    /// What it is called: colour and form.
    pub fn words(self) -> [&'static str; 2] {
        [COLOURS[usize::from(self.colour)].0, FORMS[usize::from(self.form)].0]
    }

    /// Its colour.
    pub fn rgb(self) -> Rgb {
        COLOURS[usize::from(self.colour)].1
    }

    /// Its outline around the middle.
    pub fn shape(self, size_px: f64) -> Shape {
        let (_, n_corners, reach) = FORMS[usize::from(self.form)];
        match n_corners {
            0 => Shape::disc(size_px * reach),
            n => Shape::regular(n, size_px * reach, 0.0),
        }
    }

    /// The piece at rest; its mass is 1.
    pub fn body(self, middle: Vec2, angle_rad: f64, size_px: f64) -> Body {
        let (_, n_corners, reach) = FORMS[usize::from(self.form)];
        let radius = size_px * reach;
        // Regular polygons come nearer to the disc the more corners they have.
        let round = match n_corners {
            0 => 1.0,
            n => (std::f64::consts::TAU / n as f64).cos(),
        };
        Body::pushed(middle, angle_rad, 1.0, radius * radius * (2.0 + round) / 6.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_has_a_name_of_its_own_and_turns_like_a_plate_of_its_form() {
        let names: std::collections::BTreeSet<_> = (0..24).map(|i| Piece::nth(i).words()).collect();
        assert_eq!(names.len(), 24);
        let disc = Piece { colour: 0, form: 0 }.body([0.0; 2], 0.0, 2.0);
        assert_eq!(disc.per_inertia, 1.0 / 2.0);
        // A sixth of the square of its side, which is half the square of its diagonal of 5.
        let square = Piece { colour: 0, form: 1 }.body([0.0; 2], 0.0, 2.0);
        assert!((1.0 / square.per_inertia - 12.5 / 6.0).abs() < 1e-9);
    }
}
