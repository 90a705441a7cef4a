//! Other people's data sets, in and out: a registry of formats, each one file, behind two small traits.
//!
//! A [`Source`] hands out whole [`Episode`]s, aligned as everywhere here: `T + 1` observations, `T` actions, and
//! `rewards[t]` answers `actions[t]`. Whatever a format does differently (a last frame with an action that leads nowhere,
//! a reset frame that was dropped) is put right where it is read, and said in [`SourceInfo::notes`].

mod choice;
pub(crate) mod column;
mod frames;
mod h5;
mod lance;
mod lerobot;
mod look;
mod minari;
mod npz;
mod staged;
mod store;
mod swm;
mod swm_folder;
mod swm_hdf5;
mod swm_lance;
mod zarr;

use std::fs;
use std::ops::Range;
use std::path::Path;

use worldsmith_core::{Episode, Error, ErrorKind, Result, Space};

use crate::resize::Resized;
use crate::{Pictures, Store};

/// The command that lists every format, for hints.
const LIST: &str = "worldsmith data formats";

/// The command that shows the columns of a data set, for hints.
const SEE_COLUMNS: &str = "worldsmith data inspect";

/// Every format, in the order in which they are tried on a path.
pub const FORMATS: &[Format] = &[
    store::FORMAT,
    lerobot::FORMAT,
    minari::FORMAT,
    minari::ARROW,
    swm_hdf5::FORMAT,
    swm_folder::FORMAT,
    swm_folder::FORMAT_VIDEO,
    swm_lance::FORMAT,
    zarr::FORMAT,
    zarr::FORMAT_V3,
    npz::FORMAT,
    frames::FORMAT,
];

/// One kind of data set.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether the file or folder looks like one of these. Looks at names and a few bytes; never fails.
    pub detect: fn(&Path) -> bool,
    /// Opens one for reading. Leaves [`ReadOptions::image_size`] to [`open`].
    pub open: Open,
    /// Starts a new one, if this format can be written.
    pub create: Option<Create>,
}

/// Opens a data set.
pub type Open = fn(&Path, &ReadOptions) -> Result<Box<dyn Source>>;

/// Starts a data set.
pub type Create = fn(&Path, &SinkSpec) -> Result<Box<dyn Sink>>;

/// What a reader may be asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Side in pixels that pictures are resized to (square, by area), or as they are.
    pub image_size: Option<usize>,
    /// Observation columns to read, by the format's own names; all that make sense to a model if empty.
    pub columns: Vec<String>,
}

impl ReadOptions {
    /// Refuses a choice of columns, for formats that have none to choose from; `what` names the data set.
    ///
    /// # Errors
    /// If columns were asked for.
    pub fn refuse_columns(&self, what: &str) -> Result<()> {
        match self.columns.first() {
            Some(name) => {
                Err(Error::invalid(format!("expected no choice of columns for {what}, got `{name}`")))
            }
            None => Ok(()),
        }
    }
}

/// What is known of a data set before its episodes are read.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    /// Space of the observations.
    pub obs: Space,
    /// Space of the actions.
    pub action: Space,
    /// Steps a second, where the format says.
    pub fps: Option<f32>,
    /// What was put right or left out, in whole sentences, for people.
    pub notes: Vec<String>,
}

/// A data set that can be read episode by episode, in any order, in bounded memory.
pub trait Source: Send {
    /// Spaces and remarks.
    fn info(&self) -> &SourceInfo;

    /// Number of episodes.
    fn n_episodes(&self) -> usize;

    /// Reads episode `idx`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] naming the file if it is damaged; never a panic, whatever the bytes.
    fn read(&mut self, idx: usize) -> Result<Episode>;

