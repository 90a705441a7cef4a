//! What MinAtar's games share: ten by ten cells, their picture and channel planes, actions that stick.
//!
//! Reference: Young and Tian, "MinAtar: An Atari-Inspired Testbed" (arXiv 1903.03176), and its package `minatar` 1.0.15. A
//! game implements [`Rules`]; [`Console`] makes a [`World`] of it.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use crate::blueprint::{Blueprint, blueprint};
use crate::canvas::{Canvas, Rgb, turned};
use crate::factors::Factor;
use crate::look::HUE;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{OptionEntry, Options};

/// Cells along each side.
pub const CELLS: i32 = 10;
/// The last row and column.
pub const LAST: i32 = CELLS - 1;

/// The option that all games take.
pub const STICKY: OptionEntry = OptionEntry {
    name: "sticky",
    default: "0.1",
    about: "chance that the last action is repeated, as in MinAtar",
};
/// The option of games that become harder.
pub const RAMPING: OptionEntry =
    OptionEntry { name: "ramping", default: "true", about: "whether the game becomes harder as it goes on" };
/// A game: a state and what changes it.
pub trait Rules: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// Names of the actions, in order.
    const ACTIONS: &'static [&'static str];
    /// Number of channel planes.
    const N_PLANES: usize;

    /// The start of a game. `factors` are those after [`HUE`], the first of all games.
    fn start(factors: &[f32], rng: &mut Rng) -> Self;

    /// Takes the action with this place in [`Rules::ACTIONS`]; returns the reward.
    fn act(&mut self, choice: usize, ramping: bool, rng: &mut Rng) -> f32;

    /// Whether the game is over.
    fn is_over(&self) -> bool;

    /// Whether this state, from outside, is one on which nothing panics.
    fn is_sound(&self) -> bool;

    /// Marks the channel planes, as in the reference.
    fn mark(&self, planes: &mut Planes<'_>);

    /// Draws the picture.
    fn draw(&self, hue_deg: f32, canvas: &mut Canvas<'_>);

    /// What a good player does.
    fn expert(&self) -> usize;
}

/// A game as a world, with actions that stick. Views: `pixels` and `planes`.
#[derive(Debug)]
pub struct Console<G> {
    sticky: f32,
    ramping: bool,
    game: PhantomData<fn() -> G>,
}

/// Everything that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State<G> {
    /// The game.
    pub game: G,
    /// The action that sticks.
    pub last_action: usize,
    /// How far all colours are turned, in degrees.
    pub hue_deg: f32,
}

/// Makes the world of a game.
///
/// # Errors
/// If an option has a wrong value.
pub fn insert<G: Rules>(
    options: &Options,
    factors: &'static [Factor],
    max_steps: Option<usize>,
) -> Result<Box<dyn Blueprint>> {
    let n_numbers = (CELLS * CELLS) as usize * G::N_PLANES;
    let planes = Space::Box {
        shape: vec![CELLS as usize, CELLS as usize, G::N_PLANES],
        low: vec![0.0; n_numbers],
        high: vec![1.0; n_numbers],
    };
    let face = Face {
        action: Space::Discrete { n: G::ACTIONS.len() },
        action_names: G::ACTIONS,
        views: vec![View::pixels("pixels", options)?, View { name: "planes", space: planes }],
        max_steps,
    };
    let console: Console<G> = Console {
        sticky: options.number(STICKY.name, 0.1, 0.0..=1.0)?,
        ramping: options.text(RAMPING.name).is_none() || options.flag(RAMPING.name)?,
        game: PhantomData,
    };
    blueprint(console, face, factors, options)
}

impl<G: Rules> World for Console<G> {
    type State = State<G>;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State<G> {
        State { game: G::start(&factors[1..], rng), last_action: 0, hue_deg: factors[0] }
    }

    fn act(&self, state: &mut State<G>, action: Action<'_>, rng: &mut Rng) -> Outcome {
        let stuck = self.sticky > 0.0 && rng.chance(self.sticky);
        if !stuck {
            state.last_action = action.choice();
        }
        let reward = state.game.act(state.last_action, self.ramping, rng);
        Outcome { reward, terminated: state.game.is_over() }
    }

    fn show(&self, state: &State<G>, _: usize, out: Sight<'_>) {
        match out {
            Sight::Pixels(mut canvas) => state.game.draw(state.hue_deg, &mut canvas),
            Sight::Numbers(numbers) => state.game.mark(&mut Planes::new(numbers, G::N_PLANES)),
            _ => {}
        }
    }

