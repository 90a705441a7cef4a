//! Rows of stable-worldmodel data sets, whatever they are stored in: which row answers which.
//!
//! An episode is some rows of equally long columns. `World.collect` writes down, after the reset and after every step,
//! everything it knows then, and moves the actions up by one row at the end. So row `t` holds an observation, **the
//! action taken on seeing it**, and the reward and end flags that **arrived with it**: `actions[t]` is row `t`,
//! `rewards[t]` is row `t + 1`, and `N` rows are `N - 1` steps. The last row's action leads nowhere.
//!
//! Version 0.1.1 forgets the row of the reset: its first row is what the first step led to, and the action moved up from
//! there ends up in the last row, where it must not be used. Rows are aligned as above all the same; the first step of
//! every episode is lost. A row of a reset has `step_idx` 0, and no action led to it, so that the last row's action is
//! not a number (or, among whole numbers, the least there is). Rows of which neither is true start after a step.
//!
//! The reader's `frameskip` is no property of the data: it strides observations and keeps the actions between them. Here
//! every row is a step, so nothing is skipped.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, EpisodeMeta, Error, ErrorKind, Result, Seed, Space, StepKind, Value};

use super::column::MOST_NUMBERS;
pub(crate) use super::column::{Cells, Column, Kind, Schema, row_shape};
use super::{ReadOptions, SEE_COLUMNS};
use crate::leaf::{Leaf, check_episode, check_space, leaves};

const ACTION: &str = "action";
const REWARD: &str = "reward";
const TERMINATED: &str = "terminated";
const TRUNCATED: &str = "truncated";
const STEP_IDX: &str = "step_idx";
const SEED: &str = "seed";

/// What columns cannot tell, kept as JSON beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    pub obs: Space,
    pub action: Space,
    pub fps: Option<f32>,
    pub env: String,
    pub policy: String,
}

/// Columns that are no observation of the agent: what it did and got, clocks, names of episodes.
const BOOKKEEPING: &[&str] = &[
    ACTION,
    REWARD,
    TERMINATED,
    TRUNCATED,
    STEP_IDX,
    SEED,
    "id",
    "ep_idx",
    "ep_len",
    "ep_offset",
    "episode_idx",
    "render_time",
    "success",
];

/// How columns start that hold what an environment varied; Lance has no dots in names.
const VARIATION: &[&str] = &["variation.", "variation_"];

/// Columns of one episode by name.
pub(crate) type Rows = BTreeMap<String, Column>;

/// Where the rows of an episode start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the reset.
    Reset,
    /// With what the first step led to, as 0.1.1 writes them.
    FirstStep,
    /// Nothing says.
    Unknown,
}

impl Start {
    /// Tells from the columns `step_idx` and `action` of an episode, where they are there.
    ///
    /// # Errors
    /// If actions were not moved up: the first row has none, so that rows are aligned in another way than here.
    pub fn of(rows: &Rows) -> Result<Self> {
        let ends = rows.get(ACTION).filter(|actions| actions.len() > 1);
        let ends = ends.map(|actions| (is_no_action(actions, 0), is_no_action(actions, actions.len() - 1)));
        let idx = rows.get(STEP_IDX).and_then(|column| column.ints(0));
        match (ends, idx.as_deref()) {
            (Some((true, _)), _) => {
                Err(Error::invalid("expected an action in the first row, got not-a-number")
                    .hint("rows must hold the action taken on seeing them, as stable-worldmodel writes them"))
            }
            (_, Some([0])) | (Some((_, true)), None) => Ok(Start::Reset),
            (_, Some(_)) => Ok(Start::FirstStep),
            (_, None) => Ok(Start::Unknown),
        }
    }

    /// What a user must know of it, for [`SourceInfo::notes`](super::SourceInfo::notes).
    pub fn note(self) -> Option<String> {
        let note = match self {
            Start::Reset => return None,
            Start::FirstStep => {
                "stable-worldmodel 0.1.1 dropped the reset frame of every episode (its issue 293): episodes start after \
                 their first step, and the action in the last row, which is the one of that step, was left out"
            }
            Start::Unknown => {
                "nothing says whether the reset frame of each episode was recorded (stable-worldmodel 0.1.1 drops it); \
                 the action in the last row of each episode was left out"
            }
        };
        Some(note.to_owned())
    }
}

/// Which columns make up observations and actions.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub obs: Space,
    pub action: Space,
    parts: Vec<Leaf>,
    /// The column of each part.
    names: Vec<String>,
    others: Vec<String>,
    left_out: Vec<String>,
}

