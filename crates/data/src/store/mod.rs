//! Episodes on disk: an append-only folder of Arrow files.
//!
//! ```text
//! store.json            spaces, and how pictures are kept
//! index.jsonl           one line an episode: length, end, return, origin, place, checksums
//! shards/000000.arrow   Arrow IPC stream, one record batch an episode; see `columns.rs` for its columns
//! ```
//!
//! Episodes are written to a shard and flushed to the disk, then their lines are written to the index and flushed. The line
//! is what makes an episode count: a crash in between loses those episodes and no other, and the next writer cuts off what
//! it left.
//! One writer, any number of readers; a reader sees the episodes that were there when it opened the store.

mod columns;
mod index;
mod shard;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, Error, ErrorKind, Result, Seed, Space};

use crate::atomic::sync_folder;
use crate::fingerprint::fingerprint;
use crate::leaf::check_episode;
use crate::{crc32, write_atomic};
use columns::Layout;
pub use index::Entry;
use index::{Index, IndexWriter};
use shard::{Shard, ShardWriter};

/// The version this program writes.
const VERSION: u32 = 2;
const SHARDS: &str = "shards";
const HEAD: &str = "store.json";
/// A shard that has grown to this many bytes gets no more episodes.
const SHARD_BYTES: u64 = 1 << 30;
/// Episodes of this many bytes together are committed.
const COMMIT_BYTES: u64 = 32 << 20;

/// How a store keeps pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pictures {
    /// As bytes: the fastest to read.
    #[default]
    Raw,
    /// As PNG files: exact, and small where pictures are drawn.
    Png,
}

/// Episodes of one observation space and one action space, numbered in the order they came.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    head: Head,
    layout: Layout,
    index: Index,
    /// Mapped shards, as far as they were needed.
    shards: Mutex<Vec<Option<Shard>>>,
    writer: Option<Writer>,
}

/// What `store.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    obs: Space,
    action: Space,
    pictures: Pictures,
}

/// What only the one writer has.
#[derive(Debug)]
struct Writer {
    index: IndexWriter,
    shard: ShardWriter,
    shard_idx: usize,
    /// Episodes in the shard that do not count yet.
    pending: Vec<Entry>,
    /// Holds the lock until it is closed.
    _lock: File,
}

/// What a store holds, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of episodes.
    pub episodes: usize,
    /// Number of actions taken in all of them.
    pub steps: usize,
    /// Sum of rewards of each episode, in order.
    pub returns: Vec<f32>,
}

impl Store {
    /// Makes an empty store in the folder `dir`, which is created if need be, with pictures kept raw.
    ///
    /// # Errors
    /// If there is a store already, the spaces cannot be laid out as columns (two leaves of one name), or the folder
    /// cannot be written.
    pub fn create(dir: &Path, obs: &Space, action: &Space) -> Result<Self> {
        Self::create_with(dir, obs, action, Pictures::Raw)
    }

