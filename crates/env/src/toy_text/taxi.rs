//! Taxi: fetch a passenger at one of four stands and bring them to another.
//!
//! Reference: Dietterich (2000), with the map, the table of transitions and the options of Gymnasium 1.4's `Taxi-v4`.

use std::fmt::Write;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::board::Board;
use super::table::{Way, Ways, best_actions};
use crate::blueprint::blueprint;
use crate::canvas::{Canvas, Rgb};
use crate::factors::{Factor, exact};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry};

const SIDE: usize = 5;
const N_ACTIONS: usize = 6;
/// Number of states: places of the taxi, of the passenger, and destinations.
pub const N_STATES: usize = SIDE * SIDE * (STANDS.len() + 1) * STANDS.len();
/// Row and column of the stands.
const STANDS: [[usize; 2]; 4] = [[0, 0], [0, 4], [4, 0], [4, 3]];
const NAMES: [&str; 4] = ["red", "green", "yellow", "blue"];
/// The place of a passenger who sits in the taxi.
const ABOARD: usize = STANDS.len();
/// Places with a wall to their right.
const WALLS: [[usize; 2]; 6] = [[0, 1], [1, 1], [3, 0], [3, 2], [4, 0], [4, 2]];

const PAVEMENT: Rgb = [104, 108, 116];
const ROAD: Rgb = [198, 200, 204];
const MARKING: Rgb = [184, 186, 192];
const WALL: Rgb = [78, 58, 52];
const COLOURS: [Rgb; 4] = [[222, 74, 66], [66, 170, 84], [236, 200, 64], [72, 108, 214]];
const TAXI: Rgb = [250, 206, 40];
const EDGE: Rgb = [30, 32, 38];
const GLASS: Rgb = [226, 240, 250];
const COAT: Rgb = [148, 60, 168];

const INTENDED: Factor = Factor {
    name: "intended_rate",
    about: "chance that a move in the rain goes where it was meant to",
    default: 0.8,
    train: [0.7, 0.9],
    shifted: [0.5, 0.7],
};
const FICKLE: Factor = Factor {
    name: "fickle_rate",
    about: "chance that a fickle passenger changes destination on the way",
    default: 0.3,
    train: [0.2, 0.4],
    shifted: [0.4, 0.7],
};

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "taxi",
    about: "Taxi as in Gymnasium's Taxi-v4: one of 500 states, 6 actions, 20 points for the ride, -1 a step",
    page: "\
A taxi in a walled town of five by five fetches a passenger at one of four stands and brings them to another.

- `state`: ((row * 5 + column) * 5 + passenger) * 4 + destination; stands are red, green, yellow, blue, and passenger 4 is in the
  taxi. `pixels`: the town from above; the destination has a flag. `text`: its map with the taxi as `@`, and sentences.
- Actions: `south`, `north`, `east`, `west`, `pickup`, `dropoff`. With `rainy` a move goes to either side with chance
  0.1 each, if it is not blocked; with `fickle` a passenger in three changes destination at the first move of the ride.
- Reward: -1 a step, 20 for the ride, -10 for picking up or dropping off in vain.
- Ends when the passenger is at the destination; cut off after 200 steps.
- Equal to Gymnasium 1.4's `Taxi-v4` in every number of the table of transitions, dry and rainy, and in what fickle passengers
  do. The expert plays best for the table of its default rates.",
    options: &[
        OptionEntry { name: "rainy", default: "false", about: "whether moves go astray" },
        OptionEntry { name: "fickle", default: "false", about: "whether passengers change their mind" },
    ],
    factors: &[INTENDED, FICKLE, HUE, LIGHT],
    make: Maker::BuiltIn(|options| {
        let face = Face {
            action: Space::Discrete { n: N_ACTIONS },
            action_names: &["south", "north", "east", "west", "pickup", "dropoff"],
            views: vec![
                View::choice("state", N_STATES),
                View::pixels("pixels", options)?,
                View::text("text", 256),
            ],
            max_steps: Some(200),
        };
        let world = Taxi::new(options.flag("rainy")?, options.flag("fickle")?);
        blueprint(world, face, ENTRY.factors, options)
    }),
};

/// The rules of the ride. Views: `state`, the number of the state; `pixels`, the town from above; `text`, its map and sentences.
#[derive(Debug)]
pub struct Taxi {
    rainy: bool,
    fickle: bool,
    /// What is best by default, once somebody has asked.
    plan: OnceLock<Vec<usize>>,
}

/// Where everybody is and wants to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ride {
    /// Row of the taxi.
    pub row: usize,
    /// Column of the taxi.
    pub col: usize,
    /// The stand where the passenger waits, or 4 in the taxi.
    pub passenger: usize,
    /// The stand where the passenger wants to go.
    pub destination: usize,
}