impl Layout {
    /// Chooses among `columns`. `n_actions` is one more than the largest action, where actions are whole numbers.
    ///
    /// # Errors
    /// If a chosen column does not exist, or there is no action or no observation.
    pub fn infer(
        columns: &BTreeMap<String, Schema>,
        n_actions: Option<usize>,
        options: &ReadOptions,
    ) -> Result<Self> {
        let action =
            columns.get(ACTION).ok_or_else(|| Error::invalid("expected a column `action`, found none"))?;
        let names = chosen(columns, options)?;
        // Each number needs its bounds, and without rows a file can name any number of them.
        let wide = names.iter().map(String::as_str).chain([ACTION]).map(|name| columns[name].n_bounds());
        let n_bounds = wide.fold(0, usize::saturating_add);
        if n_bounds > MOST_NUMBERS {
            let why = format!("expected at most {MOST_NUMBERS} numbers in a row, got {n_bounds}");
            return Err(Error::new(ErrorKind::Corrupt, why));
        }
        let action = match n_actions {
            Some(n) if action.kind == Kind::Ints && action.shape.is_empty() => Space::Discrete { n },
            _ => action.space(),
        };
        let obs = match names.as_slice() {
            [] => return Err(Error::invalid("expected a column of observations, found none")),
            [name] => columns[name].space(),
            _ => Space::Dict(names.iter().map(|name| (name.clone(), columns[name].space())).collect()),
        };
        Self::build(columns, obs, action, names)
    }

    /// The columns of [`Layout::columns_of`] these spaces; `None` if `columns` are not those.
    pub fn known(columns: &BTreeMap<String, Schema>, obs: &Space, action: &Space) -> Option<Self> {
        let same = |(name, space): &(String, Space)| {
            let kind = Column::of(&[], space).ok().map(|column| column.cells.kind());
            columns.get(name).is_some_and(|there| there.shape == row_shape(space) && Some(there.kind) == kind)
        };
        [obs, action].into_iter().try_for_each(check_space).ok()?;
        let written = Self::columns_of(obs, action).ok()?;
        let (_, parts) = written.split_last()?;
        let names = parts.iter().map(|(name, _)| name.clone()).collect();
        written.iter().all(same).then(|| Self::build(columns, obs.clone(), action.clone(), names).ok())?
    }

    fn build(
        columns: &BTreeMap<String, Schema>,
        obs: Space,
        action: Space,
        names: Vec<String>,
    ) -> Result<Self> {
        let parts = leaves(&obs, "", "")?;
        let others = [ACTION, REWARD, TERMINATED, TRUNCATED, STEP_IDX, SEED];
        let others = others.iter().filter(|name| columns.contains_key(**name)).map(|name| (*name).to_owned());
        let left_out =
            columns.keys().filter(|name| !names.contains(name) && !BOOKKEEPING.contains(&name.as_str()));
        Ok(Self {
            others: others.collect(),
            left_out: left_out.cloned().collect(),
            parts,
            names,
            obs,
            action,
        })
    }

    /// Names and spaces of the columns that hold episodes of these spaces, that of actions last. Parts of parts are
    /// joined with a dot; an observation without parts is `pixels` or `observation`.
    ///
    /// # Errors
    /// If an action has parts, a part is text, or two columns get one name.
    pub fn columns_of(obs: &Space, action: &Space) -> Result<Vec<(String, Space)>> {
        let root = if matches!(obs, Space::Image { .. }) { "pixels" } else { "observation" };
        let mut columns: Vec<(String, Space)> = leaves(obs, root, "")?
            .into_iter()
            .map(|leaf| (leaf.name.replace('/', "."), leaf.space))
            .collect();
        columns.push((ACTION.to_owned(), action.clone()));
        for (idx, (name, space)) in columns.iter().enumerate() {
            let is_action = idx + 1 == columns.len();
            let taken = !is_action && BOOKKEEPING.contains(&name.as_str());
            if taken || columns[..idx].iter().any(|(other, _)| other == name) {
                return Err(Error::invalid(format!("expected parts of other names, got `{name}`"))
                    .hint("stable-worldmodel's columns share one list of names"));
            }
            if matches!(space, Space::Text { .. } | Space::Dict(_)) {
                return Err(Error::invalid(format!(
                    "expected `{name}` to be numbers or pictures, got {space}"
                ))
                .hint("stable-worldmodel's columns hold nothing else"));
            }
        }
        Ok(columns)
    }

