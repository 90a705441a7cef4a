//! Sets of cells of a small grid, a number a row.

use serde::{Deserialize, Serialize};

/// Column and row of a cell.
pub type Cell = [i32; 2];

/// The most cells along a side.
pub const MAX_SIDE: usize = 32;

/// Names of the four ways, in the order of [`ahead`].
pub const WAYS: &[&str] = &["up", "down", "left", "right"];

/// The cell one step from `cell`: up, down, left or right for `way` from 0 to 3.
pub fn ahead([x, y]: Cell, way: usize) -> Cell {
    let [dx, dy] = [[0, -1], [0, 1], [-1, 0], [1, 0]][way];
    [x + dx, y + dy]
}

/// A set of cells: a number a row from the top, its bit `x` (of value `2^x`) for column `x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rows(pub [u32; MAX_SIDE]);

impl Rows {
    /// No cell.
    pub const EMPTY: Self = Self([0; MAX_SIDE]);
    /// All cells.
    pub const FULL: Self = Self([u32::MAX; MAX_SIDE]);

    /// Whether it holds a cell; cells outside the grid are in no set.
    pub fn has(&self, [x, y]: Cell) -> bool {
        let row = usize::try_from(y).ok().and_then(|y| self.0.get(y));
        row.is_some_and(|row| (0..MAX_SIDE as i32).contains(&x) && row >> x & 1 == 1)
    }

    /// Takes a cell of the grid in.
    pub fn add(&mut self, [x, y]: Cell) {
        self.0[y as usize] |= 1 << x;
    }

    /// Leaves a cell of the grid out.
    pub fn remove(&mut self, [x, y]: Cell) {
        self.0[y as usize] &= !(1 << x);
    }

    /// How many cells there are.
    pub fn count(&self) -> usize {
        self.0.iter().map(|row| row.count_ones() as usize).sum()
    }

    /// The cells, row by row.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        (0..).zip(self.0).flat_map(|(y, row)| Ones(row).map(move |x| [x, y]))
    }

    /// The cells of one set, of the other, or of both, depending on what `join` does with their rows.
    pub fn with(&self, other: &Self, join: impl Fn(u32, u32) -> u32) -> Self {
        Self(std::array::from_fn(|y| join(self.0[y], other.0[y])))
    }

    /// These cells and their neighbours, as far as those are `free`.
    pub fn grown(&self, free: &Self) -> Self {
        Self(std::array::from_fn(|y| {
            let row = self.0[y];
            let above = if y > 0 { self.0[y - 1] } else { 0 };
            let below = self.0.get(y + 1).copied().unwrap_or_default();
            row | (row << 1 | row >> 1 | above | below) & free.0[y]
        }))
    }

    /// All cells that can be walked to from `start` through `free` ones, itself included.
    pub fn reached(start: Cell, free: &Self) -> Self {
        let mut reached = Self::EMPTY;
        reached.add(start);
        loop {
            let mut rows = reached.0;
            // Down and up again in place: what is reached above counts at once.
            for y in (0..MAX_SIDE).chain((0..MAX_SIDE).rev()).filter(|y| free.0[*y] != 0) {
                let above = if y > 0 { rows[y - 1] } else { 0 };
                let below = rows.get(y + 1).copied().unwrap_or_default();
                rows[y] |= (rows[y] << 1 | rows[y] >> 1 | above | below) & free.0[y];
            }
            if rows == reached.0 {
                return reached;
            }
            reached.0 = rows;
        }
    }

    /// The first way of a shortest walk from `start` to any of `goals` through `free` cells; `None` if there is no walk or
    /// it is there.
    pub fn first_step(start: Cell, goals: &Self, free: &Self) -> Option<usize> {
        let mut near = goals.with(free, |goals, free| goals & free);
        while !near.has(start) {
            if let Some(way) = (0..WAYS.len()).find(|way| near.has(ahead(start, *way))) {
                return Some(way);
            }
            let grown = near.grown(free);
            if grown == near {
                return None;
            }
            near = grown;
        }
        None
    }
}

/// The places of ones in a number.
struct Ones(u32);

impl Iterator for Ones {
    type Item = i32;

    fn next(&mut self) -> Option<i32> {
        let place = self.0.trailing_zeros() as i32;
        (self.0 != 0).then(|| {
            self.0 &= self.0 - 1;
            place
        })
    }
}
