//! Rows of an array, from the chunks that they lie in.

use std::ops::Range;

use worldsmith_core::{Error, ErrorKind, Result};

use super::meta::Meta;
use super::{Store, Version};
use crate::formats::column::{Column, Schema};

/// Rows that were never written may have that many bytes in one reading: a file that names more only says so.
const MOST_UNWRITTEN: usize = 1 << 28;

/// And they may lie in that many chunks.
const MOST_MISSING: usize = 1 << 13;

/// A row may lie in that many chunks: each is a file.
const MOST_CHUNKS: usize = 1 << 16;

/// An array of a [`Store`].
pub(crate) struct Array {
    key: String,
    meta: Meta,
    /// The chunk that was unpacked last: episodes often share one.
    last: Option<(Vec<usize>, Vec<u8>)>,
}

impl Array {
    /// Reads what the store says of the array `key`.
    ///
    /// # Errors
    /// If there is none, or it is of a kind that is not understood here.
    pub fn open(store: &mut Store, key: &str) -> Result<Self> {
        let (file, read): (_, fn(&serde_json::Value) -> Result<Meta>) = match store.version {
            Version::V2 => (format!("{key}/.zarray"), Meta::v2),
            Version::V3 => (format!("{key}/zarr.json"), Meta::v3),
        };
        let path = store.path().join(&file);
        let json = store
            .json(&file)?
            .ok_or_else(|| Error::corrupt(&path, format!("expected an array `{key}`, found none")))?;
        let meta = read(&json).map_err(|err| err.at(&path))?;
        Ok(Self { key: key.to_owned(), meta, last: None })
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.meta.shape.first().copied().unwrap_or(0)
    }

    /// Type and shape of a row.
    pub fn schema(&self) -> Schema {
        Schema { kind: self.meta.dtype.kind(), shape: self.meta.shape.get(1..).unwrap_or_default().to_vec() }
    }

    /// Reads `rows`.
    ///
    /// # Errors
    /// If there are no such rows, or a chunk is damaged; names the chunk.
    pub fn rows(&mut self, store: &mut Store, rows: Range<usize>) -> Result<Column> {
        let n_rows = self.n_rows();
        let broken = |why: String| Error::new(ErrorKind::Corrupt, why).at(&store.path().join(&self.key));
        if rows.start > rows.end || rows.end > n_rows {
            return Err(broken(format!("expected rows {rows:?}, got {n_rows}")));
        }
        let width = self.schema().width();
        let row_len = width.and_then(|n| n.checked_mul(self.meta.dtype.size()));
        let row_len = row_len.ok_or_else(|| broken("expected rows that fit into memory".to_owned()))?;
        let thick = self.meta.chunks[0];
        let (mut bytes, mut unwritten) = (Vec::new(), Unwritten::default());
        let mut at = rows.start;
        while at < rows.end {
            let idx = at / thick;
            let part = at..rows.end.min((idx + 1).saturating_mul(thick));
            let slab = self.slab(store, idx, part.clone(), row_len, &mut unwritten)?;
            bytes.extend_from_slice(&slab);
            at = part.end;
        }
        Ok(Column { width: width.unwrap_or(0), cells: self.meta.dtype.cells(bytes) })
    }

