//! NumPy's `.npz`: one file an episode, a folder of them, or all episodes in one file.
//!
//! Arrays are told by their usual names, and rows by what is there:
//!
//! - as written here: observations have a row more than `action`, and `reward[t]`, `terminated[t]`, `truncated[t]`
//!   answer `action[t]`; a text `worldsmith` holds the spaces, the seed and the like;
//! - D4RL's (`observations`, `actions`, `rewards`, `terminals`, `timeouts`): `rewards[t]` answers `actions[t]`. With
//!   `next_observations` all steps are read, else the last action of an episode led to nothing recorded and is left out;
//! - Dreamer's (`is_first`, `is_last`, `is_terminal`, or `discount`): `reward[t]` arrived with row `t`. From DreamerV3 on
//!   `action[t]` was taken after seeing row `t`, before that it led to row `t`: told apart by which end of an episode
//!   has an action of zeros, newer if neither or both have.
//!
//! One file is cut into episodes at `episode_ends`, by `ep_len`, before `is_first`, or after a row that ends one. Pickled
//! objects are refused. Written files hold all that an episode has.

mod episodes;
mod roles;
mod write;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, EpisodeMeta, Error, Result, Space, StepKind};

use self::episodes::Reader;
use self::roles::Roles;
use super::choice::Choice;
use super::column::{Cells, Kind, MOST_NUMBERS};
use super::look::Look;
use super::{Format, ReadOptions, Source, SourceInfo};
use crate::leaf::check_space;
use crate::natural;
use crate::npz::Npz;

/// Registry entry.
pub const FORMAT: Format = Format {
    name: "npz",
    about: "NumPy arrays: .npz files with observations, actions and rewards (also D4RL's and Dreamer's names)",
    detect,
    open,
    create: Some(write::create),
};

/// The text array with what arrays do not say.
const NOTE: &str = "worldsmith";
/// What an observation and an action without parts are called.
const OBS: &str = "obs";
const ACTION: &str = "action";
/// How many rows are looked at to tell what real numbers in pictures mean.
const N_LOOK: usize = 4;

/// What arrays do not say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    obs: Space,
    action: Space,
    fps: Option<f32>,
    end: StepKind,
    meta: EpisodeMeta,
}

fn detect(path: &Path) -> bool {
    let first = files(path).ok().and_then(|files| files.into_iter().next());
    let npz = first.filter(|_| !path.join("ep_len.npz").exists()).and_then(|path| Npz::open(&path).ok());
    npz.is_some_and(|npz| npz.arrays.contains_key(NOTE) || Roles::of(&npz.arrays).is_ok())
}

/// The file itself, or all `.npz` in the folder.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let is_npz = |path: &PathBuf| path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("npz"));
    let mut files = match path.is_file() {
        true => vec![path.to_path_buf()],
        false => natural::list(path)?,
    };
    files.retain(is_npz);
    match files.is_empty() {
        true => Err(Error::invalid("expected `.npz` files, found none").at(path)),
        false => Ok(files),
    }
}

struct NpzSource {
    files: Vec<PathBuf>,
    /// File and rows of each episode; all rows of the file if `None`.
    episodes: Vec<(usize, Option<Range<usize>>)>,
    info: SourceInfo,
    reader: Reader,
    /// The file that is open.
    opened: Option<(usize, Npz)>,
}

fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let files = files(path)?;
    let mut first = Npz::open(&files[0])?;
    let wanted = options.columns.as_slice();
    if first.arrays.contains_key(NOTE) {
        let note = Note::read(&mut first, &files[0])?;
        let reader = Reader::noted(&note, wanted).map_err(|err| err.at(&files[0]))?;
        let info = SourceInfo {
            obs: reader.obs.space.clone(),
            action: note.action,
            fps: note.fps,
            notes: Vec::new(),
        };
        let episodes = (0..files.len()).map(|idx| (idx, None)).collect();
        return Ok(Box::new(NpzSource { files, episodes, info, reader, opened: Some((0, first)) }));
    }
    let mut roles = Roles::of(&first.arrays).map_err(|err| err.at(&files[0]))?;
    let mut looks = BTreeMap::new();
    let (mut notes, mut room) = (Vec::new(), MOST_NUMBERS);
    for name in &roles.obs {
        let header = &first.arrays[name];
        let (schema, n) = (header.schema(), header.n_rows().min(N_LOOK));
        if schema.kind == Kind::Texts {
            continue;
        }
        let mut look = Look::guess_within(&mut room, name, &schema).map_err(|err| err.at(&files[0]))?;
        if look.is_real() && (wanted.is_empty() || wanted.contains(name)) {
            look.calibrate(&first.rows(name, 0..n)?);
            notes.extend(look.note(name));
        }
        looks.insert(name.clone(), look);
    }
    let spaces = looks.iter().map(|(name, look)| (name.clone(), look.space.clone())).collect();
    let obs = Choice::of_columns(spaces, wanted).map_err(|err| err.at(&files[0]))?;
    let (episodes, action) = episodes::look_through(&files, &mut roles)?;
    notes.extend(roles.note());
    if roles.reward.is_none() {
        notes.push("There is no array of rewards: they are 0.".to_owned());
    }
    let info = SourceInfo { obs: obs.space.clone(), action: action.clone(), fps: None, notes };
    let reader = Reader::found(roles, looks, obs, &action)?;
    Ok(Box::new(NpzSource { files, episodes, info, reader, opened: Some((0, first)) }))
}

impl Note {
    fn read(npz: &mut Npz, path: &Path) -> Result<Self> {
        let broken = |why: String| Error::corrupt(path, format!("array `{NOTE}`: {why}"));
        let note: Self = match npz.all(NOTE)?.cells {
            Cells::Texts(texts) if texts.len() == 1 => {
                serde_json::from_str(&texts[0]).map_err(|err| broken(err.to_string()))?
            }
            _ => return Err(broken("expected one text, got something else".to_owned())),
        };
        let spaces = [&note.obs, &note.action];
        spaces.into_iter().try_for_each(check_space).map_err(|err| broken(err.to_string()))?;
        Ok(note)
    }
}

impl Source for NpzSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.episodes.len()
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        self.part(idx, None)
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        self.part(idx, Some(steps))
    }
}

impl NpzSource {
    fn part(&mut self, idx: usize, steps: Option<Range<usize>>) -> Result<Episode> {
        let n = self.episodes.len();
        let (file, rows) = self
            .episodes
            .get(idx)
            .cloned()
            .ok_or_else(|| Error::invalid(format!("expected an episode below {n}, got {idx}")))?;
        let path = &self.files[file];
        let mut npz = match self.opened.take() {
            Some((at, npz)) if at == file => npz,
            _ => Npz::open(path)?,
        };
        let episode = self.reader.read(&mut npz, rows, steps, path);
        self.opened = Some((file, npz));
        episode.map_err(|err| err.at(path))
    }
}
