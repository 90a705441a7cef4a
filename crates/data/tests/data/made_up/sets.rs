//! The sets of each target: fixtures of the tests, and what our own writers make.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, EpisodeMeta, Image, Rng, Seed, Space, StepKind};
use worldsmith_data::export::png_bytes;
use worldsmith_data::formats::{self, Sink, SinkSpec};
use worldsmith_data::{Keeping, Pictures, Store};

/// Stands for a video alone, which is no format of data sets.
pub(crate) const MP4: &str = "mp4";

/// Frames of `swm_folder/video/pixels/ep_0.mp4`, and rows of actions that go with them.
const TABLE: &str = "action\n0\n1\n0\n1\n";

/// A set and the format it is read as.
type Set = (PathBuf, &'static str);

/// Makes the sets of `target` in `dir`.
pub(crate) fn make(target: &str, dir: &Path) -> Vec<Set> {
    let copied = |format, names: &[&str]| -> Vec<Set> {
        names.iter().map(|name| (copy(&fixture(name), &dir.join(name)), format)).collect()
    };
    let with_own = |format, names| [copied(format, names), vec![written(dir, format)]].concat();
    match target {
        "store" => {
            [("raw", Pictures::Raw), ("png", Pictures::Png), ("h264", Pictures::H264), ("av1", Pictures::Av1)]
                .map(|(name, pictures)| store(dir, name, pictures))
                .to_vec()
        }
        "lerobot" => copied(
            "lerobot",
            &[
                "lerobot/v30_image",
                "lerobot/v30_h264",
                "lerobot/v30_av1",
                "lerobot/v30_converted",
                "lerobot/v21_h264",
                "lerobot/v20_jpeg",
            ],
        ),
        "minari" => with_own("minari", &["minari/mixed-hdf5", "minari/jpeg-hdf5"]),
        "minari_arrow" => {
            with_own("minari-arrow", &["minari/mixed-arrow", "minari/jpeg-arrow", "minari/mixed-parquet"])
        }
        "swm_hdf5" => with_own(
            "swm-hdf5",
            &[
                "swm_hdf5/v011.h5",
                "swm_hdf5/reset_discrete.h5",
                "swm_hdf5/deflate.h5",
                "swm_hdf5/lzf.h5",
                "swm_hdf5/blosc_lz4.h5",
                "swm_hdf5/blosc_zstd.h5",
                "swm_hdf5/blosc_blosclz.h5",
            ],
        ),
        "swm_folder" => with_own("swm-folder", &["swm_folder/folder"]),
        "swm_lance" => copied(
            "swm-lance",
            &[
                "swm_lance/streamed.lance",
                "swm_lance/appended.lance",
                "swm_lance/deleted.lance",
                "swm_lance/older.lance",
            ],
        ),
        "swm_video" => copied("swm-video", &["swm_folder/video"]),
        "zarr" => [
            copied("zarr", &["zarr/v2.zarr", "zarr/v2.zarr.zip"]),
            copied("zarr3", &["zarr/v3.zarr"]),
            vec![written(dir, "zarr3")],
        ]
        .concat(),
        "npz" => with_own(
            "npz",
            &[
                "npz/d4rl.npz",
                "npz/d4rl_next.npz",
                "npz/dreamer_after.npz",
                "npz/ends.npz",
                "npz/objects.npz",
                "npz/single.npz",
            ],
        ),
        "frames" => [games(dir), vec![written(dir, "frames")]].concat(),
        "blosc" => blosc(dir),
        "video" => [
            copied(
                MP4,
                &[
                    "lerobot/v30_av1/videos/observation.image/chunk-000/file-000.mp4",
                    "lerobot/v30_h264/videos/observation.image/chunk-000/file-000.mp4",
                    "swm_folder/video/pixels/ep_0.mp4",
                ],
            ),
            ["b_frames.mp4", "av1.mp4"].map(|name| video(dir, name)).to_vec(),
        ]
        .concat(),
        _ => panic!("expected the name of a target, got `{target}`"),
    }
}

/// The folder of the crates, for whichever of the two packages this is compiled in.
fn crates() -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.find_map(|dir| Some(dir.join("crates")).filter(|dir| dir.is_dir())).expect("packages lie beside it")
}

fn fixture(name: &str) -> PathBuf {
    crates().join("data/tests/fixtures").join(name)
}

fn video(dir: &Path, name: &str) -> Set {
    (copy(&crates().join("video/tests/fixtures").join(name), &dir.join(name)), MP4)
}

