//! OpenSimplex noise in three dimensions (Spencer, 2014): smooth random landscapes.
//!
//! Space is filled with a lattice of points, each with a gradient that the seed chooses. The noise at a place is the sum of
//! what the points within the square root of 2 contribute, fading out with distance. Permutation and gradients are those of
//! the Python package `opensimplex` 0.4, which leaves out some points that contribute next to nothing: values agree within
//! 5e-5.

use std::ops::Range;
use std::sync::OnceLock;

/// From cells to the lattice, and back.
const STRETCH: f64 = -1.0 / 6.0;
const SQUISH: f64 = 1.0 / 3.0;
/// Square of the distance at which a point is heard no more.
const REACH: f64 = 2.0;
/// Makes values lie between -1 and 1.
const NORM: f64 = 1.0 / 103.0;
/// Less than this is rounding error.
const NOTHING: f64 = 1e-7;
/// A cell of the lattice is cut into so many bins an axis; each knows which points can be heard inside.
const BINS: usize = 8;

/// One landscape.
#[derive(Debug, Clone)]
pub struct Noise {
    permutation: [u8; 256],
}

/// A lattice point near a cell of the lattice.
#[derive(Debug, Clone, Copy)]
struct Near {
    /// Steps on the lattice from the cell's first corner.
    step: [i32; 3],
    /// The same in space.
    offset: [f64; 3],
}

impl Noise {
    /// The landscape of `seed`.
    pub fn new(seed: i64) -> Self {
        let next =
            |seed: i64| seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut state = next(next(next(seed)));
        let mut source: [u8; 256] = std::array::from_fn(|i| i as u8);
        let mut permutation = [0; 256];
        for i in (0..256).rev() {
            state = next(state);
            let r = (i128::from(state) + 31).rem_euclid(i as i128 + 1) as usize;
            permutation[i] = source[r];
            source[r] = source[i];
        }
        Self { permutation }
    }

    /// The noise at a place, from -1 to 1.
    pub fn at(&self, place: [f64; 3]) -> f64 {
        let stretch = (place[0] + place[1] + place[2]) * STRETCH;
        let corner = place.map(|x| whole(x + stretch));
        let squish = f64::from(corner[0] + corner[1] + corner[2]) * SQUISH;
        let inside: [f64; 3] = std::array::from_fn(|i| place[i] - (f64::from(corner[i]) + squish));
        let bin = |i: usize| {
            let along = (place[i] + stretch - f64::from(corner[i])) * BINS as f64;
            (along as i32 as usize).min(BINS - 1)
        };
        let mut sum = 0.0;
        for near in &neighbours()[(bin(0) * BINS + bin(1)) * BINS + bin(2)] {
            let [x, y, z]: [f64; 3] = std::array::from_fn(|i| inside[i] - near.offset[i]);
            // Which points are heard is hard to predict: they are better added as 0 than left out.
            let fade = (REACH - x * x - y * y - z * z).max(0.0);
            let [a, b, c] = self.gradient(std::array::from_fn(|i| corner[i] + near.step[i]));
            sum += (fade * fade) * (fade * fade) * (a * x + b * y + c * z);
        }
        // At the points of the lattice the noise is 0; what rounding leaves there is no landscape.
        if sum.abs() < NOTHING { 0.0 } else { sum * NORM }
    }

    /// The gradient of a lattice point.
    fn gradient(&self, point: [i32; 3]) -> [f64; 3] {
        let hash = point.iter().fold(0, |hash, x| i32::from(self.permutation[((hash + x) & 255) as usize]));
        GRADIENTS[hash as usize % GRADIENTS.len()]
    }
}

/// The whole number below, without the call that `floor` is where processors may be old.
fn whole(x: f64) -> i32 {
    let cut = x as i32;
    cut - i32::from(f64::from(cut) > x)
}

/// Along each axis, forwards and backwards, leaning to each of eight octants.
const GRADIENTS: [[f64; 3]; 24] = {
    let mut all = [[0.0; 3]; 24];
    let mut i = 0;
    while i < 24 {
        let octant = i / 3;
        all[i] = [
            if octant & 1 == 0 { -4.0 } else { 4.0 },
            if octant & 2 == 0 { 4.0 } else { -4.0 },
            if octant & 4 == 0 { 4.0 } else { -4.0 },
        ];
        all[i][i % 3] *= 11.0 / 4.0;
        i += 1;
    }
    all
};

/// Which lattice points can be heard in each bin.
fn neighbours() -> &'static [Vec<Near>] {
    static NEIGHBOURS: OnceLock<Vec<Vec<Near>>> = OnceLock::new();
    NEIGHBOURS.get_or_init(|| steps(0..BINS).map(heard_in).collect())
}

/// The points near enough to some part of the bin.
fn heard_in(bin: [usize; 3]) -> Vec<Near> {
    /// A bin is cut again, because it is long and narrow.
    const PARTS: usize = 4;
    let in_space = |x: [f64; 3]| x.map(|along| along + SQUISH * (x[0] + x[1] + x[2]));
    let middle = |part: [usize; 3]| {
        let along = |i: usize| (bin[i] * PARTS + part[i]) as f64 + 0.5;
        in_space([0, 1, 2].map(|i| along(i) / (BINS * PARTS) as f64))
    };
    let middles: Vec<_> = steps(0..PARTS).map(middle).collect();
    // The long diagonal of a cell is that of a cube of side 2.
    let reach = REACH.sqrt() + 3.0_f64.sqrt() / (BINS * PARTS) as f64;
    let points = steps(-1..3).map(|step| Near { step, offset: in_space(step.map(f64::from)) });
    let is_heard = |point: &Near, middle: &[f64; 3]| {
        let square = |i: usize| (point.offset[i] - middle[i]).powi(2);
        square(0) + square(1) + square(2) <= reach * reach
    };
    points.filter(|point| middles.iter().any(|middle| is_heard(point, middle))).collect()
}

/// All triples of numbers of `range`.
fn steps<T: Copy>(range: Range<T>) -> impl Iterator<Item = [T; 3]>
where
    Range<T>: Iterator<Item = T> + Clone,
{
    let (ys, zs) = (range.clone(), range.clone());
    range.flat_map(move |x| {
        let zs = zs.clone();
        ys.clone().flat_map(move |y| zs.clone().map(move |z| [x, y, z]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `opensimplex` 0.4.5.1.
    const NOISE_OF_SEED_123: [([f64; 3], f64); 8] = [
        ([-6.58, 6.25, 4.75], 0.0700743),
        ([-4.41, -0.08, -0.91], 0.3305788),
        ([2.73, 5.2, -7.31], 0.0697972),
        ([-8.49, 6.04, -1.21], 0.0366743),
        ([4.72, -8.96, -0.98], -0.2759629),
        ([3.99, -4.88, 8.01], -0.3588383),
        ([7.23, -8.45, -8.54], 0.4492948),
        ([0.75, 7.9, -2.14], 0.1447031),
    ];

    #[test]
    fn noise_equals_the_package_within_five_hundred_thousandths() {
        let noise = Noise::new(123);
        for (place, expected) in NOISE_OF_SEED_123 {
            assert!((noise.at(place) - expected).abs() < 5e-5, "{place:?}: {} {expected}", noise.at(place));
        }
    }
}
