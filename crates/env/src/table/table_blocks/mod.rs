//! Several blocks on a table and an instruction: push the one that is named to another, or to a place.
//!
//! In the manner of Lynch et al., "Interactive Language: Talking to Robots in Real Time" (arXiv 2210.06407), with the table,
//! the pusher and the physics of [`pusht`](super::pusht).

mod piece;
mod task;

pub use piece::Piece;
pub use task::{Goal, Task};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Value};

use super::physics::{Body, Contacts, Fixture, Scene};
use super::picture::{Picture, lighter};
use super::pusher::{Aim, N_SUBSTEPS, SEEN_PX, SIDE_PX, STEP_SECS, pull, seen, walls};
use super::pushing;
use super::shape::{Shape, Vec2, direction, length, sub};
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb, turned};
use crate::factors::{Factor, check, exact, factor};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};
use piece::{COLOURS, FORMS};
use task::PLACES;

/// Most blocks: the one to push, the one to push it to, and the distractors.
pub const MAX_BLOCKS: usize = 6;
/// How near a block has to come to a place.
const NEAR_PLACE_PX: f64 = 32.0;
/// Two blocks are together if their middles are nearer than twice their size and this.
const NEAR_BLOCK_PX: f64 = 24.0;
/// How much farther things are at the start.
const START_APART_PX: f64 = 70.0;
/// Friction of two blocks is the square of this.
const ROUGHNESS: f64 = 0.5;
const PUSHER: Rgb = [60, 64, 76];
const TABLE: Rgb = [248, 240, 226];
/// Longest instruction.
const MAX_TEXT: usize = 80;

const FACTORS: &[Factor] = &[
    factor("block_size_px", "size of the blocks: the radius of a circle", [32.0, 28.0, 36.0, 20.0, 28.0]),
    factor("agent_radius_px", "radius of the pusher", [14.0, 12.0, 16.0, 16.0, 20.0]),
    factor("friction", "between pusher and blocks", [0.2, 0.0, 0.4, 0.4, 1.0]),
    factor("damping", "share of its velocity that a block keeps over a second", [0.0, 0.0, 0.1, 0.1, 0.5]),
    factor("n_distractors", "blocks that are not part of the task", [2.0, 0.0, 2.5, 3.0, 4.0]),
    factor("wording", "in which of six ways an instruction is said", [0.0, 0.0, 2.4, 2.6, 5.0]),
    factor("table_light", "brightness of the table", [1.0, 0.8, 1.0, 0.4, 0.7]),
    factor("agent_hue_deg", "how far the pusher's colour is turned", [0.0, -40.0, 40.0, 90.0, 180.0]),
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "table_blocks",
    about: "blocks on a table and an instruction in words: push the red circle to the blue square",
    page: "\
A round pusher on a table of 512 by 512 pixels among blocks of six colours and four forms, no two alike. An instruction
names one of them and where it should go: to another block, or to a corner or the middle of the table. All others distract.

- `state`: x and y of the pusher, of the block to push and of its goal; then for each of six places x, y and angle of a
  block, its colour from 1 to 6 and its form from 1 to 4, or zeros. `instruction`: the task in words. `pixels`: the table from above,
  which does not show what is asked for.
- Action: as in `pusht`, where the pusher should be, x and y from 0 to 512, or `action=relative`.
- Reward: by how much nearer the block came to its goal, as a share of the distance at the start; 1 more when it is there.
- Ends when the block is within 32 px of the place, or its middle within twice the block size and 24 px of the other's; cut off
  after 200 steps.
- A world of this project in the manner of Language-Table; the physics is that of `pusht`.
- The expert pushes where a push leads best to the goal, and goes round the blocks to get there.
- Instructions are said in six ways; `factors=train` hears the first three, `factors=shifted` the others.",
    options: &[
        OptionEntry { name: "task", default: "any", about: "any, block (to another block) or place" },
        Aim::OPTION,
        OptionEntry { name: "max_steps", default: "200", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = TableBlocks::new(options)?;
        let [low, high] = SEEN_PX;
        let block = |[place, angle, colour, form]: [f32; 4]| [place, place, angle, colour, form];
        let lows = [low; 6].into_iter().chain((0..MAX_BLOCKS).flat_map(|_| block([low, 0.0, 0.0, 0.0])));
        let turn = std::f32::consts::TAU;
        let most = block([high, turn, COLOURS.len() as f32, FORMS.len() as f32]);
        let highs = [high; 6].into_iter().chain((0..MAX_BLOCKS).flat_map(|_| most));
        let face = Face {
            action: world.aim.space(),
            action_names: &[],
            views: vec![
                View::numbers("state", &lows.collect::<Vec<_>>(), &highs.collect::<Vec<_>>()),
                View::pixels("pixels", options)?,
                View::text("instruction", MAX_TEXT),
            ],
            max_steps: Some(200),
        };
        blueprint(world, face, FACTORS, options)
    }),
};

