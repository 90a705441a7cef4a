//! The expert: a planner that knows the whole board.
//!
//! It finds the cheapest way of turns, steps and opened doors to where the task is done, as if keys could be fetched and things
//! in the way be lifted at a price, and then does what the first obstacle on that way asks for. It starts anew at every step,
//! so it needs no memory and finds its way after whatever somebody else did in between.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::board::{Board, Spot};
use super::cell::{Cell, Kind, Latch};
use super::engine::{Act, Facing, Pose, State, Task};

/// Price of a key that must be fetched, or of a thing that must be put out of the way: more than any detour.
const ERRAND: u32 = 10_000;
/// How many errands may lie within each other: one for each colour of doors, and for full hands.
const DEPTH: usize = 8;

/// What to do next; `None` if nothing that the planner knows leads to the end of the task.
pub fn advise(state: &State) -> Option<Act> {
    let board = &state.board;
    match state.task {
        Task::Reach => toward(state, &|pose| board.at(pose.spot).kind() == Kind::Goal, DEPTH),
        Task::Choose { right, .. } => toward(state, &|pose| pose.spot == right, DEPTH),
        Task::Open => open(state, DEPTH),
        Task::Lift(_) => fetch(state, &Cell::is_wanted, DEPTH),
        Task::Face(_) => toward(state, &|pose| board.at(pose.front()).is_wanted(), DEPTH),
    }
}

/// The next action on the way to a pose that is `done`, from one that is not.
fn toward(state: &State, done: &dyn Fn(Pose) -> bool, depth: usize) -> Option<Act> {
    let depth = depth.checked_sub(1)?;
    let way = Search::new(state).way(done)?;
    let is_locked = |cell: &Cell| cell.latch() == Latch::Locked && !state.carried.opens(*cell);
    match entered(state, &way).find(|cell| is_locked(cell) || cell.can_lift()) {
        Some(door) if is_locked(&door) => return fetch(state, &|cell| cell.opens(door), depth),
        Some(_) if state.carried != Cell::EMPTY => return put_down(state, depth),
        _ => {}
    }
    let [from, to] = *way.first_chunk()?;
    let front = state.in_front();
    Some(if from.turned(1) == to {
        Act::Right
    } else if from.turned(3) == to {
        Act::Left
    } else if front.can_enter() {
        Act::Forward
    } else if front.kind() == Kind::Door {
        Act::Toggle
    } else {
        Act::PickUp
    })
}

/// What stands on the cells that a way leads through.
fn entered(state: &State, way: &[Pose]) -> impl Iterator<Item = Cell> {
    let steps = way.windows(2).filter(|poses| poses[0].spot != poses[1].spot);
    steps.map(|poses| state.board.at(poses[1].spot))
}

/// The next action to get hold of a thing, also if it is in a box. A full hand is emptied first, unless it holds the key to it.
fn fetch(state: &State, is_meant: &dyn Fn(Cell) -> bool, depth: usize) -> Option<Act> {
    let hides = |cell: Cell| is_meant(cell.inside()) || is_meant(cell.inside().inside());
    let is_there = |pose: Pose| {
        let cell = state.board.at(pose.front());
        is_meant(cell) || hides(cell)
    };
    if state.carried != Cell::EMPTY {
        let way = Search::new(state).way(&is_there)?;
        let is_key =
            entered(state, &way).any(|cell| cell.latch() == Latch::Locked && state.carried.opens(cell));
        return if is_key { toward(state, &is_there, depth) } else { put_down(state, depth) };
    }
    if !is_there(state.agent) {
        toward(state, &is_there, depth)
    } else if is_meant(state.in_front()) {
        Some(Act::PickUp)
    } else {
        Some(Act::Toggle)
    }
}

/// The next action to open the wanted door.
fn open(state: &State, depth: usize) -> Option<Act> {
    let door = *state.board.cells().iter().find(|cell| cell.is_wanted())?;
    if door.latch() == Latch::Locked && !state.carried.opens(door) {
        fetch(state, &|cell| cell.opens(door), depth)
    } else if state.in_front() == door {
        Some(Act::Toggle)
    } else {
        toward(state, &|pose| state.board.at(pose.front()) == door, depth)
    }
}

