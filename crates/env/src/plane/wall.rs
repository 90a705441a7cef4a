//! The Wall world: a dot that must pass the door between two rooms.
//!
//! Reference: the `wall` environment of DINO-WM (arXiv 2411.04983; gaoyuezhou/dino_wm, commit 0a9492f), whose walls, moves and
//! pictures these are. Goals, rewards and ends are added: there, success is measured from outside.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::rooms::{HALF_WALL_PX, OUTER_PX, Rooms, SIDE_PX};
use super::{Point, between, distance};
use crate::EnvEntry;
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::{check, exact, factor};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};

/// Pixels a unit of action.
const STEP_PX: f64 = 2.0;
/// The longest step that the reference's data holds, along one axis.
const MOST: f32 = 1.8;
/// How near the goal is near enough.
const NEAR_PX: f64 = 4.5;
/// The largest picture, in pixels a side.
const MOST_PX: usize = 1024;

const PAPER: Rgb = [255; 3];
const INK: Rgb = [0; 3];
const DOT: Rgb = [255, 0, 0];

/// Places of views.
const TARGET: usize = 2;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "wall",
    about: "DINO-WM's Wall: move a dot through the door between two rooms, RGB, 2 numbers",
    page: "\
A red dot starts in one of two rooms, its goal is in the other, and the only way is a door in the wall between them. A dot that
would cross a wall is put back half a pixel off it. All lengths are pixels of a picture of 65 by 65, whatever `size` is.

- `pixels`: both rooms and the dot; the goal is not seen. `target`: the same with the dot at its goal, for goal-conditioned
  methods. `state`: column and row of the dot, then of the goal.
- Action: a displacement right and down, each from -1.8 to 1.8, times 2 pixels.
- Reward: 1 for coming within 4.5 pixels of the goal, which ends the episode; else 0. Cut off after 50 steps.
- Equal to DINO-WM's `wall` environment (commit 0a9492f) in moves, and at `size=65` in pictures to one level of 255. It counts
  in 64 bits; the reference drops to 32 after a rebound. A dot that moves straight up or down into a wall rebounds here; in the
  reference its place turns into not-a-number. One on the very edge of the door rebounds too; there it slips into the wall. The
  reference has no bounds of actions (its data stay within 1.8), rewards nothing and never ends: its evaluation knows the goal and
  measures success, by the same 4.5 pixels.
- The expert goes straight to the door, through it, and straight to the goal.",
    options: &[],
    factors: &[
        factor("wall_px", "column of the wall between the rooms, rounded", [32.0, 26.0, 38.0, 40.0, 44.0]),
        factor("door_px", "row of the door's middle, rounded", [30.0, 10.0, 34.0, 40.0, 54.0]),
        factor("half_door_px", "half the height of the door", [4.0, 3.0, 6.0, 2.0, 2.8]),
        factor("dot_px", "standard deviation of the dot", [1.7, 1.4, 2.0, 2.2, 2.8]),
        HUE,
        LIGHT,
    ],
    make: Maker::BuiltIn(|options| {
        let [near, far] = OUTER_PX.map(|x| x as f32);
        let face = Face {
            action: Space::vector(2, -MOST, MOST),
            action_names: &[],
            views: vec![
                View::pixels("pixels", options)?,
                View::numbers("state", &[near; 4], &[far; 4]),
                View::pixels("target", options)?,
            ],
            max_steps: Some(50),
        };
        blueprint(Wall, face, ENTRY.factors, options)
    }),
};

/// The rules of the Wall world.
#[derive(Debug)]
pub struct Wall;

/// Everything that changes, and the constants of the episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Column and row of the dot.
    pub dot: Point,
    /// Where it is to come.
    pub goal: Point,
    /// Where the walls are.
    pub rooms: Rooms,
    /// Standard deviation of the dot.
    pub dot_px: f64,
    /// Colours of the scene.
    pub look: Look,
}

impl World for Wall {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let [wall_px, door_px, half_door_px, dot_px] = [0, 1, 2, 3].map(|i| exact(factors[i]));
        let rooms = Rooms { wall_px: wall_px.round(), door_px: door_px.round(), half_door_px };
        let ([left, right], [near, far], margin) = (rooms.faces(), OUTER_PX, 2.0 * dot_px);
        let mut place =
            |low: f64, high: f64| [between(low, high, rng), between(near + margin, far - margin, rng)];
        let (mut dot, mut goal) = (place(near + margin, left - margin), place(right + margin, far - margin));
        if rng.chance(0.5) {
            (dot, goal) = (goal, dot);
        }
        State { dot, goal, rooms, dot_px, look: Look::new([factors[4], factors[5]]) }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let by = action.numbers();
        let to = [0, 1].map(|i| state.dot[i] + f64::from(by[i]) * STEP_PX);
        state.dot = state.rooms.reached(state.dot, to);
        let terminated = distance(state.dot, state.goal) < NEAR_PX;
        Outcome { reward: f32::from(terminated), terminated }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(numbers) => {
                let seen = state.dot.into_iter().chain(state.goal);
                numbers.iter_mut().zip(seen).for_each(|(out, x)| *out = x as f32);
            }
            Sight::Pixels(mut canvas) => {
                state.draw(if view == TARGET { state.goal } else { state.dot }, &mut canvas);
            }
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let Rooms { wall_px, door_px, half_door_px } = state.rooms;
        check(&[wall_px, door_px, half_door_px, state.dot_px], ENTRY.factors)?;
        match [state.dot, state.goal].iter().find(|spot| !state.rooms.is_free(**spot)) {
            Some(spot) => Err(Error::invalid(format!("expected a place inside the rooms, got {spot:?}"))),
            None => state.look.check(),
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let (to, [x, y]) = (state.way_point(), state.dot);
        let by = [to[0] - x, to[1] - y].map(|px| px / STEP_PX);
        let longest = by[0].abs().max(by[1].abs()).max(f64::from(MOST));
        Value::vector(by.map(|part| (part / longest * f64::from(MOST)).clamp(-1.8, 1.8) as f32).to_vec())
    }
}

