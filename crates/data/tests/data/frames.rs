//! A folder of pictures and a table: layouts, alignment, messages, round trip, damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use worldsmith_core::{Episode, Image, Seed, Space, StepKind, Value};
use worldsmith_data::export::png_bytes;
use worldsmith_data::formats::{self, ReadOptions, SinkSpec, Source};

use super::damage::{Finds, Set};
use super::peers;

/// A 3x2 picture in which `t` can be read back.
fn picture(t: usize) -> Image {
    let mut image = Image::new(3, 2, 3);
    image.data.fill(t as u8);
    image.data[0] = 200;
    image
}

fn frames(dir: &Path, numbers: impl IntoIterator<Item = usize>) {
    fs::create_dir_all(dir).unwrap();
    for t in numbers {
        fs::write(dir.join(format!("shot_{t}.png")), png_bytes(&picture(t)).unwrap()).unwrap();
    }
}

fn table(dir: &Path, text: &str) {
    fs::write(dir.join("actions.csv"), text).unwrap();
}

fn open(path: &Path) -> worldsmith_core::Result<Box<dyn Source>> {
    formats::open(path, Some("frames"), &ReadOptions::default()).map(|(_, source)| source)
}

/// The message and hint of the error that opening or reading the first episode gives.
fn complaint(path: &Path) -> String {
    let err = open(path).and_then(|mut source| source.read(0)).unwrap_err();
    let place = err.to_string();
    let place = place.replace(path.to_str().unwrap(), "GAME");
    format!("{place} | {}", err.hint_text().unwrap_or(""))
}

fn levels(episode: &Episode) -> Vec<u8> {
    episode.obs.iter().map(|obs| obs.image().unwrap().data[5]).collect()
}

#[test]
fn the_smallest_folder_is_pictures_and_a_table_of_actions() {
    let dir = tempfile::tempdir().unwrap();
    // 12 frames without leading zeros: 2 comes before 10.
    frames(dir.path(), 0..12);
    let rows: Vec<String> = (0..11).map(|t| (t % 3).to_string()).collect();
    table(dir.path(), &format!("action\n{}\n", rows.join("\n")));
    let (format, mut source) = formats::open(dir.path(), None, &ReadOptions::default()).unwrap();
    assert_eq!(format.name, "frames");
    assert_eq!(source.info().obs, Space::Image { height: 3, width: 2, channels: 3 });
    assert_eq!(source.info().action, Space::Discrete { n: 3 });
    let episode = source.read(0).unwrap();
    assert_eq!(levels(&episode), (0..12).collect::<Vec<u8>>());
    assert_eq!(episode.actions[4], Value::Discrete(1));
    assert_eq!((episode.len(), episode.end, episode.rewards[0]), (11, StepKind::Mid, 0.0));
    let part = source.read_range(0, 3..5).unwrap();
    assert_eq!((levels(&part), part.len()), (vec![3, 4, 5], 2));
    assert!(source.read_range(0, 3..12).is_err());
    assert!(source.read(1).is_err());
}

