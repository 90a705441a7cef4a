//! Environments as data: what there is, what it is called, how to make it.

use worldsmith_core::{Env, Error, ErrorKind, Result};

use crate::{Options, breakout, cartpole, gym};

/// The command that lists every environment, for hints.
const LIST: &str = "worldsmith envs";

/// One kind of environment.
#[derive(Debug, Clone, Copy)]
pub struct EnvEntry {
    /// What it is made by.
    pub id: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// What can be set after a `?` in the id.
    pub options: &'static [OptionEntry],
    /// Makes it; the options have known names but unchecked values.
    pub make: fn(&Options) -> Result<Box<dyn Env>>,
}

/// One option of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptionEntry {
    /// Its name. A name that ends in `*` stands for any ending.
    pub name: &'static str,
    /// Value when it is not given, as written in an id; empty if there is none.
    pub default: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
}

/// The built-in environments.
pub const ENVS: &[EnvEntry] = &[breakout::ENTRY, cartpole::ENTRY];

/// Makes an environment by id: a name from [`ENVS`] or `gym:` and a Gymnasium id, with options after a `?`.
///
/// # Errors
/// - [`ErrorKind::Unknown`] for an unknown name or option, with the nearest match.
/// - [`ErrorKind::Invalid`] for an option of the wrong type or range.
/// - [`ErrorKind::External`] if Python, a package or a Gymnasium id is missing.
pub fn make(id: &str) -> Result<Box<dyn Env>> {
    let (entry, options) = resolve(id)?;
    (entry.make)(&options)
}

/// Finds the entry an id belongs to, and its options; their names are known, their values unchecked.
pub(crate) fn resolve(id: &str) -> Result<(&'static EnvEntry, Options)> {
    let (name, options) = Options::parse(id)?;
    let entry = if name.starts_with(gym::PREFIX) {
        &gym::ENTRY
    } else {
        ENVS.iter().find(|e| e.id == name).ok_or_else(|| unknown(name))?
    };
    for (option, _) in options.iter() {
        if !entry.options.iter().any(|known| matches(known.name, option)) {
            let known = entry.options.iter().map(|o| o.name);
            return Err(Error::unknown(&format!("option of `{}`:", entry.id), option, known, LIST));
        }
    }
    Ok((entry, options))
}

fn matches(known: &str, option: &str) -> bool {
    match known.strip_suffix('*') {
        Some(stem) => option.len() > stem.len() && option.starts_with(stem),
        None => known == option,
    }
}

/// A name that looks like one of Gymnasium's most likely lacks its prefix.
fn unknown(name: &str) -> Error {
    let version = name.rsplit_once("-v").map(|(_, v)| v);
    if version.is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit())) {
        return Error::new(ErrorKind::Unknown, format!("unknown environment `{name}`"))
            .hint(format!("Gymnasium's environments start with `gym:`, as in `gym:{name}`"));
    }
    Error::unknown("environment", name, ENVS.iter().map(|e| e.id), LIST)
}
