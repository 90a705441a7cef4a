//! LeRobot data sets: those of LeRobot itself, ours, and damaged ones. `tests/parity/data/lerobot.py` made the fixtures and
//! checks with LeRobot what the tests here leave behind.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use worldsmith_core::{Episode, EpisodeMeta, ErrorKind, Image, Result, Seed, Space, Step, StepKind, Value};
use worldsmith_data::formats::{self, ReadOptions, Sink, SinkSpec, Source};

const HEIGHT: usize = 48;
const WIDTH: usize = 64;
/// All but the one of AV1, which takes long with debug assertions; `worldsmith-video` has its own tests of that.
const SETS: [&str; 5] = ["v30_image", "v30_h264", "v30_converted", "v21_h264", "v20_jpeg"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lerobot").join(name)
}

fn open(path: &Path) -> Result<Box<dyn Source>> {
    open_columns(path, &[])
}

fn open_columns(path: &Path, columns: &[&str]) -> Result<Box<dyn Source>> {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let (format, source) = formats::open(path, None, &ReadOptions { columns, ..ReadOptions::default() })?;
    assert_eq!(format.name, "lerobot");
    Ok(source)
}

fn read_all(source: &mut dyn Source) -> Result<Vec<Episode>> {
    (0..source.n_episodes()).map(|idx| source.read(idx)).collect()
}

/// Frame `row` of the fixtures, as the script draws it.
fn picture(row: usize) -> Image {
    let mut image = Image::new(HEIGHT, WIDTH, 3);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let is_box = (row..row + 8).contains(&y) && (2 * row..2 * row + 8).contains(&x);
            let pixel = if is_box { [255; 3] } else { [3 * x as u8, 4 * y as u8, 12 * row as u8] };
            image.data[(y * WIDTH + x) * 3..][..3].copy_from_slice(&pixel);
        }
    }
    image
}

/// The frames in a film strip.
fn strip(name: &str) -> Vec<Image> {
    let decoder = png::Decoder::new(BufReader::new(File::open(fixture(name)).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut data).unwrap();
    let line = reader.info().width as usize * 3;
    let frame = |idx: usize| {
        let lines = data.chunks_exact(line).flat_map(|line| line[idx * WIDTH * 3..][..WIDTH * 3].to_vec());
        Image { height: HEIGHT, width: WIDTH, channels: 3, data: lines.collect() }
    };
    (0..line / 3 / WIDTH).map(frame).collect()
}

fn part<'a>(value: &'a Value, name: &str) -> &'a Value {
    match value {
        Value::Dict(parts) => &parts[name],
        _ => panic!("expected a dict, got {}", value.kind()),
    }
}

fn image(obs: &Value) -> &Image {
    part(obs, "observation.image").image().unwrap()
}

/// Largest and mean difference of two pictures.
fn difference(a: &Image, b: &Image) -> (u8, f64) {
    assert_eq!(a.shape(), b.shape());
    let off: Vec<u8> = a.data.iter().zip(&b.data).map(|(a, b)| a.abs_diff(*b)).collect();
    let sum: f64 = off.iter().map(|off| f64::from(*off)).sum();
    (off.iter().copied().max().unwrap(), sum / off.len() as f64)
}

/// Checks all but the pictures of an episode whose first row is `first` of the whole set.
fn check_numbers(episode: &Episode, first: usize, n_rows: usize, choices: bool, environment: &[usize]) {
    assert_eq!((episode.obs.len(), episode.len(), episode.rewards.len()), (n_rows, n_rows - 1, n_rows - 1));
    assert_eq!(episode.end, StepKind::Truncated);
    for (t, obs) in episode.obs.iter().enumerate() {
        let row = (first + t) as f32;
        assert_eq!(part(obs, "observation.state"), &Value::vector(vec![row, row / 8.0]));
        let expected = Value::Array { shape: environment.to_vec(), data: vec![row, 1.0, 2.0, -row] };
        assert_eq!(part(obs, "observation.environment_state"), &expected);
        assert_eq!(part(obs, "observation.touch"), &Value::vector(vec![row % 2.0]));
    }
    for t in 0..n_rows - 1 {
        let row = first + t;
        let action = match choices {
            true => Value::Discrete(row as i64 % 3),
            false => Value::vector(vec![row as f32 / 4.0, -(row as f32)]),
        };
        assert_eq!((&episode.actions[t], episode.rewards[t]), (&action, row as f32 / 16.0));
    }
}