#[test]
fn words_numbers_rewards_and_ends_are_aligned_with_the_frames() {
    let dir = tempfile::tempdir().unwrap();
    let one = dir.path().join("episode-10");
    frames(&one, 5..8);
    // As many rows as frames, the last one without an action.
    table(
        &one,
        "frame;action;reward;done;health;pos.0;pos.1\n5;left;0;0;10;1;2\n6;jump;1.5;1;9;3;4\n7;;;;8;5;6\n",
    );
    let two = dir.path().join("episode-2");
    frames(&two.join("frames"), [0, 4, 8]);
    let lines = [
        r#"{"frame": 0, "action": "jump", "reward": null, "done": false, "health": 7, "pos": [0, 0]}"#,
        r#"{"frame": 4, "action": "left", "reward": -1, "done": false, "health": 6, "pos": [0, 1]}"#,
        r#"{"frame": 8, "action": "left", "reward": 0, "done": true, "health": 5, "pos": [0, 2]}"#,
    ];
    fs::write(two.join("log.jsonl"), lines.join("\n")).unwrap();
    let mut source = open(dir.path()).unwrap();
    assert_eq!(source.info().action, Space::Discrete { n: 2 });
    assert_eq!(
        source.info().obs.to_string(),
        "Dict(health: Box([1], -inf..inf), image: Image(3x2x3), pos: Box([2], -inf..inf))"
    );
    let notes = source.info().notes.join(" ");
    assert!(notes.contains("led to no frame and was left out"), "{notes}");
    assert!(notes.contains("0 is jump, 1 is left"), "{notes}");
    let (second, first) = (source.read(1).unwrap(), source.read(0).unwrap());
    assert_eq!(second.actions, [Value::Discrete(1), Value::Discrete(0)]);
    assert_eq!((&second.rewards[..], second.end), (&[0.0, 1.5][..], StepKind::Terminated));
    let Value::Dict(seen) = &second.obs[2] else { panic!() };
    assert_eq!(seen["health"], Value::vector(vec![8.0]));
    assert_eq!(seen["pos"], Value::vector(vec![5.0, 6.0]));
    // The action that ended the episode led to no frame: what is left was cut off before the end.
    assert_eq!((first.len(), &first.rewards[..], first.end), (2, &[0.0, -1.0][..], StepKind::Truncated));
    let options = ReadOptions { columns: vec!["pos".to_owned()], ..ReadOptions::default() };
    let mut only = formats::open(dir.path(), None, &options).unwrap().1;
    assert_eq!(only.read(0).unwrap().obs[1], Value::vector(vec![0.0, 1.0]));
}

#[test]
fn several_action_columns_are_one_vector_in_natural_order() {
    let dir = tempfile::tempdir().unwrap();
    frames(dir.path(), 0..3);
    let names: Vec<String> = (0..11).map(|i| format!("action.{i}")).collect();
    let row = |t: usize| (0..11).map(|i| format!("{}.5", t * 100 + i)).collect::<Vec<_>>().join("\t");
    table(dir.path(), &format!("{}\n{}\n{}\n", names.join("\t"), row(0), row(1)));
    let mut source = open(dir.path()).unwrap();
    let Value::Array { data, .. } = &source.read(0).unwrap().actions[1] else { panic!() };
    assert_eq!((data.len(), data[2], data[10]), (11, 102.5, 110.5));
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_the_game() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    frames(&at("gap"), [0, 1, 3]);
    table(&at("gap"), "action\n0\n0\n");
    assert!(complaint(&at("gap")).starts_with("expected frame 2 after `shot_1.png`, got `shot_3.png`: GAME"));
    frames(&at("size"), 0..3);
    fs::write(at("size").join("shot_1.png"), png_bytes(&Image::new(4, 2, 3)).unwrap()).unwrap();
    table(&at("size"), "action\n0\n0\n");
    assert!(
        complaint(&at("size"))
            .starts_with("expected a picture of 3x2 like `shot_0.png`, got 4x2: GAME/shot_1.png |")
    );
    frames(&at("rows"), 0..5);
    table(&at("rows"), "action\n0\n0\n");
    assert!(
        complaint(&at("rows"))
            .starts_with("expected 4 or 5 rows for 5 frames, got 2: GAME/actions.csv | row `t`")
    );
    table(&at("rows"), "action\n0\n0\n0\n0\n0\n0\n");
    assert!(
        complaint(&at("rows"))
            .starts_with("expected at most 5 rows, one a frame, got more: GAME/actions.csv")
    );
    table(&at("rows"), "action,reward\n0,1\n0\n0,1\n0,1\n");
    assert!(
        complaint(&at("rows"))
            .starts_with("line 3: expected 2 cells as in the first line, got 1: GAME/actions")
    );
    table(&at("rows"), "0\n1\n0\n1\n");
    assert!(complaint(&at("rows")).starts_with("expected a first line that names the columns, got none"));
    table(&at("rows"), "button\n0\n1\n0\n1\n");
    assert!(complaint(&at("rows")).starts_with("expected a column `action`, got `button`: GAME/actions.csv"));
    table(&at("rows"), "action,done\n0,0\n0,1\n0,0\n0,0\n");
    assert!(complaint(&at("rows")).starts_with("expected no rows after the end in row 1, got 2 more: GAME"));
    table(&at("rows"), "action\n0\n\"\"\n0\n0\n");
    assert!(
        complaint(&at("rows")).starts_with("expected a number in row 1 of `action`, got an empty cell: GAME")
    );
    frames(&at("bare"), 0..3);
    assert!(
        complaint(&at("bare"))
            .starts_with("expected a table `actions.csv` with the pictures, found none: GAME")
    );
    fs::create_dir(at("empty")).unwrap();
    assert!(
        complaint(&at("empty")).starts_with("expected episodes of pictures and actions, found none: GAME |")
    );
}

