//! A locked door and its key in one room.

use worldsmith_core::Rng;

use super::cell::{Cell, Colour, Kind, Latch};
use super::engine::{Facing, Task};
use super::layout::{CONDITIONS, Layout, Scene, make};
use super::rooms::Rooms;
use crate::EnvEntry;
use crate::registry::Maker;

/// Side of a room with its walls.
pub(super) const ROOM: i32 = 6;
/// Columns and rows of rooms.
pub(super) const N_ROOMS: [usize; 2] = [2, 1];
/// Steps until truncation.
pub(super) const MAX_STEPS: usize = 8 * (ROOM * ROOM) as usize;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/unlock",
    about: "MiniGrid's Unlock: fetch the key and open the locked door",
    page: super::page!(
        "\
Two rooms of six by six cells, walls included, with a locked door of a random colour between them. The agent and the key are in
the left one, and the episode is won when the door opens. Cut off after 288 steps. It is `MiniGrid-Unlock-v0`.
"
    ),
    options: &[],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| make(Unlock, MAX_STEPS, &CONDITIONS, options)),
};

struct Unlock;

impl Layout for Unlock {
    fn size(&self) -> [i32; 2] {
        Rooms::size(N_ROOMS, ROOM)
    }

    fn mission(&self) -> &'static str {
        "open the door"
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let mut rooms = Rooms::new(N_ROOMS, ROOM, rng);
        let colour = Colour::draw(rng);
        rooms.add_door([0, 0], Facing::Right, Cell::door(colour, Latch::Locked).wanted());
        rooms.add([0, 0], Cell::new(Kind::Key, colour), rng);
        rooms.place_agent([0, 0], rng);
        Scene { board: rooms.board, agent: rooms.agent, task: Task::Open }
    }
}
