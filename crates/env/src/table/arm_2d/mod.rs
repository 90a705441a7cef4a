//! A planar arm with three joints and a gripper that picks up a block and puts it down elsewhere, seen by two cameras.
//!
//! The hand pushes what it touches by the physics of [`pusht`](super::pusht). What both fingers touch while they close is held
//! and goes with the hand until they open; a solver of impulses could not squeeze a body between two that give way to nothing.

mod arm;
mod draw;

pub use arm::Arm;
pub use draw::Looks;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::physics::{Body, Contacts, Fixture, Scene};
use super::pusher::{N_SUBSTEPS, SEEN_PX, STEP_SECS, seen, walls};
use super::shape::{Shape, Vec2, add, cross, direction, dot, length, scale, sub, turned, wrapped};
use crate::blueprint::blueprint;
use crate::factors::{Factor, check, exact, factor};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};
use arm::{BASE_PX, LIMITS_RAD, OPEN_PX};

/// How near the block has to come to the goal, and how near the grip when it should only reach it.
const NEAR_BLOCK_PX: f64 = 20.0;
const NEAR_GRIP_PX: f64 = 12.0;
/// How the arm stands at the start, and how far joints are from there at most.
const START_RAD: [f64; 3] = [-std::f64::consts::FRAC_PI_2 - 1.0, 2.2, -1.2];
const START_SPREAD_RAD: f64 = 0.15;
/// Corners of where block and goal are drawn, and how far from the base and from each other.
const START_PX: [Vec2; 2] = [[90.0, 90.0], [422.0, 250.0]];
const START_REACH_PX: [f64; 2] = [285.0, 395.0];
const START_APART_PX: f64 = 90.0;
/// How far before the block the expert lines up.
const LINE_UP_PX: f64 = 58.0;
/// Fixtures of the fingers and of the block.
const FINGERS: [u8; 2] = [1, 2];
const BLOCK: u8 = 7;

const FACTORS: &[Factor] = &[
    factor("block_half_px", "half the side of the block", [16.0, 14.0, 18.0, 18.0, 22.0]),
    factor("friction", "between hand and block", [0.4, 0.2, 0.6, 0.6, 1.0]),
    factor("damping", "share of its velocity that a block keeps over a second", [0.0, 0.0, 0.1, 0.1, 0.5]),
    factor("joint_speed_radps", "fastest turn of a joint", [1.5, 1.2, 1.8, 0.8, 1.2]),
    factor("forearm_px", "length of the forearm", [170.0, 164.0, 180.0, 180.0, 200.0]),
    factor("wrist_view_px", "side of what the camera at the wrist sees", [160.0, 140.0, 180.0, 180.0, 240.0]),
    factor("block_hue_deg", "how far the block's colour is turned", [0.0, -40.0, 40.0, 90.0, 180.0]),
    factor("goal_hue_deg", "how far the goal's colour is turned", [0.0, -40.0, 40.0, 90.0, 180.0]),
    factor("arm_hue_deg", "how far the arm's colour is turned", [0.0, -40.0, 40.0, 90.0, 180.0]),
    factor("table_light", "brightness of the table", [1.0, 0.8, 1.0, 0.4, 0.7]),
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "arm_2d",
    about: "a planar arm with a gripper picks up a block and puts it on its goal, two cameras",
    page: "\
An arm with three joints is fixed to the lower side of a table of 512 by 512 pixels. Its hand has a palm and two fingers.

- `state`: the three joints (rad), the opening of the fingers (px), the grip's x and y and the hand's angle, x, y and angle of the
  block, 1 if it is held, x and y of the goal. `top`: the table from above. `wrist`: what lies before the hand, turned with it.
- Action: four numbers from -1 to 1 for 0.1 s: how fast the joints turn, as a share of `joint_speed_radps`, and how fast the
  fingers open (1) or close (-1).
- The hand pushes what it touches. What both fingers touch while they close is held until they open; the links pass above.
- Reward: by how much shorter the way from grip to block and on to the goal became, as a share of the way at the start; 1 more at
  the end.
- Ends when the block lies within 20 px of the goal and is not held; with `task=reach` when the grip is within 12 px of the goal.
  Cut off after 150 steps.
- A world of this project; there is no reference. The expert lines up with a side of the block, closes, carries and opens.",
    options: &[
        OptionEntry { name: "task", default: "pick", about: "pick (the block to the goal) or reach (the grip)" },
        OptionEntry { name: "max_steps", default: "150", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let ([low, high], turn) = (SEEN_PX, std::f32::consts::TAU);
        let [joints_low, joints_high] = [0, 1].map(|side| LIMITS_RAD.map(|limits| limits[side] as f32));
        let ([a, b, c], [d, e, f]) = (joints_low, joints_high);
        let half = turn / 2.0;
        let lows = [a, b, c, 0.0, low, low, -half, low, low, 0.0, 0.0, low, low];
        let highs = [d, e, f, OPEN_PX as f32, high, high, half, high, high, turn, 1.0, high, high];
        let face = Face {
            action: Space::vector(4, -1.0, 1.0),
            action_names: &[],
            views: vec![
                View::numbers("state", &lows, &highs),
                View::pixels("top", options)?,
                View::pixels("wrist", options)?,
            ],
            max_steps: Some(150),
        };
        blueprint(Arm2d::new(options)?, face, FACTORS, options)
    }),
};

