//! A board of square cells in the middle of a picture, and the figure that walks on it.

use crate::canvas::{Canvas, Rgb};
use crate::look::Look;

/// Where cells lie in a picture.
pub(super) struct Board {
    left: i32,
    top: i32,
    /// Side of a cell in pixels.
    pub side: i32,
}

impl Board {
    /// As large as the picture allows, in its middle; `margin`: free space around it, in cells.
    pub fn new(canvas: &Canvas<'_>, n_rows: usize, n_cols: usize, margin: f32) -> Self {
        let fits = |px: usize, n: usize| px as f32 / (n as f32 + 2.0 * margin);
        let side = (fits(canvas.height, n_rows).min(fits(canvas.width, n_cols)) as i32).max(1);
        let before = |px: usize, n: usize| (px as i32 - side * n as i32) / 2;
        Self { left: before(canvas.width, n_cols), top: before(canvas.height, n_rows), side }
    }

    /// Top left corner of the cell in `row` and `col`.
    pub fn corner(&self, row: usize, col: usize) -> [i32; 2] {
        [self.left + self.side * col as i32, self.top + self.side * row as i32]
    }

    /// A place in the cell in `row` and `col`: `x` and `y` from 0 to 1.
    pub fn at(&self, row: usize, col: usize, [x, y]: [f32; 2]) -> [f32; 2] {
        let [left, top] = self.corner(row, col);
        [left as f32 + x * self.side as f32, top as f32 + y * self.side as f32]
    }

    /// Pixels for a part of a cell's side.
    pub fn px(&self, part: f32) -> f32 {
        part * self.side as f32
    }

    /// Paints the cells from `[row, col]` on, `n_rows` down and `n_cols` to the right.
    pub fn paint(&self, canvas: &mut Canvas<'_>, [row, col]: [usize; 2], size: [usize; 2], colour: Rgb) {
        let [left, top] = self.corner(row, col);
        let [height, width] = size.map(|n| n as i32 * self.side);
        canvas.rect(left, top, width, height, colour);
    }

    /// Lines between cells, where cells are large enough for lines.
    pub fn lines(&self, canvas: &mut Canvas<'_>, [n_rows, n_cols]: [usize; 2], colour: Rgb) {
        if self.side < 4 {
            return;
        }
        let thick = (self.side / 24).max(1);
        let (height, width) = (self.side * n_rows as i32, self.side * n_cols as i32);
        for col in 1..n_cols {
            canvas.rect(self.left + self.side * col as i32 - thick / 2, self.top, thick, height, colour);
        }
        for row in 1..n_rows {
            canvas.rect(self.left, self.top + self.side * row as i32 - thick / 2, width, thick, colour);
        }
    }

    /// A person: a body in `coat` and a head.
    pub fn person(&self, canvas: &mut Canvas<'_>, [row, col]: [usize; 2], coat: Rgb, look: Look) {
        const SKIN: Rgb = [246, 206, 170];
        let body = [[0.5, 0.3], [0.78, 0.9], [0.22, 0.9]].map(|part| self.at(row, col, part));
        canvas.polygon(&body, look.of(coat));
        canvas.disc(self.at(row, col, [0.5, 0.3]), self.px(0.2), look.of(SKIN));
    }

    /// A flag on a pole.
    pub fn flag(&self, canvas: &mut Canvas<'_>, [row, col]: [usize; 2], cloth: Rgb, look: Look) {
        const POLE: Rgb = [70, 62, 66];
        let place = |part| self.at(row, col, part);
        canvas.line(place([0.3, 0.12]), place([0.3, 0.92]), self.px(0.1).max(1.0), look.of(POLE));
        canvas.polygon(&[[0.3, 0.12], [0.88, 0.32], [0.3, 0.54]].map(place), look.of(cloth));
    }
}
