//! The store: what goes in comes out, and nothing damaged goes unnoticed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, ErrorKind, Rng, Seed, Space, StepKind, Value};
use worldsmith_data::{Store, crc32, is_held_out, write_atomic};

use super::{action_space, episode, meta, obs_space};

fn store(dir: &Path, n: usize) -> Store {
    let mut store = Store::create(dir, &obs_space(), &action_space()).unwrap();
    for idx in 0..n {
        assert_eq!(store.append(&episode(idx, idx + 1, StepKind::Terminated)).unwrap(), idx);
    }
    store
}

fn file(dir: &Path, idx: usize) -> PathBuf {
    dir.join(format!("episodes/{idx:06}.safetensors"))
}

/// An episode of random values.
fn sampled(obs: &Space, action: &Space, n: usize, rng: &mut Rng) -> Episode {
    Episode {
        obs: (0..=n).map(|_| obs.sample(rng)).collect(),
        actions: (0..n).map(|_| action.sample(rng)).collect(),
        rewards: (0..n).map(|_| rng.normal()).collect(),
        end: StepKind::Truncated,
        meta: meta(n),
    }
}

#[test]
fn every_kind_of_space_comes_back_as_it_was() {
    let leaf = [
        Space::Discrete { n: 4 },
        Space::MultiDiscrete { nvec: vec![2, 5, 3] },
        Space::Box { shape: vec![], low: vec![-1.0], high: vec![f32::INFINITY] },
        Space::Box { shape: vec![2, 3], low: vec![f32::NEG_INFINITY; 6], high: vec![0.1; 6] },
        Space::Image { height: 3, width: 4, channels: 3 },
        Space::Image { height: 3, width: 4, channels: 1 },
    ];
    let inner = leaf.iter().enumerate().map(|(i, s)| (format!("part {i}"), s.clone())).collect();
    let nested = BTreeMap::from([("a".to_owned(), Space::Dict(inner)), ("é".to_owned(), leaf[0].clone())]);
    let mut rng = Seed(1).rng();
    for obs in leaf.iter().chain([&Space::Dict(nested), &Space::Dict(BTreeMap::new())]) {
        for action in [&leaf[0], &leaf[1], &leaf[3]] {
            let dir = tempfile::tempdir().unwrap();
            let episodes: Vec<_> = [5, 0, 1].map(|n| sampled(obs, action, n, &mut rng)).into();
            let mut written = Store::create(dir.path(), obs, action).unwrap();
            for e in &episodes {
                written.append(e).unwrap();
            }
            let opened = Store::open(dir.path()).unwrap();
            assert_eq!((opened.len(), opened.obs(), opened.action()), (3, obs, action));
            let back: Vec<_> = opened.iter().map(Result::unwrap).collect();
            assert_eq!(back, episodes);
        }
    }
}

#[test]
fn text_comes_back_as_it_was() {
    let obs = Space::Dict(BTreeMap::from([
        ("says".to_owned(), Space::Text { max_len: 20 }),
        ("turn".to_owned(), Space::Discrete { n: 9 }),
    ]));
    let action = Space::Text { max_len: 20 };
    let said = |text: &str, turn| {
        let says = ("says".to_owned(), Value::Text(text.to_owned()));
        Value::Dict(BTreeMap::from([says, ("turn".to_owned(), Value::Discrete(turn))]))
    };
    let episode = Episode {
        obs: vec![said("", 0), said("größer", 1), said("日本", 2)],
        actions: vec![Value::Text("go".to_owned()), Value::Text(String::new())],
        rewards: vec![0.0, -1.5],
        end: StepKind::Mid,
        meta: worldsmith_core::EpisodeMeta { task: Some("answer \"kindly\"".to_owned()), ..meta(0) },
    };
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(dir.path(), &obs, &action).unwrap();
    store.append(&episode).unwrap();
    assert_eq!(store.read(0).unwrap(), episode);
}

#[test]
fn equal_episodes_make_equal_files() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store(one.path(), 3);
    store(two.path(), 3);
    for idx in 0..3 {
        assert_eq!(fs::read(file(one.path(), idx)).unwrap(), fs::read(file(two.path(), idx)).unwrap());
    }
}

