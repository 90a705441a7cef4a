//! stable-worldmodel's folder and video layouts, against what its own readers return.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, Image, Seed, Space, StepKind, Value};
use worldsmith_data::formats::{self, ReadOptions, SinkSpec, Source};

use super::damage::{Finds, Set};
use super::peers;

fn fixture(name: &str) -> PathBuf {
    peers::fixture("swm_folder", name)
}

fn open(path: &Path) -> worldsmith_core::Result<(&'static str, Box<dyn Source>)> {
    formats::open(path, None, &ReadOptions::default()).map(|(format, source)| (format.name, source))
}

/// Largest and mean difference between the pictures of two episodes.
fn off(a: &Episode, b: &Episode) -> (u8, f64) {
    assert_eq!(a.obs.len(), b.obs.len());
    let images = a.obs.iter().zip(&b.obs).map(|(a, b)| (a.image().unwrap(), b.image().unwrap()));
    let off: Vec<u8> =
        images.flat_map(|(a, b)| a.data.iter().zip(&b.data).map(|(x, y)| x.abs_diff(*y))).collect();
    let sum: f64 = off.iter().map(|off| f64::from(*off)).sum();
    (*off.iter().max().unwrap(), sum / off.len() as f64)
}

/// The episode without its pictures.
fn numbers(mut episode: Episode) -> (Vec<Value>, Vec<Value>, Vec<f32>, StepKind) {
    for obs in &mut episode.obs {
        if let Value::Dict(parts) = obs {
            parts.retain(|_, part| !matches!(part, Value::Image(_)));
        }
    }
    (episode.obs, episode.actions, episode.rewards, episode.end)
}

#[test]
fn both_layouts_give_what_the_original_readers_return() {
    for (layout, format) in [("folder", "swm-folder"), ("video", "swm-video")] {
        let (found, mut source) = open(&fixture(layout)).unwrap();
        assert_eq!((found, source.n_episodes()), (format, 2));
        assert_eq!(source.info().action, Space::vector(2, f32::NEG_INFINITY, f32::INFINITY));
        assert!(source.info().notes.is_empty(), "{:?}", source.info().notes);
        for idx in 0..2 {
            let expected = fixture(&format!("{layout}_expected_{idx}.npz"));
            let (_, mut expected) = open(&expected).unwrap();
            assert_eq!(expected.info().obs, source.info().obs);
            let (got, want) = (source.read(idx).unwrap(), expected.read(0).unwrap());
            // Decoders may fill in colours at half resolution in their own way.
            let (most, mean) = off(&got, &want);
            assert!(most <= 6 && mean < 0.6, "{layout}: off by {most}, {mean} on average");
            assert_eq!(numbers(got), numbers(want), "episode {idx} of {layout}");
        }
        let whole = source.read(0).unwrap();
        assert!(source.read_range(0, 1..3).unwrap() == whole.slice(1..3).unwrap());
    }
    assert_eq!(open(&fixture("video")).unwrap().1.info().fps, Some(25.0));
}

fn spaces(depth: usize) -> (Space, Space) {
    let obs = Space::Dict(BTreeMap::from([
        ("pixels".to_owned(), Space::Image { height: 16, width: 64, channels: 3 }),
        ("depth".to_owned(), Space::Image { height: 18, width: 64, channels: depth }),
        (
            "state".to_owned(),
            Space::Box { shape: vec![2, 2], low: vec![-1.0; 4], high: vec![f32::INFINITY; 4] },
        ),
    ]));
    (obs, Space::Discrete { n: 4 })
}

