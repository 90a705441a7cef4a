//! The index of a store: one line of JSON an episode, each with a checksum of itself. A line that is there, whole, is what
//! makes an episode count.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind as IoKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, EpisodeMeta, Error, Result, StepKind};

use crate::crc32;

/// What the index says of an episode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Number of actions.
    pub steps: usize,
    /// How it ends.
    pub end: StepKind,
    /// Sum of rewards.
    pub total_reward: f32,
    /// Where it comes from.
    #[serde(flatten)]
    pub meta: EpisodeMeta,
    /// Fingerprint of all that was seen, done and earned, in hexadecimal: equal episodes have equal ones, whatever their
    /// `meta`.
    pub hash: String,
    /// Number of the shard it lies in.
    pub(super) shard: usize,
    /// Where in the shard, in bytes.
    pub(super) at: u64,
    /// How many bytes.
    pub(super) bytes: u64,
    /// Checksum of those bytes.
    pub(super) crc32: u32,
}

impl Entry {
    /// That of an episode that lies nowhere yet.
    pub(super) fn unplaced(episode: &Episode, hash: String) -> Self {
        let (steps, end, total_reward) = (episode.len(), episode.end, episode.total_reward());
        Self {
            steps,
            end,
            total_reward,
            meta: episode.meta.clone(),
            hash,
            shard: 0,
            at: 0,
            bytes: 0,
            crc32: 0,
        }
    }
}

/// The lines of an index file, verified.
#[derive(Debug)]
pub(super) struct Index {
    path: PathBuf,
    text: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// Lines between whole ones that are not what was written, ascending: their episodes are there but cannot be found.
    damaged: Vec<usize>,
    /// Bytes after the last whole line, which a crash left behind.
    torn: usize,
}

/// What closes a line: the checksum of the line without it.
const SUM: &str = r#","sum":""#;
const SUM_LEN: usize = SUM.len() + 8 + "\"}".len();

impl Index {
    /// Reads the index at `path`; a file that is not there is an empty one. What follows the last whole line was never
    /// completed and does not count; a line between two was damaged later and counts as one episode that cannot be read, though
    /// with a damaged line end it may have been several, or part of one.
    pub fn open(path: PathBuf) -> Result<Self> {
        let text = match fs::read(&path) {
            Err(e) if e.kind() == IoKind::NotFound => Vec::new(),
            read => read.map_err(|e| Error::io("read the index", &path, &e))?,
        };
        let (mut ends, mut damaged, mut n_whole, mut start) = (Vec::new(), Vec::new(), 0, 0);
        while let Some(n) = text[start..].iter().position(|b| *b == b'\n') {
            match unseal(&text[start..start + n]) {
                Some(()) => n_whole = ends.len() + 1,
                None => damaged.push(ends.len()),
            }
            start += n + 1;
            ends.push(start);
        }
        ends.truncate(n_whole);
        damaged.retain(|line| *line < n_whole);
        let len = ends.last().copied().unwrap_or(0);
        let mut index = Self { path, torn: text.len() - len, text, ends, damaged };
        index.text.truncate(len);
        Ok(index)
    }

    /// Episodes whose lines were damaged.
    pub fn damaged(&self) -> &[usize] {
        &self.damaged
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether both say the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.text == other.text
    }

    /// Bytes of a line that was never completed.
    pub fn torn(&self) -> usize {
        self.torn
    }

    /// What it says of episode `idx`, which is below [`Index::len`].
    pub fn entry(&self, idx: usize) -> Result<Entry> {
        if self.damaged.binary_search(&idx).is_ok() {
            let message = format!("line {} was damaged: its checksum does not match", idx + 1);
            return Err(Error::corrupt(&self.path, message).hint(
                "the other episodes are whole: import the store into a new one with `--skip-damaged`",
            ));
        }
        let line = &self.text[self.start(idx)..self.ends[idx]];
        serde_json::from_slice(line).map_err(|e| {
            Error::corrupt(&self.path, format!("line {} does not describe an episode: {e}", idx + 1))
        })
    }

    /// Opens the file for writing, and cuts off what a crash left behind.
    pub fn writer(&mut self) -> Result<IndexWriter> {
        let broken = |e: &std::io::Error| Error::io("write the index", &self.path, e);
        let mut options = OpenOptions::new();
        let file =
            options.create(true).truncate(false).write(true).open(&self.path).map_err(|e| broken(&e))?;
        let mut writer = IndexWriter { file, path: self.path.clone() };
        writer.cut(self.text.len() as u64)?;
        self.torn = 0;
        Ok(writer)
    }

    /// Adds lines. When this returns, the episodes count.
    pub fn append(&mut self, writer: &mut IndexWriter, entries: &[Entry]) -> Result<()> {
        let (mut lines, mut ends) = (Vec::new(), Vec::new());
        for entry in entries {
            let json = serde_json::to_vec(entry)
                .map_err(|e| Error::invalid(format!("cannot write episode: {e}")))?;
            lines.extend(seal(json));
            ends.push(self.text.len() + lines.len());
        }
        if let Err(e) = writer.file.write_all(&lines).and_then(|()| writer.file.sync_data()) {
            // Best effort: a torn line is cut off by the next writer.
            let _ = writer.cut(self.text.len() as u64);
            return Err(Error::io("write the index", &self.path, &e));
        }
        self.text.extend(lines);
        self.ends.extend(ends);
        Ok(())
    }

    /// Keeps the first `n` lines.
    pub fn truncate(&mut self, writer: &mut IndexWriter, n: usize) -> Result<()> {
        let len = self.start(n);
        writer.cut(len as u64)?;
        self.text.truncate(len);
        self.ends.truncate(n);
        self.damaged.retain(|line| *line < n);
        Ok(())
    }

    fn start(&self, idx: usize) -> usize {
        idx.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}

/// An index file that is being written.
#[derive(Debug)]
pub(super) struct IndexWriter {
    file: File,
    path: PathBuf,
}

impl IndexWriter {
    fn cut(&mut self, len: u64) -> Result<()> {
        let cut = self.file.set_len(len).and_then(|()| self.file.seek(SeekFrom::Start(len)));
        cut.and_then(|_| self.file.sync_data()).map_err(|e| Error::io("write the index", &self.path, &e))
    }
}

/// Appends the checksum of `{..}` inside its braces, and a line end.
fn seal(mut json: Vec<u8>) -> Vec<u8> {
    let sum = crc32(&json);
    json.pop();
    json.extend(format!("{SUM}{sum:08x}\"}}\n").bytes());
    json
}

/// Whether the line is one that was sealed.
fn unseal(line: &[u8]) -> Option<()> {
    let (body, tail) = line.split_at_checked(line.len().checked_sub(SUM_LEN)?)?;
    let sum = tail.strip_prefix(SUM.as_bytes())?.strip_suffix(b"\"}")?;
    let stored = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(b"}");
    (hasher.finalize() == stored).then_some(())
}

/// The index file of the store in `dir`.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("index.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_is_json_and_any_change_to_it_is_found() {
        let line = seal(br#"{"steps":3}"#.to_vec());
        let text = line.strip_suffix(b"\n").unwrap();
        assert!(unseal(text).is_some());
        assert_eq!(serde_json::from_slice::<serde_json::Value>(text).unwrap()["steps"], 3);
        for bit in 0..text.len() * 8 {
            let mut bad = text.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            // The checksum's own digits may change their case and mean the same.
            assert!(unseal(&bad).is_none() || bad.eq_ignore_ascii_case(text), "bit {bit}");
        }
        assert!((0..text.len()).all(|len| unseal(&text[..len]).is_none()));
    }
}
