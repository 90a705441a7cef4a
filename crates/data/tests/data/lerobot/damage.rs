//! Sets that are damaged, lie or lead astray.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use worldsmith_core::{Episode, ErrorKind, Seed};
use worldsmith_data::formats;

use super::{SETS, fixture, open, read_all};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn edited(name: &str, from: &str, to: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    copy(&fixture(name), dir.path());
    let path = dir.path().join("meta/info.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replace(from, to)).unwrap();
    dir
}

#[test]
fn no_file_outside_the_folder_is_opened() {
    let edits = [
        ("v30_image", "data/chunk-{chunk_index:03d}", "../chunk-{chunk_index:03d}"),
        ("v30_image", "data/chunk-{chunk_index:03d}", "/data/chunk-{chunk_index:03d}"),
        ("v30_h264", "videos/{video_key}", "videos/../../{video_key}"),
        ("v21_h264", "data/chunk-{episode_chunk:03d}", "data/../../{episode_chunk:03d}"),
    ];
    for (name, from, to) in edits {
        let dir = edited(name, from, to);
        let err = open(dir.path()).unwrap().read(0).unwrap_err();
        assert!(err.to_string().contains("expected a path inside the data set's folder"), "{to}: {err}");
    }
}

#[test]
fn sets_of_other_versions_and_sizes_are_refused() {
    let edits = [
        ("\"v3.0\"", "\"v1.6\"", "v1.6"),
        ("\"fps\": 10", "\"fps\": 0", "`fps`"),
        ("\"fps\": 10", "\"storage_format\": \"lance\", \"fps\": 10", "Lance tables"),
        ("\"total_episodes\": 2", "\"total_episodes\": 3", "expected 3 episodes"),
        ("\"total_frames\": 16", "\"total_frames\": 17", "expected 17 rows"),
        ("64,", "99999999,", "shape of a picture"),
        ("observation.", "seen.", "observation.*"),
    ];
    for (from, to, why) in edits {
        let dir = edited("v30_image", from, to);
        let err = open(dir.path()).err().unwrap();
        assert!(err.to_string().contains(why), "{to}: {err}");
        assert_eq!(err.kind(), ErrorKind::Corrupt);
    }
}

/// Writes a new file in the place of an old one: writing over it would wait for the disk on some systems.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Opens and reads a set one of whose files was damaged: an error that names a file of it, or the episodes.
fn read_damaged(dir: &Path) -> Option<Vec<Episode>> {
    match open(dir).and_then(|mut source| read_all(source.as_mut())) {
        Ok(episodes) => Some(episodes),
        Err(err) => {
            assert!(err.to_string().contains(dir.to_str().unwrap()), "names no file: {err}");
            None
        }
    }
}

#[test]
fn a_file_cut_short_is_an_error_or_changes_nothing() {
    for name in ["v30_image", "v30_h264", "v21_h264", "v20_jpeg"] {
        let dir = TempDir::new().unwrap();
        let root = dir.path().join(name);
        copy(&fixture(name), &root);
        let whole = read_damaged(&root).unwrap();
        for path in files(&root) {
            let bytes = fs::read(&path).unwrap();
            for percent in 0..100 {
                replace(&path, &bytes[..bytes.len() * percent / 100]);
                if !root.join("meta/info.json").metadata().is_ok_and(|found| found.len() > 64) {
                    continue; // No longer looks like one.
                }
                if let Some(read) = read_damaged(&root) {
                    assert_eq!(read, whole, "{} cut at {percent} %", path.display());
                }
            }
            replace(&path, &bytes);
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let mut rng = Seed(7).rng();
    for name in SETS {
        let dir = TempDir::new().unwrap();
        let root = dir.path().join(name);
        copy(&fixture(name), &root);
        for path in files(&root) {
            let bytes = fs::read(&path).unwrap();
            for _ in 0..12 {
                let mut flipped = bytes.clone();
                let at = rng.below(flipped.len());
                flipped[at] ^= 1 << rng.below(8);
                replace(&path, &flipped);
                if formats::detect(&root).is_ok_and(|format| format.name == "lerobot") {
                    read_damaged(&root);
                }
            }
            replace(&path, &bytes);
        }
    }
}

#[test]
fn only_lerobot_sets_look_like_one() {
    let dir = TempDir::new().unwrap();
    assert!(formats::detect(dir.path()).is_err());
    fs::create_dir(dir.path().join("meta")).unwrap();
    fs::write(dir.path().join("meta/info.json"), "{\"fps\": 10}").unwrap();
    assert!(formats::detect(dir.path()).is_err());
    assert!(SETS.iter().all(|name| formats::detect(&fixture(name)).unwrap().name == "lerobot"));
}
