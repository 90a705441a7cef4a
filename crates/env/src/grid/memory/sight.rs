//! What is seen in the memory tasks: seven by seven cells around the player, and a bar above for what is asked.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Result, Rng, Space};

use crate::canvas::{Canvas, Rgb};
use crate::grid::rows::Cell;
use crate::look::Look;
use crate::options::Options;
use crate::world::{Sight, View};

/// How many cells far the player sees.
pub const REACH: i32 = 3;
/// Cells along a side of the window.
const WINDOW: usize = 7;
/// Colours of things.
pub const N_COLOURS: usize = 6;
/// Numbers of the view `symbols`: a kind and a colour for each cell of the window and for the bar.
const N_SYMBOLS: usize = 2 * (WINDOW * WINDOW + 1);

const DARK: Rgb = [18, 18, 26];
const FLOOR: Rgb = [214, 206, 190];
const BAR: Rgb = [44, 44, 60];
const PLAYER: Rgb = [250, 250, 250];
const OUTLINE: Rgb = [30, 30, 44];
const COLOURS: [Rgb; N_COLOURS] =
    [[222, 58, 62], [66, 168, 82], [64, 112, 226], [158, 84, 200], [240, 186, 48], [52, 186, 196]];

/// A thing that can lie somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// Its shape.
    pub shape: Shape,
    /// Its colour, from 0 to 5: red, green, blue, purple, yellow, cyan.
    pub colour: usize,
}

/// The shape of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Round.
    Ball,
    /// Square.
    Box,
    /// A ring with a bit.
    Key,
}

impl Thing {
    /// How many different things there are.
    pub const N: usize = 3 * N_COLOURS;

    /// One of all things, by a number below [`Thing::N`].
    pub fn numbered(i: usize) -> Self {
        Self { shape: [Shape::Ball, Shape::Box, Shape::Key][i / N_COLOURS % 3], colour: i % N_COLOURS }
    }

    /// Any thing.
    pub fn any(rng: &mut Rng) -> Self {
        Self::numbered(rng.below(Self::N))
    }

    /// Whether its colour is one that there is.
    pub fn is_sound(self) -> bool {
        self.colour < N_COLOURS
    }
}

/// What a cell shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tile {
    /// Not to be seen.
    Dark,
    /// Empty.
    Floor,
    /// A wall of a colour.
    Wall(usize),
    /// A thing on the floor, or in the bar.
    Thing(Thing),
    /// A locked door of a colour.
    Door(usize),
    /// The player.
    Player,
}

/// What the player sees now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The window, row by row.
    pub tiles: [[Tile; WINDOW]; WINDOW],
    /// What is asked, or told.
    pub bar: Option<Thing>,
}

/// The views of all memory tasks.
///
/// # Errors
/// If an option has a wrong value.
pub fn views(options: &Options) -> Result<Vec<View>> {
    let high = [7.0, 6.0].repeat(N_SYMBOLS / 2);
    let symbols = Space::Box { shape: vec![N_SYMBOLS / 2, 2], low: vec![0.0; N_SYMBOLS], high };
    Ok(vec![View::pixels("pixels", options)?, View { name: "symbols", space: symbols }])
}

impl Seen {
    /// What a player at `at` sees of a world in which `tile` says what each cell holds.
    pub fn around([x, y]: Cell, bar: Option<Thing>, tile: impl Fn(Cell) -> Tile) -> Self {
        let mut tiles: [[Tile; WINDOW]; WINDOW] = std::array::from_fn(|row| {
            std::array::from_fn(|column| tile([x + column as i32 - REACH, y + row as i32 - REACH]))
        });
        tiles[REACH as usize][REACH as usize] = Tile::Player;
        Self { tiles, bar }
    }

    /// Writes a view.
    pub fn show(&self, look: Look, out: Sight<'_>) {
        match out {
            Sight::Pixels(mut canvas) => self.draw(look, &mut canvas),
            Sight::Numbers(numbers) => {
                let bar = self.bar.map_or(Tile::Dark, Tile::Thing);
                let tiles = self.tiles.iter().flatten().chain([&bar]);
                for (out, tile) in numbers.chunks_exact_mut(2).zip(tiles) {
                    out.copy_from_slice(&tile.symbols());
                }
            }
            _ => {}
        }
    }

