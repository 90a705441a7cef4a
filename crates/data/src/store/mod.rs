//! Episodes on disk: an append-only folder of Arrow files.
//!
//! ```text
//! store.json            spaces, and how pictures are kept
//! index.jsonl           one line an episode: number, length, end, return, origin, place, checksums
//! shards/000000.arrow   Arrow IPC stream, one record batch an episode; see `columns.rs` for its columns
//! ```
//!
//! Episodes are written to a shard and flushed to the disk, then their lines are written to the index and flushed. The line
//! is what makes an episode count: a crash in between loses those episodes and no other, and the next writer cuts off what
//! it left.
//! One writer, any number of readers; a reader sees the episodes that were there when it opened the store.

mod append;
mod columns;
mod film;
mod index;
mod shard;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::ErrorKind as IoKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatch;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, Error, ErrorKind, Result, Seed, Space, StepKind};
use worldsmith_video::Codec;

use crate::fingerprint::fingerprint;
use crate::leaf::{check_episode, check_space};
use crate::{crc32, write_atomic};
use append::Writer;
use columns::Layout;
pub(crate) use film::{Film, Footage};
pub use index::Entry;
use index::Index;
use shard::Shard;

/// The version this program writes.
const VERSION: u32 = 3;
const SHARDS: &str = "shards";
const HEAD: &str = "store.json";
/// No more shards are held open at once: a large store has more than a program may have open files.
const MOST_OPEN: usize = 128;
/// Held by the one writer.
const LOCK: &str = "writer.lock";

/// How a store keeps pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pictures {
    /// As bytes: the fastest to read.
    #[default]
    Raw,
    /// As PNG files: exact, and small where pictures are drawn.
    Png,
    /// As one H.264 video an episode: by far the smallest, but not exact. Episodes are those that come out of it.
    H264,
    /// As one AV1 video an episode: not exact either, and much slower to write and to read than H.264.
    Av1,
}

impl Pictures {
    /// Whether what comes out is what went in, to the byte.
    pub fn is_exact(self) -> bool {
        self.codec().is_none()
    }

    fn codec(self) -> Option<Codec> {
        match self {
            Pictures::Raw | Pictures::Png => None,
            Pictures::H264 => Some(Codec::H264),
            Pictures::Av1 => Some(Codec::Av1),
        }
    }
}

impl fmt::Display for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Pictures::Raw => "raw",
            Pictures::Png => "PNG",
            Pictures::H264 => "H.264",
            Pictures::Av1 => "AV1",
        })
    }
}

/// How a store keeps its episodes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Keeping {
    /// How pictures are kept.
    pub pictures: Pictures,
    /// Steps a second, where that is known; it goes with the episodes to formats with clocks.
    pub fps: Option<f32>,
}

