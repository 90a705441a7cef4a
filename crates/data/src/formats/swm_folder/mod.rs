//! stable-worldmodel's folder and video layouts: `<column>.npz` with the rows of all episodes, `ep_len.npz` and
//! `ep_offset.npz` to find them, and pictures beside: a JPEG a row (`pixels/ep_0_step_0.jpeg`) or an MP4 an episode
//! (`pixels/ep_0.mp4`). How rows become steps says [`swm`](super::swm).
//!
//! JPEG changes pictures a little (quality 95, colours at full resolution), H.264 somewhat more; numbers come back as they
//! were. The spaces, which columns cannot tell, stand as a text beside the lengths, since the original
//! reader takes every further file for a column. Environment and policy are those of the first episode; text and the task
//! in words are lost.

mod write;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, EpisodeMeta, Error, Image, Result, Seed};
use worldsmith_video::VideoReader;

use super::column::{Cells, Column, Kind, Schema};
use super::swm::{self, Layout, Note, Start};
use super::{Format, ReadOptions, Source, SourceInfo};
use crate::npz::Npz;
use crate::{natural, picture};

/// Registry entry of the layout with a JPEG a row.
pub const FORMAT: Format = Format {
    name: "swm-folder",
    about: "stable-worldmodel folder: ep_len.npz, <column>.npz and a JPEG a step",
    detect: |path| is_set(path) && !has_videos(path),
    open,
    create: Some(|path, spec| write::create(path, spec, false)),
};

/// Registry entry of the layout with an MP4 an episode.
pub const FORMAT_VIDEO: Format = Format {
    name: "swm-video",
    about: "stable-worldmodel video: ep_len.npz, <column>.npz and an MP4 an episode",
    detect: |path| is_set(path) && has_videos(path),
    open,
    create: Some(|path, spec| write::create(path, spec, true)),
};

const LENGTHS: &str = "ep_len";
const OFFSETS: &str = "ep_offset";
const ACTION: &str = "action";
const STEP_IDX: &str = "step_idx";
/// What NumPy calls the only array of a file.
const ARRAY: &str = "arr_0";
/// The text beside the lengths.
const NOTE: &str = "worldsmith";
/// Rows looked through at once, and what whole numbers are choices.
const STRETCH: usize = 1 << 16;
const MOST_CHOICES: usize = 1 << 16;

fn is_set(path: &Path) -> bool {
    [LENGTHS, OFFSETS].iter().all(|name| path.join(format!("{name}.npz")).is_file())
}

fn has_videos(path: &Path) -> bool {
    let folders = natural::list(path).unwrap_or_default();
    let is_video = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "mp4");
    folders
        .iter()
        .any(|folder| folder.is_dir() && natural::list(folder).is_ok_and(|files| files.iter().any(is_video)))
}

struct FolderSource {
    dir: PathBuf,
    /// Rows of each episode.
    episodes: Vec<Range<usize>>,
    /// Opened files of numbers, by column.
    numbers: BTreeMap<String, Npz>,
    layout: Layout,
    info: SourceInfo,
    meta: EpisodeMeta,
}

fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let (episodes, note) = episodes(path)?;
    let mut found = Found::new(path, episodes.last().map_or(0, |rows| rows.end))?;
    let known = note.as_ref().filter(|_| options.columns.is_empty());
    let layout = match known.and_then(|note| Layout::known(&found.columns, &note.obs, &note.action)) {
        Some(layout) => layout,
        None => {
            let n_actions = found.n_actions()?;
            Layout::infer(&found.columns, n_actions, options).map_err(|err| err.at(path))?
        }
    };
    let mut notes = layout.notes();
    notes.append(&mut found.notes);
    if let Some(rows) = episodes.first() {
        let mut first = swm::Rows::new();
        for name in [ACTION, STEP_IDX] {
            if let Some(npz) = found.numbers.get_mut(name) {
                first.insert(name.to_owned(), npz.rows(ARRAY, rows.clone())?);
            }
        }
        notes.extend(Start::of(&first).map_err(|err| err.at(&file(path, ACTION)))?.note());
    }
    let (env, policy, fps) = match note {
        Some(note) => (note.env, note.policy, note.fps),
        None => (
            path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            "unknown".to_owned(),
            found.fps,
        ),
    };
    let meta = EpisodeMeta { env, policy, seed: Seed(0), source: "real".to_owned(), task: None };
    let info = SourceInfo { obs: layout.obs.clone(), action: layout.action.clone(), fps, notes };
    Ok(Box::new(FolderSource {
        dir: path.to_path_buf(),
        episodes,
        numbers: found.numbers,
        layout,
        info,
        meta,
    }))
}

