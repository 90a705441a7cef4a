//! Pictures of grids: every kind of cell is drawn once, as inks, and coloured when it is put on a picture.
//!
//! An ink is a place in a palette; palettes differ with the colours of an episode and with the light, tiles do not. So a frame
//! costs one copy a pixel, whatever the factors of variation are.

use std::sync::OnceLock;

use super::board::Spot;
use super::cell::{Cell, Colour, Kind, Latch};
use super::engine::{Facing, State};
use super::view::{Glimpse, MIDDLE, SIDE};
use crate::canvas::{Canvas, Rgb};
use crate::look::Look;

/// A place in a palette.
type Ink = u8;

/// Leaves the picture as it is.
const CLEAR: Ink = 0;
const DARK: Ink = 1;
const FLOOR: Ink = 2;
const SEAM: Ink = 3;
const LAVA: Ink = 4;
const CREST: Ink = 5;
const AGENT: Ink = 6;
const AGENT_RIM: Ink = 7;
/// The first of three inks a colour: deep, full, light.
const COLOURS: Ink = 8;
const N_INKS: usize = 32;

/// Full colours of things, in the order of [`Colour::ALL`].
const THINGS: [Rgb; 6] =
    [[226, 66, 66], [72, 190, 92], [66, 124, 232], [164, 92, 220], [240, 204, 70], [132, 136, 148]];
const DARK_RGB: Rgb = [13, 14, 20];
const FLOOR_RGB: Rgb = [50, 54, 66];
const SEAM_RGB: Rgb = [66, 71, 85];
const LAVA_RGB: Rgb = [236, 106, 30];
const CREST_RGB: Rgb = [255, 206, 84];
const AGENT_RGB: Rgb = [250, 250, 250];
const AGENT_RIM_RGB: Rgb = [216, 44, 92];
/// Side of tiles, in pixels, that are too small for shapes.
const SMALL: f32 = 4.0;
/// Light of what is on the picture but not seen by the agent.
const SHADE: f32 = 0.55;

fn deep(colour: Colour) -> Ink {
    COLOURS + 3 * colour as Ink
}

fn full(colour: Colour) -> Ink {
    deep(colour) + 1
}

fn light(colour: Colour) -> Ink {
    deep(colour) + 2
}

/// Colours of inks.
struct Palette([Rgb; N_INKS]);

impl Palette {
    /// The colours of an episode, `brightness` times as bright.
    fn new(look: Look, brightness: f32) -> Self {
        let mut inks = [DARK_RGB; N_INKS];
        inks[FLOOR as usize] = FLOOR_RGB;
        inks[SEAM as usize] = SEAM_RGB;
        inks[LAVA as usize] = LAVA_RGB;
        inks[CREST as usize] = CREST_RGB;
        inks[AGENT as usize] = AGENT_RGB;
        inks[AGENT_RIM as usize] = AGENT_RIM_RGB;
        for (colour, rgb) in Colour::ALL.into_iter().zip(THINGS) {
            inks[deep(colour) as usize] = scaled(rgb, 0.55);
            inks[full(colour) as usize] = rgb;
            inks[light(colour) as usize] = rgb.map(|level| level + (255 - level) / 2);
        }
        for (ink, rgb) in inks.iter_mut().enumerate() {
            if ink != usize::from(DARK) {
                *rgb = scaled(look.of(*rgb), brightness);
            }
        }
        Self(inks)
    }
}

fn scaled(rgb: Rgb, factor: f32) -> Rgb {
    if factor == 1.0 { rgb } else { rgb.map(|level| (f32::from(level) * factor).round() as u8) }
}

/// Where `n` cells lie along `side` pixels: as many whole pixels each as fit, in the middle; where there are fewer pixels than
/// cells, several share one.
#[derive(Debug, Clone, Copy)]
struct Ruler {
    n: i32,
    side: i32,
}

impl Ruler {
    fn at(self, i: i32, tile: i32) -> i32 {
        if self.side >= self.n { (self.side - tile * self.n) / 2 + i * tile } else { i * self.side / self.n }
    }
}

