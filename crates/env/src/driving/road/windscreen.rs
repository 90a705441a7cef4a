//! What is seen through the windscreen, as a picture or as depths: the same faces, painted from far to near.

use super::super::car::Car;
use super::super::faces::{MAX_CORNERS, paint, scan};
use super::lens::Lens;
use super::roadside::{self, Item, N_ITEMS, Thing};
use super::stretch::{LANE_M, N_LANES, N_POSTS, Stretch};
use super::traffic::{CAR_M, MAX_OTHERS, Other};
use crate::canvas::{Canvas, Rgb, hsv, turned};

/// Farthest depth that is told, in m.
pub const FAR_M: f32 = 100.0;
/// From the middle of the road to the end of the asphalt, in m.
pub const ROAD_HALF_M: f32 = (N_LANES as f64 * LANE_M / 2.0) as f32 + 0.9;
/// Half the width of a painted line, and how narrow one may become in the picture.
const LINE_HALF_M: f32 = 0.09;
const LINE_HALF_PX: f32 = 0.4;
/// A dash begins every six posts and is two posts long; farther away than this none is painted.
const DASH_POSTS: u64 = 6;
const DASHES_M: f32 = 70.0;
/// Side of the meadow's squares, in m.
const SQUARE_M: f32 = 10.0;
/// How far away the hills are, for the fog.
const HILLS_M: f32 = 260.0;

const ZENITH: Rgb = [84, 150, 222];
const HAZE: Rgb = [208, 222, 234];
const HILL: Rgb = [86, 112, 140];
const MEADOW: [Rgb; 2] = [[96, 158, 74], [112, 176, 86]];
pub(super) const ASPHALT: [Rgb; 2] = [[92, 94, 102], [99, 101, 109]];
pub(super) const LINE: Rgb = [240, 240, 236];
const GLASS: Rgb = [38, 48, 62];
const TYRE: Rgb = [26, 26, 30];
const SHADOW: Rgb = [58, 60, 66];
const LAMP: Rgb = [224, 36, 36];
const PLATE: Rgb = [226, 226, 214];

/// The weather and the light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Of light from `z` metres away, `exp(-z * fog)` is left.
    pub fog_per_m: f32,
    /// How far colours are turned.
    pub hue_deg: f32,
    /// What colours are multiplied with.
    pub brightness: f32,
}

impl Weather {
    /// A colour in this light, from near by.
    pub fn lit(&self, colour: Rgb) -> Rgb {
        turned(colour, self.hue_deg).map(|level| (f32::from(level) * self.brightness) as u8)
    }

    /// A colour in this light, from `z` metres away.
    fn seen(&self, colour: Rgb, z: f32) -> Rgb {
        mixed(self.lit(HAZE), self.lit(colour), (-z * self.fog_per_m).exp())
    }
}

fn mixed(from: Rgb, to: Rgb, part: f32) -> Rgb {
    std::array::from_fn(|c| (f32::from(from[c]) + part * (f32::from(to[c]) - f32::from(from[c]))) as u8)
}

/// A driver's view.
#[derive(Debug, Clone, Copy)]
pub struct Windscreen<'a> {
    /// The car, whose middle is the camera's place.
    pub car: &'a Car,
    /// The road.
    pub stretch: &'a Stretch,
    /// Decides what stands beside the road.
    pub seed: u64,
    /// The other cars.
    pub others: &'a [Other],
    /// The camera.
    pub lens: Lens,
    /// The light.
    pub weather: Weather,
}

/// What takes faces: a picture or depths.
pub(super) trait Surface {
    /// A convex face before the camera.
    fn face(&mut self, lens: &Lens, corners: &[[f32; 3]], colour: Rgb);
}

struct Painted<'a, 'b> {
    canvas: &'a mut Canvas<'b>,
    weather: Weather,
}

