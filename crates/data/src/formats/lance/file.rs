//! A file of columns: a footer that says where the pages of each are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use prost::Message;
use worldsmith_core::{Error, ErrorKind, Result};

use super::proto::{ColumnPages, Layout, PageEntry, PageLayout, Typed};
use super::{Room, Values, broken, number, page, piece, unread};

pub(super) const MAGIC: &[u8] = b"LANC";
/// Where metadata and tables of offsets start, counts of buffers and columns, version, magic word.
const FOOTER: u64 = 40;
/// Files of version 2.0 say so, for historical reasons.
const OLD: (u64, u64) = (0, 3);
/// What the layout of a page is called in files of version 2.1 and 2.2.
const LAYOUT: &str = "/lance.encodings21.PageLayout";

/// Bytes that can be read from anywhere.
#[derive(Debug)]
pub(super) struct Bytes {
    file: File,
    len: u64,
}

impl Bytes {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|err| Error::io("open file", path, &err))?;
        let len = file.metadata().map_err(|err| Error::io("read file", path, &err))?.len();
        Ok(Self { file, len })
    }

    /// The bytes in `range`.
    ///
    /// # Errors
    /// Without a path, if the file is shorter.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let n = range.end.checked_sub(range.start).filter(|_| range.end <= self.len);
        let n = n.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
            broken(format!("expected bytes up to {}, got a file of {}", range.end, self.len))
        })?;
        let mut bytes = vec![0; n];
        let mut file = &self.file;
        let read = file.seek(SeekFrom::Start(range.start)).and_then(|_| file.read_exact(&mut bytes));
        read.map(|()| bytes).map_err(|err| Error::new(ErrorKind::Io, format!("cannot read file: {err}")))
    }
}

/// A stretch of a column.
#[derive(Debug)]
pub(super) struct Page {
    pub layout: Layout,
    pub buffers: Vec<Range<u64>>,
    pub n_rows: u64,
}

/// An open file.
#[derive(Debug)]
pub(super) struct Columns {
    path: PathBuf,
    bytes: Bytes,
    /// Where the list of pages of each column is.
    lists: Vec<Range<u64>>,
    /// Lists that were read.
    pages: BTreeMap<usize, Vec<Page>>,
}

impl Columns {
    /// Opens the file at `path`; reads the footer alone.
    ///
    /// # Errors
    /// If it is no Lance file, of another version, or cut.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = Bytes::open(path)?;
        let lists = lists(&bytes).map_err(|err| err.at(path))?;
        Ok(Self { path: path.to_owned(), bytes, lists, pages: BTreeMap::new() })
    }

    /// Rows `rows` of column number `column`.
    ///
    /// # Errors
    /// If there are fewer, there is no room for them, or they are stored in a way that is not read.
    pub fn read(&mut self, column: usize, rows: Range<u64>, room: &mut Room) -> Result<Values> {
        self.find(column, rows, room).map_err(|err| err.at(&self.path))
    }

    fn find(&mut self, column: usize, rows: Range<u64>, room: &mut Room) -> Result<Values> {
        if !self.pages.contains_key(&column) {
            let list = self.lists.get(column).cloned();
            let list = list.ok_or_else(|| broken(format!("expected a column {column}, found none")))?;
            self.pages.insert(column, pages(&self.bytes.read(list)?, self.bytes.len)?);
        }
        let (mut found, mut start) = (None::<Values>, 0_u64);
        for page in self.pages.get(&column).into_iter().flatten() {
            let end = start.checked_add(page.n_rows).ok_or_else(|| broken("expected fewer rows"))?;
            let (from, to) = (rows.start.max(start), rows.end.min(end));
            if from < to {
                let values = page::read(&self.bytes, page, from - start..to - start, room)?;
                found = Some(values.after(found.take())?);
            }
            start = end;
        }
        let n = rows.end.saturating_sub(rows.start);
        found.filter(|found| found.len() as u64 == n).ok_or_else(|| {
            broken(format!(
                "expected rows {} to {} of column {column}, got {start} rows",
                rows.start, rows.end
            ))
        })
    }
}

/// Where the list of pages of each column is, from the footer.
fn lists(bytes: &Bytes) -> Result<Vec<Range<u64>>> {
    let torn = || broken("expected a Lance file, got something else or a part of one");
    let footer = bytes.len.checked_sub(FOOTER).ok_or_else(torn)?;
    let words = bytes.read(footer..bytes.len)?;
    if !words.ends_with(MAGIC) {
        return Err(torn());
    }
    let word = |at: usize, n: usize| piece(&words, at, n).map_or(0, number);
    match (word(32, 2), word(34, 2)) {
        (2, 1 | 2) => {}
        OLD => return Err(unread("files of version 2.0")),
        (major, minor) => return Err(unread(format!("files of version {major}.{minor}"))),
    }
    let (at, n) = (word(8, 8), word(28, 4));
    let end = n.checked_mul(16).and_then(|len| at.checked_add(len)).filter(|end| *end <= footer);
    let table = bytes.read(at..end.ok_or_else(torn)?)?;
    let list = |entry: &[u8]| {
        let (at, len) = entry.split_at(8);
        let (at, len) = (number(at), number(len));
        Some(at..at.checked_add(len)?)
    };
    table.chunks_exact(16).map(|entry| list(entry).ok_or_else(torn)).collect()
}

/// The pages in `list`, all of whose buffers end before `len`.
fn pages(list: &[u8], len: u64) -> Result<Vec<Page>> {
    let damaged = |err: prost::DecodeError| broken(format!("cannot read the list of pages: {err}"));
    let list = ColumnPages::decode(list).map_err(damaged)?;
    let page = |page: PageEntry| {
        let encoding = page.encoding.and_then(|encoding| encoding.direct).unwrap_or_default().encoding;
        let typed = Typed::decode(encoding.as_slice()).map_err(damaged)?;
        if typed.url != LAYOUT {
            return Err(unread(format!("a page laid out as `{}`", typed.url)));
        }
        let layout = PageLayout::decode(typed.message.as_slice()).map_err(damaged)?.layout;
        let layout = layout.ok_or_else(|| unread("a page with large values aside"))?;
        let buffers = page.offsets.iter().zip(&page.sizes);
        let buffers = buffers.map(|(at, n)| at.checked_add(*n).filter(|end| *end <= len).map(|end| *at..end));
        let buffers = buffers.collect::<Option<_>>();
        let buffers =
            buffers.ok_or_else(|| broken(format!("expected pages within a file of {len} bytes")))?;
        Ok(Page { layout, buffers, n_rows: page.n_rows })
    };
    list.pages.into_iter().map(page).collect()
}
