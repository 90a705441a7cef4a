//! A maze seen in first person: find the gem, and, in the harder task, the way back to where you started.
//!
//! The picture is cast ray by ray ([`eye`](super::eye)). Going back needs memory: nothing marks the start.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::eye::{Eye, Scene, ranges};
use super::maze::{Cell, MAX_ROOMS, MAX_SIDE, Maze};
use super::texture::Textures;
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb, turned};
use crate::factors::Factor;
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

/// Farthest step, in cells, and widest turn.
const STEP_CELLS: f32 = 0.2;
const TURN_DEG: f32 = 15.0;
/// Half the walker's width.
const BODY_CELLS: f32 = 0.2;
/// How near the middle of a cell one has to come.
const REACH_CELLS: f32 = 0.4;
/// `noop`, `turn_left`, `turn_right`, `forward`, `back` as parts of the farthest step and the widest turn.
const MOVES: [[f32; 2]; 5] = [[0.0, 0.0], [0.0, -1.0], [0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]];

const MAP_WALL: [Rgb; 4] = [[188, 92, 70], [136, 148, 162], [176, 120, 66], [70, 156, 152]];
const MAP_FLOOR: Rgb = [34, 34, 42];
const MAP_START: Rgb = [92, 150, 255];
const MAP_GEM: Rgb = [255, 214, 64];
const MAP_WALKER: Rgb = [250, 250, 250];

const fn factor(name: &'static str, about: &'static str, values: [f32; 5]) -> Factor {
    let [default, low, high, beyond, far] = values;
    Factor { name, about, default, train: [low, high], shifted: [beyond, far] }
}

const FACTORS: &[Factor] = &[
    factor("maze_rooms", "rooms along a side, rounded", [5.0, 4.0, 6.0, 7.0, 9.0]),
    factor("hue_deg", "how far all colours are turned", [0.0, 0.0, 60.0, 120.0, 180.0]),
    factor("brightness", "what colours are multiplied with", [1.0, 0.8, 1.0, 0.4, 0.7]),
    factor("fog_per_cell", "how fast things fade into the dark", [0.12, 0.08, 0.2, 0.3, 0.5]),
    factor("eye_cells", "height of the eye; the ceiling is at 1", [0.5, 0.45, 0.55, 0.65, 0.75]),
    factor("view_deg", "angle between the edges of the picture", [66.0, 60.0, 75.0, 90.0, 105.0]),
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "raycast_maze",
    about: "a maze in first person: find the gem, or find it and come back",
    page: "\
A walker in a maze of rooms and corridors looks for a gem. Walls of four materials, floor and ceiling are textured; the maze,
the start and the gem's far place are drawn anew for each episode.

- `pixels`: what the walker sees: a level pinhole camera, horizontal angle `view_deg`. `depth`: height x width, the planar depth
  (cells) of every pixel of that picture. `ranges`: for each of its columns the distance (cells) along the ray to the wall.
  `pose`: x, y (cells; x to the east, y to the south), heading (radians, 0 east, growing to the right, from -pi to pi).
  `state`: x, y, cosine and sine of the heading, x and y of what is sought, and whether the gem was taken. `map`: all from
  above, north up; the blue square is the start in `go_and_return`.
- Actions: `noop`, `turn_left`, `turn_right` (15 degrees), `forward`, `back` (0.2 cells). With `actions=continuous` two numbers
  from -1 to 1: how much of a step ahead, how much of a turn to the right; the turn comes first. The walker is a square of
  0.4 cells and slides along walls.
- Reward: 1 for coming within 0.4 cells of the gem. With `task=go_and_return` another 1 for coming back as near to the start.
  The gem vanishes when it is taken, nothing marks the start, and the start is far away: memory is needed.
- Ends with the last reward; cut off after 500 steps, 1,000 in `go_and_return`.
- A world of our own; distances are exact (tested to 1e-4 cells). The expert takes the shortest way.",
    options: &[
        OptionEntry { name: "task", default: "goal", about: "what to do: `goal` or `go_and_return`" },
        OptionEntry { name: "actions", default: "discrete", about: "kind of actions: `discrete` or `continuous`" },
        OptionEntry { name: "max_steps", default: "", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = RaycastMaze::new(options)?;
        let face = world.face(options)?;
        blueprint(world, face, FACTORS, options)
    }),
};

/// The rules of the maze. Views: see the page.
#[derive(Debug)]
pub struct RaycastMaze {
    must_return: bool,
    is_continuous: bool,
    size: [usize; 2],
    textures: Textures,
}