/// The rules: what is to be done.
#[derive(Debug)]
pub struct Arm2d {
    only_reach: bool,
}

/// Where a held block is, as the hand sees it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its middle, from the wrist.
    pub at: Vec2,
    /// How far it is turned against the hand.
    pub angle_rad: f64,
}

/// Everything that changes, and what the episode drew.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// How the arm stands.
    pub arm: Arm,
    /// What is held.
    pub hold: Option<Hold>,
    /// Palm, fingers and block.
    pub bodies: [Body; 4],
    /// What touches.
    pub contacts: Contacts,
    /// Where the block, or the grip, should be.
    pub goal_px: Vec2,
    /// The way that is left, and the whole way.
    pub ways_px: [f64; 2],
    /// Half the side of the block.
    pub block_half_px: f64,
    /// Friction between hand and block.
    pub friction: f64,
    /// Share of its velocity that a block keeps over a second.
    pub damping: f64,
    /// How fast joints turn at most.
    pub joint_speed_radps: f64,
    /// What it looks like.
    pub looks: Looks,
}

/// A square around its middle.
fn outline(half_px: f64) -> Shape {
    Shape::rect([-half_px; 2], [half_px; 2])
}

/// A block at rest; its mass is 1.
fn lying(middle: Vec2, angle_rad: f64, half_px: f64) -> Body {
    Body::pushed(middle, angle_rad, 1.0, 4.0 * half_px * half_px / 6.0)
}

impl State {
    /// The block.
    pub fn block(&self) -> &Body {
        &self.bodies[3]
    }

    fn way(&self, only_reach: bool) -> f64 {
        let (grip, block) = (self.arm.grip(), self.block().middle);
        if only_reach {
            length(sub(self.goal_px, grip))
        } else {
            length(sub(block, grip)) + length(sub(self.goal_px, block))
        }
    }

    fn is_done(&self, only_reach: bool) -> bool {
        if only_reach {
            self.way(true) <= NEAR_GRIP_PX
        } else {
            self.hold.is_none() && length(sub(self.goal_px, self.block().middle)) <= NEAR_BLOCK_PX
        }
    }

    fn fixtures(&self) -> [Fixture; 8] {
        let square = outline(self.block_half_px);
        let block = Fixture { body: Some(3), shape: square, friction: 1.0 };
        let mut all = [block; 8];
        for (i, shape) in Arm::outlines().into_iter().enumerate() {
            all[i] = Fixture { body: Some(i), shape, friction: self.friction };
        }
        all[3..7].copy_from_slice(&walls());
        all
    }

    /// Follows a command for one action.
    fn follow(&mut self, command: [f64; 4]) {
        let fixtures = self.fixtures();
        let scene = Scene { fixtures: &fixtures, kept: self.damping.powf(STEP_SECS), secs: STEP_SECS };
        let Self { arm, hold, bodies, contacts, block_half_px, joint_speed_radps, .. } = self;
        scene.run(bodies, contacts, N_SUBSTEPS, |bodies, contacts| {
            let between = FINGERS.iter().all(|finger| contacts.touch([*finger, BLOCK]));
            grasp(arm, hold, &mut bodies[3], (command[3], between, *block_half_px));
            arm.advance(command, *joint_speed_radps, hold.is_some(), STEP_SECS);
            lead(arm, *hold, bodies);
        });
    }

