//! A box behind a locked door; the key is on the agent's side.

use worldsmith_core::Rng;

use super::cell::{Cell, Colour, Kind, Latch};
use super::engine::{Facing, Task};
use super::layout::{CONDITIONS, Layout, Scene, make};
use super::mission::Want;
use super::rooms::Rooms;
use super::unlock::{MAX_STEPS, N_ROOMS, ROOM};
use crate::EnvEntry;
use crate::registry::Maker;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/unlockpickup",
    about: "MiniGrid's UnlockPickup: unlock the door and pick up the box behind it",
    page: super::page!(
        "\
Two rooms of six by six cells, walls included, with a locked door of a random colour between them. The agent and the key are in
the left one, a box of a random colour is in the right one; the hand must be empty to pick it up, and it is gone if it is
opened. Cut off after 288 steps. It is `MiniGrid-UnlockPickup-v0`.
"
    ),
    options: &[],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| make(UnlockPickup, MAX_STEPS, &CONDITIONS, options)),
};

struct UnlockPickup;

impl Layout for UnlockPickup {
    fn size(&self) -> [i32; 2] {
        Rooms::size(N_ROOMS, ROOM)
    }

    fn mission(&self) -> &'static str {
        "pick up the box"
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let mut rooms = Rooms::new(N_ROOMS, ROOM, rng);
        let package = Cell::new(Kind::Box, Colour::draw(rng));
        rooms.add([1, 0], package.wanted(), rng);
        let colour = Colour::draw(rng);
        rooms.add_door([0, 0], Facing::Right, Cell::door(colour, Latch::Locked));
        rooms.add([0, 0], Cell::new(Kind::Key, colour), rng);
        rooms.place_agent([0, 0], rng);
        Scene { board: rooms.board, agent: rooms.agent, task: Task::Lift(Want::the(package)) }
    }
}