/// Everything that changes, and the looks of the episode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Walls.
    pub maze: Maze,
    /// Where the walker is, in cells.
    pub at: [f32; 2],
    /// Where it looks.
    pub heading_rad: f32,
    /// The cell in which it started.
    pub start: Cell,
    /// The gem's cell.
    pub gem: Cell,
    /// Whether the gem was taken.
    pub has_gem: bool,
    /// Decides which walls look how.
    pub paint: u32,
    /// How far colours are turned.
    pub hue_deg: f32,
    /// What colours are multiplied with.
    pub brightness: f32,
    /// How fast things fade into the dark.
    pub fog_per_cell: f32,
    /// Height of the eye.
    pub eye_cells: f32,
    /// Angle between the edges of the picture.
    pub view_deg: f32,
}

impl RaycastMaze {
    fn new(options: &Options) -> Result<Self> {
        Ok(Self {
            must_return: one_of(options, "task", ["goal", "go_and_return"])? == 1,
            is_continuous: one_of(options, "actions", ["discrete", "continuous"])? == 1,
            size: options.size([64, 64])?,
            textures: Textures::default(),
        })
    }

    fn face(&self, options: &Options) -> Result<Face> {
        let side = MAX_SIDE as f32;
        let [height, width] = self.size;
        let distances = |name, shape: Vec<usize>| {
            let n = shape.iter().product();
            let space = Space::Box { shape, low: vec![0.0; n], high: vec![2.0 * side; n] };
            View { name, space }
        };
        let half_turn = std::f32::consts::PI;
        Ok(Face {
            action: if self.is_continuous {
                Space::vector(2, -1.0, 1.0)
            } else {
                Space::Discrete { n: MOVES.len() }
            },
            action_names: if self.is_continuous {
                &[]
            } else {
                &["noop", "turn_left", "turn_right", "forward", "back"]
            },
            views: vec![
                View::pixels("pixels", options)?,
                distances("depth", vec![height, width]),
                distances("ranges", vec![width]),
                View::numbers("pose", &[0.0, 0.0, -half_turn], &[side, side, half_turn]),
                View::numbers(
                    "state",
                    &[0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 0.0],
                    &[side, side, 1.0, 1.0, side, side, 1.0],
                ),
                View::pixels("map", options)?,
            ],
            max_steps: Some(if self.must_return { 1000 } else { 500 }),
        })
    }
}

/// The place among `known` of what the option says; the first is its default.
fn one_of(options: &Options, name: &str, known: [&str; 2]) -> Result<usize> {
    let Some(text) = options.text(name) else { return Ok(0) };
    known
        .iter()
        .position(|choice| *choice == text)
        .ok_or_else(|| options.wrong(name, &format!("`{}` or `{}`", known[0], known[1]), text))
}

impl World for RaycastMaze {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let maze = Maze::new((factors[0].round() as usize).clamp(2, MAX_ROOMS), rng);
        let start = maze.any_room(rng);
        State {
            at: middle(start),
            heading_rad: (rng.below(24) as f32 * TURN_DEG - 180.0).to_radians(),
            gem: maze.far_room(start, rng),
            start,
            maze,
            has_gem: false,
            paint: rng.next_u64() as u32,
            hue_deg: factors[1],
            brightness: factors[2],
            fog_per_cell: factors[3],
            eye_cells: factors[4],
            view_deg: factors[5],
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let [ahead, turn] = match action {
            Action::Choice(i) => MOVES[i],
            Action::Numbers(numbers) => [numbers[0], numbers[1]],
        };
        state.walk(ahead * STEP_CELLS, (turn * TURN_DEG).to_radians());
        if !state.is_at(state.sought()) {
            return Outcome { reward: 0.0, terminated: false };
        }
        let is_done = state.has_gem || !self.must_return;
        state.has_gem = true;
        Outcome { reward: 1.0, terminated: is_done }
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        match (view, out) {
            (0, Sight::Pixels(mut canvas)) => state.scene().draw(&state.eye(), &self.textures, &mut canvas),
            (_, Sight::Pixels(mut canvas)) => state.draw_map(self.must_return, &mut canvas),
            (1, Sight::Numbers(out)) => state.scene().depths(&state.eye(), self.size, out),
            (2, Sight::Numbers(out)) => ranges(&state.maze, &state.eye(), out),
            (3, Sight::Numbers(out)) => {
                out.copy_from_slice(&[state.at[0], state.at[1], state.heading_rad]);
            }
            (_, Sight::Numbers(out)) => {
                let (sin, cos) = state.heading_rad.sin_cos();
                let ([x, y], [to_x, to_y]) = (state.at, middle(state.sought()));
                out.copy_from_slice(&[x, y, cos, sin, to_x, to_y, f32::from(u8::from(state.has_gem))]);
            }
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let side = state.maze.side();
        let inside = state.at.iter().all(|x| *x >= 0.0 && *x < side as f32)
            && [state.start, state.gem].iter().flatten().all(|i| *i < side);
        let looks = [
            (state.heading_rad, -4.0..=4.0),
            (state.hue_deg, -360.0..=360.0),
            (state.brightness, 0.0..=1.0),
            (state.fog_per_cell, 0.0..=10.0),
            (state.eye_cells, 0.05..=0.95),
            (state.view_deg, 10.0..=150.0),
        ];
        if inside && looks.iter().all(|(x, range)| range.contains(x)) {
            Ok(())
        } else {
            Err(Error::invalid(
                "expected a walker, a start and a gem in the maze, and looks in their ranges, got others",
            ))
        }
    }

    /// Turns to the next cell of the shortest way, then goes there.
    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let off = state.bearing();
        let turn = (off.to_degrees() / TURN_DEG).clamp(-1.0, 1.0);
        if self.is_continuous {
            let ahead = if off.abs() < 1.0 { 1.0 } else { 0.0 };
            return Value::Array { shape: vec![2], data: vec![ahead, turn] };
        }
        Value::Discrete(match turn {
            0.55.. => 2,
            ..-0.55 => 1,
            _ => 3,
        })
    }
}