/// The file of a column of numbers.
fn file(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.npz"))
}

/// Where each episode's rows are, and the note beside.
fn episodes(dir: &Path) -> Result<(Vec<Range<usize>>, Option<Note>)> {
    let path = file(dir, LENGTHS);
    let mut lengths = Npz::open(&path)?;
    let note = match lengths.arrays.contains_key(NOTE) {
        true => match lengths.all(NOTE)?.cells {
            Cells::Texts(texts) => texts.first().and_then(|text| serde_json::from_str(text).ok()),
            _ => None,
        },
        false => None,
    };
    let mut offsets = Npz::open(&file(dir, OFFSETS))?;
    let (lengths, offsets) = (ints(&lengths.all(ARRAY)?), ints(&offsets.all(ARRAY)?));
    let mut episodes = Vec::with_capacity(lengths.len());
    for (length, offset) in lengths.iter().zip(&offsets) {
        let rows = usize::try_from(*offset).ok().zip(usize::try_from(*length).ok());
        let rows = rows.and_then(|(start, length)| Some(start..start.checked_add(length)?));
        match rows.filter(|rows| rows.start == episodes.last().map_or(0, |last: &Range<usize>| last.end)) {
            Some(rows) => episodes.push(rows),
            None => {
                return Err(Error::corrupt(
                    &path,
                    format!("expected episodes after each other, got {length} rows at {offset}"),
                ));
            }
        }
    }
    match lengths.len() == offsets.len() {
        true => Ok((episodes, note)),
        false => {
            Err(Error::corrupt(&path, format!("expected {} offsets, got {}", lengths.len(), offsets.len())))
        }
    }
}

fn ints(column: &Column) -> Vec<i64> {
    (0..column.len()).filter_map(|row| column.ints(row)).flatten().collect()
}

/// What is in the folder.
struct Found {
    columns: BTreeMap<String, Schema>,
    numbers: BTreeMap<String, Npz>,
    fps: Option<f32>,
    notes: Vec<String>,
}

impl Found {
    fn new(dir: &Path, n_rows: usize) -> Result<Self> {
        let mut found =
            Self { columns: BTreeMap::new(), numbers: BTreeMap::new(), fps: None, notes: Vec::new() };
        for path in natural::list(dir)? {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                found.pictures(&path, name)?;
            } else if name != LENGTHS && name != OFFSETS && path.extension().is_some_and(|ext| ext == "npz") {
                found.column(&path, name, n_rows)?;
            }
        }
        Ok(found)
    }

    fn column(&mut self, path: &Path, name: String, n_rows: usize) -> Result<()> {
        let npz = Npz::open(path)?;
        match npz.arrays.get(ARRAY) {
            Some(header) if header.n_rows() == n_rows && !header.shape.is_empty() => {
                self.columns.insert(name.clone(), header.schema());
                self.numbers.insert(name, npz);
                Ok(())
            }
            Some(header) => Err(Error::corrupt(
                path,
                format!("expected {n_rows} rows, one a step, got {:?}", header.shape),
            )),
            None => Err(Error::corrupt(path, format!("expected an array `{ARRAY}`, found none"))),
        }
    }

    /// The column of the pictures in `dir`; their size is that of the first.
    fn pictures(&mut self, dir: &Path, name: String) -> Result<()> {
        let video = dir.join("ep_0.mp4");
        let shape = if video.is_file() {
            let info = VideoReader::open(&video)?.info().clone();
            self.fps = Some(info.fps as f32);
            vec![info.height, info.width, 3]
        } else if let Some(first) = jpeg(dir, 0, 0) {
            picture::shape(&read(&first)?).map_err(|err| err.at(&first))?.to_vec()
        } else {
            self.notes.push(format!("left out `{name}`, a folder without pictures of episode 0"));
            return Ok(());
        };
        self.columns.insert(name, Schema { kind: Kind::Bytes, shape });
        Ok(())
    }

    /// One more than the largest action, if actions are choices. Where there was no action the least number stands.
    fn n_actions(&mut self) -> Result<Option<usize>> {
        let choices = Schema { kind: Kind::Ints, shape: Vec::new() };
        let Some(npz) = self.numbers.get_mut(ACTION).filter(|_| self.columns.get(ACTION) == Some(&choices))
        else {
            return Ok(None);
        };
        let (mut most, n) = (0, npz.arrays.get(ARRAY).map_or(0, |header| header.n_rows()));
        for from in (0..n).step_by(STRETCH) {
            let stretch = npz.rows(ARRAY, from..(from + STRETCH).min(n))?;
            for action in ints(&stretch).into_iter().filter(|action| *action != i64::MIN) {
                match usize::try_from(action) {
                    Ok(action) if action < MOST_CHOICES => most = most.max(action),
                    _ => return Ok(None),
                }
            }
        }
        Ok(Some(most + 1))
    }
}

