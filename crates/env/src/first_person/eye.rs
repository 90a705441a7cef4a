//! What an eye in a maze sees: walls, floor, ceiling and a gem, as a picture or as depths.
//!
//! A pinhole camera that looks level. A pixel belongs to what its middle sees; depths are measured along the line of sight's
//! middle (planar depth), so that a point at depth `z` and `x` cells to the right lies `focal * x / z` pixels right of the
//! middle.

use std::ops::Range;

use super::maze::Maze;
use super::rays::{Hit, cast};
use super::texture::{CEILING, FLOOR, N_WALLS, Ramp, Textures, ramps, tinted};
use crate::canvas::{Canvas, Rgb};

/// Columns that are drawn together.
const BLOCK: usize = 64;
/// How dark walls are that face east or west.
const SHADE: f32 = 0.74;
/// What everything fades to.
const DARK: Rgb = [14, 16, 24];
/// Facets of the gem: upper left, upper right, lower left, lower right, and the middle.
const GEM: [Rgb; 5] = [[255, 226, 92], [240, 170, 40], [222, 132, 30], [168, 84, 24], [255, 250, 206]];
/// The gem's middle above the floor, half its width and half its height, in cells.
const GEM_CELLS: [f32; 3] = [0.36, 0.17, 0.25];
/// Nearest depth at which the gem is drawn, in cells.
const NEAR: f32 = 0.08;

/// A place to look from, and a camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eye {
    /// Where, in cells.
    pub at: [f32; 2],
    /// Direction of sight: 0 is east, a quarter turn to the right is south.
    pub heading_rad: f32,
    /// Height above the floor, in cells; the ceiling is at 1.
    pub height: f32,
    /// Angle between the left and the right edge of the picture.
    pub view_deg: f32,
}

/// What there is to see.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Walls.
    pub maze: &'a Maze,
    /// Decides which walls look how.
    pub paint: u32,
    /// The gem's place, if there is one.
    pub gem: Option<[f32; 2]>,
    /// How far colours are turned.
    pub hue_deg: f32,
    /// What colours are multiplied with.
    pub brightness: f32,
    /// How fast things fade into the dark: of light from `z` cells away, `exp(-z * fog)` is left.
    pub fog: f32,
}

/// An eye before a picture of some size.
struct Screen {
    from: [f32; 2],
    ahead: [f32; 2],
    right: [f32; 2],
    focal_px: f32,
    size: [usize; 2],
    height: f32,
}

impl Screen {
    fn new(eye: &Eye, size: [usize; 2]) -> Self {
        let (sin, cos) = eye.heading_rad.sin_cos();
        let focal_px = size[1] as f32 / 2.0 / (eye.view_deg.to_radians() / 2.0).tan();
        Self { from: eye.at, ahead: [cos, sin], right: [-sin, cos], focal_px, size, height: eye.height }
    }

    /// The ray through the middle of a column, one cell long in depth.
    fn ray(&self, x: f32) -> [f32; 2] {
        let slope = (x + 0.5 - self.size[1] as f32 / 2.0) / self.focal_px;
        [self.ahead[0] + slope * self.right[0], self.ahead[1] + slope * self.right[1]]
    }

    /// The picture's row, a real number, of what is `height` above the floor at depth `z`.
    fn row(&self, height: f32, z: f32) -> f32 {
        self.size[0] as f32 / 2.0 + (self.height - height) * self.focal_px / z
    }

    /// The depth of the floor or the ceiling in the middle of row `y`.
    fn plane(&self, y: usize) -> f32 {
        let below = y as f32 + 0.5 - self.size[0] as f32 / 2.0;
        let height = if below > 0.0 { self.height } else { self.height - 1.0 };
        height * self.focal_px / below
    }

    /// The rows of a wall from floor to ceiling.
    fn wall(&self, z: f32) -> Range<usize> {
        self.rows(self.row(1.0, z), self.row(0.0, z))
    }

    /// The rows whose middle lies between two places.
    fn rows(&self, top: f32, bottom: f32) -> Range<usize> {
        let row = |y: f32| ((y - 0.5).ceil().max(0.0) as usize).min(self.size[0]);
        row(top)..row(bottom)
    }
}

/// The gem on the screen.
#[derive(Clone, Copy)]
struct Sprite {
    z: f32,
    middle: [f32; 2],
    half: [f32; 2],
}

