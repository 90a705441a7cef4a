//! Data sets that are there whole or not at all: written aside, and put in their place when they are complete.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, Error, Result};

use super::{Create, Sink, SinkSpec};
use crate::atomic::{sync_folder, temp_path};

/// Held by whoever writes, in the folder aside.
const LOCK: &str = "writer.lock";

/// Writes the data set that will be at `path` with `create`, aside: in the hidden folder `.<name>.tmp` beside it, under its
/// own name. What a writer that was killed left there is removed first.
///
/// # Errors
/// If there is something at `path` already (an empty folder may be), another program writes to it, or nothing can be
/// written there.
pub(super) fn create(path: &Path, spec: &SinkSpec, create: Create) -> Result<Box<dyn Sink>> {
    let is_empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if path.exists() && !is_empty() {
        return Err(Error::invalid("expected nothing here yet, found a file or folder")
            .at(path)
            .hint("choose another place"));
    }
    let name = path.file_name().ok_or_else(|| Error::invalid("expected a path with a name").at(path))?;
    let aside = Aside::new(temp_path(path))?;
    let inside = aside.dir.join(name);
    let sink = create(&inside, spec)?;
    Ok(Box::new(Staged { sink, inside, path: path.to_owned(), aside }))
}

struct Staged {
    sink: Box<dyn Sink>,
    /// Where it is written, and where it will be.
    inside: PathBuf,
    path: PathBuf,
    aside: Aside,
}

impl Sink for Staged {
    fn push(&mut self, episode: &Episode) -> Result<()> {
        self.sink.push(episode)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { sink, inside, path, aside } = *self;
        sink.finish()?;
        if path.is_dir() {
            // It was empty when this was begun, and is not removed if it no longer is.
            fs::remove_dir(&path).map_err(|err| Error::io("replace folder", &path, &err))?;
        }
        fs::rename(&inside, &path).map_err(|err| Error::io("write data set", &path, &err))?;
        drop(aside);
        match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => sync_folder(dir),
            _ => sync_folder(Path::new(".")),
        }
    }
}

/// The folder aside, removed when dropped.
struct Aside {
    dir: PathBuf,
    _lock: File,
}

impl Aside {
    fn new(dir: PathBuf) -> Result<Self> {
        let broken = |err: std::io::Error| Error::io("make folder", &dir, &err);
        fs::create_dir_all(&dir).map_err(broken)?;
        let lock = File::create(dir.join(LOCK)).map_err(broken)?;
        if matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)) {
            return Err(Error::invalid("another program is writing this data set").at(&dir));
        }
        for entry in fs::read_dir(&dir).map_err(broken)? {
            let entry = entry.map_err(broken)?;
            if entry.file_name() != LOCK {
                let path = entry.path();
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(|err| Error::io("remove what was left behind", &path, &err))?;
            }
        }
        Ok(Self { dir, _lock: lock })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Best effort: what stays is hidden, and the next writer removes it.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
