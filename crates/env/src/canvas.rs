//! A picture being drawn: RGB bytes that somebody else owns, and the few shapes that worlds are made of.
//!
//! Coordinates are pixels, `x` to the right and `y` down, real-valued where shapes are; a pixel belongs to a shape if its
//! middle does. What lies outside the picture is left out.

use worldsmith_core::Image;

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// Rows of RGB pixels that can be drawn on.
#[derive(Debug)]
pub struct Canvas<'a> {
    /// `height * width * 3` bytes.
    pub px: &'a mut [u8],
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl<'a> Canvas<'a> {
    /// Over `height * width * 3` bytes.
    ///
    /// # Panics
    /// If there are not as many.
    pub fn new(px: &'a mut [u8], height: usize, width: usize) -> Self {
        assert_eq!(px.len(), height * width * 3, "RGB bytes of a canvas");
        Self { px, height, width }
    }

    /// Paints everything.
    pub fn fill(&mut self, colour: Rgb) {
        if colour[0] == colour[1] && colour[1] == colour[2] {
            self.px.fill(colour[0]);
        } else {
            self.px.as_chunks_mut::<3>().0.fill(colour);
        }
    }

    /// Paints the columns `from..to` of one row.
    pub fn span(&mut self, y: i32, from: i32, to: i32, colour: Rgb) {
        let clip = |x: i32| x.clamp(0, self.width as i32) as usize;
        let (from, to) = (clip(from), clip(to));
        if y >= 0 && (y as usize) < self.height && from < to {
            let row = y as usize * self.width;
            self.px[(row + from) * 3..(row + to) * 3].as_chunks_mut::<3>().0.fill(colour);
        }
    }

    /// Paints a rectangle of whole pixels.
    pub fn rect(&mut self, x: i32, y: i32, width: i32, height: i32, colour: Rgb) {
        for row in y.max(0)..y.saturating_add(height).min(self.height as i32) {
            self.span(row, x, x.saturating_add(width), colour);
        }
    }

    /// Paints one pixel.
    pub fn dot(&mut self, x: i32, y: i32, colour: Rgb) {
        self.span(y, x, x + 1, colour);
    }

    /// Paints a disc.
    pub fn disc(&mut self, [x, y]: [f32; 2], radius: f32, colour: Rgb) {
        for row in rows(y - radius, y + radius, self.height) {
            let dy = row as f32 + 0.5 - y;
            let half = (radius * radius - dy * dy).max(0.0).sqrt();
            let (from, to) = columns(x - half, x + half);
            self.span(row, from, to, colour);
        }
    }

    /// Paints a convex or concave polygon (even-odd rule).
    pub fn polygon(&mut self, corners: &[[f32; 2]], colour: Rgb) {
        let (low, high) = corners
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), [_, y]| (lo.min(*y), hi.max(*y)));
        for row in rows(low, high, self.height) {
            let y = row as f32 + 0.5;
            let mut crossings = [0.0_f32; 16];
            let mut n_crossings = 0;
            for (i, [x1, y1]) in corners.iter().enumerate() {
                let [x0, y0] = corners[if i == 0 { corners.len() - 1 } else { i - 1 }];
                if (y0 <= y) != (*y1 <= y) && n_crossings < crossings.len() {
                    crossings[n_crossings] = x0 + (y - y0) / (y1 - y0) * (x1 - x0);
                    n_crossings += 1;
                }
            }
            crossings[..n_crossings].sort_unstable_by(f32::total_cmp);
            for pair in crossings[..n_crossings].chunks_exact(2) {
                let (from, to) = columns(pair[0], pair[1]);
                self.span(row, from, to, colour);
            }
        }
    }

    /// Paints a straight stroke with flat ends.
    pub fn line(&mut self, [x0, y0]: [f32; 2], [x1, y1]: [f32; 2], width: f32, colour: Rgb) {
        let length = (x1 - x0).hypot(y1 - y0);
        if length <= f32::EPSILON {
            return self.disc([x0, y0], width / 2.0, colour);
        }
        let (nx, ny) = (-(y1 - y0) / length * width / 2.0, (x1 - x0) / length * width / 2.0);
        let corners = [[x0 + nx, y0 + ny], [x1 + nx, y1 + ny], [x1 - nx, y1 - ny], [x0 - nx, y0 - ny]];
        self.polygon(&corners, colour);
    }

    /// Copies an RGB picture with its top-left corner at `(x, y)`.
    pub fn blit(&mut self, tile: &Image, x: i32, y: i32) {
        let from = x.clamp(0, self.width as i32);
        let to = x.saturating_add(tile.width as i32).clamp(from, self.width as i32);
        if tile.channels != 3 || from == to {
            return;
        }
        for row in y.max(0)..y.saturating_add(tile.height as i32).min(self.height as i32) {
            let source = ((row - y) as usize * tile.width + (from - x) as usize) * 3;
            let target = (row as usize * self.width + from as usize) * 3;
            let len = (to - from) as usize * 3;
            self.px[target..target + len].copy_from_slice(&tile.data[source..source + len]);
        }
    }
}

