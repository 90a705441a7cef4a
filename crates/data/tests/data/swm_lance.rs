//! stable-worldmodel's Lance tables, against what its own reader returns.

use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_data::formats;

use super::peers;

mod hostile;

fn fixture(name: &str) -> PathBuf {
    peers::fixture("swm_lance", name)
}

/// Every file below `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A copy of a table in the folder `dir`.
fn copy(name: &str, dir: &Path) -> PathBuf {
    for file in files(&fixture(name)) {
        let to = dir.join(name).join(file.strip_prefix(fixture(name)).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(file, to).unwrap();
    }
    dir.join(name)
}

#[test]
fn a_lance_table_is_recognised_alone_and_in_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    assert!(formats::detect(dir.path()).is_err());
    let table = copy("streamed.lance", dir.path());
    assert_eq!(formats::detect(&table).unwrap().name, "swm-lance");
    assert_eq!(formats::detect(dir.path()).unwrap().name, "swm-lance");
    copy("older.lance", dir.path());
    assert!(formats::detect(dir.path()).is_err());
}

mod reading {
    use worldsmith_core::{Episode, Result, Seed, Space, StepKind, Value};
    use worldsmith_data::formats::{ReadOptions, SinkSpec, Source};

    use super::super::damage::{Finds, Set};
    use super::*;

    fn open(path: &Path, columns: &[&str]) -> Result<Box<dyn Source>> {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let options = ReadOptions { columns, ..ReadOptions::default() };
        formats::open(path, None, &options).map(|(_, source)| source)
    }

    fn expected(name: &str, idx: usize) -> Episode {
        open(&fixture(&format!("{name}_expected_{idx}.npz")), &[]).unwrap().read(0).unwrap()
    }

    /// The episode without its pictures, rewards without what was not a number.
    fn numbers(mut episode: Episode) -> (Vec<Value>, Vec<Value>, Vec<f32>, StepKind) {
        for obs in &mut episode.obs {
            if let Value::Dict(parts) = obs {
                parts.retain(|_, part| !matches!(part, Value::Image(_)));
            }
        }
        (episode.obs, episode.actions, episode.rewards, episode.end)
    }

    /// Largest and mean difference between the pictures of two episodes.
    fn off(a: &Episode, b: &Episode) -> (u8, f64) {
        let images = a.obs.iter().zip(&b.obs).map(|(a, b)| (a.image().unwrap(), b.image().unwrap()));
        let off: Vec<u8> =
            images.flat_map(|(a, b)| a.data.iter().zip(&b.data).map(|(x, y)| x.abs_diff(*y))).collect();
        let sum: f64 = off.iter().map(|off| f64::from(*off)).sum();
        (*off.iter().max().unwrap(), sum / off.len() as f64)
    }

    /// Refuses differences that two decoders of one JPEG do not have: they fill in colours at half resolution in their own
    /// ways, which shows most in noise.
    fn assert_same(got: &Episode, want: &Episode, what: &str) {
        assert_eq!(got.obs.len(), want.obs.len(), "{what}");
        let (most, mean) = off(got, want);
        let bound = if what.ends_with("large") { 32 } else { 6 };
        assert!(most <= bound && mean < 0.6, "{what}: off by {most}, {mean} on average");
        assert_eq!(numbers(got.clone()), numbers(want.clone()), "{what}");
    }

    #[test]
    fn tables_give_what_the_original_reader_returns() {
        for (name, n) in [("streamed", 3), ("appended", 3), ("older", 2), ("large", 1)] {
            let mut source = open(&fixture(&format!("{name}.lance")), &[]).unwrap();
            assert_eq!(source.n_episodes(), n, "{name}");
            for idx in 0..n {
                let got = source.read(idx).unwrap();
                assert_same(&got, &expected(name, idx), &format!("episode {idx} of {name}"));
                let last = got.actions.len();
                assert!(
                    source.read_range(idx, last / 2..last).unwrap() == got.slice(last / 2..last).unwrap()
                );
            }
        }
    }

    #[test]
    fn an_action_in_the_last_row_leaves_the_reset_in_doubt() {
        let notes = |name: &str| open(&fixture(name), &[]).unwrap().info().notes.join("; ");
        assert_eq!(
            notes("streamed.lance"),
            "left out columns `instruction`, `variation_hue`; ask for them by name"
        );
        assert!(
            notes("appended.lance").contains("nothing says whether the reset frame"),
            "{}",
            notes("appended.lance")
        );
    }

    #[test]
    fn texts_and_variations_can_be_asked_for() {
        for name in ["streamed.lance", "appended.lance", "older.lance"] {
            let mut source = open(&fixture(name), &["instruction", "variation_hue"]).unwrap();
            for idx in 0..2 {
                let Value::Dict(parts) = source.read(idx).unwrap().obs.remove(1) else { panic!("{name}") };
                assert_eq!(parts["instruction"], Value::Text(format!("push block {idx}")));
                assert_eq!(parts["variation_hue"], Value::vector(vec![0.25 * idx as f32]));
            }
        }
        let err = open(&fixture("streamed.lance"), &["pixel"]).err().unwrap();
        assert!(err.hint_text().unwrap().contains("pixels"), "{err}");
    }

