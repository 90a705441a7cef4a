//! Crafter behind [`World`], and its entry in the registry.

use std::sync::OnceLock;

use worldsmith_core::{Error, Result, Rng, Space, Value};

use super::names::{Deed, N_ACHIEVEMENTS, Name};
use super::rules::Rules;
use super::state::{Episode, State};
use super::terrain::MOST_SIDE;
use super::tiles::{COLUMNS, MAP_ROWS, Tiles};
use super::world_gen::{Land, generate};
use super::{draw, expert, symbols, text, transition};
use crate::blueprint::blueprint;
use crate::factors::{Factor, exact};
use crate::look::{HUE, LIGHT, Look};
use crate::registry::Maker;
use crate::world::{Action, Face, Outcome, Sight, View, World};
use crate::{EnvEntry, OptionEntry, Options};

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "crafter",
    about: "survive and build in an open world: 22 achievements, day and night, RGB, 17 actions",
    page: "\
A world of 64 by 64 cells with lakes, woods, mountains, caves, tunnels and ores, made anew for each episode. The player eats,
drinks and sleeps, cuts wood, digs, builds tools, plants saplings, and fights zombies on grass and skeletons in tunnels.

- `pixels`: nine by seven cells around the player, and the inventory below. By night it is dark and grainy; asleep it is grey.
- `text`: the same in words. `symbols`: the same cells as numbers, row by row: 0 beyond the world, 1 to 12 the materials, 13 the
  player, 14 cow, 15 zombie, 16 skeleton, 17 arrow, 18 plant. `map`: the whole world so.
- `state`: how much there is of 16 items, four directions of which one is 1, asleep, daylight from 0 to 1.
- `achievements`: 1 for what was done in this episode, in alphabetical order.
- Actions: `noop`, `move_left`, `move_right`, `move_up`, `move_down`, `do` (what is ahead), `sleep`, `place_` and `make_`.
- Reward: 1 for a step with something achieved for the first time, and 0.1 for each unit of health won, -0.1 for each lost.
- Ends when health is 0; cut off after 10,000 steps.

`rules` changes recipes and effects for methods that must find out: `recipes` makes tables, furnaces and tools of other things,
`survival` changes what eating and drinking do, `terrain` where one can go and where ores lie, `mixed` all of it. The saved state
is the whole game as plain JSON: objects with kind, position and health, the map as rows of letters; one step is the pure
function `crafter::transition::step` of rules, state, action and chance.

Equal to `crafter` 1.8.3 in rules and chances: from the same state and with the same draws every step leads to the same
state and reward. Other draws, so other worlds for a seed; their statistics agree. Pictures have the same geometry and light, with
textures of their own; noise by night is laid over the picture after the light instead of before. Two things are left to rounding
and memory in the package and settled here: noise at the points of its lattice is 0, and creatures of a chunk count by age.
The expert knows the rules and the whole map and works through the achievements.",
    options: &[
        OptionEntry {
            name: "rules",
            default: "standard",
            about: "what recipes and effects are: standard, recipes, survival, terrain, mixed",
        },
        OptionEntry { name: "area", default: "64", about: "side of the world in cells, from 9 to 128" },
        OptionEntry { name: "max_steps", default: "10000", about: "steps until truncation, or `none`" },
    ],
    factors: &[
        Factor {
            name: "day_steps",
            about: "length of a day, in steps",
            default: 300.0,
            train: [200.0, 400.0],
            shifted: [60.0, 120.0],
        },
        Factor {
            name: "hunger_ratio",
            about: "how fast hunger and thirst come",
            default: 1.0,
            train: [0.75, 1.25],
            shifted: [1.75, 2.5],
        },
        Factor {
            name: "zombie_ratio",
            about: "how many zombies there are",
            default: 1.0,
            train: [0.5, 1.25],
            shifted: [2.0, 3.0],
        },
        Factor {
            name: "ore_ratio",
            about: "how much coal, iron and diamond there is",
            default: 1.0,
            train: [0.75, 1.5],
            shifted: [0.25, 0.5],
        },
        HUE,
        LIGHT,
    ],
    make: Maker::BuiltIn(|options| {
        let world = Crafter::new(options)?;
        let face = world.face(options)?;
        blueprint(world, face, ENTRY.factors, options)
    }),
};