/// The rows whose middle lies between `low` and `high`.
fn rows(low: f32, high: f32, height: usize) -> std::ops::Range<i32> {
    let (from, to) = columns(low, high);
    from.max(0)..to.min(height as i32)
}

/// The first pixel whose middle is not before `low`, and the first whose middle is not before `high`.
fn columns(low: f32, high: f32) -> (i32, i32) {
    ((low - 0.5).ceil() as i32, (high - 0.5).ceil() as i32)
}

/// A fully saturated colour turned by `hue_deg` degrees, with `value` from 0 to 1 as brightness and `saturation` from 0 to 1.
pub fn hsv(hue_deg: f32, saturation: f32, value: f32) -> Rgb {
    let channel = |n: f32| {
        let k = (n + hue_deg / 60.0).rem_euclid(6.0);
        let level = value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0);
        (level * 255.0).round() as u8
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

/// `colour` turned by `hue_deg` degrees around the grey axis: brightness and greys stay.
pub fn turned(colour: Rgb, hue_deg: f32) -> Rgb {
    if hue_deg == 0.0 {
        return colour;
    }
    // Rodrigues' rotation around (1, 1, 1).
    let (sin, cos) = hue_deg.to_radians().sin_cos();
    let [r, g, b] = colour.map(f32::from);
    let grey = (r + g + b) / 3.0 * (1.0 - cos);
    let side = sin / 3.0_f32.sqrt();
    [(r, b - g), (g, r - b), (b, g - r)]
        .map(|(own, across)| (own * cos + across * side + grey).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(draw: impl Fn(&mut Canvas<'_>)) -> Vec<String> {
        let mut px = vec![0; 6 * 8 * 3];
        draw(&mut Canvas::new(&mut px, 6, 8));
        let row =
            |row: &[u8]| row.as_chunks::<3>().0.iter().map(|p| if p[0] > 0 { '#' } else { '.' }).collect();
        px.chunks(8 * 3).map(row).collect()
    }

    #[test]
    fn shapes_cover_the_pixels_whose_middle_they_hold() {
        let white = [255; 3];
        assert_eq!(
            drawn(|c| c.rect(-1, 1, 3, 2, white)),
            ["........", "##......", "##......", "........", "........", "........"]
        );
        assert_eq!(
            drawn(|c| c.disc([3.0, 3.0], 2.0, white)),
            ["........", "..##....", ".####...", ".####...", "..##....", "........"]
        );
        assert_eq!(
            drawn(|c| c.polygon(&[[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], white)),
            ["###.....", "##......", "#.......", "........", "........", "........"]
        );
        assert_eq!(
            drawn(|c| c.line([1.0, 2.0], [7.0, 2.0], 2.0, white)),
            ["........", ".######.", ".######.", "........", "........", "........"]
        );
    }

    #[test]
    fn what_lies_outside_is_left_out() {
        let tile = Image { data: vec![255; 4 * 4 * 3], ..Image::new(4, 4, 3) };
        assert_eq!(
            drawn(|c| c.blit(&tile, 6, -2)),
            ["......##", "......##", "........", "........", "........", "........"]
        );
        let empty = drawn(|_| ());
        assert_eq!(drawn(|c| c.blit(&tile, 40, 40)), empty);
        assert_eq!(drawn(|c| c.disc([f32::NAN, 1.0], 2.0, [255; 3])), empty);
        assert_eq!(drawn(|c| c.rect(i32::MAX, i32::MAX, i32::MAX, i32::MAX, [255; 3])), empty);
    }

    #[test]
    fn hues_go_round_from_red() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [255, 0, 0]);
        assert_eq!(hsv(120.0, 1.0, 1.0), [0, 255, 0]);
        assert_eq!(hsv(-120.0, 1.0, 1.0), [0, 0, 255]);
        assert_eq!(hsv(77.0, 0.0, 0.5), [128; 3]);
        assert_eq!(turned([255, 0, 0], 120.0), [0, 255, 0]);
        assert_eq!(turned([255, 0, 0], 240.0), [0, 0, 255]);
        assert_eq!(turned([90; 3], 33.0), [90; 3]);
    }
}
