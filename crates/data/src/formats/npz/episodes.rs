//! Where episodes start and end in their arrays, and how their rows become steps.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, EpisodeMeta, Error, ErrorKind, Result, Seed, Space, StepKind, Value};

use super::roles::{Roles, Rows};
use super::{ACTION, NOTE, Note, OBS};
use crate::formats::choice::Choice;
use crate::formats::column::{Cells, Column, Kind};
use crate::formats::look::Look;
use crate::npz::Npz;

/// Episodes whose actions are looked at to tell which row they belong to.
const N_TELL: usize = 8;
/// Whole numbers below this are choices.
const MOST_CHOICES: i64 = 1 << 16;

type Places = Vec<(usize, Option<Range<usize>>)>;

/// Finds the episodes in all files, the action space, and whether actions come before or after their row.
pub(super) fn look_through(files: &[PathBuf], roles: &mut Roles) -> Result<(Places, Space)> {
    let mut places = Vec::new();
    let mut actions = Actions::default();
    let mut tell = (0, 0);
    for (idx, path) in files.iter().enumerate() {
        let mut npz = Npz::open(path)?;
        let found = Roles::of(&npz.arrays).map_err(|err| err.at(path))?;
        if (&found.obs, &found.action) != (&roles.obs, &roles.action) {
            return Err(Error::corrupt(path, "expected the arrays of the first file, got others"));
        }
        let episodes = split(&mut npz, roles).map_err(|err| err.at(path))?;
        Look::guess(&roles.action, &npz.arrays[&roles.action].schema()).map_err(|err| err.at(path))?;
        let column = npz.all(&roles.action)?;
        actions.add(&column, npz.arrays[&roles.action].shape.get(1..).unwrap_or_default(), roles.arrive());
        for rows in episodes.iter().filter(|rows| rows.len() > 1).take(N_TELL) {
            tell.0 += usize::from(is_zero(&column, rows.start));
            tell.1 += usize::from(is_zero(&column, rows.end - 1));
        }
        places.extend(episodes.into_iter().map(|rows| (idx, Some(rows))));
    }
    // Only an action that was not taken is all zeros at one end of every episode.
    if roles.rows == Rows::ActionAfter && tell.0 > tell.1 {
        roles.rows = Rows::ActionBefore;
    }
    Ok((places, actions.space()))
}

fn is_zero(column: &Column, row: usize) -> bool {
    column.numbers(row).is_some_and(|row| row.iter().all(|x| *x == 0.0))
}

/// What all actions have in common.
#[derive(Debug, Default)]
struct Actions {
    shape: Vec<usize>,
    whole: bool,
    one_hot: bool,
    least: i64,
    largest: i64,
    n: usize,
}

impl Actions {
    fn add(&mut self, column: &Column, shape: &[usize], dreamer: bool) {
        if self.n == 0 {
            self.shape = shape.to_vec();
            self.whole = column.width == 1 && column.cells.kind() != Kind::Floats;
            self.one_hot = dreamer && column.width > 1 && shape.len() == 1;
        }
        self.n += 1;
        if self.whole {
            for int in (0..column.len()).filter_map(|row| column.ints(row)).flatten() {
                (self.least, self.largest) = (self.least.min(int), self.largest.max(int));
            }
        }
        self.one_hot &= (0..column.len()).filter_map(|row| column.numbers(row)).all(|row| {
            let n_set = row.iter().filter(|x| **x == 1.0).count();
            n_set <= 1 && row.iter().filter(|x| **x == 0.0).count() == row.len() - n_set
        });
    }

    fn space(&self) -> Space {
        match self.shape.as_slice() {
            [n] if self.one_hot => Space::Discrete { n: *n },
            _ if self.whole && self.least >= 0 && self.largest < MOST_CHOICES => {
                Space::Discrete { n: self.largest as usize + 1 }
            }
            shape => {
                let shape = if shape.is_empty() { vec![1] } else { shape.to_vec() };
                let n = shape.iter().product();
                Space::Box { low: vec![f32::NEG_INFINITY; n], high: vec![f32::INFINITY; n], shape }
            }
        }
    }
}

