//! LeRobot data sets: those of LeRobot itself, ours, and damaged ones. `tests/parity/data/lerobot.py` made the fixtures and
//! checks with LeRobot what the tests here leave behind.

mod damage;
mod write;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, ErrorKind, Image, Result, Space, StepKind, Value};
use worldsmith_data::formats::{self, ReadOptions, Source};

const HEIGHT: usize = 48;
const WIDTH: usize = 64;
/// All but the one of AV1, which takes long with debug assertions; `worldsmith-video` has its own tests of that.
const SETS: [&str; 5] = ["v30_image", "v30_h264", "v30_converted", "v21_h264", "v20_jpeg"];

fn fixture(name: &str) -> PathBuf {
    super::peers::fixture("lerobot", name)
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

#[test]
fn stretches_in_any_order_are_those_of_the_whole() {
    for name in ["v30_h264", "v21_h264"] {
        let mut source = open(&fixture(name)).unwrap();
        let whole: Vec<Episode> = read_all(source.as_mut()).unwrap();
        // From the middle, over it, back again, and the other episode between.
        for (idx, start, end) in [(0, 3, 6), (0, 1, 8), (1, 0, 5), (0, 2, 3), (0, 0, 9), (1, 2, 4), (0, 3, 6)]
        {
            let wanted = whole[idx].clone().slice(start..end).unwrap();
            assert!(source.read_range(idx, start..end).unwrap() == wanted, "{name} {idx} {start}");
        }
    }
}
