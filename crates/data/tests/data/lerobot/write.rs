//! Sets that we write: what comes back, and what LeRobot gets to see.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use worldsmith_core::{Episode, EpisodeMeta, Result, Seed, Space, Step, StepKind, Value};
use worldsmith_data::formats::{self, Sink, SinkSpec};

use super::super::peers;
use super::{difference, fixture, image, open, open_columns, part, read_all};

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
    let dir = peers::folder("lerobot");
    for (name, video) in [("v30_image", false), ("v30_image", true), ("v30_h264", true), ("v20_jpeg", false)]
    {
        let mut source = open(&fixture(name)).unwrap();
        let info = source.info().clone();
        let spec = SinkSpec { video, ..SinkSpec::new(info.obs, info.action, 10.0) };
        let path = dir.join(format!("{name}_as_{}", if video { "video" } else { "image" }));
        let episodes = read_all(source.as_mut()).unwrap();
        write(&path, &spec, &episodes).unwrap();
        peers::describe(&path, &episodes, [&spec.obs, &spec.action]);
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