/// The next action to have an empty hand, with nothing lying where it bars the way; if there is no such place, then anywhere.
fn put_down(state: &State, depth: usize) -> Option<Act> {
    let is_free = |pose: Pose| state.board.at(pose.front()) == Cell::EMPTY;
    let is_good = |pose: Pose| is_free(pose) && bars_no_way(&state.board, pose.front());
    let there: [&dyn Fn(Pose) -> bool; 2] = [&is_good, &is_free];
    there.into_iter().find_map(
        |done| {
            if done(state.agent) { Some(Act::Drop) } else { toward(state, done, depth) }
        },
    )
}

/// Whether a thing on this cell leaves the ways between its neighbours open: each is followed by the next around it.
fn bars_no_way(board: &Board, [x, y]: Spot) -> bool {
    let around = [[0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1]];
    let cells = around.map(|[dx, dy]| board.at([x + dx, y + dy]));
    let matters = |cell: Cell| !matches!(cell.kind(), Kind::Wall | Kind::Lava);
    let sides = (0..8).step_by(2).filter(|i| matters(cells[*i]));
    let is_linked = |i: &usize| {
        let corner = cells[i + 1];
        matters(cells[*i]) && matters(cells[(i + 2) % 8]) && corner.can_enter() && corner.kind() != Kind::Lava
    };
    sides.count() <= 1 + (0..8).step_by(2).filter(is_linked).count()
}

/// Cheapest ways from the agent's pose.
struct Search<'a> {
    state: &'a State,
    /// Which colours of keys lie about or are in boxes.
    has_key: [bool; 6],
}

impl<'a> Search<'a> {
    fn new(state: &'a State) -> Self {
        let mut has_key = [false; 6];
        for cell in state.board.cells() {
            for cell in [*cell, cell.inside(), cell.inside().inside()] {
                has_key[cell.colour() as usize] |= cell.kind() == Kind::Key;
            }
        }
        Self { state, has_key }
    }

    /// All poses from the agent's to the nearest that is `done` (Dijkstra).
    fn way(&self, done: &dyn Fn(Pose) -> bool) -> Option<Vec<Pose>> {
        let start = self.state.agent;
        let n = self.state.board.cells().len() * Facing::ALL.len();
        let (mut costs, mut before) = (vec![u32::MAX; n], vec![start; n]);
        let mut next = BinaryHeap::from([Reverse((0, self.place(start)))]);
        costs[self.place(start)] = 0;
        while let Some(Reverse((cost, place))) = next.pop() {
            let pose = self.pose(place);
            if done(pose) {
                let back = |pose: &Pose| (*pose != start).then(|| before[self.place(*pose)]);
                let mut way: Vec<Pose> = std::iter::successors(Some(pose), back).collect();
                way.reverse();
                return Some(way);
            }
            if cost > costs[place] {
                continue;
            }
            let ahead = Pose { spot: pose.front(), ..pose };
            let steps =
                [(pose.turned(1), Some(1)), (pose.turned(3), Some(1)), (ahead, self.toll(ahead.spot))];
            for (to, toll) in steps {
                if let Some(toll) = toll
                    && cost + toll < costs[self.place(to)]
                {
                    costs[self.place(to)] = cost + toll;
                    before[self.place(to)] = pose;
                    next.push(Reverse((cost + toll, self.place(to))));
                }
            }
        }
        None
    }

    /// What it costs to enter a cell; `None` if that cannot be.
    fn toll(&self, spot: Spot) -> Option<u32> {
        let cell = self.state.board.at(spot);
        match (cell.kind(), cell.latch(), self.state.task) {
            (Kind::Lava, ..) => None,
            (_, _, Task::Choose { wrong, .. }) if spot == wrong => None,
            _ if cell.can_enter() => Some(1),
            (Kind::Door, Latch::Closed, _) => Some(2),
            (Kind::Door, Latch::Locked, _) if self.state.carried.opens(cell) => Some(2),
            (Kind::Door, Latch::Locked, _) => self.has_key[cell.colour() as usize].then_some(2 + ERRAND),
            // Where picking up is toggling, nothing can be put out of the way.
            (_, _, Task::Choose { .. }) => None,
            _ => cell.can_lift().then_some(2 + ERRAND),
        }
    }

    fn place(&self, pose: Pose) -> usize {
        let [x, y] = pose.spot;
        (y * self.state.board.size()[0] + x) as usize * Facing::ALL.len() + pose.facing as usize
    }

    fn pose(&self, place: usize) -> Pose {
        let (cell, facing) = (place / Facing::ALL.len(), Facing::ALL[place % Facing::ALL.len()]);
        let width = self.state.board.size()[0] as usize;
        Pose { spot: [(cell % width) as i32, (cell / width) as i32], facing }
    }
}
