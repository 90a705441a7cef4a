//! Mazes of square cells: where walls are, and the way through them.
//!
//! The maps are those of Gymnasium-Robotics' PointMaze, which has them from D4RL. Cells have a side of one metre; the origin is
//! the middle of the map, `x` to the right and `y` up.

use super::Point;

/// Column and row of a cell, from the top-left one.
pub type Cell = [i32; 2];

/// More cells than any maze has.
const MOST_CELLS: usize = 128;
/// Right, down, left, up.
const WAYS: [Cell; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// A maze: rows from the top, `#` for walls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Maze {
    /// By what it is asked for.
    pub name: &'static str,
    /// Steps until truncation in the reference.
    pub max_steps: usize,
    rows: &'static [&'static str],
}

impl Maze {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self { name: "umaze", max_steps: 300, rows: &["#####", "#...#", "###.#", "#...#", "#####"] },
        Self {
            name: "medium",
            max_steps: 600,
            rows: &[
                "########", "#..##..#", "#..#...#", "##...###", "#..#...#", "#.#..#.#", "#...#..#",
                "########",
            ],
        },
        Self {
            name: "large",
            max_steps: 800,
            rows: &[
                "############",
                "#....#.....#",
                "#.##.#.#.#.#",
                "#......#...#",
                "#.####.###.#",
                "#..#.#.....#",
                "##.#.#.#.###",
                "#..#...#...#",
                "############",
            ],
        },
        Self { name: "open", max_steps: 300, rows: &["#######", "#.....#", "#.....#", "#.....#", "#######"] },
    ];

    /// Columns and rows.
    pub fn size(&self) -> [i32; 2] {
        [self.rows[0].len() as i32, self.rows.len() as i32]
    }

    /// Whether there is a wall; all is wall outside.
    pub fn is_wall(&self, [column, row]: Cell) -> bool {
        let cell = |column: i32, row: i32| {
            let line = self.rows.get(usize::try_from(row).ok()?)?;
            line.as_bytes().get(usize::try_from(column).ok()?)
        };
        cell(column, row) != Some(&b'.')
    }

    /// Cells without a wall, row by row.
    pub fn free(&self) -> impl Iterator<Item = Cell> + '_ {
        let [width, height] = self.size();
        let all = (0..height).flat_map(move |row| (0..width).map(move |column| [column, row]));
        all.filter(|cell| !self.is_wall(*cell))
    }

    /// The middle of a cell.
    pub fn middle(&self, [column, row]: Cell) -> Point {
        let [width, height] = self.size().map(f64::from);
        [f64::from(column) + 0.5 - width / 2.0, height / 2.0 - (f64::from(row) + 0.5)]
    }

    /// The cell in which a point lies.
    pub fn cell(&self, [x, y]: Point) -> Cell {
        let [width, height] = self.size().map(f64::from);
        [(x + width / 2.0).floor() as i32, (height / 2.0 - y).floor() as i32]
    }

    /// The nearest point of each wall cell around the cell in which a point lies.
    pub fn walls_near(&self, point: Point) -> impl Iterator<Item = Point> + '_ {
        let [column, row] = self.cell(point);
        let around = (-1..=1)
            .flat_map(move |dy| (-1..=1).map(move |dx| [column.saturating_add(dx), row.saturating_add(dy)]));
        around.filter(|cell| self.is_wall(*cell)).map(move |cell| {
            let [x, y] = self.middle(cell);
            [point[0].clamp(x - 0.5, x + 0.5), point[1].clamp(y - 0.5, y + 0.5)]
        })
    }

    /// Where to go in a straight line on the shortest way from `from` to `goal`, both in free cells: the goal, or the middle of
    /// the cell in which the way turns.
    pub fn way_point(&self, from: Point, goal: Point) -> Point {
        let (mut cell, last) = (self.cell(from), self.cell(goal));
        let steps = self.steps_to(last);
        let steps_from = |cell: Cell| self.idx(cell).map_or(u8::MAX, |idx| steps[idx]);
        let next = |cell: Cell, way: Cell| [cell[0] + way[0], cell[1] + way[1]];
        let nears = |cell: Cell, way: &Cell| steps_from(next(cell, *way)) < steps_from(cell);
        let Some(way) = WAYS.into_iter().find(|way| nears(cell, way)) else { return goal };
        while nears(cell, &way) {
            cell = next(cell, way);
        }
        if cell == last { goal } else { self.middle(cell) }
    }

    /// How many cells away each free cell is from `goal`, by [`Maze::idx`].
    fn steps_to(&self, goal: Cell) -> [u8; MOST_CELLS] {
        let mut steps = [u8::MAX; MOST_CELLS];
        let mut queue = [goal; MOST_CELLS];
        let (mut n_done, mut n_found) = (0, 1);
        if let Some(idx) = self.idx(goal) {
            steps[idx] = 0;
        }
        while n_done < n_found {
            let [column, row] = queue[n_done];
            n_done += 1;
            let own = self.idx([column, row]).map_or(0, |idx| steps[idx]);
            for cell in WAYS.map(|[dx, dy]| [column + dx, row + dy]) {
                if let Some(idx) = self.idx(cell)
                    && steps[idx] == u8::MAX
                {
                    steps[idx] = own + 1;
                    queue[n_found] = cell;
                    n_found += 1;
                }
            }
        }
        steps
    }

    /// The number of a free cell, below [`MOST_CELLS`].
    fn idx(&self, cell: Cell) -> Option<usize> {
        (!self.is_wall(cell)).then(|| (cell[1] * self.size()[0] + cell[0]) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_a_way_to_every_other_by_straight_runs() {
        for maze in Maze::ALL {
            for (from, goal) in maze.free().flat_map(|from| maze.free().map(move |goal| (from, goal))) {
                let (mut at, goal) = (maze.middle(from), maze.middle(goal));
                let mut n_runs = 0;
                while at != goal {
                    let to = maze.way_point(at, goal);
                    assert!(to[0] == at[0] || to[1] == at[1], "{}: {at:?} to {to:?}", maze.name);
                    (at, n_runs) = (to, n_runs + 1);
                    assert!(n_runs < 30, "{}: {from:?}", maze.name);
                }
            }
        }
    }

    #[test]
    fn cells_lie_around_the_origin() {
        let maze = Maze::ALL[0];
        assert_eq!(maze.middle([1, 1]), [-1.0, 1.0]);
        assert_eq!(maze.cell([-1.4, 1.4]), [1, 1]);
        assert!(
            maze.is_wall([2, 2]) && !maze.is_wall([3, 2]) && maze.is_wall([-1, 2]) && maze.is_wall([9, 2])
        );
        assert!(maze.free().count() < MOST_CELLS && Maze::ALL.iter().all(|maze| maze.free().count() > 6));
    }
}
