//! Pick up the thing that the mission describes, perhaps by where it lies.

use worldsmith_core::Rng;

use super::cell::{Colour, Kind};
use super::clutter::{CELLS, FACTORS, MOST_CELLS, add_any, arranged};
use super::engine::Task;
use super::layout::{Layout, Scene, make};
use super::mission::{Side, Want};
use super::rooms::Rooms;
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// How often a description is drawn before the room is made anew.
const N_TRIES: usize = 101;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/pickup",
    about: "BabyAI's PickupLoc: pick up what the mission describes, such as `the ball on your left`",
    page: super::page!(
        "\
One room of `cells` by `cells` cells, walls included, with eight keys, balls and boxes of random colours, all within reach; the
factor `n_things` sets how many. The mission names a kind, perhaps a colour and, with `sides`, perhaps a side as seen from where
the agent starts: `pick up the key`, `pick up a red ball in front of you`. It is done when one of those that fitted at the start
is picked up. Cut off after `cells` x `cells` steps. As it stands it is `BabyAI-PickupLoc-v0`.
"
    ),
    options: &[
        CELLS,
        OptionEntry { name: "sides", default: "true", about: "whether missions may say on which side a thing lies" },
    ],
    factors: &FACTORS,
    make: Maker::BuiltIn(|options| {
        let cells = options.number("cells", 8, 4..=MOST_CELLS)?;
        let has_sides = options.text("sides").is_none() || options.flag("sides")?;
        make(PickUp { cells, has_sides }, (cells * cells) as usize, &FACTORS, options)
    }),
};

struct PickUp {
    cells: i32,
    has_sides: bool,
}

impl Layout for PickUp {
    fn size(&self) -> [i32; 2] {
        [self.cells; 2]
    }

    fn mission(&self) -> &'static str {
        "pick up the object"
    }

    fn scene(&self, own: &[f32], rng: &mut Rng) -> Scene {
        let (board, agent, want) = arranged(self.cells, own[0], rng, |rooms, n, rng| {
            for _ in 0..n {
                add_any(rooms, rng)?;
            }
            rooms.place_agent([0, 0], rng)?;
            (0..N_TRIES).map(|_| self.description(rng)).find(|want| fits_some(*want, rooms))
        });
        Scene { board, agent, task: Task::Lift(want) }
    }
}

impl PickUp {
    fn description(&self, rng: &mut Rng) -> Want {
        Want {
            colour: Colour::ALL.get(rng.below(Colour::ALL.len() + 1)).copied(),
            kind: Some(Kind::LIFTABLE[rng.below(Kind::LIFTABLE.len())]),
            side: (self.has_sides && rng.chance(0.5)).then(|| Side::ALL[rng.below(Side::ALL.len())]),
            is_one_of_many: false,
        }
    }
}

fn fits_some(want: Want, rooms: &Rooms) -> bool {
    rooms.board.spots().any(|spot| want.fits(rooms.board.at(spot), rooms.agent, spot))
}
