//! The run folder: what is in it, when it may be emptied, and who has it.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use worldsmith_core::{Error, ErrorKind, Result};

/// The resolved configuration.
pub(crate) const CONFIG: &str = "config.toml";
/// Store of the episodes trained on.
pub(crate) const DATA: &str = "data";
/// Store of the episodes that judge.
pub(crate) const HELD_OUT: &str = "held_out";
/// Folder of the checkpoints.
pub(crate) const CHECKPOINTS: &str = "checkpoints";
const LOCK: &str = "lock";

/// Makes `dir` an empty folder, if that is allowed.
pub(super) fn clear(dir: &Path, force: bool) -> Result<()> {
    let is_ours = |entry: std::io::Result<fs::DirEntry>| entry.is_ok_and(|e| e.file_name() == LOCK);
    let is_free = fs::read_dir(dir).map_or(true, |mut entries| entries.all(is_ours));
    if !is_free && !force {
        return Err(Error::invalid("a folder is there already")
            .at(dir)
            .hint("`--resume` goes on with the run in it, `--force` deletes it, `--out` names another"));
    }
    if !is_free && !dir.join(CONFIG).exists() {
        return Err(Error::invalid("expected a run folder to delete, got one with other files")
            .at(dir)
            .hint("`--force` deletes only what worldsmith wrote; choose another folder with `--out`"));
    }
    if !is_free {
        drop(lock(dir)?);
        fs::remove_dir_all(dir).map_err(|e| Error::io("delete the old run", dir, &e))?;
    }
    fs::create_dir_all(dir).map_err(|e| Error::io("create the run folder", dir, &e))
}

/// Takes the run folder for this process; the system lets go of it however the process ends.
pub(super) fn lock(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|e| Error::io("open the run folder", &path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::Io, "another process is training in this folder").at(dir))
        }
        Err(TryLockError::Error(e)) => Err(Error::io("lock the run folder", &path, &e)),
    }
}
