//! Rounded convex shapes in the plane, and how two of them touch.
//!
//! A shape is a core (a point, a stroke or a convex polygon) with everything within `radius` of it, as in Chipmunk. The distance
//! of two cores is taken along the edge normal that separates them best, or between two corners where no edge does; what two
//! edges have in common along that normal gives one or two contact points.

/// A point or a direction.
pub type Vec2 = [f64; 2];

/// Most corners of a core.
pub const MAX_CORNERS: usize = 8;

/// The dot product.
pub fn dot(a: Vec2, b: Vec2) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

/// The length of the cross product.
pub fn cross(a: Vec2, b: Vec2) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}

/// `a + b`.
pub fn add(a: Vec2, b: Vec2) -> Vec2 {
    [a[0] + b[0], a[1] + b[1]]
}

/// `a - b`.
pub fn sub(a: Vec2, b: Vec2) -> Vec2 {
    [a[0] - b[0], a[1] - b[1]]
}

/// `a` times a number.
pub fn scale(a: Vec2, by: f64) -> Vec2 {
    [a[0] * by, a[1] * by]
}

/// The length of `a`.
pub fn length(a: Vec2) -> f64 {
    dot(a, a).sqrt()
}

/// `a` turned by the angle whose cosine and sine are `turn`.
pub fn turned(a: Vec2, turn: Vec2) -> Vec2 {
    [a[0] * turn[0] - a[1] * turn[1], a[0] * turn[1] + a[1] * turn[0]]
}

/// The cosine and sine of an angle.
pub fn direction(angle_rad: f64) -> Vec2 {
    let (sin, cos) = angle_rad.sin_cos();
    [cos, sin]
}

/// An angle brought between minus and plus half a turn.
pub fn wrapped(angle_rad: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    (angle_rad + PI).rem_euclid(TAU) - PI
}

fn between(a: Vec2, b: Vec2, t: f64) -> Vec2 {
    [a[0] * (1.0 - t) + b[0] * t, a[1] * (1.0 - t) + b[1] * t]
}

/// A rounded convex shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    corners: [Vec2; MAX_CORNERS],
    /// The outward normal of the edge from each corner to the next.
    normals: [Vec2; MAX_CORNERS],
    n_corners: usize,
    radius: f64,
}

/// How two shapes touch: `normal` points from the first to the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Touch {
    /// The direction in which they push each other.
    pub normal: Vec2,
    /// The contact points: on the first shape, on the second, and a number that stays while the same corners touch.
    pub points: [(Vec2, Vec2, u8); 2],
    /// How many of the points there are.
    pub n_points: usize,
}

/// An edge of a core: its ends with their places among the corners.
type Edge = [(usize, Vec2); 2];

impl Shape {
    /// The shape with this core; corners go from the x axis towards the y axis.
    ///
    /// # Panics
    /// If there are no corners or more than [`MAX_CORNERS`].
    pub fn new(core: &[Vec2], radius: f64) -> Self {
        assert!((1..=MAX_CORNERS).contains(&core.len()), "1 to {MAX_CORNERS} corners");
        let mut shape = Self {
            corners: [[0.0; 2]; MAX_CORNERS],
            normals: [[0.0; 2]; MAX_CORNERS],
            n_corners: core.len(),
            radius,
        };
        shape.corners[..core.len()].copy_from_slice(core);
        if core.len() > 1 {
            for i in 0..core.len() {
                let edge = sub(core[(i + 1) % core.len()], core[i]);
                let inverse = 1.0 / length(edge);
                shape.normals[i] = [edge[1] * inverse, -edge[0] * inverse];
            }
        }
        shape
    }

    /// A disc around the origin.
    pub fn disc(radius: f64) -> Self {
        Self::new(&[[0.0; 2]], radius)
    }

    /// A rectangle between two corners.
    pub fn rect([left, low]: Vec2, [right, high]: Vec2) -> Self {
        Self::new(&[[left, low], [right, low], [right, high], [left, high]], 0.0)
    }

    /// A regular polygon around the origin, its first corner at `angle_rad`.
    pub fn regular(n: usize, radius: f64, angle_rad: f64) -> Self {
        let mut corners = [[0.0; 2]; MAX_CORNERS];
        let n = n.clamp(3, MAX_CORNERS);
        for (i, corner) in corners[..n].iter_mut().enumerate() {
            *corner = scale(direction(angle_rad + std::f64::consts::TAU * i as f64 / n as f64), radius);
        }
        Self::new(&corners[..n], 0.0)
    }

    /// The corners of the core.
    pub fn corners(&self) -> &[Vec2] {
        &self.corners[..self.n_corners]
    }

    /// How far the shape reaches beyond its core.
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// The same shape, turned by `turn` (cosine and sine) around the origin and then moved.
    pub fn placed(&self, at: Vec2, turn: Vec2) -> Self {
        let mut placed = *self;
        for i in 0..self.n_corners {
            placed.corners[i] = add(turned(self.corners[i], turn), at);
            placed.normals[i] = turned(self.normals[i], turn);
        }
        placed
    }

