//! Random windows of a video file, as a training loop asks for them: windows a second, every frame decoded anew.
//!
//! `cargo bench -p worldsmith-video --bench windows -- [file.mp4 ...]`; without files, the test fixtures.

use std::path::{Path, PathBuf};
use std::time::Instant;

use worldsmith_core::{Result, Seed};
use worldsmith_video::VideoReader;

/// Frames of a window.
const LEN: usize = 16;
/// Windows measured.
const N_WINDOWS: usize = 500;

fn main() -> Result<()> {
    let named = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).map(PathBuf::from);
    let mut paths: Vec<PathBuf> = named.collect();
    if paths.is_empty() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        paths.extend(["lerobot.mp4", "b_frames.mp4", "av1.mp4"].map(|name| fixtures.join(name)));
    }
    paths.iter().try_for_each(|path| measure(path))
}

fn measure(path: &Path) -> Result<()> {
    let mut reader = VideoReader::open(path)?;
    let info = reader.info().clone();
    let mut rng = Seed(0).rng();
    let start = Instant::now();
    for _ in 0..N_WINDOWS {
        let first = rng.below((info.n_frames + 1).saturating_sub(LEN).max(1));
        reader.read(first..(first + LEN).min(info.n_frames))?;
    }
    let rate = N_WINDOWS as f64 / start.elapsed().as_secs_f64();
    println!("{rate:8.0} windows/s  {:?} {}x{}  {}", info.codec, info.height, info.width, path.display());
    Ok(())
}
