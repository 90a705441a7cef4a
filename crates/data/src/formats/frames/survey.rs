//! A look through all tables: which columns hold numbers, how many choices there are, what they are called.

use std::collections::{BTreeMap, BTreeSet};

use worldsmith_core::{Error, Result, Space, nearest};

use super::schema::{ACTION, FILE, Part, action_parts};
use super::table::{Cell, Table};
use crate::leaf::leaves;
use crate::natural;

/// Columns that number or time the rows and say nothing about the world.
const INDICES: &[&str] = &[
    "",
    "unnamed: 0",
    "index",
    "idx",
    "id",
    "frame",
    "frame_idx",
    "frame_index",
    "step",
    "step_idx",
    "t",
    "time",
    "timestamp",
    "episode",
    "episode_idx",
    "episode_index",
];
/// Columns that say what came of an action.
pub(super) const OUTCOMES: &[&str] = &["reward", "terminated", "terminal", "truncated", "timeout", "done"];
/// A name of an action shorter than that is not taken for a slip of another one.
const SHORTEST_SLIP: usize = 4;

/// What was found in all tables.
#[derive(Debug, Default)]
pub(super) struct Survey {
    first: Option<String>,
    columns: BTreeSet<String>,
    /// Columns with a word in them.
    wordy: BTreeSet<String>,
    /// Each word of the column `action`, with the episodes that use it: the first, and how many.
    words: BTreeMap<String, (String, usize)>,
    largest: f64,
    fractions: bool,
    n_episodes: usize,
}

impl Survey {
    /// Looks through the table of the episode called `name`.
    ///
    /// # Errors
    /// If its columns are not those of the first one.
    pub fn add(&mut self, name: &str, table: &Table) -> Result<()> {
        let columns: BTreeSet<String> = table.columns.keys().cloned().collect();
        let first = self.first.get_or_insert_with(|| name.to_owned());
        if self.n_episodes == 0 {
            self.columns = columns;
        } else if let Some(odd) = self.columns.symmetric_difference(&columns).next() {
            let (with, without) =
                if columns.contains(odd) { (name, first.as_str()) } else { (first.as_str(), name) };
            return Err(Error::invalid(format!(
                "expected the same columns in all tables, got `{odd}` in `{with}` and not in `{without}`"
            )));
        }
        self.n_episodes += 1;
        for (column, cells) in &table.columns {
            if cells.iter().any(|cell| matches!(cell, Cell::Word(_))) {
                self.wordy.insert(column.clone());
            }
        }
        let mut used = BTreeSet::new();
        for cell in table.columns.get(ACTION).into_iter().flatten() {
            match cell {
                Cell::Empty => {}
                Cell::Number(number) => {
                    self.largest = self.largest.max(*number);
                    self.fractions |= number.fract() != 0.0 || *number < 0.0;
                }
                Cell::Word(word) => {
                    used.insert(word);
                }
            }
        }
        for word in used {
            self.words.entry(word.clone()).or_insert_with(|| (name.to_owned(), 0)).1 += 1;
        }
        Ok(())
    }

    /// Whether there is a column `name`.
    pub fn has(&self, name: &str) -> bool {
        self.columns.contains(name)
    }

    /// The action space, its columns, and the names of the choices if it has any.
    ///
    /// # Errors
    /// If no column can be one of actions, or a word looks like a slip of another.
    pub fn actions(&self, names: &[String]) -> Result<(Space, Vec<Part>, Vec<String>)> {
        if self.columns.contains(ACTION) {
            return self.one_action(names);
        }
        let mut columns: Vec<String> =
            self.columns.iter().filter(|name| name.starts_with(ACTION)).cloned().collect();
        columns.sort_by(|a, b| natural::compare(a, b));
        if let Some(wordy) = columns.iter().find(|name| self.wordy.contains(*name)) {
            return Err(Error::invalid(format!("expected numbers in `{wordy}`, got words"))
                .hint("actions with names stand in one column called `action`"));
        }
        if columns.is_empty() {
            let got = self.columns.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(Error::invalid(format!("expected a column `action`, got {got}"))
                .hint("`action` holds a number or a name; `action.0`, `action.1`, .. hold several numbers"));
        }
        let space = Space::vector(columns.len(), f32::NEG_INFINITY, f32::INFINITY);
        let leaf = leaves(&space, ACTION, "")?.remove(0);
        Ok((space, vec![Part { leaf, columns }], Vec::new()))
    }