#[test]
fn a_set_of_pictures_reads_as_lerobot_wrote_it() {
    let mut source = open(&fixture("v30_image")).unwrap();
    let info = source.info().clone();
    assert_eq!(info.obs.image(), Some(("observation.image".to_owned(), [HEIGHT, WIDTH, 3])));
    let bounds = Space::Box { shape: vec![2], low: vec![0.0, -15.0], high: vec![3.75, 0.0] };
    assert_eq!((info.action, info.fps, source.n_episodes()), (bounds, Some(10.0), 2));
    assert!(info.notes[0].contains("last action"), "{:?}", info.notes);
    let mut first = 0;
    for (idx, (n_rows, task)) in [(10, "push the box"), (6, "pull the box")].into_iter().enumerate() {
        let episode = source.read(idx).unwrap();
        check_numbers(&episode, first, n_rows, false, &[2, 2]);
        episode.obs.iter().enumerate().for_each(|(t, obs)| assert_eq!(image(obs), &picture(first + t)));
        assert_eq!((episode.meta.task.as_deref(), episode.meta.source.as_str()), (Some(task), "v30_image"));
        first += n_rows;
    }
}

#[test]
fn sets_of_video_read_frame_for_frame_as_lerobot_reads_them() {
    let sets = [
        ("v30_h264", "v30_h264.png", [10, 6]),
        ("v30_av1", "v30_av1.png", [5, 3]),
        ("v21_h264", "v30_h264.png", [10, 6]),
    ];
    for (name, expected, lengths) in sets {
        let mut source = open(&fixture(name)).unwrap();
        assert_eq!(source.info().action, Space::Discrete { n: 3 }, "{name}");
        let frames = strip(expected);
        let mut first = 0;
        for (idx, n_rows) in lengths.into_iter().enumerate() {
            let episode = source.read(idx).unwrap();
            check_numbers(&episode, first, n_rows, true, &[4]);
            for (t, obs) in episode.obs.iter().enumerate() {
                let (largest, mean) = difference(image(obs), &frames[first + t]);
                assert!(largest <= 3 && mean < 0.6, "{name} {idx} {t}: {largest} {mean}");
                assert!(difference(image(obs), &picture(first + t)).1 < 8.0, "{name} {idx} {t}");
            }
            first += n_rows;
        }
    }
}

#[test]
fn a_set_of_version_2_0_with_jpegs_reads_as_pillow_reads_them() {
    let mut source = open(&fixture("v20_jpeg")).unwrap();
    let frames = strip("v20_jpeg.png");
    let mut first = 0;
    for (idx, n_rows) in [10, 6].into_iter().enumerate() {
        let episode = source.read(idx).unwrap();
        check_numbers(&episode, first, n_rows, false, &[2, 2]);
        for (t, obs) in episode.obs.iter().enumerate() {
            let (largest, mean) = difference(image(obs), &frames[first + t]);
            assert!(largest <= 4 && mean < 0.5, "{idx} {t}: {largest} {mean}");
        }
        first += n_rows;
    }
}

#[test]
fn rows_are_found_where_lerobots_converter_put_them_not_where_it_says() {
    let mut source = open(&fixture("v30_converted")).unwrap();
    for idx in [2, 0, 1] {
        let episode = source.read(idx).unwrap();
        check_numbers(&episode, 4 * idx, 4, false, &[4]);
        episode.obs.iter().enumerate().for_each(|(t, obs)| assert_eq!(image(obs), &picture(4 * idx + t)));
    }
}

