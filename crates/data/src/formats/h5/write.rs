//! Writes HDF5 files front to back in bounded memory: datasets as they come, groups once they are whole, and the first
//! bytes, which point to the last ones, at the end.
//!
//! Written by hand because the crates that write HDF5 either hold the whole file in memory, or take time that grows with
//! the square of the number of groups.

use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, Result};

pub(in crate::formats) use super::encode::Type;
use super::encode::{FANOUT, Header, SUPERBLOCK, superblock, tree_node};
use crate::atomic::{sync_folder, temp_path};

/// An attribute's value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::formats) enum Attribute {
    U64(u64),
    F64(f64),
    Text(String),
}

/// What a group holds: names and addresses, and attributes.
#[derive(Debug, Default)]
pub(in crate::formats) struct Group {
    links: Vec<(String, u64)>,
    attributes: Vec<(String, Attribute)>,
}

impl Group {
    /// Adds the object at `address`.
    pub fn link(&mut self, name: impl Into<String>, address: u64) {
        self.links.push((name.into(), address));
    }

    /// Adds an attribute. One of more than 64 KiB is left out, as a file cannot hold it.
    pub fn attribute(&mut self, name: impl Into<String>, value: Attribute) {
        self.attributes.push((name.into(), value));
    }

    fn header(&self) -> Header {
        let mut header = Header::group(&self.links);
        for (name, value) in &self.attributes {
            match value {
                Attribute::U64(value) => header.attribute(name, Type::U64, &value.to_le_bytes()),
                Attribute::F64(value) => header.attribute(name, Type::F64, &value.to_le_bytes()),
                Attribute::Text(text) => {
                    let bytes = if text.is_empty() { b"\0" } else { text.as_bytes() };
                    header.attribute(name, Type::Text(bytes.len() as u32), bytes);
                }
            }
        }
        header
    }
}

/// A file that is being written, aside until it is finished.
#[derive(Debug)]
pub(in crate::formats) struct Writer {
    out: BufWriter<File>,
    at: u64,
    temp: PathBuf,
    path: PathBuf,
}

impl Writer {
    /// Starts the file that will be at `path`.
    ///
    /// # Errors
    /// If there is something at `path`, or nothing can be written there.
    pub fn create(path: &Path) -> Result<Self> {
        if path.exists() {
            return Err(Error::invalid("expected no file here yet, found one").at(path));
        }
        let temp = temp_path(path);
        let file = File::create(&temp).map_err(|err| Error::io("create file", &temp, &err))?;
        let mut writer =
            Self { out: BufWriter::with_capacity(1 << 16, file), at: 0, temp, path: path.to_owned() };
        writer.append(&[0; SUPERBLOCK as usize])?;
        Ok(writer)
    }

    /// Writes `bytes` and returns where they are.
    fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let at = self.at.next_multiple_of(8);
        let gap = [0; 8];
        let written =
            self.out.write_all(&gap[..(at - self.at) as usize]).and_then(|()| self.out.write_all(bytes));
        written.map_err(|err| Error::io("write file", &self.path, &err))?;
        self.at = at + bytes.len() as u64;
        Ok(at)
    }

    /// Writes a dataset whose elements are `bytes`, row-major and little-endian, and returns its address.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn dataset(&mut self, kind: Type, shape: &[usize], bytes: &[u8]) -> Result<u64> {
        let shape: Vec<u64> = shape.iter().map(|extent| *extent as u64).collect();
        let at = self.append(bytes)?;
        self.append(&Header::contiguous(kind, &shape, at, bytes.len() as u64).bytes())
    }

    /// Writes a group and returns its address.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn group(&mut self, group: &Group) -> Result<u64> {
        self.append(&group.header().bytes())
    }

    /// Completes the file, whose root is `root`, and moves it into its place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self, root: &Group) -> Result<()> {
        let root = self.group(root)?;
        let first = superblock(self.at, root);
        let ended = self.out.seek(SeekFrom::Start(0)).and_then(|_| self.out.write_all(&first));
        let ended = ended.and_then(|()| self.out.flush()).and_then(|()| self.out.get_ref().sync_all());
        let moved = ended.and_then(|()| fs::rename(&self.temp, &self.path));
        moved.map_err(|err| Error::io("write file", &self.path, &err))?;
        sync_folder(self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))
    }
}

impl Drop for Writer {
    /// What was never finished goes; after [`Writer::finish`] there is nothing left to remove.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temp);
    }
}

/// A dataset that grows row by row, written a chunk at a time.
#[derive(Debug)]
pub(in crate::formats) struct Growing {
    kind: Type,
    row_shape: Vec<usize>,
    /// Rows of a chunk.
    n_rows: usize,
    row_bytes: usize,
    pending: Vec<u8>,
    chunks: Vec<u64>,
}

/// Chunks have about that many bytes: a good read, and no more than a few rows too many.
const CHUNK: usize = 1 << 17;

impl Growing {
    /// No rows yet, of `row_shape` each.
    pub fn new(kind: Type, row_shape: &[usize]) -> Self {
        let row_bytes = row_shape.iter().product::<usize>() * kind.size();
        let n_rows = (CHUNK / row_bytes.max(1)).clamp(1, 1 << 12);
        Self {
            kind,
            row_shape: row_shape.to_vec(),
            n_rows,
            row_bytes,
            pending: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// Adds whole rows.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn push(&mut self, writer: &mut Writer, rows: &[u8]) -> Result<()> {
        self.pending.extend(rows);
        let chunk = self.n_rows * self.row_bytes;
        while chunk > 0 && self.pending.len() >= chunk {
            self.chunks.push(writer.append(&self.pending[..chunk])?);
            self.pending.drain(..chunk);
        }
        Ok(())
    }

    /// Writes the last rows and what finds them, and returns the dataset's address.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn finish(mut self, writer: &mut Writer) -> Result<u64> {
        let left = self.pending.len().checked_div(self.row_bytes).unwrap_or(0);
        let n = self.chunks.len() * self.n_rows + left;
        if left > 0 {
            self.pending.resize(self.n_rows * self.row_bytes, 0);
            self.chunks.push(writer.append(&self.pending)?);
        }
        let axes = |first: usize| -> Vec<u64> {
            std::iter::once(first).chain(self.row_shape.iter().copied()).map(|extent| extent as u64).collect()
        };
        let index = self.index(writer)?;
        writer.append(&Header::chunked(self.kind, &axes(n), &axes(self.n_rows), index).bytes())
    }

    /// Writes the tree over the chunks, leaves first, and returns the address of its root.
    fn index(&self, writer: &mut Writer) -> Result<u64> {
        let (rank, end) = (self.row_shape.len() + 1, (self.chunks.len() * self.n_rows) as u64);
        let n_bytes = (self.n_rows * self.row_bytes) as u32;
        let starts = (0u64..).step_by(self.n_rows);
        let mut children: Vec<(u64, u64)> = starts.zip(self.chunks.iter().copied()).collect();
        for level in 0.. {
            let mut nodes = Vec::new();
            let n_nodes = children.len().div_ceil(FANOUT).max(1);
            for idx in 0..n_nodes {
                let own = &children[idx * FANOUT..children.len().min((idx + 1) * FANOUT)];
                let next = children.get((idx + 1) * FANOUT).map_or(end, |child| child.0);
                let at = writer.append(&tree_node(level, rank, own, next, n_bytes))?;
                nodes.push((own.first().map_or(0, |child| child.0), at));
            }
            if let [(_, root)] = nodes[..] {
                return Ok(root);
            }
            children = nodes;
        }
        unreachable!("every level has fewer nodes than the one below")
    }
}
