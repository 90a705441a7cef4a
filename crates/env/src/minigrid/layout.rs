//! From a layout to an environment: what is the same for all that are played by MiniGrid's rules.

use worldsmith_core::{Result, Rng, Space, Value};

use super::board::Board;
use super::cell::Cell;
use super::draw::Tiles;
use super::engine::{Act, Conditions, Facing, Pose, State, Task};
use super::mission::MAX_CHARS;
use super::plan;
use super::view::{CHANNELS, Glimpse, SIDE, write_board};
use crate::Options;
use crate::blueprint::{Blueprint, blueprint};
use crate::factors::Factor;
use crate::look::{HUE, LIGHT, Look};
use crate::world::{Action, Face, Outcome, Sight, View, World};

/// What one environment is beside the rules that it shares with others.
pub trait Layout: Send + Sync + 'static {
    /// Columns and rows of its board.
    fn size(&self) -> [i32; 2];

    /// What is to be done, in words, where the task of the episode has none of its own.
    fn mission(&self) -> &'static str;

    /// Whether the agent sees through walls.
    fn sees_through_walls(&self) -> bool {
        false
    }

    /// How an episode starts. `own` are its values of the factors after [`CONDITIONS`].
    fn scene(&self, own: &[f32], rng: &mut Rng) -> Scene;
}

/// How an episode starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// What stands where.
    pub board: Board,
    /// Where the agent is.
    pub agent: Pose,
    /// What the episode is about.
    pub task: Task,
}

/// The factors of variation that all environments of this kind have, before those of their own.
pub const CONDITIONS: [Factor; 3] = [
    Factor {
        about: "how far all colours are turned: so little that what missions call red stays nearest to red",
        train: [0.0, 12.0],
        shifted: [16.0, 28.0],
        ..HUE
    },
    LIGHT,
    Factor {
        name: "stall_chance",
        about: "chance that an action does nothing",
        default: 0.0,
        train: [0.0, 0.1],
        shifted: [0.2, 0.4],
    },
];

/// Places of views.
const PIXELS: usize = 0;
const SYMBOLS: usize = 1;

/// Any layout as a world.
pub struct GridWorld {
    layout: Box<dyn Layout>,
    /// Steps over which the reward falls.
    max_steps: u64,
    glimpse_tiles: Tiles,
    board_tiles: Tiles,
}

/// The environment of a layout whose episodes are cut off after `max_steps` unless the options say otherwise.
///
/// # Errors
/// If a common option has a wrong value.
pub fn make(
    layout: impl Layout,
    max_steps: usize,
    factors: &'static [Factor],
    options: &Options,
) -> Result<Box<dyn Blueprint>> {
    let size @ [width, height] = layout.size();
    let picture = options.size([64, 64])?;
    let limit = options.limit("max_steps", Some(max_steps))?.unwrap_or(max_steps);
    let symbols = |name, shape: [usize; 2]| {
        let n = shape[0] * shape[1] * CHANNELS;
        let space =
            Space::Box { shape: vec![shape[0], shape[1], CHANNELS], low: vec![0.0; n], high: vec![10.0; n] };
        View { name, space }
    };
    let face = Face {
        action: Space::Discrete { n: Act::ALL.len() },
        action_names: Act::NAMES,
        views: vec![
            View::pixels("pixels", options)?,
            symbols("symbols", [SIDE, SIDE]),
            View::choice("direction", Facing::ALL.len()),
            View::text("mission", MAX_CHARS),
            symbols("full", [width as usize, height as usize]),
            View::pixels("top", options)?,
        ],
        max_steps: Some(max_steps),
    };
    let world = GridWorld {
        layout: Box::new(layout),
        max_steps: limit as u64,
        glimpse_tiles: Tiles::new(picture, [SIDE as i32; 2]),
        board_tiles: Tiles::new(picture, size),
    };
    blueprint(world, face, factors, options)
}

impl World for GridWorld {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let (shared, own) = factors.split_at(CONDITIONS.len());
        let Scene { board, agent, task } = self.layout.scene(own, rng);
        let conditions = Conditions { look: Look::new([shared[0], shared[1]]), stall_chance: shared[2] };
        State { board, agent, carried: Cell::EMPTY, n_steps: 0, task, conditions }
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        let mut act = Act::ALL[action.choice()];
        let stall_chance = state.conditions.stall_chance;
        if stall_chance > 0.0 && rng.chance(stall_chance) {
            act = Act::Done;
        }
        if act == Act::PickUp && matches!(state.task, Task::Choose { .. }) {
            act = Act::Toggle;
        }
        state.n_steps = state.n_steps.saturating_add(1);
        let effect = state.act(act);
        let verdict = state.task.verdict(state, effect);
        let reward = if verdict == Some(true) { self.reward(state.n_steps) } else { 0.0 };
        Outcome { reward, terminated: verdict.is_some() }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        let glimpse = || Glimpse::of(state, self.layout.sees_through_walls());
        match (view, out) {
            (PIXELS, Sight::Pixels(mut canvas)) => {
                self.glimpse_tiles.draw_glimpse(state, &glimpse(), &mut canvas);
            }
            (_, Sight::Pixels(mut canvas)) => self.board_tiles.draw_board(state, &glimpse(), &mut canvas),
            (SYMBOLS, Sight::Numbers(out)) => glimpse().write(out),
            (_, Sight::Numbers(out)) => write_board(&state.board, state.agent, out),
            (_, Sight::Choice(out)) => *out = state.agent.facing as i64,
            (_, Sight::Text(out)) => state.write_mission(self.layout.mission(), out),
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        state.check(self.layout.size())
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        Value::Discrete(plan::advise(state).unwrap_or(Act::Done) as i64)
    }
}

impl GridWorld {
    /// What a win after `n_steps` is worth: from 1 down to 0.1 at the end of the time.
    fn reward(&self, n_steps: u64) -> f32 {
        let spent = n_steps as f64 / self.max_steps.max(1) as f64;
        (1.0 - 0.9 * spent.min(1.0)) as f32
    }
}
