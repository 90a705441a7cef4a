//! Pictures, read back by a decoder.

use std::fs;

use worldsmith_core::{ErrorKind, Image, Seed, Space};
use worldsmith_data::export::{gif, mp4, png, png_bytes};

fn picture(height: usize, width: usize, channels: usize, seed: u64) -> Image {
    let value = Space::Image { height, width, channels }.sample(&mut Seed(seed).rng());
    value.image().unwrap().clone()
}

/// The frames of a GIF as RGBA, with their delays in hundredths of a second.
fn read_gif(bytes: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        frames.push((frame.delay, frame.buffer.to_vec()));
    }
    frames
}

#[test]
fn a_gif_of_few_colours_is_exact() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dream.gif");
    let frames: Vec<_> = (0..4).map(|seed| picture(5, 7, 3, seed)).collect();
    gif(&frames, 15, 2, &path).unwrap();
    let read = read_gif(&fs::read(&path).unwrap());
    assert_eq!(read.len(), 4);
    for (image, (delay, rgba)) in frames.iter().zip(&read) {
        assert_eq!(*delay, 7);
        for y in 0..10 {
            for x in 0..14 {
                let (at, from) = ((y * 14 + x) * 4, (y / 2 * 7 + x / 2) * 3);
                assert_eq!(rgba[at..at + 3], image.data[from..from + 3]);
            }
        }
    }
}

#[test]
fn a_gif_of_many_colours_stays_close() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dream.gif");
    let mut image = Image::new(64, 64, 3);
    for (i, pixel) in image.data.chunks_exact_mut(3).enumerate() {
        pixel.copy_from_slice(&[(i % 64 * 4) as u8, (i / 64 * 4) as u8, 128]);
    }
    gif(std::slice::from_ref(&image), 60, 1, &path).unwrap();
    let (delay, rgba) = read_gif(&fs::read(&path).unwrap()).remove(0);
    assert_eq!(delay, 2, "browsers slow down anything faster");
    let pairs = rgba.chunks_exact(4).zip(image.data.chunks_exact(3));
    let off: u32 = pairs.flat_map(|(a, b)| (0..3).map(|c| u32::from(a[c].abs_diff(b[c])))).sum();
    let mean = f64::from(off) / image.data.len() as f64;
    assert!(mean < 8.0, "off by {mean} of 255 on average");
}

#[test]
fn an_mp4_holds_the_enlarged_frames_at_their_rate() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dream.mp4");
    let frame = |level: u8| Image { data: vec![level; 9 * 11 * 3], ..Image::new(9, 11, 3) };
    mp4(&[frame(30), frame(200), frame(90)], 15, 3, &path).unwrap();
    let mut reader = worldsmith_video::VideoReader::open(&path).unwrap();
    assert_eq!((reader.info().fps.round(), reader.info().n_frames), (15.0, 3));
    for (image, level) in reader.read(0..3).unwrap().iter().zip([30, 200, 90]) {
        assert_eq!(image.shape(), [27, 33, 3]);
        assert!(image.data.iter().all(|got| got.abs_diff(level) <= 3), "expected {level} everywhere");
    }
    assert!(mp4(&[], 15, 1, &path).is_err());
    assert!(mp4(&[frame(1), Image::new(2, 2, 3)], 15, 1, &path).is_err());
    assert!(mp4(&[frame(1)], 15, 0, &path).is_err());
}

#[test]
fn a_png_is_exact_in_grey_and_in_colour() {
    for channels in [1, 3] {
        let image = picture(5, 7, channels, 1);
        let bytes = png_bytes(&image).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut data = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut data).unwrap();
        assert_eq!((info.height, info.width, data), (5, 7, image.data));
    }
}

#[test]
fn frames_that_make_no_gif_are_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dream.gif");
    let image = picture(2, 2, 3, 0);
    let bad = [
        gif(&[], 10, 1, &path),
        gif(std::slice::from_ref(&image), 0, 1, &path),
        gif(std::slice::from_ref(&image), 10, 0, &path),
        gif(&[image.clone(), picture(2, 3, 3, 0)], 10, 1, &path),
        gif(&[picture(1, 2000, 1, 0)], 10, 64, &path),
        png(&Image::new(0, 0, 3), 1, &path),
    ];
    for result in bad {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert!(!path.exists());
    png(&image, 3, &path).unwrap();
    assert!(path.exists());
}
