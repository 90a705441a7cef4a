//! A look at one episode.

use std::path::{Path, PathBuf};

use serde::Serialize;
use worldsmith_core::{Error, Result};
use worldsmith_data::export;

use super::{FPS, SourceRequest};
use crate::session::picture;

/// Pictures of one episode.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// Episode shown.
    pub episode: usize,
    /// Its steps.
    pub steps: usize,
    /// Sum of its rewards.
    pub total_reward: f32,
    /// A film of it.
    pub gif: PathBuf,
    /// Some of its frames side by side.
    pub strip: PathBuf,
}

/// Films one episode: `<out>.gif`, and a strip of frames in `<out>.png`. Observations without a picture are drawn as bars.
///
/// # Errors
/// If there is no such episode, or the files cannot be written.
pub fn preview(request: &SourceRequest, episode: usize, out: &Path) -> Result<Preview> {
    const FRAMES: usize = 12;
    let (_, mut source) = request.open()?;
    if episode >= source.n_episodes() {
        let n = source.n_episodes();
        return Err(Error::invalid(format!("expected an episode below {n}, got {episode}")).at(&request.path));
    }
    let space = source.info().obs.clone();
    let fps = source.info().fps.unwrap_or(FPS).clamp(1.0, 50.0) as u32;
    let read = source.read(episode)?;
    let frames: Vec<_> = read.obs.iter().map(|obs| picture(&space, obs)).collect::<Result<_>>()?;
    let (gif, strip) = (out.with_extension("gif"), out.with_extension("png"));
    if let Some(dir) = out.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(|e| Error::io("create the folder", dir, &e))?;
    }
    let scale = (128 / frames[0].height.max(1)).max(1);
    export::gif(&frames, fps, scale, &gif)?;
    let last = frames.len() - 1;
    let n = FRAMES.min(frames.len());
    let row = (0..n).map(|i| frames[i * last / (n - 1).max(1)].clone()).collect();
    export::png(&export::strip(&[row], 1)?, 1, &strip)?;
    Ok(Preview { episode, steps: read.len(), total_reward: read.total_reward(), gif, strip })
}
