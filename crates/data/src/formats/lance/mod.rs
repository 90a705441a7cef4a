//! Lance tables: some columns of some rows, as the library of that name writes them in files of version 2.1 and 2.2.
//!
//! Read here and not by the crates `lance` or `lance-file`. Even the second of them, without its query engine, brings 291
//! crates (106 that worldsmith does not have, an HTTP client and TLS among them) and a second Arrow, and builds only
//! where `protoc` is installed or, by its feature for that, built by CMake. What stable-worldmodel's tables need of the
//! layout is small: a manifest, a footer a file, and pages that hold numbers flat, in runs or bit-packed, and pictures one
//! after the other. The messages are read by `prost`, bitmaps of deleted rows by `roaring`, all else here.
//!
//! Other ways to store values, missing values, nested columns, overlays and files elsewhere are refused by name.
//!
//! A table is a folder: `_versions/<n>.manifest` lists columns and fragments, `data/<name>.lance` holds columns of a
//! fragment, `_deletions` which of its rows are gone. A column's rows are in pages, each with its layout ([`page`]) and
//! its buffers anywhere in the file.

mod codec;
mod deleted;
mod file;
mod manifest;
mod page;
mod proto;
mod table;

use std::sync::Arc;

use worldsmith_core::{Error, ErrorKind, Result};

pub(super) use self::table::{Table, Type};

/// No value is longer, plain, nor are all of a column together that are read at once.
const MOST_BYTES: usize = 1 << 28;

/// Memory that is left for the rows of a read. What values stand for is taken from it before it is set aside, since some
/// bytes of a file can stand for any number of equal rows.
struct Room(usize);

impl Room {
    /// # Errors
    /// If less than `n` bytes are left.
    fn take(&mut self, n: usize) -> Result<()> {
        let left = self.0;
        self.0 = left
            .checked_sub(n)
            .ok_or_else(|| broken(format!("expected rows of at most {left} more bytes, got {n}")))?;
        Ok(())
    }
}

/// Some rows of a column.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    /// Rows of `width` bytes each.
    Fixed { width: usize, bytes: Vec<u8> },
    /// Rows of bytes of any length; equal ones may be one.
    Blobs(Vec<Arc<[u8]>>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Fixed { width, bytes } => bytes.len() / (*width).max(1),
            Values::Blobs(rows) => rows.len(),
        }
    }

    /// Bytes that the rows take; what several share counts for each.
    fn n_bytes(&self) -> usize {
        match self {
            Values::Fixed { bytes, .. } => bytes.len(),
            Values::Blobs(rows) => rows.iter().fold(0, |n, row| n.saturating_add(row.len())),
        }
    }

    /// The rows of `first`, if there are any yet, and then these.
    ///
    /// # Errors
    /// If they are of different kinds.
    fn after(self, first: Option<Self>) -> Result<Self> {
        match (first, self) {
            (None, rows) => Ok(rows),
            (Some(Values::Fixed { width, mut bytes }), Values::Fixed { width: same, bytes: more })
                if width == same =>
            {
                bytes.extend(more);
                Ok(Values::Fixed { width, bytes })
            }
            (Some(Values::Blobs(mut rows)), Values::Blobs(more)) => {
                rows.extend(more);
                Ok(Values::Blobs(rows))
            }
            _ => Err(broken("expected a column of one type")),
        }
    }
}

/// Damage, in a file that the caller names.
fn broken(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, why)
}

/// Something that Lance can do and this reader cannot.
fn unread(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Mismatch, format!("expected a Lance table of plain columns, got {what}")).hint(
        "write it anew with Lance's Python library: \
         `lance.write_dataset(lance.dataset(path), new, data_storage_version=\"2.1\")`",
    )
}

/// The `n` bytes from `at` on.
fn piece(bytes: &[u8], at: usize, n: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(n)?)
}

/// The whole number that up to 8 bytes hold, the lowest first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |all, byte| all << 8 | u64::from(*byte))
}
