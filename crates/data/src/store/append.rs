//! The writing half of a store: one writer at a time, which appends, commits, and goes back.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind as IoKind, Read};
use std::path::Path;
use std::sync::PoisonError;

use arrow_array::RecordBatch;
use worldsmith_core::{Episode, Error, Result};

use super::index::{self, Entry, Index, IndexWriter};
use super::shard::ShardWriter;
use super::{LOCK, SHARDS, Store};
use crate::atomic::{sync_folder, temp_path};
use crate::crc32;
use crate::leaf::check_episode;

/// A shard that has grown to this many bytes gets no more episodes.
const SHARD_BYTES: u64 = 1 << 30;
/// Episodes of this many bytes together are committed.
const COMMIT_BYTES: u64 = 32 << 20;

/// How often a writer that finds others looking whether there is one tries again.
const MOST_LOOKS: usize = 10_000;

/// What only the one writer has.
#[derive(Debug)]
pub(super) struct Writer {
    index: IndexWriter,
    shard: ShardWriter,
    shard_idx: usize,
    /// Episodes in the shard that do not count yet.
    pending: Vec<Entry>,
    /// Holds the lock until it is closed.
    _lock: File,
}

impl Store {
    /// Adds an episode and returns its number. When this returns, the episode is safe on the disk.
    ///
    /// # Errors
    /// If the episode does not fit the spaces, the files cannot be written, or another program writes to this store. The
    /// store then holds what it held before.
    pub fn append(&mut self, episode: &Episode) -> Result<usize> {
        self.append_later(episode)?;
        self.commit()?;
        Ok(self.len() - 1)
    }