    /// The columns that [`Layout::episode`] wants.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.names.iter().chain(&self.others).map(String::as_str)
    }

    /// What a user must know of the choice.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.left_out.is_empty() {
            notes.push(format!("left out columns `{}`; ask for them by name", self.left_out.join("`, `")));
        }
        if !self.others.iter().any(|name| name == REWARD) {
            notes.push("there is no column `reward`: rewards are 0".to_owned());
        }
        notes
    }

    /// The episode that `rows` hold, whose columns lie in files by name. Rewards that are not a number count as 0.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if columns are missing, of different lengths or of other types, or an action that was taken is
    /// not a number; names the column's file.
    pub fn episode(
        &self,
        rows: &Rows,
        mut meta: EpisodeMeta,
        file: &dyn Fn(&str) -> PathBuf,
    ) -> Result<Episode> {
        let corrupt = |name: &str, why: String| Error::corrupt(&file(name), why);
        let column = |name: &str| {
            rows.get(name).ok_or_else(|| corrupt(name, format!("expected a column `{name}`, found none")))
        };
        let actions = column(ACTION)?;
        let n = actions.len();
        if n == 0 {
            return Err(corrupt(ACTION, "expected an episode of at least one row, got none".to_owned()));
        }
        if let Some((name, other)) = rows.iter().find(|(_, other)| other.len() != n) {
            return Err(corrupt(name, format!("expected {n} rows of `{name}`, got {}", other.len())));
        }
        if let Some(seed) = rows.get(SEED).and_then(|column| column.ints(0)).filter(|seed| seed.len() == 1) {
            meta.seed = Seed(seed[0].cast_unsigned());
        }
        let shape =
            |name: &str, row: usize, err: Error| corrupt(name, format!("row {row} of `{name}`: {err}"));
        let end = self.end(rows, n - 1);
        let mut episode = Episode { obs: Vec::new(), actions: Vec::new(), rewards: Vec::new(), end, meta };
        for row in 0..n {
            let mut obs = Value::Dict(BTreeMap::new());
            for (leaf, name) in self.parts.iter().zip(&self.names) {
                let part = column(name)?.value(row, &leaf.space).map_err(|err| shape(name, row, err))?;
                leaf.put(&mut obs, part);
            }
            episode.obs.push(obs);
        }
        for row in 0..n - 1 {
            if is_no_action(actions, row) {
                let why = format!("expected an action in row {row} of {n}, got not-a-number");
                return Err(corrupt(ACTION, why));
            }
            episode.actions.push(actions.value(row, &self.action).map_err(|err| shape(ACTION, row, err))?);
        }
        for row in 1..n {
            let reward = rows.get(REWARD).and_then(|rewards| rewards.numbers(row)).unwrap_or_default();
            episode.rewards.push(reward.first().copied().filter(|reward| reward.is_finite()).unwrap_or(0.0));
        }
        Ok(episode)
    }

    fn end(&self, rows: &Rows, last: usize) -> StepKind {
        let flag =
            |name: &str| rows.get(name).and_then(|flags| flags.ints(last)).is_some_and(|flag| flag == [1]);
        match (flag(TERMINATED), flag(TRUNCATED)) {
            (true, _) => StepKind::Terminated,
            (false, true) => StepKind::Truncated,
            (false, false) => StepKind::Mid,
        }
    }
}

/// The columns of `episode`, as the version after 0.1.1 records them: a row for the reset and one for each step. The last
/// row has no action: not-a-number, or among choices the last one again.
///
/// # Errors
/// As [`Layout::columns_of`], and if the episode does not fit the spaces.
pub(crate) fn rows(episode: &Episode, obs: &Space, action: &Space) -> Result<Vec<(String, Column)>> {
    check_episode(episode, obs, action)?;
    let n = episode.obs.len();
    let mut columns = Vec::new();
    let names = Layout::columns_of(obs, action)?;
    for (leaf, (name, space)) in leaves(obs, "", "")?.iter().zip(names) {
        let values: Option<Vec<&Value>> = episode.obs.iter().map(|value| leaf.find(value)).collect();
        columns.push((name, Column::of(&values.unwrap_or_default(), &space)?));
    }
    columns.push((
        ACTION.to_owned(),
        moved_up(Column::of(&episode.actions.iter().collect::<Vec<_>>(), action)?),
    ));
    let rewards: Vec<f32> = std::iter::once(f32::NAN).chain(episode.rewards.iter().copied()).collect();
    let flags = |kind: StepKind| (0..n).map(|row| row + 1 == n && episode.end == kind).collect();
    let (terminated, truncated) = (flags(StepKind::Terminated), flags(StepKind::Truncated));
    columns.extend(told(rewards, terminated, truncated, episode.meta.seed.0));
    Ok(columns)
}

