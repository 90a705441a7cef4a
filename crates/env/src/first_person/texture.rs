//! Textures of walls, floor and ceiling, made by formulas: levels of a ramp of colours, in several sizes, so that what is far
//! away is looked up in a small one.

use std::array::from_fn;

use crate::canvas::{Rgb, turned};

/// Levels of a ramp.
pub const N_LEVELS: usize = 16;
/// Texels along a side of the largest size; each further size has half as many.
const SIDE: usize = 32;
const N_SIZES: usize = 4;
/// Kinds of wall; a texture's place is its kind.
pub const N_WALLS: usize = 4;
/// The place of the floor's texture, and of the ceiling's.
pub const FLOOR: usize = N_WALLS;
/// See [`FLOOR`].
pub const CEILING: usize = N_WALLS + 1;
const N_TEXTURES: usize = N_WALLS + 2;

/// The colours of one texture, from its darkest level to its brightest.
pub type Ramp = [Rgb; N_LEVELS];

/// Darkest, middle and brightest colour of each texture.
const STOPS: [[Rgb; 3]; N_TEXTURES] = [
    [[92, 78, 74], [150, 62, 48], [232, 128, 92]],
    [[50, 56, 66], [108, 118, 132], [186, 196, 206]],
    [[56, 32, 18], [134, 84, 42], [220, 164, 94]],
    [[18, 58, 66], [44, 128, 128], [140, 224, 204]],
    [[50, 44, 42], [92, 82, 72], [144, 132, 114]],
    [[34, 36, 52], [60, 64, 86], [104, 110, 136]],
];

/// All textures.
#[derive(Debug)]
pub struct Textures([Texture; N_TEXTURES]);

/// One texture in all its sizes. A level is found at `u * side + v`: columns are contiguous.
#[derive(Debug)]
pub struct Texture {
    sizes: [Vec<u8>; N_SIZES],
}

impl Default for Textures {
    fn default() -> Self {
        Self([brick, stone, plank, tile, flagstone, panel].map(Texture::new))
    }
}

impl Textures {
    /// The texture of a kind of wall, of [`FLOOR`] or of [`CEILING`].
    #[inline]
    pub fn of(&self, kind: usize) -> &Texture {
        &self.0[kind]
    }
}

/// The colours of every texture, all turned by `hue_deg` degrees and times `brightness`.
pub fn ramps(hue_deg: f32, brightness: f32) -> [Ramp; N_TEXTURES] {
    STOPS.map(|stops| ramp(stops.map(|stop| tinted(stop, hue_deg, brightness))))
}

/// A colour turned by `hue_deg` degrees and times `brightness`.
pub fn tinted(colour: Rgb, hue_deg: f32, brightness: f32) -> Rgb {
    turned(colour, hue_deg).map(|level| (f32::from(level) * brightness) as u8)
}

/// Evenly from the first colour over the second to the third.
fn ramp(stops: [Rgb; 3]) -> Ramp {
    let half = (N_LEVELS as i32 - 1) / 2;
    from_fn(|i| {
        let (from, to, part, whole) = match i as i32 - half {
            over @ 1.. => (stops[1], stops[2], over, N_LEVELS as i32 - 1 - half),
            under => (stops[0], stops[1], under + half, half),
        };
        from_fn(|c| (i32::from(from[c]) + (i32::from(to[c]) - i32::from(from[c])) * part / whole) as u8)
    })
}

impl Texture {
    fn new(level: fn(usize, usize) -> usize) -> Self {
        let full = (0..SIDE * SIDE).map(|i| level(i / SIDE, i % SIDE).min(N_LEVELS - 1) as u8).collect();
        let mut sizes = [full, Vec::new(), Vec::new(), Vec::new()];
        for size in 1..N_SIZES {
            let (side, fine) = (SIDE >> size, &sizes[size - 1]);
            let mean = |i: usize| {
                let corner = 2 * (i / side) * 2 * side + 2 * (i % side);
                let sum: u32 =
                    [0, 1, 2 * side, 2 * side + 1].iter().map(|d| u32::from(fine[corner + d])).sum();
                ((sum + 2) / 4) as u8
            };
            sizes[size] = (0..side * side).map(mean).collect();
        }
        Self { sizes }
    }

