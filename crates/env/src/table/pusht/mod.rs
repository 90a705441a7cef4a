//! PushT: a round pusher brings a T-shaped block to a pose drawn on the table.
//!
//! Reference: Florence et al., "Implicit Behavioral Cloning" (arXiv 2109.00137), and Chi et al., "Diffusion Policy"
//! (arXiv 2303.04137); geometry, control, physics and rewards are those of gym-pusht 0.1.8 on pymunk 6.

mod block;
mod draw;

pub use block::{Block, FORMS, Form};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Value};

use super::physics::{Body, Contacts, Fixture, Scene};
use super::pusher::{Aim, N_SUBSTEPS, SEEN_PX, SIDE_PX, STEP_SECS, pull, seen, walls};
use super::pushing::Task;
use super::shape::{Shape, Vec2};
use crate::blueprint::blueprint;
use crate::factors::{Factor, check, exact, factor};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};
use draw::Looks;

/// Share of the goal that must be covered.
const SUCCESS: f64 = 0.95;
const FACTORS: &[Factor] = &[
    factor("agent_hue_deg", "how far the pusher's colour is turned", [0.0, -40.0, 40.0, 90.0, 180.0]),
    factor("block_hue_deg", "how far the block's colour is turned", [0.0, -40.0, 40.0, 90.0, 180.0]),
    factor("goal_hue_deg", "how far the goal's colour is turned", [0.0, -40.0, 40.0, 90.0, 180.0]),
    factor("table_light", "brightness of the table, 1 for white", [1.0, 0.8, 1.0, 0.4, 0.7]),
    factor("agent_radius_px", "radius of the pusher", [15.0, 12.0, 18.0, 18.0, 24.0]),
    factor("block_scale_px", "width of the bars of the block", [30.0, 26.0, 34.0, 34.0, 40.0]),
    factor("friction", "between pusher and block", [0.0, 0.0, 0.3, 0.3, 1.0]),
    factor("damping", "share of its velocity that a block keeps over a second", [0.0, 0.0, 0.1, 0.1, 0.5]),
    factor("goal_x_px", "where the goal is", [256.0, 226.0, 286.0, 286.0, 326.0]),
    factor("goal_y_px", "where the goal is", [256.0, 226.0, 286.0, 286.0, 326.0]),
    factor("goal_angle_deg", "how far the goal is turned", [45.0, 0.0, 90.0, 90.0, 360.0]),
    factor(
        "start_spread",
        "how far from the middle things start, 1 as in the reference",
        [1.0, 0.5, 1.0, 1.0, 1.1],
    ),
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "pusht",
    about: "PushT as in gym-pusht: push a T-shaped block to its goal, 2 numbers as action",
    page: "\
A round pusher on a table of 512 by 512 pixels pushes a T-shaped block onto its green outline.

- `state`: x and y of the pusher, x, y and angle of the block. `keypoints`: the corners of the block, then the pusher.
  `goal`: x, y and angle of the goal. `pixels`: the table from above.
- Action: where the pusher should be, x and y from 0 to 512; a controller brings it there at 100 Hz, an action lasts 0.1 s.
  With `action=relative` two numbers from -1 to 1, a hundred pixels each, from where the pusher is.
- Reward: the covered share of the goal over 0.95, at most 1.
- Ends when more than 95 % are covered (`success` in the state); cut off after 300 steps.
- Beside gym-pusht 0.1.8 on pymunk 6.11 from the same states: the pusher agrees to the six decimals compared in every step, and
  so does the block until two pairs of shapes touch at once; then the order counts in which Chipmunk visits them. Of 3,000 pushes
  of six steps, nine in ten end at the same six decimals and 99 % within 2 px and 0.02 rad; the mean way of the block is 50.94 px
  against 50.99 px, its mean turn 0.2509 rad against 0.2508 rad. Starts are drawn in the same ranges.
- The picture is drawn here, in the reference's colours. Other forms (`form=`) are stable-worldmodel's.
- The expert pushes where a push leads best to the goal's pose, and goes round the block to get there.",
    options: &[
        OptionEntry { name: "form", default: "tee", about: "tee, small_tee, ell, zed, square, bar or plus" },
        Aim::OPTION,
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = PushT::new(options)?;
        let n_points = 8 * world.form.n_rects() + 2;
        let [low, high] = SEEN_PX;
        let turn = std::f32::consts::TAU;
        let face = Face {
            action: world.aim.space(),
            action_names: &[],
            views: vec![
                View::numbers("state", &[low, low, low, low, 0.0], &[high, high, high, high, turn]),
                View::pixels("pixels", options)?,
                View::numbers("keypoints", &vec![low; n_points], &vec![high; n_points]),
                View::numbers("goal", &[low, low, -turn], &[high, high, turn]),
            ],
            max_steps: Some(300),
        };
        blueprint(world, face, FACTORS, options)
    }),
};

