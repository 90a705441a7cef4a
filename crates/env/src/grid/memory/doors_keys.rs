//! Several doors and keys: what one carries is not shown, and changes.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::sight::{N_COLOURS, Seen, Shape, Thing, Tile, views};
use crate::blueprint::blueprint;
use crate::factors::Factor;
use crate::grid::rows::{Cell, Rows, WAYS, ahead};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, World};
use crate::{EnvEntry, OptionEntry};

/// Cells along a side, walls included.
const SIDE: i32 = 13;
/// What a door costs without its key.
const RATTLE: f32 = 0.2;
/// Colour of the walls.
const WALL_COLOUR: usize = 3;

const FACTORS: &[Factor] = &[HUE, LIGHT];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "memory/multi_doors_keys",
    about: "doors and keys of several colours: what one carries is not shown and must be kept in mind",
    page: "\
A hall of eleven by eleven cells with keys on its floor and a door of the same colour for each in its walls.

- Walking onto a key takes it. Walking into a door of which one has the key opens it, and the key is used up; the door shuts
  again. When all are used up, all keys lie where they lay at first. What one carries and which doors were opened is not
  shown: it must be remembered and updated.
- The player sees seven by seven cells around itself.
- `pixels`: the window. `symbols`: kind and colour of each cell of the window and of an empty bar, 50x2 numbers: 0 dark,
  1 floor, 2 wall, 5 key, 6 door, 7 player; colours from 1 (red, green, blue, purple, yellow, cyan).
- Actions: `up`, `down`, `left`, `right`.
- Reward: 1 for a door opened, -0.2 for one without its key. Never ends; cut off after 200 steps.
- Deterministic given the start and the actions. After Multi Doors Keys of S4WM's paper (1, 3 or 5 keys); the rules in
  detail, size and pictures are worldsmith's own. The expert goes to the nearest key that lies or door that it can open.",
    options: &[
        OptionEntry { name: "keys", default: "3", about: "keys and doors, 1 to 6" },
        OptionEntry { name: "max_steps", default: "200", about: "steps until truncation, or `none`" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let n_keys = options.number("keys", 3, 1..=N_COLOURS)?;
        let face = Face {
            action: Space::Discrete { n: WAYS.len() },
            action_names: WAYS,
            views: views(options)?,
            max_steps: Some(200),
        };
        blueprint(DoorsKeys { n_keys }, face, FACTORS, options)
    }),
};

/// The rules.
#[derive(Debug)]
pub struct DoorsKeys {
    n_keys: usize,
}

/// Everything that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Keys and doors by colour; as many as there are keys.
    pub pairs: [Option<Pair>; N_COLOURS],
    /// Where the player is.
    pub player: Cell,
    /// Colours of the episode.
    pub look: Look,
}

/// A key and its door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Where the key lies at first.
    pub key: Cell,
    /// Where the door is.
    pub door: Cell,
    /// What became of the key.
    pub fate: Fate,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It lies in its place.
    Lying,
    /// The player has it.
    Carried,
    /// It has opened its door.
    Used,
}

impl State {
    fn pairs(&self) -> impl Iterator<Item = (usize, &Pair)> {
        self.pairs.iter().enumerate().filter_map(|(colour, pair)| pair.as_ref().map(|pair| (colour, pair)))
    }

    fn tile(&self, [x, y]: Cell) -> Tile {
        for (colour, pair) in self.pairs() {
            if pair.door == [x, y] {
                return Tile::Door(colour);
            }
            if pair.key == [x, y] && pair.fate == Fate::Lying {
                return Tile::Thing(Thing { shape: Shape::Key, colour });
            }
        }
        match is_floor([x, y]) {
            true => Tile::Floor,
            false if [x, y].iter().all(|i| (0..SIDE).contains(i)) => Tile::Wall(WALL_COLOUR),
            false => Tile::Dark,
        }
    }
}

/// Whether a cell lies within the walls.
fn is_floor(at: Cell) -> bool {
    at.iter().all(|i| (1..SIDE - 1).contains(i))
}

/// Whether a cell is one of the walls, and no corner.
fn is_wall([x, y]: Cell) -> bool {
    let within = |i: i32| (1..SIDE - 1).contains(&i);
    let at_end = |i: i32| i == 0 || i == SIDE - 1;
    (within(x) && at_end(y)) || (at_end(x) && within(y))
}