    /// The rows `part`, all of which lie in chunks that are at `idx` along the first axis.
    fn slab(
        &mut self,
        store: &mut Store,
        idx: usize,
        part: Range<usize>,
        row_len: usize,
        unwritten: &mut Unwritten,
    ) -> Result<Vec<u8>> {
        let n_chunks: Vec<usize> = self.meta.shape[1..]
            .iter()
            .zip(&self.meta.chunks[1..])
            .map(|(side, chunk)| side.div_ceil(*chunk))
            .collect();
        let len = row_len.saturating_mul(part.len());
        if n_chunks.iter().try_fold(1usize, |n, m| n.checked_mul(*m)).is_none_or(|n| n > MOST_CHUNKS) {
            let path = store.path().join(&self.key);
            return Err(Error::corrupt(&path, format!("expected rows of few chunks, got {n_chunks:?}")));
        }
        let (mut slab, mut at) = (Vec::new(), vec![0; n_chunks.len() + 1]);
        at[0] = idx;
        if n_chunks.contains(&0) {
            return Ok(slab);
        }
        loop {
            let found = self.chunk(store, &at)?;
            let n_found = found.as_ref().map_or(0, Vec::len);
            unwritten.n_chunks += usize::from(found.is_none());
            unwritten.n_bytes = unwritten.n_bytes.saturating_sub(n_found);
            if slab.is_empty() {
                unwritten.n_bytes = unwritten.n_bytes.saturating_add(len.saturating_sub(n_found));
            }
            if unwritten.n_bytes > MOST_UNWRITTEN || unwritten.n_chunks > MOST_MISSING {
                let path = store.path().join(&self.key);
                let why = format!("expected written chunks, got {len} bytes without any");
                return Err(Error::corrupt(&path, why));
            }
            if slab.is_empty() {
                slab = self.meta.fill.iter().copied().cycle().take(len).collect();
            }
            if let Some(chunk) = found {
                let skip = part.start - idx * self.meta.chunks[0];
                self.copy(&chunk, &at, skip..skip + part.len(), &mut slab);
                self.last = Some((at.clone(), chunk));
            }
            if !advance(&mut at[1..], &n_chunks) {
                return Ok(slab);
            }
        }
    }

    /// The plain bytes of the chunk at `at`, if it was written.
    fn chunk(&mut self, store: &mut Store, at: &[usize]) -> Result<Option<Vec<u8>>> {
        if let Some((_, chunk)) = self.last.take_if(|(last, _)| last == at) {
            return Ok(Some(chunk));
        }
        let key = format!("{}/{}", self.key, self.meta.key(at));
        let Some(packed) = store.read(&key)? else { return Ok(None) };
        let len = self.meta.chunk_len().unwrap_or(0);
        let chunk = super::codec::unpack(packed, &self.meta.codecs, len);
        chunk.map(Some).map_err(|err| err.at(&store.path().join(&key)))
    }

    /// Copies `rows` of the chunk at `at` to their places in `slab`, which starts with the first of them.
    fn copy(&self, chunk: &[u8], at: &[usize], rows: Range<usize>, slab: &mut [u8]) {
        let (shape, chunks, size) = (&self.meta.shape[1..], &self.meta.chunks[1..], self.meta.dtype.size());
        let (from_row, to_row) =
            (chunks.iter().product::<usize>() * size, shape.iter().product::<usize>() * size);
        if shape == chunks {
            slab.copy_from_slice(&chunk[rows.start * from_row..rows.end * from_row]);
            return;
        }
        // Along the last axis elements follow each other; the axes between are counted through.
        let inner: Vec<Span> = (0..shape.len())
            .map(|axis| {
                let start = at[axis + 1] * chunks[axis];
                Span { start, len: chunks[axis].min(shape[axis] - start) }
            })
            .collect();
        let (last, outer) = match inner.split_last() {
            Some((last, outer)) => (*last, outer),
            None => return,
        };
        let lens: Vec<usize> = outer.iter().map(|span| span.len).collect();
        for (n, row) in rows.enumerate() {
            let mut pos = vec![0; outer.len()];
            loop {
                let (mut from, mut to) = (0, 0);
                for (axis, span) in outer.iter().enumerate() {
                    from = from * chunks[axis] + pos[axis];
                    to = to * shape[axis] + span.start + pos[axis];
                }
                let from = row * from_row + from * chunks[outer.len()] * size;
                let to = n * to_row + (to * shape[outer.len()] + last.start) * size;
                slab[to..to + last.len * size].copy_from_slice(&chunk[from..from + last.len * size]);
                if !advance(&mut pos, &lens) {
                    break;
                }
            }
        }
    }
}

/// What a reading met of rows that were never written.
#[derive(Debug, Default)]
struct Unwritten {
    n_bytes: usize,
    n_chunks: usize,
}

/// Where a chunk stands along one axis, without what hangs over the end.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    len: usize,
}

/// Counts `at` up below `ends`, the last number first; false after the last one.
fn advance(at: &mut [usize], ends: &[usize]) -> bool {
    for (number, end) in at.iter_mut().zip(ends).rev() {
        *number += 1;
        if *number < *end {
            return true;
        }
        *number = 0;
    }
    false
}
