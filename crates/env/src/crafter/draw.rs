//! The picture: nine by seven cells of the map around the player in the light of the hour, and the inventory below.
//!
//! Light follows the package: by night colours go pale and blue, and in the dark half of it noise hides all but the middle;
//! who sleeps sees grey. Every texture is lit once a picture, row by row, and then copied to all its cells.

use super::names::Name;
use super::state::{Kind, Object, State};
use super::terrain::Cell;
use super::tiles::{COLUMNS, MAP_ROWS, MOST_ROW, N_GROUNDS, ROWS, Texture, Tiles, grey};
use crate::canvas::Canvas;
use crate::look::Look;

/// What is seen of a state.
struct Scene {
    /// Materials by cell.
    ground: [[u8; COLUMNS]; MAP_ROWS],
    /// Which materials there are, by bit.
    seen: u16,
    /// Row, column and texture of what stands on the ground.
    sprites: [(u8, u8, u8); MAP_ROWS * COLUMNS],
    n_sprites: usize,
}

/// Draws what the player sees; `ripe_after` is the age at which plants look ripe.
pub fn draw(state: &State, ripe_after: u32, tiles: &Tiles, canvas: &mut Canvas<'_>) {
    let [height, width] = [tiles.unit[0] * ROWS, tiles.unit[1] * COLUMNS];
    if canvas.height < height || canvas.width < width {
        return draw_middle(state, ripe_after, tiles, canvas);
    }
    canvas.fill([0; 3]);
    let frame = Frame {
        tiles,
        stride: canvas.width * 3,
        origin: (canvas.height - height) / 2 * canvas.width * 3 + (canvas.width - width) / 2 * 3,
    };
    let light = state.daylight();
    frame.map(&Scene::of(state, ripe_after), (light * 256.0) as u16, canvas.px);
    if light < 0.5 {
        frame.darken(state, (512.0 * (0.5 - light)) as u16, (256.0 * (1.0 - light)) as u16, canvas.px);
    }
    if state.player.sleeping {
        frame.dream(canvas.px);
    }
    frame.inventory(state, canvas.px);
    colour(state.episode.look, canvas.px);
}

/// Pictures with fewer pixels than cells show the middle.
fn draw_middle(state: &State, ripe_after: u32, tiles: &Tiles, canvas: &mut Canvas<'_>) {
    let [height, width] = [tiles.unit[0] * ROWS, tiles.unit[1] * COLUMNS];
    let (height, width) = (height.max(canvas.height), width.max(canvas.width));
    let mut px = vec![0; height * width * 3];
    draw(state, ripe_after, tiles, &mut Canvas::new(&mut px, height, width));
    let (top, left) = ((height - canvas.height) / 2, (width - canvas.width) / 2);
    for (y, row) in canvas.px.chunks_exact_mut(canvas.width * 3).enumerate() {
        row.copy_from_slice(&px[((top + y) * width + left) * 3..][..row.len()]);
    }
}

/// Turns and dims all colours.
fn colour(look: Look, px: &mut [u8]) {
    if look == Look::new([0.0, 1.0]) {
        return;
    }
    let (sin, cos) = look.hue_deg.to_radians().sin_cos();
    let (grey, side) = ((1.0 - cos) / 3.0, sin / 3.0_f32.sqrt());
    let [own, next, last] = [cos + grey, grey - side, grey + side].map(|part| part * look.light);
    for pixel in px.as_chunks_mut::<3>().0 {
        let [r, g, b] = pixel.map(f32::from);
        let turned =
            [own * r + next * g + last * b, last * r + own * g + next * b, next * r + last * g + own * b];
        *pixel = turned.map(|part| part.round().clamp(0.0, 255.0) as u8);
    }
}

/// The column and row of `cell` in the view of who stands at `middle`.
pub fn in_view(cell: Cell, middle: Cell) -> Option<[usize; 2]> {
    let [x, y] = [cell[0] - middle[0] + COLUMNS as i32 / 2, cell[1] - middle[1] + MAP_ROWS as i32 / 2];
    let inside = (0..COLUMNS as i32).contains(&x) && (0..MAP_ROWS as i32).contains(&y);
    inside.then_some([x as usize, y as usize])
}

impl Scene {
    fn of(state: &State, ripe_after: u32) -> Self {
        let mut scene = Self {
            ground: [[N_GROUNDS as u8 - 1; COLUMNS]; MAP_ROWS],
            seen: 0,
            sprites: [(0, 0, 0); MAP_ROWS * COLUMNS],
            n_sprites: 0,
        };
        let middle = state.player.position;
        let [left, top] = [middle[0] - COLUMNS as i32 / 2, middle[1] - MAP_ROWS as i32 / 2];
        for (y, row) in (top..).zip(&mut scene.ground) {
            for (x, ground) in (left..).zip(row) {
                if let Some(material) = state.terrain.at([x, y]) {
                    *ground = material.index() as u8;
                }
                scene.seen |= 1 << *ground;
            }
        }
        for object in &state.objects {
            scene.add(object.position, middle, sprite(object, ripe_after));
        }
        let asleep = state.player.sleeping;
        scene.add(middle, middle, if asleep { 4 } else { state.player.facing as u8 });
        scene
    }

