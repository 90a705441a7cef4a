//! Mazes: find the way to the flag.
//!
//! The rules are worldsmith's own. The walls come from one of three generators ([`carve`]).

pub mod carve;

use carve::Algorithm;
use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::Factor;
use crate::grid::rows::{Cell, Rows, WAYS, ahead};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

/// What a step costs.
const STEP: f32 = 0.01;

const HEDGE: Rgb = [42, 92, 62];
const LEAVES: Rgb = [58, 120, 76];
const PATH: Rgb = [232, 220, 192];
const FLAG: Rgb = [226, 62, 72];
const POLE: Rgb = [96, 70, 60];
const PLAYER: Rgb = [54, 104, 204];
const HAT: Rgb = [250, 206, 84];

const FACTORS: &[Factor] = &[
    HUE,
    LIGHT,
    Factor {
        name: "openings",
        about: "share of the walls between places that are left out, so that there are several ways",
        default: 0.0,
        train: [0.0, 0.1],
        shifted: [0.2, 0.4],
    },
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "maze",
    about: "mazes made on the spot by one of three generators, RGB, 4 actions, 1 point at the flag",
    page: "\
Somebody looks for the flag in a maze of hedges, a new one every episode.

- `pixels`: the maze from above. `grid`: a number a cell: 0 path, 1 hedge, 2 player, 3 flag. `state`: column and row of the
  player and of the flag.
- Actions: `up`, `down`, `left`, `right`; hedges stop.
- Reward: -0.01 a step, and 1 at the flag. Ends there; cut off after six steps for each place of the maze.
- Start and flag are any two different places. `walls` says who makes the maze: `depth_first` (a digger who turns back at dead
  ends: long winding ways), `prim` (grown from a place at random: many short dead ends), `wilson` (every maze without loops
  has the same chance).
- Rules of worldsmith's own; no reference. The expert takes a shortest way.",
    options: &[
        OptionEntry { name: "cells", default: "7", about: "places along a side, 2 to 15; with hedges 2n+1 cells" },
        OptionEntry { name: "walls", default: "depth_first", about: "generator: depth_first, prim, wilson" },
        OptionEntry { name: "max_steps", default: "294", about: "steps until truncation, or `none`; 6 for each place" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = Maze::new(options)?;
        let n = world.side();
        let last = n as f32 - 1.0;
        let grid = Space::Box { shape: vec![n, n], low: vec![0.0; n * n], high: vec![3.0; n * n] };
        let face = Face {
            action: Space::Discrete { n: WAYS.len() },
            action_names: WAYS,
            views: vec![
                View::pixels("pixels", options)?,
                View { name: "grid", space: grid },
                View::numbers("state", &[0.0; 4], &[last; 4]),
            ],
            max_steps: Some(6 * world.n_places * world.n_places),
        };
        blueprint(world, face, FACTORS, options)
    }),
};

/// The rules.
#[derive(Debug)]
pub struct Maze {
    /// Places along a side.
    n_places: usize,
    algorithm: Algorithm,
}

/// Everything that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Hedges, and all that lies outside.
    pub walls: Rows,
    /// Where the player is.
    pub player: Cell,
    /// Where the flag is.
    pub flag: Cell,
    /// Colours of the episode.
    pub look: Look,
}

impl Maze {
    fn new(options: &Options) -> Result<Self> {
        let n_places = options.number("cells", 7, 2..=15)?;
        let algorithm = match options.text("walls") {
            None => Algorithm::DepthFirst,
            Some(name) => Algorithm::ALL
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, algorithm)| *algorithm)
                .ok_or_else(|| options.wrong("walls", "one of depth_first, prim, wilson", name))?,
        };
        Ok(Self { n_places, algorithm })
    }

    /// Cells along a side.
    fn side(&self) -> usize {
        2 * self.n_places + 1
    }
}

