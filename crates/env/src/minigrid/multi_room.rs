//! A chain of rooms of random sizes with closed doors between them.

use worldsmith_core::Rng;

use super::board::{Area, Board, Spot};
use super::cell::{Cell, Colour, Latch};
use super::engine::{Facing, Task};
use super::layout::{CONDITIONS, Layout, Scene, make};
use crate::registry::Maker;
use crate::{EnvEntry, OptionEntry};

/// Side of the board.
const CELLS: i32 = 25;
/// The smallest room with its walls.
const LEAST: i32 = 4;
/// How often the next room is tried before the chain is given up.
const N_TRIES: usize = 8;

/// Registry entry.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "minigrid/multiroom",
    about: "MiniGrid's MultiRoom: through a chain of rooms with closed doors to the goal",
    page: super::page!(
        "\
A chain of `rooms` rooms of random sizes, from four cells to `room_max`, walls included, on a board of 25 by 25 cells. Each
leads to the next by a closed door, of another colour than the one before. The agent starts in the first, the goal is in the
last. Cut off after 20 x `rooms` steps. `?rooms=6&room_max=10` is `MiniGrid-MultiRoom-N6-v0`, `?rooms=4&room_max=5` is
`MiniGrid-MultiRoom-N4-S5-v1`.
"
    ),
    options: &[
        OptionEntry { name: "rooms", default: "6", about: "number of rooms, 1 to 6" },
        OptionEntry { name: "room_max", default: "10", about: "largest side of a room with its walls, 4 to 10 cells" },
    ],
    factors: &CONDITIONS,
    make: Maker::BuiltIn(|options| {
        let n_rooms = options.number("rooms", 6, 1..=6)?;
        let layout = MultiRoom { n_rooms, most: options.number("room_max", 10, LEAST..=10)? };
        make(layout, 20 * n_rooms, &CONDITIONS, options)
    }),
};

struct MultiRoom {
    n_rooms: usize,
    most: i32,
}

/// A room of the chain.
#[derive(Debug, Clone, Copy)]
struct Room {
    area: Area,
    /// Where it is entered.
    door: Spot,
    /// In which of its walls.
    entry: Facing,
}

impl Room {
    /// Whether the two have cells in common, or touch where the next room would need a wall of its own.
    fn meets(&self, other: Area) -> bool {
        let Area { top: [x, y], size: [width, height] } = other;
        let Area { top: [left, top], size: [across, down] } = self.area;
        x + width >= left && left + across > x && y + height >= top && top + down > y
    }
}

impl MultiRoom {
    /// A whole chain of rooms.
    fn chain(&self, rng: &mut Rng) -> Vec<Room> {
        let mut chain = Vec::with_capacity(self.n_rooms);
        while chain.len() < self.n_rooms {
            chain.clear();
            let corner = [(); 2].map(|()| rng.below(CELLS as usize - 2) as i32);
            let mut next = self.try_room(&chain, Facing::Left, corner, rng);
            while let Some(room) = next {
                chain.push(room);
                let n_tries = if chain.len() < self.n_rooms { N_TRIES } else { 0 };
                next = (0..n_tries).find_map(|_| {
                    let (exit, door) = way_out(&room, rng);
                    self.try_room(&chain, exit.turned(2), door, rng)
                });
            }
        }
        chain
    }

    /// A room of random size that is entered by a door in its wall `entry`; `None` if there is no place for it. The first room
    /// has its corner there.
    fn try_room(&self, chain: &[Room], entry: Facing, door: Spot, rng: &mut Rng) -> Option<Room> {
        let size @ [width, height] =
            [(); 2].map(|()| LEAST + rng.below((self.most - LEAST + 1) as usize) as i32);
        let ([x, y], mut before) = (door, |n: i32| 1 + rng.below(n as usize - 2) as i32);
        let top = match entry {
            _ if chain.is_empty() => door,
            Facing::Right => [x - width + 1, y - before(height)],
            Facing::Down => [x - before(width), y - height + 1],
            Facing::Left => [x, y - before(height)],
            Facing::Up => [x - before(width), y],
        };
        let area = Area { top, size };
        let is_on_board = top[0] >= 0 && top[1] >= 0 && top[0] + width <= CELLS && top[1] + height < CELLS;
        // The last room may be touched: its wall is shared.
        let others = &chain[..chain.len().saturating_sub(1)];
        let is_free = is_on_board && !others.iter().any(|room| room.meets(area));
        is_free.then_some(Room { area, door, entry })
    }
}

/// A wall other than the one that `room` is entered by, and a place in it.
fn way_out(room: &Room, rng: &mut Rng) -> (Facing, Spot) {
    let exit = room.entry.turned(1 + rng.below(3));
    let Area { top: [x, y], size: [width, height] } = room.area;
    let mut along = |n: i32| 1 + rng.below(n as usize - 2) as i32;
    let door = match exit {
        Facing::Right => [x + width - 1, y + along(height)],
        Facing::Down => [x + along(width), y + height - 1],
        Facing::Left => [x, y + along(height)],
        Facing::Up => [x + along(width), y],
    };
    (exit, door)
}

impl Layout for MultiRoom {
    fn size(&self) -> [i32; 2] {
        [CELLS; 2]
    }

    fn mission(&self) -> &'static str {
        "traverse the rooms to get to the goal"
    }

    fn scene(&self, _: &[f32], rng: &mut Rng) -> Scene {
        let chain = self.chain(rng);
        let mut board = Board::new(self.size());
        let mut colour = rng.below(Colour::ALL.len());
        for (i, room) in chain.iter().enumerate() {
            board.frame(room.area);
            if i > 0 {
                // Any but that of the last door.
                colour = (colour + 1 + rng.below(Colour::ALL.len() - 1)) % Colour::ALL.len();
                board.put(room.door, Cell::door(Colour::ALL[colour], Latch::Closed));
            }
        }
        let (first, last) = (chain[0].area, chain[chain.len() - 1].area);
        let agent = board.draw_pose(first, rng);
        board.place(last, |spot| spot != agent.spot, Cell::GOAL, rng);
        Scene { board, agent, task: Task::Reach }
    }
}
