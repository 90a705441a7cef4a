//! Which episodes there are and where their rows and frames lie, in the words of every version.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use worldsmith_core::{Error, Result};

use super::info::{INFO, Info, Version};
use super::rows::Rows;
use super::table::Table;

/// Folder of the table of episodes, v3.0.
const EPISODES: &str = "meta/episodes";
/// Table of the tasks, v3.0, and its column of numbers.
const TASKS: &str = "meta/tasks.parquet";
const TASK_INDEX: &str = "task_index";
/// The columns that the text of a task is found in: the nameless index of a pandas table, or a named one.
const TASK_TEXT: [&str; 2] = ["__index_level_0__", "task"];
/// Episodes and tasks before v3.0.
const EPISODES_LINES: &str = "meta/episodes.jsonl";
const TASKS_LINES: &str = "meta/tasks.jsonl";
/// Columns of the table of episodes that every data set has.
const FIXED: [&str; 6] = [
    "episode_index",
    "length",
    "dataset_from_index",
    "dataset_to_index",
    "data/chunk_index",
    "data/file_index",
];
/// Rows of metadata decoded at once.
const STRIDE: usize = 1024;

/// One episode.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Its number, as its rows have it.
    pub number: usize,
    /// Rows it has; at least 1.
    pub n_rows: usize,
    /// Number of its first row among all of the data set; `None` if it has a file of its own.
    pub first_row: Option<usize>,
    /// Folder and file its rows lie in.
    pub place: (usize, usize),
    /// For each video that is read, where its frames lie.
    pub clips: Vec<Clip>,
}

/// Frames of an episode in a video.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clip {
    /// Folder and file.
    pub place: (usize, usize),
    /// When the first frame is shown.
    pub from_secs: f64,
}

/// All episodes of the data set in `root` by their numbers, with their clips of `videos`.
///
/// # Errors
/// If the metadata is missing or damaged.
pub(super) fn entries(root: &Path, info: &Info, videos: &[&str]) -> Result<Vec<Entry>> {
    let (path, mut entries) = match info.version {
        Version::V2 => (root.join(EPISODES_LINES), entries_of_lines(root, info, videos)?),
        Version::V3 => (root.join(EPISODES), entries_of_tables(root, videos)?),
    };
    entries.sort_by_key(|entry| entry.number);
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].number == pair[1].number) {
        return Err(Error::corrupt(&path, format!("episode {} is there twice", pair[0].number)));
    }
    let n_rows = entries.iter().fold(0_usize, |sum, entry| sum.saturating_add(entry.n_rows));
    for (what, want, got) in
        [("episodes", info.total_episodes, entries.len()), ("rows", info.total_frames, n_rows)]
    {
        if want.is_some_and(|want| want != got) {
            let want = want.unwrap_or_default();
            let why = format!("expected {want} {what} as {INFO} has it, found {got}");
            return Err(Error::corrupt(&path, why));
        }
    }
    Ok(entries)
}

/// The tasks of a data set, and the file that lists them.
pub(super) struct Tasks {
    path: PathBuf,
    words: BTreeMap<i64, String>,
}

impl Tasks {
    /// Task `number` in words, as the rows in the file `rows` ask for it.
    ///
    /// # Errors
    /// If it is not listed.
    pub fn words(&self, number: i64, rows: &Path) -> Result<&str> {
        let words = self.words.get(&number).map(String::as_str);
        words.ok_or_else(|| {
            let why = format!("expected task {number}, as rows in {} have it, found none", rows.display());
            Error::corrupt(&self.path, why)
        })
    }
}

/// The tasks of the data set in `root`.
///
/// # Errors
/// If the metadata is damaged.
pub(super) fn tasks(root: &Path, info: &Info) -> Result<Tasks> {
    #[derive(Deserialize)]
    struct Line {
        task_index: i64,
        task: String,
    }
    match info.version {
        Version::V2 => {
            let mut tasks = Tasks { path: root.join(TASKS_LINES), words: BTreeMap::new() };
            each_line(&tasks.path, json, |line: Line| {
                tasks.words.insert(line.task_index, line.task);
                Ok(())
            })?;
            Ok(tasks)
        }
        Version::V3 => tasks_of_table(root),
    }
}

/// Reads a file of one JSON value a line.
///
/// # Errors
/// If it cannot be read, a line is no such value, or `each` says so.
pub(super) fn each_line<T>(
    path: &Path,
    parse: impl Fn(&str) -> serde_json::Result<T>,
    mut each: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(|err| Error::io("open file", path, &err))?;
    for (idx, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|err| Error::corrupt(path, format!("line {}: {err}", idx + 1)))?;
        if line.trim().is_empty() {
            continue;
        }
        each(parse(&line).map_err(|err| Error::corrupt(path, format!("line {}: {err}", idx + 1)))?)?;
    }
    Ok(())
}

