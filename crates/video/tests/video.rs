//! Reading and writing video files: the pictures of FFmpeg and LeRobot, random access, files of our own, damaged files.

use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{ErrorKind, Image, Rng, Seed};
use worldsmith_video::{Codec, VideoReader, VideoWriter, video_bytes};

const CODECS: [Codec; 2] = [Codec::H264, Codec::Av1];

fn fixture(name: &str) -> PathBuf {
    // Freshly made ones where `cargo xtask parity data` says so.
    match std::env::var_os("WORLDSMITH_FIXTURES") {
        Some(all) => Path::new(&all).join("video").join(name),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name),
    }
}

fn png(name: &str) -> Image {
    let file = fs::File::open(fixture(name)).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().unwrap();
    let mut image = Image::new(reader.info().height as usize, reader.info().width as usize, 3);
    reader.next_frame(&mut image.data).unwrap();
    image
}

/// Smooth colours with a square that moves; its corners are even, as chroma is kept for pairs of pixels.
fn scene(n_frames: usize, height: usize, width: usize) -> Vec<Image> {
    let frame = |t: usize| {
        let mut image = Image::new(height, width, 3);
        for (i, pixel) in image.data.chunks_exact_mut(3).enumerate() {
            let (x, y) = (i % width, i / width);
            pixel.copy_from_slice(&[(40 + 2 * x) as u8, (60 + 2 * y) as u8, (200 - x - y) as u8]);
        }
        image.fill_rect(4 * t, 2 * t, height / 6 * 2, height / 6 * 2, &[230, 40, 30]);
        image
    };
    (0..n_frames).map(frame).collect()
}

fn write(path: &Path, frames: &[Image], fps: f64, codec: Codec) {
    let mut writer = VideoWriter::create(path, frames[0].height, frames[0].width, fps, codec).unwrap();
    frames.iter().for_each(|frame| writer.push(frame).unwrap());
    writer.finish().unwrap();
}

fn psnr(a: &Image, b: &Image) -> f64 {
    assert_eq!(a.shape(), b.shape());
    let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
    let mean = a.data.iter().zip(&b.data).map(square).sum::<f64>() / a.data.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}

#[test]
fn frames_are_those_that_lerobot_and_ffmpeg_read_bit_for_bit() {
    let files: [(&str, usize, &[usize]); 3] = [
        ("lerobot", 240, &[0, 1, 118, 239]),
        ("b_frames", 40, &[0, 1, 2, 7, 20, 39]),
        ("av1", 40, &[0, 1, 2, 7, 20, 39]),
    ];
    for (name, n_frames, shown) in files {
        let mut reader = VideoReader::open(&fixture(&format!("{name}.mp4"))).unwrap();
        assert_eq!(reader.info().n_frames, n_frames, "{name}");
        for idx in shown {
            let frame = reader.read(*idx..*idx + 1).unwrap().remove(0);
            assert!(frame == png(&format!("{name}_{idx}.png")), "frame {idx} of {name}");
        }
    }
}

#[test]
fn a_file_says_its_size_its_rate_and_the_time_of_each_frame() {
    let reader = VideoReader::open(&fixture("b_frames.mp4")).unwrap();
    let info = reader.info();
    assert_eq!((info.width, info.height, info.n_frames, info.codec), (90, 66, 40, Codec::H264));
    assert!((info.fps - 10.0).abs() < 1e-9, "{}", info.fps);
    for (idx, secs) in reader.timestamps().iter().enumerate() {
        assert!((secs - idx as f64 / 10.0).abs() < 1e-9, "frame {idx} at {secs}");
    }
    let at = [-1.0, 0.0, 0.04, 0.06, 1.9999, 2.26, 99.0].map(|secs| reader.nearest(secs));
    assert_eq!(at, [0, 0, 0, 1, 20, 23, 39]);
}

#[test]
fn windows_from_anywhere_are_stretches_of_the_whole() {
    for name in ["lerobot.mp4", "b_frames.mp4", "av1.mp4"] {
        let mut reader = VideoReader::open(&fixture(name)).unwrap();
        let n = reader.info().n_frames.min(40);
        let whole = reader.read(0..n).unwrap();
        let mut rng = Seed(7).rng();
        for _ in 0..12 {
            let start = rng.below(n);
            let end = start + rng.below(n + 1 - start).min(8);
            assert!(reader.read(start..end).unwrap() == whole[start..end], "{start}..{end} of {name}");
        }
        // One after the other, which goes on decoding, and the last frame alone.
        let mut reader = VideoReader::open(&fixture(name)).unwrap();
        for start in (0..n).step_by(5) {
            assert!(
                reader.read(start..start + 5).unwrap() == whole[start..start + 5],
                "from {start} in {name}"
            );
        }
        assert!(reader.read(n - 1..n).unwrap() == whole[n - 1..]);
    }
}

