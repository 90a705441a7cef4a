//! A cue at the start, a long corridor of distractions, and a fork at its end where the cue decides.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::sight::{Seen, Thing, Tile, views};
use crate::blueprint::blueprint;
use crate::factors::Factor;
use crate::grid::rows::{Cell, WAYS, ahead};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, World};
use crate::{EnvEntry, OptionEntry, Options};

/// How far from the corridor the arms of the fork end.
const ARM: i32 = 2;
/// Colour of the walls.
const WALL_COLOUR: usize = 2;

const FACTORS: &[Factor] = &[
    HUE,
    LIGHT,
    Factor {
        name: "clutter",
        about: "share of the corridor's walls in which a thing can be seen",
        default: 0.3,
        train: [0.2, 0.4],
        shifted: [0.6, 0.9],
    },
];

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "memory/distracting",
    about: "a cue, a long corridor of distractions, and a fork where the cue decides about the reward",
    page: "\
A thing lies at the start of a corridor. At the fork at its end two things lie; one of them is like the first.

- The player sees seven by seven cells around itself, so the first thing is out of sight after three steps. Other things
  can be seen in niches of the corridor's walls; they mean nothing.
- `pixels`: the window. `symbols`: kind and colour of each cell of the window and of an empty bar, 50x2 numbers: 0 dark,
  1 floor, 2 wall, 3 ball, 4 box, 5 key, 7 player; colours from 1 (red, green, blue, purple, yellow, cyan).
- Actions: `up`, `down`, `left`, `right`.
- Reward: 1 for walking onto the like thing, -1 for the other. Ends there; cut off after 2 x `length` + 20 steps, too few to
  go back from the fork and look again.
- Deterministic given the start and the actions. After Distracting Memory of S4WM's paper, with lengths of 50 to 400 in mind;
  size, things and pictures are worldsmith's own. The expert walks to the fork and takes the right arm.",
    options: &[
        OptionEntry { name: "length", default: "50", about: "steps from the start to the fork, 5 to 2000" },
        OptionEntry { name: "max_steps", default: "120", about: "steps until truncation, or `none`; 2 x `length` + 20" },
    ],
    factors: FACTORS,
    make: Maker::BuiltIn(|options| {
        let world = Distracting::new(options)?;
        let face = Face {
            action: Space::Discrete { n: WAYS.len() },
            action_names: WAYS,
            views: views(options)?,
            max_steps: Some(2 * world.length + 20),
        };
        blueprint(world, face, FACTORS, options)
    }),
};

/// The rules.
#[derive(Debug)]
pub struct Distracting {
    length: usize,
}

/// Everything that changes. The start is at `[0, 0]`, the corridor leads to the right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What lies at the start, and in the right arm.
    pub cue: Thing,
    /// What lies in the other arm.
    pub other: Thing,
    /// Whether the right arm is the upper one.
    pub right_is_up: bool,
    /// What is seen in the walls along the corridor: above and below, for each step.
    pub niches: Vec<[Option<Thing>; 2]>,
    /// Where the player is.
    pub player: Cell,
    /// Colours of the episode.
    pub look: Look,
}

impl Distracting {
    fn new(options: &Options) -> Result<Self> {
        Ok(Self { length: options.number("length", 50, 5..=2000)? })
    }

    /// Whether a cell is floor: the corridor, a dead end before the start, and the two arms.
    fn is_floor(&self, [x, y]: Cell) -> bool {
        let fork = self.length as i32;
        (y == 0 && (-1..=fork).contains(&x)) || (x == fork && y.abs() <= ARM)
    }

    fn tile(&self, state: &State, [x, y]: Cell) -> Tile {
        let fork = self.length as i32;
        if [x, y] == [-1, 0] {
            return Tile::Thing(state.cue);
        }
        if x == fork && y.abs() == ARM {
            return Tile::Thing(if (y < 0) == state.right_is_up { state.cue } else { state.other });
        }
        if self.is_floor([x, y]) {
            return Tile::Floor;
        }
        if y.abs() == 1
            && let Some(niche) = usize::try_from(x).ok().and_then(|x| state.niches.get(x))
            && let Some(thing) = niche[usize::from(y > 0)]
        {
            return Tile::Thing(thing);
        }
        let is_beside = (-1..=1).any(|dy| (-1..=1).any(|dx| self.is_floor([x + dx, y + dy])));
        if is_beside { Tile::Wall(WALL_COLOUR) } else { Tile::Dark }
    }
}