/// Copies a file or folder.
fn copy(from: &Path, to: &Path) -> PathBuf {
    if from.is_file() {
        put(to, &fs::read(from).expect("fixtures can be read"));
    } else {
        for entry in fs::read_dir(from).expect("fixtures can be listed") {
            let entry = entry.expect("fixtures can be listed");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
    to.to_owned()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("it lies in the scratch folder")).expect("it can be written");
    fs::write(path, bytes).expect("the scratch folder can be written");
}

fn spaces() -> (Space, Space) {
    let obs = Space::Dict(BTreeMap::from([
        ("pixels".to_owned(), Space::Image { height: 6, width: 5, channels: 3 }),
        ("state".to_owned(), Space::Box { shape: vec![2], low: vec![-1.0; 2], high: vec![f32::INFINITY; 2] }),
    ]));
    (obs, Space::Discrete { n: 4 })
}

/// Random episodes of a few steps.
fn episodes(obs: &Space, action: &Space) -> Vec<Episode> {
    let mut rng: Rng = Seed(1).rng();
    let ends = [StepKind::Terminated, StepKind::Truncated, StepKind::Mid];
    let lengths = [3, 1, 5].into_iter().zip(ends).enumerate();
    lengths
        .map(|(idx, (n, end))| Episode {
            obs: (0..=n).map(|_| obs.sample(&mut rng)).collect(),
            actions: (0..n).map(|_| action.sample(&mut rng)).collect(),
            rewards: (0..n).map(|_| rng.normal()).collect(),
            end,
            meta: EpisodeMeta {
                env: "made-up".to_owned(),
                policy: "random".to_owned(),
                seed: Seed(idx as u64),
                source: "real".to_owned(),
                task: Some("push".to_owned()),
            },
        })
        .collect()
}

/// A set that our own writer of `format` made.
fn written(dir: &Path, format: &'static str) -> Set {
    let path = dir.join("own").join(format);
    fs::create_dir_all(dir.join("own")).expect("the scratch folder can be written");
    let (obs, action) = spaces();
    let create = formats::format(format).expect("it is in the registry").create.expect("it can be written");
    let mut sink: Box<dyn Sink> =
        create(&path, &SinkSpec::new(obs.clone(), action.clone(), 10.0)).expect("it is new");
    episodes(&obs, &action).iter().for_each(|episode| sink.push(episode).expect("it fits the spaces"));
    sink.finish().expect("the scratch folder can be written");
    (path, format)
}

fn store(dir: &Path, name: &str, pictures: Pictures) -> Set {
    let path = dir.join(name);
    let (obs, action) = spaces();
    let keeping = Keeping { pictures, fps: Some(10.0) };
    let mut store = Store::create_with(&path, &obs, &action, keeping).expect("it is new");
    for episode in episodes(&obs, &action) {
        store.append(&episode).expect("it fits the spaces");
    }
    (path, "worldsmith")
}

/// Folders of frames with each kind of table, of JPEGs, and of videos.
fn games(dir: &Path) -> Vec<Set> {
    let tables: [(&str, Vec<u8>); 3] = [
        ("csv", b"action,reward,done\nleft,0.5,0\nright,0,0\nleft,1,1\n".to_vec()),
        (
            "jsonl",
            b"{\"action\": [0.5, 1], \"reward\": 1}\n{\"action\": [0, 1]}\n{\"action\": [1, -1]}\n".to_vec(),
        ),
        ("parquet", fs::read(fixture("frames/actions.parquet")).expect("fixtures can be read")),
    ];
    for (ending, table) in &tables {
        let game = dir.join(ending);
        for t in 0..4 {
            let picture = Image { height: 3, width: 2, channels: 3, data: vec![t; 18] };
            put(&game.join(format!("{t}.png")), &png_bytes(&picture).expect("it is a picture"));
        }
        put(&game.join(format!("actions.{ending}")), table);
    }
    for t in 0..5 {
        copy(
            &fixture(&format!("swm_folder/folder/pixels/ep_0_step_{t}.jpeg")),
            &dir.join(format!("jpeg/{t}.jpg")),
        );
    }
    put(&dir.join("jpeg/actions.csv"), TABLE.as_bytes());
    copy(&fixture("swm_folder/video/pixels/ep_0.mp4"), &dir.join("video/play.mp4"));
    put(&dir.join("video/play.csv"), TABLE.as_bytes());
    ["csv", "jsonl", "parquet", "jpeg", "video"].map(|name| (dir.join(name), "frames")).to_vec()
}

/// A small Zarr for each Blosc frame of 4000 bytes, which is its only chunk of states.
fn blosc(dir: &Path) -> Vec<Set> {
    let array = |n: usize, dtype: &str, compressor: &str| {
        format!(
            r#"{{"shape": [{n}], "chunks": [{n}], "dtype": "{dtype}", "fill_value": 0, "order": "C", "filters": null,
            "compressor": {compressor}, "zarr_format": 2}}"#
        )
    };
    let packed = r#"{"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}"#;
    let frames = ["blosclz-bits", "lz4-bits", "lz4hc-bits", "zlib-bits", "zstd-bits"];
    let set = |name: &str| {
        let set = dir.join(format!("{name}.zarr"));
        put(&set.join(".zgroup"), br#"{"zarr_format": 2}"#);
        for group in ["data", "meta"] {
            put(&set.join(group).join(".zgroup"), br#"{"zarr_format": 2}"#);
        }
        put(&set.join("data/state/.zarray"), array(1000, "<i4", packed).as_bytes());
        copy(&fixture(&format!("blosc/{name}-1000.blosc")), &set.join("data/state/0"));
        put(&set.join("data/action/.zarray"), array(1000, "|u1", "null").as_bytes());
        put(&set.join("data/action/0"), &[1; 1000]);
        put(&set.join("meta/episode_ends/.zarray"), array(1, "<i8", "null").as_bytes());
        put(&set.join("meta/episode_ends/0"), &1000_i64.to_le_bytes());
        (set, "zarr")
    };
    frames.map(set).to_vec()
}
