//! A ball in a locked room; the key is in a room on the other side of the corridor.

use worldsmith_core::Rng;

use super::cell::{Cell, Colour, Kind, Latch};
use super::engine::{Facing, Task};
use super::layout::{CONDITIONS, Layout, Scene, make};
use super::mission::Want;
use super::rooms::Rooms;
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

const N_COLUMNS: usize = 3;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/keycorridor",
    about: "MiniGrid's KeyCorridor: find the key, unlock the room, pick up the ball",
    page: super::page!(
        "\
Three columns of `rows` rooms, each of `room` by `room` cells, walls included. Those in the middle are one corridor, in which
the agent starts. One room on the right is locked and holds a ball of a random colour; a key to it lies in a room on the left.
Other rooms have closed doors. Cut off after 30 x `room` x `room` steps. `?room=3&rows=3` is `MiniGrid-KeyCorridorS3R3-v0`.
"
    ),
    options: &[
        OptionEntry { name: "room", default: "3", about: "side of a room with its walls, 3 to 8 cells" },
        OptionEntry { name: "rows", default: "3", about: "rows of rooms, 1 to 3" },
    ],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| {
        let room = options.number("room", 3, 3..=8)?;
        let layout = KeyCorridor { room, n_rows: options.number("rows", 3, 1..=3)? };
        make(layout, 30 * (room * room) as usize, &CONDITIONS, options)
    }),
};

struct KeyCorridor {
    room: i32,
    n_rows: usize,
}

impl Layout for KeyCorridor {
    fn size(&self) -> [i32; 2] {
        Rooms::size([N_COLUMNS, self.n_rows], self.room)
    }

    fn mission(&self) -> &'static str {
        "pick up the ball"
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let mut rooms = Rooms::new([N_COLUMNS, self.n_rows], self.room, rng);
        for row in 1..self.n_rows {
            rooms.remove_wall([1, row], Facing::Up);
        }
        let locked = [2, rng.below(self.n_rows)];
        let colour = Colour::draw(rng);
        rooms.add_door(locked, Facing::Left, Cell::door(colour, Latch::Locked));
        let ball = Cell::new(Kind::Ball, Colour::draw(rng));
        rooms.add(locked, ball.wanted(), rng);
        rooms.add([0, rng.below(self.n_rows)], Cell::new(Kind::Key, colour), rng);
        rooms.place_agent([1, self.n_rows / 2], rng);
        rooms.connect_all(rng);
        Scene { board: rooms.board, agent: rooms.agent, task: Task::Lift(Want::the(ball)) }
    }
}