impl State {
    /// Where somebody goes next who knows the door: to it, through it, to the goal.
    fn way_point(&self) -> Point {
        let Rooms { wall_px, door_px, half_door_px } = self.rooms;
        let ([left, right], [x, y]) = (self.rooms.faces(), self.dot);
        let (is_goal_right, is_in_door) = (self.goal[0] > wall_px, x > left && x < right);
        let is_across = if is_goal_right { x >= right } else { x <= left };
        if is_across {
            return self.goal;
        }
        let beyond = if is_goal_right { right + 1.0 } else { left - 1.0 };
        if is_in_door || (y - door_px).abs() < 0.5 * half_door_px {
            return [beyond, door_px];
        }
        [if is_goal_right { left - 1.5 } else { right + 1.5 }, door_px]
    }

    /// The rooms with the dot at a place. Walls hide it.
    fn draw(&self, dot: Point, canvas: &mut Canvas<'_>) {
        let [paper, ink] = [PAPER, INK].map(|colour| self.look.of(colour));
        canvas.fill(paper);
        self.draw_dot(dot, paper, canvas);
        let size = [canvas.width, canvas.height].map(|n| n as f64 / SIDE_PX);
        let edge = |axis: usize, at: f64| (at * size[axis]).round() as i32;
        let mut bar = |columns: [f64; 2], rows: [f64; 2]| {
            let ([x, y], [to_x, to_y]) =
                ([edge(0, columns[0]), edge(1, rows[0])], [edge(0, columns[1]), edge(1, rows[1])]);
            canvas.rect(x, y, (to_x - x).max(1), (to_y - y).max(1), ink);
        };
        let wall = [self.rooms.wall_px - HALF_WALL_PX, self.rooms.wall_px + HALF_WALL_PX + 1.0];
        let [top, bottom] = self.rooms.door();
        bar(wall, [0.0, top.ceil()]);
        bar(wall, [bottom.floor() + 1.0, SIDE_PX]);
        for at in OUTER_PX {
            bar([at, at + 1.0], [0.0, SIDE_PX]);
            bar([0.0, SIDE_PX], [at, at + 1.0]);
        }
    }

    /// A bell of colour whose highest pixel is full.
    fn draw_dot(&self, dot: Point, paper: Rgb, canvas: &mut Canvas<'_>) {
        let colour = self.look.of(DOT);
        let mut across = [0.0; MOST_PX];
        let mut down = [0.0; MOST_PX];
        let columns = self.bell(dot[0], &mut across[..canvas.width.min(MOST_PX)]);
        let rows = self.bell(dot[1], &mut down[..canvas.height.min(MOST_PX)]);
        for row in rows {
            for column in columns.clone() {
                let share = across[column] * down[row];
                let pixel = &mut canvas.px[(row * canvas.width + column) * 3..][..3];
                for (level, (from, to)) in pixel.iter_mut().zip(paper.into_iter().zip(colour)) {
                    let change = (f64::from(to) - f64::from(from)) * share;
                    *level = (i32::from(from) + change as i32) as u8;
                }
            }
        }
    }

    /// Writes how much of the dot the pixels along one axis hold, 1 for the nearest; returns those that hold some.
    fn bell(&self, at: f64, out: &mut [f64]) -> std::ops::Range<usize> {
        let n = out.len();
        let each = SIDE_PX / n as f64;
        let reach = 4.0 * self.dot_px + each;
        let place = |at: f64| (((at + 0.5) / each).floor().max(0.0) as usize).min(n);
        let range = place(at - reach)..place(at + reach + each);
        let mut most = f64::MIN_POSITIVE;
        for i in range.clone() {
            let off = (i as f64 + 0.5) * each - 0.5 - at;
            out[i] = (-off * off / (2.0 * self.dot_px * self.dot_px)).exp();
            most = most.max(out[i]);
        }
        out[range.clone()].iter_mut().for_each(|share| *share /= most);
        range
    }
}
