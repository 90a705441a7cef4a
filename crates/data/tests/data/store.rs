//! The store: what goes in comes out, and nothing damaged goes unnoticed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, ErrorKind, Seed, Space, StepKind, Value};
use worldsmith_data::{Keeping, Pictures, Store, crc32, fingerprint, is_held_out, write_atomic};

use super::damage::{Finds, Set};
use super::made_up::place::sealed;
use super::{action_space, episode, meta, obs_space, sampled};

/// A store of `n` episodes in `dir`.
pub fn store(dir: &Path, n: usize) -> Store {
    let mut store = Store::create(dir, &obs_space(), &action_space()).unwrap();
    for idx in 0..n {
        assert_eq!(store.append(&episode(idx, idx + 1, StepKind::Terminated)).unwrap(), idx);
    }
    store
}

fn shard(dir: &Path) -> PathBuf {
    dir.join("shards/000000.arrow")
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
            let episodes: Vec<_> = [5, 0, 1].map(|n| sampled(n, n, [obs, action], &mut rng)).into();
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
fn pictures_kept_as_png_come_back_as_they_were() {
    let part = |channels| Space::Image { height: 3, width: 5, channels };
    let obs = Space::Dict(BTreeMap::from([("grey".to_owned(), part(1)), ("rgb".to_owned(), part(3))]));
    let dir = tempfile::tempdir().unwrap();
    let episode = sampled(4, 4, [&obs, &action_space()], &mut Seed(2).rng());
    let keeping = Keeping { pictures: Pictures::Png, fps: Some(12.5) };
    Store::create_with(dir.path(), &obs, &action_space(), keeping).unwrap().append(&episode).unwrap();
    let opened = Store::open(dir.path()).unwrap();
    assert_eq!((opened.pictures(), opened.fps()), (Pictures::Png, Some(12.5)));
    assert_eq!(opened.read(0).unwrap(), episode);
}

#[test]
fn stores_from_before_there_was_video_still_open() {
    for (name, pictures) in [("raw", Pictures::Raw), ("png", Pictures::Png)] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store").join(name);
        let opened = Store::open(&dir).unwrap();
        assert_eq!((opened.pictures(), opened.fps(), opened.len()), (pictures, Some(12.5), 2));
        for idx in 0..2 {
            let original = episode(idx, 3 + idx, StepKind::Terminated);
            assert_eq!(opened.read(idx).unwrap(), original);
            assert_eq!(opened.entry(idx).unwrap().hash, fingerprint(&original));
        }
    }
}

#[test]
fn equal_episodes_make_equal_files_and_equal_fingerprints() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store(one.path(), 3);
    store(two.path(), 3);
    for name in ["store.json", "index.jsonl", "shards/000000.arrow"] {
        assert_eq!(fs::read(one.path().join(name)).unwrap(), fs::read(two.path().join(name)).unwrap());
    }
    let original = episode(1, 3, StepKind::Mid);
    let elsewhere = Episode { meta: meta(7), ..original.clone() };
    assert_eq!(fingerprint(&original), fingerprint(&elsewhere));
    let mut other = original.clone();
    other.rewards[2] += 1.0;
    let ended = Episode { end: StepKind::Terminated, ..original.clone() };
    assert!([other, ended].iter().all(|e| fingerprint(e) != fingerprint(&original)));
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
}

/// Whatever was done to the files: an error that names the file, or the episodes that were written.
fn assert_damage_is_found(dir: &Path, originals: &[Episode], what: &str) -> bool {
    let named = |err: &worldsmith_core::Error| {
        assert!(matches!(err.kind(), ErrorKind::Corrupt | ErrorKind::Io), "{what}: {err}");
        assert!(err.to_string().contains(dir.to_str().unwrap()), "{what}: {err}");
    };
    let store = match Store::open(dir) {
        Ok(store) => store,
        Err(err) => {
            named(&err);
            return true;
        }
    };
    let mut found = store.len() < originals.len();
    assert!(!found || store.leftovers().is_some(), "{what}: an episode went missing in silence");
    for (idx, original) in originals.iter().enumerate().take(store.len()) {
        match store.read(idx) {
            Ok(read) => assert_eq!(&read, original, "{what}"),
            Err(err) => {
                named(&err);
                found = true;
            }
        }
    }
    let _ = store.summary();
    found
}

