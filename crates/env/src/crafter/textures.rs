//! What everything looks like: shapes on a square of 16 by 16, painted one over the other.

use super::state::Facing;
use super::tiles::Texture;
use crate::canvas::{Canvas, Rgb};
use worldsmith_core::Seed;

/// Side of the square that textures are sketched on, in units.
const UNITS: f32 = 16.0;
/// Side of a sketch, in pixels.
const SKETCH_PX: usize = 128;
/// Where a sketch shows what lies under it.
pub const CLEAR: Rgb = [255, 0, 255];

/// A shape in its colour, in units from the top left corner.
enum Shape {
    /// Left, top, width, height.
    Rect([f32; 4], Rgb),
    /// Middle and radius.
    Disc([f32; 2], f32, Rgb),
    /// Corners.
    Poly(&'static [[f32; 2]], Rgb),
    /// Two ends and the width.
    Line([f32; 2], [f32; 2], f32, Rgb),
    /// So many small squares of a side, strewn all over; the first number chooses where.
    Strewn(u32, u32, f32, Rgb),
}

use Shape::{Disc, Line, Poly, Rect, Strewn};

type Shapes = &'static [Shape];

/// Everything, filled.
const fn ground(colour: Rgb) -> Shape {
    Rect([0.0, 0.0, UNITS, UNITS], colour)
}

const GRASS: Shape = ground([98, 164, 74]);
const ROCK: Shape = ground([126, 128, 136]);
const ROCK_SPECKS: Shape = Strewn(5, 14, 2.0, [110, 112, 120]);
const WOOD: Rgb = [168, 118, 70];
const BARK: Rgb = [112, 74, 42];
const SILVER: Rgb = [176, 180, 190];
const ORE: Rgb = [232, 154, 96];
const GEM: Rgb = [150, 238, 246];
const SKIN: Rgb = [240, 196, 156];
const HAIR: Rgb = [84, 52, 32];
const SHIRT: Rgb = [214, 62, 58];
const TROUSERS: Rgb = [52, 60, 120];
const LEAF: Rgb = [44, 132, 62];
const BONE: Rgb = [232, 232, 222];
const DARK: Rgb = [34, 34, 42];
const ROT: Rgb = [76, 128, 62];

/// Textures of the ground, in the order of [`Material`](super::names::Material); the last one is beyond the world's edge.
const MATERIALS: [Shapes; 13] = [
    &[
        ground([58, 112, 196]),
        Line([2.0, 4.0], [7.0, 4.0], 1.4, [112, 164, 230]),
        Line([9.0, 8.5], [14.0, 8.5], 1.4, [112, 164, 230]),
        Line([3.0, 13.0], [8.0, 13.0], 1.4, [112, 164, 230]),
    ],
    &[GRASS, Strewn(1, 16, 1.6, [82, 146, 62]), Strewn(2, 8, 1.2, [124, 186, 92])],
    &[ROCK, ROCK_SPECKS, Strewn(6, 8, 1.4, [146, 148, 156])],
    &[ground([154, 134, 108]), Strewn(3, 16, 1.8, [138, 118, 94])],
    &[ground([230, 214, 158]), Strewn(4, 16, 1.4, [212, 194, 136])],
    &[
        GRASS,
        Rect([6.5, 10.0, 3.0, 6.0], BARK),
        Disc([8.0, 7.0], 6.6, [34, 96, 46]),
        Disc([6.8, 5.6], 3.6, [54, 126, 60]),
    ],
    &[
        ground([222, 84, 28]),
        Disc([4.5, 5.0], 2.6, [252, 176, 60]),
        Disc([11.5, 10.5], 3.0, [252, 176, 60]),
        Strewn(7, 8, 1.6, [172, 48, 22]),
    ],
    &[
        ROCK,
        ROCK_SPECKS,
        Disc([4.6, 5.0], 2.4, DARK),
        Disc([11.0, 7.6], 2.6, DARK),
        Disc([5.8, 11.8], 2.2, DARK),
    ],
    &[
        ROCK,
        ROCK_SPECKS,
        Disc([4.6, 4.8], 2.2, ORE),
        Disc([11.4, 6.0], 2.4, ORE),
        Disc([7.0, 11.6], 2.6, ORE),
    ],
    &[
        ROCK,
        ROCK_SPECKS,
        Poly(&[[5.0, 1.5], [8.5, 5.0], [5.0, 8.5], [1.5, 5.0]], GEM),
        Poly(&[[11.0, 6.5], [15.0, 10.5], [11.0, 14.5], [7.0, 10.5]], GEM),
        Poly(&[[11.0, 6.5], [11.0, 10.5], [7.0, 10.5]], [226, 252, 255]),
    ],
    &[
        ground(BARK),
        Rect([1.0, 1.0, 14.0, 9.0], WOOD),
        Line([1.0, 5.5], [15.0, 5.5], 0.8, BARK),
        Rect([2.0, 11.0, 3.0, 4.0], WOOD),
        Rect([11.0, 11.0, 3.0, 4.0], WOOD),
    ],
    &[
        ground([88, 88, 96]),
        Rect([1.0, 1.0, 14.0, 3.0], [116, 116, 124]),
        Rect([3.0, 6.0, 10.0, 8.0], DARK),
        Poly(&[[4.0, 14.0], [6.0, 8.5], [8.0, 11.0], [10.0, 7.5], [12.0, 14.0]], [250, 146, 44]),
    ],
    &[ground([24, 24, 30])],
];

/// What stands, walks, flies or grows on the ground: the player facing left, right, up and down, and asleep, a cow, a zombie,
/// a skeleton, an arrow that flies up, a young and a ripe plant.
const SPRITES: [Shapes; 11] = [
    &[
        Rect([5.0, 12.0, 2.6, 3.6], TROUSERS),
        Rect([8.4, 12.0, 2.6, 3.6], TROUSERS),
        Rect([4.5, 7.0, 7.0, 5.4], SHIRT),
        Rect([0.6, 7.6, 4.4, 2.2], SKIN),
        Disc([8.0, 4.2], 3.6, SKIN),
        Rect([6.4, 0.8, 5.2, 3.4], HAIR),
        Disc([6.0, 4.8], 0.8, DARK),
    ],
    &[
        Rect([5.0, 12.0, 2.6, 3.6], TROUSERS),
        Rect([8.4, 12.0, 2.6, 3.6], TROUSERS),
        Rect([4.5, 7.0, 7.0, 5.4], SHIRT),
        Rect([11.0, 7.6, 4.4, 2.2], SKIN),
        Disc([8.0, 4.2], 3.6, SKIN),
        Rect([4.4, 0.8, 5.2, 3.4], HAIR),
        Disc([10.0, 4.8], 0.8, DARK),
    ],
    &[
        Rect([5.0, 12.0, 2.6, 3.6], TROUSERS),
        Rect([8.4, 12.0, 2.6, 3.6], TROUSERS),
        Rect([3.5, 7.0, 9.0, 5.4], SHIRT),
        Rect([2.0, 3.4, 2.2, 5.0], SKIN),
        Rect([11.8, 3.4, 2.2, 5.0], SKIN),
        Disc([8.0, 4.2], 3.6, HAIR),
    ],
    &[
        Rect([5.0, 12.0, 2.6, 3.6], TROUSERS),
        Rect([8.4, 12.0, 2.6, 3.6], TROUSERS),
        Rect([3.5, 7.0, 9.0, 5.4], SHIRT),
        Rect([2.0, 7.6, 2.2, 5.4], SKIN),
        Rect([11.8, 7.6, 2.2, 5.4], SKIN),
        Disc([8.0, 4.4], 3.6, SKIN),
        Rect([4.6, 0.8, 6.8, 2.6], HAIR),
        Disc([6.6, 5.0], 0.8, DARK),
        Disc([9.4, 5.0], 0.8, DARK),
    ],
    &[
        Rect([1.0, 4.0, 14.0, 8.0], [236, 236, 240]),
        Disc([3.8, 8.0], 2.8, SKIN),
        Rect([6.4, 4.0, 8.6, 8.0], TROUSERS),
        Rect([1.0, 5.0, 2.0, 6.0], HAIR),
    ],
    &[
        Rect([3.0, 11.0, 2.0, 4.0], HAIR),
        Rect([10.0, 11.0, 2.0, 4.0], HAIR),
        Rect([2.0, 5.0, 11.0, 7.0], [240, 232, 224]),
        Disc([5.5, 8.0], 2.2, HAIR),
        Disc([10.0, 6.5], 1.8, HAIR),
        Rect([10.5, 2.5, 5.0, 5.5], [240, 232, 224]),
        Rect([12.5, 6.0, 3.0, 2.4], [242, 160, 164]),
        Disc([12.6, 4.2], 0.7, DARK),
    ],
    &[
        Rect([4.6, 11.5, 2.8, 4.2], [44, 54, 92]),
        Rect([8.6, 11.5, 2.8, 4.2], [44, 54, 92]),
        Rect([4.0, 6.5, 8.0, 5.4], [40, 112, 122]),
        Rect([0.8, 6.6, 4.0, 2.2], ROT),
        Rect([11.2, 6.6, 4.0, 2.2], ROT),
        Rect([4.6, 0.6, 6.8, 6.2], ROT),
        Rect([5.8, 2.6, 1.6, 1.6], [226, 40, 40]),
        Rect([8.8, 2.6, 1.6, 1.6], [226, 40, 40]),
    ],
    &[
        Rect([7.2, 6.0, 1.8, 6.0], BONE),
        Rect([4.4, 7.0, 7.2, 1.4], BONE),
        Rect([5.0, 9.4, 6.0, 1.4], BONE),
        Rect([5.2, 12.0, 1.6, 3.8], BONE),
        Rect([9.2, 12.0, 1.6, 3.8], BONE),
        Disc([8.0, 3.4], 3.2, BONE),
        Disc([6.8, 3.4], 0.9, DARK),
        Disc([9.3, 3.4], 0.9, DARK),
        Line([13.4, 3.0], [13.4, 13.0], 1.2, BARK),
    ],
    &[
        Line([8.0, 3.0], [8.0, 14.0], 1.6, HAIR),
        Poly(&[[8.0, 0.6], [11.0, 5.0], [5.0, 5.0]], BONE),
        Poly(&[[8.0, 11.0], [11.0, 15.4], [5.0, 15.4]], SHIRT),
    ],
    SAPLING,
    &[
        Line([8.0, 6.0], [8.0, 15.4], 1.6, LEAF),
        Disc([4.6, 9.4], 2.6, LEAF),
        Disc([11.4, 9.4], 2.6, LEAF),
        Disc([8.0, 5.0], 3.8, [238, 84, 120]),
        Disc([8.0, 5.0], 1.6, [252, 214, 84]),
    ],
];

const SAPLING: Shapes = &[
    Line([8.0, 6.0], [8.0, 15.4], 1.6, [28, 92, 40]),
    Disc([4.8, 6.4], 2.8, [160, 224, 84]),
    Disc([11.2, 6.4], 2.8, [160, 224, 84]),
    Disc([8.0, 3.6], 2.4, [160, 224, 84]),
];

/// The things of an inventory, in the order of [`Item`](super::names::Item).
const ITEMS: [Shapes; 16] = [
    &[
        Disc([5.0, 5.4], 3.2, SHIRT),
        Disc([11.0, 5.4], 3.2, SHIRT),
        Poly(&[[2.2, 7.0], [13.8, 7.0], [8.0, 14.0]], SHIRT),
    ],
    &[
        Line([9.0, 9.0], [14.0, 14.0], 2.0, BONE),
        Disc([6.4, 6.4], 4.8, [186, 98, 52]),
        Disc([5.2, 5.2], 1.8, [222, 142, 88]),
    ],
    &[
        Disc([8.0, 10.0], 4.6, [70, 142, 238]),
        Poly(&[[8.0, 1.4], [12.0, 8.0], [4.0, 8.0]], [70, 142, 238]),
        Disc([6.6, 10.4], 1.4, [176, 212, 252]),
    ],
    &[Poly(&[[9.5, 1.0], [3.0, 9.0], [7.0, 9.0], [5.5, 15.0], [13.0, 6.5], [8.5, 6.5]], [250, 212, 66])],
    SAPLING,
    &[Line([3.0, 11.0], [12.0, 5.0], 5.0, BARK), Disc([12.2, 5.0], 2.5, WOOD), Disc([12.2, 5.0], 1.0, BARK)],
    &[Disc([7.0, 9.0], 5.2, SILVER), Disc([10.6, 6.6], 3.4, [146, 150, 160])],
    &[Disc([7.0, 9.0], 4.8, [74, 74, 86]), Disc([10.4, 6.4], 3.4, [52, 52, 62])],
    &[Disc([7.0, 9.0], 4.8, ORE), Disc([10.4, 6.4], 3.4, [198, 116, 66])],
    &[
        Poly(&[[8.0, 2.0], [14.0, 8.0], [8.0, 14.0], [2.0, 8.0]], GEM),
        Poly(&[[8.0, 2.0], [8.0, 8.0], [2.0, 8.0]], [226, 252, 255]),
    ],
    &[HANDLE, pick(WOOD), pick_back(WOOD)],
    &[HANDLE, pick(SILVER), pick_back(SILVER)],
    &[HANDLE, pick(ORE), pick_back(ORE)],
    &[blade(WOOD), GUARD, GRIP],
    &[blade(SILVER), GUARD, GRIP],
    &[blade(ORE), GUARD, GRIP],
];

const HANDLE: Shape = Line([2.5, 13.5], [10.5, 5.5], 2.0, BARK);
const GUARD: Shape = Line([3.4, 8.4], [7.6, 12.6], 1.8, BARK);
const GRIP: Shape = Line([2.0, 14.0], [5.6, 10.4], 2.0, BARK);

const fn pick(colour: Rgb) -> Shape {
    Line([5.0, 2.6], [11.6, 4.4], 2.6, colour)
}

const fn pick_back(colour: Rgb) -> Shape {
    Line([11.6, 4.4], [13.4, 11.0], 2.6, colour)
}

const fn blade(colour: Rgb) -> Shape {
    Line([5.5, 10.5], [14.0, 2.0], 2.6, colour)
}

/// The digits 1 to 9: rows of three points, from the highest bits.
const DIGITS: [u16; 9] = [
    0b010_110_010_010_111,
    0b111_001_111_100_111,
    0b111_001_111_001_111,
    0b101_101_111_001_001,
    0b111_100_111_001_111,
    0b111_100_111_101_111,
    0b111_001_010_010_010,
    0b111_101_111_101_111,
    0b111_101_111_001_111,
];

/// RGB pixels of a texture, `height * width`. Pixels that show what lies under them are [`CLEAR`].
pub fn painted(texture: Texture, [height, width]: [usize; 2]) -> Vec<u8> {
    let (shapes, turn) = match texture {
        Texture::Ground(i) => (MATERIALS[i], Facing::Up),
        Texture::Sprite(i @ 0..8) => (SPRITES[i], Facing::Up),
        Texture::Sprite(i @ 8..12) => (SPRITES[8], Facing::ALL[i - 8]),
        Texture::Sprite(i) => (SPRITES[i - 3], Facing::Up),
        Texture::Item(i) => (ITEMS[i], Facing::Up),
        Texture::Digit(i) => return digit(i, [height, width]),
    };
    let sketch = sketched(shapes);
    let last = SKETCH_PX - 1;
    let pixel = |y: usize, x: usize| {
        let [y, x] = match turn {
            Facing::Up => [y, x],
            Facing::Down => [last - y, x],
            Facing::Left => [x, y],
            Facing::Right => [last - x, y],
        };
        sketch[y * SKETCH_PX + x]
    };
    let part = |i: usize, n: usize| (i * SKETCH_PX / n)..((i + 1) * SKETCH_PX / n).max(i * SKETCH_PX / n + 1);
    let mut px = Vec::with_capacity(height * width * 3);
    for y in 0..height {
        for x in 0..width {
            let under = part(y, height).flat_map(|y| part(x, width).map(move |x| [y, x]));
            px.extend(mean(under.map(|[y, x]| pixel(y, x))));
        }
    }
    px
}

fn sketched(shapes: Shapes) -> Vec<Rgb> {
    let mut px = vec![0; SKETCH_PX * SKETCH_PX * 3];
    let mut canvas = Canvas::new(&mut px, SKETCH_PX, SKETCH_PX);
    let scale = SKETCH_PX as f32 / UNITS;
    let at = |[x, y]: [f32; 2]| [x * scale, y * scale];
    canvas.fill(CLEAR);
    for shape in shapes {
        match shape {
            Rect(sides, colour) => {
                let [x, y, width, height] = sides.map(|side| (side * scale) as i32);
                canvas.rect(x, y, width, height, *colour);
            }
            Disc(middle, radius, colour) => canvas.disc(at(*middle), radius * scale, *colour),
            Poly(corners, colour) => {
                let corners: Vec<_> = corners.iter().copied().map(at).collect();
                canvas.polygon(&corners, *colour);
            }
            Line(from, to, width, colour) => canvas.line(at(*from), at(*to), width * scale, *colour),
            Strewn(seed, n, side, colour) => {
                let mut rng = Seed(u64::from(*seed)).rng();
                let side = (side * scale) as i32;
                for _ in 0..*n {
                    let [x, y] = [(); 2].map(|()| rng.below(SKETCH_PX) as i32);
                    canvas.rect(x - side / 2, y - side / 2, side, side, *colour);
                }
            }
        }
    }
    px.as_chunks::<3>().0.to_vec()
}

/// The mean colour of what is not clear, or clear if that is most of it.
fn mean(pixels: impl Iterator<Item = Rgb>) -> Rgb {
    let (mut sum, mut n, mut n_clear) = ([0_usize; 3], 0, 0);
    for pixel in pixels {
        if pixel == CLEAR {
            n_clear += 1;
        } else {
            n += 1;
            (0..3).for_each(|i| sum[i] += usize::from(pixel[i]));
        }
    }
    if n_clear > n { CLEAR } else { sum.map(|sum| (sum / n.max(1)) as u8) }
}

/// A digit in the lower right corner, of whole points so that it stays sharp.
fn digit(i: usize, [height, width]: [usize; 2]) -> Vec<u8> {
    let mut px = vec![0; height * width * 3];
    let mut canvas = Canvas::new(&mut px, height, width);
    canvas.fill(CLEAR);
    let side = (height.min(width) * 6 / 50).max(1) as i32;
    let (left, top) = (width as i32 - 3 * side, height as i32 - 5 * side);
    for (row, points) in (0..5).map(|row| (row, DIGITS[i] >> (3 * (4 - row)))) {
        for column in (0..3).filter(|column| points >> (2 - column) & 1 == 1) {
            canvas.rect(left + side * column, top + side * row, side, side, [255; 3]);
        }
    }
    px
}
