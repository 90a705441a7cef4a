//! Files in a zip, read one by one.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use worldsmith_core::{Error, Result};
use zip::{CompressionMethod, ZipArchive};

/// Deflate makes at most 1032 bytes of one.
const MOST_INFLATED: u64 = 1032;

/// A zip whose directory was read.
pub(crate) struct Zipped {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
    /// Whether every name was held against the file's own header.
    named: bool,
}

/// Where a file stands in its zip.
#[derive(Debug, Clone, Copy)]
struct Entry {
    start: u64,
    packed: u64,
    len: u64,
    deflated: bool,
}

impl Zipped {
    /// Reads the directory.
    ///
    /// # Errors
    /// If the file cannot be read or is no zip.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|err| Error::io("open file", path, &err))?;
        let archive = ZipArchive::new(BufReader::new(file))
            .map_err(|err| Error::corrupt(path, format!("expected a zip: {err}")))?;
        Ok(Self { path: path.to_path_buf(), archive, named: false })
    }

    /// Names of all files in it, without those that are no text.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.archive.file_names().filter_map(|name| Some(name.ok()?.into_owned()))
    }

    /// Whether there is a file `name`.
    pub fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// Makes sure that a file that is not there was not renamed by damage: no checksum covers the directory's names.
    ///
    /// # Errors
    /// If a file has another name in its own header.
    pub fn check_names(&mut self) -> Result<()> {
        if !self.named {
            self.names().collect::<Vec<_>>().iter().try_for_each(|name| self.entry(name).map(drop))?;
            self.named = true;
        }
        Ok(())
    }

    /// The whole file `name`, its checksum verified.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        self.entry(name)?;
        let mut bytes = Vec::new();
        self.checked(name, |file| file.read_to_end(&mut bytes).map(drop))?;
        Ok(bytes)
    }

    /// Reads through the file `name` and verifies its checksum.
    ///
    /// # Errors
    /// As [`Zipped::read`].
    pub fn verify(&mut self, name: &str) -> Result<()> {
        self.checked(name, |mut file| io::copy(&mut file, &mut io::sink()).map(drop))
    }

    fn checked(&mut self, name: &str, read: impl FnOnce(&mut dyn Read) -> io::Result<()>) -> Result<()> {
        let path = &self.path;
        let damaged = |why: String| Error::corrupt(path, format!("cannot read `{name}`: {why}"));
        let mut file = self.archive.by_name(name).map_err(|err| damaged(err.to_string()))?;
        let len = file.size();
        // One byte more than there should be shows that there is more.
        read(&mut (&mut file).take(len + 1)).map_err(|err| damaged(err.to_string()))
    }

    /// The file `name` as a stream of its own, its checksum not verified, and its length.
    ///
    /// # Errors
    /// If there is none, or it is neither stored nor deflated.
    pub fn stream(&mut self, name: &str) -> Result<(Stream, u64)> {
        let entry = self.entry(name)?;
        let mut file = File::open(&self.path).map_err(|err| Error::io("open file", &self.path, &err))?;
        file.seek(SeekFrom::Start(entry.start)).map_err(|err| Error::io("read file", &self.path, &err))?;
        let stream = match entry.deflated {
            true => Stream::Deflated(Box::new(DeflateDecoder::new(BufReader::new(file.take(entry.packed))))),
            false => Stream::Stored(file.take(entry.packed)),
        };
        Ok((stream, entry.len))
    }

    fn entry(&mut self, name: &str) -> Result<Entry> {
        let path = &self.path;
        let damaged = |why: &str| Error::corrupt(path, format!("cannot read `{name}`: {why}"));
        let idx =
            self.archive.index_for_name(name).ok_or_else(|| damaged("there is no such file in the zip"))?;
        let file = self.archive.by_index_raw(idx).map_err(|err| damaged(&err.to_string()))?;
        let deflated = match file.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            _ => return Err(damaged("it is neither stored nor deflated")),
        };
        let (packed, len) = (file.compressed_size(), file.size());
        let (head, start) =
            (file.header_start(), file.data_start().ok_or_else(|| damaged("it starts nowhere"))?);
        drop(file);
        if self.name_at(head).map_err(|err| damaged(&err.to_string()))? != name.as_bytes() {
            return Err(damaged("it has another name in its own header"));
        }
        let end = path.metadata().map_err(|err| Error::io("read file", path, &err))?.len();
        let most = if deflated { packed.saturating_mul(MOST_INFLATED) } else { packed };
        if start.checked_add(packed).is_none_or(|last| last > end) || len > most {
            return Err(damaged("its length is not what the zip says"));
        }
        Ok(Entry { start, packed, len, deflated })
    }

    /// The name in the header at `start`, which no checksum covers: where it differs from the directory, one is damaged.
    fn name_at(&self, start: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(start.saturating_add(NAME_LEN_AT)))?;
        let mut len = [0; 2];
        file.read_exact(&mut len)?;
        file.seek(SeekFrom::Current(NAME_AT - NAME_LEN_AT as i64 - 2))?;
        let mut name = vec![0; usize::from(u16::from_le_bytes(len))];
        file.read_exact(&mut name)?;
        Ok(name)
    }
}

/// In the header of a file in a zip: where the length of its name stands, and where the name starts.
const NAME_LEN_AT: u64 = 26;
const NAME_AT: i64 = 30;

/// The plain bytes of a file in a zip.
pub(crate) enum Stream {
    Stored(io::Take<File>),
    Deflated(Box<DeflateDecoder<BufReader<io::Take<File>>>>),
}

impl Stream {
    /// Passes over `n` bytes.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn skip(&mut self, n: u64) -> io::Result<()> {
        let skipped = match self {
            Stream::Stored(file) => {
                let there = n.min(file.limit());
                file.get_mut().seek_relative(there.cast_signed())?;
                file.set_limit(file.limit() - there);
                there
            }
            Stream::Deflated(file) => io::copy(&mut file.take(n), &mut io::sink())?,
        };
        if skipped == n { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Stored(file) => file.read(bytes),
            Stream::Deflated(file) => file.read(bytes),
        }
    }
}