/// A cell for which `fits` holds, by trying.
fn any_cell(rng: &mut Rng, fits: impl Fn(Cell) -> bool) -> Cell {
    loop {
        let cell = std::array::from_fn(|_| rng.below(SIDE as usize) as i32);
        if fits(cell) {
            return cell;
        }
    }
}

impl World for DoorsKeys {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let player = [SIDE / 2; 2];
        let mut pairs: [Option<Pair>; N_COLOURS] = [None; N_COLOURS];
        for _ in 0..self.n_keys {
            let n_left = pairs.iter().filter(|pair| pair.is_none()).count();
            let colours = (0..N_COLOURS).filter(|colour| pairs[*colour].is_none());
            let colour = colours.clone().nth(rng.below(n_left)).unwrap_or_default();
            let is_taken = |cell| pairs.iter().flatten().any(|pair| pair.key == cell || pair.door == cell);
            let key = any_cell(rng, |cell| is_floor(cell) && cell != player && !is_taken(cell));
            let door = any_cell(rng, |cell| is_wall(cell) && !is_taken(cell));
            pairs[colour] = Some(Pair { key, door, fate: Fate::Lying });
        }
        State { pairs, player, look: Look::new([factors[0], factors[1]]) }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let next = ahead(state.player, action.choice());
        let mut reward = 0.0;
        if let Some(pair) = state.pairs.iter_mut().flatten().find(|pair| pair.door == next) {
            if pair.fate == Fate::Carried {
                pair.fate = Fate::Used;
                reward = 1.0;
            } else {
                reward = -RATTLE;
            }
        } else if is_floor(next) {
            state.player = next;
            let here = |pair: &&mut Pair| pair.key == next && pair.fate == Fate::Lying;
            state.pairs.iter_mut().flatten().filter(here).for_each(|pair| pair.fate = Fate::Carried);
        }
        if state.pairs().all(|(_, pair)| pair.fate == Fate::Used) {
            state.pairs.iter_mut().flatten().for_each(|pair| pair.fate = Fate::Lying);
        }
        Outcome { reward, terminated: false }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        Seen::around(state.player, None, |cell| state.tile(cell)).show(state.look, out);
    }

    fn check(&self, state: &State) -> Result<()> {
        state.look.check()?;
        let pair = |(_, pair): (usize, &Pair)| is_floor(pair.key) && is_wall(pair.door);
        if state.pairs().count() == self.n_keys && state.pairs().all(pair) && is_floor(state.player) {
            Ok(())
        } else {
            Err(Error::invalid("expected keys in the hall and doors in its walls, got others"))
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let (mut goals, mut free) = (Rows::EMPTY, Rows::EMPTY);
        (1..SIDE - 1).for_each(|y| (1..SIDE - 1).for_each(|x| free.add([x, y])));
        for (_, pair) in state.pairs() {
            let goal = match pair.fate {
                Fate::Lying => pair.key,
                Fate::Carried => pair.door,
                Fate::Used => continue,
            };
            goals.add(goal);
            free.add(goal);
        }
        // Under the player a key may have come to lie: one step off, and on again.
        let aside = || (0..WAYS.len()).find(|way| is_floor(ahead(state.player, *way)));
        let way = Rows::first_step(state.player, &goals, &free).or_else(aside);
        Value::Discrete(way.unwrap_or_default() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    #[test]
    fn a_key_opens_its_door_once_until_all_were_used() {
        let world = DoorsKeys { n_keys: 2 };
        let mut rng = Seed(0).rng();
        let mut state = world.start(&[0.0, 1.0], &mut rng);
        state.pairs = [None; N_COLOURS];
        state.pairs[0] = Some(Pair { key: [2, 1], door: [2, 0], fate: Fate::Lying });
        state.pairs[4] = Some(Pair { key: [3, 1], door: [3, 0], fate: Fate::Lying });
        state.player = [1, 1];
        let (up, right) = (0, 3);
        let mut act = |way| world.act(&mut state, Action::Choice(way), &mut rng).reward;
        assert_eq!([right, up, up].map(&mut act), [0.0, 1.0, -RATTLE]);
        // The second door is the last: both keys lie again.
        assert_eq!([right, up, up].map(&mut act), [0.0, 1.0, -RATTLE]);
        assert!(state.pairs().all(|(_, pair)| pair.fate == Fate::Lying));
    }
}