#[test]
fn a_word_of_one_episode_that_is_nearly_another_is_taken_for_a_slip() {
    let dir = tempfile::tempdir().unwrap();
    for (name, word) in [("a", "jump"), ("b", "jmup"), ("c", "jump")] {
        frames(&dir.path().join(name), 0..2);
        table(&dir.path().join(name), &format!("action\n{word}\n"));
    }
    let said = complaint(dir.path());
    assert!(said.starts_with("expected an action of other episodes too, got `jmup` in `b` alone"), "{said}");
    assert!(said.contains("did you mean `jump`?"), "{said}");
    fs::write(dir.path().join("worldsmith.json"), r#"{"actions": ["noop", "jump", "jmup"], "fps": 30}"#)
        .unwrap();
    let mut source = open(dir.path()).unwrap();
    assert_eq!((source.info().action.clone(), source.info().fps), (Space::Discrete { n: 3 }, Some(30.0)));
    assert_eq!(source.read(1).unwrap().actions, [Value::Discrete(2)]);
    fs::write(dir.path().join("worldsmith.json"), r#"{"actions": ["noop", "jump"]}"#).unwrap();
    let said = open(dir.path()).unwrap().read(1).unwrap_err();
    assert!(said.to_string().starts_with("expected a known action in row 0, got `jmup`"), "{said}");
    assert_eq!(said.hint_text(), Some("did you mean `jump`? known are noop, jump"));
    table(&dir.path().join("b"), "action,speed\njump,1\n");
    let said = open(dir.path()).err().unwrap().to_string();
    assert!(
        said.starts_with("expected the same columns in all tables, got `speed` in `b` and not in `a`"),
        "{said}"
    );
}

#[test]
fn jpegs_and_grey_pictures_of_a_coloured_set_are_read() {
    let dir = tempfile::tempdir().unwrap();
    frames(dir.path(), 0..3);
    let mut grey = Image::new(3, 2, 1);
    grey.data.fill(9);
    fs::write(dir.path().join("shot_1.png"), png_bytes(&grey).unwrap()).unwrap();
    table(dir.path(), "action\n0\n1\n");
    let episode = open(dir.path()).unwrap().read(0).unwrap();
    assert_eq!(episode.obs[1].image().unwrap().data, vec![9; 18]);
}

#[test]
fn parquet_tables_are_read() {
    let dir = tempfile::tempdir().unwrap();
    frames(dir.path(), 0..4);
    let bytes = fs::read(peers::fixture("frames", "actions.parquet")).unwrap();
    let path = dir.path().join("actions.parquet");
    fs::write(&path, &bytes).unwrap();
    let episode = open(dir.path()).unwrap().read(0).unwrap();
    assert_eq!(episode.actions, [Value::Discrete(1), Value::Discrete(0), Value::Discrete(1)]);
    assert_eq!((episode.rewards, episode.end), (vec![0.5, 0.0, -2.0], StepKind::Terminated));
    let Value::Dict(seen) = &episode.obs[3] else { panic!() };
    assert_eq!(seen["pos"], Value::vector(vec![6.0, 7.0]));
}

fn spaces() -> (Space, Space) {
    let obs = Space::Dict(BTreeMap::from([
        ("view".to_owned(), Space::Image { height: 4, width: 5, channels: 1 }),
        ("mode".to_owned(), Space::Discrete { n: 3 }),
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
        ("wheel".to_owned(), Space::vector(1, -1.0, 1.0)),
    ]));
    (obs, action)
}

fn written(dir: &Path, obs: &Space, action: &Space) -> Vec<Episode> {
    let mut rng = Seed(1).rng();
    let mut episodes = Vec::new();
    let spec = SinkSpec::new(obs.clone(), action.clone(), 12.5);
    let mut sink = (formats::format("frames").unwrap().create.unwrap())(dir, &spec).unwrap();
    for (idx, n) in [3, 0, 12, 1, 2, 0].into_iter().enumerate() {
        let episode = super::sampled(idx, n, [obs, action], &mut rng);
        sink.push(&episode).unwrap();
        episodes.push(episode);
    }
    sink.finish().unwrap();
    episodes
}

#[test]
fn what_is_written_reads_back_equal() {
    let image = Space::Image { height: 3, width: 3, channels: 3 };
    for (obs, action) in [spaces(), (image, Space::Discrete { n: 4 })] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("game");
        let episodes = written(&path, &obs, &action);
        let (format, mut source) = formats::open(&path, None, &ReadOptions::default()).unwrap();
        assert_eq!((format.name, source.n_episodes()), ("frames", episodes.len()));
        assert_eq!((&source.info().obs, &source.info().action), (&obs, &action));
        assert_eq!(source.info().fps, Some(12.5));
        for (idx, episode) in episodes.iter().enumerate() {
            assert_eq!(source.read(idx).unwrap(), *episode, "episode {idx}");
        }
        let spec = SinkSpec::new(obs, action, 1.0);
        assert!((format.create.unwrap())(&path, &spec).is_err(), "the folder is taken");
    }
}

#[test]
fn cut_and_flipped_files_are_refused_or_give_an_episode() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("game");
    let (obs, action) = spaces();
    written(&path, &obs, &action);
    let set = Set::new(&path, "frames");
    set.survive("episode-0/00001.png", Finds::All, 60);
    for name in ["worldsmith.json", "episode-0/episode.json"] {
        set.survive(name, Finds::Cuts, 60);
    }
    // Without its last line it is the table of a game whose last frame led nowhere.
    set.survive("episode-0/actions.csv", Finds::Little, 60);
    for (ending, finds, table) in [
        ("csv", Finds::Little, &b"action,reward\nleft,0.5\nright,0\nleft,1\n"[..]),
        ("jsonl", Finds::Cuts, b"{\"action\": [0.5, 1]}\n{\"action\": [0, 1]}\n{\"action\": [1, -1]}\n"),
        ("parquet", Finds::Cuts, &fs::read(peers::fixture("frames", "actions.parquet")).unwrap()),
    ] {
        let path = dir.path().join(ending);
        frames(&path, 0..4);
        fs::write(path.join(format!("actions.{ending}")), table).unwrap();
        Set::new(&path, "frames").survive(&format!("actions.{ending}"), finds, 60);
    }
    let (jpeg, video) = (dir.path().join("jpeg"), dir.path().join("video"));
    for path in [&jpeg, &video] {
        fs::create_dir(path).unwrap();
        fs::write(path.join("play.csv"), "action\n0\n1\n0\n1\n").unwrap();
    }
    for t in 0..5 {
        let picture = peers::checked_in("swm_folder", &format!("folder/pixels/ep_0_step_{t}.jpeg"));
        fs::copy(picture, jpeg.join(format!("{t}.jpg"))).unwrap();
    }
    fs::copy(peers::checked_in("swm_folder", "video/pixels/ep_0.mp4"), video.join("play.mp4")).unwrap();
    Set::new(&jpeg, "frames").survive("2.jpg", Finds::Cuts, 60);
    Set::new(&video, "frames").survive("play.mp4", Finds::Cuts, 60);
}