    fn add(&mut self, cell: Cell, middle: Cell, sprite: u8) {
        if let Some([x, y]) = in_view(cell, middle)
            && let Some(place) = self.sprites.get_mut(self.n_sprites)
        {
            *place = (y as u8, x as u8, sprite);
            self.n_sprites += 1;
        }
    }
}

fn sprite(object: &Object, ripe_after: u32) -> u8 {
    match object.kind {
        Kind::Cow => 5,
        Kind::Zombie { .. } => 6,
        Kind::Skeleton { .. } => 7,
        Kind::Arrow { facing } => 8 + facing as u8,
        Kind::Plant { grown } => 12 + u8::from(grown > ripe_after),
    }
}

/// Where cells lie among the bytes of a picture.
struct Frame<'a> {
    tiles: &'a Tiles,
    stride: usize,
    origin: usize,
}

impl Frame<'_> {
    /// Bytes of a row of a tile.
    fn len(&self) -> usize {
        self.tiles.unit[1] * 3
    }

    /// Where row `r` of the cells in row `y` begins.
    fn row(&self, y: usize, r: usize) -> usize {
        self.origin + (y * self.tiles.unit[0] + r) * self.stride
    }

    fn map(&self, scene: &Scene, day: u16, px: &mut [u8]) {
        let len = self.len();
        let mut lit = [[0; MOST_ROW]; 16];
        for r in 0..self.tiles.unit[0] {
            for ground in (0..N_GROUNDS).filter(|i| scene.seen >> i & 1 == 1) {
                self.tiles.of(Texture::Ground(ground)).lit(r, day, &mut lit[ground]);
            }
            for (y, row) in scene.ground.iter().enumerate() {
                let out = &mut px[self.row(y, r)..][..COLUMNS * len];
                for (out, ground) in out.chunks_exact_mut(len).zip(row) {
                    copy(out, &lit[usize::from(ground & 15)]);
                }
            }
            for (y, x, sprite) in &scene.sprites[..scene.n_sprites] {
                let tile = self.tiles.of(Texture::Sprite(usize::from(*sprite)));
                tile.lit(r, day, &mut lit[15]);
                let start = self.row(usize::from(*y), r) + usize::from(*x) * len;
                tile.cover(r, &lit[15], &mut px[start..start + len]);
            }
        }
    }

    /// Noise over the dark: `dark` from 0 to 256 is how dark it is, and `night` how little daylight there is.
    fn darken(&self, state: &State, dark: u16, night: u16, px: &mut [u8]) {
        let amount = dark * night.min(255) / 256;
        let [clear_rows, clear_bytes] = &self.tiles.clear;
        let width = clear_bytes.len();
        let mut hash = (u64::from(state.episode.noise_seed) << 32) ^ state.step;
        for (y, clear_row) in clear_rows.iter().enumerate() {
            hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0xd1b5_4a32_d192_ed03);
            let start = ((hash >> 40) as usize % (self.tiles.noise.len() - width)) / 3 * 3;
            let noise = &self.tiles.noise[start..start + width];
            let out = &mut px[self.origin + y * self.stride..][..width];
            let clear_row = u16::from(*clear_row);
            for ((out, noise), clear) in out.iter_mut().zip(noise).zip(clear_bytes) {
                let hidden = (((255 - ((u16::from(*clear) * clear_row) >> 8)) * amount) >> 8) & 255;
                *out = ((u16::from(*out) * (256 - hidden) + u16::from(*noise) * hidden) >> 8) as u8;
            }
        }
    }

    /// The grey and dark of who sleeps.
    fn dream(&self, px: &mut [u8]) {
        for y in 0..MAP_ROWS * self.tiles.unit[0] {
            let row = &mut px[self.origin + y * self.stride..][..COLUMNS * self.len()];
            for pixel in row.as_chunks_mut::<3>().0 {
                let dim = grey(*pixel) / 2;
                *pixel = [dim, dim, dim + 8];
            }
        }
    }

    fn inventory(&self, state: &State, px: &mut [u8]) {
        let len = self.len();
        let mut row = [0; MOST_ROW];
        for (i, (_, n)) in state.player.inventory.iter().enumerate().filter(|(_, (_, n))| *n > 0) {
            let icon = self.tiles.of(Texture::Item(i));
            let digit = self.tiles.of(Texture::Digit(usize::from(n.min(9)) - 1));
            for r in 0..self.tiles.unit[0] {
                let start = self.row(MAP_ROWS + i / COLUMNS, r) + i % COLUMNS * len;
                for tile in [icon, digit] {
                    tile.lit(r, 256, &mut row);
                    tile.cover(r, &row, &mut px[start..start + len]);
                }
            }
        }
    }
}

