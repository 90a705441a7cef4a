//! Spaces laid out as columns of numbers, and the file that may declare them.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use worldsmith_core::{Error, Result, Space, Value, nearest};

use super::table::{Cell, Table};
use crate::formats::choice::Choice;
use crate::leaf::{Leaf, leaves};

/// The file that spares readers the look through all tables. All of it is optional.
pub(super) const FILE: &str = "worldsmith.json";
/// What a picture is called beside numbers.
pub(super) const PICTURE: &str = "image";
/// The column of the action, and the start of the names of several.
pub(super) const ACTION: &str = "action";

/// `worldsmith.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    /// Space of the observations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obs: Option<Space>,
    /// Space of the actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Space>,
    /// Names of the choices, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// Frames a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f32>,
}

impl Declared {
    /// Reads the file in `dir`; nothing is declared if there is none.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        if !path.is_file() {
            return Ok(Self::default());
        }
        let bytes = fs::read(&path).map_err(|err| Error::io("read data set", &path, &err))?;
        let declared: Self = serde_json::from_slice(&bytes)
            .map_err(|err| Error::corrupt(&path, format!("cannot read: {err}")))?;
        for space in declared.obs.iter().chain(&declared.action) {
            check_bounds(space).map_err(|err| err.at(&path))?;
        }
        Ok(declared)
    }
}

/// Bounds that a file names have as many numbers as the shape says.
fn check_bounds(space: &Space) -> Result<()> {
    for leaf in leaves(space, "", "")? {
        if let Space::Box { shape, low, high } = &leaf.space {
            let n = shape.iter().try_fold(1usize, |n, side| n.checked_mul(*side));
            if n != Some(low.len()) || n != Some(high.len()) {
                return Err(Error::invalid(format!(
                    "expected bounds for {shape:?}, got {} and {}",
                    low.len(),
                    high.len()
                )));
            }
        }
    }
    Ok(())
}

/// A leaf of a space and the columns that its numbers stand in.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its place in the whole.
    pub leaf: Leaf,
    /// A column a number.
    pub columns: Vec<String>,
}

impl Part {
    /// The columns that a leaf called `name` is written to: `name`, or `name.0`, `name.1` and so on.
    ///
    /// # Errors
    /// If it cannot stand in a table.
    pub fn named(name: &str, leaf: Leaf) -> Result<Self> {
        let n = match &leaf.space {
            Space::Discrete { .. } => 1,
            Space::MultiDiscrete { nvec } => nvec.len(),
            Space::Box { low, .. } => low.len(),
            other => {
                return Err(Error::invalid(format!(
                    "expected numbers in a table, got {other} called `{name}`"
                )));
            }
        };
        let columns = match n {
            1 => vec![name.to_owned()],
            n => (0..n).map(|i| format!("{name}.{i}")).collect(),
        };
        Ok(Self { leaf, columns })
    }

    /// The value in row `row`; words are numbered by their place in `words`.
    ///
    /// # Errors
    /// If a cell does not hold what it should; names row and column.
    pub fn value(&self, table: &Table, row: usize, words: &[String]) -> Result<Value> {
        let wrong = |column: &str, what: String| {
            let got = table.cell(column, row).show();
            Error::invalid(format!("expected {what} in row {row} of `{column}`, got {got}"))
        };
        let mut numbers = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            numbers.push(match table.cell(column, row) {
                Cell::Number(number) => *number,
                Cell::Word(word) if !words.is_empty() => match words.iter().position(|known| known == word) {
                    Some(at) => at as f64,
                    None => return Err(unknown_action(word, words, row)),
                },
                _ => return Err(wrong(column, "a number".to_owned())),
            });
        }
        let whole = |n: usize, i: usize| {
            let number = numbers[i];
            match number.fract() == 0.0 && number >= 0.0 && number < n as f64 {
                true => Ok(number as i64),
                false => Err(wrong(&self.columns[i], format!("one of 0 to {}", n.saturating_sub(1)))),
            }
        };
        Ok(match &self.leaf.space {
            Space::Discrete { n } => Value::Discrete(whole(*n, 0)?),
            Space::MultiDiscrete { nvec } => {
                let choices = nvec.iter().enumerate().map(|(i, n)| whole(*n, i));
                Value::MultiDiscrete(choices.collect::<Result<_>>()?)
            }
            Space::Box { shape, .. } => {
                Value::Array { shape: shape.clone(), data: numbers.iter().map(|x| *x as f32).collect() }
            }
            _ => unreachable!("`Part::named` lets only numbers into tables"),
        })
    }
}

fn unknown_action(word: &str, words: &[String], row: usize) -> Error {
    let near = nearest(word, words.iter().map(String::as_str));
    let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
    Error::invalid(format!("expected a known action in row {row}, got `{word}`"))
        .hint(format!("{near}known are {}", words.join(", ")))
}

/// The parts of an action space in a table.
///
/// # Errors
/// If it holds what a table cannot.
pub(super) fn action_parts(space: &Space) -> Result<Vec<Part>> {
    let found = leaves(space, ACTION, "action.")?;
    found.into_iter().map(|leaf| Part::named(&leaf.name.clone(), leaf)).collect()
}

/// The parts of an observation beside its one picture. The name and place of the picture come first.
///
/// # Errors
/// If there is not exactly one picture, or something that a table cannot hold.
pub(super) fn obs_parts(choice: &Choice) -> Result<(Option<Leaf>, Vec<Part>)> {
    let (mut picture, mut numbers) = (None, Vec::new());
    for (name, leaf) in &choice.parts {
        match &leaf.space {
            Space::Image { .. } if picture.is_none() => picture = Some(leaf.clone()),
            Space::Image { .. } => {
                return Err(Error::invalid(format!(
                    "expected one picture a frame, got a second one called `{name}`"
                )));
            }
            _ => numbers.push(Part::named(name, leaf.clone())?),
        }
    }
    Ok((picture, numbers))
}