#[test]
fn a_stretch_is_what_is_cut_out_of_the_whole() {
    for name in SETS {
        let mut source = open(&fixture(name)).unwrap();
        for idx in 0..source.n_episodes() {
            let whole = source.read(idx).unwrap();
            let n = whole.len();
            for (start, end) in [(0, 0), (0, 1), (1, 2), (n - 2, n), (n, n), (0, n)] {
                let stretch = source.read_range(idx, start..end).unwrap();
                assert_eq!(stretch, whole.clone().slice(start..end).unwrap(), "{name} {idx} {start}..{end}");
            }
            for (start, end) in [(2, 1), (0, n + 1)] {
                assert_eq!(source.read_range(idx, start..end).unwrap_err().kind(), ErrorKind::Invalid);
            }
        }
        assert_eq!(source.read(99).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[test]
fn columns_are_chosen_by_lerobots_names() {
    let path = fixture("v30_h264");
    let mut source = open_columns(&path, &["observation.state"]).unwrap();
    assert_eq!(source.read(1).unwrap().obs[0], Value::vector(vec![10.0, 1.25]));
    let both = open_columns(&path, &["observation.touch", "observation.state"]).unwrap();
    assert!(matches!(&both.info().obs, Space::Dict(parts) if parts.len() == 2));
    let err = open_columns(&path, &["observation.stat"]).err().unwrap();
    assert_eq!(err.kind(), ErrorKind::Unknown);
    assert!(err.hint_text().unwrap().contains("`observation.state`"), "{:?}", err.hint_text());
    assert!(open_columns(&path, &["next.reward"]).is_err());
}

fn meta(task: Option<&str>) -> EpisodeMeta {
    EpisodeMeta {
        env: "squares".to_owned(),
        policy: "random".to_owned(),
        seed: Seed(u64::MAX),
        source: "real".to_owned(),
        task: task.map(str::to_owned),
    }
}

/// Everything that an observation and an action can be made of here.
fn rich_spec() -> SinkSpec {
    let dict =
        |parts: Vec<(&str, Space)>| Space::Dict(parts.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    let half = Space::Box { shape: vec![2, 3], low: vec![-1.5; 6], high: vec![f32::INFINITY; 6] };
    let arm = dict(vec![("joints", half), ("said", Space::Text { max_len: 20 })]);
    let obs = dict(vec![
        ("arm", arm),
        ("level", Space::Box { shape: vec![], low: vec![0.0], high: vec![1.0] }),
        ("mode", Space::Discrete { n: 300 }),
        ("grey", Space::Image { height: 3, width: 5, channels: 1 }),
        ("rgb", Space::Image { height: 4, width: 2, channels: 3 }),
    ]);
    let action = dict(vec![
        ("grip", Space::Discrete { n: 9 }),
        ("keys", Space::MultiDiscrete { nvec: vec![2, 7] }),
        ("push", Space::vector(3, -1.0, 1.0)),
    ]);
    SinkSpec::new(obs, action, 12.5)
}

fn rich_episode(spec: &SinkSpec, n: usize, end: StepKind, task: Option<&str>) -> Episode {
    let mut rng = Seed(n as u64).rng();
    let mut obs = |t: usize| {
        let mut obs = spec.obs.sample(&mut rng);
        if let Value::Dict(parts) = &mut obs
            && let Some(Value::Dict(arm)) = parts.get_mut("arm")
        {
            arm.insert("said".to_owned(), Value::Text(format!("step {t} \u{e9}")));
        }
        obs
    };
    let mut episode = Episode::start(obs(0), meta(task));
    let mut actions = Seed(99).rng();
    for t in 0..n {
        let kind = if t + 1 == n { end } else { StepKind::Mid };
        let step = Step { kind, obs: obs(t + 1), reward: t as f32 - 0.3 };
        episode.push(spec.action.sample(&mut actions), step).unwrap();
    }
    episode.end = end;
    episode
}

fn write(path: &Path, spec: &SinkSpec, episodes: &[Episode]) -> Result<()> {
    let mut sink: Box<dyn Sink> = (formats::format("lerobot")?.create.unwrap())(path, spec)?;
    episodes.iter().try_for_each(|episode| sink.push(episode))?;
    sink.finish()
}

fn rich_episodes(spec: &SinkSpec) -> Vec<Episode> {
    use StepKind::{Mid, Terminated, Truncated};
    let ends = [
        (5, Terminated),
        (1, Truncated),
        (70, Mid),
        (0, Mid),
        (0, Terminated),
        (0, Truncated),
        (1, Terminated),
        (2, Mid),
    ];
    let tasks = [Some("tidy up"), None, Some("")];
    let episode = |(idx, (n, end)): (usize, (usize, StepKind))| rich_episode(spec, n, end, tasks[idx % 3]);
    ends.into_iter().enumerate().map(episode).collect()
}

#[test]
fn what_is_written_comes_back_equal() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("set");
    let spec = rich_spec();
    let episodes = rich_episodes(&spec);
    write(&path, &spec, &episodes).unwrap();
    let mut source = open(&path).unwrap();
    let info = source.info();
    assert_eq!((&info.obs, &info.action, info.fps), (&spec.obs, &spec.action, Some(12.5)));
    assert_eq!(info.notes, [""; 0]);
    assert_eq!(read_all(source.as_mut()).unwrap(), episodes);
    let tail = episodes[2].clone().slice(67..70).unwrap();
    assert_eq!(source.read_range(2, 67..70).unwrap(), tail);
    let mut levels = open_columns(&path, &["observation.level"]).unwrap();
    assert_eq!(&levels.read(0).unwrap().obs[3], part(&episodes[0].obs[3], "level"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn as_video_all_but_the_pictures_comes_back_equal() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("set");
    let spec = SinkSpec { video: true, ..rich_spec() };
    let episodes = rich_episodes(&spec);
    write(&path, &spec, &episodes).unwrap();
    let mut source = open(&path).unwrap();
    for (read, written) in read_all(source.as_mut()).unwrap().iter().zip(&episodes) {
        assert_eq!(
            (&read.actions, &read.rewards, read.end),
            (&written.actions, &written.rewards, written.end)
        );
        for (read, written) in read.obs.iter().zip(&written.obs) {
            for name in ["arm", "level", "mode"] {
                assert_eq!(part(read, name), part(written, name));
            }
            spec.obs.check(read).unwrap();
        }
    }
}

#[test]
fn without_our_own_file_a_set_reads_as_any_other_and_ends_as_it_did() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("set");
    let spec = rich_spec();
    let episodes = rich_episodes(&spec);
    write(&path, &spec, &episodes).unwrap();
    fs::remove_file(path.join("meta/worldsmith.jsonl")).unwrap();
    let mut source = open(&path).unwrap();
    for (read, written) in read_all(source.as_mut()).unwrap().iter().zip(&episodes) {
        assert_eq!((read.end, &read.rewards), (written.end, &written.rewards));
        let task = written.meta.task.clone().filter(|task| !task.is_empty());
        assert_eq!(read.meta.task, task);
        let (read, written) = (read.obs.last().unwrap(), written.obs.last().unwrap());
        assert_eq!(part(read, "observation.rgb"), part(written, "rgb"));
        assert_eq!(part(read, "observation.arm.joints"), part(part(written, "arm"), "joints"));
    }
}

#[test]
fn what_lerobot_recorded_is_written_again_and_left_for_lerobot_to_check() {
    for (name, video) in [("v30_image", false), ("v30_image", true), ("v30_h264", true), ("v20_jpeg", false)]
    {
        let mut source = open(&fixture(name)).unwrap();
        let info = source.info().clone();
        let spec = SinkSpec { video, ..SinkSpec::new(info.obs, info.action, 10.0) };
        let kind = if video { "video" } else { "image" };
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lerobot").join(format!("{name}_as_{kind}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let episodes = read_all(source.as_mut()).unwrap();
        write(&path, &spec, &episodes).unwrap();
        let read = read_all(open(&path).unwrap().as_mut()).unwrap();
        assert_eq!(read.len(), episodes.len());
        for (read, written) in read.into_iter().zip(episodes) {
            if video {
                for (read, written) in read.obs.iter().zip(&written.obs) {
                    let (_, mean) = difference(image(read), image(written));
                    assert!(mean < 8.0, "{name}: {mean}");
                }
                assert_eq!(
                    (read.actions, read.rewards, read.meta),
                    (written.actions, written.rewards, written.meta)
                );
            } else {
                assert_eq!(read, written);
            }
        }
    }
}

#[test]
fn what_is_not_finished_is_not_there() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("set");
    let spec = rich_spec();
    let create = formats::format("lerobot").unwrap().create.unwrap();
    let mut sink = create(&path, &spec).unwrap();
    sink.push(&rich_episode(&spec, 3, StepKind::Terminated, None)).unwrap();
    assert!(!path.exists());
    drop(sink);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    // What a killed writer left behind is cleared away by the next.
    fs::create_dir_all(dir.path().join(".set.tmp/data")).unwrap();
    fs::create_dir(&path).unwrap();
    write(&path, &spec, &rich_episodes(&spec)).unwrap();
    assert!(create(&path, &spec).err().unwrap().to_string().starts_with("expected nothing here yet"));
    assert!(create(&dir.path().join("empty"), &spec).unwrap().finish().is_err());
    let no_clock = SinkSpec { fps: 0.0, ..rich_spec() };
    assert!(create(&dir.path().join("still"), &no_clock).is_err());
    let text = SinkSpec::new(spec.obs, Space::Text { max_len: 3 }, 1.0);
    assert!(create(&dir.path().join("text"), &text).is_err());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn edited(name: &str, from: &str, to: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    copy(&fixture(name), dir.path());
    let path = dir.path().join("meta/info.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(&path, text.replace(from, to)).unwrap();
    dir
}

#[test]
fn no_file_outside_the_folder_is_opened() {
    let edits = [
        ("v30_image", "data/chunk-{chunk_index:03d}", "../chunk-{chunk_index:03d}"),
        ("v30_image", "data/chunk-{chunk_index:03d}", "/data/chunk-{chunk_index:03d}"),
        ("v30_h264", "videos/{video_key}", "videos/../../{video_key}"),
        ("v21_h264", "data/chunk-{episode_chunk:03d}", "data/../../{episode_chunk:03d}"),
    ];
    for (name, from, to) in edits {
        let dir = edited(name, from, to);
        let err = open(dir.path()).unwrap().read(0).unwrap_err();
        assert!(err.to_string().contains("expected a path inside the data set's folder"), "{to}: {err}");
    }
}

#[test]
fn sets_of_other_versions_and_sizes_are_refused() {
    let edits = [
        ("\"v3.0\"", "\"v1.6\"", "v1.6"),
        ("\"fps\": 10", "\"fps\": 0", "`fps`"),
        ("\"total_episodes\": 2", "\"total_episodes\": 3", "expected 3 episodes"),
        ("\"total_frames\": 16", "\"total_frames\": 17", "expected 17 rows"),
        ("64,", "99999999,", "shape of a picture"),
        ("observation.", "seen.", "observation.*"),
    ];
    for (from, to, why) in edits {
        let dir = edited("v30_image", from, to);
        let err = open(dir.path()).err().unwrap();
        assert!(err.to_string().contains(why), "{to}: {err}");
        assert_eq!(err.kind(), ErrorKind::Corrupt);
    }
}

/// Writes a new file in the place of an old one: writing over it would wait for the disk on some systems.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Opens and reads a set one of whose files was damaged: an error that names a file of it, or the episodes.
fn read_damaged(dir: &Path) -> Option<Vec<Episode>> {
    match open(dir).and_then(|mut source| read_all(source.as_mut())) {
        Ok(episodes) => Some(episodes),
        Err(err) => {
            assert!(err.to_string().contains(dir.to_str().unwrap()), "names no file: {err}");
            None
        }
    }
}

#[test]
fn a_file_cut_short_is_an_error_or_changes_nothing() {
    for name in ["v30_image", "v30_h264", "v21_h264", "v20_jpeg"] {
        let dir = TempDir::new().unwrap();
        let root = dir.path().join(name);
        copy(&fixture(name), &root);
        let whole = read_damaged(&root).unwrap();
        for path in files(&root) {
            let bytes = fs::read(&path).unwrap();
            for percent in 0..100 {
                replace(&path, &bytes[..bytes.len() * percent / 100]);
                if !root.join("meta/info.json").metadata().is_ok_and(|found| found.len() > 64) {
                    continue; // No longer looks like one.
                }
                if let Some(read) = read_damaged(&root) {
                    assert_eq!(read, whole, "{} cut at {percent} %", path.display());
                }
            }
            replace(&path, &bytes);
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let mut rng = Seed(7).rng();
    for name in SETS {
        let dir = TempDir::new().unwrap();
        let root = dir.path().join(name);
        copy(&fixture(name), &root);
        for path in files(&root) {
            let bytes = fs::read(&path).unwrap();
            for _ in 0..12 {
                let mut flipped = bytes.clone();
                let at = rng.below(flipped.len());
                flipped[at] ^= 1 << rng.below(8);
                replace(&path, &flipped);
                if formats::detect(&root).is_ok_and(|format| format.name == "lerobot") {
                    read_damaged(&root);
                }
            }
            replace(&path, &bytes);
        }
    }
}

#[test]
fn only_lerobot_sets_look_like_one() {
    let dir = TempDir::new().unwrap();
    assert!(formats::detect(dir.path()).is_err());
    fs::create_dir(dir.path().join("meta")).unwrap();
    fs::write(dir.path().join("meta/info.json"), "{\"fps\": 10}").unwrap();
    assert!(formats::detect(dir.path()).is_err());
    assert!(SETS.iter().all(|name| formats::detect(&fixture(name)).unwrap().name == "lerobot"));
}
