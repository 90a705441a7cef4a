//! Data sets of every format that can be written: there whole or not at all.

use std::fs;
use std::path::Path;

use worldsmith_core::{Seed, Space};
use worldsmith_data::formats::{self, FORMATS, Format, ReadOptions, SinkSpec};

use super::{action_space, sampled};

fn spec() -> SinkSpec {
    SinkSpec::new(Space::Image { height: 16, width: 16, channels: 3 }, action_space(), 10.0)
}

/// The formats that are written aside, and a place in `dir` for each.
fn places(dir: &Path) -> impl Iterator<Item = (&'static Format, std::path::PathBuf)> + '_ {
    let written = FORMATS.iter().filter(|format| format.create.is_some() && format.name != "worldsmith");
    written.map(|format| {
        let ending = if format.name == "swm-hdf5" { ".h5" } else { "-v0" };
        (format, dir.join(format!("{}{ending}", format.name)))
    })
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_not_finished_is_not_there_and_the_next_writer_clears_it_away() {
    let dir = tempfile::tempdir().unwrap();
    let spec = spec();
    let episode = sampled(0, 5, [&spec.obs, &spec.action], &mut Seed(3).rng());
    for (format, path) in places(dir.path()) {
        let name = format.name;
        let mut sink = formats::create(format, &path, &spec).unwrap();
        sink.push(&episode).unwrap();
        let err = formats::create(format, &path, &spec).err().unwrap().to_string();
        assert!(err.starts_with("another program is writing this data set"), "{name}: {err}");
        assert!(!path.exists(), "{name} appears when it is whole");
        // A kill leaves everything where it is.
        std::mem::forget(sink);
        let aside = dir.path().join(format!(".{}.tmp", path.file_name().unwrap().to_str().unwrap()));
        let left = fs::read_dir(&aside).unwrap().count();
        assert!(left > 1, "{name} is written aside");
        // Another process's lock would be gone with it; the file would stay.
        fs::remove_file(aside.join("writer.lock")).unwrap();
        fs::write(aside.join("writer.lock"), "").unwrap();

        let mut sink = formats::create(format, &path, &spec).unwrap();
        sink.push(&episode).unwrap();
        sink.finish().unwrap();
        assert_eq!(names(dir.path()), [path.file_name().unwrap().to_str().unwrap()], "{name}");
        let (_, mut source) = formats::open(&path, Some(name), &ReadOptions::default()).unwrap();
        assert_eq!((source.n_episodes(), source.read(0).unwrap().len()), (1, 5), "{name}");
        let err = formats::create(format, &path, &spec).err().unwrap().to_string();
        assert!(err.starts_with("expected nothing here yet, found a file or folder"), "{name}: {err}");
        // One that is given up leaves nothing.
        let other = path.with_file_name("given-up-v0");
        drop(formats::create(format, &other, &spec).unwrap());
        assert_eq!(names(dir.path()), [path.file_name().unwrap().to_str().unwrap()], "{name}");
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.unwrap();
    }
}

#[test]
fn what_appears_in_the_place_of_a_data_set_stays_and_so_does_the_set() {
    let dir = tempfile::tempdir().unwrap();
    let spec = spec();
    let episode = sampled(0, 5, [&spec.obs, &spec.action], &mut Seed(3).rng());
    for (format, path) in places(dir.path()) {
        let name = format.name;
        // An empty folder is taken away at the start.
        fs::create_dir(&path).unwrap();
        let mut sink = formats::create(format, &path, &spec).unwrap();
        assert!(!path.exists(), "{name}");
        sink.push(&episode).unwrap();
        fs::write(&path, "of somebody else").unwrap();
        let err = sink.finish().err().unwrap();
        assert!(err.to_string().starts_with("expected nothing here yet"), "{name}: {err}");
        assert_eq!(fs::read(&path).unwrap(), b"of somebody else", "{name}");
        let file_name = path.file_name().unwrap().to_str().unwrap();
        let kept = dir.path().join(format!(".{file_name}.tmp")).join(file_name);
        assert!(format!("{err:?}").contains(kept.to_str().unwrap()), "{name}: {err:?}");
        fs::remove_file(&path).unwrap();
        let err = formats::create(format, &path, &spec).err().unwrap().to_string();
        assert!(err.starts_with("expected nothing here, or what a stopped writer left"), "{name}: {err}");
        let (_, mut source) = formats::open(&kept, Some(name), &ReadOptions::default()).unwrap();
        assert_eq!(source.read(0).unwrap().len(), 5, "{name}");
    }
}

#[test]
fn a_folder_aside_that_is_no_writers_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (format, spec) = (formats::format("npz").unwrap(), spec());
    let (path, aside) = (dir.path().join("set"), dir.path().join(".set.tmp"));
    let refused = || {
        let err = formats::create(format, &path, &spec).err().unwrap().to_string();
        assert!(err.starts_with("expected nothing here, or what a stopped writer left"), "{err}");
    };
    fs::create_dir(&aside).unwrap();
    fs::write(aside.join("notes"), "mine").unwrap();
    refused();
    assert_eq!(fs::read(aside.join("notes")).unwrap(), b"mine");
    fs::remove_dir_all(&aside).unwrap();
    fs::write(&aside, "mine").unwrap();
    refused();
    fs::remove_file(&aside).unwrap();
    drop(formats::create(format, &path, &spec).unwrap());
    assert_eq!(names(dir.path()), [""; 0]);
}

#[cfg(unix)]
#[test]
fn links_are_neither_followed_nor_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let (format, spec) = (formats::format("npz").unwrap(), spec());
    let (path, real) = (dir.path().join("set"), dir.path().join("real"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &path).unwrap();
    let err = formats::create(format, &path, &spec).err().unwrap().to_string();
    assert!(err.starts_with("expected nothing here yet"), "{err}");
    fs::rename(&path, dir.path().join(".set.tmp")).unwrap();
    let err = formats::create(format, &path, &spec).err().unwrap().to_string();
    assert!(err.starts_with("expected nothing here, or what a stopped writer left"), "{err}");
    assert_eq!(names(dir.path()), [".set.tmp", "real"]);
}
