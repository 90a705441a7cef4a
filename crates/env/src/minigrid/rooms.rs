//! Equal rooms in rows and columns, with doors between neighbours: what layouts of several rooms are made from.

use worldsmith_core::Rng;

use super::board::{Area, Board, Spot};
use super::cell::{Cell, Colour, Kind, Latch};
use super::engine::{Facing, Pose};

/// Where a room lies among the others: column and row.
pub type At = [usize; 2];

/// A board of rooms that share their walls. A way out of a room is named by where one looks who leaves through it.
#[derive(Debug, Clone)]
pub struct Rooms {
    /// The cells.
    pub board: Board,
    /// Where the agent is: the middle of the middle room, before it is placed. Things are never put on or beside it.
    pub agent: Pose,
    side: i32,
    n: At,
    rooms: Vec<Room>,
}

/// One room.
#[derive(Debug, Clone, Copy, Default)]
struct Room {
    /// Where doors to the neighbours are or would be.
    places: [Option<Spot>; 4],
    /// Through which walls one can pass.
    ways: [bool; 4],
    /// Whether the door that was last added from inside this room is locked.
    is_locked: bool,
    /// Whether one can come here from the agent's room.
    is_reached: bool,
}

impl Rooms {
    /// `n` columns and rows of rooms of `side` by `side` cells with their walls. The places of doors are drawn now.
    pub fn new(n: At, side: i32, rng: &mut Rng) -> Self {
        let size = n.map(|n| n as i32 * (side - 1) + 1);
        let middle = n.map(|n| (n / 2) as i32 * (side - 1) + side / 2);
        let mut rooms = Self {
            board: Board::new(size),
            agent: Pose { spot: middle, facing: Facing::Right },
            side,
            n,
            rooms: vec![Room::default(); n[0] * n[1]],
        };
        for at in rooms.all() {
            rooms.board.frame(rooms.area(at));
        }
        for at in rooms.all() {
            for way in [Facing::Right, Facing::Down] {
                rooms.draw_place(at, way, rng);
            }
        }
        rooms
    }

    /// Columns and rows of the board of such rooms.
    pub fn size(n: At, side: i32) -> [i32; 2] {
        n.map(|n| n as i32 * (side - 1) + 1)
    }

    /// A room with its walls.
    pub fn area(&self, at: At) -> Area {
        Area { top: at.map(|i| i as i32 * (self.side - 1)), size: [self.side; 2] }
    }

    fn all(&self) -> impl Iterator<Item = At> + use<> {
        let [n_columns, n_rows] = self.n;
        (0..n_rows).flat_map(move |row| (0..n_columns).map(move |col| [col, row]))
    }

    fn idx(&self, at: At) -> usize {
        at[1] * self.n[0] + at[0]
    }

    fn room(&mut self, at: At) -> &mut Room {
        let idx = self.idx(at);
        &mut self.rooms[idx]
    }

    fn neighbour(&self, at: At, way: Facing) -> Option<At> {
        let [dx, dy] = way.step();
        let to = [at[0].checked_add_signed(dx as isize)?, at[1].checked_add_signed(dy as isize)?];
        (to[0] < self.n[0] && to[1] < self.n[1]).then_some(to)
    }

    fn draw_place(&mut self, at: At, way: Facing, rng: &mut Rng) {
        let Some(neighbour) = self.neighbour(at, way) else { return };
        let Area { top: [x, y], .. } = self.area(at);
        let (far, along) = (self.side - 1, 1 + rng.below(self.side as usize - 2) as i32);
        let place = if way == Facing::Right { [x + far, y + along] } else { [x + along, y + far] };
        self.room(at).places[way as usize] = Some(place);
        self.room(neighbour).places[way.turned(2) as usize] = Some(place);
    }

    fn connect(&mut self, at: At, way: Facing) {
        if let Some(neighbour) = self.neighbour(at, way) {
            self.room(at).ways[way as usize] = true;
            self.room(neighbour).ways[way.turned(2) as usize] = true;
        }
    }

