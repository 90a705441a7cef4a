//! LeRobot data sets: read in versions v3.0, v2.1 and v2.0, written in v3.0.
//!
//! Row `t` of an episode holds what was seen (`observation.*`) and the action taken on it; `next.reward` and `next.done`
//! answer that action. Nothing was recorded after the last row, so its action led to no observation: `N` rows are an
//! episode of `T = N - 1` actions, and what the last row says of reward and end is left out with its action.
//!
//! How an episode ends is therefore decided by row `T - 1`: `next.truncated` there means truncated, else `next.done` means
//! terminated. If neither is set the recording simply stops, which is a truncation; only where there is a column
//! `next.truncated` and the last row sets neither flag is the episode still going on. Data sets of other people have
//! `next.done` in the last row at most, so their episodes are truncated: the state in which they ended is not in them.
//!
//! Writing adds a last row for the last observation, which repeats the last action with reward 0 and the flags of the row
//! before; reading leaves it out again. `next.truncated` is a feature of our own (the name is LeRobot's), and what LeRobot
//! has no place for stands in a file of its own (`own.rs`), so that an episode comes back equal. There is no place for
//! pictures or text as actions, and video is lossy.
//!
//! The format has no checksums: damage to a picture is found, damage to a plain number can pass unseen.

mod arrays;
mod bounds;
mod columns;
mod describe;
mod episodes;
mod films;
mod info;
mod own;
mod parts;
mod paths;
mod picture;
mod reel;
mod rows;
mod shards;
mod stats;
mod table;
mod tables;
mod write;

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, EpisodeMeta, Error, Result, Seed, StepKind};

use self::columns::{Chosen, Columns};
use self::episodes::{Entry, Tasks};
use self::films::Films;
use self::info::{INFO, Info};
use self::own::Own;
use self::rows::Rows;
use self::tables::Tables;
use super::{Format, ReadOptions, Source, SourceInfo};

/// Registry entry.
pub const FORMAT: Format = Format {
    name: "lerobot",
    about: "LeRobot data set, v3.0 (v2.1 and v2.0 are read): a folder with meta/info.json, data and videos",
    detect,
    open,
    create: Some(write::create),
};

/// Columns that say where a row belongs, and what answered its action.
const EPISODE_INDEX: &str = "episode_index";
const FRAME_INDEX: &str = "frame_index";
const INDEX: &str = "index";
const TASK_INDEX: &str = "task_index";
const TIMESTAMP: &str = "timestamp";
const REWARD: &str = "next.reward";
const DONE: &str = "next.done";
const TRUNCATED: &str = "next.truncated";

fn detect(path: &Path) -> bool {
    const ENOUGH: u64 = 1 << 16;
    let mut start = Vec::new();
    let read = File::open(path.join(INFO)).and_then(|file| file.take(ENOUGH).read_to_end(&mut start));
    let word = b"\"codebase_version\"";
    read.is_ok() && start.windows(word.len()).any(|bytes| bytes == word)
}

/// An open data set.
struct LeRobot {
    root: PathBuf,
    fps: f64,
    entries: Vec<Entry>,
    /// Where the episodes came from: all that is known, and what is if worldsmith wrote them.
    origin: EpisodeMeta,
    metas: Vec<EpisodeMeta>,
    tasks: Tasks,
    columns: Columns,
    tables: Tables,
    films: Films,
    info: SourceInfo,
}

fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let info = Info::read(path)?;
    let own = Own::read(path)?;
    let spaces = own.as_ref().map(|own| &own.spaces);
    let Chosen { columns, obs, action, notes } = columns::choose(path, &info, spaces, options)?;
    let videos = columns.videos();
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let origin = EpisodeMeta {
        env: info.robot.clone().unwrap_or_else(|| "lerobot".to_owned()),
        policy: "recorded".to_owned(),
        seed: Seed(0),
        source: absolute.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        task: None,
    };
    Ok(Box::new(LeRobot {
        root: path.to_owned(),
        fps: info.fps,
        entries: episodes::entries(path, &info, &videos)?,
        origin,
        metas: own.map(|own| own.metas).unwrap_or_default(),
        tasks: episodes::tasks(path, &info)?,
        tables: Tables::new(path, &info, &columns.wanted()),
        films: Films::new(path, &info, videos.len()),
        info: SourceInfo { obs, action, fps: Some(info.fps as f32), notes },
        columns,
    }))
}

