//! Mazes of square cells, made by seed; written as rows of `#` (wall) and `.` (floor).
//!
//! Positions are real numbers in cells: `x` to the right, `y` down, cell `(i, j)` from `i` to `i + 1` and from `j` to `j + 1`.

use serde::{Deserialize, Serialize};
use worldsmith_core::Rng;

/// Most rooms along a side; a maze of `n` rooms has `2 n + 1` cells along a side.
pub const MAX_ROOMS: usize = 15;
/// Most cells along a side.
pub const MAX_SIDE: usize = 2 * MAX_ROOMS + 1;
/// Chance that a wall between two rooms is opened beside those that the maze needs, so that there is more than one way.
const LOOPS: f32 = 0.1;
/// Steps to the four neighbours: east, south, west, north.
const NEIGHBOURS: [[i32; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// A cell: column and row.
pub type Cell = [usize; 2];

/// A square of cells with walls all around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Maze {
    side: usize,
    /// One row a number, one column a bit; what lies outside is wall.
    walls: [u32; MAX_SIDE + 1],
}

impl Maze {
    /// A maze of `n_rooms` by `n_rooms` rooms (1 to [`MAX_ROOMS`]), all of which can be reached: a random depth-first walk, and
    /// a few more openings.
    pub fn new(n_rooms: usize, rng: &mut Rng) -> Self {
        let n_rooms = n_rooms.clamp(1, MAX_ROOMS);
        let mut maze = Self { side: 2 * n_rooms + 1, walls: [u32::MAX; MAX_SIDE + 1] };
        let mut trail = vec![[1, 1]];
        maze.open([1, 1]);
        while let Some(&room) = trail.last() {
            let fresh = |turn: &[i32; 2]| {
                let next = stepped(room, *turn, 2);
                maze.holds(next) && maze.is_wall(next[0], next[1])
            };
            let n_fresh = NEIGHBOURS.iter().filter(|turn| fresh(turn)).count();
            let Some(turn) = NEIGHBOURS.iter().filter(|turn| fresh(turn)).nth(rng.below(n_fresh)).copied()
            else {
                trail.pop();
                continue;
            };
            maze.open(stepped(room, turn, 1));
            maze.open(stepped(room, turn, 2));
            trail.push(stepped(room, turn, 2));
        }
        maze.open_loops(rng);
        maze
    }

    /// Opens some of the walls that stand between two rooms.
    fn open_loops(&mut self, rng: &mut Rng) {
        let last = self.side as i32 - 1;
        for y in 1..last {
            for x in (1 + y % 2..last).step_by(2) {
                if self.is_wall(x, y) && rng.chance(LOOPS) {
                    self.open([x, y]);
                }
            }
        }
    }

    /// Cells along a side.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Whether a cell is wall; all cells outside are.
    #[inline]
    pub fn is_wall(&self, x: i32, y: i32) -> bool {
        let (x, y) = (x as u32, y as u32);
        x >= 32 || y >= 32 || (self.walls[y as usize] >> x) & 1 == 1
    }

    /// Whether a cell is floor.
    pub fn is_floor(&self, [x, y]: Cell) -> bool {
        x < self.side && y < self.side && !self.is_wall(x as i32, y as i32)
    }

    /// A room, all being equally likely.
    pub fn any_room(&self, rng: &mut Rng) -> Cell {
        let n_rooms = self.side / 2;
        [2 * rng.below(n_rooms) + 1, 2 * rng.below(n_rooms) + 1]
    }

    /// A room that is far from `from`: at least 0.6 times as far as the farthest.
    pub fn far_room(&self, from: Cell, rng: &mut Rng) -> Cell {
        let ways = self.ways_to(from);
        let rooms = || (1..self.side).step_by(2).flat_map(|y| (1..self.side).step_by(2).map(move |x| [x, y]));
        let length = |room: &Cell| ways.steps(*room).unwrap_or(0);
        let farthest = rooms().map(|room| length(&room)).max().unwrap_or(0);
        let far = || rooms().filter(|room| 10 * length(room) >= 6 * farthest);
        far().nth(rng.below(far().count())).unwrap_or(from)
    }

    /// The shortest ways from everywhere to `to`.
    pub fn ways_to(&self, to: Cell) -> Ways {
        let mut ways = Ways { steps: [[u16::MAX; MAX_SIDE]; MAX_SIDE] };
        let mut queue = [[0; 2]; MAX_SIDE * MAX_SIDE];
        let (mut head, mut tail) = (0, 0);
        if self.is_floor(to) {
            ways.steps[to[1]][to[0]] = 0;
            (queue[0], tail) = (to, 1);
        }
        while head < tail {
            let [x, y] = queue[head];
            head += 1;
            for turn in NEIGHBOURS {
                let next = stepped([x as i32, y as i32], turn, 1).map(|i| i as usize);
                if self.is_floor(next) && ways.steps[next[1]][next[0]] == u16::MAX {
                    ways.steps[next[1]][next[0]] = ways.steps[y][x] + 1;
                    queue[tail] = next;
                    tail += 1;
                }
            }
        }
        ways
    }

    fn holds(&self, cell: [i32; 2]) -> bool {
        cell.iter().all(|i| *i > 0 && (*i as usize) < self.side)
    }

    fn open(&mut self, [x, y]: [i32; 2]) {
        self.walls[y as usize] &= !(1 << x);
    }
}

fn stepped(cell: [i32; 2], turn: [i32; 2], n: i32) -> [i32; 2] {
    [cell[0] + n * turn[0], cell[1] + n * turn[1]]
}

/// How far every cell is from one of them.
#[derive(Debug)]
pub struct Ways {
    steps: [[u16; MAX_SIDE]; MAX_SIDE],
}

impl Ways {
    /// Steps from cell to cell that it takes from `from`; `None` if there is no way.
    pub fn steps(&self, from: Cell) -> Option<u16> {
        let steps = *self.steps.get(from[1])?.get(from[0])?;
        (steps < u16::MAX).then_some(steps)
    }

    /// The neighbour of `from` that is nearer; `from` itself where there is none.
    pub fn next(&self, from: Cell) -> Cell {
        let here = self.steps(from).unwrap_or(u16::MAX);
        let neighbours = NEIGHBOURS.map(|turn| {
            stepped(from.map(|i| i as i32), turn, 1).map(|i| usize::try_from(i).unwrap_or(MAX_SIDE))
        });
        let nearer = neighbours.into_iter().find(|next| self.steps(*next).is_some_and(|steps| steps < here));
        nearer.unwrap_or(from)
    }
}

impl From<Maze> for Vec<String> {
    fn from(maze: Maze) -> Self {
        let row = |y| (0..maze.side).map(|x| if maze.is_floor([x, y]) { '.' } else { '#' }).collect();
        (0..maze.side).map(row).collect()
    }
}

impl TryFrom<Vec<String>> for Maze {
    type Error = String;

    fn try_from(rows: Vec<String>) -> Result<Self, String> {
        let side = rows.len();
        if !(3..=MAX_SIDE).contains(&side) || side.is_multiple_of(2) {
            return Err(format!("expected an odd number of rows from 3 to {MAX_SIDE}, got {side}"));
        }
        let mut maze = Self { side, walls: [u32::MAX; MAX_SIDE + 1] };
        for (y, row) in rows.iter().enumerate() {
            if row.len() != side {
                return Err(format!("expected rows of {side} cells, got `{row}`"));
            }
            for (x, cell) in row.bytes().enumerate() {
                let on_rim = [x, y].iter().any(|i| *i == 0 || i + 1 == side);
                match cell {
                    b'#' => {}
                    b'.' if !on_rim => maze.open([x as i32, y as i32]),
                    _ => return Err(format!("expected `#` and, inside, `.`, got `{row}`")),
                }
            }
        }
        Ok(maze)
    }
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Seed;

    use super::*;

    fn maze(rows: &[&str]) -> Maze {
        Maze::try_from(rows.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn every_room_of_a_maze_can_be_reached() {
        for (seed, n_rooms) in [(0, 1), (1, 4), (2, 7), (3, 15)] {
            let maze = Maze::new(n_rooms, &mut Seed(seed).rng());
            let ways = maze.ways_to([1, 1]);
            let rooms = (0..n_rooms * n_rooms).map(|i| [2 * (i % n_rooms) + 1, 2 * (i / n_rooms) + 1]);
            assert!(rooms.into_iter().all(|room| ways.steps(room).is_some()), "{n_rooms} rooms");
            let rows = Vec::from(maze.clone());
            assert_eq!(Maze::try_from(rows), Ok(maze));
        }
    }

    #[test]
    fn ways_are_the_shortest() {
        let maze = maze(&["#######", "#.....#", "#.###.#", "#.#...#", "#.#.###", "#.#...#", "#######"]);
        let ways = maze.ways_to([1, 5]);
        assert_eq!(ways.steps([5, 5]), Some(16));
        assert_eq!(ways.next([1, 1]), [1, 2]);
        assert_eq!(ways.next([5, 1]), [4, 1]);
        assert_eq!(ways.next([1, 5]), [1, 5]);
        assert_eq!(ways.steps([2, 3]), None);
        let far = maze.far_room([1, 5], &mut Seed(0).rng());
        assert!(ways.steps(far).unwrap() >= 10, "{far:?}");
    }

    #[test]
    fn rows_that_are_no_maze_are_refused() {
        let parsed = |rows: &[&str]| Maze::try_from(rows.iter().map(ToString::to_string).collect::<Vec<_>>());
        for rows in
            [&["#"][..], &["###", "#.#", "##"], &["###", "..#", "###"], &["####"; 4], &["###", "#?#", "###"]]
        {
            assert!(parsed(rows).is_err(), "{rows:?}");
        }
    }
}
