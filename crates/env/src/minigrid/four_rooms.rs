//! Four rooms around a cross of walls with a gap in each arm.

use worldsmith_core::Rng;

use super::board::{Area, Board};
use super::cell::Cell;
use super::engine::Task;
use super::layout::{CONDITIONS, Layout, Scene, make};
use crate::EnvEntry;
use crate::registry::Maker;

const CELLS: i32 = 19;
/// Row and column of the cross.
const CROSS: i32 = CELLS / 2;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/fourrooms",
    about: "MiniGrid's FourRooms: find the goal in one of four rooms",
    page: super::page!(
        "\
Nineteen by nineteen cells in four rooms. Each wall between two rooms has one gap at a random place; the agent and the goal
are anywhere. Cut off after 100 steps, which is short: some episodes cannot be won by one who must search. It is
`MiniGrid-FourRooms-v0`.
"
    ),
    options: &[],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| make(FourRooms, 100, &CONDITIONS, options)),
};

struct FourRooms;

impl Layout for FourRooms {
    fn size(&self) -> [i32; 2] {
        [CELLS; 2]
    }

    fn mission(&self) -> &'static str {
        "reach the goal"
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let mut board = Board::walled(self.size());
        board.fill(Area { top: [CROSS, 0], size: [1, CELLS] }, Cell::WALL);
        board.fill(Area { top: [0, CROSS], size: [CELLS, 1] }, Cell::WALL);
        for start in [1, CROSS + 1] {
            let mut along = || start + rng.below(CROSS as usize - 1) as i32;
            board.put([CROSS, along()], Cell::EMPTY);
            board.put([along(), CROSS], Cell::EMPTY);
        }
        let agent = board.draw_pose(board.area(), rng);
        board.place(board.area(), |spot| spot != agent.spot, Cell::GOAL, rng);
        Scene { board, agent, task: Task::Reach }
    }
}