    fn one_action(&self, names: &[String]) -> Result<(Space, Vec<Part>, Vec<String>)> {
        let words = match names {
            [] => self.words.keys().cloned().collect(),
            names => names.to_vec(),
        };
        if names.is_empty() {
            self.check_slips()?;
        }
        let space = match words.len() {
            0 if self.fractions => Space::vector(1, f32::NEG_INFINITY, f32::INFINITY),
            0 if self.largest >= f64::from(u16::MAX) => {
                return Err(Error::invalid(format!(
                    "expected actions below {}, got {}",
                    u16::MAX,
                    self.largest
                )));
            }
            0 => Space::Discrete { n: self.largest as usize + 1 },
            n => Space::Discrete { n },
        };
        Ok((space.clone(), action_parts(&space)?, words))
    }

    /// A word that one episode alone uses and that is nearly another one is a slip of the fingers.
    fn check_slips(&self) -> Result<()> {
        for (word, (episode, n)) in &self.words {
            let others = self.words.keys().filter(|other| *other != word).map(String::as_str);
            let same = others.clone().find(|other| other.eq_ignore_ascii_case(word));
            let is_long = word.len() >= SHORTEST_SLIP && word.chars().all(char::is_alphabetic);
            let near = same.or_else(|| nearest(word, others.filter(|_| is_long)));
            if let Some(near) = near.filter(|_| *n == 1 && self.n_episodes > 1) {
                let example = format!("{{\"actions\": [\"{near}\", \"{word}\", ..]}}");
                return Err(Error::invalid(format!(
                    "expected an action of other episodes too, got `{word}` in `{episode}` alone"
                ))
                .hint(format!("did you mean `{near}`? if not, list all actions in `{FILE}`: {example}")));
            }
        }
        Ok(())
    }

    /// Observed numbers: every column of numbers that is not about actions, outcomes or time. `x.0`, `x.1` .. are one.
    /// Also says which columns were left out.
    pub fn numbers(&self) -> (BTreeMap<String, usize>, Vec<String>) {
        let (mut found, mut left_out): (BTreeMap<String, usize>, _) = (BTreeMap::new(), Vec::new());
        for column in self.columns.iter().filter(|name| !name.starts_with(ACTION)) {
            let name = column.to_ascii_lowercase();
            if OUTCOMES.contains(&name.as_str()) {
                continue;
            }
            if INDICES.contains(&name.as_str()) || self.wordy.contains(column) {
                left_out.push(column.clone());
                continue;
            }
            match self.vector_of(column) {
                Some((stem, n)) => found.insert(stem, n),
                None => found.insert(column.clone(), 1),
            };
        }
        (found, left_out)
    }

    /// The stem and length of the vector that `column` is an element of.
    fn vector_of(&self, column: &str) -> Option<(String, usize)> {
        let (stem, idx) = column.rsplit_once('.')?;
        let n = (0..).take_while(|i| self.columns.contains(&format!("{stem}.{i}"))).count();
        let idx: usize = idx.parse().ok()?;
        (n > 1 && idx < n && !self.columns.contains(stem)).then(|| (stem.to_owned(), n))
    }

    /// What people should know about the words, the names of the actions.
    pub fn remarks(&self, words: &[String], notes: &mut Vec<String>) {
        if !words.is_empty() {
            let named = words.iter().enumerate().map(|(i, word)| format!("{i} is {word}"));
            notes.push(format!("Actions by number: {}.", named.collect::<Vec<_>>().join(", ")));
        }
        let once = self.words.iter().filter(|(_, (_, n))| *n == 1 && self.n_episodes > 2);
        let once: Vec<String> = once.map(|(word, (episode, _))| format!("`{word}` in `{episode}`")).collect();
        if !once.is_empty() {
            notes.push(format!("Actions that one episode alone uses: {}.", once.join(", ")));
        }
    }
}