    fn numbers(&self, out: &mut [f32]) {
        let (arm, block) = (&self.arm, self.block());
        let ([a, b, c], [x, y], [block_x, block_y]) = (arm.joints_rad, arm.grip(), block.middle);
        let hand = wrapped(arm.hand_rad()) as f32;
        let angle = block.angle_rad.rem_euclid(std::f64::consts::TAU) as f32;
        let held = f32::from(u8::from(self.hold.is_some()));
        let [goal_x, goal_y] = self.goal_px.map(seen);
        let [a, b, c, opening] = [a, b, c, arm.opening_px].map(|x| x as f32);
        let (x, y, block_x, block_y) = (seen(x), seen(y), seen(block_x), seen(block_y));
        out.copy_from_slice(&[a, b, c, opening, x, y, hand, block_x, block_y, angle, held, goal_x, goal_y]);
    }

    /// The command of somebody who picks the block up and carries it to the goal.
    fn pick(&self) -> [f64; 4] {
        let (arm, block) = (&self.arm, self.block());
        if self.hold.is_some() {
            // The block, not the grip, is to be at the goal.
            let off = sub(block.middle, arm.grip());
            if length(sub(self.goal_px, block.middle)) < 8.0 {
                return [0.0, 0.0, 0.0, 1.0];
            }
            let grip = sub(self.goal_px, off);
            let out = sub(grip, BASE_PX);
            return self.go(grip, out[1].atan2(out[0]), -1.0);
        }
        let out = sub(block.middle, BASE_PX);
        let out_rad = out[1].atan2(out[0]);
        let quarter = std::f64::consts::FRAC_PI_2;
        let side = ((out_rad - block.angle_rad) / quarter).round();
        let hand = block.angle_rad + side * quarter;
        let way = direction(hand);
        let gap = sub(block.middle, arm.grip());
        let (ahead, aside) = (dot(gap, way), cross(way, gap).abs());
        let is_lined_up = aside < 6.0 && wrapped(hand - arm.hand_rad()).abs() < 0.1;
        if is_lined_up && ahead.abs() < 6.0 {
            return [0.0, 0.0, 0.0, -1.0];
        }
        if is_lined_up && ahead < LINE_UP_PX + 10.0 && arm.opening_px > OPEN_PX - 4.0 {
            return self.go(block.middle, hand, 1.0);
        }
        self.go(sub(block.middle, scale(way, LINE_UP_PX)), hand, 1.0)
    }

    /// The command that brings the grip to a point with the hand turned so.
    fn go(&self, grip: Vec2, hand_rad: f64, fingers: f64) -> [f64; 4] {
        let secs = N_SUBSTEPS as f64 * STEP_SECS;
        let joints = self.arm.reaching(grip, hand_rad);
        let [a, b, c] = self.arm.towards(joints, self.joint_speed_radps, secs);
        [a, b, c, fingers]
    }
}

/// Takes hold of the block if the fingers close on it, and lets go if they open.
fn grasp(
    arm: &Arm,
    hold: &mut Option<Hold>,
    block: &mut Body,
    (fingers, between, half_px): (f64, bool, f64),
) {
    if hold.is_some() && fingers > 0.0 {
        *hold = None;
        *block = lying(block.middle, block.angle_rad, half_px);
    } else if hold.is_none() && fingers < 0.0 && between {
        let back = direction(-arm.hand_rad());
        let at = turned(sub(block.middle, arm.wrist()), back);
        *hold = Some(Hold { at, angle_rad: block.angle_rad - arm.hand_rad() });
        *block = Body { angle_rad: block.angle_rad, ..Body::driven(block.middle) };
    }
}

/// Gives the hand, and what it holds, the velocities that bring them to where the arm is in the next step.
fn lead(arm: &Arm, hold: Option<Hold>, bodies: &mut [Body]) {
    let hand = arm.hand_rad();
    let mut lead = |i: usize, to: Vec2, angle_rad: f64| {
        let body: &mut Body = &mut bodies[i];
        body.velocity = scale(sub(to, body.middle), 1.0 / STEP_SECS);
        body.spin = (angle_rad - body.angle_rad) / STEP_SECS;
    };
    for (i, at) in arm.parts().into_iter().enumerate() {
        lead(i, at, hand);
    }
    if let Some(Hold { at, angle_rad }) = hold {
        lead(3, add(arm.wrist(), turned(at, direction(hand))), hand + angle_rad);
    }
}

