//! One file of record batches, an Arrow IPC stream: appended to by one writer, mapped into memory by any number of readers.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{Block, MetadataVersion};
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use worldsmith_core::{Error, Result};

/// Marks a message that follows; then come the length of its head, its head and its body.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A shard that is being written.
#[derive(Debug)]
pub(super) struct ShardWriter {
    file: File,
    path: PathBuf,
    schema: SchemaRef,
    /// Bytes that belong to committed episodes, the schema included.
    len: u64,
}

impl ShardWriter {
    /// Opens the shard at `path`, which is made if it is not there, and cuts off what lies behind `len` bytes.
    pub fn open(path: PathBuf, schema: SchemaRef, len: u64) -> Result<Self> {
        let broken = |e: &std::io::Error| Error::io("write file", &path, e);
        let mut options = OpenOptions::new();
        let mut file =
            options.create(true).truncate(false).write(true).open(&path).map_err(|e| broken(&e))?;
        file.set_len(len).and_then(|()| file.seek(SeekFrom::End(0))).map_err(|e| broken(&e))?;
        let mut shard = Self { file, path, schema, len };
        if len == 0 {
            let head = stream(&shard.schema, None).map_err(|e| unwritable(&e))?;
            shard.write(&head)?;
            shard.sync()?;
        }
        Ok(shard)
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// Adds a batch; returns where it lies and its bytes. It is safe after [`ShardWriter::sync`] and counts once the index
    /// says so; [`ShardWriter::undo`] takes it back.
    pub fn append(&mut self, rows: &RecordBatch) -> Result<(u64, Vec<u8>)> {
        let head = stream(&self.schema, None).map_err(|e| unwritable(&e))?.len();
        let mut bytes = stream(&self.schema, Some(rows)).map_err(|e| unwritable(&e))?;
        bytes.drain(..head);
        let at = self.len;
        self.write(&bytes)?;
        Ok((at, bytes))
    }

    /// Flushes what was added to the disk.
    pub fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(|e| Error::io("write file", &self.path, &e))
    }

    /// Goes back to `len` bytes.
    pub fn undo(&mut self, len: u64) -> Result<()> {
        let cut = self.file.set_len(len).and_then(|()| self.file.seek(SeekFrom::Start(len)));
        cut.map_err(|e| Error::io("write file", &self.path, &e))?;
        self.len = len;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(e) = self.file.write_all(bytes) {
            // Best effort: what is left behind is cut off by the next writer.
            let _ = self.undo(self.len);
            return Err(Error::io("write file", &self.path, &e));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }
}

/// Length of a shard that has no batch yet, in bytes.
pub(super) fn head_len(schema: &SchemaRef) -> u64 {
    stream(schema, None).map_or(0, |head| head.len() as u64)
}

fn unwritable(e: &ArrowError) -> Error {
    Error::invalid(format!("cannot write episode: {e}"))
}

/// The bytes of a stream that was not ended: its schema, and a batch.
fn stream(schema: &SchemaRef, rows: Option<&RecordBatch>) -> std::result::Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    rows.map_or(Ok(()), |rows| writer.write(rows))?;
    writer.flush()?;
    // `into_inner` would end the stream.
    Ok(std::mem::take(writer.get_mut()))
}

/// A shard mapped into memory.
#[derive(Debug, Clone)]
pub(super) struct Shard {
    bytes: Bytes,
    file: Arc<Mutex<File>>,
}

impl Shard {
    /// Maps the whole file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io("read episodes", path, &e))?;
        // SAFETY: what readers look at is never changed in place: a shard is only appended to, and a store that goes back to
        // fewer episodes puts a new file in its place. Bytes are taken for anything but bytes only once they are checked.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|e| Error::io("map file", path, &e))?;
        Ok(Self { bytes: Bytes::from_owner(map), file: Arc::new(Mutex::new(file)) })
    }

    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The bytes of a batch, if the file is that long.
    pub fn slice(&self, at: u64, len: u64) -> Option<Bytes> {
        let (from, to) = (usize::try_from(at).ok()?, usize::try_from(at.checked_add(len)?).ok()?);
        (to <= self.bytes.len()).then(|| self.bytes.slice(from..to))
    }

    /// As [`Shard::slice`], but read into memory of their own. Whoever goes through a whole store reads this way: pages of a
    /// mapped file count as the program's memory for as long as the system likes.
    ///
    /// # Errors
    /// If the file at `path`, which this was opened from, cannot be read.
    pub fn read(&self, at: u64, len: u64, path: &Path) -> Result<Option<Bytes>> {
        let Some(there) = self.slice(at, len) else { return Ok(None) };
        let mut bytes = vec![0; there.len()];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut bytes));
        read.map_err(|e| Error::io("read episodes", path, &e))?;
        Ok(Some(bytes.into()))
    }

    /// `part` as bytes that keep the file mapped; copied if it does not lie in it.
    pub fn share(&self, part: &[u8]) -> Bytes {
        let (all, part_range) = (self.bytes.as_ptr_range(), part.as_ptr_range());
        match all.start <= part_range.start && part_range.end <= all.end {
            true => self.bytes.slice_ref(part),
            false => Bytes::copy_from_slice(part),
        }
    }
}

/// The rows in the bytes of a batch; they share its memory.
pub(super) fn decode(bytes: Bytes, schema: &SchemaRef) -> std::result::Result<RecordBatch, String> {
    let cut_short = || "a batch is cut short".to_owned();
    let prefix: &[u8; 8] = bytes.first_chunk().ok_or_else(cut_short)?;
    if prefix[..4] != CONTINUATION {
        return Err("expected an Arrow message, found something else".to_owned());
    }
    let head = i32::from_le_bytes([prefix[4], prefix[5], prefix[6], prefix[7]]);
    let head = usize::try_from(head).ok().and_then(|n| n.checked_add(8)).ok_or_else(cut_short)?;
    let body = bytes.len().checked_sub(head).ok_or_else(cut_short)?;
    // The decoder takes it for granted that buffers lie within the body.
    let message = arrow_ipc::root_as_message(&bytes[8..head]).map_err(|e| e.to_string())?;
    let batch = message.header_as_record_batch().ok_or("expected rows, got another message")?;
    let within = |b: &arrow_ipc::Buffer| {
        let end = b.offset().checked_add(b.length()).and_then(|end| usize::try_from(end).ok());
        b.offset() >= 0 && b.length() >= 0 && end.is_some_and(|end| end <= body)
    };
    if !batch.buffers().is_some_and(|buffers| buffers.iter().all(within)) {
        return Err("a column lies outside of its batch".to_owned());
    }
    let block = Block::new(0, head as i32, body as i64);
    // It panics on lengths that contradict each other, which a checksum does not keep out of a file made on purpose.
    let rows = catch_unwind(|| {
        let decoder = FileDecoder::new(schema.clone(), MetadataVersion::V5);
        decoder.read_record_batch(&block, &Buffer::from(bytes))
    });
    let rows = rows.map_err(|_| "columns contradict each other".to_owned())?.map_err(|e| e.to_string())?;
    rows.ok_or_else(|| "expected rows, got none".to_owned())
}
