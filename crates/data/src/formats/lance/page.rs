//! Rows of one page, in each of the three ways that a page may be laid out:
//!
//! - **chunks**: a word a chunk (its rows as a power of two, its length in eights), then the chunks, of some kilobytes each;
//!   a dictionary beside makes the values of the chunks its indices;
//! - **zipped**: row after row; where they differ in length each has it in front, and a second buffer says where each starts;
//! - **constant**: one value for all rows.
//!
//! Of the first two no more is read than the rows that are asked for need.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use worldsmith_core::Result;

use super::codec;
use super::file::{Bytes, Page};
use super::proto::{Chunks, Constant, Encoding, Layout, Zipped};
use super::{Room, Values, broken, number, piece, unread};

/// The layer of a column that has a value in every row.
const ALL_VALID: i32 = 1;
/// What buffers in a chunk, and chunks themselves, are rounded up to.
const ALIGNMENT: usize = 8;
/// Rows of the largest chunk.
const MOST_IN_CHUNK: u64 = 1 << 15;
/// More buffers than any encoding has in a chunk.
const MOST_BUFFERS: u64 = 8;

/// Rows `rows` of `page`.
///
/// # Errors
/// Without a path, if the page is damaged, there is no room for the rows, or they are stored in a way that is not read.
pub(super) fn read(bytes: &Bytes, page: &Page, rows: Range<u64>, room: &mut Room) -> Result<Values> {
    let layers = match &page.layout {
        Layout::Chunks(layout) => &layout.layers,
        Layout::Constant(layout) => &layout.layers,
        Layout::Zipped(layout) => &layout.layers,
    };
    if layers.iter().any(|layer| *layer != ALL_VALID) {
        return Err(unread("missing values or lists of any length"));
    }
    match &page.layout {
        Layout::Chunks(layout) => chunks(bytes, page, layout, rows, room),
        Layout::Constant(layout) => constant(bytes, page, layout, rows, room),
        Layout::Zipped(layout) => zipped(bytes, page, layout, rows, room),
    }
}

fn buffer(page: &Page, idx: usize) -> Result<Range<u64>> {
    let n = page.buffers.len();
    page.buffers.get(idx).cloned().ok_or_else(|| broken(format!("expected more buffers of a page than {n}")))
}

fn encoding(encoding: &Option<Encoding>) -> Result<&Encoding> {
    encoding.as_ref().ok_or_else(|| broken("expected a page that says how values are packed"))
}

fn chunks(bytes: &Bytes, page: &Page, layout: &Chunks, rows: Range<u64>, room: &mut Room) -> Result<Values> {
    let word_len = if layout.large { 4 } else { 2 };
    let words = bytes.read(buffer(page, 0)?)?;
    let words: Vec<u64> = words.chunks_exact(word_len).map(number).collect();
    let data = buffer(page, 1)?;
    let (mut found, mut first, mut at) = (None::<Values>, 0_u64, data.start);
    for (idx, word) in words.iter().enumerate() {
        let n = match idx + 1 == words.len() {
            true => page.n_rows.checked_sub(first).filter(|n| *n <= MOST_IN_CHUNK),
            false => Some(1 << (word & 15)),
        };
        let last = n.and_then(|n| first.checked_add(n)).filter(|last| *last <= page.n_rows);
        let last = last.ok_or_else(|| broken("expected chunks with as many rows as their page"))?;
        let end = at + ((word >> 4) + 1) * ALIGNMENT as u64;
        let (from, to) = (rows.start.max(first), rows.end.min(last));
        if from < to {
            if end > data.end {
                return Err(broken("expected chunks that fit into their page"));
            }
            let values = chunk(bytes.read(at..end)?, layout, last - first)?;
            let values = codec::slice(values, from - first..to - first)?;
            // Indices are counted when they are looked up.
            if layout.dictionary.is_none() {
                room.take(values.n_bytes())?;
            }
            found = Some(values.after(found.take())?);
        }
        (first, at) = (last, end);
    }
    let found = found.ok_or_else(|| broken("expected chunks with as many rows as their page"))?;
    match &layout.dictionary {
        None => Ok(found),
        Some(dictionary) => {
            let items = codec::block(dictionary, bytes.read(buffer(page, 2)?)?, layout.n_dictionary)?;
            codec::look_up(&found, &items, room)
        }
    }
}

/// All `n` values of a chunk.
fn chunk(chunk: Vec<u8>, layout: &Chunks, n: u64) -> Result<Values> {
    let torn = || broken("expected a chunk as long as its buffers");
    if layout.n_buffers > MOST_BUFFERS {
        return Err(torn());
    }
    let size_len = if layout.large { 4 } else { 2 };
    // The number of levels comes first; there are none where every row has a value.
    let mut at = 2;
    let mut sizes = Vec::new();
    for _ in 0..layout.n_buffers {
        sizes.push(number(piece(&chunk, at, size_len).ok_or_else(torn)?) as usize);
        at += size_len;
    }
    let mut buffers = VecDeque::new();
    for size in sizes {
        at = at.next_multiple_of(ALIGNMENT);
        buffers.push_back(piece(&chunk, at, size).ok_or_else(torn)?.to_vec());
        at += size;
    }
    codec::values(encoding(&layout.values)?, &mut buffers, n)
}

