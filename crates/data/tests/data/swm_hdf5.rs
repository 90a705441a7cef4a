//! stable-worldmodel's HDF5: rows of both versions, compressors, our own files, damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, ErrorKind, Seed, Space, StepKind, Value};
use worldsmith_data::formats::{self, ReadOptions, SinkSpec, Source};

use super::damage::{Finds, Set};
use super::peers;

/// Steps of the two episodes that `tests/parity/data/swm_hdf5.py` lays out.
const STEPS: [usize; 2] = [4, 3];

fn fixture(name: &str) -> PathBuf {
    peers::fixture("swm_hdf5", name)
}

fn open(path: &Path, columns: &[&str]) -> worldsmith_core::Result<Box<dyn Source>> {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let (format, source) = formats::open(path, None, &ReadOptions { columns, ..Default::default() })?;
    assert_eq!(format.name, "swm-hdf5");
    Ok(source)
}

/// Checks `episode`, number `idx` of a fixture, against the formulas of the script; `first` is its first step.
fn check(episode: &Episode, idx: usize, first: usize, discrete: bool) {
    let n = STEPS[idx] - first;
    assert_eq!((episode.len(), episode.obs.len()), (n, n + 1));
    for (row, obs) in episode.obs.iter().enumerate() {
        let t = (first + row) as f32;
        let Value::Dict(parts) = obs else { panic!("expected parts, got {obs:?}") };
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["pixels", "state"]);
        assert_eq!(parts["state"], Value::vector(vec![t, t / 2.0, idx as f32]));
        let pixels = obs.image().unwrap();
        assert_eq!(pixels.shape(), [16, 16, 3]);
        assert_eq!(pixels.data[3 * (16 * 9 + 5)..][..3], [t as u8, 5, idx as u8]);
    }
    for (row, action) in episode.actions.iter().enumerate() {
        let t = first + row;
        let wanted = match discrete {
            true => Value::Discrete(t as i64),
            false => Value::vector(vec![(100 * idx + t) as f32, -(t as f32)]),
        };
        assert_eq!(*action, wanted, "action {t} is the one taken on seeing observation {t}");
        assert_eq!(episode.rewards[row], (10 * idx + t + 1) as f32, "reward of step {t}");
    }
    assert_eq!(episode.end, [StepKind::Terminated, StepKind::Truncated][idx]);
}

#[test]
fn rows_that_start_with_the_reset_are_whole_episodes_behind_every_compressor() {
    for name in ["reset", "deflate", "lzf", "blosc_lz4", "blosc_zstd", "blosc_blosclz"] {
        let mut source = open(&fixture(&format!("{name}.h5")), &[]).unwrap();
        let wanted = ["left out columns `goal_state`; ask for them by name"];
        assert_eq!(source.info().notes, wanted, "{name}");
        assert_eq!(source.n_episodes(), 2);
        for idx in 0..2 {
            check(&source.read(idx).unwrap(), idx, 0, false);
        }
    }
}

#[test]
fn rows_of_version_011_start_after_the_first_step_and_say_so() {
    for (name, discrete) in [("v011", false), ("v011_discrete", true)] {
        let mut source = open(&fixture(&format!("{name}.h5")), &[]).unwrap();
        assert!(
            source.info().notes[1].contains("0.1.1 dropped the reset frame"),
            "{:?}",
            source.info().notes
        );
        for idx in 0..2 {
            check(&source.read(idx).unwrap(), idx, 1, discrete);
        }
    }
}

#[test]
fn choices_are_counted_without_the_least_number_that_stands_for_none() {
    let mut source = open(&fixture("reset_discrete.h5"), &[]).unwrap();
    assert_eq!(source.info().action, Space::Discrete { n: 4 });
    check(&source.read(1).unwrap(), 1, 0, true);
}

#[test]
fn columns_are_chosen_by_name_and_stretches_by_step() {
    let mut source = open(&fixture("reset.h5"), &["goal_state"]).unwrap();
    assert_eq!(source.info().obs.to_string(), "Box([3], -inf..inf)");
    let whole = source.read(0).unwrap();
    assert_eq!(whole.obs[2], Value::vector(vec![7.0; 3]));
    for (start, end) in [(0, 4), (1, 3), (4, 4), (0, 0)] {
        assert_eq!(source.read_range(0, start..end).unwrap(), whole.clone().slice(start..end).unwrap());
    }
    assert!(source.read_range(0, 3..5).is_err());
    assert!(source.read(2).is_err());
    let err = open(&fixture("reset.h5"), &["stat"]).err().unwrap();
    assert_eq!(
        (err.kind(), err.hint_text().unwrap().contains("did you mean `state`")),
        (ErrorKind::Unknown, true)
    );
}

fn spaces() -> (Space, Space) {
    let body = BTreeMap::from([
        ("mode".to_owned(), Space::Discrete { n: 3 }),
        (
            "speed".to_owned(),
            Space::Box { shape: vec![2, 2], low: vec![-1.0; 4], high: vec![f32::INFINITY; 4] },
        ),
    ]);
    let obs = Space::Dict(BTreeMap::from([
        ("body".to_owned(), Space::Dict(body)),
        ("view".to_owned(), Space::Image { height: 16, width: 17, channels: 1 }),
        ("tiny".to_owned(), Space::Image { height: 2, width: 3, channels: 3 }),
    ]));
    (obs, Space::MultiDiscrete { nvec: vec![2, 3] })
}