impl Surface for Painted<'_, '_> {
    fn face(&mut self, lens: &Lens, corners: &[[f32; 3]], colour: Rgb) {
        let mut screen = [[0.0; 2]; MAX_CORNERS];
        let n = lens.clip(corners, &mut screen);
        if n > 2 {
            let z = corners.iter().map(|corner| corner[2]).sum::<f32>() / corners.len() as f32;
            paint(self.canvas, &screen[..n], self.weather.seen(colour, z.max(0.0)));
        }
    }
}

struct Depths<'a>(&'a mut [f32]);

impl Surface for Depths<'_> {
    fn face(&mut self, lens: &Lens, corners: &[[f32; 3]], _: Rgb) {
        let mut screen = [[0.0; 2]; MAX_CORNERS];
        let n = lens.clip(corners, &mut screen);
        if n < 3 {
            return;
        }
        // The plane `normal . point = offset`; the ray through a pixel is `(slope_x, slope_y, 1) * depth`.
        let edge = |i: usize| [0, 1, 2].map(|axis| corners[i][axis] - corners[0][axis]);
        let ([ax, ay, az], [bx, by, bz]) = (edge(1), edge(2));
        let normal = [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
        let offset: f32 = (0..3).map(|axis| normal[axis] * corners[0][axis]).sum();
        let width = lens.size[1];
        scan(lens.size, &screen[..n], |row, from, to| {
            let slope_y = (lens.middle_px[1] - row as f32 - 0.5) / lens.focal_px;
            for column in from..to {
                let slope_x = (column as f32 + 0.5 - lens.middle_px[0]) / lens.focal_px;
                let depth = offset / (normal[0] * slope_x + normal[1] * slope_y + normal[2]);
                if depth > 0.0 {
                    self.0[row * width + column] = depth.min(FAR_M);
                }
            }
        });
    }
}

/// Posts as the camera sees them: right and ahead, and the same of the direction to their left.
type Seen = [[f32; 4]; N_POSTS];

