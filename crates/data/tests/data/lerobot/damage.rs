//! Sets that are damaged, lie or lead astray.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use worldsmith_core::ErrorKind;
use worldsmith_data::formats;

use super::{SETS, fixture, open};
use crate::damage::{Finds, Set};

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

#[test]
fn cut_and_flipped_files_are_refused_or_give_episodes() {
    for name in ["v30_image", "v30_h264", "v30_av1", "v30_converted", "v21_h264", "v20_jpeg"] {
        let dir = TempDir::new().unwrap();
        let root = dir.path().join(name);
        copy(&fixture(name), &root);
        let set = Set::new(&root, "lerobot");
        for path in files(&root) {
            let file = path.strip_prefix(&root).unwrap();
            set.survive(file.to_str().unwrap(), Finds::Cuts, 12);
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
