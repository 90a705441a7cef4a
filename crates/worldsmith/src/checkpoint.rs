//! Checkpoint folders: written beside their place, synced, renamed into it, and checked against their manifest when
//! read, so that a reader sees a whole checkpoint or none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use worldsmith_core::{EnvSpec, Error, ErrorKind, Result};

use crate::RunConfig;

/// What a manifest calls itself.
const FORMAT: &str = "worldsmith-checkpoint-1";
const MANIFEST: &str = "manifest.json";
const CONFIG: &str = "config.json";
/// Complete checkpoints kept in a run folder.
const KEPT: usize = 2;

/// What a checkpoint is of: enough to build the learner again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointConfig {
    /// Version of worldsmith that wrote it.
    pub version: String,
    /// The run's configuration.
    pub config: RunConfig,
    /// The environment the learner was built for.
    pub env_spec: EnvSpec,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: String,
    files: BTreeMap<String, FileSum>,
}

#[derive(Serialize, Deserialize)]
struct FileSum {
    bytes: u64,
    crc32: u32,
}

/// Writes checkpoint number `serial` under `root`: `fill` writes the files into the folder it is handed. Older
/// checkpoints but the last few are removed.
///
/// # Errors
/// If anything cannot be written; then no checkpoint of that number exists.
pub fn write(root: &Path, serial: u64, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let path = root.join(format!("{serial:06}"));
    let draft = root.join(format!("{serial:06}.partial"));
    let io = |doing: &'static str| move |e: std::io::Error| Error::io(doing, root, &e);
    fs::create_dir_all(root).map_err(io("write the checkpoint"))?;
    remove_dir(&draft)?;
    fs::create_dir(&draft).map_err(io("write the checkpoint"))?;
    let written = fill(&draft).and_then(|()| seal(&draft));
    if let Err(err) = written {
        let _ = fs::remove_dir_all(&draft);
        return Err(err);
    }
    remove_dir(&path)?;
    fs::rename(&draft, &path).map_err(io("write the checkpoint"))?;
    sync(root)?;
    prune(root)?;
    Ok(path)
}

/// The newest checkpoint under `root` that is whole, or `None` if there is none at all; `warn` hears of every torn one
/// that was passed over.
///
/// # Errors
/// If there are checkpoints but none is whole: the newest one's fault.
pub fn latest(root: &Path, warn: &mut dyn FnMut(&str)) -> Result<Option<PathBuf>> {
    let mut fault = None;
    for (_, path) in list(root)?.into_iter().rev() {
        match verify(&path) {
            Ok(()) => return Ok(Some(path)),
            Err(err) => {
                warn(&format!("passing over a bad checkpoint: {err}"));
                fault.get_or_insert(err);
            }
        }
    }
    fault.map_or(Ok(None), Err)
}

/// Checks that every file of the checkpoint in `dir` has the size and checksum its manifest says.
///
/// # Errors
/// [`ErrorKind::Corrupt`], naming the file and what is wrong.
pub fn verify(dir: &Path) -> Result<()> {
    let path = dir.join(MANIFEST);
    let manifest: Manifest = read_json(&path)?;
    if manifest.format != FORMAT {
        let why = format!("expected format `{FORMAT}`, got `{}`", manifest.format);
        return Err(Error::corrupt(&path, why));
    }
    for (name, want) in &manifest.files {
        let path = dir.join(name);
        let got = checksum(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::corrupt(&path, "file of the checkpoint is missing"),
            _ => Error::io("read the checkpoint", &path, &e),
        })?;
        if got.bytes != want.bytes {
            let why = format!("torn file: expected {} bytes, got {}", want.bytes, got.bytes);
            return Err(Error::corrupt(&path, why));
        }
        if got.crc32 != want.crc32 {
            let why = format!("damaged file: expected checksum {:08x}, got {:08x}", want.crc32, got.crc32);
            return Err(Error::corrupt(&path, why));
        }
    }
    Ok(())
}

/// Finds the checkpoint that `path` means: a checkpoint folder itself, or a run folder's newest whole one.
///
/// # Errors
/// If there is none, or it is torn or foreign.
pub fn find(path: &Path, warn: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    if path.join(MANIFEST).exists() || path.join("model.safetensors").exists() {
        verify(path)?;
        return Ok(path.to_path_buf());
    }
    if !path.exists() {
        return Err(Error::new(ErrorKind::Io, "no such run or checkpoint")
            .at(path)
            .hint("`worldsmith train` makes a run, `worldsmith quickstart` the first one"));
    }
    latest(&path.join("checkpoints"), warn)?.ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "expected a run or checkpoint folder, got one without a checkpoint")
            .at(path)
            .hint("give the folder that `worldsmith train --out` wrote")
    })
}

/// Writes what the checkpoint in `dir` is of.
///
/// # Errors
/// If the file cannot be written.
pub fn write_config(dir: &Path, config: &RunConfig, env_spec: &EnvSpec) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION").to_string();
    let config = CheckpointConfig { version, config: config.clone(), env_spec: env_spec.clone() };
    write_json(&dir.join(CONFIG), &config)
}