    /// The least and greatest coordinates.
    pub fn bounds(&self) -> [Vec2; 2] {
        let (mut low, mut high) = (self.corners[0], self.corners[0]);
        for [x, y] in &self.corners()[1..] {
            low = [low[0].min(*x), low[1].min(*y)];
            high = [high[0].max(*x), high[1].max(*y)];
        }
        [sub(low, [self.radius; 2]), add(high, [self.radius; 2])]
    }

    /// The corners of a rectangle that is `by` wider on each side.
    pub fn grown(&self, by: f64) -> [Vec2; 4] {
        std::array::from_fn(|i| {
            let out = add(self.normals[i], self.normals[(i + 3) % 4]);
            add(self.corners[i], scale(out, by))
        })
    }

    /// The area of the core.
    pub fn area(&self) -> f64 {
        area(self.corners())
    }

    /// The area that two cores have in common.
    pub fn overlap(&self, other: &Self) -> f64 {
        let mut corners = [[0.0; 2]; 2 * MAX_CORNERS];
        corners[..self.n_corners].copy_from_slice(self.corners());
        let mut n = self.n_corners;
        for (corner, normal) in other.corners().iter().zip(&other.normals) {
            n = clipped(&mut corners, n, *corner, *normal);
        }
        area(&corners[..n])
    }

    /// How far `point` is from the shape; negative inside.
    pub fn distance(&self, point: Vec2) -> f64 {
        closest(&Self::new(&[point], 0.0), self).1 - self.radius
    }

    /// How the two touch, if they do.
    pub fn touch(&self, other: &Self) -> Option<Touch> {
        let (normal, distance) = closest(self, other);
        if distance > self.radius + other.radius {
            return None;
        }
        let (near, far) = (scale(normal, self.radius), scale(normal, -other.radius));
        let mut touch = Touch { normal, points: [([0.0; 2], [0.0; 2], 0); 2], n_points: 0 };
        if self.n_corners == 1 {
            let point = self.corners[0];
            touch.push(add(point, near), add(add(point, scale(normal, distance)), far), 0);
        } else if other.n_corners == 1 {
            let point = other.corners[0];
            touch.push(add(sub(point, scale(normal, distance)), near), add(point, far), 0);
        } else {
            touch.clip(self.edge(normal), other.edge(scale(normal, -1.0)), [near, far]);
        }
        (touch.n_points > 0).then_some(touch)
    }

    /// The edge that faces `way` most.
    fn edge(&self, way: Vec2) -> Edge {
        let n = self.n_corners;
        let mut top = 0;
        for i in 1..n {
            if dot(self.corners[i], way) > dot(self.corners[top], way) {
                top = i;
            }
        }
        let before = (top + n - 1) % n;
        let from = if dot(way, self.normals[before]) > dot(way, self.normals[top]) { before } else { top };
        let to = (from + 1) % n;
        [(from, self.corners[from]), (to, self.corners[to])]
    }

    /// How far the nearest corner of `other` is beyond the edge that separates best, with that edge.
    fn separation(&self, other: &Self) -> Option<(f64, usize)> {
        let mut best: Option<(f64, usize)> = None;
        for i in 0..self.n_corners {
            if self.n_corners == 1 {
                break;
            }
            let mut depth = f64::INFINITY;
            for corner in other.corners() {
                depth = depth.min(dot(sub(*corner, self.corners[i]), self.normals[i]));
            }
            if best.is_none_or(|(most, _)| depth > most) {
                best = Some((depth, i));
            }
        }
        best
    }

    /// The pair of a corner of `self` and a point on the edges of `other` that is nearest, where the latter is a corner.
    fn nearest_corners(&self, other: &Self) -> (f64, Vec2, bool) {
        let mut best = (f64::INFINITY, [0.0; 2], true);
        for corner in self.corners() {
            for i in 0..other.n_corners {
                let (from, to) = (other.corners[i], other.corners[(i + 1) % other.n_corners]);
                let edge = sub(to, from);
                let t =
                    (dot(sub(*corner, from), edge) / dot(edge, edge).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
                let gap = sub(between(from, to, t), *corner);
                let distance = length(gap);
                if distance < best.0 {
                    best = (distance, gap, t <= 0.0 || t >= 1.0);
                }
            }
        }
        best
    }
}

impl Touch {
    fn push(&mut self, on_first: Vec2, on_second: Vec2, feature: u8) {
        self.points[self.n_points] = (on_first, on_second, feature);
        self.n_points += 1;
    }