impl World for Maze {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let mut walls = self.algorithm.carve(self.n_places, rng);
        carve::open_some(&mut walls, self.n_places, factors[2], rng);
        let n = self.n_places * self.n_places;
        let place = |i: usize| [1 + 2 * (i % self.n_places) as i32, 1 + 2 * (i / self.n_places) as i32];
        let from = rng.below(n);
        let to = (from + 1 + rng.below(n - 1)) % n;
        State { walls, player: place(from), flag: place(to), look: Look::new([factors[0], factors[1]]) }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let next = ahead(state.player, action.choice());
        if !state.walls.has(next) {
            state.player = next;
        }
        let is_there = state.player == state.flag;
        Outcome { reward: if is_there { 1.0 - STEP } else { -STEP }, terminated: is_there }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        let side = self.side();
        match out {
            Sight::Pixels(mut canvas) => state.draw(side, &mut canvas),
            Sight::Numbers(numbers) if view == 1 => {
                for (y, row) in (0..).zip(numbers.chunks_exact_mut(side)) {
                    for (x, out) in (0..).zip(row) {
                        *out = match [x, y] {
                            cell if cell == state.player => 2.0,
                            cell if cell == state.flag => 3.0,
                            cell => f32::from(u8::from(state.walls.has(cell))),
                        };
                    }
                }
            }
            Sight::Numbers(numbers) => {
                let [[x, y], [u, v]] = [state.player, state.flag];
                numbers.copy_from_slice(&[x, y, u, v].map(|i| i as f32));
            }
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        state.look.check()?;
        let last = self.side() as i32 - 1;
        let is_closed = (0..32).all(|y| {
            let is_inside = (1..last).contains(&y);
            let frame = if is_inside { !((1 << last) - 2) } else { u32::MAX };
            state.walls.0[y as usize] & frame == frame
        });
        if is_closed && !state.walls.has(state.player) && !state.walls.has(state.flag) && state.is_inside() {
            Ok(())
        } else {
            Err(Error::invalid("expected a closed maze with player and flag on its paths, got another"))
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let mut flag = Rows::EMPTY;
        flag.add(state.flag);
        let free = state.walls.with(&Rows::EMPTY, |wall, _| !wall);
        Value::Discrete(Rows::first_step(state.player, &flag, &free).unwrap_or_default() as i64)
    }
}

impl State {
    /// Whether player and flag are on the grid at all.
    fn is_inside(&self) -> bool {
        [self.player, self.flag].iter().flatten().all(|i| (0..32).contains(i))
    }

    /// From above, as large as it fits, in the middle.
    fn draw(&self, side: usize, canvas: &mut Canvas<'_>) {
        let length = canvas.height.min(canvas.width) as f32;
        let scale = length / side as f32;
        let corner = [canvas.width, canvas.height].map(|all| (all as f32 - length) / 2.0);
        let look = self.look;
        canvas.fill(look.of(HEDGE));
        let px = |i: usize, at: f32| corner[i] + at * scale;
        let mut rect = |[x0, y0, x1, y1]: [f32; 4], colour| {
            let [x0, x1] = [x0, x1].map(|x| px(0, x).round() as i32);
            let [y0, y1] = [y0, y1].map(|y| px(1, y).round() as i32);
            canvas.rect(x0, y0, (x1 - x0).max(1), (y1 - y0).max(1), look.of(colour));
        };
        for y in 0..side as i32 {
            let (mut x, top) = (0, y as f32);
            while x < side as i32 {
                let from = x;
                let is_wall = self.walls.has([x, y]);
                while x < side as i32 && self.walls.has([x, y]) == is_wall {
                    x += 1;
                }
                let [left, right] = [from, x].map(|x| x as f32);
                if is_wall {
                    rect([left + 0.15, top + 0.1, right - 0.15, top + 0.45], LEAVES);
                } else {
                    rect([left, top, right, top + 1.0], PATH);
                }
            }
        }
        let [x, y] = self.flag.map(|i| i as f32);
        rect([x + 0.2, y + 0.1, x + 0.35, y + 0.95], POLE);
        rect([x + 0.35, y + 0.1, x + 0.9, y + 0.55], FLAG);
        let [x, y] = self.player.map(|i| i as f32);
        canvas.disc([px(0, x + 0.5), px(1, y + 0.5)], 0.46 * scale, look.of(PLAYER));
        canvas.disc([px(0, x + 0.5), px(1, y + 0.42)], 0.22 * scale, look.of(HAT));
    }
}