/// The picture of a row, under either of the two endings that the original reader knows.
fn jpeg(dir: &Path, episode: usize, step: usize) -> Option<PathBuf> {
    let paths = ["jpeg", "jpg"].map(|ext| dir.join(format!("ep_{episode}_step_{step}.{ext}")));
    paths.into_iter().find(|path| path.is_file())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|err| Error::io("read file", path, &err))
}

impl Source for FolderSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.episodes.len()
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        let n = self.rows_of(idx)?.len();
        self.rows(idx, 0..n)
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        let n = self.rows_of(idx)?.len().saturating_sub(1);
        if steps.start > steps.end || steps.end > n {
            return Err(Error::invalid(format!("expected steps within 0..{n}, got {steps:?}")));
        }
        self.rows(idx, steps.start..steps.end + 1)
    }
}

impl FolderSource {
    fn rows_of(&self, idx: usize) -> Result<Range<usize>> {
        let n = self.episodes.len();
        let rows = self.episodes.get(idx).cloned();
        rows.ok_or_else(|| Error::invalid(format!("expected an episode below {n}, got {idx}")).at(&self.dir))
    }

    /// `steps` of the rows of episode `idx`.
    fn rows(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        let start = self.rows_of(idx)?.start;
        let mut columns = swm::Rows::new();
        let names: Vec<String> = self.layout.columns().map(str::to_owned).collect();
        for name in names {
            let column = match self.numbers.get_mut(&name) {
                Some(npz) => npz.rows(ARRAY, start + steps.start..start + steps.end)?,
                None => {
                    Column { width: 1, cells: Cells::Pictures(self.pictures(&name, idx, steps.clone())?) }
                }
            };
            columns.insert(name, column);
        }
        self.layout.episode(&columns, self.meta.clone(), &|name| match self.numbers.contains_key(name) {
            true => file(&self.dir, name),
            false => self.dir.join(name),
        })
    }

    fn pictures(&self, name: &str, idx: usize, steps: Range<usize>) -> Result<Vec<Image>> {
        let dir = self.dir.join(name);
        let video = dir.join(format!("ep_{idx}.mp4"));
        if video.is_file() {
            let (mut reader, n) = (VideoReader::open(&video)?, self.rows_of(idx)?.len());
            return match reader.info().n_frames {
                got if got == n => reader.read(steps),
                got => Err(Error::corrupt(&video, format!("expected {n} frames, one a row, got {got}"))),
            };
        }
        let picture = |step: usize| {
            let path = jpeg(&dir, idx, step).ok_or_else(|| {
                Error::corrupt(&dir, format!("expected a picture `ep_{idx}_step_{step}.jpeg`, found none"))
            })?;
            picture::decode(&read(&path)?).map_err(|err| err.at(&path))
        };
        steps.map(picture).collect()
    }
}
