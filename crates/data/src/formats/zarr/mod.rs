//! Zarr in the layout of diffusion policy: `data/<column>` with the rows of all episodes after each other, and the row
//! after the last of each episode in `meta/episode_ends`. Version 2 or 3, a folder or a zip.
//!
//! Row `t` holds what was seen and what was done then; `reward[t]`, `terminated[t]` and `truncated[t]` answer
//! `action[t]`. What the last action of an episode led to is not stored, so `N` rows are `N - 1` steps. Written episodes
//! of `T` steps have `T + 1` rows: the last one repeats the last action, and reading leaves it out. Spaces are written as
//! attributes of the root, seeds and the like to `meta`. Text is not held.

mod write;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, EpisodeMeta, Error, ErrorKind, Result, Seed, Space, StepKind, Value};

use super::choice::Choice;
use super::column::{Column, Kind, MOST_NUMBERS, Schema};
use super::look::Look;
use super::{Format, ReadOptions, Source, SourceInfo};
use crate::leaf::check_space;
use crate::zarr::{Array, Store, Version};

/// Registry entry of version 2, which diffusion policy itself reads.
pub const FORMAT: Format = Format {
    name: "zarr",
    about: "Zarr v2 as in diffusion policy: data/<column> and meta/episode_ends, a folder or a zip",
    detect: |path| looks_like(path, Version::V2),
    open,
    create: Some(|path, spec| write::create(path, spec, Version::V2)),
};

/// Registry entry of version 3.
pub const FORMAT_V3: Format = Format {
    name: "zarr3",
    about: "Zarr v3 in the same layout",
    detect: |path| looks_like(path, Version::V3),
    open,
    create: Some(|path, spec| write::create(path, spec, Version::V3)),
};

const DATA: &str = "data";
const ENDS: &str = "meta/episode_ends";
const SEEDS: &str = "meta/seed";
const ORIGINS: &str = "meta/origin";
const ACTION: &str = "action";
const OBS: &str = "obs";
const REWARD: &str = "reward";
const TERMINATED: &str = "terminated";
const TRUNCATED: &str = "truncated";
/// The attribute that holds a [`Note`].
const NOTE: &str = "worldsmith";
/// Columns that are no observation.
const ASIDE: &[&str] = &[
    ACTION,
    REWARD,
    TERMINATED,
    TRUNCATED,
    "rewards",
    "done",
    "dones",
    "timestamp",
    "time",
    "index",
    "step",
    "step_idx",
    "episode",
    "episode_idx",
    "episode_index",
    "frame_index",
    "task_index",
    "seed",
];
/// How many rows are looked at to tell what real numbers in pictures mean.
const N_LOOK: usize = 4;
/// Whole numbers below this are choices.
const MOST_CHOICES: i64 = 1 << 16;
/// No set has more rows: they are all looked through, and a file can name any number that it never wrote.
const MOST_ROWS: usize = 1 << 28;
/// Rows of actions that are looked at a time.
const STRETCH: usize = 1 << 16;

/// What arrays do not say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    obs: Space,
    action: Space,
    fps: Option<f32>,
    /// What episodes have in common but for their seeds; `meta/origin` numbers them.
    origins: Vec<EpisodeMeta>,
}

fn looks_like(path: &Path, version: Version) -> bool {
    let is_zarr = path.is_dir() || path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("zip"));
    let store = is_zarr.then(|| Store::open(path).ok()).flatten();
    store.is_some_and(|mut store| store.version == version && Array::open(&mut store, ENDS).is_ok())
}

struct ZarrSource {
    store: Store,
    /// Rows of each episode.
    episodes: Vec<Range<usize>>,
    arrays: BTreeMap<String, Array>,
    looks: BTreeMap<String, Look>,
    obs: Choice,
    actions: Choice,
    /// Seed and origin of each episode, where they were written here.
    seeds: Vec<(Seed, usize)>,
    origins: Vec<EpisodeMeta>,
    info: SourceInfo,
}

fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let mut store = Store::open(path)?;
    let ends = ints(&mut store, ENDS)?;
    let mut arrays = BTreeMap::new();
    for name in store.arrays(DATA)? {
        arrays.insert(name.clone(), Array::open(&mut store, &format!("{DATA}/{name}"))?);
    }
    let episodes = cut(&ends, &arrays).map_err(|err| err.at(&path.join(ENDS)))?;
    let note = match store.attributes()?.get_mut(NOTE).map(serde_json::Value::take) {
        Some(json) => serde_json::from_value(json)
            .map(Some)
            .map_err(|err| Error::corrupt(&store.attributes_path(), format!("attribute `{NOTE}`: {err}")))?,
        None => None,
    };
    let mut source = ZarrSource {
        store,
        episodes,
        arrays,
        looks: BTreeMap::new(),
        obs: Choice::of_columns(BTreeMap::new(), &[])?,
        actions: Choice::prefixed(&Space::Discrete { n: 1 }, ACTION)?,
        seeds: Vec::new(),
        origins: Vec::new(),
        info: SourceInfo {
            obs: Space::Discrete { n: 1 },
            action: Space::Discrete { n: 1 },
            fps: None,
            notes: Vec::new(),
        },
    };
    match note {
        Some(note) => source.take_note(note, &options.columns)?,
        None => source.look(&options.columns)?,
    }
    source.info.obs = source.obs.space.clone();
    source.info.action = source.actions.space.clone();
    Ok(Box::new(source))
}

