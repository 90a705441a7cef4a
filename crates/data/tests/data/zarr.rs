//! Zarr in diffusion policy's layout: both versions, every codec, chunks across rows, round trip, damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, Seed, Space, StepKind, Value};
use worldsmith_data::formats::{self, ReadOptions, SinkSpec, Source};

use super::damage::{Finds, Set};
use super::peers;

fn fixture(name: &str) -> PathBuf {
    peers::fixture("zarr", name)
}

fn open(path: &Path) -> worldsmith_core::Result<Box<dyn Source>> {
    formats::open(path, None, &ReadOptions::default()).map(|(_, source)| source)
}

fn numbers(obs: &Value, name: &str) -> Vec<f32> {
    let Value::Dict(parts) = obs else { panic!("expected parts") };
    match &parts[name] {
        Value::Array { data, .. } => data.clone(),
        other => panic!("expected numbers, got a {}", other.kind()),
    }
}

#[test]
fn both_versions_and_a_zip_give_what_zarr_wrote() {
    for (name, format) in [("v2.zarr", "zarr"), ("v3.zarr", "zarr3"), ("v2.zarr.zip", "zarr")] {
        let (found, mut source) = formats::open(&fixture(name), None, &ReadOptions::default()).unwrap();
        assert_eq!((found.name, source.n_episodes()), (format, 2));
        let info = source.info().clone();
        assert_eq!(info.action, Space::vector(2, f32::NEG_INFINITY, f32::INFINITY));
        let Space::Dict(parts) = &info.obs else { panic!() };
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["img", "keypoint", "n_contacts", "state"]);
        assert_eq!(parts["img"], Space::Image { height: 16, width: 18, channels: 3 });
        assert!(info.notes.iter().any(|note| note.contains("was left out")), "{:?}", info.notes);
        let second = source.read(1).unwrap();
        assert_eq!((second.len(), second.end, &second.rewards[..]), (2, StepKind::Mid, &[0.0, 0.0][..]));
        // Rows 4 to 6 of the formulas in tests/parity/data/zarr.py.
        for (t, obs) in second.obs.iter().enumerate() {
            let row = 4 + t;
            let image: Vec<u8> = (0..864).map(|i| ((row * 864 + i) % 251) as u8).collect();
            assert_eq!(obs.image().unwrap().data, image, "{name}");
            assert_eq!(numbers(obs, "state"), [row as f32 / 2.0, row as f32 / 2.0 + 0.25]);
            assert_eq!(numbers(obs, "keypoint"), (0..6).map(|i| (row * 6 + i) as f32).collect::<Vec<_>>());
            assert_eq!(numbers(obs, "n_contacts"), [if row == 6 { 3.0 } else { 0.0 }]);
        }
        assert_eq!(second.actions, [Value::vector(vec![8.0, 9.0]), Value::vector(vec![10.0, 11.0])]);
        let first = source.read(0).unwrap();
        assert_eq!(source.read_range(0, 1..3).unwrap(), first.slice(1..3).unwrap());
    }
}

#[test]
fn only_the_chunks_of_an_episode_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v2.zarr");
    copy(&fixture("v2.zarr"), &path);
    // The first three rows: in the first episode only.
    for chunk in ["data/action/0.0", "data/state/0.0", "data/img/0.1.0.0"] {
        fs::write(path.join(chunk), b"damaged").unwrap();
    }
    let options = ReadOptions { columns: vec!["state".to_owned()], ..ReadOptions::default() };
    let mut source = formats::open(&path, None, &options).unwrap().1;
    assert_eq!(source.read(1).unwrap().obs[0], Value::vector(vec![2.0, 2.25]));
    let err = source.read(0).unwrap_err().to_string();
    assert!(err.contains("v2.zarr/data/"), "{err}");
}