/// The rules: what is asked for, and how actions are meant.
#[derive(Debug)]
pub struct TableBlocks {
    /// Chance that a task is about a place.
    to_place: f32,
    aim: Aim,
}

/// Everything that changes, and what the episode drew.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The pusher, then the blocks; what lies beyond `n_blocks` is not there.
    pub bodies: [Body; 1 + MAX_BLOCKS],
    /// What the blocks are.
    pub pieces: [Piece; MAX_BLOCKS],
    /// How many there are.
    pub n_blocks: usize,
    /// What touches.
    pub contacts: Contacts,
    /// What is asked for.
    pub task: Task,
    /// How far the block is from its goal, and how far it was at the start.
    pub gaps_px: [f64; 2],
    /// Radius of a circle; other forms are about as large.
    pub block_size_px: f64,
    /// Radius of the pusher.
    pub agent_radius_px: f64,
    /// Friction between pusher and blocks.
    pub friction: f64,
    /// Share of its velocity that a block keeps over a second.
    pub damping: f64,
    /// Colour of the table.
    pub table: Rgb,
    /// Colour of the pusher.
    pub agent: Rgb,
}

impl State {
    /// The blocks.
    pub fn blocks(&self) -> &[Body] {
        &self.bodies[1..=self.n_blocks]
    }

    /// Where the block is wanted.
    pub fn goal(&self) -> Vec2 {
        match self.task.goal {
            Goal::Block(i) => self.bodies[1 + i].middle,
            Goal::Place(i) => PLACES[i].1,
        }
    }

    fn gap(&self) -> f64 {
        length(sub(self.goal(), self.bodies[1 + self.task.block].middle))
    }

    /// At which gap the task is done.
    fn near_px(&self) -> f64 {
        match self.task.goal {
            Goal::Block(_) => 2.0 * self.block_size_px + NEAR_BLOCK_PX,
            Goal::Place(_) => NEAR_PLACE_PX,
        }
    }

    /// The outline of a block where it is.
    fn shape(&self, i: usize, size_px: f64) -> Shape {
        let body = &self.bodies[1 + i];
        self.pieces[i].shape(size_px).placed(body.middle, direction(body.angle_rad))
    }

    /// Puts pusher and blocks where they do not touch.
    fn scatter(&mut self, rng: &mut Rng) {
        let apart = 3.0 * self.block_size_px + self.agent_radius_px;
        for i in 0..=self.n_blocks {
            let mut draw = || 70.0 + (SIDE_PX - 140.0) * f64::from(rng.uniform());
            let mut middle = [draw(), draw()];
            for _ in 0..200 {
                if self.bodies[..i].iter().all(|other| length(sub(other.middle, middle)) > apart) {
                    break;
                }
                middle = [draw(), draw()];
            }
            self.bodies[i] = match i.checked_sub(1) {
                None => Body::driven(middle),
                Some(k) => {
                    let angle = std::f64::consts::TAU * f64::from(rng.uniform());
                    self.pieces[k].body(middle, angle, self.block_size_px)
                }
            };
        }
    }

    /// Draws blocks that all differ.
    fn draw_pieces(&mut self, rng: &mut Rng) {
        let mut left: [usize; COLOURS.len() * FORMS.len()] = std::array::from_fn(|i| i);
        for i in 0..self.n_blocks {
            let k = i + rng.below(left.len() - i);
            left.swap(i, k);
            self.pieces[i] = Piece::nth(left[i]);
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let mut picture = Picture::top(canvas);
        picture.fill(self.table);
        picture.walls();
        for (i, piece) in self.pieces[..self.n_blocks].iter().enumerate() {
            let colour = piece.rgb();
            for (size, colour) in [(1.0, colour), (0.8, lighter(colour))] {
                let shape = self.shape(i, size * self.block_size_px);
                match shape.corners() {
                    [middle] => picture.disc(*middle, shape.radius(), colour),
                    corners => picture.polygon(corners, colour),
                }
            }
        }
        picture.pusher(self.bodies[0].middle, self.agent_radius_px, self.agent);
    }

    fn numbers(&self, out: &mut [f32]) {
        let (pairs, slots) = out.split_at_mut(6);
        let named = [self.bodies[0].middle, self.bodies[1 + self.task.block].middle, self.goal()];
        pairs.iter_mut().zip(named.iter().flatten()).for_each(|(out, x)| *out = seen(*x));
        slots.fill(0.0);
        for (slot, (body, piece)) in slots.chunks_exact_mut(5).zip(self.blocks().iter().zip(&self.pieces)) {
            let angle = body.angle_rad.rem_euclid(std::f64::consts::TAU) as f32;
            let [x, y] = body.middle.map(seen);
            slot.copy_from_slice(&[x, y, angle, f32::from(piece.colour + 1), f32::from(piece.form + 1)]);
        }
    }
}

impl TableBlocks {
    /// Reads the options.
    ///
    /// # Errors
    /// If a kind of task or action is unknown.
    pub fn new(options: &Options) -> Result<Self> {
        let to_place = match options.text("task") {
            None | Some("any") => 0.5,
            Some("block") => 0.0,
            Some("place") => 1.0,
            Some(other) => return Err(options.wrong("task", "`any`, `block` or `place`", other)),
        };
        Ok(Self { to_place, aim: Aim::new(options)? })
    }
}

impl World for TableBlocks {
    type State = State;

