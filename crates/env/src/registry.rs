//! Environments as data: what there is, what it is called, how to make it.

use worldsmith_core::{Env, Error, ErrorKind, Result};

use crate::batch::BatchEnv;
use crate::blueprint::{Blueprint, BuiltIn, COMMON_OPTIONS};
use crate::factors::Factor;
use crate::{
    Options, arcade, classic, crafter, driving, first_person, grid, gym, minigrid, plane, table, toy_text,
};

/// The command that lists every environment, for hints.
const LIST: &str = "worldsmith envs";

/// One kind of environment.
#[derive(Debug, Clone, Copy)]
pub struct EnvEntry {
    /// What it is made by.
    pub id: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Its page in the docs, as Markdown: what is seen, what is done, what is rewarded, how it ends, whom it equals.
    pub page: &'static str,
    /// What can be set after a `?` in the id, beside [`COMMON_OPTIONS`] for built-in worlds.
    pub options: &'static [OptionEntry],
    /// What may differ between episodes.
    pub factors: &'static [Factor],
    /// Makes it; the options have known names but unchecked values.
    pub make: Maker,
}

/// How an environment comes to be.
#[derive(Debug, Clone, Copy)]
pub enum Maker {
    /// From rules in this crate.
    BuiltIn(fn(&Options) -> Result<Box<dyn Blueprint>>),
    /// From a program outside.
    Outside(fn(&Options) -> Result<Box<dyn Env>>),
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

/// The built-in environments, group by group.
const GROUPS: &[&[EnvEntry]] = &[
    arcade::ENTRIES,
    classic::ENTRIES,
    toy_text::ENTRIES,
    grid::ENTRIES,
    minigrid::ENTRIES,
    crafter::ENTRIES,
    table::ENTRIES,
    plane::ENTRIES,
    first_person::ENTRIES,
    driving::ENTRIES,
];

/// The built-in environments.
pub fn envs() -> impl Iterator<Item = &'static EnvEntry> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// Makes an environment by id: a name from [`envs`] or `gym:` and a Gymnasium id, with options after a `?`.
///
/// # Errors
/// - [`ErrorKind::Unknown`] for an unknown name or option, with the nearest match.
/// - [`ErrorKind::Invalid`] for an option of the wrong type or range.
/// - [`ErrorKind::External`] if Python, a package or a Gymnasium id is missing.
pub fn make(id: &str) -> Result<Box<dyn Env>> {
    let (entry, options) = resolve(id)?;
    match entry.make {
        Maker::BuiltIn(make) => Ok(make(&options)?.solo()),
        Maker::Outside(make) => make(&options),
    }
}

/// Makes a built-in environment, which also knows how it is played well.
///
/// # Errors
/// As [`make`]; also if the environment is not built in.
pub fn make_built_in(id: &str) -> Result<Box<dyn BuiltIn>> {
    Ok(blueprint_of(id)?.solo())
}

/// Makes `n` built-in environments that are stepped together on `n_threads` threads.
///
/// # Errors
/// As [`make_built_in`]; also if `n` or `n_threads` is zero.
pub fn make_batch(id: &str, n: usize, n_threads: usize) -> Result<Box<dyn BatchEnv>> {
    blueprint_of(id)?.batch(n, n_threads)
}

fn blueprint_of(id: &str) -> Result<Box<dyn Blueprint>> {
    let (entry, options) = resolve(id)?;
    match entry.make {
        Maker::BuiltIn(make) => make(&options),
        Maker::Outside(_) => {
            Err(Error::invalid(format!("expected a built-in environment, got `{}`", options.id())))
        }
    }
}

/// Finds the entry an id belongs to, and its options; their names are known, their values unchecked.
pub(crate) fn resolve(id: &str) -> Result<(&'static EnvEntry, Options)> {
    let (name, options) = Options::parse(id)?;
    let entry = if name.starts_with(gym::PREFIX) {
        &gym::ENTRY
    } else {
        envs().find(|e| e.id == name).ok_or_else(|| unknown(name))?
    };
    for (option, _) in options.iter() {
        if !entry.all_options().any(|known| fits(known.name, option)) {
            let known = entry.all_options().map(|o| o.name);
            return Err(Error::unknown(&format!("option of `{}`:", entry.id), option, known, LIST));
        }
    }
    Ok((entry, options))
}

impl EnvEntry {
    /// Its own options and those that all of its kind take. Its own stand first, and for the common ones of equal name.
    pub fn all_options(&self) -> impl Iterator<Item = &'static OptionEntry> {
        let common = if matches!(self.make, Maker::BuiltIn(_)) { COMMON_OPTIONS } else { &[] };
        let own = self.options;
        own.iter().chain(common.iter().filter(|option| !own.iter().any(|known| known.name == option.name)))
    }
}

fn fits(known: &str, option: &str) -> bool {
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
    Error::unknown("environment", name, envs().map(|e| e.id), LIST)
}