/// Tiles of one size, each drawn when it is first asked for.
#[derive(Debug)]
pub struct Tiles {
    side: i32,
    cells: Vec<OnceLock<Vec<Ink>>>,
    /// By where it looks, with an empty and with a full hand.
    agents: [[OnceLock<Vec<Ink>>; 2]; 4],
}

impl Tiles {
    /// For pictures of `height` and `width` pixels that show `n` columns and rows.
    pub fn new([height, width]: [usize; 2], n: [i32; 2]) -> Self {
        let side = (width as i32 / n[0].max(1)).min(height as i32 / n[1].max(1)).max(1);
        Self {
            side,
            cells: (0..Cell::N_LOOKS).map(|_| OnceLock::new()).collect(),
            agents: Default::default(),
        }
    }

    fn cell(&self, cell: Cell) -> &[Ink] {
        self.cells[cell.looks()].get_or_init(|| inked(self.side, |brush| brush.cell(cell)))
    }

    fn agent(&self, facing: Facing, carried: Cell) -> &[Ink] {
        let is_hollow = carried != Cell::EMPTY;
        self.agents[facing as usize][usize::from(is_hollow)]
            .get_or_init(|| inked(self.side, |brush| brush.agent(facing, is_hollow)))
    }

    /// Copies a tile in the colours of a palette to the picture, its top-left corner at `(x, y)`.
    fn lay(&self, tile: &[Ink], [x, y]: [i32; 2], palette: &Palette, canvas: &mut Canvas<'_>) {
        let (width, height) = (canvas.width as i32, canvas.height as i32);
        let (from, to) = (x.clamp(0, width), (x + self.side).clamp(0, width));
        for row in y.max(0)..(y + self.side).min(height) {
            let source = ((row - y) * self.side + from - x) as usize;
            let target = (row * width + from) as usize * 3;
            let n = (to - from) as usize;
            let pixels = canvas.px[target..target + 3 * n].as_chunks_mut::<3>().0;
            for (pixel, ink) in pixels.iter_mut().zip(&tile[source..source + n]) {
                if *ink != CLEAR {
                    *pixel = palette.0[usize::from(*ink) % N_INKS];
                }
            }
        }
    }

    /// What the agent sees, drawn as it sees it: it stands in the middle of the last row and looks up.
    pub fn draw_glimpse(&self, state: &State, glimpse: &Glimpse, canvas: &mut Canvas<'_>) {
        let palette = Palette::new(state.conditions.look, 1.0);
        let n = SIDE as i32;
        let across = Ruler { n, side: canvas.width as i32 };
        let down = Ruler { n, side: canvas.height as i32 };
        canvas.fill(DARK_RGB);
        for (row, cells) in (0..).zip(&glimpse.0) {
            for (col, cell) in (0..).zip(cells) {
                let corner = [across.at(col, self.side), down.at(row, self.side)];
                self.lay(self.cell(*cell), corner, &palette, canvas);
            }
        }
        let corner = [across.at(MIDDLE as i32, self.side), down.at(n - 1, self.side)];
        self.lay(self.agent(Facing::Up, state.carried), corner, &palette, canvas);
    }

    /// The whole board from above; what the agent sees is lit.
    pub fn draw_board(&self, state: &State, glimpse: &Glimpse, canvas: &mut Canvas<'_>) {
        let shaded = Palette::new(state.conditions.look, SHADE);
        let lit = Palette::new(state.conditions.look, 1.0);
        let [columns, rows] = state.board.size();
        let across = Ruler { n: columns, side: canvas.width as i32 };
        let down = Ruler { n: rows, side: canvas.height as i32 };
        let corner = |[x, y]: Spot| [across.at(x, self.side), down.at(y, self.side)];
        canvas.fill(DARK_RGB);
        for (spot, cell) in state.board.spots().zip(state.board.cells()) {
            self.lay(self.cell(*cell), corner(spot), &shaded, canvas);
        }
        for spot in glimpse.seen_from(state.agent).filter(|spot| state.board.holds(*spot)) {
            self.lay(self.cell(state.board.at(spot)), corner(spot), &lit, canvas);
        }
        let agent = corner(state.agent.spot);
        if state.carried != Cell::EMPTY {
            self.lay(self.cell(state.carried), agent, &lit, canvas);
        }
        self.lay(self.agent(state.agent.facing, state.carried), agent, &lit, canvas);
    }
}