    /// The bar above the window, as large as they fit, in the middle.
    fn draw(&self, look: Look, canvas: &mut Canvas<'_>) {
        let cell_px = (canvas.width / WINDOW).min(canvas.height / (WINDOW + 1)).max(1) as i32;
        let left = (canvas.width as i32 - cell_px * WINDOW as i32) / 2;
        let top = (canvas.height as i32 - cell_px * (WINDOW as i32 + 1)) / 2;
        canvas.fill(look.of(DARK));
        canvas.rect(left, top, cell_px * WINDOW as i32, cell_px - cell_px / 8, look.of(BAR));
        let mut brush = Brush { canvas, look, cell_px, at: [left + cell_px * REACH, top] };
        if let Some(thing) = self.bar {
            brush.thing(thing);
        }
        for (y, row) in (1..).zip(&self.tiles) {
            for (x, tile) in (0..).zip(row) {
                brush.at = [left + cell_px * x, top + cell_px * y];
                brush.tile(*tile);
            }
        }
    }
}

impl Tile {
    /// Kind and colour: 0 dark, 1 floor, 2 wall, 3 ball, 4 box, 5 key, 6 door, 7 player; colours from 1, 0 for none.
    fn symbols(self) -> [f32; 2] {
        let (kind, colour) = match self {
            Tile::Dark => (0, 0),
            Tile::Floor => (1, 0),
            Tile::Wall(colour) => (2, colour + 1),
            Tile::Thing(Thing { shape: Shape::Ball, colour }) => (3, colour + 1),
            Tile::Thing(Thing { shape: Shape::Box, colour }) => (4, colour + 1),
            Tile::Thing(Thing { shape: Shape::Key, colour }) => (5, colour + 1),
            Tile::Door(colour) => (6, colour + 1),
            Tile::Player => (7, 0),
        };
        [kind as f32, colour as f32]
    }
}

/// Draws into one cell after the other.
struct Brush<'c, 'p> {
    canvas: &'c mut Canvas<'p>,
    look: Look,
    cell_px: i32,
    /// Top left corner of the cell in pixels.
    at: [i32; 2],
}

impl Brush<'_, '_> {
    fn tile(&mut self, tile: Tile) {
        match tile {
            Tile::Dark => {}
            Tile::Floor => self.rect([0.0, 0.0, 1.0, 1.0], FLOOR),
            Tile::Wall(colour) => {
                let paint = |part: u16, all: u16| {
                    COLOURS[colour % N_COLOURS].map(|c| (u16::from(c) * part / all) as u8)
                };
                self.rect([0.0, 0.0, 1.0, 1.0], paint(2, 5));
                self.rect([0.0, 0.0, 0.88, 0.88], paint(3, 5));
            }
            Tile::Thing(thing) => {
                self.rect([0.0, 0.0, 1.0, 1.0], FLOOR);
                self.thing(thing);
            }
            Tile::Door(colour) => {
                self.rect([0.0, 0.0, 1.0, 1.0], OUTLINE);
                self.rect([0.12, 0.12, 0.88, 0.88], COLOURS[colour % N_COLOURS]);
                self.rect([0.62, 0.42, 0.78, 0.62], OUTLINE);
            }
            Tile::Player => {
                self.rect([0.0, 0.0, 1.0, 1.0], FLOOR);
                self.disc([0.5, 0.5], 0.46, OUTLINE);
                self.disc([0.5, 0.5], 0.36, PLAYER);
                self.rect([0.3, 0.36, 0.44, 0.6], OUTLINE);
                self.rect([0.58, 0.36, 0.72, 0.6], OUTLINE);
            }
        }
    }

    fn thing(&mut self, Thing { shape, colour }: Thing) {
        let colour = COLOURS[colour % N_COLOURS];
        match shape {
            Shape::Ball => self.disc([0.5, 0.5], 0.38, colour),
            Shape::Box => {
                self.rect([0.12, 0.12, 0.88, 0.88], colour);
                self.rect([0.36, 0.36, 0.64, 0.64], OUTLINE);
            }
            Shape::Key => {
                self.rect([0.42, 0.4, 0.58, 0.95], colour);
                self.rect([0.55, 0.62, 0.8, 0.74], colour);
                self.rect([0.55, 0.82, 0.8, 0.95], colour);
                self.disc([0.5, 0.28], 0.25, colour);
            }
        }
    }

    fn rect(&mut self, [x0, y0, x1, y1]: [f32; 4], colour: Rgb) {
        let px = |along: f32| (along * self.cell_px as f32).round() as i32;
        let [x, y] = self.at;
        self.canvas.rect(x + px(x0), y + px(y0), px(x1) - px(x0), px(y1) - px(y0), self.look.of(colour));
    }

    fn disc(&mut self, middle: [f32; 2], radius: f32, colour: Rgb) {
        let scale = self.cell_px as f32;
        let middle = std::array::from_fn(|i| self.at[i] as f32 + middle[i] * scale);
        self.canvas.disc(middle, radius * scale, self.look.of(colour));
    }
}
