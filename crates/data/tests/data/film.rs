//! Stores that keep pictures as video: not exact, but the same episode for every reader, and nothing damaged unnoticed.

use std::collections::BTreeMap;
use std::path::Path;

use worldsmith_core::{Episode, ErrorKind, Image, Seed, Space, StepKind, Value};
use worldsmith_data::formats::{self, ReadOptions};
use worldsmith_data::{
    Batch, Cell, Goal, Keeping, Pick, Pictures, Relabel, Replay, Sampler, StepId, Store, Window, fingerprint,
};

use super::damage::{Finds, Set};
use super::{action_space, meta};

const FILMS: [Pictures; 2] = [Pictures::H264, Pictures::Av1];

fn keeping(pictures: Pictures) -> Keeping {
    Keeping { pictures, fps: Some(10.0) }
}

/// A coloured view, a grey one, and a number.
fn obs_space(height: usize, width: usize) -> Space {
    let view = |channels| Space::Image { height, width, channels };
    Space::Dict(BTreeMap::from([
        ("grey".to_owned(), view(1)),
        ("rgb".to_owned(), view(3)),
        ("t".to_owned(), Space::vector(1, 0.0, 1e6)),
    ]))
}

/// Smooth colours and a square that moves: what codecs are made for.
fn view(episode: usize, t: usize, [height, width, channels]: [usize; 3]) -> Value {
    let mut image = Image::new(height, width, channels);
    for (i, pixel) in image.data.chunks_exact_mut(channels).enumerate() {
        let (x, y) = (i % width, i / width);
        let colour = [40 + 2 * x, 60 + 2 * y + 9 * episode, 150 - x];
        pixel.iter_mut().zip(colour).for_each(|(out, level)| *out = level as u8);
    }
    // At even columns: colour is kept for pairs of pixels.
    image.fill_rect(2 * t % width, 2, 4, 4, &[230, 40, 30][..channels]);
    Value::Image(image)
}

fn filmed(idx: usize, n: usize, [height, width]: [usize; 2]) -> Episode {
    let obs = |t: usize| {
        Value::Dict(BTreeMap::from([
            ("grey".to_owned(), view(idx, t, [height, width, 1])),
            ("rgb".to_owned(), view(idx, t, [height, width, 3])),
            ("t".to_owned(), Value::vector(vec![t as f32])),
        ]))
    };
    Episode {
        obs: (0..=n).map(obs).collect(),
        actions: (0..n).map(|t| Value::Discrete(t as i64 % 3)).collect(),
        rewards: (0..n).map(|t| (10 * idx + t) as f32).collect(),
        end: [StepKind::Terminated, StepKind::Truncated, StepKind::Mid][idx % 3],
        meta: meta(idx),
    }
}

/// A store of episodes of these lengths.
fn store(dir: &Path, pictures: Pictures, size: [usize; 2], lens: &[usize]) -> Store {
    let space = obs_space(size[0], size[1]);
    let mut store = Store::create_with(dir, &space, &action_space(), keeping(pictures)).unwrap();
    for (idx, n) in lens.iter().enumerate() {
        store.append(&filmed(idx, *n, size)).unwrap();
    }
    store
}

