//! Textures at the size of one cell, by day and at night, so that a picture is put together by copying.

use super::textures::{CLEAR, painted};

/// What can be painted on a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texture {
    /// A material, by its place; after the last one comes what is beyond the world's edge.
    Ground(usize),
    /// The player facing left, right, up and down, and asleep; cow, zombie, skeleton; arrows as the player; a young and a ripe
    /// plant.
    Sprite(usize),
    /// A thing of the inventory, by its place.
    Item(usize),
    /// How much there is of it, less 1.
    Digit(usize),
}

/// How many textures there are of each kind.
pub const N_GROUNDS: usize = 13;
const N_SPRITES: usize = 14;
const N_ITEMS: usize = 16;
const N_DIGITS: usize = 9;

/// Columns and rows of cells in a picture: the last rows hold the inventory.
pub const COLUMNS: usize = 9;
/// See [`COLUMNS`].
pub const ROWS: usize = 9;
/// Rows of the map.
pub const MAP_ROWS: usize = 7;

/// The most bytes that a row of a tile has: pictures are at most 1,024 pixels wide.
pub const MOST_ROW: usize = 352;
/// Rows of tiles are padded to a multiple of so many bytes, so that they are worked on in whole vectors.
const PAD: usize = 16;

/// One texture.
#[derive(Debug)]
pub struct Tile {
    stride: usize,
    day: Vec<u8>,
    night: Vec<u8>,
    /// 255 where it hides what lies under it.
    mask: Vec<u8>,
}

/// All textures at one size.
#[derive(Debug)]
pub struct Tiles {
    /// Rows and columns of a tile, in pixels.
    pub unit: [usize; 2],
    all: Vec<Tile>,
    /// What the darkness leaves visible, from 0 to 255, by row of the map, and by byte of a row.
    pub clear: [Vec<u8>; 2],
    /// Random light and dark, in the colour of the night, for rows to be cut from.
    pub noise: Vec<u8>,
}

impl Tiles {
    /// For pictures of `height` by `width` pixels.
    pub fn new(height: usize, width: usize) -> Self {
        let unit = [(height / ROWS).max(1), (width / COLUMNS).max(1)];
        let grounds = (0..N_GROUNDS).map(Texture::Ground);
        let sprites = (0..N_SPRITES).map(Texture::Sprite);
        let icons = (0..N_ITEMS).map(Texture::Item).chain((0..N_DIGITS).map(Texture::Digit));
        let all = grounds.chain(sprites).chain(icons).map(|texture| Tile::new(texture, unit)).collect();
        let clear = [clearness(unit[0] * MAP_ROWS, 1), clearness(unit[1] * COLUMNS, 3)];
        Self { unit, all, clear, noise: noise() }
    }

    /// The tile of a texture.
    pub fn of(&self, texture: Texture) -> &Tile {
        &self.all[match texture {
            Texture::Ground(i) => i,
            Texture::Sprite(i) => N_GROUNDS + i,
            Texture::Item(i) => N_GROUNDS + N_SPRITES + i,
            Texture::Digit(i) => N_GROUNDS + N_SPRITES + N_ITEMS + i,
        }]
    }
}

impl Tile {
    fn new(texture: Texture, unit: [usize; 2]) -> Self {
        let stride = (unit[1] * 3).next_multiple_of(PAD);
        let mut tile = Self { stride, day: Vec::new(), night: Vec::new(), mask: Vec::new() };
        for row in painted(texture, unit).chunks_exact(unit[1] * 3) {
            for pixel in row.as_chunks::<3>().0 {
                let is_clear = *pixel == CLEAR;
                tile.day.extend(if is_clear { [0; 3] } else { *pixel });
                tile.night.extend(by_night(*pixel));
                tile.mask.extend([if is_clear { 0 } else { 255 }; 3]);
            }
            let padded = tile.day.len().next_multiple_of(stride);
            for plane in [&mut tile.day, &mut tile.night, &mut tile.mask] {
                plane.resize(padded, 0);
            }
        }
        tile
    }

    /// Row `r` in the light of `day`, from 0 to 256, with some bytes after its end.
    pub fn lit(&self, r: usize, day: u16, out: &mut [u8; MOST_ROW]) {
        let row = r * self.stride..(r + 1) * self.stride;
        let night = 256 - day;
        for ((out, d), n) in out.iter_mut().zip(&self.day[row.clone()]).zip(&self.night[row]) {
            *out = ((u16::from(*d) * day + u16::from(*n) * night) >> 8) as u8;
        }
    }

    /// Puts a row that was [`Tile::lit`] over what is there.
    pub fn cover(&self, r: usize, lit: &[u8; MOST_ROW], out: &mut [u8]) {
        let mask = &self.mask[r * self.stride..][..self.stride];
        for ((out, lit), mask) in out.iter_mut().zip(lit).zip(mask) {
            *out = (*out & !mask) | (lit & mask);
        }
    }
}

/// How bright a colour is.
pub fn grey([r, g, b]: [u8; 3]) -> u8 {
    ((u32::from(r) * 77 + u32::from(g) * 150 + u32::from(b) * 29) >> 8) as u8
}

/// A colour at midnight: paler by 0.6, then half of it and half of a deep blue.
fn by_night(colour: [u8; 3]) -> [u8; 3] {
    let grey = u32::from(grey(colour));
    let [r, g, b] = colour.map(|part| (u32::from(part) * 2 + grey * 3) / 10);
    [r, g + 8, b + 32].map(|part| part as u8)
}

/// One factor of the clear spot around the middle, at `n` places from -1 to 1, each `times` over.
fn clearness(n: usize, times: usize) -> Vec<u8> {
    let place = |i: usize| if n > 1 { 2.0 * i as f32 / (n - 1) as f32 - 1.0 } else { 0.0 };
    let clear = (0..n).map(|i| ((-2.0 * place(i).powi(2)).exp() * 255.0) as u8);
    clear.flat_map(|clear| std::iter::repeat_n(clear, times)).collect()
}

/// Pixels of noise: at least so many as a row has, and as many again to start from.
const N_NOISE: usize = 4096;

fn noise() -> Vec<u8> {
    let mut rng = worldsmith_core::Seed(0).derive("crafter night").rng();
    let pixel = |_| {
        let dim = (32 + rng.below(96)) as u8 / 2;
        [dim, dim + 8, dim + 32]
    };
    (0..N_NOISE).flat_map(pixel).collect()
}
