//! The block of PushT: its forms, where it is, and how much of a goal it covers.

use crate::table::physics::Body;
use crate::table::shape::{Shape, Vec2, add, direction, scale, sub, turned};

/// Most rectangles of a form.
pub const MAX_RECTS: usize = 3;

/// A form made of rectangles, each `[left, low, right, high]` in units of the block's scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Form {
    /// The name by which `?form=` asks for it.
    pub name: &'static str,
    rects: &'static [[f64; 4]],
    /// Moment of inertia of mass 1 a rectangle and scale 1, where the reference has one of its own.
    inertia: Option<f64>,
}

/// All forms; the first is the T.
pub const FORMS: [Form; 7] = [
    // The reference counts the moment of the bar twice.
    Form { name: "tee", rects: &[[-2.0, 0.0, 2.0, 1.0], [-0.5, 1.0, 0.5, 4.0]], inertia: Some(10.0 / 3.0) },
    Form { name: "small_tee", rects: &[[-1.5, 0.0, 1.5, 1.0], [-0.5, 1.0, 0.5, 2.0]], inertia: None },
    Form { name: "ell", rects: &[[0.0, 0.0, 1.0, 2.0], [0.0, -1.0, 2.0, 0.0]], inertia: None },
    Form { name: "zed", rects: &[[0.0, 0.0, 2.0, 1.0], [-1.0, -1.0, 1.0, 0.0]], inertia: None },
    Form { name: "square", rects: &[[-1.0, -1.0, 1.0, 1.0]], inertia: None },
    Form { name: "bar", rects: &[[-0.5, -2.0, 0.5, 2.0]], inertia: None },
    Form {
        name: "plus",
        rects: &[[-1.5, -0.5, 1.5, 0.5], [-0.5, 0.5, 0.5, 1.5], [-0.5, -1.5, 0.5, -0.5]],
        inertia: None,
    },
];

/// A form of a certain size.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    rects: [Shape; MAX_RECTS],
    n_rects: usize,
    /// The centre of mass: the mean of the middles of the rectangles.
    cog: Vec2,
    inertia: f64,
}

impl Form {
    /// How many rectangles it has.
    pub fn n_rects(&self) -> usize {
        self.rects.len()
    }

    /// The form with this scale.
    pub fn sized(&self, scale_px: f64) -> Block {
        let middle = |[left, low, right, high]: &[f64; 4]| [(left + right) / 2.0, (low + high) / 2.0];
        let n = self.rects.len() as f64;
        let sum = self.rects.iter().map(middle).fold([0.0; 2], add);
        let cog = scale(sum, scale_px / n);
        let mut rects = [Shape::disc(0.0); MAX_RECTS];
        for (rect, [left, low, right, high]) in rects.iter_mut().zip(self.rects) {
            *rect = Shape::rect([left * scale_px, low * scale_px], [right * scale_px, high * scale_px]);
        }
        // About the origin, as the reference has it.
        let moment = |rect: &[f64; 4]| {
            let [width, height] = [rect[2] - rect[0], rect[3] - rect[1]];
            let [x, y] = middle(rect);
            (width * width + height * height) / 12.0 + x * x + y * y
        };
        let inertia = self.inertia.unwrap_or_else(|| self.rects.iter().map(moment).sum());
        Block { rects, n_rects: self.rects.len(), cog, inertia: inertia * scale_px * scale_px }
    }
}

impl Block {
    /// Its rectangles, seen from the centre of mass.
    pub fn around_middle(&self) -> impl DoubleEndedIterator<Item = Shape> {
        self.rects().iter().map(|rect| rect.placed(scale(self.cog, -1.0), [1.0, 0.0]))
    }

    fn rects(&self) -> &[Shape] {
        &self.rects[..self.n_rects]
    }

    /// The block brought to `origin` upright and then turned around its centre of mass, as the reference sets a state.
    pub fn set(&self, origin: Vec2, angle_rad: f64) -> Body {
        Body::pushed(add(origin, self.cog), angle_rad, 1.0, self.inertia)
    }

    /// Where the origin of the form is.
    pub fn origin(&self, body: &Body) -> Vec2 {
        sub(body.middle, turned(self.cog, direction(body.angle_rad)))
    }

    /// Where the centre of mass is if the origin is at `origin`.
    pub fn middle(&self, origin: Vec2, angle_rad: f64) -> Vec2 {
        add(origin, turned(self.cog, direction(angle_rad)))
    }

    /// Its rectangles with the origin at `origin`.
    pub fn placed(&self, origin: Vec2, angle_rad: f64) -> ([Shape; MAX_RECTS], usize) {
        let turn = direction(angle_rad);
        (self.rects.map(|rect| rect.placed(origin, turn)), self.n_rects)
    }

    /// Share of the block at the goal that the block covers; poses are origin and angle.
    pub fn coverage(&self, (origin, angle_rad): (Vec2, f64), goal: (Vec2, f64)) -> f64 {
        let (here, n) = self.placed(origin, angle_rad);
        let (there, _) = self.placed(goal.0, goal.1);
        let common = |one: &Shape| there[..n].iter().map(|two| two.overlap(one)).sum::<f64>();
        here[..n].iter().map(common).sum::<f64>() / self.rects().iter().map(Shape::area).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_covers_itself_and_what_it_overlaps() {
        let tee = FORMS[0].sized(30.0);
        let goal = ([256.0, 256.0], 0.7);
        assert!((tee.coverage(goal, goal) - 1.0).abs() < 1e-12);
        assert_eq!(tee.coverage(([456.0, 56.0], 0.7), goal), 0.0);
        // Half a turn leaves the bar on itself, shifted by its width: only the edges meet.
        let square = FORMS[4].sized(30.0);
        assert!((square.coverage(([30.0, 0.0], 0.0), ([0.0, 0.0], 0.0)) - 0.5).abs() < 1e-12);
        assert_eq!((tee.cog, tee.inertia), ([0.0, 45.0], 3000.0));
    }
}
