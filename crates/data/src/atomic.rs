//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, Result};

/// Writes `bytes` to `path` such that, whatever happens, the file holds either what it held before or all of `bytes`: a
/// hidden temporary file in the same folder is written, flushed to the disk and renamed, then the folder is flushed.
///
/// A crash can leave the temporary file `.<name>.tmp` behind; the next write to `path` takes its place. One writer a
/// path at a time.
///
/// # Errors
/// [`ErrorKind::Io`](worldsmith_core::ErrorKind::Io); the old file is then still whole.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let temp = temp_path(path);
    let written = File::create(&temp)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temp, path));
    if let Err(source) = written {
        // Best effort: the error that matters is the first one.
        let _ = fs::remove_file(&temp);
        return Err(Error::io("write file", path, &source));
    }
    sync_folder(parent(path))
}

/// CRC-32 (the polynomial of gzip and PNG) of `bytes`.
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// Makes sure that created, renamed and removed entries of `dir` outlive a power cut, where the system can.
pub(crate) fn sync_folder(dir: &Path) -> Result<()> {
    if cfg!(unix) {
        File::open(dir).and_then(|f| f.sync_all()).map_err(|e| Error::io("flush folder", dir, &e))?;
    }
    Ok(())
}

/// Where [`write_atomic`] prepares the file at `path`.
pub(crate) fn temp_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    parent(path).join(format!(".{name}.tmp"))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}
