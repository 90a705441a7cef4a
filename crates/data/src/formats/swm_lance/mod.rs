//! stable-worldmodel's Lance tables, its default format: a row a step, pictures as JPEG in columns of bytes, numbers as lists
//! of `f32`. How rows become steps says [`swm`](super::swm).
//!
//! The tables are read by `formats/lance`.
//!
//! The writer renames columns (`a.b` becomes `a_b`) and turns every number, whole or not, into `f32`. It leaves out the
//! `step_idx` that was recorded and counts rows itself, from 0 in every episode, so that here it says nothing of whether
//! the row of the reset is there. Deleted rows are gaps in that count; episodes are parted there, since what an action led
//! to must be the row after it.

mod source;

use std::fs;
use std::path::{Path, PathBuf};

use super::Format;
use source::open;

/// Registry entry.
pub const FORMAT: Format = Format {
    name: "swm-lance",
    about: "stable-worldmodel Lance: a table <name>.lance with episode_idx, step_idx and one column each",
    detect: |path| table(path).is_some(),
    open,
    create: None,
};

/// The table in the folder `path`: itself, or the only one in it.
fn table(path: &Path) -> Option<PathBuf> {
    if is_table(path) {
        return Some(path.to_owned());
    }
    let entries = fs::read_dir(path).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let is_lance = |path: &PathBuf| path.extension().is_some_and(|end| end == "lance") && is_table(path);
    let mut tables = entries.filter(is_lance);
    tables.next().filter(|_| tables.next().is_none())
}

/// Whether the folder has versions, each with a manifest.
fn is_table(dir: &Path) -> bool {
    let mut entries = fs::read_dir(dir.join("_versions")).into_iter().flatten().flatten();
    entries.any(|entry| entry.path().extension().is_some_and(|end| end == "manifest"))
}