impl Source for LeRobot {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.entries.len()
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        let n = self.entry(idx)?.n_rows;
        self.read_range(idx, 0..n - 1)
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        let entry = self.entry(idx)?.clone();
        let n = entry.n_rows - 1;
        if steps.start > steps.end || steps.end > n {
            return Err(Error::invalid(format!("expected steps within 0..{n}, got {steps:?}")).at(&self.root));
        }
        if steps.is_empty() && steps.end == n && n > 0 {
            // How the episode ended stands in the row before.
            return self.read_range(idx, n - 1..n)?.slice(1..1);
        }
        let rows = self.tables.rows(&entry, steps.start..steps.end + 1)?;
        check_order(&rows, &entry, steps.start)?;
        let read = |column: &columns::Column| rows.values(&column.name, &column.leaf.space);
        let mut actions = columns::gather(&self.columns.actions, read)?;
        actions.truncate(steps.len());
        let films = &mut self.films;
        let times = if films.is_empty() { Vec::new() } else { times(&rows, steps.start, self.fps)? };
        let obs = columns::gather(&self.columns.obs, |column| match column.video {
            None => read(column),
            Some(video) => films.values(&entry, video, column, &times),
        })?;
        let end = if steps.end == n { end(&rows)? } else { StepKind::Mid };
        let meta = match self.metas.get(idx) {
            Some(meta) => meta.clone(),
            None => {
                let (seed, task) = (Seed(entry.number as u64), task(&rows, &self.tasks)?);
                EpisodeMeta { seed, task, ..self.origin.clone() }
            }
        };
        Ok(Episode { obs, actions, rewards: rewards(&rows, steps.len())?, end, meta })
    }
}

impl LeRobot {
    fn entry(&self, idx: usize) -> Result<&Entry> {
        let n = self.entries.len();
        self.entries
            .get(idx)
            .ok_or_else(|| Error::invalid(format!("expected an episode below {n}, got {idx}")).at(&self.root))
    }
}

/// When the frames of these rows were taken, from the episode's start.
fn times(rows: &Rows, start: usize, fps: f64) -> Result<Vec<f64>> {
    match rows.has(TIMESTAMP) {
        true => rows.numbers(TIMESTAMP, 1),
        false => Ok((start..start + rows.len()).map(|row| row as f64 / fps).collect()),
    }
}

fn rewards(rows: &Rows, n: usize) -> Result<Vec<f32>> {
    match rows.has(REWARD) {
        true => Ok(rows.numbers(REWARD, 1)?.into_iter().take(n).map(|x| x as f32).collect()),
        false => Ok(vec![0.0; n]),
    }
}

fn task(rows: &Rows, tasks: &Tasks) -> Result<Option<String>> {
    if !rows.has(TASK_INDEX) {
        return Ok(None);
    }
    let number = rows.numbers(TASK_INDEX, 1)?.first().map_or(0, |number| *number as i64);
    let task = tasks.words(number, rows.path)?.to_owned();
    Ok(Some(task).filter(|task| !task.is_empty()))
}

/// Checks that the rows are the episode's, and follow each other.
fn check_order(rows: &Rows, entry: &Entry, start: usize) -> Result<()> {
    let expect = |name: &str, want: &dyn Fn(usize) -> usize| {
        if !rows.has(name) {
            return Ok(());
        }
        let numbers = rows.numbers(name, 1)?;
        match numbers.iter().enumerate().find(|(row, got)| **got != want(*row) as f64) {
            Some((row, got)) => {
                let want = want(row);
                Err(Error::corrupt(rows.path, format!("expected a row of `{name}` {want}, got {got}")))
            }
            None => Ok(()),
        }
    };
    expect(EPISODE_INDEX, &|_| entry.number)?;
    expect(FRAME_INDEX, &|row| start + row)
}

/// How an episode ends whose last rows these are; see the head of this file.
fn end(rows: &Rows) -> Result<StepKind> {
    let (done, truncated) = (rows.flags(DONE)?, rows.flags(TRUNCATED)?);
    let last = rows.len().saturating_sub(1);
    let at =
        |flags: &Option<Vec<bool>>, row: usize| flags.as_ref().is_some_and(|f| f.get(row) == Some(&true));
    // An episode without a step has one row, which says it if we wrote it.
    let kept = if last == 0 && truncated.is_none() { None } else { Some(last.saturating_sub(1)) };
    Ok(match kept {
        Some(row) if at(&truncated, row) => StepKind::Truncated,
        Some(row) if at(&done, row) => StepKind::Terminated,
        _ if truncated.is_some() && !at(&truncated, last) && !at(&done, last) => StepKind::Mid,
        _ => StepKind::Truncated,
    })
}