    /// Reads a stretch of episode `idx`: observations `steps.start..=steps.end`, actions and rewards `steps`. What ends
    /// inside its episode ends in [`StepKind::Mid`](worldsmith_core::StepKind::Mid). Formats that can find their way
    /// to a step read no more than they must.
    ///
    /// # Errors
    /// As [`Source::read`], and if the episode has no such steps.
    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        self.read(idx)?.slice(steps)
    }

    /// The store that episodes are read from as they are there, if that is where they come from.
    fn store(&self) -> Option<&Store> {
        None
    }

    /// How pictures are kept, if an episode store keeps them.
    fn pictures(&self) -> Option<Pictures> {
        self.store().map(Store::pictures)
    }
}

/// What a writer must know before the first episode.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkSpec {
    /// Space of the observations.
    pub obs: Space,
    /// Space of the actions.
    pub action: Space,
    /// Steps a second; formats with clocks need it.
    pub fps: f32,
    /// Pictures as compressed video, which is small but not exact, in formats that can hold both.
    pub video: bool,
}

impl SinkSpec {
    /// Episodes of these spaces, with exact pictures.
    pub fn new(obs: Space, action: Space, fps: f32) -> Self {
        Self { obs, action, fps, video: false }
    }
}

/// A data set that is being written.
pub trait Sink: Send {
    /// Adds an episode.
    ///
    /// # Errors
    /// If it does not fit the spaces, or cannot be written.
    fn push(&mut self, episode: &Episode) -> Result<()>;

    /// Completes the data set. Without this call what was written is not a data set.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Opens the data set at `path`, of the format called `name` or of the first that it looks like. Pictures come in the size
/// that was asked for.
///
/// # Errors
/// If it is of no known format, or damaged.
pub fn open(
    path: &Path,
    name: Option<&str>,
    options: &ReadOptions,
) -> Result<(&'static Format, Box<dyn Source>)> {
    let chosen = match name {
        Some(name) => format(name)?,
        None => detect(path)?,
    };
    let source = (chosen.open)(path, options)?;
    Ok(match options.image_size {
        Some(side) => (chosen, Box::new(Resized::new(source, side)?)),
        None => (chosen, source),
    })
}

/// Starts a data set of `format` at `path`, where it appears when it is finished: an interrupted one leaves nothing that
/// looks whole. Only an episode store grows in its place, since every moment of it is whole.
///
/// # Errors
/// If the format cannot be written or cannot hold these spaces, or there is something at `path`.
pub fn create(format: &Format, path: &Path, spec: &SinkSpec) -> Result<Box<dyn Sink>> {
    let create = format.create.ok_or_else(|| {
        Error::invalid(format!("format `{}` can be read but not written", format.name))
            .hint(format!("`{LIST}` says which can be written"))
    })?;
    match format.name == store::FORMAT.name {
        true => create(path, spec),
        false => staged::create(path, spec, create),
    }
}

/// The format called `name`.
///
/// # Errors
/// [`ErrorKind::Unknown`] with the nearest match.
pub fn format(name: &str) -> Result<&'static Format> {
    FORMATS
        .iter()
        .find(|format| format.name == name)
        .ok_or_else(|| Error::unknown("format", name, FORMATS.iter().map(|format| format.name), LIST))
}

/// The first format that the file or folder at `path` looks like.
///
/// # Errors
/// [`ErrorKind::Io`] if there is nothing at `path`, [`ErrorKind::Unknown`] if it looks like none.
pub fn detect(path: &Path) -> Result<&'static Format> {
    if !path.exists() {
        return Err(Error::new(ErrorKind::Io, "found no file or folder here").at(path));
    }
    FORMATS.iter().find(|format| (format.detect)(path)).ok_or_else(|| {
        Error::new(ErrorKind::Unknown, "expected a data set of a known format, found none")
            .at(path)
            .hint(format!("`{LIST}` lists the formats and what they look like; `--format` names one"))
    })
}

/// Makes the folder `dir`, which must not hold anything yet.
fn new_folder(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|err| Error::io("make folder", dir, &err))?;
    match fs::read_dir(dir).map_err(|err| Error::io("list folder", dir, &err))?.next() {
        None => Ok(()),
        Some(_) => Err(Error::invalid("expected a new or empty folder, got one with files").at(dir)),
    }
}