#[test]
fn an_episode_of_other_spaces_is_refused_with_both() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path(), 1);
    let mut bad = episode(1, 2, StepKind::Mid);
    bad.actions[1] = Value::vector(vec![0.5]);
    let err = store.append(&bad).unwrap_err();
    assert!(err.to_string().starts_with("action 1: expected Discrete(3), got array [1]"), "{err}");
    assert_eq!((store.len(), Store::open(dir.path()).unwrap().len()), (1, 1));

    // A file that belongs to another store.
    let other = tempfile::tempdir().unwrap();
    let view = Space::Image { height: 1, width: 1, channels: 1 };
    let mut foreign = Store::create(other.path(), &view, &action_space()).unwrap();
    foreign.append(&sampled(&view, &action_space(), 2, &mut Seed(0).rng())).unwrap();
    fs::copy(file(other.path(), 0), file(dir.path(), 0)).unwrap();
    let err = store.read(0).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Mismatch);
    assert!(err.to_string().contains("Image(1x1x1)") && err.to_string().contains("Dict("), "{err}");
}

/// Replaces episode 0 by `bytes`: it must be reported as corrupt, by name, in full reading, and survive a summary.
fn assert_corrupt(store: &Store, bytes: &[u8], what: &str) {
    let path = file(store.dir(), 0);
    fs::write(&path, bytes).unwrap();
    let err = store.read(0).expect_err(what);
    assert_eq!(err.kind(), ErrorKind::Corrupt, "{what}: {err}");
    assert!(err.to_string().contains(path.to_str().unwrap()), "{what}: {err}");
    let _ = store.summary();
}

#[test]
fn a_file_cut_short_anywhere_is_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), 1);
    let whole = fs::read(file(dir.path(), 0)).unwrap();
    for len in 0..whole.len() {
        assert_corrupt(&store, &whole[..len], &format!("cut to {len}"));
        assert_eq!(store.summary().unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert_corrupt(&store, &[&whole[..], &[0]].concat(), "one byte too many");
}

#[test]
fn any_flipped_bit_is_found_unless_it_means_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), 1);
    let (path, original) = (file(dir.path(), 0), store.read(0).unwrap());
    let whole = fs::read(&path).unwrap();
    let header_end = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let mut harmless = 0;
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        match store.read(0) {
            Err(err) => assert_eq!(err.kind(), ErrorKind::Corrupt, "bit {bit}: {err}"),
            Ok(read) => {
                assert!(bit / 8 < header_end, "bit {bit} of the data went unnoticed");
                assert_eq!(read, original, "bit {bit}");
                harmless += 1;
            }
        }
        let _ = store.summary();
    }
    // White space that turns into other white space.
    assert!(harmless < 64, "{harmless} flips went unnoticed");
}

