//! `.npz` in the conventions of the field: alignment, cuts between episodes, round trip, damage.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, Seed, Space, StepKind, Value};
use worldsmith_data::formats::{self, ReadOptions, SinkSpec, Source};

use super::damage::{Finds, Set};
use super::peers;

fn fixture(name: &str) -> PathBuf {
    peers::fixture("npz", name)
}

fn open(path: &Path) -> Box<dyn Source> {
    let (format, source) = formats::open(path, None, &ReadOptions::default()).unwrap();
    assert_eq!(format.name, "npz");
    source
}

fn choices(episode: &Episode) -> Vec<i64> {
    episode.actions.iter().map(|action| action.as_discrete().unwrap()).collect()
}

#[test]
fn dreamers_actions_are_told_by_which_end_has_none() {
    // Rows 0..5 and 5..9; one-hot actions by row, of which the first or the last of an episode is zeros.
    for (name, first, second, note) in [
        ("dreamer_after.npz", [2, 1, 1, 0], vec![0, 0, 0], "DreamerV3's"),
        ("dreamer_before.npz", [1, 2, 1, 1], vec![2, 1, 1], "DreamerV2's"),
    ] {
        let mut source = open(&fixture(name));
        assert_eq!(source.info().action, Space::Discrete { n: 3 });
        assert_eq!(source.info().obs, Space::Image { height: 16, width: 16, channels: 3 });
        assert!(source.info().notes.iter().any(|said| said.contains(note)), "{:?}", source.info().notes);
        assert_eq!(source.n_episodes(), 2);
        let (one, two) = (source.read(0).unwrap(), source.read(1).unwrap());
        assert_eq!((choices(&one), choices(&two)), (first.to_vec(), second), "{name}");
        assert_eq!((&one.rewards[..], one.end), (&[1.0, 2.0, 3.0, 4.0][..], StepKind::Terminated));
        assert_eq!((&two.rewards[..], two.end), (&[6.0, 7.0, 8.0][..], StepKind::Truncated));
        assert_eq!(two.obs[1].image().unwrap().data[0], (6 * 768 % 256) as u8);
        assert_eq!(source.read_range(0, 1..3).unwrap(), one.slice(1..3).unwrap());
    }
}

#[test]
fn d4rl_is_cut_after_terminals_and_timeouts() {
    let mut source = open(&fixture("d4rl_next.npz"));
    assert_eq!((source.n_episodes(), source.info().notes.len()), (3, 0));
    let episodes: Vec<Episode> = (0..3).map(|idx| source.read(idx).unwrap()).collect();
    assert_eq!(
        episodes.iter().map(|episode| episode.end).collect::<Vec<_>>(),
        [StepKind::Terminated, StepKind::Truncated, StepKind::Mid]
    );
    assert_eq!(episodes[1].obs[3], Value::vector(vec![12.0, 13.0]));
    assert_eq!(episodes[1].rewards, [3.0, 4.0, 5.0]);
    assert_eq!(episodes[2].obs, [Value::vector(vec![12.0, 13.0]), Value::vector(vec![14.0, 15.0])]);
    assert_eq!(source.read_range(1, 1..2).unwrap(), episodes[1].clone().slice(1..2).unwrap());
    assert_eq!(source.read_range(1, 3..3).unwrap(), episodes[1].clone().slice(3..3).unwrap());
    // Without what came next the last action of each episode led to nothing that is known.
    let mut source = open(&fixture("d4rl.npz"));
    assert!(source.info().notes[0].contains("was left out"));
    let first = source.read(0).unwrap();
    assert_eq!((&first.rewards[..], first.end), (&[0.0, 1.0][..], StepKind::Truncated));
    assert_eq!(first.actions[1], Value::vector(vec![-2.0 / 3.0]));
    assert_eq!((source.read(2).unwrap().len(), source.read(2).unwrap().end), (0, StepKind::Mid));
}

#[test]
fn episode_ends_cut_and_real_pictures_with_channels_first_are_turned() {
    let mut source = open(&fixture("ends.npz"));
    let image = Space::Image { height: 16, width: 16, channels: 3 };
    let state = Space::vector(2, f32::NEG_INFINITY, f32::INFINITY);
    assert_eq!(
        source.info().obs,
        Space::Dict(BTreeMap::from([("img".to_owned(), image), ("state".to_owned(), state)]))
    );
    let second = source.read(1).unwrap();
    assert_eq!((source.n_episodes(), choices(&second)), (2, vec![1]));
    let Value::Dict(seen) = &second.obs[1] else { panic!() };
    assert_eq!(seen["state"], Value::vector(vec![10.0, 11.0]));
    assert_eq!(seen["img"].image().unwrap().data[..6], [128, 255, 128, 128, 255, 128]);
    let options = ReadOptions { columns: vec!["img".to_owned()], ..ReadOptions::default() };
    assert!(matches!(
        formats::open(&fixture("ends.npz"), None, &options).unwrap().1.info().obs,
        Space::Image { .. }
    ));
}