/// The rules: a form of block, and how actions are meant.
#[derive(Debug)]
pub struct PushT {
    form: Form,
    aim: Aim,
}

/// Everything that changes, and what the episode drew.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The pusher and the block.
    pub bodies: [Body; 2],
    /// What touches.
    pub contacts: Contacts,
    /// Covered share of the goal.
    pub coverage: f64,
    /// Whether that is enough.
    pub success: bool,
    /// Origin of the form at the goal.
    pub goal_px: Vec2,
    /// How far the goal is turned.
    pub goal_angle_rad: f64,
    /// Radius of the pusher.
    pub agent_radius_px: f64,
    /// Width of the block's bars.
    pub block_scale_px: f64,
    /// Friction between pusher and block.
    pub friction: f64,
    /// Share of its velocity that a block keeps over a second.
    pub damping: f64,
    /// The colours.
    pub looks: Looks,
}

impl PushT {
    /// Reads the options.
    ///
    /// # Errors
    /// If a form or a kind of action is unknown.
    pub fn new(options: &Options) -> Result<Self> {
        let name = options.text("form").unwrap_or(FORMS[0].name);
        let form = FORMS.into_iter().find(|form| form.name == name).ok_or_else(|| {
            options.wrong("form", &format!("one of {}", FORMS.map(|form| form.name).join(", ")), name)
        })?;
        Ok(Self { form, aim: Aim::new(options)? })
    }

    /// Puts pusher and block where they should start, and lets them settle for one step of the physics.
    pub fn set(&self, state: &mut State, agent: Vec2, block: Vec2, angle_rad: f64) {
        state.bodies = [Body::driven(agent), self.block(state).set(block, angle_rad)];
        state.contacts = Contacts::default();
        self.advance(state, 1, None);
    }

    /// Where the pusher and the block's origin are, and how far the block is turned.
    pub fn pose(&self, state: &State) -> [f64; 5] {
        let [agent, block] = &state.bodies;
        let [x, y] = self.block(state).origin(block);
        [agent.middle[0], agent.middle[1], x, y, block.angle_rad.rem_euclid(std::f64::consts::TAU)]
    }

    fn block(&self, state: &State) -> Block {
        self.form.sized(state.block_scale_px)
    }

    fn coverage(&self, state: &State) -> f64 {
        let block = self.block(state);
        let body = &state.bodies[1];
        block.coverage((block.origin(body), body.angle_rad), (state.goal_px, state.goal_angle_rad))
    }

    /// Takes `n` steps of the physics, in which the pusher is pulled towards `target` if there is one.
    fn advance(&self, state: &mut State, n: usize, target: Option<Vec2>) {
        let (fixtures, n_fixtures) = self.fixtures(state);
        let fixtures = &fixtures[..n_fixtures];
        let scene = Scene { fixtures, kept: state.damping.powf(STEP_SECS), secs: STEP_SECS };
        scene.run(&mut state.bodies, &mut state.contacts, n, |bodies, _| {
            if let Some(target) = target {
                pull(&mut bodies[0], target);
            }
        });
        state.coverage = self.coverage(state);
        state.success = state.coverage > SUCCESS;
    }