impl World for Distracting {
    type State = State;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let cue = rng.below(Thing::N);
        let other = (cue + 1 + rng.below(Thing::N - 1)) % Thing::N;
        // Not right at the fork, where they would stand in the way of its arms.
        let niches = (0..self.length - 1)
            .map(|_| [(); 2].map(|()| rng.chance(factors[2]).then(|| Thing::any(rng))))
            .collect();
        State {
            cue: Thing::numbered(cue),
            other: Thing::numbered(other),
            right_is_up: rng.chance(0.5),
            niches,
            player: [0, 0],
            look: Look::new([factors[0], factors[1]]),
        }
    }

    fn act(&self, state: &mut State, action: Action<'_>, _: &mut Rng) -> Outcome {
        let next = ahead(state.player, action.choice());
        // The cue is not to be walked on.
        if self.is_floor(next) && next != [-1, 0] {
            state.player = next;
        }
        let y = state.player[1];
        if y.abs() < ARM {
            return Outcome { reward: 0.0, terminated: false };
        }
        Outcome { reward: if (y < 0) == state.right_is_up { 1.0 } else { -1.0 }, terminated: true }
    }

    fn show(&self, state: &State, _: usize, out: Sight<'_>) {
        Seen::around(state.player, None, |cell| self.tile(state, cell)).show(state.look, out);
    }

    fn check(&self, state: &State) -> Result<()> {
        state.look.check()?;
        let mut things =
            [state.cue, state.other].into_iter().chain(state.niches.iter().flatten().flatten().copied());
        let is_near = state.player.iter().all(|i| (-1..=self.length as i32).contains(i) || *i == -ARM);
        let is_sound = state.niches.len() == self.length - 1 && things.all(Thing::is_sound);
        if is_near && self.is_floor(state.player) && is_sound {
            Ok(())
        } else {
            Err(Error::invalid("expected a corridor of this length and a player in it, got another"))
        }
    }

    fn expert(&self, state: &State, _: &mut Rng) -> Value {
        let is_at_fork = state.player[0] == self.length as i32;
        Value::Discrete(match (is_at_fork, state.right_is_up) {
            (false, _) => 3,
            (true, true) => 0,
            (true, false) => 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    #[test]
    fn the_arm_with_the_cue_is_paid_and_the_other_costs() {
        let world = Distracting { length: 6 };
        for seed in 0..10 {
            let mut rng = Seed(seed).rng();
            for mirrored in [false, true] {
                let mut state = world.start(&[0.0, 1.0, 0.5], &mut rng);
                let mut outcome = Outcome { reward: 0.0, terminated: false };
                let mut n_steps = 0;
                while !outcome.terminated {
                    let way = world.expert(&state, &mut rng).as_discrete().unwrap() as usize;
                    let way = if mirrored && way < 2 { 1 - way } else { way };
                    outcome = world.act(&mut state, Action::Choice(way), &mut rng);
                    n_steps += 1;
                }
                assert_eq!((outcome.reward, n_steps), (if mirrored { -1.0 } else { 1.0 }, 8));
            }
        }
    }

    #[test]
    fn the_cue_is_out_of_sight_after_three_steps() {
        let world = Distracting { length: 20 };
        let mut state = world.start(&[0.0, 1.0, 0.0], &mut Seed(0).rng());
        let mut sees = |x| {
            state.player = [x, 0];
            let seen = Seen::around(state.player, None, |cell| world.tile(&state, cell));
            seen.tiles.iter().flatten().any(|tile| *tile == Tile::Thing(state.cue))
        };
        assert_eq!([0, 1, 2, 3, 4].map(&mut sees), [true, true, true, false, false]);
    }
}
