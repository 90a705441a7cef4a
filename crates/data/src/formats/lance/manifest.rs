//! Versions of a table: one file each, of which the newest counts.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use worldsmith_core::{Error, Result};

use super::file::MAGIC;
use super::proto::Manifest;
use super::{broken, number, piece, unread};

/// Where the manifests are.
const VERSIONS: &str = "_versions";
const ENDING: &str = "manifest";
/// Newer versions have smaller names, which are as long as the largest number.
const LONG: usize = 20;
/// Where the manifest starts in its file, and version and magic word.
const FOOTER: usize = 16;
/// What a reader must know: deleted rows, stable row ids, files of version 2, configuration, no files of transactions, and
/// files of several versions.
const KNOWN: u64 = 1 | 2 | 4 | 8 | 32 | 256;

/// The newest manifest of the table in `dir`, and its path.
///
/// # Errors
/// If there is none, it is damaged, or wants a reader that knows more.
pub(super) fn read(dir: &Path) -> Result<(PathBuf, Manifest)> {
    let path = newest(dir).ok_or_else(|| {
        Error::corrupt(dir, format!("expected a manifest of a Lance table in `{VERSIONS}`, found none"))
    })?;
    let bytes = fs::read(&path).map_err(|err| Error::io("read file", &path, &err))?;
    let manifest = decode(&bytes).map_err(|err| err.at(&path))?;
    Ok((path, manifest))
}

/// The path of the newest manifest.
fn newest(dir: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(dir.join(VERSIONS)).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let version = |path: &Path| {
        let stem =
            path.file_stem()?.to_str().filter(|_| path.extension().is_some_and(|end| end == ENDING))?;
        let number: u64 = stem.parse().ok()?;
        Some(if stem.len() == LONG { u64::MAX - number } else { number })
    };
    entries.filter_map(|path| Some((version(&path)?, path))).max().map(|(_, path)| path)
}

fn decode(bytes: &[u8]) -> Result<Manifest> {
    let torn = || broken("expected the manifest of a Lance table, got something else or a part of one");
    let footer = bytes.len().checked_sub(FOOTER).filter(|_| bytes.ends_with(MAGIC)).ok_or_else(torn)?;
    let at = piece(bytes, footer, 8).map(number).and_then(|at| usize::try_from(at).ok()).ok_or_else(torn)?;
    let len = piece(bytes, at, 4).map(number).ok_or_else(torn)?;
    let message = bytes.get(at + 4..footer).filter(|message| message.len() as u64 == len).ok_or_else(torn)?;
    let manifest = Manifest::decode(message)
        .map_err(|err| broken(format!("cannot read the manifest of a Lance table: {err}")))?;
    match manifest.reader_flags & !KNOWN {
        0 => Ok(manifest),
        flags => Err(unread(format!("features number {flags:#x}"))),
    }
}
