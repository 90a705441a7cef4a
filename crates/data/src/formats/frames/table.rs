//! The table of one episode, a row a step: CSV, JSON Lines or Parquet, read into cells.

mod parquet;
mod text;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use worldsmith_core::{Error, Result};

/// Names of tables, by their extension in small letters.
pub(super) const EXTENSIONS: &[&str] = &["csv", "tsv", "jsonl", "ndjson", "parquet"];
/// More columns than that are no table of a game.
const MOST_COLUMNS: usize = 4096;

/// What stands in one place of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Nothing.
    Empty,
    /// A number; `true` is 1 and `false` 0.
    Number(f64),
    /// Anything else.
    Word(String),
}

impl Cell {
    /// The cell that `text` stands for.
    fn parse(text: &str) -> Self {
        match text.trim() {
            "" => Cell::Empty,
            word if word.eq_ignore_ascii_case("true") => Cell::Number(1.0),
            word if word.eq_ignore_ascii_case("false") => Cell::Number(0.0),
            word if word.eq_ignore_ascii_case("nan") || word.eq_ignore_ascii_case("null") => Cell::Empty,
            word => word.parse().map_or_else(|_| Cell::Word(word.to_owned()), Cell::Number),
        }
    }

    /// How it reads, for messages.
    pub fn show(&self) -> String {
        match self {
            Cell::Empty => "an empty cell".to_owned(),
            Cell::Number(number) => format!("{number}"),
            Cell::Word(word) => format!("`{word}`"),
        }
    }
}

/// Named columns of one length. Lists are one column an element, called `name.0`, `name.1` and so on.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Table {
    /// Number of rows.
    pub n_rows: usize,
    /// Whether the file breaks off in a line, as people's own tables may, but not what was written here.
    pub breaks_off: bool,
    /// Cells by column.
    pub columns: BTreeMap<String, Vec<Cell>>,
}

impl Table {
    /// Reads the table at `path`, which may have `most_rows` rows.
    ///
    /// # Errors
    /// If it is no table, or longer; names the line where it knows it.
    pub fn read(path: &Path, most_rows: usize) -> Result<Self> {
        let bytes = fs::read(path).map_err(|err| Error::io("read table", path, &err))?;
        let breaks_off = extension(path) != "parquet" && !bytes.ends_with(b"\n");
        let table = match extension(path).as_str() {
            "parquet" => parquet::read(bytes, most_rows),
            "jsonl" | "ndjson" => text::json_lines(&bytes, most_rows),
            _ => text::csv(&bytes, most_rows),
        };
        table.map(|table| Self { breaks_off, ..table }).map_err(|err| err.at(path))
    }

    /// Adds a row of named cells; the columns that it does not have stay empty.
    fn push(&mut self, row: Vec<(String, Cell)>) -> Result<()> {
        for (name, cell) in row {
            if self.columns.len() == MOST_COLUMNS && !self.columns.contains_key(&name) {
                return Err(Error::invalid(format!("expected at most {MOST_COLUMNS} columns, got more")));
            }
            let column = self.columns.entry(name.clone()).or_default();
            if column.len() > self.n_rows {
                return Err(Error::invalid(format!("expected each column once, got `{name}` twice")));
            }
            column.resize(self.n_rows, Cell::Empty);
            column.push(cell);
        }
        self.n_rows += 1;
        Ok(())
    }

    /// The table with all columns filled up to the last row.
    fn finish(mut self) -> Self {
        self.columns.values_mut().for_each(|column| column.resize(self.n_rows, Cell::Empty));
        self
    }

    /// The cell of column `name` in row `row`.
    pub fn cell(&self, name: &str, row: usize) -> &Cell {
        self.columns.get(name).and_then(|column| column.get(row)).unwrap_or(&Cell::Empty)
    }
}

/// The extension of `path` in small letters.
pub(super) fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// The error of a table with more rows than its episode has pictures.
fn too_long(most_rows: usize) -> Error {
    Error::invalid(format!("expected at most {most_rows} rows, one a frame, got more"))
        .hint("row `t` says what was done after frame `t` was seen: as many rows as frames, or one less")
}