const ACTION_NAMES: [&str; Deed::ALL.len()] = {
    let mut names = [""; Deed::ALL.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = Deed::ALL[i].word();
        i += 1;
    }
    names
};

/// Places of the views.
const PIXELS: usize = 0;
const TEXT: usize = 1;
const SYMBOLS: usize = 2;
const MAP: usize = 3;
const STATE: usize = 4;

/// The game with its options settled.
#[derive(Debug)]
pub struct Crafter {
    rules: Rules,
    area: [usize; 2],
    size: [usize; 2],
    tiles: OnceLock<Tiles>,
}

impl Crafter {
    fn new(options: &Options) -> Result<Self> {
        let name = options.text("rules").unwrap_or("standard");
        let rules = Rules::named(name).ok_or_else(|| {
            let known = Rules::NAMES.map(|(name, _)| name).join(", ");
            options.wrong("rules", &format!("one of {known}"), name)
        })?;
        let side = options.number("area", 64, COLUMNS..=MOST_SIDE)?;
        Ok(Self { rules, area: [side; 2], size: options.size([64, 64])?, tiles: OnceLock::new() })
    }

    fn face(&self, options: &Options) -> Result<Face> {
        let numbers = |name, shape: &[usize], high| {
            let n = shape.iter().product();
            let (low, high) = (vec![0.0; n], vec![high; n]);
            View { name, space: Space::Box { shape: shape.to_vec(), low, high } }
        };
        let most = symbols::most_body(self.rules.most);
        Ok(Face {
            action: Space::Discrete { n: Deed::ALL.len() },
            action_names: &ACTION_NAMES,
            views: vec![
                View::pixels("pixels", options)?,
                View::text("text", text::MOST_TEXT),
                numbers("symbols", &[MAP_ROWS, COLUMNS], symbols::MOST_SYMBOL),
                numbers("map", &self.area, symbols::MOST_SYMBOL),
                View::numbers("state", &[0.0; symbols::N_BODY], &most),
                numbers("achievements", &[N_ACHIEVEMENTS], 1.0),
            ],
            max_steps: Some(10_000),
        })
    }

    fn tiles(&self) -> &Tiles {
        self.tiles.get_or_init(|| Tiles::new(self.size[0], self.size[1]))
    }
}

impl World for Crafter {
    type State = State;

    const IS_SLOW: bool = true;

    fn start(&self, factors: &[f32], rng: &mut Rng) -> State {
        let look = Look::new([factors[4], factors[5]]);
        let episode = Episode::new([factors[0], factors[1], factors[2]], look, rng);
        let land = Land { area: self.area, ore_ratio: exact(factors[3]) };
        generate(&self.rules, land, episode, rng)
    }

    fn act(&self, state: &mut State, action: Action<'_>, rng: &mut Rng) -> Outcome {
        transition::step(&self.rules, state, Deed::ALL[action.choice()], rng)
    }

    fn show(&self, state: &State, view: usize, out: Sight<'_>) {
        match (view, out) {
            (PIXELS, Sight::Pixels(mut canvas)) => {
                draw::draw(state, self.rules.creatures.ripe_after, self.tiles(), &mut canvas);
            }
            (TEXT, Sight::Text(text)) => text::write(state, text),
            (SYMBOLS, Sight::Numbers(out)) => symbols::near(state, out),
            (MAP, Sight::Numbers(out)) => symbols::map(state, out),
            (STATE, Sight::Numbers(out)) => symbols::body(state, out),
            (_, Sight::Numbers(out)) => symbols::achievements(state, out),
            _ => {}
        }
    }

    fn check(&self, state: &State) -> Result<()> {
        state.check(self.area)?;
        let most = self.rules.most;
        match state.player.inventory.iter().find(|(_, n)| *n > most) {
            None => Ok(()),
            Some((item, n)) => {
                Err(Error::invalid(format!("expected `{}` from 0 to {most}, got {n}", item.name())))
            }
        }
    }

    fn expert(&self, state: &State, rng: &mut Rng) -> Value {
        Value::Discrete(expert::advise(&self.rules, state, rng).index() as i64)
    }
}
