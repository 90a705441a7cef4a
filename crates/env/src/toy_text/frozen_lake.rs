//! Frozen lake: cross slippery ice without falling into a hole.
//!
//! Reference: Gymnasium 1.4's `FrozenLake-v1`, with its maps and table of transitions.

use std::fmt::Write;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::board::Board;
use super::lake::{Lake, MAX_SIDE, Tile};
use super::table::best_actions;
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::Factor;
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

const SMALL: [&str; 4] = ["SFFF", "FHFH", "FFFH", "HFFG"];
const LARGE: [&str; 8] =
    ["SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF", "FFFHFFFG"];

const SHORE: Rgb = [92, 124, 92];
const ICE: Rgb = [206, 228, 242];
const CRACK: Rgb = [178, 206, 226];
const WATER: Rgb = [32, 74, 122];
const EDGE: Rgb = [128, 168, 202];
const PAD: Rgb = [176, 158, 132];
const FLAG: Rgb = [232, 158, 44];
const COAT: Rgb = [204, 58, 64];

const SUCCESS: Factor = Factor {
    name: "success_rate",
    about: "chance that a step on slippery ice goes where it was meant to",
    default: 1.0 / 3.0,
    train: [1.0 / 3.0, 0.6],
    shifted: [0.6, 0.9],
};

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "frozen_lake",
    about: "FrozenLake as in Gymnasium's FrozenLake-v1: one of 16 places, 4 actions, 1 point at the goal",
    page: "\
A walk over a frozen lake, from the start to the flag, past holes. On slippery ice two steps of three go astray.

- `state`: the place, row by row. `pixels`: the lake from above. `text`: its map with the walker as `@`, and a sentence.
- Actions: `left`, `down`, `right`, `up`. On slippery ice a step goes to either side of where it was meant to.
- Reward: 1 for the goal.
- Ends in a hole and at the goal; cut off after 100 steps, or 200 on maps of more than 16 places.
- Maps: Gymnasium's of 4x4 and 8x8, rows of letters (`map=SFF/FHG`), or a new one in each episode (`map=random`), which always has
  a way.
- Equal to Gymnasium 1.4's `FrozenLake-v1` in every number of its table of transitions. The expert plays best for its table.",
    options: &[
        OptionEntry {
            name: "map",
            default: "4x4",
            about: "`4x4`, `8x8`, `random`, or rows of `S`, `F`, `H`, `G` with `/` in between",
        },
        OptionEntry { name: "side", default: "8", about: "rows and columns of random maps, from 2 to 16" },
        OptionEntry {
            name: "frozen",
            default: "0.8",
            about: "chance of ice at a place of a random map, from 0.6",
        },
        OptionEntry { name: "slippery", default: "true", about: "whether steps go astray" },
    ],
    factors: &[SUCCESS, HUE, LIGHT],
    make: Maker::BuiltIn(|options| {
        let world = FrozenLake::new(options)?;
        let n_places = world.n_places();
        let face = Face {
            action: Space::Discrete { n: 4 },
            action_names: &["left", "down", "right", "up"],
            views: vec![
                View::choice("state", n_places),
                View::pixels("pixels", options)?,
                View::text("text", MAX_SIDE * (MAX_SIDE + 1) + 40),
            ],
            max_steps: Some(if n_places > 16 { 200 } else { 100 }),
        };
        blueprint(world, face, ENTRY.factors, options)
    }),
};

/// The rules of the walk. Views: `state`, the place; `pixels`, the lake from above; `text`, its map and a sentence.
#[derive(Debug)]
pub struct FrozenLake {
    map: Map,
    slippery: bool,
    /// What is best on a fixed map by default, once somebody has asked.
    plan: OnceLock<Vec<usize>>,
}

/// Where the lake of an episode comes from.
#[derive(Debug)]
enum Map {
    Fixed(Box<Lake>),
    Random { side: usize, frozen: f32 },
}

/// Everything that changes, and the lake of the episode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Where the walker is, row by row.
    pub place: usize,
    /// The map.
    pub lake: Lake,
    /// Chance that a step on slippery ice goes where it was meant to.
    pub success_rate: f64,
    /// Colours of the picture.
    pub look: Look,
}

impl FrozenLake {
    fn new(options: &Options) -> Result<Self> {
        let side = options.number("side", 8, 2..=MAX_SIDE)?;
        let frozen = options.number("frozen", 0.8, 0.6..=1.0)?;
        let fixed = |rows: &[&str]| Lake::parse(rows).map(|lake| Map::Fixed(Box::new(lake)));
        let map = match options.text("map").unwrap_or("4x4") {
            "4x4" => fixed(&SMALL)?,
            "8x8" => fixed(&LARGE)?,
            "random" => Map::Random { side, frozen },
            rows => fixed(&rows.split('/').collect::<Vec<_>>())
                .map_err(|err| Error::invalid(format!("option `map` of `{}`: {err}", options.id())))?,
        };
        let slippery = options.text("slippery").is_none() || options.flag("slippery")?;
        Ok(Self { map, slippery, plan: OnceLock::new() })
    }