/// Everything that changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Where everybody is and wants to go.
    pub ride: Ride,
    /// Whether the passenger will change the destination at the next move of the ride.
    pub wavering: bool,
    /// Chance that a move in the rain goes where it was meant to.
    pub intended_rate: f64,
    /// Colours of the picture.
    pub look: Look,
}

impl Ride {
    /// The ride of a state's number.
    pub fn of(state: usize) -> Self {
        let (rest, destination) = (state / 4, state % 4);
        let (place, passenger) = (rest / 5, rest % 5);
        Self { row: place / SIDE, col: place % SIDE, passenger, destination }
    }

    /// The number of the state.
    pub fn state(self) -> usize {
        ((self.row * SIDE + self.col) * 5 + self.passenger) * 4 + self.destination
    }

    /// How an action (south, north, east, west, pickup, dropoff) can turn out. In the rain a move goes where it was meant to
    /// with chance `rain`; `None` is dry.
    pub fn ways(self, action: usize, rain: Option<f64>) -> Ways {
        let to = |ride: Ride, probability: f64| Way {
            probability,
            next: ride.state(),
            reward: -1.0,
            terminated: false,
        };
        match (action, rain) {
            (4, _) => Ways::certain(self.pickup()),
            (5, _) => Ways::certain(self.dropoff()),
            (_, None) => Ways::certain(to(self.moved(action), 1.0)),
            (_, Some(rain)) => {
                let astray = (1.0 - rain) / 2.0;
                // What is left and right of each heading. A move that is blocked does not drift either.
                let [left, right] = [[2, 3], [3, 2], [1, 0], [0, 1]][action];
                let ahead = self.moved(action);
                let drift = |side| if ahead == self { self } else { self.moved(side) };
                Ways::three([to(ahead, rain), to(drift(left), astray), to(drift(right), astray)])
            }
        }
    }

    /// One place further, if neither a wall nor the end of the town is in the way.
    fn moved(self, heading: usize) -> Self {
        let Self { row, col, .. } = self;
        match heading {
            0 if row + 1 < SIDE => Self { row: row + 1, ..self },
            1 if row > 0 => Self { row: row - 1, ..self },
            2 if col + 1 < SIDE && !WALLS.contains(&[row, col]) => Self { col: col + 1, ..self },
            3 if col > 0 && !WALLS.contains(&[row, col - 1]) => Self { col: col - 1, ..self },
            _ => self,
        }
    }

    /// The stand where the taxi is.
    fn stand(self) -> Option<usize> {
        STANDS.iter().position(|stand| *stand == [self.row, self.col])
    }

    fn pickup(self) -> Way {
        let meets = self.stand().is_some_and(|stand| stand == self.passenger);
        let (ride, reward) = if meets { (Self { passenger: ABOARD, ..self }, -1.0) } else { (self, -10.0) };
        Way { probability: 1.0, next: ride.state(), reward, terminated: false }
    }

    fn dropoff(self) -> Way {
        let (ride, reward, terminated) = match self.stand() {
            Some(stand) if self.passenger == ABOARD => {
                let arrived = stand == self.destination;
                (Self { passenger: stand, ..self }, if arrived { 20.0 } else { -1.0 }, arrived)
            }
            _ => (self, -10.0, false),
        };
        Way { probability: 1.0, next: ride.state(), reward, terminated }
    }
}

impl Taxi {
    /// `rainy`: whether moves go astray; `fickle`: whether passengers change their mind.
    pub fn new(rainy: bool, fickle: bool) -> Self {
        Self { rainy, fickle, plan: OnceLock::new() }
    }
}

