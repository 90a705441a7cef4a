//! Levels of Sokoban: a carved room, and boxes pulled away from their goals.

use worldsmith_core::Rng;

use super::room::Room;
use super::solver::GoalWays;
use crate::grid::rows::{Cell, Rows, WAYS, ahead};

/// Tries with carved rooms before an open one is taken.
const MAX_CARVED: usize = 40;
/// Rooms of which the best is taken.
const N_ROOMS: usize = 4;
/// Pulls for each box, and how many chances there are for each pull.
const PULLS: usize = 40;
const N_PULLS: usize = 3;
/// Worth of a box that is away from all goals; a push that is surely needed is worth 1.
const AWAY: i32 = 1000;

/// A room of `side` cells with `n_boxes` boxes that can all be brought to goals: of a few, one that needs the
/// most pushes.
pub fn make(side: usize, n_boxes: usize, rng: &mut Rng) -> Room {
    let mut best: Option<(i32, Room)> = None;
    for attempt in 0.. {
        let walls = if attempt < MAX_CARVED { carve(side, n_boxes, rng) } else { open(side) };
        let Some(solved) = furnish(side, walls, n_boxes, rng) else { continue };
        let (worth, room) = pulled_apart(&solved, rng);
        if best.as_ref().is_none_or(|(most, _)| worth > *most) {
            best = Some((worth, room));
        }
        if attempt + 1 >= N_ROOMS
            && let Some((worth, room)) = &best
            && (*worth >= AWAY * n_boxes as i32 || attempt >= MAX_CARVED && *worth >= AWAY)
        {
            return room.clone();
        }
    }
    unreachable!("the loop has no end of its own")
}

/// All cells inside the outer walls are floor.
fn open(side: usize) -> Rows {
    let mut walls = Rows::FULL;
    let inside = 1..side as i32 - 1;
    inside.clone().for_each(|y| inside.clone().for_each(|x| walls.remove([x, y])));
    walls
}

/// A digger walks about and leaves floor, at times two cells wide, until there is room enough.
fn carve(side: usize, n_boxes: usize, rng: &mut Rng) -> Rows {
    let last = side as i32 - 2;
    let inside = (side - 2) * (side - 2);
    let n_floor = (inside / 2).max(4 * n_boxes + 3).min(inside);
    let mut floor = Rows::EMPTY;
    let mut at = [1 + rng.below(side - 2) as i32, 1 + rng.below(side - 2) as i32];
    let mut way = rng.below(WAYS.len());
    while floor.count() < n_floor {
        floor.add(at);
        if rng.chance(0.4) {
            let beside = ahead(at, rng.below(WAYS.len())).map(|i| i.clamp(1, last));
            floor.add(beside);
        }
        if rng.chance(0.35) {
            way = rng.below(WAYS.len());
        }
        at = ahead(at, way).map(|i| i.clamp(1, last));
    }
    floor.with(&Rows::EMPTY, |floor, _| !floor)
}

/// Boxes on goals, and the keeper, in random cells; `None` if there is no room for them.
fn furnish(side: usize, walls: Rows, n_boxes: usize, rng: &mut Rng) -> Option<Room> {
    let mut floor = walls.with(&Rows::EMPTY, |wall, _| !wall);
    let mut goals = Rows::EMPTY;
    for _ in 0..n_boxes {
        let cell = any(&floor, rng)?;
        floor.remove(cell);
        goals.add(cell);
    }
    Some(Room { side, walls, goals, boxes: goals, player: any(&floor, rng)? })
}

fn any(cells: &Rows, rng: &mut Rng) -> Option<Cell> {
    cells.cells().nth(rng.below(cells.count().max(1)))
}

/// Plays backwards: pulls boxes, of [`N_PULLS`] chances always the best one, and keeps the room with the most boxes away from
/// goals, and of those one that needs the most pushes. Returns how much it is worth.
fn pulled_apart(solved: &Room, rng: &mut Rng) -> (i32, Room) {
    let ways = GoalWays::new(solved);
    let (mut room, mut best) = (solved.clone(), (0, solved.clone()));
    let mut pulls: Vec<(Cell, usize)> = Vec::new();
    for _ in 0..PULLS * solved.boxes.count() {
        let (region, free) = (room.region(), room.free());
        let all = room.boxes.cells().flat_map(|from| (0..WAYS.len()).map(move |way| (from, way)));
        pulls.clear();
        pulls.extend(all.filter(|(from, way)| {
            let keeper = ahead(*from, *way);
            region.has(keeper) && free.has(ahead(keeper, *way))
        }));
        if pulls.is_empty() {
            break;
        }
        let chances = std::array::from_fn::<_, N_PULLS, _>(|_| pulls[rng.below(pulls.len())]);
        let pulled = chances.map(|(from, way)| {
            let mut room = room.clone();
            room.boxes.remove(from);
            room.boxes.add(ahead(from, way));
            room.player = ahead(ahead(from, way), way);
            let n_away = room.boxes.with(&room.goals, |boxes, goals| boxes & !goals).count() as i32;
            let n_pushes = ways.at_least(&room.boxes).unwrap_or_default();
            (AWAY * n_away + i32::from(n_pushes), room)
        });
        let Some(next) = pulled.into_iter().max_by_key(|(worth, _)| *worth) else { break };
        if next.0 > best.0 {
            best = next.clone();
        }
        room = next.1;
    }
    best
}