#[test]
fn a_video_with_a_table_of_its_name_is_an_episode() {
    let dir = tempfile::tempdir().unwrap();
    let video = peers::checked_in("swm_folder", "video/pixels/ep_0.mp4");
    for name in ["play-2", "play-10"] {
        fs::copy(&video, dir.path().join(format!("{name}.mp4"))).unwrap();
        fs::write(dir.path().join(format!("{name}.csv")), "action\n0\n1\n0\n1\n").unwrap();
    }
    let (format, mut source) = formats::open(dir.path(), None, &ReadOptions::default()).unwrap();
    assert_eq!((format.name, source.n_episodes(), source.info().fps), ("frames", 2, Some(25.0)));
    assert_eq!(source.info().obs, Space::Image { height: 32, width: 64, channels: 3 });
    let episode = source.read(1).unwrap();
    assert_eq!((episode.len(), episode.actions[3].clone()), (4, Value::Discrete(1)));
    assert!(source.read_range(1, 2..3).unwrap() == episode.slice(2..3).unwrap());
    let (_, mut one) = formats::open(&dir.path().join("play-10.mp4"), None, &ReadOptions::default()).unwrap();
    assert_eq!(one.read(0).unwrap().len(), 4);
    fs::remove_file(dir.path().join("play-2.csv")).unwrap();
    assert!(complaint(dir.path()).starts_with("expected a table `play-2.csv` beside the video, found none"));
}

