//! The cells of a grid, and what layouts are made from: walls, and free places drawn at random.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use worldsmith_core::Rng;

use super::cell::Cell;
use super::engine::{Facing, Pose};

/// Column and row, from the top-left corner.
pub type Spot = [i32; 2];

/// A rectangle of cells: the top-left one, and how many to the right and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Column and row of the top-left cell.
    pub top: Spot,
    /// Columns and rows.
    pub size: [i32; 2],
}

/// A rectangular grid of cells. Its saved form is a list of rows, each a text with a word a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    size: [i32; 2],
    cells: Vec<Cell>,
}

impl Board {
    /// So many columns and rows of nothing.
    pub fn new(size: [i32; 2]) -> Self {
        let size = size.map(|n| n.max(0));
        Self { size, cells: vec![Cell::EMPTY; (size[0] * size[1]) as usize] }
    }

    /// Nothing inside a wall.
    pub fn walled(size: [i32; 2]) -> Self {
        let mut board = Self::new(size);
        board.frame(board.area());
        board
    }

    /// Columns and rows.
    pub fn size(&self) -> [i32; 2] {
        self.size
    }

    /// All of it.
    pub fn area(&self) -> Area {
        Area { top: [0, 0], size: self.size }
    }

    /// All cells, row by row.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Places of all cells, row by row.
    pub fn spots(&self) -> impl Iterator<Item = Spot> + use<> {
        self.area().spots()
    }

    /// What is there; a wall outside the board.
    pub fn at(&self, spot: Spot) -> Cell {
        self.idx(spot).map_or(Cell::WALL, |i| self.cells[i])
    }

    /// Puts `cell` there, if that is on the board.
    pub fn put(&mut self, spot: Spot, cell: Cell) {
        if let Some(i) = self.idx(spot) {
            self.cells[i] = cell;
        }
    }

    /// Whether `spot` is on the board.
    pub fn holds(&self, spot: Spot) -> bool {
        self.idx(spot).is_some()
    }

    /// Fills an area.
    pub fn fill(&mut self, area: Area, cell: Cell) {
        area.spots().for_each(|spot| self.put(spot, cell));
    }

    /// Walls along the edges of an area.
    pub fn frame(&mut self, Area { top: [x, y], size: [width, height] }: Area) {
        for edge in [
            Area { top: [x, y], size: [width, 1] },
            Area { top: [x, y + height - 1], size: [width, 1] },
            Area { top: [x, y], size: [1, height] },
            Area { top: [x + width - 1, y], size: [1, height] },
        ] {
            self.fill(edge, Cell::WALL);
        }
    }

    /// One of the empty cells of `area` that fit, each as likely; `None` if there is none.
    pub fn draw(&self, area: Area, fits: impl Fn(Spot) -> bool, rng: &mut Rng) -> Option<Spot> {
        let free = || area.spots().filter(|spot| self.at(*spot) == Cell::EMPTY && fits(*spot));
        free().nth(rng.below(free().count()))
    }

    /// Puts `cell` on one of the empty cells that [`Board::draw`] speaks of; says where, unless there is none.
    pub fn place(
        &mut self,
        area: Area,
        fits: impl Fn(Spot) -> bool,
        cell: Cell,
        rng: &mut Rng,
    ) -> Option<Spot> {
        let spot = self.draw(area, fits, rng)?;
        self.put(spot, cell);
        Some(spot)
    }

    /// Somebody on one of the empty cells of `area`, looking anywhere; in its top-left corner if there is none.
    pub fn draw_pose(&self, area: Area, rng: &mut Rng) -> Pose {
        let spot = self.draw(area, |_| true, rng).unwrap_or(area.top);
        Pose { spot, facing: Facing::ALL[rng.below(Facing::ALL.len())] }
    }

    fn idx(&self, [x, y]: Spot) -> Option<usize> {
        let [width, height] = self.size;
        (x >= 0 && y >= 0 && x < width && y < height).then(|| (y * width + x) as usize)
    }
}

impl Area {
    /// Places of its cells, row by row.
    pub fn spots(self) -> impl Iterator<Item = Spot> + use<> {
        let Area { top: [x, y], size: [width, height] } = self;
        (y..y + height).flat_map(move |y| (x..x + width).map(move |x| [x, y]))
    }
}

impl Serialize for Board {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let words = |row: &[Cell]| row.iter().map(Cell::to_string).collect::<Vec<_>>().join(" ");
        to.collect_seq(self.cells.chunks(self.size[0].max(1) as usize).map(words))
    }
}

impl<'de> Deserialize<'de> for Board {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let rows = Vec::<String>::deserialize(from)?;
        let width = rows.first().map_or(0, |row| row.split(' ').count());
        let mut cells = Vec::with_capacity(rows.len() * width);
        for row in &rows {
            let before = cells.len();
            for word in row.split(' ') {
                cells.push(word.parse().map_err(D::Error::custom)?);
            }
            if cells.len() - before != width {
                return Err(D::Error::custom(format!(
                    "expected {width} cells in every row, got {}",
                    cells.len() - before
                )));
            }
        }
        let side = |n: usize| i32::try_from(n).map_err(D::Error::custom);
        Ok(Self { size: [side(width)?, side(rows.len())?], cells })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use worldsmith_core::Seed;

    #[test]
    fn a_board_is_saved_as_rows_of_words() {
        let mut board = Board::walled([4, 3]);
        board.put([2, 1], "Br(Ky)".parse().unwrap());
        let saved = r####"["## ## ## ##","## .. Br(Ky) ##","## ## ## ##"]"####;
        assert_eq!(serde_json::to_string(&board).unwrap(), saved);
        assert_eq!(serde_json::from_str::<Board>(saved).unwrap(), board);
        for wrong in [r###"["## ##","##"]"###, r#"["??"]"#, r#"[3]"#, r###"["##  ##"]"###] {
            assert!(serde_json::from_str::<Board>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn free_cells_are_drawn_evenly_and_outside_is_wall() {
        let mut board = Board::walled([5, 4]);
        board.put([2, 1], Cell::LAVA);
        let mut rng = Seed(0).rng();
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..4000 {
            let spot = board.draw(board.area(), |spot| spot != [1, 1], &mut rng).unwrap();
            *counts.entry(spot).or_insert(0) += 1;
        }
        assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [[1, 2], [2, 2], [3, 1], [3, 2]]);
        assert!(counts.values().all(|n| (850..1150).contains(n)), "{counts:?}");
        assert_eq!(board.draw(Area { top: [0, 0], size: [5, 1] }, |_| true, &mut rng), None);
        assert_eq!((board.at([-1, 0]), board.at([5, 1])), (Cell::WALL, Cell::WALL));
    }
}