impl Sprite {
    fn new(screen: &Screen, at: [f32; 2]) -> Option<Self> {
        let away = [at[0] - screen.from[0], at[1] - screen.from[1]];
        let along = |axis: [f32; 2]| away[0] * axis[0] + away[1] * axis[1];
        let (z, x) = (along(screen.ahead), along(screen.right));
        let middle = [screen.size[1] as f32 / 2.0 + x * screen.focal_px / z, screen.row(GEM_CELLS[0], z)];
        let half = [GEM_CELLS[1], GEM_CELLS[2]].map(|cells| cells * screen.focal_px / z);
        (z > NEAR).then_some(Self { z, middle, half })
    }

    /// How far column `x` is from the middle, -1 to 1, and the rows that the gem covers there.
    fn column(&self, screen: &Screen, x: usize) -> Option<(f32, Range<usize>)> {
        let dx = (x as f32 + 0.5 - self.middle[0]) / self.half[0];
        let reach = (1.0 - dx.abs()) * self.half[1];
        (reach > 0.0).then(|| (dx, screen.rows(self.middle[1] - reach, self.middle[1] + reach)))
    }
}

impl Scene<'_> {
    /// The picture.
    pub fn draw(&self, eye: &Eye, textures: &Textures, canvas: &mut Canvas<'_>) {
        let screen = Screen::new(eye, [canvas.height, canvas.width]);
        let pixels = canvas.px.as_chunks_mut::<3>().0;
        let ramps = ramps(self.hue_deg, self.brightness);
        let sprite = self.gem.and_then(|at| Sprite::new(&screen, at));
        for first in (0..canvas.width).step_by(BLOCK) {
            let columns = first..canvas.width.min(first + BLOCK);
            let mut walls = [None; BLOCK];
            let mut open = 0..usize::MAX;
            for (wall, x) in walls.iter_mut().zip(columns.clone()) {
                let hit = cast(self.maze, screen.from, screen.ray(x as f32));
                let rows = screen.wall(hit.distance);
                open = open.start.max(rows.start)..open.end.min(rows.end);
                *wall = Some(hit);
            }
            for y in (0..open.start).chain(open.end..canvas.height) {
                let row = &mut pixels[y * canvas.width..][columns.clone()];
                self.draw_plane(&screen, textures, &ramps, (first, y), row);
            }
            for (hit, x) in walls.iter().flatten().zip(columns) {
                self.draw_wall(&screen, textures, &ramps, (hit, x), pixels);
                if let Some(sprite) = sprite.filter(|sprite| sprite.z < hit.distance) {
                    self.draw_gem(&screen, sprite, x, pixels);
                }
            }
        }
    }

    /// A part of a row of floor or ceiling, from column `first` on.
    fn draw_plane(
        &self,
        screen: &Screen,
        textures: &Textures,
        ramps: &[Ramp],
        (first, y): (usize, usize),
        row: &mut [Rgb],
    ) {
        let kind = if 2 * y >= screen.size[0] { FLOOR } else { CEILING };
        let z = screen.plane(y);
        let ramp = self.dimmed(&ramps[kind], z, 1.0);
        let (levels, bits) = textures.of(kind).sized(1.5 * z / screen.focal_px);
        let ray = screen.ray(first as f32);
        // Places in cells as 32-bit fractions, of which the first bits number the texel.
        let fraction = |cells: f32| (f64::from(cells) * 4_294_967_296.0) as i64 as u32;
        let [mut u, mut v] = [0, 1].map(|i| fraction(screen.from[i] + z * ray[i]));
        let [du, dv] = [0, 1].map(|i| fraction(z / screen.focal_px * screen.right[i]));
        let shift = 32 - bits;
        for pixel in row {
            let texel = ((u >> shift) << bits) | (v >> shift);
            *pixel = ramp[usize::from(levels[texel as usize] & 15)];
            (u, v) = (u.wrapping_add(du), v.wrapping_add(dv));
        }
    }

    /// A column of wall.
    fn draw_wall(
        &self,
        screen: &Screen,
        textures: &Textures,
        ramps: &[Ramp],
        (hit, x): (&Hit, usize),
        pixels: &mut [Rgb],
    ) {
        let kind = self.kind(hit.cell);
        let z = hit.distance;
        let ramp = self.dimmed(&ramps[kind], z, if hit.faces_x { SHADE } else { 1.0 });
        let (levels, bits) = textures.of(kind).sized(z / screen.focal_px);
        let side = 1 << bits;
        let u = ((hit.along * side as f32) as usize).min(side - 1);
        let levels = &levels[u * side..][..side];
        let rows = screen.wall(z);
        let texel = |y: f32| (y * 65_536.0) as u32;
        let per_row = side as f32 * z / screen.focal_px;
        let mut v = texel((rows.start as f32 + 0.5 - screen.row(1.0, z)) * per_row);
        let dv = texel(per_row);
        let width = screen.size[1];
        let first = (rows.start * width + x).min(pixels.len());
        let column = pixels[first..].iter_mut().step_by(width);
        for pixel in column.take(rows.len()) {
            *pixel = ramp[usize::from(levels[(v >> 16) as usize & (side - 1)] & 15)];
            v = v.wrapping_add(dv);
        }
    }

    /// A column of the gem.
    fn draw_gem(&self, screen: &Screen, sprite: Sprite, x: usize, pixels: &mut [Rgb]) {
        let Some((dx, rows)) = sprite.column(screen, x) else { return };
        let left = self.light(sprite.z);
        let facet = |i: usize| faded(tinted(GEM[i], self.hue_deg, self.brightness), left);
        let [upper, lower, middle] =
            [facet(usize::from(dx > 0.0)), facet(2 + usize::from(dx > 0.0)), facet(4)];
        for y in rows {
            let dy = (y as f32 + 0.5 - sprite.middle[1]) / sprite.half[1];
            let colour = match dy {
                _ if dx.abs() + dy.abs() < 0.4 => middle,
                ..0.0 => upper,
                _ => lower,
            };
            pixels[y * screen.size[1] + x] = colour;
        }
    }

    /// Depth of every pixel of a picture of `size` (rows, columns), in cells.
    pub fn depths(&self, eye: &Eye, size: [usize; 2], out: &mut [f32]) {
        let screen = Screen::new(eye, size);
        let width = size[1];
        for (y, row) in out.chunks_exact_mut(width.max(1)).enumerate() {
            row.fill(screen.plane(y));
        }
        let sprite = self.gem.and_then(|at| Sprite::new(&screen, at));
        for x in 0..width {
            let z = cast(self.maze, screen.from, screen.ray(x as f32)).distance;
            let mut set = |rows: Range<usize>, z| rows.for_each(|y| out[y * width + x] = z);
            set(screen.wall(z), z);
            if let Some(sprite) = sprite.filter(|sprite| sprite.z < z)
                && let Some((_, rows)) = sprite.column(&screen, x)
            {
                set(rows, sprite.z);
            }
        }
    }

    /// How a wall looks: the same within a block of four by four cells.
    pub fn kind(&self, [x, y]: [i32; 2]) -> usize {
        let block = (x as u32 / 4) | ((y as u32 / 4) << 8);
        let mixed = (block ^ self.paint).wrapping_mul(0x9e37_79b1);
        (mixed >> 24) as usize % N_WALLS
    }

    /// The part of the light that is left at depth `z`, in 256ths.
    fn light(&self, z: f32) -> u16 {
        ((-z * self.fog).exp() * 256.0) as u16
    }

    /// A ramp as seen from depth `z`, in a light of its own.
    fn dimmed(&self, ramp: &Ramp, z: f32, light: f32) -> Ramp {
        let left = (f32::from(self.light(z)) * light) as u16;
        ramp.map(|colour| faded(colour, left))
    }
}

/// `colour` of which `left` 256ths are left.
fn faded(colour: Rgb, left: u16) -> Rgb {
    let left = left.min(256);
    std::array::from_fn(|c| ((u16::from(colour[c]) * left + u16::from(DARK[c]) * (256 - left)) >> 8) as u8)
}

/// Distances along the rays of `out.len()` columns to the walls, in cells, from left to right.
pub fn ranges(maze: &Maze, eye: &Eye, out: &mut [f32]) {
    let screen = Screen::new(eye, [1, out.len()]);
    for (x, out) in out.iter_mut().enumerate() {
        let ray = screen.ray(x as f32);
        *out = cast(maze, screen.from, ray).distance * ray[0].hypot(ray[1]);
    }
}
