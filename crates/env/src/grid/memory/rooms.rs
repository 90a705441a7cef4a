//! Rooms to be remembered: look around first, then find what is asked for.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::sight::{N_COLOURS, Seen, Thing, Tile, views};
use crate::blueprint::{Blueprint, blueprint};
use crate::factors::Factor;
use crate::grid::rows::{Cell, Rows, WAYS, ahead};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, World};
use crate::{EnvEntry, OptionEntry, Options};

/// Floor along a side of a room.
const INSIDE: i32 = 5;
/// From a room to the next.
const PITCH: i32 = INSIDE + 1;

const FACTORS: &[Factor] = &[HUE, LIGHT];

/// Says what the worlds of this file have in common, after a first sentence of their own.
macro_rules! page {
    ($first:literal, $context:literal) => {
        concat!(
            $first,
            "

- Every room has walls of a colour and holds one thing; no two things are alike. The player sees seven by seven cells around
  itself, of its own room only, of two in a doorway.
- `pixels`: the window, and above it a bar. `symbols`: kind and colour of each cell of the window and of the bar, 50x2 numbers:
  0 dark, 1 floor, 2 wall, 3 ball, 4 box, 5 key, 7 player; colours from 1 (red, green, blue, purple, yellow, cyan).
- Actions: `up`, `down`, `left`, `right`.
- For `context` steps (",
            $context,
            ") the bar is empty and there is no reward: time to look around. Then the bar shows a thing;
  who walks onto it in its room is paid 1 and the next thing is asked for, in an order drawn at the start.
- Never ends; cut off after twice `context` steps. Deterministic given the start and the actions.
- After the rooms of S4WM's paper, where frames are to be foretold in the second half; the questions and the reward are
  worldsmith's own, and so are size and pictures. The expert tours all rooms and then takes shortest ways."
        )
    };
}

macro_rules! entry {
    ($id:literal, $n:literal, $first:literal, $context:literal, $columns:literal, $rows:literal) => {
        EnvEntry {
            id: $id,
            about: concat!($n, " rooms to be remembered: look around, then find what is asked for"),
            page: page!($first, $context),
            options: &[
                OptionEntry {
                    name: "context",
                    default: $context,
                    about: "steps until something is asked, 1 to 10000",
                },
                OptionEntry {
                    name: "max_steps",
                    default: "",
                    about: "steps until truncation, or `none`; 2 x `context`",
                },
            ],
            factors: FACTORS,
            make: Maker::BuiltIn(|options| make(options, [$columns, $rows], $context)),
        }
    };
}

/// Two rooms side by side.
pub const TWO: EnvEntry =
    entry!("memory/two_rooms", "two", "Two rooms side by side, joined by a doorway.", "60", 2, 1);
/// Four rooms in a square.
pub const FOUR: EnvEntry = entry!(
    "memory/four_rooms",
    "four",
    "Four rooms in a square, each joined to its neighbours.",
    "100",
    2,
    2
);
/// Ten rooms in two rows.
pub const TEN: EnvEntry = entry!(
    "memory/ten_rooms",
    "ten",
    "Ten rooms in two rows of five, each joined to its neighbours.",
    "250",
    5,
    2
);

fn make(options: &Options, layout: [usize; 2], context: &str) -> Result<Box<dyn Blueprint>> {
    let context = options.number("context", context.parse().unwrap_or(100), 1..=10_000)?;
    let face = Face {
        action: Space::Discrete { n: WAYS.len() },
        action_names: WAYS,
        views: views(options)?,
        max_steps: Some(2 * context),
    };
    blueprint(Rooms { layout, context }, face, FACTORS, options)
}

/// The rules.
#[derive(Debug)]
pub struct Rooms {
    /// Columns and rows of rooms.
    layout: [usize; 2],
    context: usize,
}

/// Everything that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Walls, and all that lies outside.
    pub walls: Rows,
    /// The rooms, row by row.
    pub rooms: Vec<Room>,
    /// Where the player is.
    pub player: Cell,
    /// Rooms in the order in which their things are asked for.
    pub order: Vec<usize>,
    /// How many things were found.
    pub n_found: usize,
    /// Steps so far.
    pub n_steps: usize,
    /// How many rooms of the expert's tour have been seen.
    pub n_toured: usize,
    /// Colours of the episode.
    pub look: Look,
}