impl Windscreen<'_> {
    /// The picture.
    pub fn draw(&self, canvas: &mut Canvas<'_>) {
        self.draw_sky(canvas);
        self.draw_meadow(canvas);
        let mut surface = Painted { canvas, weather: self.weather };
        self.draw_road(&mut surface);
        self.draw_things(&mut surface);
    }

    /// Planar depth of every pixel, in m, at most [`FAR_M`].
    pub fn depths(&self, out: &mut [f32]) {
        for (y, row) in out.chunks_exact_mut(self.lens.size[1]).enumerate() {
            row.fill(self.lens.ground_m(y as f32 + 0.5).min(FAR_M));
        }
        self.draw_things(&mut Depths(out));
    }

    /// The rows above the horizon.
    fn sky_rows(&self) -> usize {
        ((self.lens.middle_px[1] - 0.5).ceil().max(0.0) as usize).min(self.lens.size[0])
    }

    /// The sky, and hills that stay where they are when the car turns.
    fn draw_sky(&self, canvas: &mut Canvas<'_>) {
        let [zenith, haze] = [self.weather.lit(ZENITH), self.weather.lit(HAZE)];
        let hill = self.weather.seen(HILL, HILLS_M);
        let (n_rows, width) = (self.sky_rows(), canvas.width);
        let pixels = canvas.px.as_chunks_mut::<3>().0;
        for (y, row) in pixels.chunks_exact_mut(width).take(n_rows).enumerate() {
            let part = (y as f32 + 0.5) / self.lens.middle_px[1];
            row.fill(mixed(zenith, haze, part * part));
        }
        for x in 0..width {
            let slope = (x as f32 + 0.5 - self.lens.middle_px[0]) / self.lens.focal_px;
            let azimuth = self.car.heading_rad as f32 - slope.atan();
            let wave = |n: f32, height: f32| height * (n * azimuth + n * n).sin();
            let height = 0.07 + wave(3.0, 0.03) + wave(7.0, 0.018) + wave(17.0, 0.008);
            let n_high = (height * self.lens.focal_px).round().max(0.0) as usize;
            for y in n_rows.saturating_sub(n_high)..n_rows {
                pixels[y * width + x] = hill;
            }
        }
    }

    /// The meadow: squares of two greens that blur into one far away.
    fn draw_meadow(&self, canvas: &mut Canvas<'_>) {
        let (sin, cos) = self.car.heading_rad.sin_cos();
        // Places as 32-bit fractions of two squares, of which the first bit tells the square.
        let fraction = |m: f64| (m / f64::from(2.0 * SQUARE_M) * 4_294_967_296.0) as i64 as u32;
        let mean = mixed(MEADOW[0], MEADOW[1], 0.5);
        let (n_sky, width) = (self.sky_rows(), canvas.width);
        let rows = canvas.px.as_chunks_mut::<3>().0.chunks_exact_mut(width).enumerate();
        for (y, row) in rows.skip(n_sky) {
            let z = self.lens.ground_m(y as f32 + 0.5).min(1e4);
            let sharp = (SQUARE_M * self.lens.height_m * self.lens.focal_px / (z * z)).min(1.0);
            let colours = MEADOW.map(|green| self.weather.seen(mixed(mean, green, sharp), z));
            let px_m = f64::from(z / self.lens.focal_px);
            let (ahead, right) = (f64::from(z), (0.5 - f64::from(self.lens.middle_px[0])) * px_m);
            let mut u = fraction(self.car.x_m + ahead * cos + right * sin);
            let mut v = fraction(self.car.y_m + ahead * sin - right * cos);
            let [du, dv] = [sin, -cos].map(|part| fraction(px_m * part));
            for pixel in row {
                *pixel = colours[((u ^ v) >> 31) as usize];
                (u, v) = (u.wrapping_add(du), v.wrapping_add(dv));
            }
        }
    }

    /// Asphalt, edge lines and dashes.
    fn draw_road(&self, surface: &mut impl Surface) {
        let mut seen: Seen = [[0.0; 4]; N_POSTS];
        let (sin, cos) = self.car.heading_rad.sin_cos();
        for (out, (_, post)) in seen.iter_mut().zip(self.stretch.posts()) {
            let [ahead, left] = self.car.seen(post.at);
            let [dx, dy] = post.along;
            // The direction to the left, (-dy, dx), in the car's axes.
            let [to_ahead, to_left] = [dx * sin - dy * cos, dx * cos + dy * sin];
            *out = [-left, ahead, -to_left, to_ahead].map(|x| x as f32);
        }
        let first = self.stretch.posts().next().map_or(0, |(number, _)| number);
        self.draw_strips(surface, &seen, first);
        for i in (0..N_POSTS - 2).filter(|i| (first + *i as u64).is_multiple_of(DASH_POSTS)) {
            for lane in 1..N_LANES {
                let left = (lane as f64 * LANE_M - N_LANES as f64 * LANE_M / 2.0) as f32;
                if seen[i][1] < DASHES_M {
                    self.draw_line(surface, [&seen[i], &seen[i + 2]], left);
                }
            }
        }
    }

    /// Asphalt and edge lines, in pieces that are longer the farther away they are.
    fn draw_strips(&self, surface: &mut impl Surface, seen: &Seen, first: u64) {
        let side = (N_LANES as f64 * LANE_M / 2.0) as f32;
        let mut i = (first.wrapping_neg() % 8) as usize;
        while i + 1 < N_POSTS {
            let n = match seen[i][1] {
                ..35.0 => 2,
                ..80.0 => 4,
                _ => 8,
            };
            let next = (i + n).min(N_POSTS - 1);
            let ends = [&seen[i], &seen[next]];
            if ends[1][1] > -2.0 {
                let shade = ((first + i as u64) / 8 % 2) as usize;
                self.draw_strip(surface, ends, [-ROAD_HALF_M, ROAD_HALF_M], ASPHALT[shade]);
                self.draw_line(surface, ends, -side);
                self.draw_line(surface, ends, side);
            }
            i = next;
        }
    }

    /// A line at `left` m left of the middle: never narrower than can be seen, but paler.
    fn draw_line(&self, surface: &mut impl Surface, ends: [&[f32; 4]; 2], left: f32) {
        let z = (ends[0][1] + ends[1][1]) / 2.0;
        let half = (LINE_HALF_PX * z / self.lens.focal_px).max(LINE_HALF_M);
        let colour = mixed(ASPHALT[0], LINE, (LINE_HALF_M / half).max(0.3));
        self.draw_strip(surface, ends, [left - half, left + half], colour);
    }

    fn draw_strip(&self, surface: &mut impl Surface, ends: [&[f32; 4]; 2], sides: [f32; 2], colour: Rgb) {
        let corner = |end: usize, side: usize| {
            let [right, ahead, to_right, to_ahead] = *ends[end];
            [right + sides[side] * to_right, -self.lens.height_m, ahead + sides[side] * to_ahead]
        };
        surface.face(&self.lens, &[corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0)], colour);
    }

    /// What stands beside the road and drives on it, from far to near.
    fn draw_things(&self, surface: &mut impl Surface) {
        let way_m = self.stretch.locate(self.car.at()).way_m;
        let mut things = [(0.0, Thing::Car(0)); N_ITEMS + MAX_OTHERS];
        let mut n = 0;
        let mut add = |ahead: f32, thing: Thing| {
            if ahead > 0.0 && n < things.len() {
                things[n] = (ahead, thing);
                n += 1;
            }
        };
        for item in roadside::items(self.seed, way_m) {
            let post = self.stretch.at(item.way_m);
            let at = self.lens.seen(self.car, post.beside(item.left_m), 0.0);
            let turn = ((post.heading_rad - self.car.heading_rad) as f32).sin_cos();
            add(at[2], Thing::Item(Item { at, turn, ..item }));
        }
        for (i, other) in self.others.iter().enumerate().take(MAX_OTHERS) {
            let [ahead, _] = self.car.seen(self.stretch.point(other.way_m, other.left_m));
            // A car that is only partly behind is still seen.
            add(ahead as f32 + CAR_M[0] as f32 / 2.0, Thing::Car(i));
        }
        things[..n].sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        for (_, thing) in &things[..n] {
            match thing {
                Thing::Item(item) => item.draw(&self.lens, surface),
                Thing::Car(i) => self.draw_car(&self.others[*i], surface),
            }
        }
    }

    /// A car: body, cabin, wheels, lamps and shadow.
    fn draw_car(&self, other: &Other, surface: &mut impl Surface) {
        let post = self.stretch.at(other.way_m);
        let at = self.lens.seen(self.car, post.beside(other.left_m), 0.0);
        let turn = (post.heading_rad + other.slant_rad() - self.car.heading_rad) as f32;
        let frame = Frame { lens: &self.lens, at, turn: turn.sin_cos() };
        let paint = hsv(other.paint_deg, 0.75, 0.86);
        let [length, width, height] = CAR_M.map(|m| m as f32);
        let (end, side) = (length / 2.0, width / 2.0);
        frame.flat(surface, [-end - 0.1, end + 0.1], [-side - 0.15, side + 0.15], 0.0, SHADOW);
        if at[2] < 40.0 {
            for across in [[-side, -side + 0.3], [side - 0.3, side]] {
                frame.upright(surface, -end + 0.25, across, [0.0, 0.5], TYRE);
            }
        }
        frame.block(surface, [-end, end], side, [0.3, 0.88], paint);
        frame.block(surface, [-end + 0.35, 0.7], side - 0.14, [0.88, height], GLASS);
        frame.flat(surface, [-end + 0.5, 0.5], [-side + 0.2, side - 0.2], height, paint);
        if at[2] < 60.0 {
            let back = -end - 0.01;
            frame.upright(surface, back, [-side + 0.05, -side + 0.45], [0.58, 0.8], LAMP);
            frame.upright(surface, back, [side - 0.45, side - 0.05], [0.58, 0.8], LAMP);
            frame.upright(surface, back, [-0.28, 0.28], [0.4, 0.54], PLATE);
        }
    }
}

