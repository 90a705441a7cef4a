//! Convex faces on a raster, row by row.

use crate::canvas::{Canvas, Rgb};

/// Most corners of a face.
pub const MAX_CORNERS: usize = 8;

/// Calls `span` with the row and the columns of every row of a picture of `size` (rows, columns) that the convex face covers.
/// A pixel is covered if its middle is.
#[inline]
pub fn scan([height, width]: [usize; 2], corners: &[[f32; 2]], mut span: impl FnMut(usize, usize, usize)) {
    let (mut low, mut high) = ([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]);
    for corner in corners {
        low = [low[0].min(corner[0]), low[1].min(corner[1])];
        high = [high[0].max(corner[0]), high[1].max(corner[1])];
    }
    let [top, bottom] = [low[1], high[1]].map(|y| first(y, height));
    // What covers no pixel is left early.
    if top >= bottom || first(low[0], width) >= first(high[0], width) {
        return;
    }
    // The edges: rows of both ends, column of the first, and columns a row.
    let mut edges = [[0.0_f32; 4]; MAX_CORNERS];
    let mut before = corners[corners.len() - 1];
    for (edge, &[x, y]) in edges.iter_mut().zip(corners) {
        *edge = [before[1], y, before[0], (x - before[0]) / (y - before[1])];
        before = [x, y];
    }
    for row in top..bottom {
        let y = row as f32 + 0.5;
        let (mut left, mut right) = (f32::INFINITY, f32::NEG_INFINITY);
        for [y0, y1, x0, slope] in &edges[..corners.len().min(MAX_CORNERS)] {
            if (*y0 <= y) != (*y1 <= y) {
                let x = x0 + (y - y0) * slope;
                (left, right) = (left.min(x), right.max(x));
            }
        }
        let (from, to) = (first(left, width), first(right, width));
        if from < to {
            span(row, from, to);
        }
    }
}

/// The first pixel whose middle is not before `x`, at most `n`.
#[inline]
fn first(x: f32, n: usize) -> usize {
    let before = (x - 0.5).clamp(0.0, n as f32);
    let whole = before as i32;
    whole as usize + usize::from((whole as f32) < before)
}

/// Paints a convex face.
#[inline]
pub fn paint(canvas: &mut Canvas<'_>, corners: &[[f32; 2]], colour: Rgb) {
    let width = canvas.width;
    let pixels = canvas.px.as_chunks_mut::<3>().0;
    scan([canvas.height, width], corners, |row, from, to| {
        pixels[row * width + from..row * width + to].fill(colour);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_cover_the_same_pixels_as_polygons() {
        for corners in [
            vec![[1.2, 0.7], [6.9, 2.0], [5.1, 7.7], [0.3, 5.0]],
            vec![[-3.0, -1.0], [20.0, 4.0], [2.0, 30.0]],
            vec![[2.0, 2.0], [2.0, 6.0], [6.0, 6.0], [6.0, 2.0]],
            vec![[f32::NAN, 1.0], [3.0, 1.0], [2.0, 6.0]],
        ] {
            let drawn = |draw: &dyn Fn(&mut Canvas<'_>)| {
                let mut px = vec![0; 9 * 8 * 3];
                draw(&mut Canvas::new(&mut px, 9, 8));
                px
            };
            let own = drawn(&|canvas| paint(canvas, &corners, [255, 1, 2]));
            let other = drawn(&|canvas| canvas.polygon(&corners, [255, 1, 2]));
            assert!(corners[0][0].is_nan() || own == other, "{corners:?}");
        }
    }
}
