//! Which table holds an episode's rows; the last one stays open.

use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, ErrorKind, Result};

use super::INDEX;
use super::episodes::Entry;
use super::info::{INFO, Info};
use super::paths::{Slots, place};
use super::rows::Rows;
use super::table::Table;

/// The tables of a data set.
pub(super) struct Tables {
    root: PathBuf,
    template: String,
    chunks_size: usize,
    /// Columns that are needed.
    wanted: Vec<String>,
    held: Option<Open>,
}

struct Open {
    table: Table,
    /// Numbers of its rows among all of the data set, where it says that.
    numbers: Option<Range<usize>>,
}

impl Open {
    /// Where in the table the row with this number is.
    fn find(&self, number: usize) -> Option<usize> {
        let numbers = self.numbers.as_ref()?;
        numbers.contains(&number).then(|| number - numbers.start)
    }

    fn lacks(&self, number: usize) -> Error {
        let found = self.numbers.as_ref().map_or("none with numbers".to_owned(), |n| format!("{n:?}"));
        Error::corrupt(self.table.path(), format!("expected row {number} of the data set, found {found}"))
    }
}

impl Tables {
    /// Those of the data set in `root`, to be read in the columns `wanted`.
    pub fn new(root: &Path, info: &Info, wanted: &[&str]) -> Self {
        Self {
            root: root.to_owned(),
            template: info.data_path.clone(),
            chunks_size: info.chunks_size,
            wanted: wanted.iter().map(|name| (*name).to_owned()).collect(),
            held: None,
        }
    }

    /// The rows `rows` of an episode.
    ///
    /// # Errors
    /// If they are missing or damaged.
    pub fn rows(&mut self, entry: &Entry, rows: Range<usize>) -> Result<Rows<'_>> {
        let (open, start) = match entry.first_row {
            Some(number) => self.find(entry, number)?,
            None => (self.open_own(entry)?, 0),
        };
        let table = &mut self.held.insert(open).table;
        let range = start.checked_add(rows.start).zip(start.checked_add(rows.end));
        let (from, to) =
            range.ok_or_else(|| Error::corrupt(table.path(), "the rows have impossible numbers"))?;
        let batches = table.rows(from..to)?;
        Ok(Rows { root: &self.root, path: table.path(), batches })
    }

    /// The table that holds the row with this number, the first of an episode, and where.
    ///
    /// LeRobot's own converter to v3.0 names, for the first episode of each file but the first, the file before. So a
    /// file is believed by the number of its first row, and the one after it is tried too.
    fn find(&mut self, entry: &Entry, number: usize) -> Result<(Open, usize)> {
        let in_held = self.held.as_ref().and_then(|open| open.find(number));
        if let Some(at) = in_held
            && let Some(open) = self.held.take()
        {
            return Ok((open, at));
        }
        let (chunk, file) = entry.place;
        let next = match file.saturating_add(1) {
            file if file >= self.chunks_size => (chunk.saturating_add(1), 0),
            file => (chunk, file),
        };
        let mut failure = None;
        for place in [entry.place, next] {
            match self.open(entry, place) {
                Ok(open) => match open.find(number) {
                    Some(at) => return Ok((open, at)),
                    None => drop(failure.get_or_insert(open.lacks(number))),
                },
                // It may be the one that had the row.
                Err(err) if err.kind() == ErrorKind::Corrupt => failure = Some(err),
                Err(err) => drop(failure.get_or_insert(err)),
            }
        }
        Err(failure
            .unwrap_or_else(|| Error::corrupt(&self.root.join(INFO), format!("row {number} is missing"))))
    }

    /// Opens the table that an episode has for itself.
    fn open_own(&mut self, entry: &Entry) -> Result<Open> {
        let open = self.open(entry, entry.place)?;
        let (want, got) = (entry.n_rows, open.table.n_rows());
        match want == got {
            true => Ok(open),
            false => Err(Error::corrupt(open.table.path(), format!("expected {want} rows, found {got}"))),
        }
    }

    /// Opens a table, unless it is the one that is held.
    fn open(&mut self, entry: &Entry, at: (usize, usize)) -> Result<Open> {
        let slots = Slots { chunk: at.0, file: at.1, episode: entry.number, video: "" };
        let path = place(&self.root, &self.template, &slots)?;
        if let Some(open) = self.held.take_if(|open| open.table.path() == path) {
            return Ok(open);
        }
        let wanted: Vec<&str> = self.wanted.iter().map(String::as_str).collect();
        let table = Table::open(&path, &wanted)?;
        let mut numbers = None;
        if entry.first_row.is_some()
            && let Some(batch) = table.first(INDEX)?
        {
            let rows = Rows { root: &self.root, path: &path, batches: vec![batch] };
            let first = rows.numbers(INDEX, 1)?.first().map_or(0, |number| *number as usize);
            numbers = Some(first..first.saturating_add(table.n_rows()));
        }
        Ok(Open { table, numbers })
    }
}