impl World for Taxi {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let (place, passenger) = (rng.below(SIDE * SIDE), rng.below(STANDS.len()));
        let destination = other_stand(passenger, rng);
        State {
            ride: Ride { row: place / SIDE, col: place % SIDE, passenger, destination },
            wavering: self.fickle && rng.chance(factors[1]),
            intended_rate: exact(factors[0]),
            look: Look::new([factors[2], factors[3]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        let before = state.ride;
        let way = before.ways(action.choice(), self.rainy.then_some(state.intended_rate)).draw(rng);
        state.ride = Ride::of(way.next);
        let moved = [before.row, before.col] != [state.ride.row, state.ride.col];
        if state.wavering && before.passenger == ABOARD && moved {
            state.wavering = false;
            state.ride.destination = other_stand(before.destination, rng);
        }
        Outcome { reward: way.reward, terminated: way.terminated }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        match out {
            Sight::Choice(choice) => *choice = state.ride.state() as i64,
            Sight::Pixels(mut canvas) => state.draw(&mut canvas),
            Sight::Text(text) => state.ride.tell(text),
            Sight::Numbers(_) => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        let Ride { row, col, passenger, destination } = state.ride;
        if row >= SIDE || col >= SIDE || passenger > ABOARD || destination >= STANDS.len() {
            return Err(Error::invalid(format!("expected a ride inside the town, got {:?}", state.ride)));
        }
        let (bounds, got) = (INTENDED.bounds(), state.intended_rate);
        if !bounds.contains(&(got as f32)) {
            let (low, high) = (bounds.start(), bounds.end());
            return Err(Error::invalid(format!(
                "expected an `intended_rate` from {low} to {high}, got {got}"
            )));
        }
        state.look.check()
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let rain = self.rainy.then_some(exact(INTENDED.default));
        let plan = || best_actions(N_STATES, N_ACTIONS, |state, action| Ride::of(state).ways(action, rain));
        Value::Discrete(self.plan.get_or_init(plan)[state.ride.state()] as i64)
    }
}

/// Any stand but this one.
fn other_stand(stand: usize, rng: &mut Rng) -> usize {
    (stand + 1 + rng.below(STANDS.len() - 1)) % STANDS.len()
}

impl State {
    /// Streets with walls, the stands in their colours, a flag at the destination, and the taxi, whose window shows the passenger.
    fn draw(&self, canvas: &mut Canvas<'_>) {
        let board = Board::new(canvas, SIDE, SIDE, 0.15);
        let Ride { passenger, destination, .. } = self.ride;
        let paint = |colour| self.look.of(colour);
        canvas.fill(paint(PAVEMENT));
        board.paint(canvas, [0, 0], [SIDE, SIDE], paint(ROAD));
        board.lines(canvas, [SIDE, SIDE], paint(MARKING));
        for ([row, col], colour) in STANDS.iter().zip(COLOURS) {
            board.paint(canvas, [*row, *col], [1, 1], paint(colour));
        }
        let thick = board.px(0.16).max(1.0) as i32;
        for [row, col] in WALLS {
            let [x, y] = board.corner(row, col + 1);
            canvas.rect(x - thick / 2, y, thick, board.side, paint(WALL));
        }
        board.flag(canvas, STANDS[destination], [250; 3], self.look);
        self.ride.draw_taxi(&board, canvas, self.look);
        if let Some(stand) = STANDS.get(passenger) {
            board.person(canvas, *stand, COAT, self.look);
        }
    }
}

impl Ride {
    /// A yellow car with a dark edge and two wheels, from the side; who sits in it is seen through the window.
    fn draw_taxi(self, board: &Board, canvas: &mut Canvas<'_>, look: Look) {
        let edge = (board.side as f32 / 20.0).max(1.0) / board.side as f32;
        let mut part = |[left, top, right, bottom]: [f32; 4], colour| {
            let [x, y] = board.at(self.row, self.col, [left, top]).map(|x| x.round() as i32);
            let [to_x, to_y] = board.at(self.row, self.col, [right, bottom]).map(|x| x.round() as i32);
            canvas.rect(x, y, (to_x - x).max(1), (to_y - y).max(1), look.of(colour));
        };
        let inside =
            |[left, top, right, bottom]: [f32; 4]| [left + edge, top + edge, right - edge, bottom - edge];
        let (cabin, body) = ([0.22, 0.16, 0.78, 0.56], [0.06, 0.46, 0.94, 0.8]);
        part(cabin, EDGE);
        part(body, EDGE);
        part(inside(cabin), if self.passenger == ABOARD { COAT } else { GLASS });
        part(inside(body), TAXI);
        for x in [0.27, 0.73] {
            canvas.disc(board.at(self.row, self.col, [x, 0.8]), board.px(0.14), look.of(EDGE));
        }
    }

    fn tell(self, text: &mut String) {
        text.push_str("+---------+\n");
        for row in 0..SIDE {
            text.push('|');
            for col in 0..SIDE {
                let stand = Self { row, col, ..self }.stand();
                let here = [row, col] == [self.row, self.col];
                text.push(match stand {
                    _ if here => '@',
                    Some(stand) => char::from(NAMES[stand].as_bytes()[0].to_ascii_uppercase()),
                    None => ' ',
                });
                let closed = col + 1 == SIDE || WALLS.contains(&[row, col]);
                text.push(if closed { '|' } else { ':' });
            }
            text.push('\n');
        }
        text.push_str("+---------+\n");
        let place = NAMES.get(self.passenger).map_or("in the taxi", |name| name);
        let at = if self.passenger == ABOARD { "" } else { "at " };
        let (row, col, destination) = (self.row, self.col, NAMES[self.destination]);
        write!(text, "The taxi (@) is in row {row}, column {col}. ").expect("a string takes all");
        write!(text, "The passenger is {at}{place} and wants to go to {destination}.")
            .expect("a string takes all");
    }
}
