//! Shortest solutions of Sokoban: as few pushes as there can be.
//!
//! A* over positions of boxes and the region in which the keeper can walk. The bound is a cheapest matching of boxes to goals,
//! each pair at the pushes a lone box would need. Positions are pruned where a box can never reach a goal or is frozen away
//! from one. All of it keeps the first solution found a shortest one.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::room::Room;
use crate::grid::rows::{Cell, Rows, WAYS, ahead};

/// The most boxes of a room.
const MAX_BOXES: usize = 8;
/// Cells of a room of the largest size.
const N_CELLS: usize = 256;
/// Pushes to a goal that cannot be reached.
const NEVER: u16 = u16::MAX;

/// One push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Push {
    /// Where the box is before.
    pub from: Cell,
    /// Where it goes: up, down, left, right.
    pub way: usize,
}

/// What there is to be said about a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Solution {
    /// These pushes solve it, and no fewer do.
    Pushes(Vec<Push>),
    /// It cannot be solved.
    Impossible,
    /// Too many positions were looked at.
    GaveUp,
}

/// Solves a sound room; looks at `max_positions` at most.
pub fn solve(room: &Room, max_positions: usize) -> Solution {
    let ways = GoalWays::new(room);
    let mut search = Search { room, ways, nodes: Vec::new(), open: BinaryHeap::new(), best: HashMap::new() };
    search.consider(room.boxes, room.player, None);
    while let Some(Reverse((_, _, idx))) = search.open.pop() {
        let node = search.nodes[idx];
        if search.best.get(&(node.boxes, node.corner)) != Some(&node.n_pushes) {
            continue;
        }
        if node.boxes == room.goals {
            return Solution::Pushes(search.pushes_to(idx));
        }
        if search.nodes.len() > max_positions {
            return Solution::GaveUp;
        }
        search.expand(idx);
    }
    Solution::Impossible
}

/// A position on the way.
#[derive(Clone, Copy)]
struct Node {
    boxes: Rows,
    /// The first cell that the keeper can walk to: the same for all places in a region.
    corner: Cell,
    n_pushes: u16,
    /// The node before and the push that led here.
    from: Option<(usize, Push)>,
}

struct Search<'r> {
    room: &'r Room,
    ways: GoalWays,
    nodes: Vec<Node>,
    /// Pushes at least, pushes at least from here, node.
    open: BinaryHeap<Reverse<(u16, u16, usize)>>,
    /// Fewest pushes to a position so far.
    best: HashMap<(Rows, Cell), u16>,
}

impl Search<'_> {
    /// All pushes from a node.
    fn expand(&mut self, idx: usize) {
        let Node { boxes, corner, .. } = self.nodes[idx];
        let free = self.room.walls.with(&boxes, |wall, box_| !(wall | box_));
        let region = Rows::reached(corner, &free);
        for from in boxes.cells() {
            for way in 0..WAYS.len() {
                let to = ahead(from, way);
                if !region.has(ahead(from, way ^ 1)) || !free.has(to) || self.ways.dead.has(to) {
                    continue;
                }
                let mut pushed = boxes;
                pushed.remove(from);
                pushed.add(to);
                if !self.is_stuck(&pushed) {
                    self.consider(pushed, from, Some((idx, Push { from, way })));
                }
            }
        }
    }

    /// Enters a position, unless it is known to be reached as fast, or hopeless.
    fn consider(&mut self, boxes: Rows, player: Cell, from: Option<(usize, Push)>) {
        let n_pushes = from.map_or(0, |(idx, _)| self.nodes[idx].n_pushes + 1);
        let free = self.room.walls.with(&boxes, |wall, box_| !(wall | box_));
        let corner = Rows::reached(player, &free).cells().next().unwrap_or(player);
        if self.best.get(&(boxes, corner)).is_some_and(|known| *known <= n_pushes) {
            return;
        }
        let Some(left) = self.ways.at_least(&boxes) else { return };
        self.best.insert((boxes, corner), n_pushes);
        self.open.push(Reverse((n_pushes + left, left, self.nodes.len())));
        self.nodes.push(Node { boxes, corner, n_pushes, from });
    }

    fn pushes_to(&self, idx: usize) -> Vec<Push> {
        let steps = std::iter::successors(self.nodes[idx].from, |(idx, _)| self.nodes[*idx].from);
        let mut pushes: Vec<Push> = steps.map(|(_, push)| push).collect();
        pushes.reverse();
        pushes
    }

    /// Whether a box away from goals can never move again.
    fn is_stuck(&self, boxes: &Rows) -> bool {
        let away = boxes.with(&self.room.goals, |boxes, goals| boxes & !goals);
        away.cells().any(|cell| self.is_frozen(cell, boxes, &mut self.room.walls.clone()))
    }

    /// Whether neither axis lets a box move, if those in `solid` do not: boxes in question count as walls.
    fn is_frozen(&self, cell: Cell, boxes: &Rows, solid: &mut Rows) -> bool {
        let before = *solid;
        solid.add(cell);
        let frozen = [0, 2].into_iter().all(|axis| {
            let sides = [ahead(cell, axis), ahead(cell, axis + 1)];
            sides.iter().any(|side| solid.has(*side))
                || sides.iter().all(|side| self.ways.dead.has(*side))
                || sides.iter().any(|side| boxes.has(*side) && self.is_frozen(*side, boxes, solid))
        });
        if !frozen {
            *solid = before;
        }
        frozen
    }
}