    fn n_places(&self) -> usize {
        match &self.map {
            Map::Fixed(lake) => lake.n_places(),
            Map::Random { side, .. } => side * side,
        }
    }

    /// Rows and columns.
    fn shape(&self) -> [usize; 2] {
        match &self.map {
            Map::Fixed(lake) => lake.shape(),
            Map::Random { side, .. } => [*side; 2],
        }
    }

    /// Chance of a step as meant; none on ice that is not slippery.
    fn success(&self, state: &State) -> Option<f64> {
        self.slippery.then_some(state.success_rate)
    }
}

impl World for FrozenLake {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let lake = match &self.map {
            Map::Fixed(lake) => **lake,
            Map::Random { side, frozen } => Lake::generate(*side, *frozen, rng),
        };
        let n_starts = lake.starts().count();
        let place = lake.starts().nth(rng.below(n_starts)).expect("a lake has a start");
        State { place, lake, success_rate: third(factors[0]), look: Look::new([factors[1], factors[2]]) }
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        let way = state.lake.ways(state.place, action.choice(), self.success(state)).draw(rng);
        state.place = way.next;
        Outcome { reward: way.reward, terminated: way.terminated }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Choice(place) => *place = state.place as i64,
            Sight::Pixels(mut canvas) => state.draw(&mut canvas),
            Sight::Text(text) => state.tell(text),
            Sight::Numbers(_) => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let ([n_rows, n_cols], got) = (self.shape(), state.lake.shape());
        if got != [n_rows, n_cols] {
            return Err(Error::invalid(format!("expected a lake of {n_rows}x{n_cols}, got {got:?}")));
        }
        let n_places = state.lake.n_places();
        if state.place >= n_places {
            return Err(Error::invalid(format!("expected a `place` below {n_places}, got {}", state.place)));
        }
        let (bounds, got) = (SUCCESS.bounds(), state.success_rate);
        if !bounds.contains(&(got as f32)) {
            let (low, high) = (bounds.start(), bounds.end());
            return Err(Error::invalid(format!("expected a `success_rate` from {low} to {high}, got {got}")));
        }
        state.look.check()
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let plan = |success: Option<f64>| {
            best_actions(state.lake.n_places(), 4, |place, action| state.lake.ways(place, action, success))
        };
        let usual = third(SUCCESS.default);
        let known = matches!(self.map, Map::Fixed(_)) && (!self.slippery || state.success_rate == usual);
        Value::Discrete(match known {
            true => self.plan.get_or_init(|| plan(self.slippery.then_some(usual)))[state.place] as i64,
            false => plan(self.success(state))[state.place] as i64,
        })
    }
}

/// The number that was meant: one third itself, not the nearest of 32 bits.
fn third(x: f32) -> f64 {
    if x == SUCCESS.default { 1.0 / 3.0 } else { f64::from(x) }
}

impl State {
    /// Ice, holes, the start's wooden planks, the flag at the goal, and the walker; who fell into a hole is up to the head in it.
    fn draw(&self, canvas: &mut Canvas<'_>) {
        let [n_rows, n_cols] = self.lake.shape();
        let board = Board::new(canvas, n_rows, n_cols, 0.0);
        let paint = |colour| self.look.of(colour);
        let [ice, hole, edge, pad] = [ICE, WATER, EDGE, PAD].map(paint);
        canvas.fill(paint(SHORE));
        board.paint(canvas, [0, 0], [n_rows, n_cols], ice);
        board.lines(canvas, [n_rows, n_cols], paint(CRACK));
        for place in 0..self.lake.n_places() {
            let [row, col] = self.lake.row_col(place);
            let middle = board.at(row, col, [0.5, 0.5]);
            match self.lake.tile(place) {
                Tile::Frozen => {}
                Tile::Hole => {
                    canvas.disc(middle, board.px(0.46), edge);
                    canvas.disc(middle, board.px(0.37), hole);
                }
                Tile::Start => canvas.disc(middle, board.px(0.4), pad),
                Tile::Goal => board.flag(canvas, [row, col], FLAG, self.look),
            }
        }
        let walker = self.lake.row_col(self.place);
        board.person(canvas, walker, COAT, self.look);
        if self.lake.tile(self.place) == Tile::Hole {
            let [left, top] = board.corner(walker[0], walker[1]);
            let deep = board.side / 2;
            canvas.rect(left + board.side / 8, top + deep, board.side * 3 / 4, deep - board.side / 8, hole);
        }
    }

    fn tell(&self, text: &mut String) {
        let [n_rows, n_cols] = self.lake.shape();
        for place in 0..n_rows * n_cols {
            let here = place == self.place;
            text.push(if here { '@' } else { self.lake.tile(place).letter() });
            if (place + 1) % n_cols == 0 {
                text.push('\n');
            }
        }
        let under = match self.lake.tile(self.place) {
            Tile::Start => "at the start",
            Tile::Frozen => "on ice",
            Tile::Hole => "in a hole",
            Tile::Goal => "at the goal",
        };
        write!(text, "The walker (@) is {under}.").expect("a string takes all");
    }
}