/// Copies one row of a tile; that of 64x64 pictures in two moves.
fn copy(out: &mut [u8], row: &[u8; MOST_ROW]) {
    const LEN_OF_64: usize = 21;
    match out.len() {
        LEN_OF_64 => out.copy_from_slice(&row[..LEN_OF_64]),
        len => out.copy_from_slice(&row[..len]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::{Item, Material};
    use super::super::state::Facing;
    use super::*;

    const SIZE: usize = 64;

    fn drawn(state: &State) -> Vec<u8> {
        let mut px = vec![1; SIZE * SIZE * 3];
        draw(state, 300, &Tiles::new(SIZE, SIZE), &mut Canvas::new(&mut px, SIZE, SIZE));
        px
    }

    /// The pixels of one cell.
    fn cell(px: &[u8], [x, y]: [usize; 2]) -> Vec<u8> {
        (0..7).flat_map(|r| px[((y * 7 + r) * SIZE + x * 7) * 3..][..21].to_vec()).collect()
    }

    fn brightness(px: &[u8]) -> f64 {
        px.iter().map(|part| f64::from(*part)).sum::<f64>() / px.len() as f64
    }

    #[test]
    fn everything_looks_different() {
        let mut state = State::meadow();
        let mut seen = vec![cell(&drawn(&state), [0, 0])];
        for material in Material::ALL.iter().filter(|material| **material != Material::Grass) {
            state.terrain.set([0, 1], *material);
            seen.push(cell(&drawn(&state), [0, 0]));
        }
        let mut kinds = vec![Kind::Cow, Kind::Zombie { cooldown: 0 }, Kind::Skeleton { reload: 0 }];
        kinds.extend(Facing::ALL.map(|facing| Kind::Arrow { facing }));
        kinds.extend([0, 301].map(|grown| Kind::Plant { grown }));
        for kind in kinds {
            let mut state = State::meadow();
            state.add([0, 1], 1, kind);
            seen.push(cell(&drawn(&state), [0, 0]));
        }
        for facing in Facing::ALL {
            state.player.facing = facing;
            seen.push(cell(&drawn(&state), [4, 3]));
        }
        state.player.position = [0, 0];
        seen.push(cell(&drawn(&state), [0, 0]));
        for (i, item) in Item::ALL.iter().enumerate() {
            for n in [1, 2, 9] {
                state.player.inventory[*item] = n;
                seen.push(cell(&drawn(&state), [i % 9, 7 + i / 9]));
            }
        }
        for (i, one) in seen.iter().enumerate() {
            assert!(seen[..i].iter().all(|other| other != one), "picture {i} looks like another");
        }
    }

    #[test]
    fn noon_is_bright_midnight_dark_and_grainy_and_sleep_grey() {
        let mut state = State::meadow();
        let noon = drawn(&state);
        state.step = 210;
        let midnight = drawn(&state);
        let map = ..49 * SIZE * 3;
        assert!(brightness(&midnight[map]) < 0.6 * brightness(&noon[map]));
        assert_eq!(midnight[49 * SIZE * 3..], noon[49 * SIZE * 3..], "the inventory needs no light");
        assert_eq!(cell(&noon, [0, 0]), cell(&noon, [8, 6]));
        assert_ne!(cell(&midnight, [0, 0]), cell(&midnight, [8, 6]));
        state.step = 510;
        assert_ne!(drawn(&state), midnight, "grain moves");
        (state.step, state.player.sleeping) = (60, true);
        let asleep = drawn(&state);
        assert!(cell(&asleep, [0, 0]).as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && *b == r + 8));
    }

    #[test]
    fn colours_turn_and_dim_with_the_factors() {
        let mut state = State::meadow();
        let plain = drawn(&state);
        state.episode.look = Look::new([120.0, 1.0]);
        let turned = drawn(&state);
        let off = plain.as_chunks::<3>().0.iter().zip(turned.as_chunks::<3>().0);
        // Red becomes green, green blue and blue red.
        assert!(off.into_iter().all(|(old, new)| (0..3).all(|i| old[i].abs_diff(new[(i + 1) % 3]) <= 1)));
        state.episode.look = Look::new([0.0, 0.5]);
        assert!((brightness(&drawn(&state)) - 0.5 * brightness(&plain)).abs() < 1.0);
    }
}