#[test]
fn one_row_more_of_observations_closes_an_episode() {
    let episode = open(&fixture("single.npz")).read(0).unwrap();
    assert_eq!((choices(&episode), &episode.rewards[..]), (vec![1, 0, 1], &[0.0, 0.5, 1.0][..]));
    assert_eq!((episode.obs[3].clone(), episode.end), (Value::vector(vec![6.0, 7.0]), StepKind::Terminated));
}

#[test]
fn pickled_objects_are_refused() {
    let err = formats::open(&fixture("objects.npz"), Some("npz"), &ReadOptions::default()).err().unwrap();
    assert!(err.to_string().contains("array `obs`: expected numbers, got pickled Python objects"), "{err}");
    assert!(err.hint_text().unwrap().contains("np.asarray"));
}

fn spaces() -> (Space, Space) {
    let obs = Space::Dict(BTreeMap::from([
        ("view".to_owned(), Space::Image { height: 4, width: 5, channels: 1 }),
        ("said".to_owned(), Space::Text { max_len: 9 }),
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

fn written(path: &Path, obs: &Space, action: &Space, lengths: &[usize]) -> Vec<Episode> {
    let mut rng = Seed(1).rng();
    let spec = SinkSpec::new(obs.clone(), action.clone(), 12.5);
    let mut sink = (formats::format("npz").unwrap().create.unwrap())(path, &spec).unwrap();
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
    let (obs, action) = spaces();
    let image = Space::Image { height: 3, width: 3, channels: 3 };
    for (name, obs, action, lengths) in [
        ("folder", obs, action, vec![3, 0, 12, 1, 2, 0]),
        ("one.npz", image, Space::vector(2, -1.0, 1.0), vec![5]),
    ] {
        let path = dir.path().join(name);
        let episodes = written(&path, &obs, &action, &lengths);
        let mut source = open(&path);
        assert_eq!((&source.info().obs, &source.info().action), (&obs, &action));
        assert_eq!((source.n_episodes(), source.info().fps), (episodes.len(), Some(12.5)));
        for (idx, episode) in episodes.iter().enumerate() {
            assert_eq!(source.read(idx).unwrap(), *episode, "episode {idx}");
        }
        let part = source.read_range(0, 1..2).unwrap();
        assert_eq!(part, episodes[0].clone().slice(1..2).unwrap());
    }
}

#[test]
fn cut_and_flipped_files_are_refused_or_give_the_same_episodes() {
    let dir = tempfile::tempdir().unwrap();
    let (obs, action) = spaces();
    written(&dir.path().join("own.npz"), &obs, &action, &[12]);
    for name in ["dreamer_after.npz", "ends.npz"] {
        fs::copy(fixture(name), dir.path().join(name)).unwrap();
    }
    for name in ["own.npz", "dreamer_after.npz", "ends.npz"] {
        let path = dir.path().join(name);
        Set::new(&path, "npz").survive("", Finds::All, 60);
    }
}

#[test]
fn rows_that_hold_nothing_and_spaces_that_no_memory_holds_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lies.npz");
    let array = |descr: &str, shape: &str, data: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let len = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &len[..], header.as_bytes(), data].concat()
    };
    let note = r#"{"obs": {"box": {"shape": [4294967296, 4294967296], "low": [], "high": []}}, "action": {"discrete": {"n": 2}},
        "fps": null, "end": "mid", "meta": {"env": "", "policy": "", "seed": 0, "source": "", "task": null}}"#;
    let text: Vec<u8> = note.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    for (name, descr, shape, data) in [
        ("action", "<f4", "(18446744073709551615, 0)", &[][..]),
        ("action", "<U0", "(18446744073709551615,)", &[]),
        ("obs", "|u1", "(18446744073709551615,)", &[]),
        ("obs", "|u1", "(0, 9000000000000000000)", &[]),
        ("worldsmith", &format!("<U{}", note.len()), "(1,)", &text),
    ] {
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        let files = [("action", array("<f4", "(0, 1)", &[])), ("obs", array("<f4", "(0, 1)", &[]))];
        let lie = (name, array(descr, shape, data));
        for (name, bytes) in files.into_iter().filter(|(other, _)| *other != name).chain([lie]) {
            zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(&bytes).unwrap();
        }
        zip.finish().unwrap();
        let opened = formats::open(&path, Some("npz"), &ReadOptions::default());
        let err = opened.and_then(|(_, mut source)| source.read(0)).unwrap_err();
        assert!(err.to_string().contains("lies.npz"), "{name} {descr} {shape}: {err}");
    }
}

/// Leaves sets and what they must hold for `tests/parity/data/npz.py check`.
#[test]
fn sets_are_left_for_numpy_to_check() {
    let dir = peers::folder("npz");
    let (obs, action) = spaces();
    let (image, vector) = (Space::Image { height: 16, width: 18, channels: 3 }, Space::vector(2, -1.0, 1.0));
    for (kind, obs, action) in [("mixed", &obs, &action), ("image", &image, &vector)] {
        let path = dir.join(kind);
        peers::describe(&path, &written(&path, obs, action, &[3, 0, 12, 1]), [obs, action]);
    }
}