#[test]
fn a_video_none_of_whose_frames_are_shown_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(peers::checked_in("swm_folder", "video/pixels/ep_0.mp4")).unwrap();
    // The edit list shows what comes after the last frame.
    let at = bytes.windows(4).position(|name| name == b"elst").unwrap() + 16;
    bytes[at..at + 4].copy_from_slice(&i32::MAX.to_be_bytes());
    fs::write(dir.path().join("play.mp4"), bytes).unwrap();
    fs::write(dir.path().join("play.csv"), "action\n").unwrap();
    assert!(complaint(dir.path()).starts_with("expected a video with frames, got none: GAME/play.mp4"));
}

#[test]
fn videos_are_written_where_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let image = Space::Image { height: 32, width: 48, channels: 1 };
    let obs = Space::Dict(BTreeMap::from([
        ("health".to_owned(), Space::Discrete { n: 9 }),
        ("view".to_owned(), image),
    ]));
    let spec = SinkSpec { video: true, ..SinkSpec::new(obs.clone(), Space::Discrete { n: 4 }, 12.5) };
    let mut rng = Seed(1).rng();
    let mut episode = super::episode(3, 4, StepKind::Terminated);
    episode.obs = (0..5).map(|_| obs.sample(&mut rng)).collect();
    for (t, obs) in episode.obs.iter_mut().enumerate() {
        let Value::Dict(parts) = obs else { continue };
        let mut image = Image::new(32, 48, 1);
        image.fill_rect(4 * t, 8, 16, 16, &[200]);
        parts.insert("view".to_owned(), Value::Image(image));
    }
    let path = dir.path().join("game");
    let mut sink = (formats::format("frames").unwrap().create.unwrap())(&path, &spec).unwrap();
    sink.push(&episode).unwrap();
    sink.finish().unwrap();
    assert!(path.join("episode-0.mp4").is_file() && path.join("episode-0.csv").is_file());
    let (_, mut source) = formats::open(&path, None, &ReadOptions::default()).unwrap();
    assert_eq!((&source.info().obs, source.info().fps), (&obs, Some(12.5)));
    let mut read = source.read(0).unwrap();
    for (got, want) in read.obs.iter_mut().zip(&episode.obs) {
        let (image, exact) = (got.image().unwrap(), want.image().unwrap());
        let off: u32 = image.data.iter().zip(&exact.data).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        assert!(off / 1536 < 6, "off by {} on average", off / 1536);
        *got = want.clone();
    }
    assert_eq!(read, episode);
}

/// Leaves sets and what they must hold for `tests/parity/data/frames.py check`.
#[test]
fn folders_are_left_for_pillow_to_check() {
    let dir = peers::folder("frames");
    let image = Space::Image { height: 3, width: 5, channels: 3 };
    for (kind, (obs, action)) in [("mixed", spaces()), ("image", (image, Space::Discrete { n: 4 }))] {
        let path = dir.join(kind);
        peers::describe(&path, &written(&path, &obs, &action), [&obs, &action]);
    }
}