#[test]
fn chunks_that_were_never_written_are_of_the_fill_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v2.zarr");
    copy(&fixture("v2.zarr"), &path);
    fs::remove_file(path.join("data/keypoint/2.1.0")).unwrap();
    let mut source = open(&path).unwrap();
    assert_eq!(numbers(&source.read(1).unwrap().obs[0], "keypoint"), [24.0, 25.0, 26.0, 27.0, 0.0, 29.0]);
    let meta = path.join("data/keypoint/.zarray");
    let text = fs::read_to_string(&meta).unwrap().replace("\"fill_value\": 0.0", "\"fill_value\": -1.5");
    fs::write(&meta, text).unwrap();
    assert_eq!(numbers(&open(&path).unwrap().read(1).unwrap().obs[0], "keypoint")[4], -1.5);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => fs::write(to.join(entry.file_name()), fs::read(entry.path()).unwrap()).unwrap(),
        }
    }
}

fn spaces() -> (Space, Space) {
    let obs = Space::Dict(BTreeMap::from([
        ("view".to_owned(), Space::Image { height: 4, width: 5, channels: 1 }),
        ("mode".to_owned(), Space::Discrete { n: 3 }),
        (
            "body".to_owned(),
            Space::Dict(BTreeMap::from([(
                "speed".to_owned(),
                Space::Box { shape: vec![2, 2], low: vec![-1.0; 4], high: vec![f32::INFINITY; 4] },
            )])),
        ),
    ]));
    let action = Space::Dict(BTreeMap::from([
        ("keys".to_owned(), Space::MultiDiscrete { nvec: vec![2, 3] }),
        ("mode".to_owned(), Space::Discrete { n: 4 }),
    ]));
    (obs, action)
}

fn written(path: &Path, format: &str, obs: &Space, action: &Space, lengths: &[usize]) -> Vec<Episode> {
    let mut rng = Seed(1).rng();
    let spec = SinkSpec::new(obs.clone(), action.clone(), 12.5);
    let mut sink = (formats::format(format).unwrap().create.unwrap())(path, &spec).unwrap();
    let mut episodes = Vec::new();
    for (idx, n) in lengths.iter().copied().enumerate() {
        let episode = super::sampled(idx, n, [obs, action], &mut rng);
        sink.push(&episode).unwrap();
        episodes.push(episode);
    }
    sink.finish().unwrap();
    episodes
}

#[test]
fn what_is_written_reads_back_equal() {
    let dir = tempfile::tempdir().unwrap();
    // Pictures of 480 kB: two a chunk.
    let large = Space::Image { height: 400, width: 400, channels: 3 };
    let (obs, action) = spaces();
    for (name, format, obs, action, lengths) in [
        ("small2", "zarr", &obs, &action, vec![3, 0, 12, 0, 0, 1, 2]),
        ("small3", "zarr3", &obs, &action, vec![3, 0, 12, 0, 0, 1, 2]),
        ("large", "zarr3", &large, &Space::vector(1, -1.0, 1.0), vec![2, 3]),
    ] {
        let path = dir.path().join(name);
        let episodes = written(&path, format, obs, action, &lengths);
        let (found, mut source) = formats::open(&path, None, &ReadOptions::default()).unwrap();
        assert_eq!(
            (found.name, source.n_episodes(), source.info().fps),
            (format, episodes.len(), Some(12.5))
        );
        assert_eq!((&source.info().obs, &source.info().action), (obs, action));
        for (idx, episode) in episodes.iter().enumerate() {
            assert!(source.read(idx).unwrap() == *episode, "episode {idx} of {name}");
        }
        assert!(source.read_range(0, 1..2).unwrap() == episodes[0].clone().slice(1..2).unwrap());
    }
}