fn middle(cell: Cell) -> [f32; 2] {
    cell.map(|i| i as f32 + 0.5)
}

/// The same angle from -pi to pi.
fn wrapped(angle: f32) -> f32 {
    use std::f32::consts::{PI, TAU};
    ((angle + PI).rem_euclid(TAU) - PI).clamp(-PI, PI)
}

impl State {
    /// The cell to go to now.
    fn sought(&self) -> Cell {
        if self.has_gem { self.start } else { self.gem }
    }

    fn is_at(&self, cell: Cell) -> bool {
        let [x, y] = middle(cell);
        (x - self.at[0]).hypot(y - self.at[1]) < REACH_CELLS
    }

    /// Turns, then walks as far as the walls allow, along each axis by itself.
    fn walk(&mut self, cells: f32, turn_rad: f32) {
        self.heading_rad = wrapped(self.heading_rad + turn_rad);
        let (sin, cos) = self.heading_rad.sin_cos();
        for (axis, way) in [cos, sin].into_iter().enumerate() {
            let mut at = self.at;
            at[axis] += cells * way;
            if self.has_room_at(at) {
                self.at = at;
            }
        }
    }

    fn has_room_at(&self, [x, y]: [f32; 2]) -> bool {
        let ends = [-BODY_CELLS, BODY_CELLS];
        let is_wall = |dx: f32, dy: f32| self.maze.is_wall((x + dx).floor() as i32, (y + dy).floor() as i32);
        !ends.iter().any(|dx| ends.iter().any(|dy| is_wall(*dx, *dy)))
    }

    /// By how much the next cell of the shortest way lies to the right of the line of sight.
    fn bearing(&self) -> f32 {
        let here = self.at.map(|x| x as usize);
        let [x, y] = middle(self.maze.ways_to(self.sought()).next(here));
        wrapped((y - self.at[1]).atan2(x - self.at[0]) - self.heading_rad)
    }

