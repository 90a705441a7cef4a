//! The rules a machine can check. Each carries a tree that breaks it, so that the tests can show it is able to fail.

mod docs;
mod habits;
mod layers;
mod sizes;

use std::fmt;

use crate::Tree;

pub use sizes::think_again;

/// One rule of the house.
pub struct Rule {
    /// Short name, printed behind each problem.
    pub name: &'static str,
    /// Finds every breach in a tree.
    pub check: fn(&Tree) -> Vec<Problem>,
    /// A tree that breaks the rule.
    pub bad: fn() -> Tree,
    /// A tree that comes close and keeps it.
    pub good: fn() -> Tree,
}

/// Every rule.
pub const RULES: &[Rule] = &[
    layers::ARROWS,
    layers::NO_TENSORS,
    sizes::FILES,
    sizes::FUNCTIONS,
    sizes::PARAMETERS,
    sizes::RECIPES,
    habits::HEADERS,
    habits::QUIET,
    habits::SEEDED,
    habits::RECIPES_APART,
    habits::NO_MACHINE_PATHS,
    docs::PATHS,
];

/// A breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path from the root.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl Problem {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_string(), line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}