#[test]
fn a_file_cut_short_anywhere_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let originals: Vec<_> = store(dir.path(), 2).iter().map(Result::unwrap).collect();
    for name in ["store.json", "index.jsonl", "shards/000000.arrow"] {
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        for len in (0..whole.len()).step_by(1 + whole.len() / 400) {
            fs::write(&path, &whole[..len]).unwrap();
            // An index cut between two lines is the index of a shorter store, with something behind its last episode.
            let what = format!("{name} cut to {len} of {}", whole.len());
            assert!(assert_damage_is_found(dir.path(), &originals, &what), "{what} went unnoticed");
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn any_flipped_bit_is_found_unless_it_means_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let originals: Vec<_> = store(dir.path(), 2).iter().map(Result::unwrap).collect();
    for name in ["index.jsonl", "shards/000000.arrow"] {
        let path = dir.path().join(name);
        let whole = fs::read(&path).unwrap();
        let mut rng = Seed(4).rng();
        for bit in (0..1000).map(|_| rng.below(whole.len() * 8)) {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bytes).unwrap();
            assert_damage_is_found(dir.path(), &originals, &format!("{name} bit {bit}"));
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn damage_is_found_when_a_store_is_read_as_a_data_set() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path(), 2));
    let set = Set::new(dir.path(), "worldsmith");
    for name in ["index.jsonl", "shards/000000.arrow"] {
        set.survive(name, Finds::All, 100);
    }
    set.survive("store.json", Finds::Cuts, 100);
}

/// Writes the index again, with the checksums of what the shard holds now.
pub(super) fn seal(dir: &Path) {
    let index = dir.join("index.jsonl");
    let text = sealed(&fs::read(&index).unwrap(), &fs::read(shard(dir)).unwrap());
    fs::write(index, text).unwrap();
}

#[test]
fn a_shard_that_lies_with_the_right_checksum_is_an_error_or_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut made = Store::create(dir.path(), &obs_space(), &action_space()).unwrap();
    let written = episode(0, 4, StepKind::Terminated);
    made.append(&written).unwrap();
    drop(made);
    let whole = fs::read(shard(dir.path())).unwrap();
    seal(dir.path());
    assert_eq!(Store::open(dir.path()).unwrap().read(0).unwrap(), written);
    for lie in [1_u64 << 62, u64::MAX, 1 << 31, 6] {
        for at in (0..whole.len() - 8).step_by(4) {
            let mut bytes = whole.clone();
            bytes[at..at + 8].copy_from_slice(&lie.to_le_bytes());
            fs::remove_file(shard(dir.path())).unwrap();
            fs::write(shard(dir.path()), bytes).unwrap();
            seal(dir.path());
            if let Err(err) = Store::open(dir.path()).and_then(|store| store.read(0)) {
                assert!(err.to_string().contains("000000.arrow"), "{lie} at {at}: {err}");
            }
        }
    }
}

#[test]
fn a_damaged_or_missing_head_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let err = Store::open(dir.path()).unwrap_err();
    assert!(err.to_string().starts_with("expected an episode store, found no `store.json`"), "{err}");
    store(dir.path(), 3);
    let head = dir.path().join("store.json");
    let json = fs::read_to_string(&head).unwrap();
    fs::write(&head, json.replace("\"version\": 3", "\"version\": 9")).unwrap();
    let err = Store::open(dir.path()).unwrap_err();
    assert!(err.to_string().starts_with("expected format version 3, got 9"), "{err}");
    fs::write(&head, "0").unwrap();
    let err = Store::open(dir.path()).unwrap_err();
    assert!(err.to_string().starts_with("expected format version 3, got null"), "{err}");
    fs::write(&head, json).unwrap();
    fs::remove_file(shard(dir.path())).unwrap();
    let err = Store::open(dir.path()).unwrap_err();
    assert!(err.to_string().contains("000000.arrow"), "{err}");
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
    let err = two.append(&episode(2, 2, StepKind::Mid)).unwrap_err();
    assert!(err.to_string().starts_with("another program is writing to this store"), "{err}");
    drop(Store::open(dir.path()).unwrap());
    let kept = one.read(1).unwrap();
    drop(one);
    let err = two.append(&episode(2, 2, StepKind::Mid)).unwrap_err();
    assert!(
        err.to_string().starts_with("another program wrote to this store: it had 1 episodes, now it has 2"),
        "{err}"
    );
    let one = Store::open(dir.path()).unwrap();
    assert_eq!(one.read(1).unwrap(), kept);
    assert_eq!(one.read(1).unwrap(), episode(1, 2, StepKind::Mid));
}