/// The columns that every data set has.
fn told(rewards: Vec<f32>, terminated: Vec<bool>, truncated: Vec<bool>, seed: u64) -> [(String, Column); 5] {
    let n = rewards.len();
    [
        (REWARD, Cells::Floats(rewards)),
        (TERMINATED, Cells::Bools(terminated)),
        (TRUNCATED, Cells::Bools(truncated)),
        (STEP_IDX, Cells::Ints((0..n as i64).collect())),
        (SEED, Cells::Ints(vec![seed.cast_signed(); n])),
    ]
    .map(|(name, cells)| (name.to_owned(), Column { width: 1, cells }))
}

/// The columns of no episode at all.
///
/// # Errors
/// As [`Layout::columns_of`].
pub(crate) fn no_rows(obs: &Space, action: &Space) -> Result<Vec<(String, Column)>> {
    let columns = Layout::columns_of(obs, action)?;
    let mut columns: Vec<_> = columns
        .into_iter()
        .map(|(name, space)| Ok((name, Column::of(&[], &space)?)))
        .collect::<Result<_>>()?;
    columns.extend(told(Vec::new(), Vec::new(), Vec::new(), 0));
    Ok(columns)
}

/// Actions with a row more, which is none.
fn moved_up(mut actions: Column) -> Column {
    let width = actions.width;
    match &mut actions.cells {
        Cells::Floats(cells) => cells.extend(std::iter::repeat_n(f32::NAN, width)),
        Cells::Ints(cells) => match cells.len().checked_sub(width) {
            Some(last) => cells.extend_from_within(last..),
            None => cells.resize(width, 0),
        },
        Cells::Bytes(cells) => cells.resize(cells.len() + width, 0),
        Cells::Bools(_) | Cells::Texts(_) | Cells::Pictures(_) => {}
    }
    actions
}

/// The row that `World.collect` leaves where no action was: not-a-number, which among whole numbers becomes the least.
fn is_no_action(actions: &Column, row: usize) -> bool {
    match &actions.cells {
        Cells::Ints(_) => actions.ints(row).is_some_and(|row| row.contains(&i64::MIN)),
        _ => actions.numbers(row).is_some_and(|row| row.iter().any(|x| x.is_nan())),
    }
}

/// The observation columns that were asked for, or all that look like the agent's.
fn chosen(columns: &BTreeMap<String, Schema>, options: &ReadOptions) -> Result<Vec<String>> {
    let of_agent = |(name, schema): &(&String, &Schema)| {
        !BOOKKEEPING.contains(&name.as_str())
            && !name.starts_with("goal")
            && !VARIATION.iter().any(|start| name.starts_with(start))
            && !name.starts_with('_')
            && schema.kind != Kind::Texts
    };
    if options.columns.is_empty() {
        return Ok(columns.iter().filter(of_agent).map(|(name, _)| name.clone()).collect());
    }
    for name in &options.columns {
        if !columns.contains_key(name) {
            return Err(Error::unknown("column", name, columns.keys().map(String::as_str), SEE_COLUMNS));
        }
    }
    let mut names = options.columns.clone();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The rows that `steps` of an episode need: one more than steps, since the last leads to an observation.
pub(super) fn rows_of(episode: &Range<u64>, steps: &Range<usize>) -> Result<Range<u64>> {
    let n = (episode.end - episode.start).saturating_sub(1);
    if steps.start > steps.end || steps.end as u64 > n {
        return Err(Error::invalid(format!("expected steps within 0..{n}, got {steps:?}")));
    }
    Ok(episode.start + steps.start as u64..episode.start + steps.end as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_rows_that_name_sizes_no_memory_holds_are_refused() {
        let schema = |kind, shape: &[usize]| Schema { kind, shape: shape.to_vec() };
        let infer = |action: &Schema, seen: &Schema| {
            let columns = [(ACTION, action), ("seen", seen)].map(|(name, it)| (name.to_owned(), it.clone()));
            Layout::infer(&columns.into(), None, &ReadOptions::default())
        };
        let plain = schema(Kind::Floats, &[2]);
        assert!(infer(&plain, &plain).is_ok());
        assert!(infer(&plain, &schema(Kind::Bytes, &[4096, 4096, 3])).is_ok(), "a picture");
        for lie in [
            schema(Kind::Floats, &[1 << 45]),
            schema(Kind::Floats, &[usize::MAX, 2]),
            schema(Kind::Bytes, &[1 << 40, 1 << 20]),
            schema(Kind::Bytes, &[usize::MAX, 16, 3]),
        ] {
            for (action, seen) in [(&lie, &plain), (&plain, &lie)] {
                assert_eq!(infer(action, seen).unwrap_err().kind(), ErrorKind::Corrupt, "{lie:?}");
            }
        }
    }
}