/// A tile of `side` by `side` inks.
fn inked(side: i32, paint: impl Fn(&mut Brush<'_>)) -> Vec<Ink> {
    let n = side as usize;
    let mut px = vec![CLEAR; n * n * 3];
    paint(&mut Brush { side: side as f32, canvas: Canvas::new(&mut px, n, n) });
    px.as_chunks::<3>().0.iter().map(|[ink, ..]| *ink).collect()
}

/// Draws with inks on one tile; coordinates and lengths are parts of its side.
struct Brush<'a> {
    side: f32,
    canvas: Canvas<'a>,
}

impl Brush<'_> {
    fn cell(&mut self, cell: Cell) {
        let colour = cell.colour();
        match cell.kind() {
            Kind::Unseen | Kind::Agent => self.rect([0.0, 0.0, 1.0, 1.0], DARK),
            Kind::Empty => self.floor(FLOOR),
            Kind::Wall => self.wall(colour),
            Kind::Floor => self.floor(deep(colour)),
            Kind::Goal => self.goal(colour),
            Kind::Lava => self.lava(),
            kind if self.side < SMALL => self.speck(kind, colour, cell.latch()),
            kind => {
                self.floor(FLOOR);
                match kind {
                    Kind::Door => self.door(colour, cell.latch()),
                    Kind::Key => self.key(colour),
                    Kind::Ball => self.ball(colour),
                    _ => self.package(colour),
                }
            }
        }
    }

    /// All that there is room for on a small tile: a square whose lightness tells kinds apart.
    fn speck(&mut self, kind: Kind, colour: Colour, latch: Latch) {
        let ink = match (kind, latch) {
            (Kind::Door, Latch::Open) | (Kind::Box, _) => deep(colour),
            (Kind::Door, Latch::Locked) | (Kind::Key, _) => light(colour),
            _ => full(colour),
        };
        self.rect([0.0, 0.0, 1.0, 1.0], ink);
    }

    fn floor(&mut self, ink: Ink) {
        self.rect([0.0, 0.0, 1.0, 1.0], SEAM);
        let seam = if self.side < SMALL { 0.0 } else { (self.side / 24.0).max(1.0).round() / self.side };
        self.rect([seam, seam, 1.0, 1.0], ink);
    }

    fn wall(&mut self, colour: Colour) {
        self.rect([0.0, 0.0, 1.0, 1.0], full(colour));
        if self.side >= SMALL {
            let edge = (self.side / 10.0).max(1.0).floor() / self.side;
            self.rect([edge, edge, 1.0, 1.0], deep(colour));
            self.rect([edge, edge, 1.0 - edge, 1.0 - edge], full(colour));
        }
    }

    fn goal(&mut self, colour: Colour) {
        self.floor(full(colour));
        self.rect([0.25, 0.25, 0.78, 0.78], light(colour));
        self.rect([0.4, 0.4, 0.63, 0.63], full(colour));
    }

    fn lava(&mut self) {
        self.rect([0.0, 0.0, 1.0, 1.0], LAVA);
        for row in [0.25, 0.55, 0.85] {
            let crest = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
                .map(|x| [x, row + if (x * 5.0) as i32 % 2 == 0 { 0.06 } else { -0.06 }]);
            crest.windows(2).for_each(|ends| self.line(ends[0], ends[1], 0.09, CREST));
        }
    }

    fn door(&mut self, colour: Colour, latch: Latch) {
        match latch {
            Latch::Open => {
                self.rect([0.0, 0.0, 1.0, 0.14], deep(colour));
                self.rect([0.0, 0.0, 0.14, 1.0], full(colour));
                self.rect([0.86, 0.0, 1.0, 1.0], full(colour));
            }
            Latch::Closed => {
                self.rect([0.0, 0.0, 1.0, 1.0], full(colour));
                self.rect([0.16, 0.16, 0.84, 0.84], FLOOR);
                self.rect([0.26, 0.26, 0.74, 0.74], full(colour));
                self.disc([0.62, 0.5], 0.09, light(colour));
            }
            Latch::Locked => {
                self.rect([0.0, 0.0, 1.0, 1.0], full(colour));
                self.rect([0.13, 0.13, 0.87, 0.87], deep(colour));
                self.disc([0.5, 0.42], 0.15, light(colour));
                self.rect([0.44, 0.42, 0.56, 0.76], light(colour));
            }
        }
    }

    fn key(&mut self, colour: Colour) {
        self.disc([0.5, 0.29], 0.22, full(colour));
        self.disc([0.5, 0.29], 0.09, FLOOR);
        self.rect([0.44, 0.46, 0.57, 0.92], full(colour));
        self.rect([0.57, 0.62, 0.74, 0.71], full(colour));
        self.rect([0.57, 0.81, 0.74, 0.91], full(colour));
    }

    fn ball(&mut self, colour: Colour) {
        self.disc([0.5, 0.5], 0.36, full(colour));
        self.disc([0.4, 0.38], 0.11, light(colour));
    }

    fn package(&mut self, colour: Colour) {
        self.rect([0.14, 0.18, 0.88, 0.88], deep(colour));
        self.rect([0.14, 0.18, 0.88, 0.4], full(colour));
        self.rect([0.44, 0.18, 0.57, 0.88], light(colour));
    }

    /// An arrow; hollow with something in hand, so that this is seen.
    fn agent(&mut self, facing: Facing, is_hollow: bool) {
        let turn = |[x, y]: [f32; 2]| match facing {
            Facing::Right => [x, y],
            Facing::Down => [1.0 - y, x],
            Facing::Left => [1.0 - x, 1.0 - y],
            Facing::Up => [y, 1.0 - x],
        };
        if self.side < SMALL {
            self.rect([0.0, 0.0, 1.0, 1.0], if is_hollow { AGENT } else { AGENT_RIM });
        } else if is_hollow {
            let [tail, tip, other] = [[0.04, 0.04], [0.98, 0.5], [0.04, 0.96]].map(turn);
            for (from, to) in [(tail, tip), (tip, other), (other, tail)] {
                self.line(from, to, 0.11, AGENT_RIM);
            }
        } else {
            self.polygon([[0.08, 0.06], [0.97, 0.5], [0.08, 0.94]].map(turn), AGENT_RIM);
            if self.side >= 12.0 {
                self.polygon([[0.24, 0.32], [0.62, 0.5], [0.24, 0.68]].map(turn), AGENT);
            }
        }
    }

    /// A rectangle from `[left, top, right, bottom]`, to whole pixels.
    fn rect(&mut self, edges: [f32; 4], ink: Ink) {
        let [left, top, right, bottom] = edges.map(|edge| (edge * self.side).round() as i32);
        self.canvas.rect(left, top, right - left, bottom - top, [ink; 3]);
    }

    fn disc(&mut self, [x, y]: [f32; 2], radius: f32, ink: Ink) {
        self.canvas.disc([x * self.side, y * self.side], radius * self.side, [ink; 3]);
    }

    fn line(&mut self, from: [f32; 2], to: [f32; 2], width: f32, ink: Ink) {
        let scale = |point: [f32; 2]| point.map(|x| x * self.side);
        self.canvas.line(scale(from), scale(to), (width * self.side).max(1.0), [ink; 3]);
    }

    fn polygon(&mut self, corners: [[f32; 2]; 3], ink: Ink) {
        self.canvas.polygon(&corners.map(|corner| corner.map(|x| x * self.side)), [ink; 3]);
    }
}