    /// The levels to look up where a pixel is as wide as `cells` cells, and how many bits number a side.
    #[inline]
    pub fn sized(&self, cells: f32) -> (&[u8], u32) {
        let texels = cells * SIDE as f32;
        let size = usize::from(texels > 1.5) + usize::from(texels > 3.0) + usize::from(texels > 6.0);
        (&self.sizes[size], SIDE.ilog2() - size as u32)
    }
}

/// A number below `n` that looks random, the same for the same place.
fn grain(u: usize, v: usize, salt: usize, n: usize) -> usize {
    let mut x = (u as u32).wrapping_mul(0x9e37_79b1)
        ^ (v as u32).wrapping_mul(0x85eb_ca6b)
        ^ (salt as u32).wrapping_mul(0xc2b2_ae35);
    x = (x ^ (x >> 15)).wrapping_mul(0x2c1b_3c6d);
    x = (x ^ (x >> 12)).wrapping_mul(0x297a_2d39);
    (x ^ (x >> 15)) as usize % n
}

/// Courses of bricks, each a shade of its own, lit from above.
fn brick(u: usize, v: usize) -> usize {
    let (course, row) = (v / 8, v % 8);
    let column = (u + 8 * (course % 2)) % SIDE;
    match (row, column % 16) {
        (7, _) | (_, 15) => grain(u, v, 1, 3),
        (0, _) => 12 + grain(u, v, 1, 3),
        _ => 7 + grain(column / 16, course, 2, 4) + grain(u, v, 3, 2),
    }
}

/// Large blocks with rough faces.
fn stone(u: usize, v: usize) -> usize {
    let (course, row) = (v / 16, v % 16);
    let column = (u + 10 * (course % 2)) % SIDE;
    match (row, column % 16) {
        (15, _) | (_, 15) => 1 + grain(u, v, 4, 2),
        (0, _) | (_, 0) => 12 + grain(u, v, 4, 3),
        _ => 6 + grain(column / 16, course, 5, 4) + grain(u / 2, v / 2, 6, 3),
    }
}

/// Upright planks with long grain and nails.
fn plank(u: usize, v: usize) -> usize {
    let (board, column) = (u / 8, u % 8);
    match (column, v) {
        (7, _) => 1,
        (3, 3 | 28) => 0,
        _ => 6 + grain(board, 0, 7, 4) + 2 * grain(u, v / 11, 8, 3),
    }
}

/// Small glazed tiles, light and dark in turn.
fn tile(u: usize, v: usize) -> usize {
    match (u % 8, v % 8) {
        (7, _) | (_, 7) => 2,
        (1, 1..4) | (1..4, 1) => 15,
        _ => 5 + 6 * ((u / 8 + v / 8) % 2) + grain(u, v, 9, 2),
    }
}

/// Flagstones.
fn flagstone(u: usize, v: usize) -> usize {
    match (u % 16, v % 16) {
        (15, _) | (_, 15) => 1,
        _ => 6 + grain(u / 16, v / 16, 10, 5) + grain(u / 2, v / 2, 11, 4),
    }
}

/// Panels with a frame.
fn panel(u: usize, v: usize) -> usize {
    match u.min(v).min(SIDE - 1 - u).min(SIDE - 1 - v) {
        0 => 1,
        1 => 12,
        _ => 6 + grain(u / 4, v / 4, 12, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smaller_sizes_are_means_of_larger_ones() {
        let textures = Textures::default();
        for kind in 0..N_TEXTURES {
            let mean = |cells| {
                let (levels, bits) = textures.of(kind).sized(cells);
                assert_eq!(levels.len(), 1 << (2 * bits));
                levels.iter().map(|level| f32::from(*level)).sum::<f32>() / levels.len() as f32
            };
            assert!((mean(0.01) - mean(1.0)).abs() < 0.6, "{kind}: {} and {}", mean(0.01), mean(1.0));
        }
    }

    #[test]
    fn ramps_go_through_their_stops() {
        let plain = ramps(0.0, 1.0);
        for (ramp, stops) in plain.iter().zip(STOPS) {
            assert_eq!([ramp[0], ramp[7], ramp[15]], stops);
        }
        assert_eq!(ramps(0.0, 0.5)[0][0], STOPS[0][0].map(|level| level / 2));
    }
}
