//! A thing in the first room, two things at the end of the hallway: go to the one that is the same.

use worldsmith_core::Rng;

use super::board::{Area, Board};
use super::cell::{Cell, Colour, Kind};
use super::engine::{Facing, Pose, Task};
use super::layout::{CONDITIONS, Layout, Scene, make};
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/memory",
    about: "MiniGrid's Memory: recall the thing in the first room at the end of the hallway",
    page: super::page!(
        "\
A small room with a green key or a green ball, a hallway, and at its end a fork with one of each. The episode is won beside
the thing that equals the first one and lost beside the other. The agent starts at a random place in room or hallway, looking
down the hallway. `random_length`: the hallway ends at a random place. Things cannot be picked up: `pickup` is `toggle` here.
Cut off after 5 x `cells` x `cells` steps. `?cells=13` is `MiniGrid-MemoryS13-v0`; with `random_length=true` it is
`MiniGrid-MemoryS13Random-v0`. The expert needs not look at the first thing, as it knows the whole board.
"
    ),
    options: &[
        OptionEntry { name: "cells", default: "13", about: "side of the board, an odd number from 7 to 25" },
        OptionEntry { name: "random_length", default: "false", about: "whether the hallway's length is random" },
    ],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| {
        let cells = options.number("cells", 13, 7..=25)?;
        if cells % 2 == 0 {
            return Err(options.wrong("cells", "an odd number from 7 to 25", &cells.to_string()));
        }
        let layout = Memory { cells, is_length_random: options.flag("random_length")? };
        make(layout, 5 * (cells * cells) as usize, &CONDITIONS, options)
    }),
};

struct Memory {
    cells: i32,
    is_length_random: bool,
}

impl Layout for Memory {
    fn size(&self) -> [i32; 2] {
        [self.cells; 2]
    }

    fn mission(&self) -> &'static str {
        "go to the matching object at the end of the hallway"
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let (cells, middle) = (self.cells, self.cells / 2);
        let end = if self.is_length_random { 4 + rng.below(cells as usize - 6) as i32 } else { cells - 3 };
        let mut board = Board::walled(self.size());
        for side in [-1, 1] {
            // The room is four cells wide; from its last column on the hallway is one cell high.
            board.fill(Area { top: [1, middle + 2 * side], size: [4, 1] }, Cell::WALL);
            board.fill(Area { top: [4, middle + side], size: [(end - 4).max(1), 1] }, Cell::WALL);
        }
        board.fill(Area { top: [end, 0], size: [1, cells] }, Cell::WALL);
        board.put([end, middle], Cell::EMPTY);
        board.fill(Area { top: [end + 2, 0], size: [1, cells] }, Cell::WALL);
        let agent = Pose { spot: [1 + rng.below(end as usize) as i32, middle], facing: Facing::Right };

        let things = [Kind::Key, Kind::Ball].map(|kind| Cell::new(kind, Colour::Green));
        let (first, above) = (rng.below(2), rng.below(2));
        board.put([1, middle - 1], things[first]);
        board.put([end + 1, middle - 2], things[above]);
        board.put([end + 1, middle + 2], things[1 - above]);
        let beside = |side| [end + 1, middle + side];
        let (right, wrong) = if first == above { (beside(-1), beside(1)) } else { (beside(1), beside(-1)) };
        Scene { board, agent, task: Task::Choose { right, wrong } }
    }
}
