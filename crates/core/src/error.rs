//! One error type: what failed, what was expected, and a hint on how to go on.
//!
//! House style: lower case, names in backticks, `expected X, got Y`, paths last, then a `hint:` line.

use std::fmt;
use std::path::{Path, PathBuf};

/// `Result` with worldsmith's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing went wrong; callers branch on this, people read the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name that no registry knows.
    Unknown,
    /// A value of the wrong type, shape or range.
    Invalid,
    /// Two things that do not fit each other, such as a checkpoint and an environment.
    Mismatch,
    /// A file that is torn, truncated or of another program.
    Corrupt,
    /// The operating system refused: permission, space, missing file, busy port.
    Io,
    /// Something outside this program is missing or failed: Python, a package, a worker.
    External,
    /// A loss or return is no longer a finite number.
    Diverged,
    /// The user asked to stop; everything was saved.
    Interrupted,
}

/// An error with a message and, where one is known, a hint.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    path: Option<PathBuf>,
    hint: Option<String>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), path: None, hint: None }
    }

    /// A value of the wrong type, shape or range.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// An unknown name: says the nearest of `known` and the command (`list`) that prints them all.
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>, list: &str) -> Self {
        let err = Self::new(ErrorKind::Unknown, format!("unknown {what} `{name}`"));
        match nearest(name, known) {
            Some(near) => err.hint(format!("did you mean `{near}`? `{list}` lists all")),
            None => err.hint(format!("`{list}` lists all")),
        }
    }

    /// A failed system call: `doing` says what was tried ("write checkpoint").
    pub fn io(doing: &str, path: &Path, source: &std::io::Error) -> Self {
        let err = Self::new(ErrorKind::Io, format!("cannot {doing}: {source}")).at(path);
        match source.kind() {
            std::io::ErrorKind::StorageFull => err.hint("free some space; nothing was half-written"),
            std::io::ErrorKind::PermissionDenied => {
                err.hint("choose a folder you may write to, with `--out`")
            }
            _ => err,
        }
    }

    /// A file that cannot be what it should be.
    pub fn corrupt(path: &Path, why: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, why).at(path)
    }

    /// Adds the file or folder the error is about; printed last.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_path_buf());
        self
    }

    /// Adds (or replaces) the hint: one sentence on how to go on.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// How to go on, if known.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.path {
            Some(path) => write!(f, ": {}", path.display()),
            None => Ok(()),
        }
    }
}

/// The entry of `known` closest to `name` by edit distance, if it is close enough to be a slip of the fingers.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|k| (edit_distance(&name.to_lowercase(), &k.to_lowercase()), k))
        .min()
        .filter(|(d, _)| *d <= limit)
        .map(|(_, k)| k)
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_suggests_the_nearest_and_the_list_command() {
        let err = Error::unknown("environment", "breakot", ["breakout", "cartpole"], "worldsmith envs");
        assert_eq!(err.to_string(), "unknown environment `breakot`");
        assert_eq!(err.hint_text(), Some("did you mean `breakout`? `worldsmith envs` lists all"));
    }

    #[test]
    fn a_far_name_suggests_nothing() {
        assert_eq!(nearest("tetris", ["breakout", "cartpole"]), None);
    }
}