fn pictures(episode: &Episode, part: &str) -> Vec<u8> {
    let picture = |obs: &Value| match obs {
        Value::Dict(parts) => parts[part].image().unwrap().data.clone(),
        _ => unreachable!(),
    };
    episode.obs.iter().flat_map(picture).collect()
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
    let mean = a.iter().zip(b).map(square).sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[test]
fn pictures_of_any_size_come_back_nearly_and_all_else_exactly() {
    for kind in FILMS {
        for (size, lens) in [([48, 64], [9, 1]), ([16, 16], [3, 0]), ([10, 10], [2, 0]), ([33, 47], [5, 1])] {
            let dir = tempfile::tempdir().unwrap();
            drop(store(dir.path(), kind, size, &lens));
            let opened = Store::open(dir.path()).unwrap();
            assert_eq!((opened.pictures(), opened.len()), (kind, 2));
            for (idx, n) in lens.into_iter().enumerate() {
                let (got, want) = (opened.read(idx).unwrap(), filmed(idx, n, size));
                for part in ["rgb", "grey"] {
                    let psnr = psnr(&pictures(&got, part), &pictures(&want, part));
                    assert!(psnr > 30.0, "{kind} {size:?} `{part}` of episode {idx}: {psnr:.1} dB");
                }
                let rest = |e: &Episode| (e.actions.clone(), e.rewards.clone(), e.end, e.meta.clone());
                assert_eq!(rest(&got), rest(&want));
            }
        }
    }
}

#[test]
fn the_fingerprint_is_that_of_what_is_read() {
    for kind in FILMS {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), kind, [32, 32], &[7, 0]);
        for (idx, n) in [7, 0].into_iter().enumerate() {
            let (hash, original) = (store.entry(idx).unwrap().hash, filmed(idx, n, [32, 32]));
            assert_eq!(fingerprint(&store.read(idx).unwrap()), hash);
            assert_eq!(store.fingerprint_of(&original).unwrap(), hash);
            assert_ne!(fingerprint(&original), hash, "video is not exact");
        }
    }
}

#[test]
fn a_stretch_of_an_episode_is_what_the_whole_has_there() {
    for kind in [Pictures::Raw, Pictures::Png, Pictures::H264, Pictures::Av1] {
        let dir = tempfile::tempdir().unwrap();
        drop(store(dir.path(), kind, [24, 18], &[20]));
        let opened = Store::open(dir.path()).unwrap();
        let whole = opened.read(0).unwrap();
        let mut source = formats::open(dir.path(), None, &ReadOptions::default()).unwrap().1;
        let mut rng = Seed(5).rng();
        for _ in 0..10 {
            let start = rng.below(21);
            let steps = start..start + rng.below(21 - start);
            let want = whole.clone().slice(steps.clone()).unwrap();
            assert!(opened.read_range(0, steps.clone()).unwrap() == want, "{kind} {steps:?}");
            assert!(source.read_range(0, steps).unwrap() == want);
        }
        assert_eq!(opened.read_range(0, 3..22).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn episodes_taken_over_from_a_store_are_not_coded_again() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let from = store(&at("from"), Pictures::H264, [32, 24], &[6, 2]);
    let space = obs_space(32, 24);
    let taken = |name: &str, kind| {
        let mut to = Store::create_with(&at(name), &space, &action_space(), keeping(kind)).unwrap();
        (0..from.len()).try_for_each(|idx| to.append_stored_later(&from, idx)).unwrap();
        to.commit().unwrap();
        assert_eq!(to.keeps_like(&from), kind == Pictures::H264);
        to
    };
    let (same, raw, av1) =
        (taken("same", Pictures::H264), taken("raw", Pictures::Raw), taken("av1", Pictures::Av1));
    for idx in 0..from.len() {
        let (episode, hash) = (from.read(idx).unwrap(), from.entry(idx).unwrap().hash);
        for (store, is_equal) in [(&same, true), (&raw, true), (&av1, false)] {
            assert_eq!(store.read(idx).unwrap() == episode, is_equal);
            assert_eq!(store.entry(idx).unwrap().hash == hash, is_equal);
        }
    }
}

#[test]
fn what_no_video_holds_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let picture = |height, width, channels| Space::Image { height, width, channels };
    for (kind, space) in [
        (Pictures::H264, picture(32, 32, 4)),
        (Pictures::Av1, picture(32, 32, 2)),
        (Pictures::H264, picture(16, 4002, 3)),
        (Pictures::H264, picture(0, 32, 3)),
        (Pictures::Av1, picture(1, 70_000, 3)),
        (Pictures::Av1, picture(1 << 14, 1 << 14, 1)),
    ] {
        let err = Store::create_with(dir.path(), &space, &action_space(), keeping(kind)).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Invalid, "{space}");
        assert!(err.to_string().starts_with("cannot keep `obs` as video: "), "{err}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn pictures_in_actions_and_rates_that_no_video_has_are_kept_too() {
    let dir = tempfile::tempdir().unwrap();
    let space = Space::Image { height: 16, width: 20, channels: 3 };
    let odd = Keeping { pictures: Pictures::H264, fps: Some(f32::MAX) };
    let mut store = Store::create_with(dir.path(), &space, &space, odd).unwrap();
    for n in [0, 3] {
        let episode = Episode {
            obs: (0..=n).map(|t| view(0, t, [16, 20, 3])).collect(),
            actions: (0..n).map(|t| view(1, t, [16, 20, 3])).collect(),
            rewards: vec![0.5; n],
            end: StepKind::Mid,
            meta: meta(n),
        };
        let idx = store.append(&episode).unwrap();
        let got = store.read(idx).unwrap();
        for (got, want) in got.obs.iter().chain(&got.actions).zip(episode.obs.iter().chain(&episode.actions))
        {
            assert!(psnr(&got.image().unwrap().data, &want.image().unwrap().data) > 30.0);
        }
        assert_eq!((got.obs.len(), got.actions.len()), (n + 1, n));
        assert_eq!(store.read_range(idx, 0..n.min(1)).unwrap().len(), n.min(1));
    }
}

#[test]
fn damage_to_a_store_of_videos_is_found() {
    for kind in FILMS {
        let dir = tempfile::tempdir().unwrap();
        drop(store(dir.path(), kind, [16, 20], &[3, 0]));
        let set = Set::new(dir.path(), "worldsmith");
        for name in ["index.jsonl", "shards/000000.arrow"] {
            set.survive(name, Finds::All, 100);
        }
        set.survive("store.json", Finds::Cuts, 30);
    }
}

#[test]
fn threads_that_draw_at_once_get_what_one_alone_gets() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), Pictures::H264, [16, 20], &[30, 12, 25]);
    let mut replay = Replay::mapped(&obs_space(16, 20), &action_space(), 100, Seed(1)).unwrap();
    (0..store.len()).for_each(|idx| replay.push_stored(&store, idx).unwrap());
    let starts = |seed| {
        let mut rng = Seed(seed).rng();
        let start = |_| StepId { episode: rng.below(3) as u64, step: rng.below(12) as u64 };
        (0..8).map(start).collect::<Vec<_>>()
    };
    let draw = |seed| {
        let mut batch = Batch::default();
        replay.windows_into(&starts(seed), &Window::padded(6, 1), &mut batch).unwrap();
        batch
    };
    // Chosen so that pictures leave while others draw.
    replay.keep_decoded(20_000);
    let alone: Vec<Batch> = (0..20).map(draw).collect();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..20).for_each(|seed| assert!(draw(seed) == alone[seed as usize])));
        }
    });
}

