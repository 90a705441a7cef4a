//! Minari data sets (Farama): a folder with `data/metadata.json` and the episodes in HDF5, Arrow or Parquet.
//!
//! Alignment is ours: `T + 1` observations, `T` actions, and `rewards[t]` answers `actions[t]`; Arrow pads all to `T + 1`
//! rows. Terminations and truncations are kept apart, and the last ones are how an episode ends. Observations that have
//! parts are named by them, joined by `/`; parts of a tuple are `0`, `1`, ... What `infos` hold is left out.
//!
//! Written is what `minari.MinariDataset(folder / "data")` opens, and `minari.load_dataset(name)` if the folder lies where
//! Minari looks and its name ends in a version such as `-v0`: pictures as they are (no JPEG), numbers as 32-bit floats.
//! Environment, policy, source and task of an episode are kept beside its seed, where Minari keeps what it is not
//! asked for. Storage is HDF5, or Arrow in the format `minari-arrow`.

mod arrow;
mod hdf5;
mod metadata;
mod spaces;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use worldsmith_core::{Episode, EpisodeMeta, Error, ErrorKind, Result, Seed, Space, StepKind, Value};

use self::metadata::Metadata;
use self::spaces::{Known, Part};
use super::choice::Choice;
use super::column::Column;
use super::{Format, ReadOptions, SinkSpec, Source, SourceInfo};

/// Registry entry.
pub const FORMAT: Format = Format {
    name: "minari",
    about: "Minari: a folder with data/metadata.json; HDF5, Arrow or Parquet inside, HDF5 when written",
    detect: |path| metadata::folder(path).is_some(),
    open,
    create: Some(hdf5::create),
};

/// Registry entry for writing the other storage; reading is the same.
pub const ARROW: Format = Format {
    name: "minari-arrow",
    about: "Minari as above, Arrow inside when written",
    detect: |_| false,
    open,
    create: Some(arrow::create),
};

const OBSERVATIONS: &str = "observations";
const ACTIONS: &str = "actions";
const REWARDS: &str = "rewards";
const TERMINATIONS: &str = "terminations";
const TRUNCATIONS: &str = "truncations";

/// What the two kinds of storage can do.
trait Storage: Send {
    /// Number of steps of episode `idx`.
    fn n_steps(&mut self, idx: usize) -> Result<usize>;

    /// Rows of what is called `root` in episode `idx`, or of a part of it.
    fn column(&mut self, idx: usize, root: &str, part: &Part, rows: Range<usize>) -> Result<Column>;

    /// Where episode `idx` came from, as far as it is told; the rest as in `known`.
    fn meta(&mut self, idx: usize, known: &EpisodeMeta) -> Result<EpisodeMeta>;

    /// The file that holds episode `idx`.
    fn path(&self, idx: usize) -> &Path;
}

struct Minari {
    storage: Box<dyn Storage>,
    obs: (Choice, BTreeMap<String, Part>),
    action: (Choice, BTreeMap<String, Part>),
    info: SourceInfo,
    meta: EpisodeMeta,
    n_episodes: usize,
}

fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let folder = metadata::named_folder(path).ok_or_else(|| {
        Error::new(ErrorKind::Io, "expected a Minari data set, found no `data/metadata.json`").at(path)
    })?;
    let metadata = Metadata::read(&folder)?;
    let storage: Box<dyn Storage> = match metadata.data_format.as_str() {
        "hdf5" => Box::new(hdf5::Hdf5::open(&folder)?),
        "arrow" | "parquet" => Box::new(arrow::Arrow::open(&folder, &metadata.data_format)),
        other => {
            return Err(Error::invalid(format!(
                "expected storage `hdf5`, `arrow` or `parquet`, got `{other}`"
            ))
            .at(&folder.join(metadata::NAME)));
        }
    };
    let (obs, action) = metadata.spaces().map_err(|err| err.at(&folder.join(metadata::NAME)))?;
    let notes = match obs.parts.values().chain(action.parts.values()).any(Part::is_moved) {
        true => vec!["choices that start at another number than 0 were moved to start at 0".to_owned()],
        false => Vec::new(),
    };
    let obs = (Choice::new(&obs.space, OBSERVATIONS, &options.columns)?, obs.parts);
    let action = (Choice::new(&action.space, ACTIONS, &[])?, action.parts);
    let info =
        SourceInfo { obs: obs.0.space.clone(), action: action.0.space.clone(), fps: metadata.fps, notes };
    let (meta, n_episodes) = (metadata.meta(), metadata.total_episodes);
    Ok(Box::new(Minari { storage, obs, action, info, meta, n_episodes }))
}