/// The rows of actions of each episode in one file.
fn split(npz: &mut Npz, roles: &Roles) -> Result<Vec<Range<usize>>> {
    let n = npz.arrays[&roles.action].n_rows();
    let bad =
        |what: &str| Error::new(ErrorKind::Corrupt, format!("expected {what} within {n} rows, got others"));
    let ends = |npz: &mut Npz, name: &str| -> Result<Option<Vec<i64>>> {
        match npz.arrays.contains_key(name) {
            true => Ok(Some(ints(&npz.all(name)?))),
            false => Ok(None),
        }
    };
    let mut stops: Vec<usize> = Vec::new();
    if let Some(ends) = ends(npz, "episode_ends")? {
        stops = ends
            .into_iter()
            .map(usize::try_from)
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| bad("ends"))?;
    } else if let Some(lens) = ends(npz, "ep_len")? {
        let mut at = 0usize;
        for len in lens {
            at = usize::try_from(len)
                .ok()
                .and_then(|len| at.checked_add(len))
                .ok_or_else(|| bad("lengths"))?;
            stops.push(at);
        }
    } else if roles.rows == Rows::Closed {
        return Ok(std::iter::once(0..n).collect());
    } else if let Some(first) = &roles.first {
        let first = npz.all(first)?;
        stops.extend((1..n).filter(|row| first.ints(*row).is_some_and(|flag| flag != [0])));
        stops.push(n);
    } else {
        for name in roles.flags() {
            let flags = npz.all(name)?;
            stops.extend(
                (0..n).filter(|row| flags.ints(*row).is_some_and(|flag| flag == [1])).map(|row| row + 1),
            );
        }
        stops.push(n);
        stops.sort_unstable();
        stops.dedup();
    }
    let starts = std::iter::once(0).chain(stops.iter().copied());
    let rows: Vec<Range<usize>> = starts.zip(&stops).map(|(start, stop)| start..*stop).collect();
    if rows.iter().any(|rows| rows.start > rows.end || rows.end > n) {
        return Err(bad("episodes"));
    }
    Ok(rows.into_iter().filter(|rows| !rows.is_empty()).collect())
}

fn ints(column: &Column) -> Vec<i64> {
    (0..column.len()).filter_map(|row| column.ints(row)).flatten().collect()
}

/// Reads episodes from their rows.
pub(super) struct Reader {
    roles: Roles,
    looks: BTreeMap<String, Look>,
    pub obs: Choice,
    actions: Choice,
    one_hot: bool,
    noted: bool,
}

impl Reader {
    /// For files of our own.
    ///
    /// # Errors
    /// If a chosen column is not there.
    pub fn noted(note: &Note, wanted: &[String]) -> Result<Self> {
        let obs = Choice::new(&note.obs, OBS, wanted)?;
        let actions = Choice::prefixed(&note.action, ACTION)?;
        let roles = Roles {
            action: actions.parts.first().map_or(ACTION.to_owned(), |(name, _)| name.clone()),
            reward: Some("reward".to_owned()),
            terminated: None,
            truncated: None,
            done: None,
            first: None,
            next: BTreeMap::new(),
            obs: obs.parts.iter().map(|(name, _)| name.clone()).collect(),
            rows: Rows::Closed,
        };
        Ok(Self { roles, looks: BTreeMap::new(), obs, actions, one_hot: false, noted: true })
    }

    /// For files of others.
    ///
    /// # Errors
    /// Never for action spaces that were found in a file.
    pub fn found(roles: Roles, looks: BTreeMap<String, Look>, obs: Choice, action: &Space) -> Result<Self> {
        let actions = Choice::prefixed(action, &roles.action)?;
        Ok(Self { roles, looks, obs, actions, one_hot: true, noted: false })
    }

    /// Reads `steps`, or all, of the episode in `rows` of actions, or of the only one in the file.
    pub fn read(
        &self,
        npz: &mut Npz,
        rows: Option<Range<usize>>,
        steps: Option<Range<usize>>,
        path: &Path,
    ) -> Result<Episode> {
        let note = if self.noted { Some(Note::read(npz, path)?) } else { None };
        let n_rows = npz.arrays.get(&self.roles.action).map_or(0, |header| header.n_rows());
        let rows = rows.unwrap_or(0..n_rows);
        let n = match self.roles.rows {
            Rows::Closed | Rows::WithNext => rows.len(),
            _ => rows.len().saturating_sub(1),
        };
        let steps = steps.unwrap_or(0..n);
        if steps.start > steps.end || steps.end > n {
            return Err(Error::invalid(format!("expected steps within 0..{n}, got {steps:?}")));
        }
        let taken = rows.start + steps.start..rows.start + steps.end;
        let obs = self.observations(npz, taken.clone(), taken.end < rows.end)?;
        let later = usize::from(self.roles.rows == Rows::ActionBefore);
        let actions = self.actions(npz, taken.start + later..taken.end + later)?;
        let later = usize::from(self.roles.arrive());
        let rewards = self.rewards(npz, taken.start + later..taken.end + later)?;
        let (end, meta) = match note {
            Some(note) => (note.end, note.meta),
            None => (self.end(npz, &rows, n)?, stranger()),
        };
        Ok(Episode { obs, actions, rewards, end: if steps.end < n { StepKind::Mid } else { end }, meta })
    }

