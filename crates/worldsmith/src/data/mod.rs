//! Data sets of any format: looked into, converted, joined and pictured.
//!
//! Importing is converting to an episode store, exporting is converting from one, and merging is converting several at
//! once; so there is one function for all of them, [`convert`].

mod convert;
mod found;
mod preview;
mod verify;

use std::path::PathBuf;

use serde::Serialize;
use worldsmith_core::{Episode, ErrorKind, Result, Space};
use worldsmith_data::StatsBuilder;
use worldsmith_data::formats::{self, FORMATS, Format, Source};

pub use convert::{ConvertRequest, Converted, convert};
pub use preview::{Preview, preview};
pub use verify::{Damage, Duplicates, Place, SplitRequest, SplitResult, Verified, split, verify};
pub use worldsmith_data::formats::ReadOptions;
pub use worldsmith_data::{ColumnStats, Pictures, Statistics};

use crate::{Progress, Stop};

/// The format of episode stores.
const STORE: &str = "worldsmith";
/// Frames a second where a format has a clock and the source has none.
const FPS: f32 = 10.0;

/// One format, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormatInfo {
    /// What it is called.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether it can be written as well as read.
    pub writable: bool,
}

/// Every format.
pub fn formats() -> Vec<FormatInfo> {
    let info = |f: &Format| FormatInfo { name: f.name, about: f.about, writable: f.create.is_some() };
    FORMATS.iter().map(info).collect()
}

/// A data set to read.
#[derive(Debug, Clone, Default)]
pub struct SourceRequest {
    /// File or folder.
    pub path: PathBuf,
    /// Its format; found out if left out.
    pub format: Option<String>,
    /// What to read of it.
    pub options: ReadOptions,
}

impl SourceRequest {
    fn open(&self) -> Result<(&'static Format, Box<dyn Source>)> {
        formats::open(&self.path, self.format.as_deref(), &self.options)
    }
}

/// What a data set is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspected {
    /// File or folder.
    pub path: PathBuf,
    /// Its format.
    pub format: &'static str,
    /// Number of episodes.
    pub episodes: usize,
    /// Space of the observations.
    pub obs: Space,
    /// Space of the actions.
    pub action: Space,
    /// Steps a second, where the format says.
    pub fps: Option<f32>,
    /// How pictures are kept, in an episode store.
    pub pictures: Option<Pictures>,
    /// Steps of the first episode.
    pub first_len: Option<usize>,
    /// Task of the first episode in words, where there is one.
    pub task: Option<String>,
    /// What was put right or left out.
    pub notes: Vec<String>,
}

/// Looks into a data set and reads its first episode. One that is damaged is noted.
///
/// # Errors
/// If it is of no known format, or damaged as a whole.
pub fn inspect(request: &SourceRequest) -> Result<Inspected> {
    let (format, mut source) = request.open()?;
    let first = match source.n_episodes() {
        0 => Ok(None),
        _ => source.read(0).map(Some),
    };
    let info = source.info();
    let mut notes = info.notes.clone();
    let first = match first {
        Err(err) if err.kind() == ErrorKind::Corrupt => {
            notes.push(format!("the first episode cannot be read: {err}"));
            None
        }
        first => first?,
    };
    Ok(Inspected {
        path: request.path.clone(),
        format: format.name,
        episodes: source.n_episodes(),
        obs: info.obs.clone(),
        action: info.action.clone(),
        fps: info.fps,
        pictures: source.pictures(),
        first_len: first.as_ref().map(Episode::len),
        task: first.and_then(|episode| episode.meta.task),
        notes,
    })
}

/// Gathers the statistics of a data set, episode by episode.
///
/// # Errors
/// If it is of no known format, or damaged.
pub fn stats(request: &SourceRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<Statistics> {
    let (_, mut source) = request.open()?;
    let mut stats = StatsBuilder::new(&source.info().obs, &source.info().action)?;
    progress.stage("stats", source.n_episodes() as u64);
    for idx in 0..source.n_episodes() {
        stop.check()?;
        stats.add(&source.read(idx)?);
        progress.at(idx as u64 + 1, "");
    }
    Ok(stats.finish())
}