impl Minari {
    fn values(&mut self, idx: usize, of_actions: bool, rows: Range<usize>) -> Result<Vec<Value>> {
        let (root, (choice, parts)) =
            if of_actions { (ACTIONS, &self.action) } else { (OBSERVATIONS, &self.obs) };
        let mut values = Vec::new();
        for (name, leaf) in &choice.parts {
            let known = parts.get(name).ok_or_else(|| Error::invalid(format!("expected a part `{name}`")))?;
            let column = known.start_at_zero(self.storage.column(idx, root, known, rows.clone())?);
            if column.len() != rows.len() {
                let why = format!(
                    "expected {} rows of `{name}` in episode {idx}, got {}",
                    rows.len(),
                    column.len()
                );
                return Err(Error::corrupt(self.storage.path(idx), why));
            }
            values.resize(rows.len(), choice.empty());
            for (row, value) in values.iter_mut().enumerate() {
                let part = column.value(row, &leaf.space).map_err(|err| {
                    let why = format!("row {} of `{name}` in episode {idx}: {err}", rows.start + row);
                    Error::corrupt(self.storage.path(idx), why)
                })?;
                leaf.put(value, part);
            }
        }
        Ok(values)
    }

    fn rewards(&mut self, idx: usize, rows: Range<usize>) -> Result<Vec<f32>> {
        let column = self.storage.column(idx, REWARDS, &Part::default(), rows.clone())?;
        let one = |row| column.numbers(row).and_then(|cells| cells.first().copied());
        let rewards = (0..rows.len()).map(one).collect::<Option<Vec<f32>>>();
        rewards.ok_or_else(|| Error::corrupt(self.storage.path(idx), "expected a reward a step"))
    }

    /// How step `last` left the episode.
    fn end(&mut self, idx: usize, last: usize) -> Result<StepKind> {
        let mut flag = |name: &str| -> Result<bool> {
            let column = self.storage.column(idx, name, &Part::default(), last..last + 1)?;
            Ok(column.ints(0).is_some_and(|flag| flag == [1]))
        };
        Ok(match (flag(TERMINATIONS)?, flag(TRUNCATIONS)?) {
            (true, _) => StepKind::Terminated,
            (false, true) => StepKind::Truncated,
            (false, false) => StepKind::Mid,
        })
    }

    fn n_steps(&mut self, idx: usize) -> Result<usize> {
        if idx >= self.n_episodes {
            let n = self.n_episodes;
            return Err(Error::invalid(format!("expected an episode number below {n}, got {idx}")));
        }
        self.storage.n_steps(idx)
    }
}

impl Source for Minari {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.n_episodes
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        let n = self.n_steps(idx)?;
        self.read_range(idx, 0..n)
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        let n = self.n_steps(idx)?;
        if steps.start > steps.end || steps.end > n {
            return Err(Error::invalid(format!("expected steps within 0..{n}, got {steps:?}")));
        }
        let meta = self.storage.meta(idx, &self.meta)?;
        let end = match n.checked_sub(1) {
            Some(last) if steps.end == n => self.end(idx, last)?,
            _ => StepKind::Mid,
        };
        let obs = self.values(idx, false, steps.start..steps.end + 1)?;
        let actions = self.values(idx, true, steps.clone())?;
        Ok(Episode { obs, actions, rewards: self.rewards(idx, steps)?, end, meta })
    }
}

/// What a writer keeps until the end, for the metadata.
#[derive(Debug)]
struct Written {
    spec: SinkSpec,
    obs: Known,
    action: Known,
    n_steps: usize,
    n_episodes: usize,
    /// Of the first episode.
    meta: Option<EpisodeMeta>,
}