    /// What was seen from the first of `rows` on, and after the last: in the next row if there is one.
    fn observations(&self, npz: &mut Npz, rows: Range<usize>, has_next_row: bool) -> Result<Vec<Value>> {
        let stored = self.roles.rows != Rows::WithNext || has_next_row;
        let seen = rows.start..rows.end + usize::from(stored);
        let mut columns = BTreeMap::new();
        for (name, _) in &self.obs.parts {
            columns.insert(name.clone(), self.column(npz, name, name, seen.clone())?);
        }
        let mut obs = self.obs.values(&columns, seen.len(), &|_| npz.path().to_owned())?;
        if !stored {
            let last = rows.end.saturating_sub(1)..rows.end;
            let mut columns = BTreeMap::new();
            for (name, _) in &self.obs.parts {
                let next = self.roles.next.get(name).unwrap_or(name);
                columns.insert(name.clone(), self.column(npz, name, next, last.clone())?);
            }
            obs.extend(self.obs.values(&columns, last.len(), &|_| npz.path().to_owned())?);
        }
        Ok(obs)
    }

    /// Rows of `array`, as the column `name` looks.
    fn column(&self, npz: &mut Npz, name: &str, array: &str, rows: Range<usize>) -> Result<Column> {
        let column = npz.rows(array, rows)?;
        match self.looks.get(name) {
            Some(look) => look.apply(column),
            None => Ok(column),
        }
    }

    fn actions(&self, npz: &mut Npz, rows: Range<usize>) -> Result<Vec<Value>> {
        let mut columns = BTreeMap::new();
        for (name, leaf) in &self.actions.parts {
            let mut column = npz.rows(name, rows.clone())?;
            if self.one_hot && matches!(leaf.space, Space::Discrete { .. }) && column.width > 1 {
                column = chosen(&column)?;
            }
            columns.insert(name.clone(), column);
        }
        self.actions.values(&columns, rows.len(), &|_| npz.path().to_owned())
    }

    fn rewards(&self, npz: &mut Npz, rows: Range<usize>) -> Result<Vec<f32>> {
        let Some(name) = &self.roles.reward else { return Ok(vec![0.0; rows.len()]) };
        let column = npz.rows(name, rows.clone())?;
        let rewards = (0..rows.len()).map(|row| match column.numbers(row).as_deref() {
            Some([reward]) if reward.is_finite() => Ok(*reward),
            got => {
                Err(Error::new(ErrorKind::Corrupt, format!("expected a reward in row {row}, got {got:?}")))
            }
        });
        rewards.collect()
    }

    /// How the first `n` steps of the episode in `rows` end. Where what ended it was left out, it was cut off before.
    fn end(&self, npz: &mut Npz, rows: &Range<usize>, n: usize) -> Result<StepKind> {
        let mut flag = |name: &Option<String>, row: usize| -> Result<bool> {
            let Some(name) = name else { return Ok(false) };
            // A flag without rows is one for the whole episode.
            let n_rows = npz.arrays.get(name).map_or(0, |header| header.n_rows());
            let row = if n_rows == 1 { 0 } else { row };
            let flag = npz.rows(name, row..row + 1)?.ints(0);
            Ok(flag.is_some_and(|flag| flag.iter().any(|x| *x != 0)))
        };
        let mut kind = |row: usize| -> Result<StepKind> {
            let truncated = flag(&self.roles.truncated, row)?;
            Ok(if flag(&self.roles.terminated, row)? || (flag(&self.roles.done, row)? && !truncated) {
                StepKind::Terminated
            } else if truncated {
                StepKind::Truncated
            } else {
                StepKind::Mid
            })
        };
        if rows.is_empty() {
            return Ok(StepKind::Mid);
        }
        let last = kind(rows.end - 1)?;
        if self.roles.rows != Rows::Open {
            return Ok(last);
        }
        let answered = if n > 0 { kind(rows.start + n - 1)? } else { StepKind::Mid };
        Ok(match (answered, last) {
            (StepKind::Mid, StepKind::Mid) => StepKind::Mid,
            (StepKind::Mid, _) => StepKind::Truncated,
            (answered, _) => answered,
        })
    }
}

/// The choices of a column that has a 1 for each and zeros beside it.
fn chosen(column: &Column) -> Result<Column> {
    let choice = |row: usize| {
        let row = column.numbers(row)?;
        row.iter().position(|x| *x == 1.0).map(|at| at as i64)
    };
    let choices: Option<Vec<i64>> = (0..column.len()).map(choice).collect();
    let cells = choices
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "expected one choice a row of actions, got none"))?;
    Ok(Column { width: 1, cells: Cells::Ints(cells) })
}

/// Of arrays nothing more is known.
fn stranger() -> EpisodeMeta {
    EpisodeMeta {
        env: "npz".to_owned(),
        policy: "unknown".to_owned(),
        seed: Seed(0),
        source: "real".to_owned(),
        task: None,
    }
}

/// Names of arrays that a written observation must not have.
pub(super) const TAKEN: &[&str] = &[NOTE, "reward", "terminated", "truncated"];
