//! A wall of lava with one gap between the agent and the goal.

use worldsmith_core::Rng;

use super::board::{Area, Board};
use super::cell::Cell;
use super::engine::{Facing, Pose, Task};
use super::layout::{CONDITIONS, Layout, Scene, make};
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/lavagap",
    about: "MiniGrid's LavaGap: pass through the gap in the lava to the goal",
    page: super::page!(
        "\
A square room of `cells` by `cells` cells is crossed from top to bottom by lava with one gap; column and gap are random. The
agent starts in the top left corner, the goal is in the bottom right one. Lava ends the episode without reward. Cut off after
4 x `cells` x `cells` steps. `?cells=7` is `MiniGrid-LavaGapS7-v0`.
"
    ),
    options: &[OptionEntry {
        name: "cells",
        default: "7",
        about: "side of the room with its walls, 5 to 16 cells",
    }],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| {
        let cells = options.number("cells", 7, 5..=16)?;
        make(LavaGap { cells }, 4 * (cells * cells) as usize, &CONDITIONS, options)
    }),
};

struct LavaGap {
    cells: i32,
}

impl Layout for LavaGap {
    fn size(&self) -> [i32; 2] {
        [self.cells; 2]
    }

    fn mission(&self) -> &'static str {
        "avoid the lava and get to the green goal square"
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let cells = self.cells;
        let mut board = Board::walled(self.size());
        board.put([cells - 2; 2], Cell::GOAL);
        let column = 2 + rng.below(cells as usize - 4) as i32;
        let row = 1 + rng.below(cells as usize - 2) as i32;
        board.fill(Area { top: [column, 1], size: [1, cells - 2] }, Cell::LAVA);
        board.put([column, row], Cell::EMPTY);
        Scene { board, agent: Pose { spot: [1, 1], facing: Facing::Right }, task: Task::Reach }
    }
}