/// Reads what the checkpoint in `dir` is of.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if it is torn or of another program.
pub fn read_config(dir: &Path) -> Result<CheckpointConfig> {
    read_json(&dir.join(CONFIG))
}

/// CRC-32 of the parameters in a `model.safetensors`: names and values, whatever their order in the file.
///
/// # Errors
/// If the file cannot be read or is no safetensors file.
pub fn params_crc32(dir: &Path) -> Result<u32> {
    let path = dir.join("model.safetensors");
    let bytes = fs::read(&path).map_err(|e| Error::io("read the parameters", &path, &e))?;
    let tensors = safetensors::SafeTensors::deserialize(&bytes)
        .map_err(|e| Error::corrupt(&path, format!("not a safetensors file ({e})")))?;
    let mut names = tensors.names();
    names.sort_unstable();
    let mut crc = crc32fast::Hasher::new();
    for name in names {
        crc.update(name.as_bytes());
        crc.update(tensors.tensor(name).map_err(|e| Error::corrupt(&path, e.to_string()))?.data());
    }
    Ok(crc.finalize())
}

/// Reads a JSON file of ours.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::corrupt(path, "file of the checkpoint is missing"),
        _ => Error::io("read", path, &e),
    })?;
    serde_json::from_slice(&bytes).map_err(|e| {
        let why = match e.classify() {
            Category::Eof => "torn file".to_string(),
            _ => format!("not written by worldsmith ({e})"),
        };
        Error::corrupt(path, why)
    })
}

/// Writes a JSON file for people and programs.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::invalid(e.to_string()))?;
    fs::write(path, text + "\n").map_err(|e| Error::io("write", path, &e))
}

/// Number and folder of every renamed checkpoint, oldest first.
pub(crate) fn list(root: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("list the checkpoints", root, &e)),
    };
    let number = |path: PathBuf| Some((path.file_name()?.to_str()?.parse().ok()?, path));
    let mut found: Vec<_> = entries.flatten().filter_map(|e| number(e.path())).collect();
    found.sort();
    Ok(found)
}

/// Syncs every file of a draft and adds the manifest.
fn seal(dir: &Path) -> Result<()> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(|e| Error::io("list the checkpoint", dir, &e))?.flatten() {
        let sum = checksum(&entry.path()).map_err(|e| Error::io("read back", &entry.path(), &e))?;
        sync(&entry.path())?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), sum);
    }
    let path = dir.join(MANIFEST);
    write_json(&path, &Manifest { format: FORMAT.into(), files })?;
    sync(&path)?;
    sync(dir)
}

fn prune(root: &Path) -> Result<()> {
    let found = list(root)?;
    let n_old = found.len().saturating_sub(KEPT);
    found[..n_old].iter().try_for_each(|(_, path)| remove_dir(path))
}

fn checksum(path: &Path) -> std::io::Result<FileSum> {
    let mut file = File::open(path)?;
    let (mut crc, mut bytes, mut chunk) = (crc32fast::Hasher::new(), 0, vec![0; 1 << 16]);
    loop {
        let n = file.read(&mut chunk)?;
        if n == 0 {
            return Ok(FileSum { bytes, crc32: crc.finalize() });
        }
        crc.update(&chunk[..n]);
        bytes += n as u64;
    }
}

fn sync(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|f| f.sync_all());
    synced.map_err(|e| Error::io("flush to disk", path, &e))
}

fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, &e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_one(root: &Path, serial: u64) -> PathBuf {
        write(root, serial, |dir| write_json(&dir.join("state.json"), &serial)).unwrap()
    }

    #[test]
    fn a_checkpoint_that_cannot_be_filled_leaves_no_trace() {
        let root = tempfile::tempdir().unwrap();
        let err = write(root.path(), 1, |_| Err(Error::invalid("no"))).unwrap_err();
        assert_eq!(err.to_string(), "no");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_crash_left_half_written_is_neither_found_nor_in_the_way() {
        let root = tempfile::tempdir().unwrap();
        let good = write_one(root.path(), 1);
        fs::create_dir(root.path().join("000002.partial")).unwrap();
        assert_eq!(latest(root.path(), &mut |_| {}).unwrap(), Some(good));
        let next = write_one(root.path(), 2);
        assert_eq!(latest(root.path(), &mut |_| {}).unwrap(), Some(next));
    }

    #[test]
    fn only_the_last_checkpoints_are_kept() {
        let root = tempfile::tempdir().unwrap();
        (1..=5).for_each(|serial| drop(write_one(root.path(), serial)));
        let serials: Vec<u64> = list(root.path()).unwrap().into_iter().map(|(serial, _)| serial).collect();
        assert_eq!(serials, [4, 5]);
    }

    #[test]
    fn an_extra_byte_and_a_missing_file_are_both_named() {
        let root = tempfile::tempdir().unwrap();
        let path = write_one(root.path(), 1);
        fs::write(path.join("state.json"), "12\n").unwrap();
        let err = verify(&path).unwrap_err();
        assert!(err.to_string().starts_with("torn file: expected 2 bytes, got 3: "), "{err}");
        fs::remove_file(path.join("state.json")).unwrap();
        let err = verify(&path).unwrap_err();
        assert!(err.to_string().starts_with("file of the checkpoint is missing: "), "{err}");
    }
}
