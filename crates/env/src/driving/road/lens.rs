//! A pinhole camera that looks level along the car: where points of the world are in the picture, and back.
//!
//! Points before the camera are `[right, up, ahead]` of it, in m; depths are the third number.

use super::super::car::Car;
use super::super::faces::MAX_CORNERS;

/// The horizon's row, as a part of the picture's height.
const HORIZON: f32 = 0.42;
/// Nearest depth that is drawn, in m.
const NEAR_M: f32 = 0.3;

/// The camera's numbers in a picture of some size. Its matrix is `[focal, 0, middle_x; 0, focal, middle_y; 0, 0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lens {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Focal length, in pixels, the same for both axes.
    pub focal_px: f32,
    /// Where the line of sight meets the picture: column and row.
    pub middle_px: [f32; 2],
    /// Height above the ground.
    pub height_m: f32,
}

impl Lens {
    /// For a picture of `size` (rows, columns) that is `view_deg` degrees wide.
    pub fn new(size: [usize; 2], view_deg: f32, height_m: f32) -> Self {
        let [height, width] = size.map(|n| n as f32);
        let focal_px = width / 2.0 / (view_deg.to_radians() / 2.0).tan();
        Self { size, focal_px, middle_px: [width / 2.0, HORIZON * height], height_m }
    }

    /// Column and row of a point.
    #[inline]
    pub fn project(&self, [right, up, ahead]: [f32; 3]) -> [f32; 2] {
        let scale = self.focal_px / ahead;
        [self.middle_px[0] + right * scale, self.middle_px[1] - up * scale]
    }

    /// The depth of the ground in a row, infinite from the horizon up.
    #[inline]
    pub fn ground_m(&self, row: f32) -> f32 {
        let below = row - self.middle_px[1];
        if below > 0.0 { self.height_m * self.focal_px / below } else { f32::INFINITY }
    }

    /// The point of the ground (right and ahead) that is seen at a column and row, at most `far_m` ahead.
    pub fn ground_at(&self, [column, row]: [f32; 2], far_m: f32) -> [f32; 2] {
        let ahead = self.ground_m(row).min(far_m);
        [(column - self.middle_px[0]) / self.focal_px * ahead, ahead]
    }

    /// A point of the world, `height_m` above the ground, as the camera of `car` sees it.
    #[inline]
    pub fn seen(&self, car: &Car, at: [f64; 2], height_m: f32) -> [f32; 3] {
        let [ahead, left] = car.seen(at);
        [-left as f32, height_m - self.height_m, ahead as f32]
    }

    /// Cuts off what of a convex face is nearer than can be drawn, and projects the rest; returns how many corners are left.
    pub fn clip(&self, corners: &[[f32; 3]], out: &mut [[f32; 2]; MAX_CORNERS]) -> usize {
        let mut n = 0;
        let mut add = |point: [f32; 3]| {
            if n < MAX_CORNERS {
                out[n] = self.project(point);
                n += 1;
            }
        };
        let mut before = corners[corners.len() - 1];
        for &corner in corners {
            if (before[2] < NEAR_M) != (corner[2] < NEAR_M) {
                let part = (NEAR_M - before[2]) / (corner[2] - before[2]);
                let cut = [0, 1].map(|i| before[i] + part * (corner[i] - before[i]));
                add([cut[0], cut[1], NEAR_M]);
            }
            if corner[2] >= NEAR_M {
                add(corner);
            }
            before = corner;
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points_are_projected_where_they_belong() {
        // 90 degrees wide: the focal length is half the width.
        let lens = Lens::new([50, 100], 90.0, 1.5);
        assert!((lens.focal_px - 50.0).abs() < 1e-4);
        let near = |got: [f32; 2], expected: [f32; 2]| {
            assert!((got[0] - expected[0]).abs() < 1e-3 && (got[1] - expected[1]).abs() < 1e-3, "{got:?}");
        };
        near(lens.project([0.0, 0.0, 7.0]), [50.0, 21.0]);
        near(lens.project([10.0, 0.0, 10.0]), [100.0, 21.0]);
        near(lens.project([-2.0, -1.5, 20.0]), [45.0, 24.75]);
        // A car at (3, 4) that heads north sees (1, 14) two metres to its left and ten ahead.
        let car = Car::parked(3.0, 4.0, std::f64::consts::FRAC_PI_2);
        near(lens.project(lens.seen(&car, [1.0, 14.0], 0.0)), [40.0, 28.5]);
    }

    #[test]
    fn the_ground_is_found_again() {
        let lens = Lens::new([64, 64], 70.0, 1.4);
        for (right, ahead) in [(0.0, 3.0), (-2.5, 12.0), (7.0, 60.0)] {
            let [x, z] = lens.ground_at(lens.project([right, -1.4, ahead]), 100.0);
            assert!((x - right).abs() < 1e-3 && (z - ahead).abs() < 1e-2, "{x} {z}");
        }
        assert_eq!(lens.ground_at([32.0, 5.0], 100.0), [0.0, 100.0]);
    }

    #[test]
    fn what_is_behind_is_cut_off() {
        let lens = Lens::new([64, 64], 70.0, 1.4);
        let mut out = [[0.0; 2]; MAX_CORNERS];
        let strip = [[-1.0, -1.4, -5.0], [1.0, -1.4, -5.0], [1.0, -1.4, 10.0], [-1.0, -1.4, 10.0]];
        assert_eq!(lens.clip(&strip, &mut out), 4);
        assert_eq!(lens.clip(&strip.map(|[x, y, z]| [x, y, z - 20.0]), &mut out), 0);
        assert_eq!(lens.clip(&strip.map(|[x, y, z]| [x, y, z + 20.0]), &mut out), 4);
    }
}
