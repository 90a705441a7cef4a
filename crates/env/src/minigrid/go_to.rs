//! Walk up to the thing that the mission names, in a room full of things.

use worldsmith_core::Rng;

use super::clutter::{CELLS, FACTORS, MOST_CELLS, add_any, arranged};
use super::engine::Task;
use super::layout::{Layout, Scene, make};
use super::mission::Want;
use crate::EnvEntry;
use crate::registry::Maker;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/goto",
    about: "BabyAI's GoToLocal: go to the thing that the mission names",
    page: super::page!(
        "\
One room of `cells` by `cells` cells, walls included, with eight keys, balls and boxes of random colours, all within reach; the
factor `n_things` sets how many. The mission is such as `go to the red ball`, or `go to a red ball` where there are several. It
is done as soon as the agent stands before one and looks at it. Cut off after `cells` x `cells` steps. As it stands it is
`BabyAI-GoToLocal-v0`, `?cells=6&factor.n_things=3` is `BabyAI-GoToLocalS6N3-v0`, `?factor.n_things=1` is `BabyAI-GoToObj-v0`.
"
    ),
    options: &[CELLS],
    factors: &FACTORS,
    make: Maker::BuiltIn(|options| {
        let cells = options.number("cells", 8, 4..=MOST_CELLS)?;
        make(GoTo { cells }, (cells * cells) as usize, &FACTORS, options)
    }),
};

struct GoTo {
    cells: i32,
}

impl Layout for GoTo {
    fn size(&self) -> [i32; 2] {
        [self.cells; 2]
    }

    fn mission(&self) -> &'static str {
        "go to the object"
    }

    fn scene(&self, own: &[f32], rng: &mut Rng) -> Scene {
        let (board, agent, want) = arranged(self.cells, own[0], rng, |rooms, n, rng| {
            rooms.place_agent([0, 0], rng)?;
            let (chosen, mut want) = (rng.below(n), None);
            for i in 0..n {
                let thing = add_any(rooms, rng)?;
                want = if i == chosen { Some(Want::the(thing)) } else { want };
            }
            want
        });
        Scene { board, agent, task: Task::Face(want) }
    }
}
