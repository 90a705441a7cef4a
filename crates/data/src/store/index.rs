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
    /// The whole lines that stand in order, so that their episodes ascend. Where one is missing, its line was damaged or lost.
    lines: Vec<Line>,
    /// Numbers, from 1, of the lines before the last whole one that are not what was written or not where, ascending.
    odd: Vec<usize>,
    /// Bytes after the last whole line, which a crash left behind.
    torn: usize,
}

/// Where the line of an episode lies in the text, its end included.
#[derive(Debug)]
struct Line {
    episode: usize,
    start: usize,
    end: usize,
}

/// How a line begins: with the number of its episode, so that a line that is lost, doubled or moved shifts no other.
const EPISODE: &str = r#"{"episode":"#;
/// What closes a line: the checksum of the line without it.
const SUM: &str = r#","sum":""#;
const SUM_LEN: usize = SUM.len() + 8 + "\"}".len();
/// An index in which more lines are missing than this is refused, whatever its last line says.
const MOST_LOST: usize = 1 << 20;

impl Index {
    /// Reads the index at `path`; a file that is not there is an empty one. What follows the last whole line was never
    /// completed and does not count. Before it, each line says which episode it describes: the episodes of lines that were
    /// damaged or lost since, or stand behind a later one, are there but cannot be read.
    ///
    /// # Errors
    /// If the file cannot be read, or lacks more lines than any damage explains.
    pub fn open(path: PathBuf) -> Result<Self> {
        let text = match fs::read(&path) {
            Err(e) if e.kind() == IoKind::NotFound => Vec::new(),
            read => read.map_err(|e| Error::io("read the index", &path, &e))?,
        };
        let mut index = Self { path, torn: text.len(), text, lines: Vec::new(), odd: Vec::new() };
        let (mut start, mut len, mut n_odd, mut number) = (0, 0, 0, 0);
        while let Some(n) = index.text[start..].iter().position(|b| *b == b'\n') {
            let end = start + n + 1;
            number += 1;
            let episode = unseal(&index.text[start..end - 1]);
            match episode {
                Some(episode) if episode >= index.len() => index.lines.push(Line { episode, start, end }),
                _ => index.odd.push(number),
            }
            if episode.is_some() {
                (len, n_odd) = (end, index.odd.len());
            }
            if index.n_lost() > MOST_LOST {
                let message = format!("line {number} says that more than {MOST_LOST} before it are missing");
                return Err(Error::corrupt(&index.path, message));
            }
            start = end;
        }
        index.odd.truncate(n_odd);
        index.torn -= len;
        index.text.truncate(len);
        Ok(index)
    }

    /// Number of episodes, with those that cannot be read.
    pub fn len(&self) -> usize {
        // Numbers that leave no room for a next one are too far to be opened.
        self.lines.last().map_or(0, |line| line.episode.saturating_add(1))
    }

    fn n_lost(&self) -> usize {
        self.len() - self.lines.len()
    }

