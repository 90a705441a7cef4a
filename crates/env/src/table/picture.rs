//! A table seen by a camera from above, which may be turned and close to it.

use super::pusher::{SIDE_PX, WALL_RADIUS_PX, WALLS_PX};
use super::shape::{MAX_CORNERS, Shape, Vec2, direction, sub, turned};
use crate::canvas::{Canvas, Rgb};

/// Colour of walls.
const WALL: Rgb = [211; 3];
/// Width of the pusher's darker rim.
const PUSHER_RIM_PX: f64 = 4.0;

/// A canvas on which things are drawn where a camera sees them.
#[derive(Debug)]
pub struct Picture<'a, 'c> {
    canvas: &'a mut Canvas<'c>,
    /// What is in the middle of the picture.
    centre: Vec2,
    /// Cosine and sine of the angle by which the picture is turned back.
    turn: Vec2,
    /// Pixels of the picture in one of the table, across and down.
    scale: Vec2,
}

impl<'a, 'c> Picture<'a, 'c> {
    /// The whole table.
    pub fn top(canvas: &'a mut Canvas<'c>) -> Self {
        let scale = [canvas.width as f64 / SIDE_PX, canvas.height as f64 / SIDE_PX];
        Self { canvas, centre: [SIDE_PX / 2.0; 2], turn: [1.0, 0.0], scale }
    }

    /// A square of side `side_px` around `centre`; what lies towards `up_rad` is up in the picture.
    pub fn around(canvas: &'a mut Canvas<'c>, centre: Vec2, up_rad: f64, side_px: f64) -> Self {
        let scale = [canvas.width as f64 / side_px, canvas.height as f64 / side_px];
        let turn = direction(-std::f64::consts::FRAC_PI_2 - up_rad);
        Self { canvas, centre, turn, scale }
    }

    /// Paints everything.
    pub fn fill(&mut self, colour: Rgb) {
        self.canvas.fill(colour);
    }

    fn at(&self, point: Vec2) -> [f32; 2] {
        let [x, y] = turned(sub(point, self.centre), self.turn);
        let (width, height) = (self.canvas.width as f64, self.canvas.height as f64);
        [(x * self.scale[0] + width / 2.0) as f32, (y * self.scale[1] + height / 2.0) as f32]
    }

    /// A length in pixels of the picture.
    fn long(&self, px: f64) -> f32 {
        (px * (self.scale[0] * self.scale[1]).sqrt()) as f32
    }

    /// Paints a polygon of at most [`MAX_CORNERS`] corners.
    pub fn polygon(&mut self, corners: &[Vec2], colour: Rgb) {
        let n = corners.len().min(MAX_CORNERS);
        let mut points = [[0.0_f32; 2]; MAX_CORNERS];
        for (point, corner) in points.iter_mut().zip(&corners[..n]) {
            *point = self.at(*corner);
        }
        self.canvas.polygon(&points[..n], colour);
    }

    /// Paints a disc.
    pub fn disc(&mut self, at: Vec2, radius_px: f64, colour: Rgb) {
        self.canvas.disc(self.at(at), self.long(radius_px.max(0.0)), colour);
    }

    /// Paints a stroke with round ends.
    pub fn stroke(&mut self, from: Vec2, to: Vec2, width_px: f64, colour: Rgb) {
        self.disc(from, width_px / 2.0, colour);
        self.disc(to, width_px / 2.0, colour);
        self.canvas.line(self.at(from), self.at(to), self.long(width_px), colour);
    }

    /// Paints the four walls.
    pub fn walls(&mut self) {
        let [low, high] = WALLS_PX;
        let span = |middle: f64| [middle - WALL_RADIUS_PX, middle + WALL_RADIUS_PX];
        let (near, far) = (span(low), span(high));
        for [from, to] in [near, far] {
            self.polygon(Shape::rect([from, near[0]], [to, far[1]]).corners(), WALL);
            self.polygon(Shape::rect([near[0], from], [far[1], to]).corners(), WALL);
        }
    }

    /// Paints the pusher.
    pub fn pusher(&mut self, at: Vec2, radius_px: f64, colour: Rgb) {
        self.disc(at, radius_px, colour);
        self.disc(at, radius_px - PUSHER_RIM_PX, lighter(colour));
    }
}

/// A fifth brighter.
pub fn lighter(colour: Rgb) -> Rgb {
    colour.map(|level| (1.2 * f32::from(level)).min(255.0) as u8)
}

/// Grey of this brightness, 1 for white.
pub fn grey(light: f32) -> Rgb {
    [(255.0 * light).round() as u8; 3]
}