/// One room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Room {
    /// What lies in it.
    pub thing: Thing,
    /// Where it lies.
    pub at: Cell,
    /// Colour of its walls.
    pub wall_colour: usize,
}

impl Rooms {
    fn n(&self) -> usize {
        self.layout[0] * self.layout[1]
    }

    /// The top left wall of a room.
    fn corner(&self, room: usize) -> Cell {
        [room % self.layout[0], room / self.layout[0]].map(|i| PITCH * i as i32)
    }

    /// Rows from left to right and back, so that each room of a tour is next to the last.
    fn tour(&self, n_toured: usize) -> usize {
        let columns = self.layout[0];
        let i = n_toured % self.n();
        let (row, along) = (i / columns, i % columns);
        row * columns + if row % 2 == 0 { along } else { columns - 1 - along }
    }

    /// Walls of all rooms, with a doorway somewhere in each wall between two.
    fn build(&self, rng: &mut Rng) -> Rows {
        let mut walls = Rows::FULL;
        let [columns, rows] = self.layout;
        for room in 0..self.n() {
            let [left, top] = self.corner(room);
            for [x, y] in (1..PITCH).flat_map(|y| (1..PITCH).map(move |x| [x, y])) {
                walls.remove([left + x, top + y]);
            }
            let mut along = || 1 + rng.below(INSIDE as usize) as i32;
            if room % columns + 1 < columns {
                walls.remove([left + PITCH, top + along()]);
            }
            if room / columns + 1 < rows {
                walls.remove([left + along(), top + PITCH]);
            }
        }
        walls
    }

    /// The rooms whose floor or walls a cell belongs to.
    fn rooms_at(&self, [x, y]: Cell) -> impl Iterator<Item = usize> + '_ {
        (0..self.n()).filter(move |room| {
            let [left, top] = self.corner(*room);
            (left..=left + PITCH).contains(&x) && (top..=top + PITCH).contains(&y)
        })
    }

    fn seen(&self, state: &State) -> Seen {
        let mut here = [false; 10];
        self.rooms_at(state.player).for_each(|room| here[room] = true);
        let asked = (state.n_steps >= self.context).then(|| state.asked().thing);
        Seen::around(state.player, asked, |cell| {
            let Some(room) = self.rooms_at(cell).find(|room| here[*room]) else { return Tile::Dark };
            let room = &state.rooms[room];
            match state.walls.has(cell) {
                true => Tile::Wall(room.wall_colour),
                false if cell == room.at => Tile::Thing(room.thing),
                false => Tile::Floor,
            }
        })
    }
}