fn zipped(bytes: &Bytes, page: &Page, layout: &Zipped, rows: Range<u64>, room: &mut Room) -> Result<Values> {
    if (layout.repetition_bits, layout.definition_bits) != (0, 0) {
        return Err(unread("missing values or lists of any length"));
    }
    let data = buffer(page, 0)?;
    let torn = || broken("expected rows that fit into their page");
    let within = |from: Option<u64>, to: Option<u64>| {
        let (from, to) = from.zip(to).ok_or_else(torn)?;
        let (from, to) = data.start.checked_add(from).zip(data.start.checked_add(to)).ok_or_else(torn)?;
        if from > to || to > data.end { Err(torn()) } else { bytes.read(from..to) }
    };
    let values = encoding(&layout.values)?;
    match (layout.value_bits, layout.length_bits) {
        (Some(bits), None) if bits > 0 && bits % 8 == 0 => {
            let width = u64::from(bits / 8);
            let bytes = within(rows.start.checked_mul(width), rows.end.checked_mul(width))?;
            let values = codec::values(values, &mut VecDeque::from([bytes]), rows.end - rows.start)?;
            room.take(values.n_bytes())?;
            Ok(values)
        }
        (None, Some(bits @ (32 | 64))) => {
            let starts = starts(bytes, page, rows)?;
            let bytes = within(starts.first().copied(), starts.last().copied())?;
            let mut rest = bytes.as_slice();
            let mut blobs = Vec::with_capacity(starts.len().saturating_sub(1));
            for ends in starts.windows(2) {
                let len = ends[1].checked_sub(ends[0]).and_then(|len| usize::try_from(len).ok());
                let (row, after) = len.and_then(|len| rest.split_at_checked(len)).ok_or_else(torn)?;
                let (len, row) = row.split_at_checked(bits as usize / 8).ok_or_else(torn)?;
                if number(len) != row.len() as u64 {
                    return Err(torn());
                }
                let blob = codec::blob(values, row)?;
                room.take(blob.len())?;
                blobs.push(Arc::from(blob));
                rest = after;
            }
            Ok(Values::Blobs(blobs))
        }
        _ => Err(unread("rows of a length in bits")),
    }
}

/// Where rows `rows` of a zipped page start, and where the last of them ends.
fn starts(bytes: &Bytes, page: &Page, rows: Range<u64>) -> Result<Vec<u64>> {
    let torn = || broken("expected where each row of a page starts");
    let index = buffer(page, 1)?;
    let n = page.n_rows.checked_add(1).ok_or_else(torn)?;
    let width = index.end.saturating_sub(index.start) / n;
    if !matches!(width, 1 | 2 | 4 | 8) {
        return Err(torn());
    }
    let at = |row: u64| row.checked_mul(width).and_then(|at| at.checked_add(index.start)).ok_or_else(torn);
    let entries = bytes.read(at(rows.start)?..at(rows.end + 1)?)?;
    Ok(entries.chunks_exact(width as usize).map(number).collect())
}

fn constant(
    bytes: &Bytes,
    page: &Page,
    layout: &Constant,
    rows: Range<u64>,
    room: &mut Room,
) -> Result<Values> {
    let n = usize::try_from(rows.end - rows.start).map_err(|_| broken("expected fewer rows"))?;
    let mut repeated = |value: &[u8]| {
        room.take(value.len().saturating_mul(n))?;
        Ok(Values::Fixed { width: value.len(), bytes: value.repeat(n) })
    };
    if let Some(value) = layout.value.as_ref().filter(|value| !value.is_empty()) {
        return repeated(value);
    }
    if page.buffers.is_empty() {
        return Err(unread("a column without values"));
    }
    let torn = || broken("expected the one value of a page");
    // How many Arrow buffers the value has, the length of each, and the buffers.
    let bytes = bytes.read(buffer(page, 0)?)?;
    let word = |at: usize| piece(&bytes, at, 4).map(|word| number(word) as usize).ok_or_else(torn);
    match word(0)? {
        1 => {
            let value = piece(&bytes, 8, word(4)?).filter(|value| !value.is_empty()).ok_or_else(torn)?;
            repeated(value)
        }
        2 => {
            let (n_offsets, n_data) = (word(4)?, word(8)?);
            let offsets = piece(&bytes, 12, n_offsets).ok_or_else(torn)?;
            let data = piece(&bytes, 12 + n_offsets, n_data).ok_or_else(torn)?;
            let (start, end) = offsets.split_at(n_offsets / 2);
            let value = data.get(number(start) as usize..number(end) as usize).ok_or_else(torn)?;
            room.take(value.len().saturating_mul(n))?;
            Ok(Values::Blobs(vec![Arc::from(value); n]))
        }
        _ => Err(torn()),
    }
}