    /// Adds an episode that counts, and is safe, after the next [`Store::commit`]; this also commits by itself every 32 MiB.
    /// Much faster than [`Store::append`] where episodes are short. What was not committed when the store is dropped is
    /// lost.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn append_later(&mut self, episode: &Episode) -> Result<()> {
        check_episode(episode, self.obs(), self.action()).map_err(|err| err.at(&self.dir))?;
        let rows = self.encode(episode)?;
        let hash = self.fingerprint_of_rows(&rows, episode)?;
        self.write_later(&rows, Entry::unplaced(episode, hash))
    }

    /// Adds episode `idx` of another store as it lies there, if that keeps pictures like this one: nothing is coded a second
    /// time. Otherwise as [`Store::append_later`] after [`Store::read`].
    ///
    /// # Errors
    /// As both.
    pub fn append_stored_later(&mut self, from: &Store, idx: usize) -> Result<()> {
        if !self.keeps_like(from) {
            return self.append_later(&from.read(idx)?);
        }
        let entry = from.entry(idx)?;
        let rows = from.rows(&entry, from.bytes(&entry)?)?;
        self.write_later(&rows, entry)
    }

    /// Writes the rows of an episode, and enters where they lie.
    fn write_later(&mut self, rows: &RecordBatch, entry: Entry) -> Result<()> {
        self.start_writing()?;
        let Some(writer) = &mut self.writer else { unreachable!("writing was started above") };
        let (at, bytes) = writer.shard.append(rows)?;
        writer.pending.push(Entry {
            shard: writer.shard_idx,
            at,
            bytes: bytes.len() as u64,
            crc32: crc32(&bytes),
            ..entry
        });
        let n_bytes: u64 = writer.pending.iter().map(|entry| entry.bytes).sum();
        if n_bytes >= COMMIT_BYTES || writer.shard.len() >= SHARD_BYTES { self.commit() } else { Ok(()) }
    }

    /// Makes what was added by [`Store::append_later`] safe on the disk, and count.
    ///
    /// # Errors
    /// If the files cannot be written; none of it counts then.
    pub fn commit(&mut self) -> Result<()> {
        let Self { writer: Some(writer), index, .. } = self else { return Ok(()) };
        let pending = std::mem::take(&mut writer.pending);
        let Some(first) = pending.first() else { return Ok(()) };
        let done = writer.shard.sync().and_then(|()| index.append(&mut writer.index, &pending));
        if done.is_err() {
            // Best effort: the next writer cuts it off.
            let _ = writer.shard.undo(first.at);
        }
        done
    }

    /// Keeps the first `n` episodes and drops the later ones, so that a store can go back to where a checkpoint was made.
    /// Clears away what a crash left half-written.
    ///
    /// # Errors
    /// If there are fewer than `n` episodes, the index line of the last one to keep is damaged, or the files cannot be
    /// written. Before the files are written all stays as it was.
    pub fn truncate(&mut self, n: usize) -> Result<()> {
        if n > self.len() {
            let have = self.len();
            return Err(Error::invalid(format!("expected at least {n} episodes, got {have}")).at(&self.dir));
        }
        // The last line says where writing goes on: without it nothing may be cut off.
        n.checked_sub(1).map_or(Ok(()), |last| self.entry(last).map(drop))?;
        self.start_writing()?;
        let Some(mut writer) = self.writer.take() else { unreachable!("writing was started above") };
        if n < self.len() {
            self.index.truncate(&mut writer.index, n)?;
            // Readers may have mapped what is dropped; they keep the old file.
            let (shard_idx, end) = self.end()?;
            replace_by_prefix(&self.shard_path(shard_idx), end)?;
        }
        // What is mapped may end before the files do, or after.
        self.shards.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        self.open_writer(writer._lock)
    }

    /// Becomes the one writer, with a shard that has room.
    fn start_writing(&mut self) -> Result<()> {
        match self.writer.take() {
            Some(writer) if writer.shard.len() < SHARD_BYTES => {
                self.writer = Some(writer);
                Ok(())
            }
            Some(full) => self.open_writer(full._lock),
            None => {
                let lock = self.lock()?;
                self.open_writer(lock)
            }
        }
    }

    /// Opens the files for writing behind the last episode, and clears away what a crash left there.
    fn open_writer(&mut self, lock: File) -> Result<()> {
        self.check_end()?;
        let (mut shard_idx, mut end) = self.end()?;
        if end >= SHARD_BYTES {
            (shard_idx, end) = (shard_idx + 1, 0);
        }
        let shard = ShardWriter::open(self.shard_path(shard_idx), self.layout.schema.clone(), end)?;
        let mut later = shard_idx + 1;
        while remove_if_there(&self.shard_path(later))? {
            later += 1;
        }
        sync_folder(&self.dir.join(SHARDS))?;
        let index = self.index.writer()?;
        sync_folder(&self.dir)?;
        self.writer = Some(Writer { index, shard, shard_idx, pending: Vec::new(), _lock: lock });
        Ok(())
    }

    /// Takes the lock that only one writer holds, and makes sure that nobody wrote since the store was opened.
    fn lock(&self) -> Result<File> {
        let path = self.dir.join(LOCK);
        let file = File::create(&path).map_err(|err| Error::io("write file", &path, &err))?;
        if !take_lock(&file).map_err(|err| Error::io("lock file", &path, &err))? {
            return Err(Error::invalid("another program is writing to this store").at(&self.dir));
        }
        let found = Index::open(index::path(&self.dir))?;
        match found.is_same(&self.index) {
            true => Ok(file),
            false => {
                let (then, now) = (self.len(), found.len());
                let message =
                    format!("another program wrote to this store: it had {then} episodes, now it has {now}");
                Err(Error::invalid(message).at(&self.dir).hint("open it again"))
            }
        }
    }
}

/// Takes the writer's lock; says whether it could be had. Those who only look whether there is a writer hold it, shared,
/// for a moment: they are waited for.
fn take_lock(file: &File) -> std::io::Result<bool> {
    for _ in 0..MOST_LOOKS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if is_writing(file) => return Ok(false),
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            Err(TryLockError::Error(err)) if err.kind() != IoKind::Unsupported => return Err(err),
            _ => return Ok(true),
        }
    }
    Ok(false)
}

/// Whether somebody holds the writer's lock, `file`, to write.
pub(super) fn is_writing(file: &File) -> bool {
    let is_held = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    // Nothing can be done about a lock that is not given back; it ends with the file.
    let _ = file.unlock();
    is_held
}

/// Puts a file of the first `len` bytes in the place of the file at `path`, whose own bytes stay as they are for those who
/// have it open.
fn replace_by_prefix(path: &Path, len: u64) -> Result<()> {
    let temp = temp_path(path);
    let copied = File::open(path).and_then(|from| {
        let mut to = File::create(&temp)?;
        std::io::copy(&mut from.take(len), &mut to)?;
        to.sync_all()?;
        fs::rename(&temp, path)
    });
    copied.map_err(|err| Error::io("write file", path, &err))
}

/// Removes a file; says whether it was there.
fn remove_if_there(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == IoKind::NotFound => Ok(false),
        Err(err) => Err(Error::io("remove file", path, &err)),
    }
}