impl World for Rooms {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let walls = self.build(rng);
        let things = shuffled(Thing::N, rng);
        let rooms: Vec<Room> = (0..self.n())
            .map(|room| Room {
                thing: Thing::numbered(things[room]),
                at: self.corner(room).map(|i| i + 1 + rng.below(INSIDE as usize) as i32),
                wall_colour: rng.below(N_COLOURS),
            })
            .collect();
        let middle = INSIDE / 2 + 1;
        State {
            walls,
            rooms,
            player: [middle; 2],
            order: shuffled(self.n(), rng),
            n_found: 0,
            n_steps: 0,
            n_toured: 0,
            look: Look::new([factors[0], factors[1]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let next = ahead(state.player, action.choice());
        if !state.walls.has(next) {
            state.player = next;
        }
        if state.player == state.rooms[self.tour(state.n_toured)].at {
            state.n_toured = state.n_toured.saturating_add(1);
        }
        let is_asking = state.n_steps >= self.context;
        state.n_steps = state.n_steps.saturating_add(1);
        let is_found = is_asking && state.player == state.asked().at;
        state.n_found = state.n_found.saturating_add(usize::from(is_found));
        Outcome { reward: f32::from(u8::from(is_found)), terminated: false }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        self.seen(state).show(state.look, out);
    }

    fn check(&self, state: &State) -> Result<()> {
        state.look.check()?;
        let [width, height] = self.layout.map(|n| PITCH * n as i32);
        let is_closed = (0..32).all(|y| {
            let frame = if (1..height).contains(&y) { !((1 << width) - 2) } else { u32::MAX };
            state.walls.0[y as usize] & frame == frame
        });
        let is_inside =
            |[x, y]: Cell| (0..32).contains(&x) && (0..32).contains(&y) && !state.walls.has([x, y]);
        let room = |room: &Room| room.thing.is_sound() && is_inside(room.at) && room.wall_colour < N_COLOURS;
        let is_sound = is_closed
            && is_inside(state.player)
            && (state.rooms.len(), state.order.len()) == (self.n(), self.n())
            && state.rooms.iter().all(room)
            && state.order.iter().all(|room| *room < self.n());
        if is_sound {
            Ok(())
        } else {
            Err(Error::invalid("expected closed rooms with a thing in each, got others"))
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let is_asking = state.n_steps >= self.context;
        let room = if is_asking { state.asked() } else { &state.rooms[self.tour(state.n_toured)] };
        let mut goal = Rows::EMPTY;
        goal.add(room.at);
        let free = state.walls.with(&Rows::EMPTY, |wall, _| !wall);
        Value::Discrete(Rows::first_step(state.player, &goal, &free).unwrap_or_default() as i64)
    }
}

impl State {
    /// The room of what is asked for now, or will be first.
    fn asked(&self) -> &Room {
        &self.rooms[self.order[self.n_found % self.order.len()]]
    }
}

/// The numbers below `n` in any order.
fn shuffled(n: usize, rng: &mut Rng) -> Vec<usize> {
    let mut all: Vec<usize> = (0..n).collect();
    (1..n).rev().for_each(|i| all.swap(i, rng.below(i + 1)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    #[test]
    fn nothing_is_asked_in_the_context_and_what_is_found_then_is_paid_once() {
        let world = Rooms { layout: [5, 2], context: 3 };
        for seed in 0..20 {
            let mut rng = Seed(seed).rng();
            let mut state = world.start(&[0.0, 1.0], &mut rng);
            let free = state.walls.with(&Rows::EMPTY, |wall, _| !wall);
            assert_eq!(Rows::reached(state.player, &free), free, "all rooms are joined");
            let mut rewards = Vec::new();
            for t in 0..60 {
                assert_eq!(world.seen(&state).bar.is_some(), t >= 3, "step {t}");
                let before = state.asked().clone();
                let action = world.expert(&state, &mut rng).as_discrete().unwrap() as usize;
                let outcome = world.act(&mut state, Action::Choice(action), &mut rng);
                assert_eq!(outcome.reward == 1.0, t >= 3 && state.player == before.at, "step {t}");
                assert_eq!(outcome.reward == 1.0, state.asked() != &before, "step {t}");
                rewards.push(outcome.reward);
            }
            assert!(rewards.iter().sum::<f32>() >= 1.0);
        }
    }

    #[test]
    fn other_rooms_are_out_of_sight() {
        let world = Rooms { layout: [2, 1], context: 3 };
        let mut state = world.start(&[0.0, 1.0], &mut Seed(0).rng());
        state.player = [5, 3];
        let dark = |seen: Seen| seen.tiles.map(|row| row[5..].iter().all(|tile| *tile == Tile::Dark));
        assert_eq!(dark(world.seen(&state)), [true; 7]);
    }
}