    #[test]
    fn deleted_episodes_are_gone_and_gaps_part_an_episode() {
        let mut source = open(&fixture("deleted.lance"), &[]).unwrap();
        // Of 3, 4, 6 and 4 rows the second episode is gone, and row 3 of the third.
        assert_eq!(source.n_episodes(), 4);
        assert_same(&source.read(0).unwrap(), &expected("deleted", 0), "first");
        assert_same(&source.read(3).unwrap(), &expected("deleted", 2), "last");
        // The original reader takes rows 2 and 4 for neighbours.
        let joined = expected("deleted", 1);
        let (before, after) = (source.read(1).unwrap(), source.read(2).unwrap());
        assert_same(&before, &joined.clone().slice(0..2).unwrap(), "before the gap");
        assert_same(&after, &joined.slice(3..4).unwrap(), "after the gap");
        assert_eq!((before.end, after.end), (StepKind::Mid, StepKind::Terminated));
        assert!(
            source
                .info()
                .notes
                .iter()
                .any(|note| note.starts_with("rows were deleted inside of episodes: 1 "))
        );
    }

    #[test]
    fn whole_numbers_as_actions_are_choices() {
        let path = fixture("choices.lance");
        let mut source = open(&path, &["state", "instruction"]).unwrap();
        assert_eq!((source.n_episodes(), &source.info().action), (2, &Space::Discrete { n: 3 }));
        for (idx, n) in [(0, 700), (1, 709)] {
            let (got, want) = (source.read(idx).unwrap(), expected("choices", idx));
            assert_eq!((got.obs.len(), got.end), (n, StepKind::Terminated));
            assert_eq!(got.rewards, want.rewards);
            for (t, (obs, state)) in got.obs.iter().zip(&want.obs).enumerate() {
                let Value::Dict(parts) = obs else { panic!() };
                assert_eq!(&parts["state"], state, "row {t}");
                assert_eq!(parts["instruction"], Value::Text(format!("balance pole {}", 9 * idx)));
            }
            for (got, want) in got.actions.iter().zip(&want.actions) {
                let (Value::Discrete(got), Value::Array { data, .. }) = (got, want) else { panic!() };
                assert_eq!([*got as f32][..], data[..]);
            }
            assert!(source.read_range(idx, 3..9).unwrap() == got.slice(3..9).unwrap());
        }
    }

    #[test]
    fn files_of_version_2_0_are_refused_with_a_way_out() {
        let err = open(&fixture("oldest.lance"), &[]).err().unwrap();
        assert!(err.to_string().contains("version 2.0"), "{err}");
        assert!(err.hint_text().unwrap().contains("data_storage_version"), "{err}");
    }

    /// `tests/parity/data/swm_lance.py check` compares them with what the original reader returns.
    #[test]
    fn every_table_is_left_as_npz_for_the_parity_script() {
        let dir = peers::folder("swm_lance");
        for entry in fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
            if !entry.is_dir() || name == "oldest.lance" {
                continue;
            }
            let mut source = open(&copy(&name, &dir), &[]).unwrap();
            let info = source.info().clone();
            let spec = SinkSpec::new(info.obs, info.action, 10.0);
            let create = formats::format("npz").unwrap().create.unwrap();
            let mut sink = create(&dir.join(name.strip_suffix(".lance").unwrap()), &spec).unwrap();
            for idx in 0..source.n_episodes() {
                sink.push(&source.read(idx).unwrap()).unwrap();
            }
            sink.finish().unwrap();
        }
    }

    #[test]
    fn cut_and_flipped_files_are_refused_or_read() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["deleted.lance", "appended.lance", "older.lance"] {
            let path = copy(name, dir.path());
            // The hint of which version is the newest is not read.
            for file in files(&path).iter().filter(|file| file.extension().is_some_and(|end| end != "json")) {
                let file = file.strip_prefix(&path).unwrap().to_str().unwrap();
                Set::new(&path, "swm-lance").survive(file, Finds::Cuts, 60);
            }
        }
        // Larger files, flipped at the end, where all that is no value stands.
        for name in ["choices.lance", "large.lance"] {
            let path = copy(name, dir.path());
            let mut rng = Seed(3).rng();
            for file in files(&path) {
                let bytes = fs::read(&file).unwrap();
                for _ in 0..20 {
                    let mut flipped = bytes.clone();
                    let at = bytes.len() - 1 - rng.below(bytes.len().min(4096));
                    flipped[at] ^= 1 << rng.below(8);
                    fs::write(&file, flipped).unwrap();
                    if let Err(err) = open(&path, &[]).and_then(|mut source| source.read(0)) {
                        assert!(err.to_string().contains(path.to_str().unwrap()), "{err}");
                    }
                }
                fs::write(&file, bytes).unwrap();
            }
        }
    }
}