    const IS_SLOW: bool = true;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let exact = |i: usize| exact(factors[i]);
        let task = Task { block: 0, goal: Goal::Block(1), wording: factors[5].round() as usize };
        let mut state = State {
            bodies: [Body::default(); 1 + MAX_BLOCKS],
            pieces: [Piece::default(); MAX_BLOCKS],
            n_blocks: (2 + factors[4].round() as usize).min(MAX_BLOCKS),
            contacts: Contacts::default(),
            task,
            gaps_px: [0.0; 2],
            block_size_px: exact(0),
            agent_radius_px: exact(1),
            friction: exact(2),
            damping: exact(3),
            table: TABLE.map(|level| (f32::from(level) * factors[6]).round() as u8),
            agent: turned(PUSHER, factors[7]),
        };
        state.draw_pieces(rng);
        if rng.chance(self.to_place) {
            state.task.goal = Goal::Place(rng.below(PLACES.len()));
        }
        for _ in 0..100 {
            state.scatter(rng);
            if state.gap() > state.near_px() + START_APART_PX {
                break;
            }
        }
        state.gaps_px = [state.gap(); 2];
        state
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let target = self.aim.target(action, state.bodies[0].middle);
        let shape = Shape::disc(state.agent_radius_px);
        let agent = Fixture { body: Some(0), shape, friction: state.friction / ROUGHNESS };
        let mut fixtures = [agent; 5 + MAX_BLOCKS];
        fixtures[1..5].copy_from_slice(&walls());
        for (i, fixture) in fixtures[5..5 + state.n_blocks].iter_mut().enumerate() {
            let shape = state.pieces[i].shape(state.block_size_px);
            *fixture = Fixture { body: Some(1 + i), shape, friction: ROUGHNESS };
        }
        let scene = Scene {
            fixtures: &fixtures[..5 + state.n_blocks],
            kept: state.damping.powf(STEP_SECS),
            secs: STEP_SECS,
        };
        scene.run(&mut state.bodies, &mut state.contacts, N_SUBSTEPS, |bodies, _| {
            pull(&mut bodies[0], target)
        });
        let gap = state.gap();
        let done = gap <= state.near_px();
        let nearer = (state.gaps_px[0] - gap) / state.gaps_px[1];
        state.gaps_px[0] = gap;
        Outcome { reward: (nearer + f64::from(u8::from(done))) as f32, terminated: done }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(out) => state.numbers(out),
            Sight::Pixels(mut canvas) => state.draw(&mut canvas),
            Sight::Text(out) => state.task.say(&state.pieces, out),
            Sight::Choice(_) => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let there = (2..=MAX_BLOCKS).contains(&state.n_blocks)
            && state.pieces.iter().all(|piece| piece.is_known())
            && state.task.fits(state.n_blocks);
        if !there {
            return Err(Error::invalid("expected a task about blocks that are there, got another"));
        }
        let sound = state.bodies.iter().all(Body::is_sound)
            && state.bodies[0].per_mass == 0.0
            && state.blocks().iter().all(|block| block.per_mass > 0.0)
            && state.contacts.are_sound()
            && state.gaps_px.iter().all(|gap| (0.0..1e6).contains(gap))
            && state.gaps_px[1] >= 1.0;
        if !sound {
            return Err(Error::invalid("expected a pusher and blocks on the table, got others"));
        }
        check(&[state.block_size_px, state.agent_radius_px, state.friction, state.damping], FACTORS)
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let agent = &state.bodies[0];
        let mut shapes = [Shape::disc(0.0); MAX_BLOCKS];
        for (i, shape) in shapes[..state.n_blocks].iter_mut().enumerate() {
            *shape = state.shape(i, state.block_size_px);
        }
        let block = state.task.block;
        let task = pushing::Task {
            body: &state.bodies[1 + block],
            shapes: &shapes[block..=block],
            obstacles: &shapes[..state.n_blocks],
            middle: state.goal(),
            angle_rad: None,
            pusher: agent.middle,
            radius_px: state.agent_radius_px,
            reach_px: [0.0, SIDE_PX],
        };
        self.aim.action(task.target(), agent.middle)
    }
}
