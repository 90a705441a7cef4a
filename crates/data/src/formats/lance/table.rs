//! A table as a whole: columns by name, rows without those that were deleted.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use worldsmith_core::{Error, Result};

use super::file::Columns;
use super::proto::{FileEntry, Fragment};
use super::{MOST_BYTES, Room, Values, broken, deleted, manifest, unread};
use crate::dtype::Dtype;
use crate::formats::column::{Cells, Column, MOST_NUMBERS};

const DATA: &str = "data";
/// More rows are no table of steps; nor are more to a byte of their files, since each counts its steps and has an action.
const MOST_ROWS: u64 = 1 << 28;
const MOST_ROWS_A_BYTE: u64 = 64;
/// Bytes of pictures and texts of a column that are read at once, as the file has them.
const MOST_BLOB_BYTES: usize = 1 << 30;
/// No more rows are read at once: what runs of equal values stand for takes memory all the same.
const MOST_AT_ONCE: u64 = 1 << 24;

/// What the rows of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum Type {
    /// So many numbers each.
    Numbers { dtype: Dtype, width: usize },
    /// Bytes of any length.
    Blobs,
    /// Text.
    Texts,
}

impl Type {
    /// The type that Lance calls `name`, if it is read.
    fn named(name: &str) -> Option<Self> {
        let (item, width) = match name.strip_prefix("fixed_size_list:") {
            Some(list) => list.rsplit_once(':').and_then(|(item, n)| Some((item, n.parse().ok()?)))?,
            None => (name, 1),
        };
        let item = match item {
            "binary" | "large_binary" if width == 1 => return Some(Type::Blobs),
            "string" | "large_string" if width == 1 => return Some(Type::Texts),
            "halffloat" => "float16",
            "float" => "float32",
            "double" => "float64",
            // Whose values are bits.
            "bool" => return None,
            item => item,
        };
        Some(Type::Numbers { dtype: Dtype::named(item, false)?, width })
    }

    /// Numbers in a row.
    fn width(self) -> usize {
        match self {
            Type::Numbers { width, .. } => width,
            Type::Blobs | Type::Texts => 0,
        }
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy)]
struct Field {
    id: i32,
    kind: Type,
}

/// Rows that lie in the same files.
#[derive(Debug)]
struct Part {
    /// Number of its first row.
    first: u64,
    files: Vec<FileEntry>,
    /// Number of the first row of each stretch without deleted rows, and where in the files it is.
    stretches: Vec<(u64, Range<u64>)>,
}

impl Part {
    /// Where rows `rows` of the table are in the files, as far as they are in these.
    fn within(&self, rows: &Range<u64>) -> Vec<Range<u64>> {
        let from = self.stretches.partition_point(|(first, _)| *first <= rows.start).saturating_sub(1);
        let inside = |(first, there): &(u64, Range<u64>)| {
            let (from, to) = (rows.start.max(*first), rows.end.min(first + (there.end - there.start)));
            (from < to).then(|| there.start + (from - first)..there.start + (to - first))
        };
        let stretches = self.stretches.get(from..).unwrap_or_default().iter();
        stretches.take_while(|(first, _)| *first < rows.end).filter_map(inside).collect()
    }
}

/// An open table.
#[derive(Debug)]
pub(in crate::formats) struct Table {
    dir: PathBuf,
    manifest: PathBuf,
    fields: BTreeMap<String, Field>,
    /// Names of columns of types that are not read.
    strange: Vec<String>,
    parts: Vec<Part>,
    n_rows: u64,
    /// Number of the part that was read last, and its files by their number.
    open: (usize, BTreeMap<usize, Columns>),
}

