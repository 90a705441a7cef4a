//! PointMaze: push a ball through a maze to a goal.
//!
//! Reference: Gymnasium-Robotics 1.4.2's `PointMaze` (Fu and others, "D4RL", arXiv 2004.07219), on MuJoCo 4.0.0.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::ball::{Ball, Drive};
use super::maze::Maze;
use super::{Point, between, distance};
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::{check, check_within, exact, factor};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry};

/// How near the goal is near enough.
const NEAR_M: f64 = 0.45;
/// How far off the middle of a cell starts and goals are at most, along each axis.
const SPREAD_M: f64 = 0.25;
/// Ball and goal start farther apart than this, the ball at the middle of its cell.
const APART_M: f64 = 0.5;
/// More than any speed along an axis, also right after a rebound from several walls at once.
const MOST_MPS: f64 = 10.0;
/// Less than the distance of the ball's middle from any wall.
const LEAST_GAP_M: f64 = 0.01;

const FLOOR: [Rgb; 2] = [[58, 74, 96], [50, 65, 86]];
const SHADE: Rgb = [36, 47, 64];
const WALL: Rgb = [204, 160, 104];
const EDGE: Rgb = [150, 110, 66];
const GOAL: Rgb = [236, 72, 76];
const GOAL_RIM: Rgb = [255, 176, 170];
const BALL: Rgb = [92, 200, 112];
const GLEAM: Rgb = [206, 246, 206];
/// Radius of ball and goal in pictures.
const DRAWN_M: f32 = 0.2;
/// The least of it in small pictures.
const LEAST_PX: f32 = 1.5;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "point_maze",
    about: "PointMaze as in Gymnasium-Robotics: push a ball through a maze to a goal, 6 numbers, 2 forces",
    page: "\
A ball rolls through a maze of square cells of one metre, pushed by a force. Ball and goal start in random cells.

- `state`: x and y of the ball (m, from the middle of the maze), its velocity (m/s), x and y of the goal. `pixels`: the whole
  maze from above.
- Action: two forces, each from -1 to 1, times 100 N, for 0.01 s. Speeds above 5 m/s along an axis are cut before each step.
- Reward: 1 within 0.45 m of the goal, else 0; with `dense` e to the power of minus the distance.
- Never ends by itself, with `episodic` at the goal; cut off after 300 steps (`umaze`, `open`), 600 (`medium`), 800 (`large`).
- Equal to Gymnasium-Robotics 1.4.2's `PointMaze_UMaze-v3`, `_Open-`, `_Medium-` and `_Large-` on MuJoCo 4.0.0 (and 3.17),
  walls included, to 1e-9 over 100 steps from the same state. Older MuJoCo, such as 3.3, lets the ball 2 mm nearer to walls
  before they push. Pictures are drawn in a style of their own.
- The expert takes the shortest way through the cells, steering for the end of each straight run.",
    options: &[
        OptionEntry { name: "maze", default: "umaze", about: "which maze: `umaze`, `medium`, `large` or `open`" },
        OptionEntry { name: "dense", default: "false", about: "whether being near the goal is rewarded" },
        OptionEntry { name: "episodic", default: "false", about: "whether an episode ends at the goal" },
        OptionEntry {
            name: "max_steps",
            default: "",
            about: "steps until truncation, or `none`; 300, 600 or 800 if left out, as the maze is large",
        },
    ],
    factors: &[
        factor("force_n", "force of the strongest push", [100.0, 80.0, 110.0, 40.0, 70.0]),
        factor("damping_nspm", "braking force of the floor a speed", [1.0, 0.5, 2.0, 4.0, 8.0]),
        factor("density_kgpm3", "density of the ball", [1000.0, 900.0, 1200.0, 1500.0, 2500.0]),
        HUE,
        LIGHT,
    ],
    make: Maker::BuiltIn(|options| {
        let name = options.text("maze").unwrap_or(Maze::ALL[0].name);
        let Some(maze) = Maze::ALL.into_iter().find(|maze| maze.name == name) else {
            let names = Maze::ALL.map(|maze| maze.name).join(", ");
            return Err(options.wrong("maze", &format!("one of {names}"), name));
        };
        let [x, y] = maze.size().map(|n| n as f32 / 2.0);
        let most = MOST_MPS as f32;
        let face = Face {
            action: Space::vector(2, -1.0, 1.0),
            action_names: &[],
            views: vec![
                View::numbers("state", &[-x, -y, -most, -most, -x, -y], &[x, y, most, most, x, y]),
                View::pixels("pixels", options)?,
            ],
            max_steps: Some(maze.max_steps),
        };
        let world = PointMaze {
            maze,
            is_dense: options.flag("dense")?,
            is_episodic: options.flag("episodic")?,
        };
        blueprint(world, face, ENTRY.factors, options)
    }),
};

/// The rules of a maze.
#[derive(Debug)]
pub struct PointMaze {
    maze: Maze,
    is_dense: bool,
    is_episodic: bool,
}

/// Everything that changes, and the constants of the episode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The ball.
    pub ball: Ball,
    /// Where it is to come.
    pub goal_m: Point,
    /// How it is driven.
    pub drive: Drive,
    /// Colours of the scene.
    pub look: Look,
}