    /// Puts a door in the wall of a room where its place was drawn; says where, unless there is no neighbour.
    pub fn add_door(&mut self, at: At, way: Facing, door: Cell) -> Option<Spot> {
        let place = self.room(at).places[way as usize]?;
        self.room(at).is_locked = door.latch() == Latch::Locked;
        self.board.put(place, door);
        self.connect(at, way);
        Some(place)
    }

    /// Takes the wall between two rooms away.
    pub fn remove_wall(&mut self, at: At, way: Facing) {
        let Area { top: [x, y], size: [side, _] } = self.area(at);
        let inner = side - 2;
        let wall = match way {
            Facing::Right => Area { top: [x + side - 1, y + 1], size: [1, inner] },
            Facing::Down => Area { top: [x + 1, y + side - 1], size: [inner, 1] },
            Facing::Left => Area { top: [x, y + 1], size: [1, inner] },
            Facing::Up => Area { top: [x + 1, y], size: [inner, 1] },
        };
        if self.neighbour(at, way).is_some() {
            self.board.fill(wall, Cell::EMPTY);
            self.connect(at, way);
        }
    }

    /// Puts a thing on a free cell of a room, neither where the agent is nor beside it; says where, unless there is none.
    pub fn add(&mut self, at: At, thing: Cell, rng: &mut Rng) -> Option<Spot> {
        let [x, y] = self.agent.spot;
        let is_apart = |spot: Spot| (spot[0] - x).abs() + (spot[1] - y).abs() >= 2;
        self.board.place(self.area(at), is_apart, thing, rng)
    }

    /// Puts the agent on a free cell of a room, looking at nothing but free cells and walls. `None` if there is no such cell.
    pub fn place_agent(&mut self, at: At, rng: &mut Rng) -> Option<Pose> {
        let looks_away = |pose: &Pose| matches!(self.board.at(pose.front()).kind(), Kind::Empty | Kind::Wall);
        let poses = || {
            let free = self.area(at).spots().filter(|spot| self.board.at(*spot) == Cell::EMPTY);
            free.flat_map(|spot| Facing::ALL.map(|facing| Pose { spot, facing })).filter(looks_away)
        };
        self.agent = poses().nth(rng.below(poses().count()))?;
        Some(self.agent)
    }

    /// Adds closed doors at random walls until one can come from the agent's room to every other; rooms behind a lock get none.
    pub fn connect_all(&mut self, rng: &mut Rng) {
        let start = self.agent.spot.map(|x| (x / (self.side - 1)) as usize);
        let start = [start[0].min(self.n[0] - 1), start[1].min(self.n[1] - 1)];
        // Every wall is met again and again; the bound is for rooms that only lead through others behind a lock.
        for _ in 0..5000 {
            self.spread(start);
            if self.rooms.iter().all(|room| room.is_reached) {
                return;
            }
            let at = self.n.map(|n| rng.below(n));
            let way = Facing::ALL[rng.below(4)];
            let Some(neighbour) = self.neighbour(at, way) else { continue };
            let is_barred = self.room(at).is_locked || self.room(neighbour).is_locked;
            if !is_barred && !self.room(at).ways[way as usize] {
                self.add_door(at, way, Cell::door(Colour::draw(rng), Latch::Closed));
            }
        }
    }

    /// Marks the rooms that one can come to from here, beyond those that are marked.
    fn spread(&mut self, from: At) {
        self.room(from).is_reached = true;
        let mut n_new = 1;
        while n_new > 0 {
            n_new = 0;
            for at in self.all() {
                let Room { ways, is_reached, .. } = self.rooms[self.idx(at)];
                for way in Facing::ALL.into_iter().filter(|way| is_reached && ways[*way as usize]) {
                    let Some(neighbour) = self.neighbour(at, way) else { continue };
                    n_new += usize::from(!std::mem::replace(&mut self.room(neighbour).is_reached, true));
                }
            }
        }
    }
}