/// How many pushes a lone box needs from every cell to every goal.
pub(super) struct GoalWays {
    n_pushes: Vec<[u16; N_CELLS]>,
    /// Floor from where a box comes to no goal.
    dead: Rows,
}

impl GoalWays {
    pub fn new(room: &Room) -> Self {
        let floor = room.walls.with(&Rows::EMPTY, |wall, _| !wall);
        let mut alive = Rows::EMPTY;
        let mut n_pushes = Vec::new();
        for goal in room.goals.cells() {
            let mut ways = [NEVER; N_CELLS];
            let mut queue = std::collections::VecDeque::from([goal]);
            ways[place(goal)] = 0;
            while let Some(cell) = queue.pop_front() {
                alive.add(cell);
                for way in 0..WAYS.len() {
                    // Pulled from here to there, by a keeper who steps back.
                    let there = ahead(cell, way);
                    if floor.has(there) && floor.has(ahead(there, way)) && ways[place(there)] == NEVER {
                        ways[place(there)] = ways[place(cell)] + 1;
                        queue.push_back(there);
                    }
                }
            }
            n_pushes.push(ways);
        }
        Self { n_pushes, dead: floor.with(&alive, |floor, alive| floor & !alive) }
    }

    /// Pushes that are needed at least: the cheapest matching of boxes and goals; `None` if there is none.
    pub fn at_least(&self, boxes: &Rows) -> Option<u16> {
        let n = self.n_pushes.len();
        // By the set of goals that are taken.
        let mut costs = [NEVER; 1 << MAX_BOXES];
        costs[0] = 0;
        for (i, cell) in boxes.cells().enumerate() {
            for taken in (0..1_usize << n).filter(|taken| taken.count_ones() as usize == i) {
                if costs[taken] == NEVER {
                    continue;
                }
                for goal in (0..n).filter(|goal| taken >> goal & 1 == 0) {
                    let cost = costs[taken].saturating_add(self.n_pushes[goal][place(cell)]);
                    let with = &mut costs[taken | 1 << goal];
                    *with = cost.min(*with);
                }
            }
        }
        Some(costs[(1 << n) - 1]).filter(|cost| *cost != NEVER)
    }
}

/// The place of a cell in a list of all.
fn place([x, y]: Cell) -> usize {
    y as usize * 16 + x as usize
}

#[cfg(test)]
mod tests {
    use std::collections::{HashSet, VecDeque};

    use worldsmith_core::Seed;

    use super::super::levels;
    use super::*;

    /// Fewest pushes by looking at everything; `None` if it cannot be solved.
    fn by_brute_force(room: &Room) -> Option<u16> {
        let mut seen = HashSet::from([(room.boxes, room.player)]);
        let mut queue = VecDeque::from([(room.clone(), 0)]);
        while let Some((room, n_pushes)) = queue.pop_front() {
            if room.is_solved() {
                return Some(n_pushes);
            }
            for way in 0..WAYS.len() {
                let mut next = room.clone();
                next.step(way);
                let pushed = next.boxes != room.boxes;
                if seen.insert((next.boxes, next.player)) {
                    // Walks cost nothing, so they go first.
                    if pushed {
                        queue.push_back((next, n_pushes + 1));
                    } else {
                        queue.push_front((next, n_pushes));
                    }
                }
            }
        }
        None
    }

    /// Plays the pushes; the keeper must be able to walk to each.
    fn play(room: &Room, pushes: &[Push]) -> Room {
        let mut room = room.clone();
        for push in pushes {
            let behind = ahead(push.from, push.way ^ 1);
            assert!(room.region().has(behind), "{push:?} in {room:?}");
            room.player = behind;
            room.step(push.way);
        }
        room
    }

    #[test]
    fn solutions_are_as_short_as_those_found_by_looking_at_everything() {
        let mut rng = Seed(4).rng();
        let (mut n_solved, mut n_impossible) = (0, 0);
        for i in 0..60 {
            let mut room = levels::make(6 + i % 2, 1 + i % 3, &mut rng);
            assert!(room.is_sound() && by_brute_force(&room).is_some(), "{room:?}");
            // Some later positions too, many of which cannot be solved any more.
            for _ in 0..4 {
                match solve(&room, usize::MAX) {
                    Solution::Pushes(pushes) => {
                        assert!(play(&room, &pushes).is_solved());
                        assert_eq!(Some(pushes.len() as u16), by_brute_force(&room), "{room:?}");
                        n_solved += 1;
                    }
                    other => {
                        assert_eq!((other, by_brute_force(&room)), (Solution::Impossible, None), "{room:?}");
                        n_impossible += 1;
                    }
                }
                for _ in 0..12 {
                    room.step(rng.below(WAYS.len()));
                }
            }
        }
        assert!(n_solved > 80 && n_impossible > 15, "{n_solved} {n_impossible}");
    }

    #[test]
    fn a_level_by_hand_is_solved_with_its_fewest_pushes() {
        let room = Room::parse("#######\n#.    #\n# $@  #\n#   $.#\n#######");
        let Solution::Pushes(pushes) = solve(&room, 1000) else { panic!("it can be solved") };
        assert_eq!(pushes.len(), 3);
        assert_eq!(solve(&Room::parse("#####\n#$. #\n# @ #\n#####"), 1000), Solution::Impossible);
        assert_eq!(solve(&levels::make(10, 4, &mut Seed(1).rng()), 1), Solution::GaveUp);
    }
}
