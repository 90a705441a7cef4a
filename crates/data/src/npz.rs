//! NumPy's `.npz`: a zip of arrays, read in stretches of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, Result};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::dtype::Dtype;
use crate::formats::column::Column;
use crate::npy::Header;
use crate::zipped::{Stream, Zipped};

/// What arrays are called in the zip, after their names.
const ENDING: &str = ".npy";
/// How hard written arrays are squeezed, of 9: pictures get much smaller, and further costs much more time.
const LEVEL: i64 = 1;

/// A file can name any number of rows that hold nothing.
const MOST_EMPTY_ROWS: usize = 1 << 16;

/// An `.npz` whose headers were read.
pub(crate) struct Npz {
    path: PathBuf,
    zip: Zipped,
    /// Header of every array.
    pub arrays: BTreeMap<String, Header>,
    /// Arrays whose checksum was verified.
    sound: BTreeSet<String>,
    /// Arrays that are being read, and the row that comes next.
    readers: BTreeMap<String, (Stream, usize)>,
}

impl Npz {
    /// Reads the directory of the zip and the headers of all arrays.
    ///
    /// # Errors
    /// If it is damaged, or an array is of pickled objects; names the array.
    pub fn open(path: &Path) -> Result<Self> {
        let mut zip = Zipped::open(path)?;
        let files: Vec<String> = zip.names().collect();
        let mut arrays = BTreeMap::new();
        for file in files {
            // Also of files that are no arrays, whose name may be damaged.
            let (mut stream, len) = zip.stream(&file)?;
            let Some(name) = file.strip_suffix(ENDING).map(str::to_owned) else { continue };
            let named = |err: Error| {
                let hint = err.hint_text().map(str::to_owned);
                let err = Error::corrupt(path, format!("array `{name}`: {err}"));
                hint.into_iter().fold(err, Error::hint)
            };
            let header = Header::read(&mut stream).map_err(named)?;
            let row_len = header.row_len().filter(|n| *n > 0 || header.n_rows() <= MOST_EMPTY_ROWS);
            let wanted = row_len
                .and_then(|row| row.checked_mul(header.n_rows()))
                .and_then(|n| header.len.checked_add(n as u64));
            if wanted != Some(len) {
                let shape = &header.shape;
                return Err(Error::corrupt(
                    path,
                    format!("array `{name}`: expected {shape:?} elements, got {len} bytes"),
                ));
            }
            arrays.insert(name, header);
        }
        Ok(Self { path: path.to_path_buf(), zip, arrays, sound: BTreeSet::new(), readers: BTreeMap::new() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads `rows` of array `name`. Going forward through an array reads it once.
    ///
    /// # Errors
    /// If there are no such rows, or the array is damaged: its checksum is verified before its first rows are handed out.
    pub fn rows(&mut self, name: &str, rows: Range<usize>) -> Result<Column> {
        let damaged = |path: &Path, why: String| Error::corrupt(path, format!("array `{name}`: {why}"));
        let (header, file) = (self.header(name)?.clone(), format!("{name}{ENDING}"));
        let (n_rows, row_len) = (header.n_rows(), header.row_len().unwrap_or(0));
        if rows.start > rows.end || rows.end > n_rows {
            return Err(damaged(&self.path, format!("expected rows {rows:?}, got {n_rows}")));
        }
        if !self.sound.contains(name) {
            self.zip.verify(&file)?;
            self.sound.insert(name.to_owned());
        }
        let bytes_of = |n: usize| n as u64 * row_len as u64;
        let (mut stream, at) = match self.readers.remove(name).filter(|(_, at)| *at <= rows.start) {
            Some(open) => open,
            None => {
                let mut stream = self.zip.stream(&file)?.0;
                stream.skip(header.len).map_err(|err| damaged(&self.path, err.to_string()))?;
                (stream, 0)
            }
        };
        let mut bytes = Vec::new();
        let read = stream
            .skip(bytes_of(rows.start - at))
            .and_then(|()| (&mut stream).take(bytes_of(rows.len())).read_to_end(&mut bytes));
        read.map_err(|err| damaged(&self.path, err.to_string()))?;
        if bytes.len() as u64 != bytes_of(rows.len()) {
            return Err(damaged(&self.path, format!("expected rows {rows:?}, got fewer")));
        }
        self.readers.insert(name.to_owned(), (stream, rows.end));
        let width = header.schema().width().unwrap_or(0);
        Ok(Column { width, cells: header.dtype.cells(bytes) })
    }

    /// All rows of array `name`.
    ///
    /// # Errors
    /// As [`Npz::rows`].
    pub fn all(&mut self, name: &str) -> Result<Column> {
        let n_rows = self.header(name)?.n_rows();
        self.rows(name, 0..n_rows)
    }

    fn header(&self, name: &str) -> Result<&Header> {
        let known = || self.arrays.keys().map(String::as_str).collect::<Vec<_>>().join("`, `");
        self.arrays.get(name).ok_or_else(|| {
            Error::corrupt(&self.path, format!("expected an array `{name}`, got `{}`", known()))
        })
    }
}

/// Writes an `.npz` array by array.
pub(crate) struct NpzWriter {
    path: PathBuf,
    zip: ZipWriter<File>,
}

impl NpzWriter {
    /// Starts the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|err| Error::io("write file", path, &err))?;
        Ok(Self { path: path.to_path_buf(), zip: ZipWriter::new(file) })
    }

    /// Adds array `name`: `column` with rows of `row_shape`, or without axes if `n_rows` is `None`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn push(
        &mut self,
        name: &str,
        column: &Column,
        n_rows: Option<usize>,
        row_shape: &[usize],
    ) -> Result<()> {
        let dtype = Dtype::of(&column.cells);
        let shape: Vec<usize> = n_rows.into_iter().chain(row_shape.iter().copied()).collect();
        self.start(name, dtype, &shape)?;
        self.zip
            .write_all(&dtype.bytes(&column.cells))
            .map_err(|err| Error::io("write file", &self.path, &err))
    }

    /// Adds array `name`, whose elements stand in the file at `rows`.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn push_file(&mut self, name: &str, dtype: Dtype, shape: &[usize], rows: &Path) -> Result<()> {
        self.start(name, dtype, shape)?;
        let mut file = File::open(rows).map_err(|err| Error::io("read file", rows, &err))?;
        let copied = io::copy(&mut file, &mut self.zip);
        copied.map(drop).map_err(|err| Error::io("write file", &self.path, &err))
    }

    fn start(&mut self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .last_modified_time(DateTime::default())
            .large_file(true);
        let failed = |err: &io::Error| Error::io("write file", &self.path, err);
        self.zip.start_file(format!("{name}{ENDING}"), options).map_err(|err| failed(&err.into()))?;
        self.zip.write_all(&Header::bytes(dtype, shape)).map_err(|err| failed(&err))
    }

    /// Completes the file and brings it to the disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> Result<()> {
        let done = self.zip.finish().map_err(io::Error::from).and_then(|file| file.sync_all());
        done.map_err(|err| Error::io("write file", &self.path, &err))
    }
}