/// Episodes of one observation space and one action space, numbered in the order they came.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    head: Head,
    layout: Layout,
    index: Index,
    /// Mapped shards, as far as they were needed lately.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fps: Option<f32>,
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
        Self::create_with(dir, obs, action, Keeping::default())
    }

    /// As [`Store::create`], with a choice of how episodes are kept.
    ///
    /// # Errors
    /// As [`Store::create`], and if pictures are to be kept as a video of which there is none of their size.
    pub fn create_with(dir: &Path, obs: &Space, action: &Space, keeping: Keeping) -> Result<Self> {
        let Keeping { pictures, fps } = keeping;
        let layout = Layout::new(obs, action, keeping)?;
        layout.check_pictures()?;
        // A crash while one was made leaves no head, and no episode.
        if dir.join(HEAD).exists() || Index::open(index::path(dir))?.len() > 0 {
            return Err(Error::invalid("expected no episode store here yet, found one")
                .at(dir)
                .hint("open it instead, or choose another folder"));
        }
        let shards = dir.join(SHARDS);
        fs::create_dir_all(&shards).map_err(|err| Error::io("create folder", &shards, &err))?;
        let head = Head { version: VERSION, obs: obs.clone(), action: action.clone(), pictures, fps };
        let json = serde_json::to_vec_pretty(&head)
            .map_err(|err| Error::invalid(format!("cannot write spaces as JSON: {err}")))?;
        let index = Index::open(index::path(dir))?;
        write_atomic(&dir.join(HEAD), &json)?;
        Ok(Self { dir: dir.to_owned(), head, layout, index, shards: Mutex::default(), writer: None })
    }

    /// Opens the store in the folder `dir`. Episodes are found but not read.
    ///
    /// # Errors
    /// If there is no store, or [`ErrorKind::Corrupt`] naming the file if its head is damaged or an episode is gone. Damaged
    /// lines of the index are no error here, but of reading their episodes: see [`Store::damage`].
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
        let version = serde_json::from_slice::<serde_json::Value>(&json).map_err(broken)?;
        let version = version.get("version").cloned().unwrap_or_default();
        if version != VERSION {
            return Err(Error::corrupt(&path, format!("expected format version {VERSION}, got {version}"))
                .hint("stores of other versions are not read: collect or import the episodes again"));
        }
        let head: Head = serde_json::from_slice(&json).map_err(broken)?;
        for space in [&head.obs, &head.action] {
            check_space(space).map_err(|err| Error::corrupt(&path, err.to_string()))?;
        }
        let keeping = Keeping { pictures: head.pictures, fps: head.fps };
        let layout = Layout::new(&head.obs, &head.action, keeping).map_err(|err| err.at(&path))?;
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

    /// Steps a second, where that was known.
    pub fn fps(&self) -> Option<f32> {
        self.head.fps
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
        // What a writer that lives is about to commit is no leftover.
        let lock = File::open(self.dir.join(LOCK)).ok();
        if self.writer.is_some() || lock.is_some_and(|file| append::is_writing(&file)) {
            return None;
        }
        let (shard_idx, end) = self.end().ok()?;
        let on_disk = fs::metadata(self.shard_path(shard_idx)).map_or(0, |m| m.len());
        let extra = on_disk.saturating_sub(end.max(self.empty_shard_len()));
        let next =
            fs::metadata(self.shard_path(shard_idx + 1)).is_ok_and(|m| m.len() > self.empty_shard_len());
        let torn = self.index.torn();
        (extra > 0 || torn > 0 || next).then(|| {
            format!(
                "what was not completed is dropped: {extra} bytes of episodes, and {torn} bytes of the index"
            )
        })
    }

    /// Which lines of the index were damaged, lost or moved since they were written, and which episodes cannot be read for that,
    /// in words. All others can, under the numbers they had.
    pub fn damage(&self) -> Option<String> {
        self.index.damage()
    }

    /// Reads and verifies episode `idx`.
    ///
    /// # Errors
    /// If there is no such episode, or [`ErrorKind::Corrupt`] naming the file if it is not what was written.
    pub fn read(&self, idx: usize) -> Result<Episode> {
        let steps = 0..self.entry(idx)?.steps;
        self.read_range(idx, steps)
    }

    /// Reads and verifies the `steps` of episode `idx`, as [`Episode::slice`] cuts them; no other pictures are decoded.
    ///
    /// # Errors
    /// As [`Store::read`], and if the episode has no such steps.
    pub fn read_range(&self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        let entry = self.entry(idx)?;
        let n = entry.steps;
        if steps.start > steps.end || steps.end > n {
            let message = format!("expected steps within 0..{n} of episode {idx}, got {steps:?}");
            return Err(Error::invalid(message).at(&self.dir));
        }
        let path = self.shard_path(entry.shard);
        let rows = self.rows(&entry, self.bytes(&entry)?)?;
        let end = if steps.end < n { StepKind::Mid } else { entry.end };
        let read = self.layout.decode(&rows, steps, end, entry.meta);
        read.map_err(|why| Error::corrupt(&path, format!("episode {idx}: {why}")))
    }

    /// Reads and verifies episode `idx` but leaves its pictures where they are: those of the episode have no bytes, and
    /// where the `T + 1` pictures of each picture leaf are, in the mapped file, is handed out by the leaf's name.
    ///
    /// # Errors
    /// As [`Store::read`], and if the store keeps pictures as PNG.
    pub(crate) fn read_mapped(&self, idx: usize) -> Result<(Episode, BTreeMap<String, Footage>)> {
        let entry = self.entry(idx)?;
        let path = self.shard_path(entry.shard);
        let broken = |why: String| Error::corrupt(&path, format!("episode {idx}: {why}"));
        let shard = self.shard(entry.shard, entry.at.saturating_add(entry.bytes))?;
        let rows = self.rows(&entry, shard.slice(entry.at, entry.bytes))?;
        let mut pictures = BTreeMap::new();
        for (name, shape, bytes) in self.layout.pictures(&rows).map_err(broken)? {
            let bytes = shard.share(bytes);
            let footage = match self.pictures().is_exact() {
                true => Footage::Raw(bytes),
                false => {
                    let place = (path.clone(), idx);
                    Footage::Film(Film { bytes, shape, n_frames: rows.num_rows(), place })
                }
            };
            pictures.insert(name.strip_prefix("obs/").unwrap_or(name).to_owned(), footage);
        }
        let Entry { end, meta, .. } = entry;
        let episode = self.layout.decode_without_pictures(&rows, end, meta).map_err(broken)?;
        Ok((episode, pictures))
    }

    /// The fingerprint that `episode` gets in this store: of what will be read from it, which is another episode where
    /// pictures are kept as video.
    ///
    /// # Errors
    /// If the episode does not fit the spaces, or cannot be coded.
    pub fn fingerprint_of(&self, episode: &Episode) -> Result<String> {
        if self.pictures().is_exact() {
            return Ok(fingerprint(episode));
        }
        check_episode(episode, self.obs(), self.action()).map_err(|err| err.at(&self.dir))?;
        self.fingerprint_of_rows(&self.encode(episode)?, episode)
    }

    /// Whether episodes of `other` can be taken over as they lie there.
    pub fn keeps_like(&self, other: &Store) -> bool {
        let [this, that] = [self, other].map(|store| (store.obs(), store.action(), store.pictures()));
        this == that
    }

    fn encode(&self, episode: &Episode) -> Result<RecordBatch> {
        let rows = self.layout.encode(episode);
        rows.map_err(|err| Error::invalid(format!("cannot write episode: {err}")).at(&self.dir))
    }

    /// The fingerprint of the episode that was encoded as `rows`.
    fn fingerprint_of_rows(&self, rows: &RecordBatch, episode: &Episode) -> Result<String> {
        if self.pictures().is_exact() {
            return Ok(fingerprint(episode));
        }
        let seen = self.layout.decode(rows, 0..episode.len(), episode.end, episode.meta.clone());
        let seen =
            seen.map_err(|why| Error::invalid(format!("cannot read what was coded: {why}")).at(&self.dir))?;
        Ok(fingerprint(&seen))
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

    /// Counts episodes, steps and returns, from the index alone.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if a line is no episode's.
    pub fn summary(&self) -> Result<Summary> {
        let mut summary = Summary { episodes: self.len(), steps: 0, returns: Vec::with_capacity(self.len()) };
        for idx in 0..self.len() {
            let entry = self.index.entry(idx)?;
            summary.steps = summary.steps.saturating_add(entry.steps);
            summary.returns.push(entry.total_reward);
        }
        Ok(summary)
    }

    /// The bytes of an episode, if its shard is that long.
    fn bytes(&self, entry: &Entry) -> Result<Option<Bytes>> {
        let shard = self.shard(entry.shard, entry.at.saturating_add(entry.bytes))?;
        shard.read(entry.at, entry.bytes, &self.shard_path(entry.shard))
    }

    /// The rows of an episode from its bytes, as far as they are there; verified and sharing their memory.
    fn rows(&self, entry: &Entry, bytes: Option<Bytes>) -> Result<RecordBatch> {
        let path = self.shard_path(entry.shard);
        let bytes = bytes.ok_or_else(|| Error::corrupt(&path, "the file is cut short"))?;
        if crc32(&bytes) != entry.crc32 {
            let at = entry.at;
            return Err(Error::corrupt(
                &path,
                format!("the checksum of the episode at byte {at} does not match"),
            ));
        }
        let rows = shard::decode(bytes, &self.layout.schema).map_err(|why| Error::corrupt(&path, why))?;
        match rows.num_rows().checked_sub(1) == Some(entry.steps) {
            true => Ok(rows),
            false => {
                let (want, got) = (entry.steps, rows.num_rows());
                Err(Error::corrupt(&path, format!("expected rows for {want} steps, got {got} rows")))
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
                // What is handed out of them stays mapped.
                if shards.iter().flatten().count() >= MOST_OPEN {
                    shards.fill(None);
                }
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
