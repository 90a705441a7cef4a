//! Where the pictures and the table of each episode are.

use std::path::{Path, PathBuf};

use worldsmith_core::{Error, Result};

use super::table::{self, extension};
use crate::{natural, picture};

/// Folders in which pictures may stand apart from their table.
const FRAME_FOLDERS: &[&str] = &["frames", "images", "image", "img", "pixels", "rgb"];
/// What the table is called if it does not share its name with a video.
const TABLE: &str = "actions";
const VIDEO: &str = "mp4";
const LAYOUT: &str = "an episode is a folder of pictures 00000.png, 00001.png, .. with a table actions.csv, or \
                      a video play.mp4 with a table play.csv";

/// One episode on disk.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    /// What it is called in messages.
    pub name: String,
    /// What was seen.
    pub pictures: Pictures,
    /// What was done.
    pub table: PathBuf,
}

/// Where the pictures of an episode are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pictures {
    /// A file each, in this folder.
    Folder(PathBuf),
    /// In this video.
    Video(PathBuf),
}

/// The episodes at `path`: itself, or what is in it, in natural order of names.
///
/// # Errors
/// If there is none, or pictures have no table.
pub(super) fn places(path: &Path) -> Result<Vec<Place>> {
    if path.is_file() {
        return Ok(vec![beside(path)?]);
    }
    if let Some(only) = episode_in(path, false)? {
        return Ok(vec![only]);
    }
    let mut places = Vec::new();
    for entry in natural::list(path)? {
        if entry.is_dir() {
            places.extend(episode_in(&entry, true)?);
        } else if extension(&entry) == VIDEO {
            places.push(beside(&entry)?);
        }
    }
    if places.is_empty() {
        // Pictures without a table say what is missing.
        episode_in(path, true)?;
        return Err(Error::invalid("expected episodes of pictures and actions, found none")
            .at(path)
            .hint(LAYOUT));
    }
    Ok(places)
}

/// Whether there are pictures or a video with a table at `path`, or one folder further down.
pub(super) fn looks_like(path: &Path) -> bool {
    if path.is_file() {
        return extension(path) == VIDEO && beside(path).is_ok();
    }
    let is_episode = |path: &Path| episode_in(path, false).is_ok_and(|place| place.is_some());
    is_episode(path)
        || natural::list(path).is_ok_and(|entries| {
            let mut entries = entries.iter();
            entries.any(|entry| match entry.is_dir() {
                true => is_episode(entry),
                false => extension(entry) == VIDEO && beside(entry).is_ok(),
            })
        })
}

/// The pictures in `dir`, in the order of their numbers.
///
/// # Errors
/// If there is none, or a number is missing or there twice.
pub(super) fn frames(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut frames = natural::list(dir)?;
    frames.retain(|path| is_picture(path));
    if frames.is_empty() {
        return Err(Error::invalid("expected pictures, found none").at(dir));
    }
    let numbers: Option<Vec<u64>> = frames.iter().map(|path| natural::number(&stem(path))).collect();
    if let Some(numbers) = numbers {
        check_numbers(&frames, &numbers).map_err(|err| err.at(dir))?;
    }
    Ok(frames)
}

/// Frames may start anywhere and count in any step, but in the same one throughout.
fn check_numbers(frames: &[PathBuf], numbers: &[u64]) -> Result<()> {
    let step = numbers.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).min().unwrap_or(1).max(1);
    for (pair, names) in numbers.windows(2).zip(frames.windows(2)) {
        let (before, after) = (file_name(&names[0]), file_name(&names[1]));
        if pair[1] <= pair[0] {
            return Err(Error::invalid(format!(
                "expected one picture a frame, got `{before}` and `{after}`"
            ))
            .hint("pictures of one episode have the same name but for their number"));
        }
        if pair[1] - pair[0] != step {
            let missing = pair[0] + step;
            return Err(Error::invalid(format!("expected frame {missing} after `{before}`, got `{after}`")));
        }
    }
    Ok(())
}

/// The episode whose pictures and table are in `dir`. Pictures without a table are an error if `must` is set.
fn episode_in(dir: &Path, must: bool) -> Result<Option<Place>> {
    let entries = natural::list(dir)?;
    let name = file_name(dir);
    let table = || match table_in(&entries) {
        Ok(table) => Ok(Some(table)),
        Err(err) if must => Err(err.at(dir)),
        Err(_) => Ok(None),
    };
    let within = |folder: &PathBuf| {
        FRAME_FOLDERS.contains(&file_name(folder).to_ascii_lowercase().as_str())
            && natural::list(folder).is_ok_and(|files| files.iter().any(|file| is_picture(file)))
    };
    let videos: Vec<&PathBuf> = entries.iter().filter(|path| extension(path) == VIDEO).collect();
    let pictures = if entries.iter().any(|path| is_picture(path)) {
        Pictures::Folder(dir.to_path_buf())
    } else if let Some(folder) = entries.iter().find(|path| within(path)) {
        Pictures::Folder(folder.clone())
    } else if let [video] = videos.as_slice() {
        return Ok(beside(video).ok().map(|place| Place { name, ..place }));
    } else {
        return Ok(None);
    };
    Ok(table()?.map(|table| Place { name, pictures, table }))
}

/// The episode of a video: its table has the same name, or is called `actions`.
fn beside(video: &Path) -> Result<Place> {
    let named = |stem: &str| {
        let mut paths = table::EXTENSIONS.iter().map(|ext| video.with_file_name(format!("{stem}.{ext}")));
        paths.find(|path| path.is_file())
    };
    let name = stem(video);
    match named(&name).or_else(|| named(TABLE)) {
        Some(table) => Ok(Place { name, pictures: Pictures::Video(video.to_path_buf()), table }),
        None => Err(Error::invalid(format!("expected a table `{name}.csv` beside the video, found none"))
            .at(video)
            .hint(LAYOUT)),
    }
}

/// The table among `entries`: the one called `actions`, or the only one.
fn table_in(entries: &[PathBuf]) -> Result<PathBuf> {
    let tables: Vec<&PathBuf> =
        entries.iter().filter(|path| table::EXTENSIONS.contains(&extension(path).as_str())).collect();
    let named: Vec<&PathBuf> = tables.iter().copied().filter(|path| stem(path) == TABLE).collect();
    match (named.as_slice(), tables.as_slice()) {
        ([only], _) | ([], [only]) => Ok((*only).clone()),
        ([], []) => {
            Err(Error::invalid("expected a table `actions.csv` with the pictures, found none").hint(LAYOUT))
        }
        ([first, second, ..], _) | ([], [first, second, ..]) => {
            let (first, second) = (file_name(first), file_name(second));
            Err(Error::invalid(format!("expected one table of actions, got `{first}` and `{second}`")))
        }
    }
}

fn is_picture(path: &Path) -> bool {
    picture::EXTENSIONS.contains(&extension(path).as_str())
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The last part of `path`, for messages.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
