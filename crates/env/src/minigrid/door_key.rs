//! A locked door between the agent and the goal; the key lies on the agent's side.

use worldsmith_core::Rng;

use super::board::{Area, Board};
use super::cell::{Cell, Colour, Kind, Latch};
use super::engine::Task;
use super::layout::{CONDITIONS, Layout, Scene, make};
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/doorkey",
    about: "MiniGrid's DoorKey: fetch the key, unlock the door, walk to the goal",
    page: super::page!(
        "\
A square room of `cells` by `cells` cells is split by a wall at a random column with a locked yellow door in it. Agent and key
are on the left, the goal is in the bottom right corner. Cut off after 10 x `cells` x `cells` steps. `?cells=8` is
`MiniGrid-DoorKey-8x8-v0`.
"
    ),
    options: &[OptionEntry {
        name: "cells",
        default: "8",
        about: "side of the room with its walls, 5 to 16 cells",
    }],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| {
        let cells = options.number("cells", 8, 5..=16)?;
        make(DoorKey { cells }, 10 * (cells * cells) as usize, &CONDITIONS, options)
    }),
};

struct DoorKey {
    cells: i32,
}

impl Layout for DoorKey {
    fn size(&self) -> [i32; 2] {
        [self.cells; 2]
    }

    fn mission(&self) -> &'static str {
        "use the key to open the door and then get to the goal"
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let cells = self.cells;
        let mut board = Board::walled(self.size());
        board.put([cells - 2; 2], Cell::GOAL);
        let wall = 2 + rng.below(cells as usize - 4) as i32;
        board.fill(Area { top: [wall, 0], size: [1, cells] }, Cell::WALL);
        let left = Area { top: [0, 0], size: [wall, cells] };
        let agent = board.draw_pose(left, rng);
        let row = 1 + rng.below(cells as usize - 3) as i32;
        board.put([wall, row], Cell::door(Colour::Yellow, Latch::Locked));
        board.place(left, |spot| spot != agent.spot, Cell::new(Kind::Key, Colour::Yellow), rng);
        Scene { board, agent, task: Task::Reach }
    }
}