#[test]
fn foreign_files_and_lying_headers_are_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), 1);
    let with_header = |json: &str| [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat();
    assert_corrupt(&store, b"PK\x03\x04 an archive of some sort", "a zip file");
    assert_corrupt(&store, &u64::MAX.to_le_bytes(), "an endless header");
    assert_corrupt(&store, &(1_u64 << 40).to_le_bytes(), "a terabyte of header");
    assert_corrupt(&store, &with_header("{}"), "no metadata");
    assert_corrupt(&store, &with_header(&"[".repeat(100_000)), "deep nesting");
    let huge = r#"{"dtype":"U8","shape":[2305843009213693951],"data_offsets":[0,2305843009213693951]}"#;
    assert_corrupt(&store, &with_header(&format!(r#"{{"x":{huge}}}"#)), "a tensor of exabytes");
    let whole = r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
    assert_corrupt(
        &store,
        &with_header(&format!(r#"{{"x":{whole}}}"#)),
        "a safetensors file of somebody else",
    );
    let future = r#"{"__metadata__":{"worldsmith":"{\"version\":2}"}}"#;
    assert_corrupt(&store, &with_header(future), "a later version");
    let err = store.read(0).unwrap_err();
    assert!(err.to_string().starts_with("expected format version 1, got 2"), "{err}");
}

#[test]
fn a_damaged_or_missing_index_and_a_missing_episode_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let err = Store::open(dir.path()).unwrap_err();
    assert!(err.to_string().starts_with("expected an episode store, found no `store.json`"), "{err}");
    store(dir.path(), 3);
    fs::remove_file(file(dir.path(), 1)).unwrap();
    let err = Store::open(dir.path()).unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Corrupt);
    assert!(err.to_string().ends_with("000001.safetensors"), "{err}");
    let index = dir.path().join("store.json");
    let json = fs::read(&index).unwrap();
    fs::write(&index, &json[..json.len() / 2]).unwrap();
    assert_eq!(Store::open(dir.path()).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_store_is_made_once_and_never_over_another() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path(), 1);
    let err = Store::create(dir.path(), &obs_space(), &action_space()).unwrap_err();
    assert!(err.to_string().starts_with("expected no episode store here yet, found one"), "{err}");
    assert_eq!(Store::open(dir.path()).unwrap().len(), 1);
    let twice = Space::Dict(BTreeMap::from([
        ("a/b".to_owned(), action_space()),
        ("a".to_owned(), Space::Dict(BTreeMap::from([("b".to_owned(), action_space())]))),
    ]));
    assert!(Store::create(&dir.path().join("twice"), &twice, &action_space()).is_err());
}

#[test]
fn two_writers_do_not_overwrite_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut one = store(dir.path(), 1);
    let mut two = Store::open(dir.path()).unwrap();
    one.append(&episode(1, 2, StepKind::Mid)).unwrap();
    assert!(two.append(&episode(2, 2, StepKind::Mid)).is_err());
    assert_eq!(one.read(1).unwrap(), episode(1, 2, StepKind::Mid));
}

#[test]
fn what_a_crash_left_half_written_is_ignored_and_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path(), 2);
    let temp = dir.path().join("episodes/.000002.safetensors.tmp");
    fs::write(&temp, b"half an epis").unwrap();
    let mut opened = Store::open(dir.path()).unwrap();
    assert_eq!(opened.len(), 2);
    opened.append(&episode(2, 3, StepKind::Terminated)).unwrap();
    assert!(!temp.exists());
    assert_eq!(opened.read(2).unwrap(), episode(2, 3, StepKind::Terminated));

    let temp = dir.path().join("episodes/.000003.safetensors.tmp");
    fs::write(&temp, b"half an epis").unwrap();
    opened.truncate(3).unwrap();
    assert!(!temp.exists());
}

#[test]
fn truncating_goes_back_to_an_earlier_store() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path(), 5);
    assert!(store.truncate(6).is_err());
    store.truncate(2).unwrap();
    assert!(store.read(2).is_err());
    assert_eq!(store.append(&episode(9, 1, StepKind::Mid)).unwrap(), 2);
    let opened = Store::open(dir.path()).unwrap();
    let ids: Vec<_> = opened.iter().map(|e| e.unwrap().meta.seed).collect();
    assert_eq!(ids, [0, 1, 9].map(|idx| meta(idx).seed));
}

#[test]
fn the_summary_counts_episodes_steps_and_returns() {
    let dir = tempfile::tempdir().unwrap();
    let summary = store(dir.path(), 3).summary().unwrap();
    assert_eq!((summary.episodes, summary.steps), (3, 1 + 2 + 3));
    assert_eq!(summary.returns, [0.0, 100.0 + 101.0, 200.0 + 201.0 + 202.0]);
}

#[test]
fn held_out_seeds_are_about_the_asked_fraction_and_never_change() {
    let held: Vec<bool> = (0..10_000).map(|i| is_held_out(Seed(1).index(i), 0.1)).collect();
    let n = held.iter().filter(|h| **h).count();
    assert!((900..=1100).contains(&n), "{n} of 10000");
    assert!((0..10_000).all(|i| is_held_out(Seed(1).index(i), 0.1) == held[i as usize]));
    // A larger fraction keeps what a smaller one held out.
    assert!((0..10_000).all(|i| !held[i as usize] || is_held_out(Seed(1).index(i), 0.2)));
    assert!((0..100).all(|i| !is_held_out(Seed(i), 0.0) && is_held_out(Seed(i), 1.0)));
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model");
    write_atomic(&path, b"old").unwrap();
    write_atomic(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");

    let taken = dir.path().join("taken");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("inside"), b"").unwrap();
    let err = write_atomic(&taken, b"new").unwrap_err();
    assert_eq!(err.kind(), ErrorKind::Io);
    let err = write_atomic(&dir.path().join("nowhere/model"), b"new").unwrap_err();
    assert!(err.to_string().starts_with("cannot write file:"), "{err}");
    let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["model", "taken"]);
    // The check value every description of CRC-32 gives.
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
