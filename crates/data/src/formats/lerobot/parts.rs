//! The columns of a data set that is being written, and how an episode fills them.

use arrow_array::ArrayRef;
use worldsmith_core::{Episode, Error, Image, Result, Space, StepKind, Value};

use super::arrays::{Cell, Scalar, flatten};
use super::own;
use super::stats::{self, Stats};
use super::{DONE, EPISODE_INDEX, FRAME_INDEX, INDEX, REWARD, TASK_INDEX, TIMESTAMP, TRUNCATED};
use crate::formats::SinkSpec;
use crate::leaf::Leaf;

/// A column that tells one number of a row.
type Told = (&'static str, Scalar, fn(&Row) -> f64);

/// One column.
pub(super) struct Part {
    /// Name of the feature.
    pub name: String,
    /// What it holds.
    pub cell: Cell,
    from: From,
}

/// Where the values of a column come from.
enum From {
    /// A part of the observations.
    Obs(Leaf),
    /// A part of the actions; the value stands where there is no action at all.
    Action(Leaf, Value),
    /// What else a row says.
    Row(fn(&Row) -> f64),
}

/// What a row says beside observation and action.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    reward: f32,
    done: bool,
    truncated: bool,
    secs: f64,
    frame: usize,
    episode: usize,
    index: usize,
    task: usize,
}

/// Where an episode stands among the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Its number.
    pub episode: usize,
    /// Number of its first row.
    pub first_row: usize,
    /// Number of its task.
    pub task: usize,
    /// Rows a second.
    pub fps: f64,
}

/// The columns for episodes of these spaces, as the head of this format describes them.
///
/// # Errors
/// If the format has no place for a part.
pub(super) fn parts(spec: &SinkSpec) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    for (name, leaf) in own::obs_leaves(&spec.obs)? {
        let cell = Cell::of(&leaf.space, spec.video).map_err(|err| named(&name, &err))?;
        parts.push(Part { name, cell, from: From::Obs(leaf) });
    }
    for (name, leaf) in own::action_leaves(&spec.action)? {
        let cell = Cell::of(&leaf.space, false).map_err(|err| named(&name, &err))?;
        if !matches!(cell, Cell::Numbers(..)) {
            return Err(Error::invalid(format!(
                "expected actions to be numbers or choices, got {}",
                leaf.space
            )));
        }
        let idle = idle(&leaf.space);
        parts.push(Part { name, cell, from: From::Action(leaf, idle) });
    }
    let rows: [Told; 8] = [
        (REWARD, Scalar::Float, |row| f64::from(row.reward)),
        (DONE, Scalar::Bool, |row| f64::from(u8::from(row.done))),
        (TRUNCATED, Scalar::Bool, |row| f64::from(u8::from(row.truncated))),
        (TIMESTAMP, Scalar::Float, |row| row.secs),
        (FRAME_INDEX, Scalar::Int, |row| row.frame as f64),
        (EPISODE_INDEX, Scalar::Int, |row| row.episode as f64),
        (INDEX, Scalar::Int, |row| row.index as f64),
        (TASK_INDEX, Scalar::Int, |row| row.task as f64),
    ];
    parts.extend(rows.map(|(name, scalar, of)| Part {
        name: name.to_owned(),
        cell: Cell::Numbers(scalar, vec![1]),
        from: From::Row(of),
    }));
    Ok(parts)
}

/// The rows of an episode: one for each observation.
pub(super) fn rows(episode: &Episode, standing: Standing) -> Vec<Row> {
    let n = episode.len();
    let row = |frame: usize| {
        let is_last = frame + 1 >= n;
        Row {
            reward: episode.rewards.get(frame).copied().unwrap_or(0.0),
            done: is_last && episode.end.is_last(),
            truncated: is_last && episode.end == StepKind::Truncated,
            secs: frame as f64 / standing.fps,
            frame,
            episode: standing.episode,
            index: standing.first_row + frame,
            task: standing.task,
        }
    };
    (0..=n).map(row).collect()
}

impl Part {
    /// The column of some rows of an episode, which follow each other.
    ///
    /// # Errors
    /// If a picture cannot be encoded.
    pub fn column(&self, episode: &Episode, rows: &[Row]) -> Result<ArrayRef> {
        match (&self.from, &self.cell) {
            (From::Row(_), Cell::Numbers(scalar, shape)) => {
                Ok(scalar.column(&self.numbers(episode, rows), shape))
            }
            _ => self.cell.column(&self.values(episode, rows), rows.first().map_or(0, |row| row.frame)),
        }
    }

    /// Statistics over all rows of an episode; `None` for text.
    pub fn stats(&self, episode: &Episode, rows: &[Row]) -> Option<Stats> {
        let (scalar, shape) = stats::shape(&self.cell)?;
        Some(match self.cell {
            Cell::Numbers(..) => Stats::of_numbers(&self.numbers(episode, rows), scalar, &shape),
            _ => Stats::of_pictures(&self.pictures(episode, rows)),
        })
    }

    /// The pictures of this column.
    pub fn pictures<'a>(&'a self, episode: &'a Episode, rows: &[Row]) -> Vec<&'a Image> {
        self.values(episode, rows).into_iter().filter_map(Value::image).collect()
    }

    fn numbers(&self, episode: &Episode, rows: &[Row]) -> Vec<f64> {
        if let From::Row(of) = self.from {
            return rows.iter().map(of).collect();
        }
        let mut numbers = Vec::new();
        self.values(episode, rows).into_iter().for_each(|value| flatten(value, &mut numbers));
        numbers
    }

    /// The part's value of each row; the last row repeats the last action.
    fn values<'a>(&'a self, episode: &'a Episode, rows: &[Row]) -> Vec<&'a Value> {
        let last = episode.len().saturating_sub(1);
        let value = |row: &Row| match &self.from {
            From::Obs(leaf) => leaf.find(episode.obs.get(row.frame)?),
            From::Action(leaf, idle) => Some(
                episode.actions.get(row.frame.min(last)).and_then(|action| leaf.find(action)).unwrap_or(idle),
            ),
            From::Row(_) => None,
        };
        rows.iter().filter_map(value).collect()
    }
}

/// What stands for the action of an episode that has none.
fn idle(space: &Space) -> Value {
    match space {
        Space::Box { shape, low, .. } => Value::Array { shape: shape.clone(), data: vec![0.0; low.len()] },
        Space::MultiDiscrete { nvec } => Value::MultiDiscrete(vec![0; nvec.len()]),
        _ => Value::Discrete(0),
    }
}

fn named(name: &str, err: &Error) -> Error {
    Error::new(err.kind(), format!("feature `{name}`: {err}"))
}