fn written(path: &Path, format: &str) -> Vec<Episode> {
    let (obs, action) = spaces(if format == "swm-video" { 3 } else { 1 });
    let mut rng = Seed(1).rng();
    let spec = SinkSpec::new(obs.clone(), action.clone(), 12.5);
    let mut sink = (formats::format(format).unwrap().create.unwrap())(path, &spec).unwrap();
    let mut episodes = Vec::new();
    for (idx, n) in [3, 7, 1].into_iter().enumerate() {
        let mut episode = super::sampled(idx, n, [&obs, &action], &mut rng);
        // Pictures that JPEG keeps: one colour each.
        for (t, obs) in episode.obs.iter_mut().enumerate() {
            let Value::Dict(parts) = obs else { continue };
            for part in parts.values_mut() {
                if let Value::Image(Image { data, .. }) = part {
                    data.fill((idx * 50 + t * 9) as u8);
                }
            }
        }
        sink.push(&episode).unwrap();
        episodes.push(episode);
    }
    sink.finish().unwrap();
    episodes
}

#[test]
fn what_is_written_reads_back_equal_but_for_pictures() {
    for (layout, channels, most) in [("swm-folder", 1, 1), ("swm-video", 3, 8)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set");
        let episodes = written(&path, layout);
        let (format, mut source) = open(&path).unwrap();
        let (obs, action) = spaces(channels);
        assert_eq!((format, source.n_episodes(), source.info().fps), (layout, 3, Some(12.5)));
        assert_eq!((&source.info().obs, &source.info().action), (&obs, &action));
        assert!(source.info().notes.is_empty(), "{:?}", source.info().notes);
        for (idx, episode) in episodes.iter().enumerate() {
            let got = source.read(idx).unwrap();
            assert!(off(&got, episode).0 <= most, "{layout}: off by {}", off(&got, episode).0);
            assert_eq!(got.meta.seed, episode.meta.seed);
            assert_eq!(numbers(got), numbers(episode.clone()));
        }
    }
}

#[test]
fn cut_and_flipped_files_are_refused_or_give_the_same_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, video) = (dir.path().join("folder"), dir.path().join("video"));
    written(&folder, "swm-folder");
    written(&video, "swm-video");
    let set = Set::new(&folder, "swm-folder");
    for name in ["ep_len.npz", "ep_offset.npz", "state.npz", "reward.npz"] {
        set.survive(name, Finds::All, 40);
    }
    // Neither JPEG nor mp4 has checksums: pictures may differ.
    set.survive("pixels/ep_1_step_2.jpeg", Finds::Cuts, 40);
    Set::new(&video, "swm-video").survive("pixels/ep_1.mp4", Finds::Cuts, 40);
}

#[test]
fn videos_with_fewer_frames_than_rows_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("set");
    fs::create_dir_all(path.join("pixels")).unwrap();
    for file in fs::read_dir(fixture("video")).unwrap().map(|entry| entry.unwrap().path()) {
        if file.is_file() {
            fs::copy(&file, path.join(file.file_name().unwrap())).unwrap();
        }
    }
    // Episode 1, of 4 rows, has the video of 5 frames, and the other way round.
    fs::copy(fixture("video/pixels/ep_0.mp4"), path.join("pixels/ep_1.mp4")).unwrap();
    fs::copy(fixture("video/pixels/ep_1.mp4"), path.join("pixels/ep_0.mp4")).unwrap();
    let (_, mut source) = open(&path).unwrap();
    let said = [source.read(0).unwrap_err().to_string(), source.read(1).unwrap_err().to_string()];
    assert!(said[0].starts_with("expected 5 frames, one a row, got 4"), "{said:?}");
    assert!(said[1].starts_with("expected 4 frames, one a row, got 5"), "{said:?}");
}

/// Leaves sets and what they must hold for `tests/parity/data/swm_folder.py check`.
#[test]
fn sets_are_left_for_stable_worldmodel_to_check() {
    let dir = peers::folder("swm_folder");
    for (layout, channels) in [("swm-folder", 1), ("swm-video", 3)] {
        let path = dir.join(layout);
        let (obs, action) = spaces(channels);
        peers::describe(&path, &written(&path, layout), [&obs, &action]);
    }
}