    fn eye(&self) -> Eye {
        Eye { at: self.at, heading_rad: self.heading_rad, height: self.eye_cells, view_deg: self.view_deg }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            maze: &self.maze,
            paint: self.paint,
            gem: (!self.has_gem).then(|| middle(self.gem)),
            hue_deg: self.hue_deg,
            brightness: self.brightness,
            fog: self.fog_per_cell,
        }
    }

    /// The maze from above.
    fn draw_map(&self, shows_start: bool, canvas: &mut Canvas<'_>) {
        let side = self.maze.side();
        let scale = canvas.height.min(canvas.width) as f32 / side as f32;
        let offset = [canvas.width, canvas.height].map(|px| (px as f32 - scale * side as f32) / 2.0);
        let to_px = |[x, y]: [f32; 2]| [offset[0] + x * scale, offset[1] + y * scale];
        let scene = self.scene();
        let mut square = |[x, y]: Cell, inset: f32, colour: Rgb| {
            let from = to_px([x as f32 + inset, y as f32 + inset]).map(|px| px.round() as i32);
            let to = to_px([x as f32 + 1.0 - inset, y as f32 + 1.0 - inset]).map(|px| px.round() as i32);
            canvas.rect(from[0], from[1], to[0] - from[0], to[1] - from[1], turned(colour, self.hue_deg));
        };
        for cell in (0..side * side).map(|i| [i % side, i / side]) {
            let wall = MAP_WALL[scene.kind(cell.map(|i| i as i32))];
            square(cell, 0.0, if self.maze.is_floor(cell) { MAP_FLOOR } else { wall });
        }
        if shows_start {
            square(self.start, 0.15, MAP_START);
        }
        if !self.has_gem {
            canvas.disc(to_px(middle(self.gem)), 0.38 * scale, turned(MAP_GEM, self.hue_deg));
        }
        let (sin, cos) = self.heading_rad.sin_cos();
        let corner = |ahead: f32, right: f32| {
            to_px([self.at[0] + ahead * cos - right * sin, self.at[1] + ahead * sin + right * cos])
        };
        canvas.polygon(
            &[corner(0.5, 0.0), corner(-0.35, 0.35), corner(-0.35, -0.35)],
            turned(MAP_WALKER, self.hue_deg),
        );
    }
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::*;

    fn world(id: &str) -> RaycastMaze {
        RaycastMaze::new(&Options::parse(id).unwrap().1).unwrap()
    }

    /// A hall of five by three cells; the walker stands in its west and looks east.
    fn hall() -> State {
        let world = world("raycast_maze");
        let mut state =
            world.start(&FACTORS.iter().map(|f| f.default).collect::<Vec<_>>(), &mut Seed(0).rng());
        let rows = ["#######", "#.....#", "#.....#", "#.....#", "#######", "#######", "#######"];
        state.maze = Maze::try_from(rows.map(String::from).to_vec()).unwrap();
        (state.at, state.heading_rad, state.start, state.gem) = ([1.5, 2.5], 0.0, [1, 2], [5, 2]);
        state
    }

    #[test]
    fn depths_are_those_of_geometry_and_agree_with_the_ranges() {
        let state = hall();
        let size = [64, 64];
        let mut depth = vec![0.0; 64 * 64];
        let mut ranges = vec![0.0; 64];
        Scene { gem: None, ..state.scene() }.depths(&state.eye(), size, &mut depth);
        super::ranges(&state.maze, &state.eye(), &mut ranges);
        let focal = 32.0 / 33.0_f32.to_radians().tan();
        for x in 0..64 {
            let slope = (x as f32 + 0.5 - 32.0) / focal;
            // The east wall is 4.5 cells ahead, the north and south walls 1.5 to the sides.
            let wall = 4.5_f32.min(1.5 / slope.abs());
            assert!((depth[32 * 64 + x] - wall).abs() < 1e-4, "column {x}");
            assert!((ranges[x] - wall * (1.0 + slope * slope).sqrt()).abs() < 1e-4, "column {x}");
            // The lowest row sees the floor half a cell below the eye.
            assert!((depth[63 * 64 + x] - 0.5 * focal / 31.5).abs() < 1e-4);
        }
    }

    #[test]
    fn the_gem_hides_the_wall_behind_it() {
        let state = hall();
        let mut depth = vec![0.0; 64 * 64];
        state.scene().depths(&state.eye(), [64, 64], &mut depth);
        assert_eq!(depth[34 * 64 + 32], 4.0);
        assert_eq!(depth[34 * 64 + 20], 4.5);
    }

    #[test]
    fn the_walker_slides_along_walls_and_never_enters_them() {
        let mut state = hall();
        state.at = [1.3, 1.3];
        state.heading_rad = (-45.0_f32).to_radians();
        for _ in 0..10 {
            state.walk(STEP_CELLS, 0.0);
        }
        // North is blocked after 0.1 cells, less than a step; east is free.
        assert_eq!(state.at[1], 1.3);
        assert!((state.at[0] - (1.3 + 2.0 * 0.5_f32.sqrt())).abs() < 1e-5);
    }

    #[test]
    fn going_and_returning_pays_twice_and_ends_at_the_start() {
        let world = world("raycast_maze?task=go_and_return");
        let mut state = hall();
        let mut rng = Seed(0).rng();
        let mut rewards = Vec::new();
        for step in 0..200 {
            let action = world.expert(&state, &mut rng);
            let outcome = world.act(&mut state, Action::of(&action).unwrap(), &mut rng);
            if outcome.reward > 0.0 {
                rewards.push((step, outcome.reward, outcome.terminated));
            }
            if outcome.terminated {
                break;
            }
        }
        // 19 steps of 0.2 to be nearer than 0.4 to what is 4 away; 12 turns; 17 steps to be as near to where it began.
        assert_eq!(rewards, [(18, 1.0, false), (47, 1.0, true)]);
        assert!(state.is_at([1, 2]));
    }
}