/// All numbers of the array `key`.
fn ints(store: &mut Store, key: &str) -> Result<Vec<i64>> {
    let mut array = Array::open(store, key)?;
    let n = array.n_rows();
    let column = array.rows(store, 0..n)?;
    Ok((0..column.len()).filter_map(|row| column.ints(row)).flatten().collect())
}

/// The rows of each episode, checked against those that all arrays have.
fn cut(ends: &[i64], arrays: &BTreeMap<String, Array>) -> Result<Vec<Range<usize>>> {
    let broken = |why: String| Error::new(ErrorKind::Corrupt, why);
    let n_rows = arrays.values().map(Array::n_rows).min().unwrap_or(0);
    let mut rows = Vec::with_capacity(ends.len());
    let mut start = 0;
    for end in ends {
        match usize::try_from(*end) {
            Ok(end) if end > start && end <= n_rows.min(MOST_ROWS) => rows.push(start..end),
            Ok(end) if end == start => {}
            _ => {
                return Err(broken(format!(
                    "expected episodes to end in rows {start} to {n_rows}, got {end}"
                )));
            }
        }
        start = rows.last().map_or(0, |rows| rows.end);
    }
    Ok(rows)
}

impl ZarrSource {
    fn take_note(&mut self, note: Note, wanted: &[String]) -> Result<()> {
        let path = self.store.attributes_path();
        [&note.obs, &note.action].into_iter().try_for_each(check_space).map_err(|err| err.at(&path))?;
        self.obs = Choice::new(&note.obs, OBS, wanted).map_err(|err| err.at(self.store.path()))?;
        self.actions = Choice::prefixed(&note.action, ACTION)?;
        self.obs.rename(write::column_name);
        self.actions.rename(write::column_name);
        let (seeds, origins) = (ints(&mut self.store, SEEDS)?, ints(&mut self.store, ORIGINS)?);
        let origin = |at: i64| usize::try_from(at).ok().filter(|at| *at < note.origins.len());
        let both =
            seeds.iter().zip(&origins).map(|(seed, at)| Some((Seed(seed.cast_unsigned()), origin(*at)?)));
        self.seeds = both.collect::<Option<_>>().unwrap_or_default();
        if self.seeds.len() != self.episodes.len() {
            let path = self.store.path().join(ORIGINS);
            return Err(Error::corrupt(&path, "expected a seed and an origin for every episode, got others"));
        }
        self.origins = note.origins;
        self.info.fps = note.fps;
        Ok(())
    }

    /// Tells from the arrays what they are.
    fn look(&mut self, wanted: &[String]) -> Result<()> {
        let names: Vec<String> =
            self.arrays.keys().filter(|name| !ASIDE.contains(&name.as_str())).cloned().collect();
        let (mut notes, mut room) = (Vec::new(), MOST_NUMBERS);
        for name in names {
            let Some(array) = self.arrays.get_mut(&name) else { continue };
            let (schema, n) = (array.schema(), array.n_rows().min(N_LOOK));
            if schema.kind == Kind::Texts {
                continue;
            }
            let path = self.store.path().join(DATA).join(&name);
            let mut look = Look::guess_within(&mut room, &name, &schema).map_err(|err| err.at(&path))?;
            if look.is_real() && (wanted.is_empty() || wanted.contains(&name)) {
                look.calibrate(&array.rows(&mut self.store, 0..n)?);
                notes.extend(look.note(&name));
            }
            self.looks.insert(name, look);
        }
        let spaces: BTreeMap<_, _> =
            self.looks.iter().map(|(name, look)| (name.clone(), look.space.clone())).collect();
        if spaces.is_empty() {
            return Err(Error::invalid("expected observations in `data`, found none")
                .at(&self.store.path().join(DATA)));
        }
        self.obs = Choice::of_columns(spaces, wanted).map_err(|err| err.at(self.store.path()))?;
        self.actions = Choice::prefixed(&self.action_space()?, ACTION)?;
        notes.push(
            "The last action of each episode led to no recorded observation and was left out.".to_owned(),
        );
        if !self.arrays.contains_key(REWARD) {
            notes.push("There is no array `data/reward`: rewards are 0.".to_owned());
        }
        self.info.notes = notes;
        Ok(())
    }