#[test]
fn what_is_written_comes_back_above_34_db_and_at_its_time() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS {
        let (path, frames) = (dir.path().join("a.mp4"), scene(9, 48, 64));
        write(&path, &frames, 29.97, codec);
        let mut reader = VideoReader::open(&path).unwrap();
        let info = reader.info().clone();
        assert_eq!((info.width, info.height, info.n_frames, info.codec), (64, 48, 9, codec));
        assert!((info.fps - 29.97).abs() < 1e-6, "{}", info.fps);
        assert!((reader.timestamps()[8] - 8.0 / 29.97).abs() < 1e-6);
        for (idx, (got, want)) in reader.read(0..9).unwrap().iter().zip(&frames).enumerate() {
            let psnr = psnr(got, want);
            assert!(psnr > 34.0, "{codec:?} frame {idx}: {psnr:.1} dB");
        }
        let last = reader.read(8..9).unwrap();
        assert!(psnr(&last[0], &frames[8]) > 34.0);
    }
}

#[test]
fn odd_and_tiny_sizes_come_back_as_they_went() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS {
        for (height, width) in [(33, 47), (1, 1), (2, 70), (17, 16)] {
            let path = dir.path().join("odd.mp4");
            let mut frames = scene(3, height, width);
            frames.iter_mut().for_each(|frame| frame.fill_rect(0, 0, width, height, &[10, 200, 90]));
            write(&path, &frames, 10.0, codec);
            let got = VideoReader::open(&path).unwrap().read(0..3).unwrap();
            for (got, want) in got.iter().zip(&frames) {
                assert!(psnr(got, want) > 38.0, "{codec:?} {height}x{width}: {:.1} dB", psnr(got, want));
            }
        }
    }
}

#[test]
fn a_video_in_memory_is_the_file_that_would_be_written() {
    let dir = tempfile::tempdir().unwrap();
    for codec in CODECS {
        let (path, frames) = (dir.path().join("a.mp4"), scene(11, 33, 47));
        write(&path, &frames, 10.0, codec);
        let bytes = video_bytes(&frames, 10.0, codec).unwrap();
        assert!(bytes == fs::read(&path).unwrap(), "{codec:?}");
        let (mut file, mut memory) =
            (VideoReader::open(&path).unwrap(), VideoReader::from_bytes(bytes.clone()).unwrap());
        assert_eq!(file.info(), memory.info());
        for window in [4..9, 0..2, 10..11, 0..11] {
            assert!(file.read(window.clone()).unwrap() == memory.read(window).unwrap(), "{codec:?}");
        }
        let err = VideoReader::from_bytes(bytes[..bytes.len() / 2].to_vec()).err().unwrap();
        assert_eq!(err.kind(), ErrorKind::Corrupt);
        assert!(err.to_string().starts_with("cannot read video: "), "{err}");
    }
    assert!(video_bytes(&[], 10.0, Codec::H264).unwrap_err().to_string().contains("at least one frame"));
    let sizes = [Image::new(16, 16, 3), Image::new(16, 18, 3)];
    assert_eq!(video_bytes(&sizes, 10.0, Codec::H264).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn grey_pictures_are_written_as_grey() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grey.mp4");
    let grey = Image { channels: 1, data: vec![120; 32 * 32], ..Image::new(32, 32, 3) };
    write(&path, &[grey], 5.0, Codec::H264);
    let got = VideoReader::open(&path).unwrap().read(0..1).unwrap().remove(0);
    assert!(got.data.iter().all(|level| level.abs_diff(120) <= 2), "{:?}", &got.data[..6]);
}

#[test]
fn nothing_is_at_the_path_until_the_video_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    fs::write(&path, "old").unwrap();
    let mut writer = VideoWriter::create(&path, 32, 32, 10.0, Codec::H264).unwrap();
    writer.push(&Image::new(32, 32, 3)).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the hidden file is gone");
    write(&path, &[Image::new(32, 32, 3)], 10.0, Codec::H264);
    assert_eq!(VideoReader::open(&path).unwrap().info().n_frames, 1);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.mp4");
    for (height, width, fps) in [(0, 8, 10.0), (8, 0, 10.0), (8, 8, 0.0), (8, 8, f64::NAN), (8, 70_000, 10.0)]
    {
        for codec in CODECS {
            let made = VideoWriter::create(&path, height, width, fps, codec);
            assert!(made.is_err_and(|err| err.kind() == ErrorKind::Invalid), "{height}x{width} at {fps}");
        }
    }
    let mut writer = VideoWriter::create(&path, 8, 8, 10.0, Codec::H264).unwrap();
    assert!(writer.push(&Image::new(8, 9, 3)).is_err());
    assert!(writer.push(&Image { data: vec![0; 5], ..Image::new(8, 8, 3) }).is_err());
    assert!(writer.finish().unwrap_err().to_string().contains("at least one frame"));
    let mut reader = VideoReader::open(&fixture("b_frames.mp4")).unwrap();
    assert_eq!(reader.read(39..41).unwrap_err().kind(), ErrorKind::Invalid);
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    let reversed = 5..4;
    assert!(reader.read(reversed).is_err());
    assert!(reader.read(40..40).unwrap().is_empty());
    let missing = VideoReader::open(&dir.path().join("none.mp4")).err().unwrap();
    assert_eq!(missing.kind(), ErrorKind::Io);
}

