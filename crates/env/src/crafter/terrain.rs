//! The ground, cell by cell.

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result};

use super::names::{Material, Name};

/// A cell: column from the left, row from the top.
pub type Cell = [i32; 2];

/// The most cells that a side of the world has.
pub const MOST_SIDE: usize = 128;

/// Side of the squares in which creatures are counted and kept in balance, in cells.
pub const CHUNK: i32 = 12;

/// The ground: materials by cell. Its JSON form is one text a row, one letter a cell (see [`Terrain::LETTERS`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Terrain {
    height: usize,
    width: usize,
    /// Row by row.
    cells: Vec<Material>,
}

impl Terrain {
    /// What stands for each material, in the order of [`Material`].
    pub const LETTERS: &'static [u8; 12] = b"~.#_:T!cidtf";

    /// All of one material.
    pub fn new([height, width]: [usize; 2], material: Material) -> Self {
        Self { height, width, cells: vec![material; height * width] }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The material at `cell`; none outside.
    pub fn at(&self, cell: Cell) -> Option<Material> {
        self.index(cell).map(|i| self.cells[i])
    }

    /// Makes `cell` of `material`, if it lies inside.
    pub fn set(&mut self, cell: Cell, material: Material) {
        if let Some(i) = self.index(cell) {
            self.cells[i] = material;
        }
    }

    /// The materials of one row.
    pub fn row(&self, y: usize) -> &[Material] {
        &self.cells[y * self.width..][..self.width]
    }

    /// The place of `cell` in rows one after the other; none outside.
    pub fn index(&self, [x, y]: Cell) -> Option<usize> {
        let inside = x >= 0 && (x as usize) < self.width && y >= 0 && (y as usize) < self.height;
        inside.then(|| y as usize * self.width + x as usize)
    }

    /// The number of the chunk that `cell` lies in.
    pub fn chunk_of(&self, [x, y]: Cell) -> u16 {
        (x / CHUNK * self.chunk_rows() + y / CHUNK) as u16
    }

    /// The top left cell of a chunk, and the first column and row after it.
    pub fn chunk(&self, chunk: u16) -> [Cell; 2] {
        let (x, y) =
            (i32::from(chunk) / self.chunk_rows() * CHUNK, i32::from(chunk) % self.chunk_rows() * CHUNK);
        let end = |from: i32, size: usize| (from + CHUNK).min(size as i32);
        [[x, y], [end(x, self.width), end(y, self.height)]]
    }

    /// How many cells of a chunk are made of `material`.
    pub fn count(&self, chunk: u16, material: Material) -> usize {
        let [[x, y], [end_x, end_y]] = self.chunk(chunk);
        let cells = |row| self.row(row as usize)[x as usize..end_x as usize].iter();
        (y..end_y).map(|row| cells(row).filter(|m| **m == material).count()).sum()
    }

    fn chunk_rows(&self) -> i32 {
        (self.height as i32 + CHUNK - 1) / CHUNK
    }

    /// How many chunks there are.
    pub fn n_chunks(&self) -> usize {
        self.chunk_rows() as usize * self.width.div_ceil(CHUNK as usize)
    }
}

impl TryFrom<Vec<String>> for Terrain {
    type Error = Error;

    fn try_from(rows: Vec<String>) -> Result<Self> {
        let width = rows.first().map_or(0, String::len);
        if width == 0 || rows.iter().any(|row| row.len() != width) {
            return Err(Error::invalid("expected rows of equal length, got others"));
        }
        let material = |letter: u8| {
            let i = Self::LETTERS.iter().position(|known| *known == letter);
            i.map(|i| Material::ALL[i]).ok_or_else(|| {
                let known = String::from_utf8_lossy(Self::LETTERS);
                Error::invalid(format!("expected letters of `{known}`, got `{}`", letter.escape_ascii()))
            })
        };
        let cells = rows.iter().flat_map(|row| row.bytes()).map(material).collect::<Result<_>>()?;
        Ok(Self { height: rows.len(), width, cells })
    }
}

impl From<Terrain> for Vec<String> {
    fn from(terrain: Terrain) -> Self {
        let letter = |material: &Material| char::from(Terrain::LETTERS[material.index()]);
        terrain.cells.chunks(terrain.width).map(|row| row.iter().map(letter).collect()).collect()
    }
}