    fn check(&self, state: &State<G>) -> Result<()> {
        if state.game.is_sound()
            && state.last_action < G::ACTIONS.len()
            && HUE.bounds().contains(&state.hue_deg)
        {
            Ok(())
        } else {
            Err(Error::invalid("expected everything on the grid and timers that run, got others"))
        }
    }

    fn expert(&self, state: &State<G>, _: &mut Rng) -> Value {
        Value::Discrete(state.game.expert() as i64)
    }
}

/// Ten by ten cells of `n` channels, row-major, each 0 or 1.
#[derive(Debug)]
pub struct Planes<'a> {
    numbers: &'a mut [f32],
    n: usize,
}

impl<'a> Planes<'a> {
    /// Over `100 * n` numbers; nothing is marked.
    pub fn new(numbers: &'a mut [f32], n: usize) -> Self {
        numbers.fill(0.0);
        Self { numbers, n }
    }

    /// Marks a cell in one channel; what lies outside is left out.
    pub fn mark(&mut self, [x, y]: [i32; 2], channel: usize) {
        if (0..CELLS).contains(&x) && (0..CELLS).contains(&y) {
            self.numbers[(y * CELLS + x) as usize * self.n + channel] = 1.0;
        }
    }
}

/// Whether a cell is on the grid.
pub fn on_grid(at: [i32; 2]) -> bool {
    at.iter().all(|i| (0..CELLS).contains(i))
}

/// The steps that a factor of variation stands for: a whole number, at least 1.
pub fn steps(factor: f32) -> i32 {
    (factor.round() as i32).clamp(1, 10_000)
}

/// The ten by ten cells on a picture: as large as they fit into a frame, in the middle. Shapes are placed in cells, `x` to
/// the right and `y` down.
#[derive(Debug)]
pub struct Board<'c, 'p> {
    canvas: &'c mut Canvas<'p>,
    /// Side of a cell in pixels.
    pub cell_px: i32,
    left: i32,
    top: i32,
    hue_deg: f32,
}

impl<'c, 'p> Board<'c, 'p> {
    /// A frame around a field; at 64x64 the frame is 2 pixels wide and a cell 6. Colours are turned by `hue_deg`.
    pub fn new(canvas: &'c mut Canvas<'p>, hue_deg: f32, [frame, field]: [Rgb; 2]) -> Self {
        let side = canvas.height.min(canvas.width) as i32;
        let cell_px = (side * 15 / 16 / CELLS).max(1);
        let left = (canvas.width as i32 - cell_px * CELLS) / 2;
        let top = (canvas.height as i32 - cell_px * CELLS) / 2;
        canvas.fill(turned(frame, hue_deg));
        canvas.rect(left, top, cell_px * CELLS, cell_px * CELLS, turned(field, hue_deg));
        Self { canvas, cell_px, left, top, hue_deg }
    }

    /// A square in a cell, `inset_px` from its top and left.
    pub fn square(&mut self, [x, y]: [i32; 2], inset_px: i32, side_px: i32, colour: Rgb) {
        let (left, top) = (self.left + self.cell_px * x + inset_px, self.top + self.cell_px * y + inset_px);
        self.canvas.rect(left, top, side_px, side_px, turned(colour, self.hue_deg));
    }

    /// A rectangle; it is at least one pixel wide and high.
    pub fn rect(&mut self, [x, y]: [f32; 2], [width, height]: [f32; 2], colour: Rgb) {
        let [x0, y0] = self.px([x, y]).map(|i| i.round() as i32);
        let [x1, y1] = self.px([x + width, y + height]).map(|i| i.round() as i32);
        self.canvas.rect(x0, y0, (x1 - x0).max(1), (y1 - y0).max(1), turned(colour, self.hue_deg));
    }

    /// A disc.
    pub fn disc(&mut self, middle: [f32; 2], radius: f32, colour: Rgb) {
        let middle = self.px(middle);
        self.canvas.disc(middle, radius * self.cell_px as f32, turned(colour, self.hue_deg));
    }

    /// A polygon.
    pub fn polygon<const N: usize>(&mut self, corners: [[f32; 2]; N], colour: Rgb) {
        let corners = corners.map(|corner| self.px(corner));
        self.canvas.polygon(&corners, turned(colour, self.hue_deg));
    }

    fn px(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let cell = self.cell_px as f32;
        [self.left as f32 + x * cell, self.top as f32 + y * cell]
    }
}
