//! What is painted from above: a meadow, faces and cars, as seen by a camera that may move and turn.

use super::car::Car;
use super::faces;
use crate::canvas::{Canvas, Rgb, turned};

/// The two greens of the meadow, in squares of this many metres.
const MEADOW: [Rgb; 2] = [[102, 170, 78], [114, 184, 88]];
const SQUARE_M: f32 = 16.0;
const TYRE: Rgb = [24, 24, 28];
const GLASS: Rgb = [34, 44, 60];

/// A camera that looks straight down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Above {
    /// The place under it, east and north in m.
    pub at: [f64; 2],
    /// The direction that is up in the picture.
    pub heading_rad: f64,
    /// Where in the picture that place is seen.
    pub middle_px: [f32; 2],
    /// Scale.
    pub px_per_m: f32,
    /// How far colours are turned.
    pub hue_deg: f32,
    /// What colours are multiplied with.
    pub brightness: f32,
}

impl Above {
    /// A colour in the light of the day.
    pub fn lit(&self, colour: Rgb) -> Rgb {
        turned(colour, self.hue_deg).map(|level| (f32::from(level) * self.brightness) as u8)
    }

    /// Makes the function that says where in the picture a place (m) is.
    pub fn lens(&self) -> impl Fn([f32; 2]) -> [f32; 2] + use<> {
        let (sin, cos) = self.heading_rad.sin_cos();
        let [sin, cos] = [sin as f32 * self.px_per_m, cos as f32 * self.px_per_m];
        let (at, middle) = (self.at.map(|x| x as f32), self.middle_px);
        move |[x, y]| {
            let [dx, dy] = [x - at[0], y - at[1]];
            [middle[0] + dx * sin - dy * cos, middle[1] - dx * cos - dy * sin]
        }
    }

    /// Paints the meadow over everything.
    pub fn draw_meadow(&self, canvas: &mut Canvas<'_>) {
        let colours = MEADOW.map(|green| self.lit(green));
        let (sin, cos) = self.heading_rad.sin_cos();
        // Places as 32-bit fractions of two squares, of which the first bit tells the square.
        let fraction = |m: f64| (m / f64::from(2.0 * SQUARE_M) * 4_294_967_296.0) as i64 as u32;
        let m_per_px = 1.0 / f64::from(self.px_per_m);
        let [du, dv] = [sin, -cos].map(|part| fraction(m_per_px * part));
        let width = canvas.width;
        for (y, row) in canvas.px.as_chunks_mut::<3>().0.chunks_exact_mut(width).enumerate() {
            let right = (0.5 - f64::from(self.middle_px[0])) * m_per_px;
            let ahead = (f64::from(self.middle_px[1]) - y as f64 - 0.5) * m_per_px;
            let mut u = fraction(self.at[0] + ahead * cos + right * sin);
            let mut v = fraction(self.at[1] + ahead * sin - right * cos);
            for pixel in row {
                *pixel = colours[((u ^ v) >> 31) as usize];
                (u, v) = (u.wrapping_add(du), v.wrapping_add(dv));
            }
        }
    }

    /// Paints a car of `size_m` (length, width) with wheels, a cabin and a paint of its own.
    pub fn draw_car(&self, canvas: &mut Canvas<'_>, car: &Car, [length, width]: [f64; 2], paint: Rgb) {
        let lens = self.lens();
        let mut part = |ahead: [f64; 2], left: [f64; 2], colour: Rgb| {
            let corner = |i: usize, j: usize| lens(car.place(ahead[i], left[j]).map(|x| x as f32));
            let corners = [corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0)];
            faces::paint(canvas, &corners, self.lit(colour));
        };
        let (end, side) = (length / 2.0, width / 2.0);
        let wheels = [side - 0.05, side + 0.22];
        for ahead in [[0.4 * end, 0.75 * end], [-0.75 * end, -0.4 * end]] {
            part(ahead, wheels, TYRE);
            part(ahead, wheels.map(|left| -left), TYRE);
        }
        part([-end, end], [-side, side], paint);
        part([0.1 * end, 0.42 * end], [-0.8 * side, 0.8 * side], GLASS);
        part([-0.75 * end, -0.5 * end], [-0.75 * side, 0.75 * side], GLASS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_ahead_is_up_and_what_lies_left_is_left() {
        let above = Above {
            at: [10.0, 20.0],
            heading_rad: std::f64::consts::FRAC_PI_2,
            middle_px: [32.0, 48.0],
            px_per_m: 2.0,
            hue_deg: 0.0,
            brightness: 1.0,
        };
        let lens = above.lens();
        let near = |got: [f32; 2], expected: [f32; 2]| {
            (got[0] - expected[0]).abs() < 1e-4 && (got[1] - expected[1]).abs() < 1e-4
        };
        // Heading north: ahead is north, left is west.
        assert!(near(lens([10.0, 20.0]), [32.0, 48.0]));
        assert!(near(lens([10.0, 25.0]), [32.0, 38.0]));
        assert!(near(lens([7.0, 20.0]), [26.0, 48.0]));
        assert!(near(Above { heading_rad: 0.0, ..above }.lens()([15.0, 20.0]), [32.0, 38.0]));
    }
}