impl Written {
    fn new(spec: &SinkSpec) -> Result<Self> {
        let obs = Known::ours(&spec.obs, OBSERVATIONS)?;
        let action = Known::ours(&spec.action, ACTIONS)?;
        let strange = |key: &&spaces::Key| matches!(key, spaces::Key::Name(name) if name.is_empty() || name == "." || name.contains('/'));
        if let Some(key) =
            obs.parts.values().chain(action.parts.values()).flat_map(|part| &part.keys).find(strange)
        {
            return Err(Error::invalid(format!("expected names of parts without `/`, got {key:?}")));
        }
        Ok(Self { spec: spec.clone(), obs, action, n_steps: 0, n_episodes: 0, meta: None })
    }

    /// Checks an episode and counts it; returns its number.
    fn count(&mut self, episode: &Episode) -> Result<usize> {
        crate::leaf::check_episode(episode, &self.spec.obs, &self.spec.action)?;
        self.n_steps += episode.len();
        self.n_episodes += 1;
        self.meta.get_or_insert_with(|| episode.meta.clone());
        Ok(self.n_episodes - 1)
    }
}

/// The leaves of `values` as columns, each with its place in the file and its space.
fn columns(values: &[Value], known: &Known, root: &str) -> Result<Vec<(Part, Space, Column)>> {
    let column = |leaf: crate::leaf::Leaf| {
        let found: Option<Vec<&Value>> = values.iter().map(|value| leaf.find(value)).collect();
        let part = known.parts.get(&leaf.name).cloned().unwrap_or_default();
        let column = Column::of(&found.unwrap_or_default(), &leaf.space)?;
        Ok((part, leaf.space, column))
    };
    crate::leaf::leaves(&known.space, root, "")?.into_iter().map(column).collect()
}

/// What is known of an episode beside its steps, as pairs of names and texts.
fn told(meta: &EpisodeMeta) -> Vec<(&'static str, &str)> {
    let mut told = vec![("env", meta.env.as_str()), ("policy", &meta.policy), ("source", &meta.source)];
    told.extend(meta.task.as_deref().map(|task| ("task", task)));
    told
}

/// The inverse of [`told`]: `text` and `seed` look things up.
fn retold(known: &EpisodeMeta, seed: Option<u64>, text: impl Fn(&str) -> Option<String>) -> EpisodeMeta {
    let or = |name: &str, known: &String| text(name).unwrap_or_else(|| known.clone());
    EpisodeMeta {
        env: or("env", &known.env),
        policy: or("policy", &known.policy),
        seed: seed.map_or(known.seed, Seed),
        source: or("source", &known.source),
        task: text("task").or_else(|| known.task.clone()),
    }
}

/// Sum, mean, deviation, greatest and least reward, as Minari's own collector notes them.
fn reward_statistics(rewards: &[f32]) -> Vec<(&'static str, f64)> {
    let rewards: Vec<f64> = rewards.iter().map(|reward| f64::from(*reward)).collect();
    let (n, sum) = (rewards.len() as f64, rewards.iter().sum::<f64>());
    let (Some(most), Some(least)) =
        (rewards.iter().copied().reduce(f64::max), rewards.iter().copied().reduce(f64::min))
    else {
        return Vec::new();
    };
    let spread = rewards.iter().map(|reward| (reward - sum / n).powi(2)).sum::<f64>() / n;
    let names = ["rewards_sum", "rewards_mean", "rewards_std", "rewards_max", "rewards_min"];
    names.into_iter().zip([sum, sum / n, spread.sqrt(), most, least]).collect()
}

/// Starts the folder of a new data set and returns that of its data.
fn new_folder(path: &Path) -> Result<std::path::PathBuf> {
    let data = path.join("data");
    if data.exists() {
        return Err(Error::invalid("expected no data set here yet, found one").at(path));
    }
    std::fs::create_dir_all(&data).map_err(|err| Error::io("create folder", &data, &err))?;
    Ok(data)
}