#[test]
fn what_a_crash_left_half_written_is_said_ignored_and_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path(), 2));
    let (shard, index) = (shard(dir.path()), dir.path().join("index.jsonl"));
    let append = |path: &Path, bytes: &[u8]| {
        let whole = fs::read(path).unwrap();
        fs::write(path, [&whole[..], bytes].concat()).unwrap();
        whole.len()
    };
    assert_eq!(Store::open(dir.path()).unwrap().leftovers(), None);
    let (n_shard, n_index) = (append(&shard, b"half an epis"), append(&index, b"{\"steps\":3,"));
    let mut opened = Store::open(dir.path()).unwrap();
    assert_eq!(opened.len(), 2);
    let said = opened.leftovers().unwrap();
    assert!(said.contains("12 bytes of episodes") && said.contains("11 bytes of the index"), "{said}");
    opened.truncate(2).unwrap();
    assert_eq!((fs::read(&shard).unwrap().len(), fs::read(&index).unwrap().len()), (n_shard, n_index));
    assert_eq!(opened.append(&episode(2, 3, StepKind::Terminated)).unwrap(), 2);
    assert_eq!(opened.leftovers(), None);
    assert_eq!(opened.read(2).unwrap(), episode(2, 3, StepKind::Terminated));
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

#[test]
fn what_is_appended_for_later_counts_once_it_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mut later = store(dir.path(), 1);
    for idx in 1..4 {
        later.append_later(&episode(idx, idx + 1, StepKind::Terminated)).unwrap();
    }
    assert_eq!((later.len(), Store::open(dir.path()).unwrap().len()), (1, 1));
    assert_eq!(Store::open(dir.path()).unwrap().leftovers(), None, "its writer lives");
    later.commit().unwrap();
    let opened = Store::open(dir.path()).unwrap();
    assert_eq!((opened.len(), opened.leftovers()), (4, None));
    later.append_later(&episode(9, 2, StepKind::Mid)).unwrap();
    drop(later);
    let mut opened = Store::open(dir.path()).unwrap();
    assert!(opened.leftovers().is_some());
    assert_eq!(opened.append(&episode(4, 5, StepKind::Mid)).unwrap(), 4);
    assert_eq!(opened.read(3).unwrap(), episode(3, 4, StepKind::Terminated));
}

#[test]
fn going_back_leaves_readers_what_they_have_mapped() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = store(dir.path(), 4);
    let reader = Store::open(dir.path()).unwrap();
    let before: Vec<_> = reader.iter().map(Result::unwrap).collect();
    writer.truncate(1).unwrap();
    writer.append(&episode(9, 2, StepKind::Mid)).unwrap();
    let after: Vec<_> = reader.iter().map(Result::unwrap).collect();
    assert_eq!(after, before);
}

#[test]
#[cfg(target_os = "linux")]
fn a_store_of_many_shards_holds_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    drop(store(&path, 1));
    let whole = fs::read(shard(&path)).unwrap();
    let line = fs::read_to_string(path.join("index.jsonl")).unwrap();
    let (body, _) = line.split_once(",\"sum\":").unwrap();
    let n = 300;
    let in_own_shard = |idx: usize| {
        fs::write(path.join(format!("shards/{idx:06}.arrow")), &whole).unwrap();
        let body = body.replace("\"episode\":0,", &format!("\"episode\":{idx},"));
        let body = body.replace("\"shard\":0,", &format!("\"shard\":{idx},"));
        format!("{body},\"sum\":\"{:08x}\"}}\n", crc32(format!("{body}}}").as_bytes()))
    };
    fs::write(path.join("index.jsonl"), (0..n).map(in_own_shard).collect::<String>()).unwrap();
    let opened = Store::open(&path).unwrap();
    for idx in (0..n).chain([0, n - 1]) {
        assert_eq!(opened.read(idx).unwrap(), episode(0, 1, StepKind::Terminated));
    }
    let held = fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fd.ok()?.path().read_link().ok());
    let n_held = held.filter(|file| file.starts_with(&path)).count();
    assert!((1..=128).contains(&n_held), "{n_held} files are open");
}

#[test]
fn a_store_whose_making_was_cut_short_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("shards")).unwrap();
    assert_eq!(store(dir.path(), 1).len(), 1);
}

#[test]
fn rewards_that_sum_to_no_number_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path(), 1);
    let mut endless = episode(1, 2, StepKind::Mid);
    endless.rewards.fill(f32::MAX);
    let err = store.append(&endless).unwrap_err();
    assert!(err.to_string().contains("finite sum"), "{err}");
    assert_eq!(Store::open(dir.path()).unwrap().len(), 1);
}

#[test]
fn those_who_look_whether_a_store_is_being_written_never_keep_a_writer_out() {
    let dir = tempfile::tempdir().unwrap();
    drop(store(dir.path(), 1));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let reader = Store::open(dir.path()).unwrap();
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    assert_eq!(reader.leftovers(), None);
                }
            });
        }
        let written = (1..200).try_for_each(|_| {
            let mut writer = Store::open(dir.path())?;
            writer.truncate(1)
        });
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        written.unwrap();
    });
}