/// A place that the arm reaches well.
fn draw_place(rng: &mut Rng, is_free: impl Fn(Vec2) -> bool) -> Vec2 {
    let [low, high] = START_PX;
    let [near, far] = START_REACH_PX;
    let mut place = [256.0, 170.0];
    for _ in 0..200 {
        place = std::array::from_fn(|i| low[i] + (high[i] - low[i]) * f64::from(rng.uniform()));
        if (near..=far).contains(&length(sub(place, BASE_PX))) && is_free(place) {
            break;
        }
    }
    place
}

impl Arm2d {
    /// Reads the options.
    ///
    /// # Errors
    /// If a kind of task is unknown.
    pub fn new(options: &Options) -> Result<Self> {
        let only_reach = match options.text("task") {
            None | Some("pick") => false,
            Some("reach") => true,
            Some(other) => return Err(options.wrong("task", "`pick` or `reach`", other)),
        };
        Ok(Self { only_reach })
    }
}

impl World for Arm2d {
    type State = State;

    const IS_SLOW: bool = true;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let exact = |i: usize| exact(factors[i]);
        let mut spread = || START_SPREAD_RAD * (2.0 * f64::from(rng.uniform()) - 1.0);
        let joints_rad = START_RAD.map(|joint| joint + spread());
        let arm = Arm { joints_rad, opening_px: OPEN_PX, forearm_px: exact(4) };
        let block = draw_place(rng, |_| true);
        let goal_px = draw_place(rng, |place| length(sub(place, block)) > START_APART_PX);
        let angle = std::f64::consts::TAU * f64::from(rng.uniform());
        let [palm, left, right] =
            arm.parts().map(|at| Body { angle_rad: arm.hand_rad(), ..Body::driven(at) });
        let mut state = State {
            arm,
            hold: None,
            bodies: [palm, left, right, lying(block, angle, exact(0))],
            contacts: Contacts::default(),
            goal_px,
            ways_px: [0.0; 2],
            block_half_px: exact(0),
            friction: exact(1),
            damping: exact(2),
            joint_speed_radps: exact(3),
            looks: Looks::new([factors[6], factors[7], factors[8], factors[9]], exact(5)),
        };
        state.ways_px = [state.way(self.only_reach).max(1.0); 2];
        state
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let &[a, b, c, fingers] = action.numbers() else { unreachable!("an action is four numbers") };
        state.follow([a, b, c, fingers].map(f64::from));
        let (way, done) = (state.way(self.only_reach), state.is_done(self.only_reach));
        let nearer = (state.ways_px[0] - way) / state.ways_px[1];
        state.ways_px[0] = way;
        Outcome { reward: (nearer + f64::from(u8::from(done))) as f32, terminated: done }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(out) => state.numbers(out),
            Sight::Pixels(mut canvas) if view == 1 => draw::top(state, &mut canvas),
            Sight::Pixels(mut canvas) => draw::wrist(state, &mut canvas),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let held = |hold: Hold| {
            hold.angle_rad.abs() < 1e3
                && hold.at.iter().all(|x| x.abs() < 1e3)
                && state.block().per_mass == 0.0
        };
        let sound = state.arm.is_sound()
            && state.bodies.iter().all(Body::is_sound)
            && state.bodies[..3].iter().all(|part| part.per_mass == 0.0)
            && state.hold.map_or(state.block().per_mass > 0.0, held)
            && state.contacts.are_sound()
            && state.goal_px.iter().all(|x| (0.0..1e3).contains(x))
            && state.ways_px.iter().all(|way| (0.0..1e6).contains(way))
            && state.ways_px[1] >= 1.0;
        if !sound {
            return Err(Error::invalid("expected an arm and a block on the table, got others"));
        }
        let State { block_half_px, friction, damping, joint_speed_radps, .. } = *state;
        let (forearm, view) = (state.arm.forearm_px, state.looks.wrist_view_px);
        check(&[block_half_px, friction, damping, joint_speed_radps, forearm, view], FACTORS)
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let command = if self.only_reach {
            let out = sub(state.goal_px, BASE_PX);
            state.go(state.goal_px, out[1].atan2(out[0]), 0.0)
        } else {
            state.pick()
        };
        Value::Array { shape: vec![4], data: command.map(|x| x as f32).to_vec() }
    }
}