/// All batches that are drawn from the replay in these ways.
fn batches(replay: &mut Replay) -> Vec<Batch> {
    let mut all: Vec<_> = [(4, 5), (9, 2), (3, 1)].map(|(n, len)| replay.sample(n, len).unwrap()).into();
    all.push(replay.sample_transitions(6).unwrap());
    let mut sampler = Sampler::new(Pick::Uniform, Window::padded(6, 1).burn_in(2), Seed(4)).unwrap();
    all.push(sampler.sample(replay, 5).unwrap());
    let relabel =
        Relabel { achieved: "rgb".to_owned(), desired: "wanted".to_owned(), goal: Goal::Future, share: 1.0 };
    let mut batch = all[0].clone();
    batch.obs.insert("wanted".to_owned(), batch.obs["rgb"].clone());
    let mean = |cell: Cell| match cell {
        Cell::U8(bytes) => bytes.iter().map(|b| f32::from(*b)).sum::<f32>() / bytes.len() as f32,
        Cell::F32(_) => unreachable!(),
    };
    relabel.apply(&mut batch, replay, &mut Seed(3).rng(), |a, b| mean(a) - mean(b)).unwrap();
    all.push(batch);
    all
}

#[test]
fn a_mapped_replay_of_videos_hands_out_what_one_in_memory_does() {
    let lens = [12, 0, 5, 30, 1, 17, 8, 2, 23, 9];
    for kind in FILMS {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), kind, [16, 20], &lens);
        let space = obs_space(16, 20);
        let new = [Replay::new, Replay::mapped];
        // No room for decoded pictures, room for some, and for all.
        for most_bytes in [0, 16_000, 1 << 20] {
            // Small enough for old episodes to leave.
            let [mut kept, mut mapped] = new.map(|new| new(&space, &action_space(), 60, Seed(1)).unwrap());
            mapped.keep_decoded(most_bytes);
            for idx in 0..store.len() {
                kept.push(&store.read(idx).unwrap()).unwrap();
                mapped.push_stored(&store, idx).unwrap();
                // Twice, so that what was decoded before is handed out too.
                for _ in 0..2 {
                    assert!(batches(&mut mapped) == batches(&mut kept), "{kind}, after episode {idx}");
                }
            }
            assert!(kept.n_episodes() < store.len(), "some have left");
        }
    }
}

