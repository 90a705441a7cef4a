//! Cliff walking: the short way along a cliff, or the safe one around.
//!
//! Reference: Sutton and Barto's example 6.6, with the table of transitions of Gymnasium 1.4's `CliffWalking-v1`.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::board::Board;
use super::table::{Way, Ways, best_actions};
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry};

const N_ROWS: usize = 4;
const N_COLS: usize = 12;
const N_PLACES: usize = N_ROWS * N_COLS;
const START: usize = (N_ROWS - 1) * N_COLS;
const GOAL: usize = N_PLACES - 1;

const SKY: Rgb = [150, 196, 232];
const GRASS: Rgb = [122, 178, 96];
const BLADE: Rgb = [104, 158, 82];
const ROCK: Rgb = [112, 92, 82];
const DEEP: Rgb = [52, 42, 44];
const PAD: Rgb = [186, 166, 136];
const FLAG: Rgb = [236, 172, 48];
const COAT: Rgb = [204, 58, 64];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "cliff_walking",
    about: "CliffWalking as in Gymnasium's CliffWalking-v1: one of 48 places, 4 actions, -1 a step, -100 a fall",
    page: "\
A walk from one end of a cliff to the other, on four rows of twelve places. Who falls starts again.

- `state`: the place, row by row. `pixels`: the cliff from above.
- Actions: `up`, `right`, `down`, `left`; with `slippery` two steps of three go to either side.
- Reward: -1 a step, -100 a fall.
- Ends at the goal; there is no limit of steps.
- Equal to Gymnasium 1.4's `CliffWalking-v1` and, with `slippery`, `CliffWalkingSlippery-v1` in every number of the table of
  transitions. The expert plays best for its table.",
    options: &[OptionEntry { name: "slippery", default: "false", about: "whether steps go astray" }],
    factors: &[HUE, LIGHT],
    make: Maker::BuiltIn(|options| {
        let face = Face {
            action: Space::Discrete { n: 4 },
            action_names: &["up", "right", "down", "left"],
            views: vec![View::choice("state", N_PLACES), View::pixels("pixels", options)?],
            max_steps: None,
        };
        blueprint(CliffWalking::new(options.flag("slippery")?), face, ENTRY.factors, options)
    }),
};

/// The rules of the walk. Views: `state`, the place; `pixels`, the cliff from above.
#[derive(Debug)]
pub struct CliffWalking {
    slippery: bool,
    /// What is best, once somebody has asked.
    plan: OnceLock<Vec<usize>>,
}

/// Everything that changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Where the walker is, row by row.
    pub place: usize,
    /// Colours of the picture.
    pub look: Look,
}

impl CliffWalking {
    /// `slippery`: whether steps go astray.
    pub fn new(slippery: bool) -> Self {
        Self { slippery, plan: OnceLock::new() }
    }

    /// How a step from `place` in direction `action` (up, right, down, left) can turn out.
    pub fn ways(&self, place: usize, action: usize) -> Ways {
        if !self.slippery {
            return Ways::certain(way(place, action, 1.0));
        }
        Ways::three([3, 0, 1].map(|turn| way(place, (action + turn) % 4, 1.0 / 3.0)))
    }
}

fn way(place: usize, direction: usize, probability: f64) -> Way {
    let (row, col) = (place / N_COLS, place % N_COLS);
    let (row, col) = match direction {
        0 => (row.saturating_sub(1), col),
        1 => (row, (col + 1).min(N_COLS - 1)),
        2 => ((row + 1).min(N_ROWS - 1), col),
        _ => (row, col.saturating_sub(1)),
    };
    match row * N_COLS + col {
        next if is_cliff(next) => Way { probability, next: START, reward: -100.0, terminated: false },
        next => Way { probability, next, reward: -1.0, terminated: next == GOAL },
    }
}

fn is_cliff(place: usize) -> bool {
    START < place && place < GOAL
}

impl World for CliffWalking {
    type State = State;

    fn start(&self, factors: &[f32], _: &mut Rng) -> State {
        State { place: START, look: Look::new([factors[0], factors[1]]) }
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        let way = self.ways(state.place, action.choice()).draw(rng);
        state.place = way.next;
        Outcome { reward: way.reward, terminated: way.terminated }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Choice(place) => *place = state.place as i64,
            Sight::Pixels(mut canvas) => state.draw(&mut canvas),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        if state.place >= N_PLACES {
            return Err(Error::invalid(format!("expected a `place` below {N_PLACES}, got {}", state.place)));
        }
        state.look.check()
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let plan =
            self.plan.get_or_init(|| best_actions(N_PLACES, 4, |place, action| self.ways(place, action)));
        Value::Discrete(plan[state.place] as i64)
    }
}

impl State {
    /// Grass up to the edge, and the rock that goes down from there.
    fn draw(&self, canvas: &mut Canvas<'_>) {
        let board = Board::new(canvas, N_ROWS, N_COLS, 0.0);
        let paint = |colour| self.look.of(colour);
        let [left, edge] = board.corner(N_ROWS - 1, 1);
        let (foot, width) = (edge + board.side, board.side * (N_COLS as i32 - 2));
        canvas.fill(paint(SKY));
        canvas.rect(0, foot, canvas.width as i32, canvas.height as i32, paint(ROCK));
        board.paint(canvas, [0, 0], [N_ROWS, N_COLS], paint(GRASS));
        board.lines(canvas, [N_ROWS, N_COLS], paint(BLADE));
        canvas.rect(left, edge, width, canvas.height as i32, paint(DEEP));
        canvas.rect(left, edge, width, (board.side * 2 / 5).max(1), paint(ROCK));
        canvas.disc(board.at(N_ROWS - 1, 0, [0.5, 0.5]), board.px(0.4), paint(PAD));
        board.flag(canvas, [N_ROWS - 1, N_COLS - 1], FLAG, self.look);
        board.person(canvas, [self.place / N_COLS, self.place % N_COLS], COAT, self.look);
    }
}
