//! Rows of a fragment that were deleted: a list of their numbers in an Arrow file, or a bitmap.

use std::fs;
use std::path::Path;

use arrow_buffer::Buffer;
use arrow_ipc::{Block, CompressionType, root_as_footer, root_as_message};
use roaring::RoaringBitmap;
use worldsmith_core::{Error, Result};

use super::proto::{Deletions, Fragment};
use super::{broken, codec, number, piece, unread};

const FOLDER: &str = "_deletions";
/// What an Arrow file ends with, behind its footer and the length of that.
const MAGIC: &[u8] = b"ARROW1";
/// What a message in it starts with, and its length.
const PREFIX: usize = 8;
/// In place of the plain length of a buffer that is not compressed.
const PLAIN: u64 = u64::MAX;

/// The numbers of rows of `fragment` of the table in `dir` that were deleted.
///
/// # Errors
/// If the file that says so is missing or damaged.
pub(super) fn read(dir: &Path, fragment: &Fragment, deletions: &Deletions) -> Result<RoaringBitmap> {
    if deletions.base_id.is_some() {
        return Err(unread("files outside of its folder").at(&dir.join(FOLDER)));
    }
    let ending = if deletions.kind == 0 { "arrow" } else { "bin" };
    let name = format!("{}-{}-{}.{ending}", fragment.id, deletions.read_version, deletions.id);
    let path = dir.join(FOLDER).join(name);
    let bytes = fs::read(&path).map_err(|err| Error::io("read file", &path, &err))?;
    match deletions.kind {
        0 => list(&Buffer::from(bytes), fragment.n_rows).map_err(|err| err.at(&path)),
        _ => RoaringBitmap::deserialize_from(bytes.as_slice())
            .map_err(|err| Error::corrupt(&path, format!("cannot read a bitmap of rows: {err}"))),
    }
}

/// The numbers in the one column of an Arrow file. The Arrow crates would read them too, were they built once more with
/// Zstandard, and Parquet after them.
fn list(bytes: &[u8], n_rows: u64) -> Result<RoaringBitmap> {
    let torn = || broken("expected an Arrow file, got something else or a part of one");
    let end = bytes.len().checked_sub(MAGIC.len() + 4).filter(|_| bytes.ends_with(MAGIC)).ok_or_else(torn)?;
    let len = piece(bytes, end, 4).map(number).ok_or_else(torn)?;
    let footer = end.checked_sub(len as usize).and_then(|start| bytes.get(start..end)).ok_or_else(torn)?;
    let footer = root_as_footer(footer)
        .map_err(|err| broken(format!("cannot read the footer of an Arrow file: {err}")))?;
    // Each row is deleted once.
    let (mut rows, mut left) = (RoaringBitmap::new(), n_rows);
    for block in footer.recordBatches().into_iter().flatten() {
        let batch = batch(bytes, block)?;
        left = left.checked_sub(batch.len() as u64 / 4).ok_or_else(torn)?;
        rows.extend(batch.chunks_exact(4).map(|row| number(row) as u32));
    }
    Ok(rows)
}

/// The bytes of the one column in a block of an Arrow file.
fn batch(bytes: &[u8], block: &Block) -> Result<Vec<u8>> {
    let torn = || broken("expected a block of numbers of rows");
    let within = |bytes: &[u8], at: i64, len: i64| {
        let (at, len) = usize::try_from(at).ok().zip(usize::try_from(len).ok())?;
        piece(bytes, at, len).map(<[u8]>::to_vec)
    };
    let head = within(bytes, block.offset(), i64::from(block.metaDataLength())).ok_or_else(torn)?;
    let body_at = block.offset().checked_add(i64::from(block.metaDataLength())).ok_or_else(torn)?;
    let body = within(bytes, body_at, block.bodyLength()).ok_or_else(torn)?;
    let head = Buffer::from(head.get(PREFIX..).ok_or_else(torn)?);
    let message = root_as_message(&head)
        .map_err(|err| broken(format!("cannot read a block of an Arrow file: {err}")))?;
    let batch = message.header_as_record_batch().ok_or_else(torn)?;
    // The first buffer says which of them are missing: none.
    let buffers = batch.buffers().filter(|buffers| buffers.len() == 2).ok_or_else(torn)?;
    let mut values = within(&body, buffers.get(1).offset(), buffers.get(1).length()).ok_or_else(torn)?;
    values = match batch.compression().map(|compression| compression.codec()) {
        None => values,
        Some(CompressionType::ZSTD) if piece(&values, 0, 8).map(number) == Some(PLAIN) => values.split_off(8),
        Some(CompressionType::ZSTD) => codec::zstd(&values)?,
        Some(_) => return Err(unread("deleted rows compressed in an unusual way")),
    };
    let len = usize::try_from(batch.length()).ok().and_then(|n| n.checked_mul(4)).ok_or_else(torn)?;
    if values.len() < len {
        return Err(torn());
    }
    values.truncate(len);
    Ok(values)
}