/// Opens what is at `path` and reads a stretch of it; an error must name the file.
fn try_reading(path: &Path, rng: &mut Rng) -> bool {
    let read = VideoReader::open(path).and_then(|mut reader| {
        let n = reader.info().n_frames;
        let start = rng.below(n.max(1)).min(n);
        let frames = reader.read(start..n.min(start + 3))?;
        // A decoder that met an error must be able to go on.
        reader.read(0..n.min(1))?;
        Ok(frames)
    });
    match read {
        Ok(_) => true,
        Err(err) => {
            assert!(err.to_string().contains("damaged.mp4"), "{err}");
            false
        }
    }
}

#[test]
fn files_cut_short_are_errors_that_name_the_file_or_the_right_frames() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.mp4");
    let mut rng = Seed(1).rng();
    for name in ["lerobot.mp4", "b_frames.mp4", "av1.mp4"] {
        let whole = fs::read(fixture(name)).unwrap();
        for percent in 0..100 {
            fs::write(&path, &whole[..whole.len() * percent / 100]).unwrap();
            assert!(!try_reading(&path, &mut rng), "{percent} % of {name} were read");
        }
    }
}

#[test]
fn flipped_bits_are_errors_or_frames() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("damaged.mp4");
    // With `RUN_SLOW=1` many more, spread over the file.
    let n_rounds = if std::env::var_os("RUN_SLOW").is_some() { 20_000 } else { 60 };
    let mut rng = Seed(2).rng();
    for name in ["lerobot.mp4", "b_frames.mp4", "av1.mp4"] {
        let whole = fs::read(fixture(name)).unwrap();
        let tables = whole.len() - whole.len() / 4;
        for round in 0..n_rounds {
            let mut bytes = whole.clone();
            for _ in 0..=rng.below(4) {
                // The tables lie at one end of the file or the other.
                let at = match round % 3 {
                    0 => rng.below(whole.len()),
                    1 => rng.below(2000),
                    _ => tables + rng.below(whole.len() - tables),
                };
                bytes[at] ^= 1 << rng.below(8);
            }
            fs::write(&path, &bytes).unwrap();
            try_reading(&path, &mut rng);
        }
    }
}

/// Leaves videos, and beside each what is read back, for `tests/parity/data/video.py check`.
#[test]
fn videos_are_left_for_pyav_to_check() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("video");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    for (name, codec) in [("h264", Codec::H264), ("av1", Codec::Av1)] {
        for (height, width) in [(96, 96), (33, 47)] {
            let path = dir.join(format!("{name}_{height}x{width}.mp4"));
            write(&path, &scene(20, height, width), 10.0, codec);
            let frames = VideoReader::open(&path).unwrap().read(0..20).unwrap();
            let bytes: Vec<u8> = frames.into_iter().flat_map(|frame| frame.data).collect();
            fs::write(path.with_extension("rgb"), bytes).unwrap();
        }
    }
}
