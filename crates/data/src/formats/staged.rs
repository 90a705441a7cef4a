//! Data sets that are there whole or not at all: written aside, and flushed and put in their place when they are complete.

use std::fs::{self, File};
use std::io;
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
/// If there is something at `path` already (a plain empty folder may be, and is taken away), another program writes to it,
/// or nothing can be written there.
pub(super) fn create(path: &Path, spec: &SinkSpec, create: Create) -> Result<Box<dyn Sink>> {
    let is_folder = path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let is_empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if !(is_folder && is_empty()) {
        expect_nothing(path)?;
    }
    let name = path.file_name().ok_or_else(|| {
        Error::invalid("expected a path with a name")
            .at(path)
            .hint("name a folder or file that is to be made")
    })?;
    let aside = Aside::new(temp_path(path))?;
    if is_folder {
        // A mount point, say, cannot be replaced: better known before the work than after it.
        fs::remove_dir(path).map_err(|err| Error::io("replace folder", path, &err))?;
    }
    let inside = aside.dir.join(name);
    let sink = create(&inside, spec)?;
    Ok(Box::new(Staged { sink, inside, path: path.to_owned(), aside }))
}

fn expect_nothing(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(_) => Err(Error::invalid("expected nothing here yet, found a file or folder")
            .at(path)
            .hint("choose another place")),
        Err(_) => Ok(()),
    }
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
        let Self { sink, inside, path, mut aside } = *self;
        sink.finish()?;
        sync_tree(&inside).map_err(|err| Error::io("flush data set", &inside, &err))?;
        let rename =
            || fs::rename(&inside, &path).map_err(|err| Error::io("put data set in its place", &path, &err));
        if let Err(err) = expect_nothing(&path).and_then(|()| rename()) {
            aside.is_kept = true;
            let hint = format!("the whole data set is in `{}`: move it from there", inside.display());
            return Err(err.hint(hint));
        }
        drop(aside);
        match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => sync_folder(dir),
            _ => sync_folder(Path::new(".")),
        }
    }
}

/// Makes sure that a file, or all files below a folder, outlive a power cut: to be renamed must mean to be whole.
fn sync_tree(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        return File::options().write(true).open(path)?.sync_all();
    }
    for entry in fs::read_dir(path)? {
        sync_tree(&entry?.path())?;
    }
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

/// The folder aside, removed when dropped.
struct Aside {
    dir: PathBuf,
    /// Whether it stays, and is nobody's to remove.
    is_kept: bool,
    _lock: File,
}

impl Aside {
    fn new(dir: PathBuf) -> Result<Self> {
        let broken = |err: io::Error| Error::io("make folder", &dir, &err);
        let lock_path = dir.join(LOCK);
        match fs::create_dir(&dir) {
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => expect_ours(&dir, &lock_path)?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => fs::create_dir_all(&dir).map_err(broken)?,
            made => made.map_err(broken)?,
        }
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(broken)?;
        let is_busy = matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock));
        // A writer that just finished may have removed what was locked here.
        if is_busy || !is_at(&lock, &lock_path) {
            return Err(Error::invalid("another program is writing this data set").at(&dir));
        }
        for entry in fs::read_dir(&dir).map_err(broken)? {
            let entry = entry.map_err(broken)?;
            if entry.file_name() != LOCK {
                let path = entry.path();
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(|err| Error::io("remove what was left behind", &path, &err))?;
            }
        }
        Ok(Self { dir, is_kept: false, _lock: lock })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Best effort: what stays is hidden, and the next writer removes it. No writer touches a folder without a lock.
        let _ = match self.is_kept {
            true => fs::remove_file(self.dir.join(LOCK)),
            false => fs::remove_dir_all(&self.dir),
        };
    }
}

/// Checks that what is at `dir` was left behind by a writer, and is nobody else's.
fn expect_ours(dir: &Path, lock_path: &Path) -> Result<()> {
    let is_folder = dir.symlink_metadata().is_ok_and(|found| found.is_dir());
    let is_empty = || fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    match is_folder && (lock_path.symlink_metadata().is_ok_and(|found| found.is_file()) || is_empty()) {
        true => Ok(()),
        false => {
            Err(Error::invalid("expected nothing here, or what a stopped writer left, found something else")
                .at(dir)
                .hint("the data set is prepared here: move this away, or choose another place"))
        }
    }
}

/// Whether `file`, opened at `path`, is what is there now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().map(id).ok() == path.symlink_metadata().map(id).ok()
}

/// Whether `file`, opened at `path`, is what is there now: where open files cannot be removed, always.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