impl PointMaze {
    /// The middle of a random cell.
    fn draw_cell(&self, rng: &mut Rng) -> Point {
        let cell = self.maze.free().nth(rng.below(self.maze.free().count()));
        self.maze.middle(cell.expect("a maze has free cells"))
    }
}

/// A place near the middle of a cell.
fn near(middle: Point, rng: &mut Rng) -> Point {
    middle.map(|x| x + between(-SPREAD_M, SPREAD_M, rng))
}

impl World for PointMaze {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let goal_m = near(self.draw_cell(rng), rng);
        let mut middle = self.draw_cell(rng);
        while distance(middle, goal_m) <= APART_M {
            middle = self.draw_cell(rng);
        }
        let [force_n, damping_nspm, density_kgpm3] = [0, 1, 2].map(|i| exact(factors[i]));
        State {
            ball: Ball { at_m: near(middle, rng), speed_mps: [0.0; 2] },
            goal_m,
            drive: Drive { force_n, damping_nspm, density_kgpm3 },
            look: Look::new([factors[3], factors[4]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let push = action.numbers();
        state.ball.push([0, 1].map(|i| f64::from(push[i])), &state.drive, &self.maze);
        let off = distance(state.ball.at_m, state.goal_m);
        let is_there = off <= NEAR_M;
        let reward = if self.is_dense { (-off).exp() as f32 } else { f32::from(is_there) };
        Outcome { reward, terminated: is_there && self.is_episodic }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Numbers(numbers) => {
                let Ball { at_m, speed_mps } = state.ball;
                let seen = at_m.into_iter().chain(speed_mps).chain(state.goal_m);
                numbers.iter_mut().zip(seen).for_each(|(out, x)| *out = x as f32);
            }
            Sight::Pixels(mut canvas) => self.draw(state, &mut canvas),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let State { ball: Ball { at_m, speed_mps }, goal_m, drive, look } = state;
        let is_far = |wall: Point| distance(wall, *at_m) >= LEAST_GAP_M;
        let is_finite = at_m.iter().chain(goal_m).all(|x| x.is_finite());
        if !is_finite || self.maze.is_wall(self.maze.cell(*at_m)) || !self.maze.walls_near(*at_m).all(is_far)
        {
            return Err(Error::invalid(format!("expected a ball clear of walls, got one at {at_m:?}")));
        }
        if self.maze.is_wall(self.maze.cell(*goal_m)) {
            return Err(Error::invalid(format!("expected a goal in a free cell, got one at {goal_m:?}")));
        }
        speed_mps.iter().try_for_each(|speed| check_within("speed_mps", *speed, MOST_MPS))?;
        check(&[drive.force_n, drive.damping_nspm, drive.density_kgpm3], ENTRY.factors)?;
        look.check()
    }

    /// A spring to the next point of the way, damped, in units of acceleration.
    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let State { ball: Ball { at_m, speed_mps }, goal_m, drive, .. } = state;
        let to = self.maze.way_point(*at_m, *goal_m);
        let strongest = drive.force_n / drive.mass_kg();
        let push = |i: usize| (60.0 * (to[i] - at_m[i]) - 12.0 * speed_mps[i]) / strongest;
        Value::vector([0, 1].map(|i| push(i).clamp(-1.0, 1.0) as f32).to_vec())
    }
}

impl PointMaze {
    fn draw(&self, state: &State, canvas: &mut Canvas<'_>) {
        let [n_columns, n_rows] = self.maze.size();
        let (width, height) = (canvas.width as f32, canvas.height as f32);
        let side = (width / n_columns as f32).min(height / n_rows as f32);
        let corner = [(width - side * n_columns as f32) / 2.0, (height - side * n_rows as f32) / 2.0];
        let paint = |colour| state.look.of(colour);
        canvas.fill(paint(WALL));
        let [even, odd, shade, edge] = [FLOOR[0], FLOOR[1], SHADE, EDGE].map(paint);
        for cell @ [column, row] in self.maze.free() {
            let at = |axis: usize, i: f32| (corner[axis] + i * side).round() as i32;
            let (x, y) = (at(0, column as f32), at(1, row as f32));
            let (n_across, n_down) = (at(0, column as f32 + 1.0) - x, at(1, row as f32 + 1.0) - y);
            canvas.rect(x, y, n_across, n_down, if (column + row) % 2 == 0 { even } else { odd });
            if self.maze.is_wall([cell[0], cell[1] - 1]) {
                let deep = n_down / 5;
                canvas.rect(x, y, n_across, deep, edge);
                canvas.rect(x, y + deep, n_across, deep / 2, shade);
            }
        }
        let place = |[x, y]: Point| {
            let ([x, y], [across, down]) =
                ([x as f32, y as f32], [n_columns, n_rows].map(|n| n as f32 / 2.0));
            [corner[0] + (x + across) * side, corner[1] + (down - y) * side]
        };
        let radius = (DRAWN_M * side).max(LEAST_PX);
        let (goal, ball) = (place(state.goal_m), place(state.ball.at_m));
        let has_details = radius > 2.0;
        canvas.disc(goal, radius, paint(if has_details { GOAL_RIM } else { GOAL }));
        canvas.disc(goal, 0.75 * radius, paint(GOAL));
        canvas.disc(ball, radius, paint(BALL));
        if has_details {
            canvas.disc([ball[0] - 0.3 * radius, ball[1] - 0.3 * radius], 0.3 * radius, paint(GLEAM));
        }
    }
}
