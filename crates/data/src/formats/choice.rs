//! Which columns of a data set become which part of an observation.

use std::collections::BTreeMap;
use std::path::PathBuf;

use worldsmith_core::{Error, Result, Space, Value};

use super::SEE_COLUMNS;
use super::column::Column;
use crate::leaf::{Leaf, leaves};

/// A space and the columns that its leaves are read from.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// What the columns make up together.
    pub space: Space,
    /// Name of the column and the place of its values, by the order of the leaves.
    pub parts: Vec<(String, Leaf)>,
}

impl Choice {
    /// All leaves of `space`, or those that are `wanted` by name. A leaf without a name is called `root`; one that is
    /// chosen alone is the whole observation.
    ///
    /// # Errors
    /// If a name is wanted that is not there.
    pub fn new(space: &Space, root: &str, wanted: &[String]) -> Result<Self> {
        let found = leaves(space, root, "")?;
        if wanted.is_empty() {
            let parts = found.into_iter().map(|leaf| (leaf.name.clone(), leaf)).collect();
            return Ok(Self { space: space.clone(), parts });
        }
        for name in wanted {
            if !found.iter().any(|leaf| leaf.name == *name) {
                let known = found.iter().map(|leaf| leaf.name.as_str());
                return Err(Error::unknown("column", name, known, SEE_COLUMNS));
            }
        }
        let kept: Vec<Leaf> = found.into_iter().filter(|leaf| wanted.contains(&leaf.name)).collect();
        let space = match kept.as_slice() {
            [only] => only.space.clone(),
            many => many.iter().fold(Space::Dict(BTreeMap::new()), nest),
        };
        let placed = leaves(&space, root, "")?;
        Ok(Self { parts: kept.into_iter().map(|leaf| leaf.name).zip(placed).collect(), space })
    }

    /// The same for columns that were found in a file: one column is the whole, several are a dict by their names.
    ///
    /// # Errors
    /// As [`Choice::new`].
    pub fn of_columns(columns: BTreeMap<String, Space>, wanted: &[String]) -> Result<Self> {
        let all: Vec<String> = columns.keys().cloned().collect();
        Self::new(&Space::Dict(columns), "", if wanted.is_empty() { &all } else { wanted })
    }

    /// All leaves of `space`; one without a name is called `root`, others start with it and a slash.
    ///
    /// # Errors
    /// If two leaves have one name.
    pub fn prefixed(space: &Space, root: &str) -> Result<Self> {
        let found = leaves(space, root, &format!("{root}/"))?;
        let parts = found.into_iter().map(|leaf| (leaf.name.clone(), leaf)).collect();
        Ok(Self { space: space.clone(), parts })
    }

    /// Gives the columns other names.
    pub fn rename(&mut self, name: impl Fn(&str) -> String) {
        self.parts.iter_mut().for_each(|(column, _)| *column = name(column));
    }

    /// A value without any parts yet, into which [`Leaf::put`] puts them.
    pub fn empty(&self) -> Value {
        Value::Dict(BTreeMap::new())
    }

    /// The first `n` rows of `columns`, which lie in files by name, as values.
    ///
    /// # Errors
    /// If a column or a row is missing, or of another type or shape; names both, and the column's file.
    pub fn values(
        &self,
        columns: &BTreeMap<String, Column>,
        n: usize,
        file: &dyn Fn(&str) -> PathBuf,
    ) -> Result<Vec<Value>> {
        let mut values: Vec<Value> = (0..n).map(|_| self.empty()).collect();
        for (name, leaf) in &self.parts {
            let corrupt = |why: String| Error::corrupt(&file(name), why);
            let column = columns
                .get(name)
                .ok_or_else(|| corrupt(format!("expected a column `{name}`, found none")))?;
            for (row, whole) in values.iter_mut().enumerate() {
                let part = column.value(row, &leaf.space);
                leaf.put(whole, part.map_err(|err| corrupt(format!("row {row} of `{name}`: {err}")))?);
            }
        }
        Ok(values)
    }
}

fn nest(mut whole: Space, leaf: &Leaf) -> Space {
    let place = leaf.path.iter().fold(&mut whole, |space, key| match space {
        Space::Dict(parts) => parts.entry(key.clone()).or_insert_with(|| Space::Dict(BTreeMap::new())),
        other => other,
    });
    *place = leaf.space.clone();
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_columns_keep_their_place_and_one_alone_is_the_whole() {
        let number = || Space::vector(1, 0.0, 1.0);
        let inner = Space::Dict(BTreeMap::from([("x".to_owned(), number()), ("y".to_owned(), number())]));
        let space = Space::Dict(BTreeMap::from([
            ("a".to_owned(), inner),
            ("b".to_owned(), Space::Discrete { n: 2 }),
        ]));
        let two = Choice::new(&space, "obs", &["b".to_owned(), "a/y".to_owned()]).unwrap();
        assert_eq!(two.space.to_string(), "Dict(a: Dict(y: Box([1], 0..1)), b: Discrete(2))");
        assert_eq!(two.parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a/y", "b"]);
        let one = Choice::new(&space, "obs", &["a/x".to_owned()]).unwrap();
        assert_eq!((one.space, one.parts[0].0.as_str()), (number(), "a/x"));
        let err = Choice::new(&space, "obs", &["a/z".to_owned()]).unwrap_err();
        assert_eq!(err.to_string(), "unknown column `a/z`");
    }
}