/// Axes of something before the camera.
pub(super) struct Frame<'a> {
    pub lens: &'a Lens,
    /// Its middle on the ground, as the camera sees it.
    pub at: [f32; 3],
    /// Sine and cosine of by how much it points to the left of the line of sight.
    pub turn: (f32, f32),
}

impl Frame<'_> {
    /// The point `along` before, `left` beside and `up` above its middle.
    fn point(&self, along: f32, left: f32, up: f32) -> [f32; 3] {
        let (sin, cos) = self.turn;
        [self.at[0] - along * sin - left * cos, self.at[1] + up, self.at[2] + along * cos - left * sin]
    }

    /// A level face.
    fn flat(&self, surface: &mut impl Surface, along: [f32; 2], left: [f32; 2], up: f32, colour: Rgb) {
        let corner = |i: usize, j: usize| self.point(along[i], left[j], up);
        if self.at[1] + up < 0.0 {
            surface.face(self.lens, &[corner(0, 0), corner(0, 1), corner(1, 1), corner(1, 0)], colour);
        }
    }

    /// An upright face across it, seen from behind.
    fn upright(&self, surface: &mut impl Surface, along: f32, left: [f32; 2], up: [f32; 2], colour: Rgb) {
        let corner = |i: usize, j: usize| self.point(along, left[i], up[j]);
        self.outside(surface, [corner(1, 0), corner(0, 0), corner(0, 1), corner(1, 1)], colour);
    }

    /// A block with a top and four sides, each in a light of its own.
    pub fn block(&self, surface: &mut impl Surface, along: [f32; 2], half: f32, up: [f32; 2], colour: Rgb) {
        // Counter-clockwise from above: rear right, front right, front left, rear left.
        let corners = [(along[0], -half), (along[1], -half), (along[1], half), (along[0], half)];
        for (i, light) in [0.72, 0.85, 0.8, 1.0].into_iter().enumerate() {
            let ((a, b), (c, d)) = (corners[i], corners[(i + 1) % 4]);
            let face = [
                self.point(a, b, up[0]),
                self.point(c, d, up[0]),
                self.point(c, d, up[1]),
                self.point(a, b, up[1]),
            ];
            self.outside(surface, face, mixed([0; 3], colour, light));
        }
        self.flat(surface, along, [-half, half], up[1], mixed(colour, [255; 3], 0.15));
    }

    /// An upright face, if it is seen from outside: its first side goes to the right.
    fn outside(&self, surface: &mut impl Surface, face: [[f32; 3]; 4], colour: Rgb) {
        let [from, to, ..] = face;
        if from[0] * to[2] < to[0] * from[2] {
            surface.face(self.lens, &face, colour);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slanting_and_level_faces_have_the_depth_of_their_plane() {
        let lens = Lens::new([64, 64], 70.0, 1.4);
        let depths = |face: [[f32; 3]; 4]| {
            let mut out = vec![0.0; 64 * 64];
            Depths(&mut out).face(&lens, &face, LINE);
            out
        };
        let level = depths([[-4.0, -1.4, 1.5], [4.0, -1.4, 1.5], [4.0, -1.4, 50.0], [-4.0, -1.4, 50.0]]);
        for row in 32..60 {
            let expected = lens.ground_m(row as f32 + 0.5);
            assert!((level[row * 64 + 32] / expected - 1.0).abs() < 1e-4, "row {row}");
        }
        // The wall `ahead = 10 + right / 2`: its ray to the right by `s` is as long as 10 / (1 - s / 2).
        let slanting = depths([[-4.0, -1.0, 8.0], [4.0, -1.0, 12.0], [4.0, 1.0, 12.0], [-4.0, 1.0, 8.0]]);
        for column in 20..45 {
            let slope = (column as f32 + 0.5 - 32.0) / lens.focal_px;
            let got = slanting[27 * 64 + column];
            assert!((got - 10.0 / (1.0 - slope / 2.0)).abs() < 1e-3, "column {column}: {got}");
        }
    }
}