#[test]
fn a_video_that_lies_with_the_right_checksum_is_an_error_that_names_the_store_or_pictures() {
    let n_flips = if std::env::var_os("RUN_SLOW").is_some() { 5000 } else { 150 };
    for kind in FILMS {
        let dir = tempfile::tempdir().unwrap();
        let space = obs_space(16, 20);
        drop(store(dir.path(), kind, [16, 20], &[5]));
        let shard = dir.path().join("shards/000000.arrow");
        let whole = std::fs::read(&shard).unwrap();
        let mut rng = Seed(6).rng();
        let (mut n_read, mut n_drawn) = (0, 0);
        for _ in 0..n_flips {
            let mut bytes = whole.clone();
            bytes[rng.below(whole.len())] ^= 1 << rng.below(8);
            std::fs::remove_file(&shard).unwrap();
            std::fs::write(&shard, bytes).unwrap();
            super::store::seal(dir.path());
            let read = Store::open(dir.path()).and_then(|store| store.read(0)).map(drop);
            let drawn = Store::open(dir.path()).and_then(|store| {
                let mut replay = Replay::mapped(&space, &action_space(), 20, Seed(1))?;
                replay.push_stored(&store, 0)?;
                replay.sample(3, 4).map(drop)
            });
            n_read += usize::from(read.is_ok());
            n_drawn += usize::from(drawn.is_ok());
            for err in [read.err(), drawn.err()].into_iter().flatten() {
                assert!(err.to_string().contains(dir.path().to_str().unwrap()), "{err}");
            }
        }
        assert!((1..n_flips).contains(&n_read) && (1..n_flips).contains(&n_drawn), "{n_read} {n_drawn}");
    }
}

#[test]
fn a_head_that_lies_about_the_pictures_is_refused_and_leaves_a_replay_as_it_was() {
    for kind in FILMS {
        let dir = tempfile::tempdir().unwrap();
        drop(store(dir.path(), kind, [16, 20], &[5]));
        let head = dir.path().join("store.json");
        let told = std::fs::read_to_string(&head).unwrap();
        for (old, new) in [
            ("\"channels\": 3", "\"channels\": 2"),
            ("\"channels\": 3", "\"channels\": 4"),
            ("\"channels\": 3", "\"channels\": 3000000"),
            ("\"height\": 16", "\"height\": 6000000"),
        ] {
            assert!(told.contains(old), "{told}");
            std::fs::write(&head, told.replace(old, new)).unwrap();
            let store = Store::open(dir.path()).unwrap();
            let read = store.read(0).map(drop).unwrap_err();
            let mut replay = Replay::mapped(store.obs(), store.action(), 20, Seed(1)).unwrap();
            let pushed = replay.push_stored(&store, 0).unwrap_err();
            for err in [read, pushed] {
                assert_eq!(err.kind(), ErrorKind::Corrupt, "{new}: {err}");
                assert!(err.to_string().contains("000000.arrow"), "{new}: {err}");
            }
            assert_eq!((replay.n_episodes(), replay.len_steps()), (0, 0), "{new}");
        }
    }
}
