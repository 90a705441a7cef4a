//! Tables that go on in the next file when one is full: `chunk-000/file-000.parquet` and so on.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use worldsmith_core::{Error, ErrorKind, Result};

/// Rows and bytes after which a row group ends: few enough to find a step quickly and to stay small in memory.
const GROUP_ROWS: usize = 1000;
const GROUP_BYTES: usize = 16 << 20;
/// Files in a folder.
pub(super) const CHUNK_FILES: usize = 1000;

/// Number of a folder and of a file in it.
pub(super) type Place = (usize, usize);

/// The place after `place`.
pub(super) fn next(place: Place) -> Place {
    if place.1 + 1 < CHUNK_FILES { (place.0, place.1 + 1) } else { (place.0 + 1, 0) }
}

/// The file at `place` in `dir`; its folder is made.
pub(super) fn file(dir: &Path, place: Place, extension: &str) -> Result<PathBuf> {
    let chunk = dir.join(format!("chunk-{:03}", place.0));
    fs::create_dir_all(&chunk).map_err(|err| Error::io("create folder", &chunk, &err))?;
    Ok(chunk.join(format!("file-{:03}.{extension}", place.1)))
}

/// A table in many files.
pub(super) struct Shards {
    dir: PathBuf,
    /// Size from which on a file is full.
    full_bytes: u64,
    /// Metadata under the key that `datasets` looks for.
    hugging_face: Option<String>,
    place: Place,
    open: Option<(PathBuf, ArrowWriter<File>)>,
}

impl Shards {
    /// An empty table in the folder `dir`.
    pub fn new(dir: PathBuf, full_bytes: u64, hugging_face: Option<String>) -> Self {
        Self { dir, full_bytes, hugging_face, place: (0, 0), open: None }
    }

    /// Where what comes next will lie, up to the next call: the next file if this one is full.
    ///
    /// # Errors
    /// If a full file cannot be completed.
    pub fn place(&mut self) -> Result<Place> {
        let size = |writer: &ArrowWriter<File>| (writer.bytes_written() + writer.in_progress_size()) as u64;
        if self.open.as_ref().is_some_and(|(_, writer)| size(writer) >= self.full_bytes) {
            self.finish()?;
            self.place = next(self.place);
        }
        Ok(self.place)
    }

    /// Adds rows to the current file.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let (path, writer) = match &mut self.open {
            Some(open) => open,
            closed => {
                let path = file(&self.dir, self.place, "parquet")?;
                let metadata = self.hugging_face.clone().map(|json| ("huggingface", json));
                let writer = start(&path, batch, metadata)?;
                closed.insert((path, writer))
            }
        };
        let mut written = writer.write(batch);
        if writer.in_progress_rows() >= GROUP_ROWS || writer.in_progress_size() >= GROUP_BYTES {
            written = written.and_then(|()| writer.flush());
        }
        written.map_err(|err| unwritable(path, &err))
    }

    /// Completes the current file and flushes it to the disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&mut self) -> Result<()> {
        match self.open.take() {
            Some((path, writer)) => complete(&path, writer),
            None => Ok(()),
        }
    }
}

/// Starts a Parquet file at `path` for rows like those of `batch`, with `metadata` where Arrow looks for it.
///
/// # Errors
/// If it cannot be written.
pub(super) fn start(
    path: &Path,
    batch: &RecordBatch,
    metadata: Option<(&str, String)>,
) -> Result<ArrowWriter<File>> {
    let metadata: HashMap<_, _> = metadata.into_iter().map(|(key, text)| (key.to_owned(), text)).collect();
    let schema = batch.schema().as_ref().clone().with_metadata(metadata);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = File::create(path).map_err(|err| Error::io("create file", path, &err))?;
    ArrowWriter::try_new(file, Arc::new(schema), Some(properties)).map_err(|err| unwritable(path, &err))
}

/// Completes a Parquet file and flushes it to the disk.
///
/// # Errors
/// If it cannot be written.
pub(super) fn complete(path: &Path, writer: ArrowWriter<File>) -> Result<()> {
    let file = writer.into_inner().map_err(|err| unwritable(path, &err))?;
    file.sync_all().map_err(|err| Error::io("flush file", path, &err))
}

/// What the Parquet writer says is mostly what the system said.
pub(super) fn unwritable(path: &Path, err: &parquet::errors::ParquetError) -> Error {
    Error::new(ErrorKind::Io, format!("cannot write Parquet: {err}")).at(path)
}
