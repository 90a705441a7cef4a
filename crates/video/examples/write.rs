//! Writes a video of each codec into a folder, and beside it what is read back, for `tests/parity/data/video.py check`.

use std::fs;
use std::path::Path;

use worldsmith_core::{Error, Image, Result};
use worldsmith_video::{Codec, VideoReader, VideoWriter};

fn main() -> Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    for (name, codec) in [("h264", Codec::H264), ("av1", Codec::Av1)] {
        for (height, width) in [(96, 96), (33, 47)] {
            write(&Path::new(&dir).join(format!("{name}_{height}x{width}.mp4")), height, width, codec)?;
        }
    }
    Ok(())
}

fn write(path: &Path, height: usize, width: usize, codec: Codec) -> Result<()> {
    let mut writer = VideoWriter::create(path, height, width, 10.0, codec)?;
    for t in 0..30 {
        let mut image = Image::new(height, width, 3);
        for (i, pixel) in image.data.chunks_exact_mut(3).enumerate() {
            pixel.copy_from_slice(&[(2 * (i % width)) as u8, (i / width) as u8, 128]);
        }
        image.fill_rect(2 * t, t, height / 4, height / 4, &[230, 40, 30]);
        writer.push(&image)?;
    }
    writer.finish()?;
    let frames = VideoReader::open(path)?.read(0..30)?;
    let bytes: Vec<u8> = frames.into_iter().flat_map(|frame| frame.data).collect();
    let beside = path.with_extension("rgb");
    fs::write(&beside, bytes).map_err(|err| Error::io("write frames", &beside, &err))
}
