//! Episodes on disk: an append-only folder.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind as IoKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, Error, ErrorKind, Result, Seed, Space};

use crate::atomic::{sync_folder, temp_path};
use crate::format::{VERSION, decode, decode_rewards, encode};
use crate::leaf::{check_episode, leaves};
use crate::write_atomic;

const EPISODES: &str = "episodes";
const INDEX: &str = "store.json";

/// Episodes of one observation space and one action space, numbered in the order they came.
///
/// An episode is either there, whole and checksummed, or not there: a crash while writing loses that one and no other.
/// One writer, any number of readers; a reader sees the episodes that were there when it opened the store.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    index: Index,
    n: usize,
}

/// What `store.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Index {
    version: u32,
    obs: Space,
    action: Space,
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
    /// Makes an empty store in the folder `dir`, which is created if need be.
    ///
    /// # Errors
    /// If there is a store already, the spaces cannot be laid out as columns (two leaves of one name), or the folder
    /// cannot be written.
    pub fn create(dir: &Path, obs: &Space, action: &Space) -> Result<Self> {
        leaves(obs, "obs", "obs/")?;
        leaves(action, "action", "action/")?;
        let episodes = dir.join(EPISODES);
        fs::create_dir_all(&episodes).map_err(|err| Error::io("create folder", &episodes, &err))?;
        let path = dir.join(INDEX);
        if path.exists() || count(&episodes)? > 0 {
            return Err(Error::invalid("expected no episode store here yet, found one")
                .at(dir)
                .hint("open it instead, or choose another folder"));
        }
        let index = Index { version: VERSION, obs: obs.clone(), action: action.clone() };
        let json = serde_json::to_vec_pretty(&index)
            .map_err(|err| Error::invalid(format!("cannot write spaces as JSON: {err}")))?;
        write_atomic(&path, &json)?;
        Ok(Self { dir: dir.to_owned(), index, n: 0 })
    }

    /// Opens the store in the folder `dir`. Episodes are found but not read.
    ///
    /// # Errors
    /// If there is no store, or [`ErrorKind::Corrupt`] if its index cannot be read or an episode in the middle is gone.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(INDEX);
        let json = fs::read(&path).map_err(|err| match err.kind() {
            IoKind::NotFound => {
                Error::new(ErrorKind::Io, format!("expected an episode store, found no `{INDEX}`"))
                    .at(dir)
                    .hint("collect or import episodes first")
            }
            _ => Error::io("read file", &path, &err),
        })?;
        let index: Index = serde_json::from_slice(&json)
            .map_err(|err| Error::corrupt(&path, format!("not the index of an episode store: {err}")))?;
        if index.version != VERSION {
            let got = index.version;
            return Err(Error::corrupt(&path, format!("expected format version {VERSION}, got {got}")));
        }
        let n = count(&dir.join(EPISODES))?;
        Ok(Self { dir: dir.to_owned(), index, n })
    }

    /// The folder the store lies in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Space of the observations.
    pub fn obs(&self) -> &Space {
        &self.index.obs
    }

    /// Space of the actions.
    pub fn action(&self) -> &Space {
        &self.index.action
    }

    /// Number of episodes.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is no episode.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Adds an episode and returns its number. When this returns, the episode is safe on the disk.
    ///
    /// # Errors
    /// If the episode does not fit the spaces, the file cannot be written, or another writer was faster. Nothing has
    /// changed then.
    pub fn append(&mut self, episode: &Episode) -> Result<usize> {
        check_episode(episode, self.obs(), self.action()).map_err(|err| err.at(&self.dir))?;
        let path = self.path(self.n);
        if path.exists() {
            return Err(Error::invalid("another program is writing to this store").at(&path));
        }
        write_atomic(&path, &encode(episode, self.obs(), self.action())?)?;
        self.n += 1;
        Ok(self.n - 1)
    }

    /// Reads and verifies episode `idx`.
    ///
    /// # Errors
    /// If there is no such episode, or [`ErrorKind::Corrupt`] naming the file if it is not what was written.
    pub fn read(&self, idx: usize) -> Result<Episode> {
        if idx >= self.n {
            let n = self.n;
            return Err(
                Error::invalid(format!("expected an episode number below {n}, got {idx}")).at(&self.dir)
            );
        }
        let path = self.path(idx);
        let bytes = fs::read(&path).map_err(|err| Error::io("read episode", &path, &err))?;
        let (episode, header) = decode(&bytes).map_err(|why| Error::corrupt(&path, why))?;
        if (&header.obs, &header.action) != (self.obs(), self.action()) {
            let message = format!(
                "expected an episode of {} and {}, got {} and {}",
                self.index.obs, self.index.action, header.obs, header.action
            );
            return Err(Error::new(ErrorKind::Mismatch, message).at(&path));
        }
        Ok(episode)
    }

    /// All episodes in order, each read when it is its turn.
    pub fn iter(&self) -> impl Iterator<Item = Result<Episode>> + '_ {
        (0..self.n).map(|idx| self.read(idx))
    }

    /// Keeps the first `n` episodes and drops the later ones, last first, so that a store can go back to where a
    /// checkpoint was made. Clears away what a crash left half-written.
    ///
    /// # Errors
    /// If there are fewer than `n` episodes or a file cannot be removed.
    pub fn truncate(&mut self, n: usize) -> Result<()> {
        if n > self.n {
            let have = self.n;
            return Err(Error::invalid(format!("expected at least {n} episodes, got {have}")).at(&self.dir));
        }
        remove_if_there(&temp_path(&self.path(self.n)))?;
        while self.n > n {
            remove_if_there(&self.path(self.n - 1))?;
            self.n -= 1;
        }
        sync_folder(&self.dir.join(EPISODES))
    }

    /// Counts episodes, steps and returns, reading little of each file (and so without verifying it all).
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] naming the first file that is no episode or has the wrong length.
    pub fn summary(&self) -> Result<Summary> {
        let mut summary = Summary { episodes: self.n, steps: 0, returns: Vec::with_capacity(self.n) };
        for idx in 0..self.n {
            let path = self.path(idx);
            let open = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
            let (len, file) = open.map_err(|err| Error::io("read episode", &path, &err))?;
            let rewards =
                decode_rewards(BufReader::new(file), len).map_err(|why| Error::corrupt(&path, why))?;
            summary.steps += rewards.len();
            summary.returns.push(rewards.iter().sum());
        }
        Ok(summary)
    }

    fn path(&self, idx: usize) -> PathBuf {
        self.dir.join(EPISODES).join(file_name(idx))
    }
}

/// Whether the episode that starts from `seed` is kept for evaluation: true for about `fraction` of all seeds, and
/// always the same for one seed, so that training and evaluation never share an episode.
pub fn is_held_out(seed: Seed, fraction: f32) -> bool {
    seed.derive("held_out").rng().chance(fraction)
}

fn file_name(idx: usize) -> String {
    format!("{idx:06}.safetensors")
}

/// Number of episodes in the folder; names that are not an episode's are passed over.
fn count(episodes: &Path) -> Result<usize> {
    let unreadable = |err: std::io::Error| Error::io("read folder", episodes, &err);
    let mut found = Vec::new();
    for entry in fs::read_dir(episodes).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let idx = name.to_str().and_then(|name| name.strip_suffix(".safetensors")?.parse().ok());
        found.extend(idx.filter(|idx| name == *file_name(*idx)));
    }
    found.sort_unstable();
    match found.iter().enumerate().find(|(want, got)| want != *got) {
        Some((gone, _)) => {
            Err(Error::corrupt(&episodes.join(file_name(gone)), "an episode in the middle is missing"))
        }
        None => Ok(found.len()),
    }
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(err) if err.kind() != IoKind::NotFound => Err(Error::io("remove file", path, &err)),
        _ => Ok(()),
    }
}