    /// What is not as it was written, in words.
    pub fn damage(&self) -> Option<String> {
        let mut said = Vec::new();
        if self.n_lost() > 0 {
            let starts = self.lines.iter().map(|line| line.episode);
            let ends = std::iter::once(0).chain(self.lines.iter().map(|line| line.episode + 1));
            let gaps = ends.zip(starts).filter(|(from, to)| from < to).map(|(from, to)| (from, to - 1));
            let (n, lost) = (self.n_lost(), in_words(gaps));
            said.push(format!("{n} episodes cannot be read, for their lines are damaged or gone: {lost}"));
        }
        if !self.odd.is_empty() {
            let odd = in_words(self.odd.chunk_by(|a, b| a + 1 == *b).map(|run| (run[0], run[run.len() - 1])));
            said.push(format!("lines that are damaged or out of place: {odd}"));
        }
        (!said.is_empty()).then(|| format!("{} in {}", said.join("; "), self.path.display()))
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
        let Ok(at) = self.lines.binary_search_by_key(&idx, |line| line.episode) else {
            let message = format!("the line of episode {idx} is damaged or gone");
            return Err(Error::corrupt(&self.path, message).hint(
                "the other episodes are whole: import the store into a new one with `--skip-damaged`",
            ));
        };
        let Line { start, end, .. } = self.lines[at];
        serde_json::from_slice(&self.text[start..end]).map_err(|e| {
            Error::corrupt(&self.path, format!("the line of episode {idx} does not describe one: {e}"))
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
        let (mut text, mut lines) = (Vec::new(), Vec::new());
        for (episode, entry) in (self.len()..).zip(entries) {
            let json = serde_json::to_vec(entry)
                .map_err(|e| Error::invalid(format!("cannot write episode: {e}")))?;
            let start = self.text.len() + text.len();
            text.extend(seal(episode, &json));
            lines.push(Line { episode, start, end: self.text.len() + text.len() });
        }
        if let Err(e) = writer.file.write_all(&text).and_then(|()| writer.file.sync_data()) {
            // Best effort: a torn line is cut off by the next writer.
            let _ = writer.cut(self.text.len() as u64);
            return Err(Error::io("write the index", &self.path, &e));
        }
        self.text.extend(text);
        self.lines.extend(lines);
        Ok(())
    }

    /// Keeps the lines of the first `n` episodes. That of the last one is whole: what stands behind it is cut off.
    pub fn truncate(&mut self, writer: &mut IndexWriter, n: usize) -> Result<()> {
        let n_kept = self.lines.partition_point(|line| line.episode < n);
        let len = n_kept.checked_sub(1).map_or(0, |last| self.lines[last].end);
        writer.cut(len as u64)?;
        self.text.truncate(len);
        self.lines.truncate(n_kept);
        let n_lines = self.text.iter().filter(|b| **b == b'\n').count();
        self.odd.retain(|number| *number <= n_lines);
        Ok(())
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

/// The line of an episode, from what is said of it as `{..}`: with its number first and the checksum of all that last.
fn seal(episode: usize, json: &[u8]) -> Vec<u8> {
    let mut line = format!("{EPISODE}{episode},").into_bytes();
    line.extend(&json[1..]);
    let sum = crc32(&line);
    line.pop();
    line.extend(format!("{SUM}{sum:08x}\"}}\n").bytes());
    line
}

/// The episode of a line that was sealed.
fn unseal(line: &[u8]) -> Option<usize> {
    let (body, tail) = line.split_at_checked(line.len().checked_sub(SUM_LEN)?)?;
    let sum = tail.strip_prefix(SUM.as_bytes())?.strip_suffix(b"\"}")?;
    let stored = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(body);
    hasher.update(b"}");
    if hasher.finalize() != stored {
        return None;
    }
    let digits = body.strip_prefix(EPISODE.as_bytes())?.split(|b| *b == b',').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// First and last numbers as `1, 4 to 6`.
fn in_words(runs: impl Iterator<Item = (usize, usize)>) -> String {
    let run =
        |(from, to): (usize, usize)| if from == to { from.to_string() } else { format!("{from} to {to}") };
    runs.map(run).collect::<Vec<_>>().join(", ")
}

/// The index file of the store in `dir`.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("index.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The index whose lines are these, each that of an episode if it has a number, and what it says of it.
    fn damaged(lines: &[Option<usize>]) -> (Index, String) {
        let dir = tempfile::tempdir().unwrap();
        let line = |episode: &Option<usize>| match episode {
            Some(episode) => seal(*episode, br#"{"steps":3}"#),
            None => b"{\"steps\":3}\n".to_vec(),
        };
        fs::write(path(dir.path()), lines.iter().flat_map(line).collect::<Vec<_>>()).unwrap();
        let index = Index::open(path(dir.path())).unwrap();
        let said = index.damage().unwrap_or_default();
        let end = format!(" in {}", path(dir.path()).display());
        (index, said.strip_suffix(&end).unwrap_or(&said).to_owned())
    }

    #[test]
    fn lines_that_are_lost_doubled_swapped_or_run_together_shift_no_episode_and_are_named() {
        let gone =
            |n, which| format!("{n} episodes cannot be read, for their lines are damaged or gone: {which}");
        let odd = |which| format!("lines that are damaged or out of place: {which}");
        let both = |n, lost, which| format!("{}; {}", gone(n, lost), odd(which));
        let cases: [(&[i32], String); 9] = [
            (&[0, 1, 2, 3], String::new()),
            (&[0, 2, 3, 4], gone(1, "1")),
            (&[2, 3, 7], gone(5, "0 to 1, 4 to 6")),
            (&[0, 1, 1, 2], odd("3")),
            (&[0, 1, 0, 1], odd("3 to 4")),
            (&[0, 2, 1, 3], both(1, "1", "3")),
            // Three run together, and one falls in two.
            (&[0, -1, 4], both(3, "1 to 3", "2")),
            (&[0, -1, -1, 2], both(1, "1", "2 to 3")),
            // Never completed: that is said elsewhere.
            (&[0, 1, -1], String::new()),
        ];
        for (lines, want) in cases {
            let lines: Vec<_> = lines.iter().map(|line| usize::try_from(*line).ok()).collect();
            let (index, said) = damaged(&lines);
            assert_eq!(said, want, "{lines:?}");
            assert_eq!(index.len(), lines.iter().flatten().max().unwrap() + 1);
            let whole: Vec<_> = index.lines.iter().map(|line| line.episode).collect();
            for episode in 0..index.len() {
                let err = index.entry(episode).unwrap_err().to_string();
                let is_gone = err.starts_with(&format!("the line of episode {episode} is damaged or gone"));
                assert_eq!(is_gone, !whole.contains(&episode), "{err}");
            }
        }
    }

    #[test]
    fn a_number_that_no_damage_explains_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for far in [usize::MAX, usize::MAX - 1, MOST_LOST + 2] {
            let lines = [0, far].map(|episode| seal(episode, br#"{"steps":3}"#));
            fs::write(path(dir.path()), lines.concat()).unwrap();
            let err = Index::open(path(dir.path())).unwrap_err();
            assert!(err.to_string().starts_with("line 2 says that more than 1048576 before it"), "{err}");
        }
    }

    #[test]
    fn a_sealed_line_is_json_and_any_change_to_it_is_found() {
        let line = seal(12, br#"{"steps":3}"#);
        let text = line.strip_suffix(b"\n").unwrap();
        assert_eq!(unseal(text), Some(12));
        assert_eq!(serde_json::from_slice::<serde_json::Value>(text).unwrap()["steps"], 3);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(text).unwrap()["episode"], 12);
        for bit in 0..text.len() * 8 {
            let mut bad = text.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            // The checksum's own digits may change their case and mean the same.
            assert!(unseal(&bad).is_none() || bad.eq_ignore_ascii_case(text), "bit {bit}");
        }
        assert!((0..text.len()).all(|len| unseal(&text[..len]).is_none()));
    }
}