    /// Projects the ends of two facing edges onto each other; those that overlap along the normal are contacts.
    fn clip(&mut self, one: Edge, two: Edge, [near, far]: [Vec2; 2]) {
        let along = |(_, point): (usize, Vec2)| cross(point, self.normal);
        let ([one_a, one_b], [two_a, two_b]) = (one.map(along), two.map(along));
        let per_one = 1.0 / (one_b - one_a + f64::MIN_POSITIVE);
        let per_two = 1.0 / (two_b - two_a + f64::MIN_POSITIVE);
        for (i, (at_one, at_two)) in
            [(two_b - one_a, one_a - two_a), (two_a - one_a, one_b - two_a)].into_iter().enumerate()
        {
            let first = add(near, between(one[0].1, one[1].1, (at_one * per_one).clamp(0.0, 1.0)));
            let second = add(far, between(two[0].1, two[1].1, (at_two * per_two).clamp(0.0, 1.0)));
            if dot(sub(second, first), self.normal) <= 0.0 {
                self.push(first, second, (one[i].0 * MAX_CORNERS + two[1 - i].0) as u8);
            }
        }
    }
}

/// The normal from core `a` to core `b` and their distance, negative if they overlap.
fn closest(a: &Shape, b: &Shape) -> (Vec2, f64) {
    let on_a = a.separation(b).map(|(depth, i)| (depth, a.normals[i]));
    let on_b = b.separation(a).map(|(depth, i)| (depth, scale(b.normals[i], -1.0)));
    let best = match (on_a, on_b) {
        (Some(one), Some(two)) => Some(if two.0 > one.0 { two } else { one }),
        (one, two) => one.or(two),
    };
    if let Some((depth, normal)) = best
        && depth <= 0.0
    {
        return (normal, depth);
    }
    let (from_a, from_b) = (a.nearest_corners(b), b.nearest_corners(a));
    let (distance, gap, at_corner) =
        if from_b.0 < from_a.0 { (from_b.0, scale(from_b.1, -1.0), from_b.2) } else { from_a };
    match best {
        Some((depth, normal)) if !at_corner => (normal, depth),
        _ => (scale(gap, 1.0 / (distance + f64::MIN_POSITIVE)), distance),
    }
}

/// Keeps the part of a polygon behind a line and returns its number of corners.
fn clipped(corners: &mut [Vec2; 2 * MAX_CORNERS], n: usize, on_line: Vec2, normal: Vec2) -> usize {
    let before = *corners;
    let mut kept = 0;
    for i in 0..n {
        let (from, to) = (before[i], before[(i + 1) % n]);
        let (out, next) = (dot(sub(from, on_line), normal), dot(sub(to, on_line), normal));
        let mut keep = |corner| {
            if kept < corners.len() {
                corners[kept] = corner;
                kept += 1;
            }
        };
        if out <= 0.0 {
            keep(from);
        }
        if (out < 0.0) != (next < 0.0) && out != 0.0 && next != 0.0 {
            keep(between(from, to, out / (out - next)));
        }
    }
    kept
}

fn area(corners: &[Vec2]) -> f64 {
    let last = corners.len().saturating_sub(1);
    let twice: f64 =
        (0..corners.len()).map(|i| cross(corners[if i == 0 { last } else { i - 1 }], corners[i])).sum();
    twice / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_touches_an_edge_a_corner_and_from_within() {
        let square = Shape::rect([0.0, 0.0], [2.0, 2.0]);
        let disc = |x, y| Shape::disc(0.5).placed([x, y], [1.0, 0.0]);
        let touch = disc(-0.4, 1.0).touch(&square).unwrap();
        assert_eq!((touch.normal, touch.n_points), ([1.0, 0.0], 1));
        assert_eq!((touch.points[0].0, touch.points[0].1), ([0.5 - 0.4, 1.0], [0.0, 1.0]));
        assert!(disc(-0.4, -0.4).touch(&square).is_none());
        let touch = disc(-0.3, -0.3).touch(&square).unwrap();
        assert!((touch.normal[0] - 0.5_f64.sqrt()).abs() < 1e-12);
        let touch = disc(0.25, 1.0).touch(&square).unwrap();
        assert_eq!((touch.normal, touch.points[0].1), ([1.0, 0.0], [0.0, 1.0]));
    }

    #[test]
    fn two_boxes_touch_at_two_points_and_share_an_area() {
        let square = Shape::rect([0.0, 0.0], [2.0, 2.0]);
        let other = Shape::rect([-1.0, -1.0], [1.0, 1.0]).placed([2.5, 1.5], [1.0, 0.0]);
        let touch = square.touch(&other).unwrap();
        assert_eq!((touch.normal, touch.n_points), ([1.0, 0.0], 2));
        assert_eq!(square.overlap(&other), 0.5 * 1.5);
        let turned = Shape::rect([-1.0, -1.0], [1.0, 1.0]).placed([1.0, 1.0], direction(0.7));
        assert!((square.overlap(&turned) - turned.overlap(&square)).abs() < 1e-12);
        assert!(square.overlap(&turned.placed([9.0, 0.0], [1.0, 0.0])) == 0.0);
        assert_eq!(square.area(), 4.0);
    }
}
