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

/// The most chunks that a world has.
pub const MOST_CHUNKS: usize = (MOST_SIDE / CHUNK as usize + 1).pow(2);

/// The ground: materials by cell. Its JSON form is one text a row, one letter a cell (see [`Terrain::LETTERS`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Terrain {
    height: usize,
    width: usize,
    /// Row by row.
    cells: Vec<Material>,
    /// How many cells of each chunk are made of each material.
    counts: Vec<[u16; N_MATERIALS]>,
}

const N_MATERIALS: usize = Material::ALL.len();

impl Terrain {
    /// What stands for each material, in the order of [`Material`].
    pub const LETTERS: &'static [u8; 12] = b"~.#_:T!cidtf";

    /// All of one material.
    pub fn new([height, width]: [usize; 2], material: Material) -> Self {
        Self::of(height, width, vec![material; height * width])
    }

    fn of(height: usize, width: usize, cells: Vec<Material>) -> Self {
        let mut terrain = Self { height, width, cells, counts: Vec::new() };
        terrain.counts.resize(terrain.n_chunks(), [0; N_MATERIALS]);
        for (i, material) in terrain.cells.iter().enumerate() {
            let chunk = terrain.chunk_of([(i % width) as i32, (i / width) as i32]);
            terrain.counts[usize::from(chunk)][material.index()] += 1;
        }
        terrain
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
            let chunk = self.chunk_of(cell);
            let counts = &mut self.counts[usize::from(chunk)];
            counts[self.cells[i].index()] -= 1;
            counts[material.index()] += 1;
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
        self.counts[usize::from(chunk)][material.index()].into()
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
        if width == 0 || width.max(rows.len()) > MOST_SIDE || rows.iter().any(|row| row.len() != width) {
            return Err(Error::invalid(format!(
                "expected 1 to {MOST_SIDE} rows of equal length, got others"
            )));
        }
        let material = |letter: u8| {
            let i = Self::LETTERS.iter().position(|known| *known == letter);
            i.map(|i| Material::ALL[i]).ok_or_else(|| {
                let known = String::from_utf8_lossy(Self::LETTERS);
                Error::invalid(format!("expected letters of `{known}`, got `{}`", letter.escape_ascii()))
            })
        };
        let cells = rows.iter().flat_map(|row| row.bytes()).map(material).collect::<Result<_>>()?;
        Ok(Self::of(rows.len(), width, cells))
    }
}

impl From<Terrain> for Vec<String> {
    fn from(terrain: Terrain) -> Self {
        let letter = |material: &Material| char::from(Terrain::LETTERS[material.index()]);
        terrain.cells.chunks(terrain.width).map(|row| row.iter().map(letter).collect()).collect()
    }
}
