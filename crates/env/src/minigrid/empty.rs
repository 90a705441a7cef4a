//! An empty room with a goal in the far corner.

use worldsmith_core::Rng;

use super::board::Board;
use super::cell::Cell;
use super::engine::{Facing, Pose, Task};
use super::layout::{CONDITIONS, Layout, Scene, make};
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/empty",
    about: "MiniGrid's Empty: walk to the goal in the far corner of an empty room",
    page: super::page!(
        "\
A square room of `cells` by `cells` cells, walls included. The goal is in the bottom right corner, the agent in the top left
one, looking right; with `random_start` it is anywhere and looks anywhere. The agent sees through walls here, as in MiniGrid.
Cut off after 4 x `cells` x `cells` steps. `?cells=5` is `MiniGrid-Empty-5x5-v0`; with `random_start=true` it is
`MiniGrid-Empty-Random-5x5-v0`.
"
    ),
    options: &[
        OptionEntry { name: "cells", default: "8", about: "side of the room with its walls, 5 to 16 cells" },
        OptionEntry { name: "random_start", default: "false", about: "whether the agent starts anywhere" },
    ],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| {
        let cells = options.number("cells", 8, 5..=16)?;
        let layout = Empty { cells, is_start_random: options.flag("random_start")? };
        make(layout, 4 * (cells * cells) as usize, &CONDITIONS, options)
    }),
};

struct Empty {
    cells: i32,
    is_start_random: bool,
}

impl Layout for Empty {
    fn size(&self) -> [i32; 2] {
        [self.cells; 2]
    }

    fn mission(&self) -> &'static str {
        "get to the green goal square"
    }

    fn sees_through_walls(&self) -> bool {
        true
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let mut board = Board::walled(self.size());
        board.put([self.cells - 2; 2], Cell::GOAL);
        let corner = Pose { spot: [1, 1], facing: Facing::Right };
        let agent = if self.is_start_random { board.draw_pose(board.area(), rng) } else { corner };
        Scene { board, agent, task: Task::Reach }
    }
}