    fn fixtures(&self, state: &State) -> ([Fixture; 5 + block::MAX_RECTS], usize) {
        let agent =
            Fixture { body: Some(0), shape: Shape::disc(state.agent_radius_px), friction: state.friction };
        let mut all = [agent; 5 + block::MAX_RECTS];
        all[1..5].copy_from_slice(&walls());
        let mut n = 5;
        // The order of contacts is that in which the reference's tree visits them, most of the time.
        for shape in self.block(state).around_middle().rev() {
            all[n] = Fixture { body: Some(1), shape, friction: 1.0 };
            n += 1;
        }
        (all, n)
    }

    /// Moves the pusher towards `target` for one action.
    pub fn push(&self, state: &mut State, target: Vec2) {
        self.advance(state, N_SUBSTEPS, Some(target));
    }

    fn numbers(&self, state: &State, view: usize, out: &mut [f32]) {
        match view {
            0 => out.iter_mut().zip(self.pose(state)).for_each(|(out, x)| *out = seen(x)),
            2 => {
                let [agent, body] = &state.bodies;
                let block = self.block(state);
                let (rects, n) = block.placed(block.origin(body), body.angle_rad);
                let points = rects[..n].iter().flat_map(|rect| rect.corners()).chain([&agent.middle]);
                out.iter_mut().zip(points.flatten()).for_each(|(out, x)| *out = seen(*x));
            }
            _ => {
                let goal = state.goal_px.into_iter().chain([state.goal_angle_rad]);
                out.iter_mut().zip(goal).for_each(|(out, x)| *out = seen(x));
            }
        }
    }
}

impl World for PushT {
    type State = State;

    const IS_SLOW: bool = true;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let exact = |i: usize| exact(factors[i]);
        let mut state = State {
            bodies: [Body::default(); 2],
            contacts: Contacts::default(),
            coverage: 0.0,
            success: false,
            goal_px: [exact(8), exact(9)],
            goal_angle_rad: exact(10).to_radians(),
            agent_radius_px: exact(4),
            block_scale_px: exact(5),
            friction: exact(6),
            damping: exact(7),
            looks: Looks::new(&factors[..4]),
        };
        // Whole pixels, as in the reference.
        let spread = exact(11);
        let mut draw = |low: usize, high: usize| {
            let middle = (low + high) as f64 / 2.0;
            middle + spread * ((low + rng.below(high - low)) as f64 - middle)
        };
        let agent = [draw(50, 450), draw(50, 450)];
        let block = [draw(100, 400), draw(100, 400)];
        let angle = std::f64::consts::PI * (2.0 * f64::from(rng.uniform()) - 1.0);
        self.set(&mut state, agent, block, angle);
        state
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let target = self.aim.target(action, state.bodies[0].middle);
        self.push(state, target);
        let reward = (state.coverage / SUCCESS).clamp(0.0, 1.0);
        Outcome { reward: reward as f32, terminated: state.success }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(out) => self.numbers(state, view, out),
            Sight::Pixels(mut canvas) => draw::draw(&self.block(state), state, &mut canvas),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let [agent, block] = &state.bodies;
        let sound = agent.is_sound() && block.is_sound() && state.contacts.are_sound();
        if !(sound && agent.per_mass == 0.0 && block.per_mass > 0.0 && state.coverage.abs() < 2.0) {
            return Err(Error::invalid("expected a pusher and a block on the table, got others"));
        }
        let [x, y] = state.goal_px;
        let State { agent_radius_px, block_scale_px, friction, damping, goal_angle_rad, .. } = *state;
        let constants =
            [agent_radius_px, block_scale_px, friction, damping, x, y, goal_angle_rad.to_degrees()];
        check(&constants, &FACTORS[4..])
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let [agent, body] = &state.bodies;
        let block = self.block(state);
        let (rects, n) = block.placed(block.origin(body), body.angle_rad);
        let task = Task {
            body,
            shapes: &rects[..n],
            obstacles: &rects[..n],
            middle: block.middle(state.goal_px, state.goal_angle_rad),
            angle_rad: Some(state.goal_angle_rad),
            pusher: agent.middle,
            radius_px: state.agent_radius_px,
            reach_px: [0.0, SIDE_PX],
        };
        self.aim.action(task.target(), agent.middle)
    }
}