/// A line of plain JSON.
///
/// # Errors
/// If it is none, or not of this type.
pub(super) fn json<T: DeserializeOwned>(line: &str) -> serde_json::Result<T> {
    serde_json::from_str(line)
}

fn entries_of_lines(root: &Path, info: &Info, videos: &[&str]) -> Result<Vec<Entry>> {
    #[derive(Deserialize)]
    struct Line {
        episode_index: usize,
        length: usize,
    }
    let path = root.join(EPISODES_LINES);
    let mut entries = Vec::new();
    each_line(&path, json, |line: Line| {
        if line.length == 0 {
            return Err(Error::corrupt(&path, format!("episode {} has no rows", line.episode_index)));
        }
        let place = (line.episode_index / info.chunks_size, 0);
        entries.push(Entry {
            number: line.episode_index,
            n_rows: line.length,
            first_row: None,
            place,
            clips: vec![Clip { place, from_secs: 0.0 }; videos.len()],
        });
        Ok(())
    })?;
    Ok(entries)
}

fn entries_of_tables(root: &Path, videos: &[&str]) -> Result<Vec<Entry>> {
    let mut names: Vec<String> = FIXED.map(str::to_owned).to_vec();
    for video in videos {
        let part = |part: &str| format!("videos/{video}/{part}");
        names.extend([part("chunk_index"), part("file_index"), part("from_timestamp")]);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut entries = Vec::new();
    for path in tables(&root.join(EPISODES))? {
        let mut table = Table::open(&path, &names)?;
        for start in (0..table.n_rows()).step_by(STRIDE) {
            let batches = table.rows(start..table.n_rows().min(start + STRIDE))?;
            let rows = Rows { root, path: &path, batches };
            let columns: Vec<Vec<f64>> =
                names.iter().map(|name| rows.numbers(name, 1)).collect::<Result<_>>()?;
            for row in 0..rows.len() {
                let cells: Vec<f64> = columns.iter().map(|column| column[row]).collect();
                entries.push(entry(&cells).ok_or_else(|| {
                    Error::corrupt(&path, format!("row {} does not describe an episode", start + row))
                })?);
            }
        }
    }
    Ok(entries)
}

/// The episode that a row of the table describes: [`FIXED`], and three numbers for each video.
fn entry(cells: &[f64]) -> Option<Entry> {
    let whole = |x: f64| (x >= 0.0 && x.fract() == 0.0 && x < 9e15).then_some(x as usize);
    let (fixed, clips) = cells.split_at_checked(FIXED.len())?;
    let fixed: Vec<usize> = fixed.iter().map(|x| whole(*x)).collect::<Option<_>>()?;
    let [number, n_rows, from, to, chunk, file] = fixed[..] else { return None };
    let clip = |cells: &[f64]| {
        let place = (whole(cells[0])?, whole(cells[1])?);
        cells[2].is_finite().then_some(Clip { place, from_secs: cells[2] })
    };
    let clips = clips.chunks_exact(3).map(clip).collect::<Option<_>>()?;
    let fits = n_rows > 0 && to.checked_sub(from) == Some(n_rows);
    fits.then_some(Entry { number, n_rows, first_row: Some(from), place: (chunk, file), clips })
}

/// The Parquet files in the folders in `dir`, in the order of their names.
fn tables(dir: &Path) -> Result<Vec<PathBuf>> {
    let list = |dir: &Path| -> Result<Vec<PathBuf>> {
        let unreadable = |err: std::io::Error| Error::io("read folder", dir, &err);
        let entries = fs::read_dir(dir).map_err(unreadable)?;
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| Ok(entry.map_err(unreadable)?.path())).collect::<Result<_>>()?;
        paths.sort();
        Ok(paths)
    };
    let mut found = Vec::new();
    for chunk in list(dir)?.into_iter().filter(|path| path.is_dir()) {
        found.extend(
            list(&chunk)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "parquet")),
        );
    }
    match found.is_empty() {
        true => Err(Error::corrupt(dir, "expected a table of episodes, found none")),
        false => Ok(found),
    }
}

fn tasks_of_table(root: &Path) -> Result<Tasks> {
    let path = root.join(TASKS);
    let mut table = Table::open(&path, &[TASK_INDEX, TASK_TEXT[0], TASK_TEXT[1]])?;
    let mut words = BTreeMap::new();
    for start in (0..table.n_rows()).step_by(STRIDE) {
        let batches = table.rows(start..table.n_rows().min(start + STRIDE))?;
        let rows = Rows { root, path: &path, batches };
        let name = TASK_TEXT.into_iter().find(|name| rows.has(name)).unwrap_or(TASK_TEXT[0]);
        let numbers = rows.numbers(TASK_INDEX, 1)?.into_iter().map(|number| number as i64);
        words.extend(numbers.zip(rows.texts(name)?));
    }
    Ok(Tasks { path, words })
}
