//! Minari: every space in every storage against Minari's own reader, JPEGs, our own sets, damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use worldsmith_core::{Episode, ErrorKind, Seed, Space, StepKind, Value};
use worldsmith_data::formats::{self, ReadOptions, SinkSpec, Source};

use super::damage::{Finds, Set};
use super::peers::{self, find, numbers};

fn fixture(name: &str) -> PathBuf {
    peers::fixture("minari", name)
}

fn open(path: &Path, columns: &[&str]) -> worldsmith_core::Result<Box<dyn Source>> {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let (format, source) = formats::open(path, None, &ReadOptions { columns, ..Default::default() })?;
    assert_eq!(format.name, "minari");
    Ok(source)
}

/// What Minari's reader returned for the fixture, an episode each.
fn expected(name: &str) -> Vec<Json> {
    let text = fs::read_to_string(fixture(name).join("expected.json")).unwrap();
    serde_json::from_str::<Json>(&text).unwrap()["episodes"].as_array().unwrap().clone()
}

fn check(values: &[Value], name: &str, wanted: &Json, most_off: u8) {
    if let Some(texts) = wanted["text"].as_array() {
        let got: Vec<&Value> = values.iter().map(|value| find(value, name)).collect();
        let texts: Vec<Value> =
            texts.iter().map(|text| Value::Text(text.as_str().unwrap().to_owned())).collect();
        assert_eq!(got, texts.iter().collect::<Vec<_>>(), "{name}");
    } else if let Some(hex) = wanted["hex"].as_str() {
        let bytes: Vec<u8> =
            (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        let got: Vec<u8> =
            values.iter().flat_map(|value| find(value, name).image().unwrap().data.clone()).collect();
        assert_eq!(got.len(), bytes.len(), "{name}");
        let off = got.iter().zip(&bytes).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(off <= most_off, "{name} is off by {off}");
    } else {
        let wanted: Vec<f32> =
            wanted["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
        let start = if name == "choice" { 2.0 } else { 0.0 };
        let got: Vec<f32> = numbers(values, name).into_iter().map(|number| number + start).collect();
        assert_eq!(got, wanted, "{name}");
    }
}

fn check_set(name: &str, most_off: u8) -> Vec<Episode> {
    let mut source = open(&fixture(name), &[]).unwrap();
    let wanted = expected(name);
    assert_eq!(source.n_episodes(), wanted.len());
    let mut episodes = Vec::new();
    for (idx, wanted) in wanted.iter().enumerate() {
        let episode = source.read(idx).unwrap();
        for (values, wanted) in [(&episode.obs, &wanted["obs"]), (&episode.actions, &wanted["actions"])] {
            for (name, wanted) in wanted.as_object().unwrap() {
                check(values, name, wanted, most_off);
            }
        }
        let rewards: Vec<f32> =
            wanted["rewards"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
        assert_eq!(episode.rewards, rewards);
        assert_eq!(episode.obs.len(), rewards.len() + 1);
        assert_eq!(json!(episode.meta.seed.0), wanted["seed"]);
        assert_eq!(episode.meta.policy, "fixture");
        let last = rewards.len() - 1;
        let end = match (
            wanted["terminations"][last].as_bool().unwrap(),
            wanted["truncations"][last].as_bool().unwrap(),
        ) {
            (true, _) => StepKind::Terminated,
            (_, true) => StepKind::Truncated,
            _ => StepKind::Mid,
        };
        assert_eq!(episode.end, end);
        episodes.push(episode);
    }
    episodes
}

#[test]
fn every_space_reads_as_minari_reads_it_from_every_storage() {
    let first = check_set("mixed-hdf5", 0);
    assert_eq!(
        first.iter().map(|episode| episode.end).collect::<Vec<_>>(),
        [StepKind::Terminated, StepKind::Truncated, StepKind::Mid]
    );
    assert_eq!(check_set("mixed-arrow", 0).len(), 3);
    assert_eq!(check_set("mixed-parquet", 0).len(), 3);
}

#[test]
fn spaces_are_minaris_with_choices_moved_to_start_at_zero() {
    let source = open(&fixture("mixed-hdf5"), &[]).unwrap();
    let info = source.info();
    assert_eq!(
        info.obs.to_string(),
        "Dict(bits: MultiDiscrete([2, 2, 2]), choice: Discrete(3), image: Image(16x18x3), \
         pair: Dict(0: Box([2], -inf..9.5), 1: MultiDiscrete([2, 5])), pose: Box([2, 3], -1..1), words: Text(20))"
    );
    assert_eq!(info.action.to_string(), "Box([2], -2..2)");
    assert_eq!(info.notes, ["choices that start at another number than 0 were moved to start at 0"]);
}

#[test]
fn jpegs_read_as_pictures_whether_they_are_equally_long_or_not() {
    for name in ["jpeg-hdf5", "jpeg-arrow"] {
        // Decoders spread the halved colours of a JPEG over pixels in ways of their own.
        check_set(name, 4);
        let source = open(&fixture(name), &[]).unwrap();
        assert_eq!(source.info().obs, Space::Image { height: 32, width: 40, channels: 3 });
        assert_eq!(source.info().action, Space::Discrete { n: 4 });
    }
}

#[test]
fn columns_and_stretches_read_what_they_are_asked_for() {
    for name in ["mixed-hdf5", "mixed-arrow"] {
        let whole = open(&fixture(name), &[]).unwrap().read(0).unwrap();
        let mut one = open(&fixture(name).join("data"), &["pair/1"]).unwrap();
        assert_eq!(one.info().obs, Space::MultiDiscrete { nvec: vec![2, 5] });
        assert_eq!(one.read(0).unwrap().obs[3], *find(&whole.obs[3], "pair/1"));
        let mut all = open(&fixture(name), &[]).unwrap();
        for (start, end) in [(0, 3), (1, 2), (3, 3), (0, 0)] {
            assert_eq!(all.read_range(0, start..end).unwrap(), whole.clone().slice(start..end).unwrap());
        }
        assert!(all.read_range(0, 2..4).is_err());
        assert!(all.read(3).is_err());
        let err = open(&fixture(name), &["imag"]).err().unwrap();
        assert_eq!(err.kind(), ErrorKind::Unknown);
        assert!(err.hint_text().unwrap().contains("did you mean `image`"));
    }
}

fn spaces() -> (Space, Space) {
    let part = |name: &str, space: Space| (name.to_owned(), space);
    let inner = BTreeMap::from([
        part("mode", Space::Discrete { n: 3 }),
        part("one", Space::Box { shape: vec![], low: vec![-0.1], high: vec![f32::INFINITY] }),
    ]);
    let obs = BTreeMap::from([
        part("bits", Space::MultiDiscrete { nvec: vec![2, 2, 7] }),
        part("inner \"é\"", Space::Dict(inner)),
        part("view", Space::Image { height: 16, width: 17, channels: 1 }),
        part("words", Space::Text { max_len: 9 }),
    ]);
    let action = BTreeMap::from([
        part("keys", Space::Discrete { n: 5 }),
        part("wheel", Space::Box { shape: vec![2, 1], low: vec![-1.0; 2], high: vec![1.0; 2] }),
    ]);
    (Space::Dict(obs), Space::Dict(action))
}

fn written(format: &str, path: &Path, obs: &Space, action: &Space) -> Vec<Episode> {
    let mut rng = Seed(1).rng();
    let spec = SinkSpec::new(obs.clone(), action.clone(), 12.5);
    let mut sink = (formats::format(format).unwrap().create.unwrap())(path, &spec).unwrap();
    let mut episodes = Vec::new();
    for (idx, n) in [3, 1, 2].into_iter().enumerate() {
        let mut episode = super::sampled(idx, n, [obs, action], &mut rng);
        episode.meta.task = (idx == 1).then(|| "open the \"door\"".to_owned());
        for (t, obs) in episode.obs.iter_mut().enumerate() {
            if let Value::Dict(parts) = obs
                && let Some(words) = parts.get_mut("words")
            {
                *words = Value::Text("é".repeat(t));
            }
        }
        sink.push(&episode).unwrap();
        episodes.push(episode);
    }
    sink.finish().unwrap();
    episodes
}

#[test]
fn what_is_written_reads_back_equal() {
    let image = Space::Image { height: 64, width: 64, channels: 3 };
    for format in ["minari", "minari-arrow"] {
        for (obs, action) in [spaces(), (image.clone(), Space::Discrete { n: 4 })] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("set-v0");
            let episodes = written(format, &path, &obs, &action);
            let mut source = open(&path, &[]).unwrap();
            assert_eq!((&source.info().obs, &source.info().action), (&obs, &action));
            assert_eq!((source.info().fps, source.n_episodes()), (Some(12.5), 3));
            for (idx, episode) in episodes.iter().enumerate() {
                assert_eq!(source.read(idx).unwrap(), *episode, "episode {idx}");
            }
            let spec = SinkSpec { obs, action, fps: 1.0, video: false };
            let create = formats::format(format).unwrap().create.unwrap();
            assert!(create(&path, &spec).is_err(), "the folder is taken");
        }
    }
}

#[test]
fn empty_episodes_and_empty_sets_come_back() {
    for format in ["minari", "minari-arrow"] {
        let dir = tempfile::tempdir().unwrap();
        let (obs, action) = (Space::vector(2, -1.0, 1.0), Space::Discrete { n: 2 });
        let spec = SinkSpec { obs: obs.clone(), action, fps: 1.0, video: false };
        let create = formats::format(format).unwrap().create.unwrap();
        let episode = Episode::start(obs.sample(&mut Seed(2).rng()), super::meta(0));
        for n in [0, 1] {
            let path = dir.path().join(format!("set{n}"));
            let mut sink = create(&path, &spec).unwrap();
            (0..n).for_each(|_| sink.push(&episode).unwrap());
            assert!(!path.join("data/metadata.json").exists(), "no data set before it is finished");
            sink.finish().unwrap();
            let mut source = open(&path, &[]).unwrap();
            assert_eq!(source.n_episodes(), n);
            (0..n).for_each(|idx| assert_eq!(source.read(idx).unwrap(), episode));
        }
    }
}

#[test]
fn names_that_hdf5_cannot_hold_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a/b", "", "."] {
        let obs = Space::Dict(BTreeMap::from([(name.to_owned(), Space::Discrete { n: 2 })]));
        let spec = SinkSpec { obs, action: Space::Discrete { n: 2 }, fps: 1.0, video: false };
        assert!((formats::format("minari").unwrap().create.unwrap())(&dir.path().join("x"), &spec).is_err());
    }
}