#[test]
fn cut_and_flipped_files_are_refused_or_give_the_same_episodes() {
    let dir = tempfile::tempdir().unwrap();
    let (obs, action) = spaces();
    written(&dir.path().join("own2"), "zarr", &obs, &action, &[12]);
    written(&dir.path().join("own3"), "zarr3", &obs, &action, &[12]);
    for name in ["v2.zarr", "v3.zarr"] {
        copy(&fixture(name), &dir.path().join(name));
    }
    fs::copy(fixture("v2.zarr.zip"), dir.path().join("v2.zarr.zip")).unwrap();
    // JSON has no checksum, and of the codecs only Zstd as written here, zlib, gzip and CRC-32C.
    let (sums, none) = (Finds::All, Finds::Cuts);
    for (set, format, file, finds) in [
        ("own2", "zarr", "data/view/0.0.0.0", sums),
        ("own2", "zarr", "data/reward/0", sums),
        ("own2", "zarr", "meta/episode_ends/0", sums),
        ("own2", "zarr", "data/view/.zarray", none),
        ("own2", "zarr", ".zattrs", none),
        ("own3", "zarr3", "data/reward/c/0", sums),
        ("own3", "zarr3", "data/view/zarr.json", none),
        ("v2.zarr", "zarr", "data/action/1.0", none),
        ("v2.zarr", "zarr", "data/img/1.1.0.0", none),
        ("v2.zarr.zip", "zarr", "", sums),
        ("v3.zarr", "zarr3", "data/img/c/1/1/0/0", none),
        ("v3.zarr", "zarr3", "data/action/c/1/0", none),
    ] {
        let path = dir.path().join(set);
        Set::new(&path, format).survive(file, finds, 40);
    }
}

#[test]
fn metadata_that_leads_astray_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v2.zarr");
    copy(&fixture("v2.zarr"), &path);
    for (name, key, lie, why) in [
        (
            "data/state",
            "dimension_separator",
            r#""/../../""#,
            "expected `.` or `/` between numbers of chunks",
        ),
        ("data/keypoint", "shape", "[18446744073709551615, 0, 2]", "expected rows that hold something"),
        ("meta/episode_ends", "chunks", "[1]", "episode_ends"),
        ("data/action", "dtype", r#""<U0""#, "expected rows that hold something"),
    ] {
        let meta = path.join(name).join(".zarray");
        let text = fs::read_to_string(&meta).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json[key] = serde_json::from_str(lie).unwrap();
        let (chunk, aside) = (path.join("meta/episode_ends/0"), dir.path().join("aside"));
        if name == "meta/episode_ends" {
            // As many rows as nobody ever wrote, a chunk each.
            json["shape"] = serde_json::from_str("[1000000000000]").unwrap();
            fs::rename(&chunk, &aside).unwrap();
        }
        fs::write(&meta, json.to_string()).unwrap();
        let err = open_as(&path, "zarr").err().unwrap().to_string();
        assert!(err.contains(why) && err.contains("v2.zarr"), "{name}: {err}");
        fs::write(&meta, text).unwrap();
        let _ = fs::rename(&aside, &chunk);
    }
    assert!(open_as(&path, "zarr").is_ok());
}

fn open_as(path: &Path, format: &str) -> worldsmith_core::Result<Box<dyn Source>> {
    formats::open(path, Some(format), &ReadOptions::default()).map(|(_, source)| source)
}

#[test]
fn lies_about_sizes_set_no_memory_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v2.zarr");
    copy(&fixture("v2.zarr"), &path);
    let meta = path.join("data/keypoint/.zarray");
    let text = fs::read_to_string(&meta).unwrap();
    let shape = |to: &str| {
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut json = json.clone();
        json["shape"] = serde_json::from_str(to).unwrap();
        fs::write(&meta, json.to_string()).unwrap();
    };
    for lie in [
        "[7, 3000000000000, 2]",
        "[7, 18446744073709551615, 2]",
        "[18446744073709551615, 3, 2]",
        "[7, 100000000, 2]",
    ] {
        shape(lie);
        let read = open(&path).and_then(|mut source| source.read(1));
        if lie.starts_with("[7") {
            assert!(read.is_err(), "{lie}");
        }
    }
}

/// Leaves sets and what they must hold for `tests/parity/data/zarr.py check`.
#[test]
fn sets_are_left_for_zarr_to_check() {
    let dir = peers::folder("zarr");
    let (obs, action) = spaces();
    let (image, vector) = (Space::Image { height: 96, width: 96, channels: 3 }, Space::vector(2, -1.0, 1.0));
    for format in ["zarr", "zarr3"] {
        for (kind, obs, action) in [("mixed", &obs, &action), ("image", &image, &vector)] {
            let path = dir.join(format!("{kind}.{format}"));
            peers::describe(&path, &written(&path, format, obs, action, &[3, 0, 12, 1]), [obs, action]);
        }
    }
}