impl Table {
    /// Opens the newest version of the table in the folder `dir`. Reads what it lists and which rows were deleted.
    ///
    /// # Errors
    /// If it is damaged, or needs what is not read.
    pub fn open(dir: &Path) -> Result<Self> {
        let (path, manifest) = manifest::read(dir)?;
        let (mut fields, mut strange) = (BTreeMap::new(), Vec::new());
        for field in manifest.fields.into_iter().filter(|field| field.parent_id < 0) {
            match Type::named(&field.logical_type) {
                Some(kind) => drop(fields.insert(field.name, Field { id: field.id, kind })),
                None => strange.push(field.name),
            }
        }
        let widths = fields.values().map(|field: &Field| field.kind.width());
        let width = widths.fold(0_usize, |sum, width| sum.saturating_add(width));
        if width > MOST_NUMBERS {
            let what = format!("expected at most {MOST_NUMBERS} numbers in a row, got {width}");
            return Err(Error::corrupt(&path, what));
        }
        let (mut parts, mut n_rows) = (Vec::new(), 0);
        for fragment in manifest.fragments {
            let first = n_rows;
            let stretches = stretches(dir, &path, &fragment, &mut n_rows)?;
            parts.push(Part { first, files: fragment.files, stretches });
        }
        Ok(Self {
            dir: dir.to_owned(),
            manifest: path,
            fields,
            strange,
            parts,
            n_rows,
            open: (0, BTreeMap::new()),
        })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// The file that says of which columns the table is.
    pub fn manifest(&self) -> &Path {
        &self.manifest
    }

    /// The file in which row `row` of a column lies, as far as there is one; else the manifest.
    pub fn file(&self, name: &str, row: u64) -> PathBuf {
        let part = self.parts.partition_point(|part| part.first <= row).checked_sub(1);
        let found = part.zip(self.fields.get(name)).and_then(|(part, field)| {
            let files = &self.parts[part].files;
            files.iter().find(|file| file.fields.contains(&field.id))
        });
        found.and_then(|file| data_path(&self.dir, file)).unwrap_or_else(|| self.manifest.clone())
    }

    /// Columns by name.
    pub fn columns(&self) -> impl Iterator<Item = (&str, Type)> {
        self.fields.iter().map(|(name, field)| (name.as_str(), field.kind))
    }

    /// Names of columns of types that are not read.
    pub fn strange(&self) -> &[String] {
        &self.strange
    }

    /// Rows `rows` of a column of numbers or text.
    ///
    /// # Errors
    /// If there are no such rows, they hold something else, or a file is damaged.
    pub fn column(&mut self, name: &str, rows: Range<u64>) -> Result<Column> {
        let first = rows.start;
        let values = self.read(name, rows)?;
        let wrong = || {
            let why = format!("expected `{name}` as its type says, got other values");
            Error::corrupt(&self.file(name, first), why)
        };
        match (self.kind(name)?, values) {
            (Type::Numbers { dtype, width }, Values::Fixed { width: got, bytes })
                if dtype.size().checked_mul(width) == Some(got) =>
            {
                Ok(Column { width, cells: dtype.cells(bytes) })
            }
            (Type::Texts, Values::Blobs(rows)) => {
                let text = |bytes: &Arc<[u8]>| std::str::from_utf8(bytes).map(str::to_owned);
                let texts = rows.iter().map(text).collect::<std::result::Result<_, _>>();
                Ok(Column { width: 1, cells: Cells::Texts(texts.map_err(|_| wrong())?) })
            }
            _ => Err(wrong()),
        }
    }

    /// Rows `rows` of a column of bytes.
    ///
    /// # Errors
    /// As [`Table::column`].
    pub fn blobs(&mut self, name: &str, rows: Range<u64>) -> Result<Vec<Arc<[u8]>>> {
        let first = rows.start;
        match self.read(name, rows)? {
            Values::Blobs(rows) => Ok(rows),
            Values::Fixed { .. } => {
                let why = format!("expected bytes in `{name}`, got numbers");
                Err(Error::corrupt(&self.file(name, first), why))
            }
        }
    }

    fn kind(&self, name: &str) -> Result<Type> {
        self.field(name).map(|field| field.kind)
    }

    fn field(&self, name: &str) -> Result<&Field> {
        let field = self.fields.get(name);
        field.ok_or_else(|| Error::corrupt(&self.manifest, format!("expected a column `{name}`, found none")))
    }

    fn read(&mut self, name: &str, rows: Range<u64>) -> Result<Values> {
        let Field { id, kind } = *self.field(name)?;
        if rows.is_empty() || rows.end > self.n_rows || rows.end - rows.start > MOST_AT_ONCE {
            let (n, Range { start, end }) = (self.n_rows, rows);
            let what = format!("expected 1 to {MOST_AT_ONCE} rows within {n}, got {start} to {end}");
            return Err(Error::invalid(what).at(&self.dir));
        }
        let mut room = match kind {
            Type::Numbers { dtype, width } => Room((rows.end - rows.start) as usize * dtype.size() * width),
            Type::Texts => Room(MOST_BYTES),
            Type::Blobs => Room(MOST_BLOB_BYTES),
        };
        if room.0 > MOST_BYTES && kind != Type::Blobs {
            let (n, Range { start, end }) = (room.0, rows);
            let what = format!(
                "expected at most {MOST_BYTES} bytes of `{name}` at once, got {n} in rows {start} to {end}"
            );
            return Err(Error::invalid(what).hint("read a stretch of the episode").at(&self.dir));
        }
        let mut found = None::<Values>;
        let from = self.parts.partition_point(|part| part.first <= rows.start).saturating_sub(1);
        for part in from..self.parts.len() {
            if self.parts[part].first >= rows.end {
                break;
            }
            for there in self.parts[part].within(&rows) {
                let values = self.part(part, id, there, &mut room)?;
                let file = || self.file(name, self.parts[part].first);
                found = Some(values.after(found.take()).map_err(|err| err.at(&file()))?);
            }
        }
        found.ok_or_else(|| broken("expected rows in some fragment").at(&self.manifest))
    }

    /// Rows `rows` of the files of part number `part`, of the column with this id.
    fn part(&mut self, part: usize, id: i32, rows: Range<u64>, room: &mut Room) -> Result<Values> {
        if self.open.0 != part {
            self.open = (part, BTreeMap::new());
        }
        let files = self.parts.get(part).map(|part| part.files.as_slice()).unwrap_or_default();
        let column = |file: &FileEntry| {
            let column = file.fields.iter().position(|field| *field == id)?;
            usize::try_from(*file.columns.get(column)?).ok()
        };
        let place = files.iter().enumerate().find_map(|(idx, file)| Some((idx, column(file)?)));
        let (idx, column) = place.ok_or_else(|| {
            unread(format!("a column (number {id}) without values in some rows")).at(&self.manifest)
        })?;
        if !self.open.1.contains_key(&idx) {
            let path = data_path(&self.dir, &files[idx]).ok_or_else(|| outside(&self.manifest))?;
            self.open.1.insert(idx, Columns::open(&path)?);
        }
        match self.open.1.get_mut(&idx) {
            Some(file) => file.read(column, rows, room),
            None => Err(broken("expected an open file").at(&self.manifest)),
        }
    }
}

/// Where the file is, which must be below the folder `dir`, whatever it says.
fn data_path(dir: &Path, file: &FileEntry) -> Option<PathBuf> {
    let is_name = |part: Component<'_>| matches!(part, Component::Normal(_));
    let path = Path::new(&file.path);
    (file.base_id.is_none() && path.components().all(is_name)).then(|| dir.join(DATA).join(path))
}

/// What is wrong if it is not.
fn outside(manifest: &Path) -> Error {
    unread("files outside of its folder").at(manifest)
}

/// The stretches of a fragment without its deleted rows; counts their rows on in `n_rows`.
fn stretches(
    dir: &Path,
    manifest: &Path,
    fragment: &Fragment,
    n_rows: &mut u64,
) -> Result<Vec<(u64, Range<u64>)>> {
    let n = fragment.n_rows;
    let mut paths = Vec::new();
    let mut n_bytes = 0_u64;
    for file in &fragment.files {
        let path = data_path(dir, file).ok_or_else(|| outside(manifest))?;
        let len = fs::metadata(&path).map_err(|err| Error::io("open file", &path, &err))?.len();
        n_bytes = n_bytes.saturating_add(len);
        paths.push(path);
    }
    let most = n_bytes.saturating_mul(MOST_ROWS_A_BYTE).min(MOST_ROWS.saturating_sub(*n_rows));
    if n > most {
        let what = format!("expected at most {most} more rows in files of {n_bytes} bytes, got {n}");
        return Err(Error::corrupt(paths.first().map_or(manifest, PathBuf::as_path), what));
    }
    let mut stretches = Vec::new();
    let mut add = |there: Range<u64>| {
        if !there.is_empty() {
            let first = *n_rows;
            *n_rows = first.saturating_add(there.end - there.start);
            stretches.push((first, there));
        }
    };
    let mut from = 0;
    if let Some(deletions) = &fragment.deletions {
        for row in deleted::read(dir, fragment, deletions)?.iter().map(u64::from).filter(|row| *row < n) {
            add(from..row);
            from = row + 1;
        }
    }
    add(from..n);
    Ok(stretches)
}