    /// As [`Store::create`], with a choice of how pictures are kept.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create_with(dir: &Path, obs: &Space, action: &Space, pictures: Pictures) -> Result<Self> {
        let layout = Layout::new(obs, action, pictures)?;
        if dir.join(HEAD).exists() || index::path(dir).exists() || dir.join(SHARDS).exists() {
            return Err(Error::invalid("expected no episode store here yet, found one")
                .at(dir)
                .hint("open it instead, or choose another folder"));
        }
        let shards = dir.join(SHARDS);
        fs::create_dir_all(&shards).map_err(|err| Error::io("create folder", &shards, &err))?;
        let head = Head { version: VERSION, obs: obs.clone(), action: action.clone(), pictures };
        let json = serde_json::to_vec_pretty(&head)
            .map_err(|err| Error::invalid(format!("cannot write spaces as JSON: {err}")))?;
        let index = Index::open(index::path(dir))?;
        write_atomic(&dir.join(HEAD), &json)?;
        Ok(Self { dir: dir.to_owned(), head, layout, index, shards: Mutex::default(), writer: None })
    }

    /// Opens the store in the folder `dir`. Episodes are found but not read.
    ///
    /// # Errors
    /// If there is no store, or [`ErrorKind::Corrupt`] naming the file if its index is damaged or an episode is gone.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(HEAD);
        let json = fs::read(&path).map_err(|err| match err.kind() {
            IoKind::NotFound => {
                Error::new(ErrorKind::Io, format!("expected an episode store, found no `{HEAD}`"))
                    .at(dir)
                    .hint("collect or import episodes first")
            }
            _ => Error::io("read file", &path, &err),
        })?;
        let broken = |err: serde_json::Error| {
            Error::corrupt(&path, format!("not the head of an episode store: {err}"))
        };
        let version = serde_json::from_slice::<serde_json::Value>(&json).map_err(broken)?["version"].take();
        if version != VERSION {
            return Err(Error::corrupt(&path, format!("expected format version {VERSION}, got {version}")));
        }
        let head: Head = serde_json::from_slice(&json).map_err(broken)?;
        let layout = Layout::new(&head.obs, &head.action, head.pictures).map_err(|err| err.at(&path))?;
        let index = Index::open(index::path(dir))?;
        let store = Self { dir: dir.to_owned(), head, layout, index, shards: Mutex::default(), writer: None };
        store.check_end()?;
        Ok(store)
    }

    /// The folder the store lies in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Space of the observations.
    pub fn obs(&self) -> &Space {
        &self.head.obs
    }

    /// Space of the actions.
    pub fn action(&self) -> &Space {
        &self.head.action
    }

    /// How pictures are kept.
    pub fn pictures(&self) -> Pictures {
        self.head.pictures
    }

    /// Number of episodes.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no episode.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a crash left behind, in words, if it did: episodes that were never completed, which do not count.
    pub fn leftovers(&self) -> Option<String> {
        let (shard_idx, end) = self.end().ok()?;
        let on_disk = fs::metadata(self.shard_path(shard_idx)).map_or(0, |m| m.len());
        let extra = on_disk.saturating_sub(end.max(self.empty_shard_len()));
        let next = self.shard_path(shard_idx + 1).exists();
        let torn = self.index.torn();
        (extra > 0 || torn > 0 || next).then(|| {
            format!("an episode was not completed and is dropped ({extra} bytes of it, and {torn} bytes of its line in the index)")
        })
    }

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
        let rows = self.layout.encode(episode);
        let rows =
            rows.map_err(|err| Error::invalid(format!("cannot write episode: {err}")).at(&self.dir))?;
        self.start_writing()?;
        let Some(writer) = &mut self.writer else { unreachable!("writing was started above") };
        let (at, bytes) = writer.shard.append(&rows)?;
        writer.pending.push(Entry {
            steps: episode.len(),
            end: episode.end,
            total_reward: episode.total_reward(),
            meta: episode.meta.clone(),
            hash: fingerprint(episode),
            shard: writer.shard_idx,
            at,
            bytes: bytes.len() as u64,
            crc32: crc32(&bytes),
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

    /// Reads and verifies episode `idx`.
    ///
    /// # Errors
    /// If there is no such episode, or [`ErrorKind::Corrupt`] naming the file if it is not what was written.
    pub fn read(&self, idx: usize) -> Result<Episode> {
        let entry = self.entry(idx)?;
        let path = self.shard_path(entry.shard);
        let rows = self.rows(&entry)?;
        let Entry { end, meta, .. } = entry;
        self.layout
            .decode(&rows, end, meta)
            .map_err(|why| Error::corrupt(&path, format!("episode {idx}: {why}")))
    }

    /// Reads and verifies episode `idx` but leaves its pictures where they are: those of the episode have no bytes, and the
    /// bytes of each picture leaf's `T + 1` pictures are handed out as a view of the mapped file, by the leaf's name.
    ///
    /// # Errors
    /// As [`Store::read`], and if the store does not keep pictures raw.
    pub(crate) fn read_mapped(&self, idx: usize) -> Result<(Episode, BTreeMap<String, Bytes>)> {
        let entry = self.entry(idx)?;
        let path = self.shard_path(entry.shard);
        let broken = |why: String| Error::corrupt(&path, format!("episode {idx}: {why}"));
        let rows = self.rows(&entry)?;
        let shard = self.shard(entry.shard, 0)?;
        let mut pictures = BTreeMap::new();
        for (name, bytes) in self.layout.pictures(&rows).map_err(broken)? {
            let name = name.strip_prefix("obs/").unwrap_or(name).to_owned();
            pictures.insert(name, shard.share(bytes));
        }
        let Entry { end, meta, .. } = entry;
        let episode = self.layout.decode_without_pictures(&rows, end, meta).map_err(broken)?;
        Ok((episode, pictures))
    }

    /// What the index says of episode `idx`.
    ///
    /// # Errors
    /// If there is no such episode, or [`ErrorKind::Corrupt`].
    pub fn entry(&self, idx: usize) -> Result<Entry> {
        if idx >= self.len() {
            let n = self.len();
            return Err(
                Error::invalid(format!("expected an episode number below {n}, got {idx}")).at(&self.dir)
            );
        }
        self.index.entry(idx)
    }

    /// All episodes in order, each read when it is its turn.
    pub fn iter(&self) -> impl Iterator<Item = Result<Episode>> + '_ {
        (0..self.len()).map(|idx| self.read(idx))
    }

    /// Keeps the first `n` episodes and drops the later ones, so that a store can go back to where a checkpoint was made.
    /// Clears away what a crash left half-written.
    ///
    /// # Errors
    /// If there are fewer than `n` episodes or the files cannot be written.
    pub fn truncate(&mut self, n: usize) -> Result<()> {
        if n > self.len() {
            let have = self.len();
            return Err(Error::invalid(format!("expected at least {n} episodes, got {have}")).at(&self.dir));
        }
        self.start_writing()?;
        let Some(mut writer) = self.writer.take() else { unreachable!("writing was started above") };
        self.index.truncate(&mut writer.index, n)?;
        // What is mapped may end before the files do, or after.
        self.shards.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        self.open_writer(writer._lock)
    }

    /// Counts episodes, steps and returns, from the index alone.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if a line is no episode's.
    pub fn summary(&self) -> Result<Summary> {
        let mut summary = Summary { episodes: self.len(), steps: 0, returns: Vec::with_capacity(self.len()) };
        for idx in 0..self.len() {
            let entry = self.index.entry(idx)?;
            summary.steps += entry.steps;
            summary.returns.push(entry.total_reward);
        }
        Ok(summary)
    }

    /// The rows of an episode, verified and sharing the memory of the mapped file.
    fn rows(&self, entry: &Entry) -> Result<RecordBatch> {
        let path = self.shard_path(entry.shard);
        let bytes =
            self.shard(entry.shard, entry.at.saturating_add(entry.bytes))?.slice(entry.at, entry.bytes);
        let bytes = bytes.ok_or_else(|| Error::corrupt(&path, "the file is cut short"))?;
        if crc32(&bytes) != entry.crc32 {
            let at = entry.at;
            return Err(Error::corrupt(
                &path,
                format!("the checksum of the episode at byte {at} does not match"),
            ));
        }
        let rows = shard::decode(bytes, &self.layout.schema).map_err(|why| Error::corrupt(&path, why))?;
        match rows.num_rows() == entry.steps + 1 {
            true => Ok(rows),
            false => {
                let (want, got) = (entry.steps + 1, rows.num_rows());
                Err(Error::corrupt(&path, format!("expected {want} rows, got {got}")))
            }
        }
    }

    /// The mapped shard `idx`, mapped again if it has grown and is needed up to `end`.
    fn shard(&self, idx: usize, end: u64) -> Result<Shard> {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if shards.len() <= idx {
            // No index can name more shards than it has lines.
            if idx > self.len() {
                return Err(Error::corrupt(&index::path(&self.dir), format!("there is no shard {idx}")));
            }
            shards.resize(idx + 1, None);
        }
        match &shards[idx] {
            Some(shard) if shard.len() >= end => Ok(shard.clone()),
            _ => {
                let shard = Shard::open(&self.shard_path(idx))?;
                shards[idx] = Some(shard.clone());
                Ok(shard)
            }
        }
    }

    fn shard_path(&self, idx: usize) -> PathBuf {
        self.dir.join(SHARDS).join(format!("{idx:06}.arrow"))
    }

    /// The shard that the last episode lies in, and where in it that ends; the start of the first one if there is none.
    fn end(&self) -> Result<(usize, u64)> {
        match self.len().checked_sub(1) {
            None => Ok((0, 0)),
            Some(last) => {
                self.index.entry(last).map(|entry| (entry.shard, entry.at.saturating_add(entry.bytes)))
            }
        }
    }

    /// Checks that the last episode lies within its file.
    fn check_end(&self) -> Result<()> {
        let (shard_idx, end) = self.end()?;
        let path = self.shard_path(shard_idx);
        let len = match fs::metadata(&path) {
            Ok(file) => file.len(),
            Err(err) if err.kind() == IoKind::NotFound && end == 0 => 0,
            Err(err) => return Err(Error::io("read episodes", &path, &err)),
        };
        match len >= end {
            true => Ok(()),
            false => {
                Err(Error::corrupt(&path, format!("the file is cut short: expected {end} bytes, got {len}")))
            }
        }
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
        let path = self.dir.join("writer.lock");
        let file = File::create(&path).map_err(|err| Error::io("write file", &path, &err))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(Error::invalid("another program is writing to this store").at(&self.dir));
            }
            Err(TryLockError::Error(err)) if err.kind() != IoKind::Unsupported => {
                return Err(Error::io("lock file", &path, &err));
            }
            _ => {}
        }
        let now = Index::open(index::path(&self.dir))?.len();
        match now == self.len() {
            true => Ok(file),
            false => {
                let then = self.len();
                let message =
                    format!("another program wrote to this store: it had {then} episodes, now it has {now}");
                Err(Error::invalid(message).at(&self.dir).hint("open it again"))
            }
        }
    }

    /// Length of a shard without an episode.
    fn empty_shard_len(&self) -> u64 {
        shard::head_len(&self.layout.schema)
    }
}

/// Whether the episode that starts from `seed` is kept for evaluation: true for about `fraction` of all seeds, and
/// always the same for one seed, so that training and evaluation never share an episode.
pub fn is_held_out(seed: Seed, fraction: f32) -> bool {
    seed.derive("held_out").rng().chance(fraction)
}

/// Removes a file; says whether it was there.
fn remove_if_there(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == IoKind::NotFound => Ok(false),
        Err(err) => Err(Error::io("remove file", path, &err)),
    }
}