#[test]
fn many_episodes_are_found_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (obs, action) = (Space::vector(1, 0.0, 1e9), Space::Discrete { n: 2 });
    let spec = SinkSpec { obs, action, fps: 1.0, video: false };
    let path = dir.path().join("many");
    let mut sink = (formats::format("minari").unwrap().create.unwrap())(&path, &spec).unwrap();
    for idx in 0..1500 {
        sink.push(&Episode::start(Value::vector(vec![idx as f32]), super::meta(idx))).unwrap();
    }
    sink.finish().unwrap();
    let mut source = open(&path, &[]).unwrap();
    for idx in [0, 1, 9, 10, 999, 1000, 1499] {
        assert_eq!(source.read(idx).unwrap().obs, [Value::vector(vec![idx as f32])]);
    }
}

#[test]
fn cut_and_flipped_files_are_refused_or_give_episodes() {
    let dir = tempfile::tempdir().unwrap();
    for (name, file, n_flips) in [
        ("mixed-hdf5", "data/main_data.hdf5", 100),
        ("jpeg-hdf5", "data/main_data.hdf5", 100),
        ("mixed-arrow", "data/0/part-0.arrow", 100),
        ("jpeg-arrow", "data/1/part-0.arrow", 100),
        ("mixed-parquet", "data/0/part-0.parquet", 100),
        ("mixed-arrow", "data/metadata.json", 50),
        ("mixed-arrow", "data/0/metadata.json", 20),
    ] {
        let path = dir.path().join(name);
        copy(&fixture(name), &path);
        Set::new(&path, "minari").survive(file, Finds::Cuts, n_flips);
    }
    let path = dir.path().join("own");
    let (obs, action) = spaces();
    written("minari", &path, &obs, &action);
    Set::new(&path, "minari").survive("data/main_data.hdf5", Finds::Cuts, 100);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// Leaves sets and what they must hold for `tests/parity/data/minari.py check`.
#[test]
fn sets_are_left_for_minari_to_check() {
    let dir = peers::folder("minari");
    let image = Space::Image { height: 40, width: 32, channels: 3 };
    for (kind, (obs, action)) in [("mixed", spaces()), ("image", (image, Space::Discrete { n: 4 }))] {
        for (format, storage) in [("minari", "hdf5"), ("minari-arrow", "arrow")] {
            let path = dir.join(format!("{kind}-{storage}-v0"));
            peers::describe(&path, &written(format, &path, &obs, &action), [&obs, &action]);
        }
    }
}