fn written(path: &Path, obs: &Space, action: &Space, lengths: &[usize]) -> Vec<Episode> {
    let mut rng = Seed(1).rng();
    let spec = SinkSpec::new(obs.clone(), action.clone(), 12.5);
    let mut sink = (formats::format("swm-hdf5").unwrap().create.unwrap())(path, &spec).unwrap();
    let mut episodes = Vec::new();
    for (idx, n) in lengths.iter().copied().enumerate() {
        let mut episode = super::sampled(idx, n, [obs, action], &mut rng);
        if n == 0 {
            episode.end = StepKind::Mid;
        }
        episode.meta.task = None;
        sink.push(&episode).unwrap();
        episodes.push(episode);
    }
    assert!(!path.exists(), "nothing is there before it is finished");
    sink.finish().unwrap();
    episodes
}

#[test]
fn what_is_written_reads_back_equal() {
    let image = || Space::Image { height: 64, width: 64, channels: 3 };
    let cases = [
        (spaces(), vec![3, 0, 300, 1]),
        ((image(), Space::vector(2, -1.0, 1.0)), vec![40, 7]),
        ((Space::vector(5, -2.0, 2.0), Space::Discrete { n: 9 }), vec![5000, 1]),
        ((image(), Space::Discrete { n: 2 }), vec![]),
    ];
    for ((obs, action), lengths) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set.h5");
        let episodes = written(&path, &obs, &action, &lengths);
        let mut source = open(&path, &[]).unwrap();
        assert_eq!((&source.info().obs, &source.info().action), (&obs, &action));
        assert_eq!((source.info().fps, source.n_episodes()), (Some(12.5), lengths.len()));
        assert_eq!(source.info().notes, [""; 0]);
        for (idx, episode) in episodes.iter().enumerate() {
            assert_eq!(source.read(idx).unwrap(), *episode, "episode {idx}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
        let spec = SinkSpec { obs, action, fps: 1.0, video: false };
        assert!((formats::format("swm-hdf5").unwrap().create.unwrap())(&path, &spec).is_err(), "it is taken");
    }
}

#[test]
fn text_and_clashing_names_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let number = || Space::vector(1, 0.0, 1.0);
    let inner = Space::Dict(BTreeMap::from([("b".to_owned(), number())]));
    let clash = BTreeMap::from([("a".to_owned(), inner), ("a.b".to_owned(), number())]);
    for obs in [
        Space::Text { max_len: 3 },
        Space::Dict(clash),
        Space::Dict(BTreeMap::from([("reward".to_owned(), number())])),
    ] {
        let spec = SinkSpec { obs, action: number(), fps: 1.0, video: false };
        let create = formats::format("swm-hdf5").unwrap().create.unwrap();
        assert_eq!(create(&dir.path().join("x.h5"), &spec).err().unwrap().kind(), ErrorKind::Invalid);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_sink_that_is_dropped_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (obs, action) = spaces();
    let spec = SinkSpec { obs, action, fps: 1.0, video: false };
    drop((formats::format("swm-hdf5").unwrap().create.unwrap())(&dir.path().join("x.h5"), &spec).unwrap());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn cut_and_flipped_files_are_refused_or_give_episodes() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["v011.h5", "deflate.h5", "lzf.h5", "blosc_lz4.h5", "blosc_zstd.h5", "blosc_blosclz.h5"] {
        let path = dir.path().join(name);
        fs::copy(fixture(name), &path).unwrap();
        Set::new(&path, "swm-hdf5").survive("", Finds::Cuts, 60);
    }
    let path = dir.path().join("own.h5");
    let (obs, action) = spaces();
    written(&path, &obs, &action, &[3, 0, 9]);
    Set::new(&path, "swm-hdf5").survive("", Finds::Cuts, 60);
}

#[test]
fn rows_wider_than_the_file_can_back_are_no_column() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wide.h5");
    let mut bytes = fs::read(fixture("deflate.h5")).unwrap();
    // The high byte of the second extent of `state`, found by its shape and that it may grow: 9 x 3.
    let shape = [9u64.to_le_bytes(), 3u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat();
    let at = bytes.windows(24).position(|part| part == shape).unwrap();
    bytes[at + 8 + 6] = 0xff;
    fs::write(&path, bytes).unwrap();
    let source = open(&path, &[]).unwrap();
    assert!(
        source.info().notes.iter().any(|note| note.contains("which is no column")),
        "{:?}",
        source.info().notes
    );
}

/// Leaves files and what they must hold for `tests/parity/data/swm_hdf5.py check`.
#[test]
fn files_are_left_for_h5py_to_check() {
    let dir = peers::folder("swm_hdf5");
    let image = Space::Image { height: 32, width: 32, channels: 3 };
    let obs = Space::Dict(BTreeMap::from([
        ("pixels".to_owned(), image),
        ("state".to_owned(), Space::vector(3, f32::NEG_INFINITY, f32::INFINITY)),
    ]));
    for (name, action) in [("numbers", Space::vector(2, -1.0, 1.0)), ("choices", Space::Discrete { n: 4 })] {
        let path = dir.join(format!("{name}.h5"));
        peers::describe(&path, &written(&path, &obs, &action, &[60, 0, 3]), [&obs, &action]);
    }
}