    fn action_space(&mut self) -> Result<Space> {
        let array = self.arrays.get_mut(ACTION);
        let array = array.ok_or_else(|| {
            let path = self.store.path().join(DATA);
            Error::invalid("expected an array `data/action`, found none").at(&path)
        })?;
        let schema: Schema = array.schema();
        if schema.kind == Kind::Floats || schema.width() != Some(1) {
            return Look::guess(ACTION, &schema)
                .map(|look| look.space)
                .map_err(|err| err.at(&self.store.path().join(DATA).join(ACTION)));
        }
        let (mut least, mut largest) = (0, 0);
        let n_rows = self.episodes.last().map_or(0, |rows| rows.end);
        for start in (0..n_rows).step_by(STRETCH) {
            let rows = array.rows(&mut self.store, start..(start + STRETCH).min(n_rows))?;
            for int in (0..rows.len()).filter_map(|row| rows.ints(row)).flatten() {
                (least, largest) = (least.min(int), largest.max(int));
            }
        }
        Ok(match least >= 0 && largest < MOST_CHOICES {
            true => Space::Discrete { n: largest as usize + 1 },
            false => schema.space(),
        })
    }

    fn part(&mut self, idx: usize, steps: Option<Range<usize>>) -> Result<Episode> {
        let n = self.episodes.len();
        let rows = self.episodes.get(idx).cloned();
        let rows = rows.ok_or_else(|| Error::invalid(format!("expected an episode below {n}, got {idx}")))?;
        let n = rows.len() - 1;
        let steps = steps.unwrap_or(0..n);
        if steps.start > steps.end || steps.end > n {
            return Err(Error::invalid(format!("expected steps within 0..{n}, got {steps:?}")));
        }
        let seen = rows.start + steps.start..rows.start + steps.end + 1;
        let done = seen.start..seen.end - 1;
        let obs = self.values(&self.obs.clone(), seen)?;
        let actions = self.values(&self.actions.clone(), done.clone())?;
        let rewards = self.rewards(done)?;
        let end = if steps.end == n { self.end(&rows)? } else { StepKind::Mid };
        Ok(Episode { obs, actions, rewards, end, meta: self.meta(idx) })
    }

    fn values(&mut self, choice: &Choice, rows: Range<usize>) -> Result<Vec<Value>> {
        let mut columns = BTreeMap::new();
        for (name, _) in &choice.parts {
            let column = self.column(name, rows.clone())?;
            columns.insert(name.clone(), column);
        }
        choice.values(&columns, rows.len(), &|name| self.store.path().join(DATA).join(name))
    }

    fn column(&mut self, name: &str, rows: Range<usize>) -> Result<Column> {
        let path = self.store.path().join(DATA).join(name);
        let array = self.arrays.get_mut(name);
        let array = array.ok_or_else(|| Error::corrupt(&path, "expected an array, found none"))?;
        let column = array.rows(&mut self.store, rows)?;
        match self.looks.get(name) {
            Some(look) => look.apply(column).map_err(|err| err.at(&path)),
            None => Ok(column),
        }
    }

    fn rewards(&mut self, rows: Range<usize>) -> Result<Vec<f32>> {
        if !self.arrays.contains_key(REWARD) {
            return Ok(vec![0.0; rows.len()]);
        }
        let column = self.column(REWARD, rows.clone())?;
        let reward = |row: usize| match column.numbers(row).as_deref() {
            Some([reward]) if reward.is_finite() => Ok(*reward),
            got => Err(Error::new(
                ErrorKind::Corrupt,
                format!("expected a reward in row {}, got {got:?}", rows.start + row),
            )
            .at(&self.store.path().join(DATA).join(REWARD))),
        };
        (0..rows.len()).map(reward).collect()
    }

    /// How the steps in `rows` end. Where only what was left out ended the episode, it was cut off before.
    fn end(&mut self, rows: &Range<usize>) -> Result<StepKind> {
        let last = self.kind(rows.end - 1)?;
        let answered = if rows.len() > 1 { self.kind(rows.end - 2)? } else { StepKind::Mid };
        let noted = !self.seeds.is_empty();
        Ok(match (answered, last) {
            (StepKind::Mid, last) if rows.len() == 1 && noted => last,
            (StepKind::Mid, StepKind::Mid) => StepKind::Mid,
            (StepKind::Mid, _) => StepKind::Truncated,
            (answered, _) => answered,
        })
    }

    fn kind(&mut self, row: usize) -> Result<StepKind> {
        let mut flag = |name: &str| -> Result<bool> {
            if !self.arrays.contains_key(name) {
                return Ok(false);
            }
            Ok(self.column(name, row..row + 1)?.ints(0).is_some_and(|flag| flag == [1]))
        };
        let truncated = flag(TRUNCATED)?;
        Ok(match flag(TERMINATED)? || (!truncated && (flag("done")? || flag("dones")?)) {
            true => StepKind::Terminated,
            false if truncated => StepKind::Truncated,
            false => StepKind::Mid,
        })
    }

    fn meta(&self, idx: usize) -> EpisodeMeta {
        let noted = self.seeds.get(idx).and_then(|(seed, at)| {
            self.origins.get(*at).map(|origin| EpisodeMeta { seed: *seed, ..origin.clone() })
        });
        noted.unwrap_or_else(|| EpisodeMeta {
            env: "zarr".to_owned(),
            policy: "unknown".to_owned(),
            seed: Seed(0),
            source: "real".to_owned(),
            task: None,
        })
    }
}

impl Source for ZarrSource {
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
