//! Three ways to make a maze in which exactly one way leads from each place to each other.
//!
//! Places are the cells with odd column and row; between two neighbours lies a wall that may be opened.

use worldsmith_core::Rng;

use crate::grid::rows::{Cell, Rows, WAYS, ahead};

/// Who makes the maze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// A digger goes on to any new neighbour and turns back where there is none.
    DepthFirst,
    /// The maze grows by any of the walls around it.
    Prim,
    /// Random walks with their loops cut out; every maze has the same chance (Wilson, 1996).
    Wilson,
}

impl Algorithm {
    /// All, with the names by which options ask for them.
    pub const ALL: [(&'static str, Algorithm); 3] =
        [("depth_first", Algorithm::DepthFirst), ("prim", Algorithm::Prim), ("wilson", Algorithm::Wilson)];

    /// The walls of a maze of `n` by `n` places, `n` up to 15.
    pub fn carve(self, n: usize, rng: &mut Rng) -> Rows {
        let mut maze = Carving { n: n as i32, floor: Rows::EMPTY };
        let start = maze.any_place(rng);
        maze.floor.add(start);
        match self {
            Algorithm::DepthFirst => maze.dig(start, rng),
            Algorithm::Prim => maze.grow(start, rng),
            Algorithm::Wilson => maze.walk(rng),
        }
        maze.floor.with(&Rows::EMPTY, |floor, _| !floor)
    }
}

/// Opens each wall between two places with chance `share`.
pub fn open_some(walls: &mut Rows, n: usize, share: f32, rng: &mut Rng) {
    if share <= 0.0 {
        return;
    }
    let last = 2 * n as i32 - 1;
    for [x, y] in (1..=last).flat_map(|y| (1..=last).map(move |x| [x, y])) {
        if (x + y) % 2 == 1 && walls.has([x, y]) && rng.chance(share) {
            walls.remove([x, y]);
        }
    }
}

struct Carving {
    n: i32,
    floor: Rows,
}

impl Carving {
    fn any_place(&self, rng: &mut Rng) -> Cell {
        std::array::from_fn(|_| 1 + 2 * rng.below(self.n as usize) as i32)
    }

    /// The neighbouring place, and the wall between, if there is one that way.
    fn beyond(&self, place: Cell, way: usize) -> Option<(Cell, Cell)> {
        let wall = ahead(place, way);
        let next = ahead(wall, way);
        next.iter().all(|i| (1..2 * self.n).contains(i)).then_some((wall, next))
    }

    /// The ways to neighbours that are no floor yet, and how many.
    fn new_ways(&self, place: Cell) -> ([usize; 4], usize) {
        let (mut ways, mut n) = ([0; 4], 0);
        for way in 0..WAYS.len() {
            if self.beyond(place, way).is_some_and(|(_, next)| !self.floor.has(next)) {
                ways[n] = way;
                n += 1;
            }
        }
        (ways, n)
    }

    /// Opens the wall that way and returns the place behind.
    fn open(&mut self, place: Cell, way: usize) -> Cell {
        let wall = ahead(place, way);
        let next = ahead(wall, way);
        self.floor.add(wall);
        self.floor.add(next);
        next
    }

    fn dig(&mut self, start: Cell, rng: &mut Rng) {
        let mut path = vec![start];
        while let Some(place) = path.last().copied() {
            let (ways, n) = self.new_ways(place);
            if n == 0 {
                path.pop();
            } else {
                let next = self.open(place, ways[rng.below(n)]);
                path.push(next);
            }
        }
    }

    fn grow(&mut self, start: Cell, rng: &mut Rng) {
        let mut edge: Vec<(Cell, usize)> = (0..WAYS.len()).map(|way| (start, way)).collect();
        while !edge.is_empty() {
            let (place, way) = edge.swap_remove(rng.below(edge.len()));
            if self.beyond(place, way).is_some_and(|(_, next)| !self.floor.has(next)) {
                let next = self.open(place, way);
                edge.extend((0..WAYS.len()).map(|way| (next, way)));
            }
        }
    }

    fn walk(&mut self, rng: &mut Rng) {
        let n = self.n as usize;
        // The way by which a walk last left each place: later visits overwrite loops.
        let mut left_by = [[0_u8; 32]; 32];
        for start in (0..n * n).map(|i| [1 + 2 * (i % n) as i32, 1 + 2 * (i / n) as i32]) {
            let mut place = start;
            while !self.floor.has(place) {
                let way = rng.below(WAYS.len());
                if let Some((_, next)) = self.beyond(place, way) {
                    left_by[place[1] as usize][place[0] as usize] = way as u8;
                    place = next;
                }
            }
            let (mut place, mut is_new) = (start, !self.floor.has(start));
            while is_new {
                self.floor.add(place);
                let way = usize::from(left_by[place[1] as usize][place[0] as usize]);
                is_new = self.beyond(place, way).is_some_and(|(_, next)| !self.floor.has(next));
                place = self.open(place, way);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use worldsmith_core::Seed;

    use super::*;

    #[test]
    fn one_way_leads_from_each_place_to_each_other() {
        for (name, algorithm) in Algorithm::ALL {
            for (n, seed) in [(2, 0), (7, 1), (15, 2), (15, 3)] {
                let walls = algorithm.carve(n, &mut Seed(seed).rng());
                let floor = walls.with(&Rows::EMPTY, |wall, _| !wall);
                // A tree: all places are joined, by one opening fewer than there are places.
                assert_eq!(floor.count(), 2 * n * n - 1, "{name}");
                assert_eq!(Rows::reached([1, 1], &floor), floor, "{name}");
            }
        }
    }

    #[test]
    fn wilson_makes_every_maze_as_often() {
        // Two by two places: four mazes.
        let mut rng = Seed(0).rng();
        let mut counts = BTreeMap::new();
        for _ in 0..4000 {
            *counts.entry(Algorithm::Wilson.carve(2, &mut rng).0).or_insert(0_i32) += 1;
        }
        assert_eq!(counts.len(), 4);
        assert!(counts.values().all(|n| (n - 1000).abs() < 140), "{counts:?}");
    }
}
