//! A room of Sokoban as a picture.

use super::room::Room;
use crate::canvas::{Canvas, Rgb};
use crate::grid::rows::Cell;
use crate::look::Look;

const BRICK: Rgb = [122, 84, 70];
const MORTAR: Rgb = [94, 62, 54];
const FLOOR: Rgb = [224, 210, 184];
const JOINT: Rgb = [210, 194, 166];
const GOAL: Rgb = [220, 78, 86];
const CRATE: Rgb = [226, 160, 64];
const CRATE_EDGE: Rgb = [164, 102, 36];
const HOME: Rgb = [106, 176, 92];
const HOME_EDGE: Rgb = [58, 116, 56];
const COAT: Rgb = [58, 110, 190];
const FACE: Rgb = [250, 212, 172];

/// Square cells, as large as they fit, in the middle; around them more wall.
pub(super) fn draw(room: &Room, look: Look, canvas: &mut Canvas<'_>) {
    let cell_px = (canvas.height.min(canvas.width) / room.side).max(1) as i32;
    let middle = |length: usize| (length as i32 - cell_px * room.side as i32) / 2;
    let corner = [middle(canvas.width), middle(canvas.height)];
    canvas.fill(look.of(MORTAR));
    let mut tiles = Tiles { canvas, look, cell_px, corner };
    let side = room.side as i32;
    for [x, y] in (0..side).flat_map(|y| (0..side).map(move |x| [x, y])) {
        tiles.ground(room, [x, y]);
    }
    for cell in room.boxes.cells() {
        tiles.crate_at(cell, if room.goals.has(cell) { [HOME, HOME_EDGE] } else { [CRATE, CRATE_EDGE] });
    }
    tiles.disc(room.player, [0.5, 0.62], 0.36, COAT);
    tiles.disc(room.player, [0.5, 0.32], 0.24, FACE);
}

/// Shapes in cells.
struct Tiles<'c, 'p> {
    canvas: &'c mut Canvas<'p>,
    look: Look,
    cell_px: i32,
    corner: [i32; 2],
}

impl Tiles<'_, '_> {
    fn ground(&mut self, room: &Room, cell: Cell) {
        if room.walls.has(cell) {
            // Two courses of bricks, laid to the bond.
            self.rect(cell, [0.0, 0.0], [1.0, 0.43], BRICK);
            self.rect(cell, [0.0, 0.5], [0.43, 0.43], BRICK);
            self.rect(cell, [0.55, 0.5], [0.45, 0.43], BRICK);
            return;
        }
        self.rect(cell, [0.0, 0.0], [1.0, 1.0], JOINT);
        self.rect(cell, [0.0, 0.0], [0.93, 0.93], FLOOR);
        if room.goals.has(cell) {
            self.disc(cell, [0.5, 0.5], 0.3, GOAL);
            self.disc(cell, [0.5, 0.5], 0.14, FLOOR);
        }
    }

    /// A crate with its frame and two boards.
    fn crate_at(&mut self, cell: Cell, [board, edge]: [Rgb; 2]) {
        self.rect(cell, [0.04, 0.04], [0.9, 0.9], edge);
        self.rect(cell, [0.17, 0.17], [0.64, 0.27], board);
        self.rect(cell, [0.17, 0.54], [0.64, 0.27], board);
    }

    fn rect(&mut self, cell: Cell, [x, y]: [f32; 2], [width, height]: [f32; 2], colour: Rgb) {
        let [x0, y0] = self.px(cell, [x, y]).map(|i| i.round() as i32);
        let [x1, y1] = self.px(cell, [x + width, y + height]).map(|i| i.round() as i32);
        self.canvas.rect(x0, y0, x1 - x0, y1 - y0, self.look.of(colour));
    }

    fn disc(&mut self, cell: Cell, at: [f32; 2], radius: f32, colour: Rgb) {
        let middle = self.px(cell, at);
        self.canvas.disc(middle, radius * self.cell_px as f32, self.look.of(colour));
    }

    fn px(&self, cell: Cell, at: [f32; 2]) -> [f32; 2] {
        std::array::from_fn(|i| self.corner[i] as f32 + (cell[i] as f32 + at[i]) * self.cell_px as f32)
    }
}
