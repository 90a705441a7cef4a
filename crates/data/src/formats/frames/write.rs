//! Writing: a folder an episode, with PNG and CSV, or a video with CSV beside it; the spaces in `worldsmith.json`.

use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, Error, Image, Result, StepKind, Value};
use worldsmith_video::{Codec, VideoWriter};

use super::play::META_FILE;
use super::schema::{self, Declared, FILE, PICTURE, Part};
use super::survey::OUTCOMES;
use crate::atomic::sync_folder;
use crate::export::png_bytes;
use crate::formats::choice::Choice;
use crate::formats::{Sink, SinkSpec, new_folder};
use crate::leaf::{Leaf, check_episode};
use crate::write_atomic;

struct FramesSink {
    dir: PathBuf,
    spec: SinkSpec,
    picture: Leaf,
    numbers: Vec<Part>,
    actions: Vec<Part>,
    n_episodes: usize,
}

/// Starts a data set in the new or empty folder `dir`.
pub(super) fn create(dir: &Path, spec: &SinkSpec) -> Result<Box<dyn Sink>> {
    let choice = Choice::new(&spec.obs, PICTURE, &[])?;
    let (picture, numbers) = schema::obs_parts(&choice)?;
    let picture = picture.ok_or_else(|| {
        Error::invalid(format!("expected a picture in every observation, got {}", spec.obs))
            .hint("the formats `npz` and `zarr` hold numbers alone")
    })?;
    let actions = schema::action_parts(&spec.action)?;
    let taken = |name: &&String| name.starts_with(schema::ACTION) || OUTCOMES.contains(&name.as_str());
    if let Some(name) = numbers.iter().flat_map(|part| &part.columns).find(taken) {
        return Err(Error::invalid(format!("expected another name than `{name}` for an observation")));
    }
    new_folder(dir)?;
    Ok(Box::new(FramesSink {
        dir: dir.to_path_buf(),
        spec: spec.clone(),
        picture,
        numbers,
        actions,
        n_episodes: 0,
    }))
}

impl Sink for FramesSink {
    /// The episode appears under its name once all of it is written.
    fn push(&mut self, episode: &Episode) -> Result<()> {
        check_episode(episode, &self.spec.obs, &self.spec.action)?;
        let name = format!("episode-{}", self.n_episodes);
        let meta = serde_json::to_vec(&episode.meta);
        let meta = meta.map_err(|err| Error::invalid(format!("cannot write: {err}")))?;
        match self.spec.video {
            true => self.video(episode, &self.dir.join(name), &meta)?,
            false => self.folder(episode, &name, &meta)?,
        }
        self.n_episodes += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let declared = Declared {
            obs: Some(self.spec.obs),
            action: Some(self.spec.action),
            actions: Vec::new(),
            fps: Some(self.spec.fps),
        };
        let text = serde_json::to_vec_pretty(&declared)
            .map_err(|err| Error::invalid(format!("cannot write: {err}")))?;
        write_atomic(&self.dir.join(FILE), &text)?;
        sync_folder(&self.dir)
    }
}

impl FramesSink {
    fn folder(&self, episode: &Episode, name: &str, meta: &[u8]) -> Result<()> {
        let temp = self.dir.join(format!(".{name}.tmp"));
        let io = |err: std::io::Error| Error::io("write episode", &temp, &err);
        fs::create_dir(&temp).map_err(io)?;
        for (t, image) in self.pictures(episode).enumerate() {
            write(&temp.join(format!("{t:05}.png")), &png_bytes(image)?)?;
        }
        write(&temp.join("actions.csv"), &self.table(episode)?)?;
        write(&temp.join(META_FILE), meta)?;
        fs::rename(&temp, self.dir.join(name)).map_err(io)
    }

    /// The video comes last: a table alone is no episode.
    fn video(&self, episode: &Episode, path: &Path, meta: &[u8]) -> Result<()> {
        write(&path.with_extension("csv"), &self.table(episode)?)?;
        write(&path.with_extension(META_FILE), meta)?;
        let (_, [height, width, _]) = self.picture.space.image().unwrap_or_default();
        let fps = f64::from(self.spec.fps);
        let mut video = VideoWriter::create(&path.with_extension("mp4"), height, width, fps, Codec::H264)?;
        self.pictures(episode).try_for_each(|image| video.push(image))?;
        video.finish()
    }

    fn pictures<'a>(&'a self, episode: &'a Episode) -> impl Iterator<Item = &'a Image> {
        episode.obs.iter().filter_map(|obs| match self.picture.find(obs) {
            Some(Value::Image(image)) => Some(image),
            _ => None,
        })
    }

    /// A row a step, and one without an action where there is more to say of the last frame.
    fn table(&self, episode: &Episode) -> Result<Vec<u8>> {
        let parts = || self.actions.iter().chain(&self.numbers);
        let mut header: Vec<&str> =
            parts().flat_map(|part| part.columns.iter().map(String::as_str)).collect();
        header.extend(["reward", "terminated", "truncated"]);
        let mut csv = csv::Writer::from_writer(Vec::new());
        let broken = |err: csv::Error| Error::invalid(format!("cannot write table: {err}"));
        csv.write_record(header).map_err(broken)?;
        let n = episode.len();
        let n_rows = if self.numbers.is_empty() && n > 0 { n } else { n + 1 };
        for t in 0..n_rows {
            let mut row = Vec::new();
            for part in &self.actions {
                cells(part, episode.actions.get(t), &mut row);
            }
            for part in &self.numbers {
                cells(part, episode.obs.get(t), &mut row);
            }
            row.push(episode.rewards.get(t).map_or(String::new(), f32::to_string));
            let last = t + 1 == n.max(1);
            row.extend(
                [StepKind::Terminated, StepKind::Truncated]
                    .map(|kind| u8::from(last && episode.end == kind).to_string()),
            );
            csv.write_record(row).map_err(broken)?;
        }
        csv.into_inner().map_err(|err| Error::invalid(format!("cannot write table: {err}")))
    }
}

/// The numbers of one part, or as many empty cells.
fn cells(part: &Part, value: Option<&Value>, row: &mut Vec<String>) {
    match value.and_then(|value| part.leaf.find(value)) {
        Some(Value::Discrete(choice)) => row.push(choice.to_string()),
        Some(Value::MultiDiscrete(choices)) => row.extend(choices.iter().map(i64::to_string)),
        Some(Value::Array { data, .. }) => row.extend(data.iter().map(f32::to_string)),
        _ => row.extend(part.columns.iter().map(|_| String::new())),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|err| Error::io("write file", path, &err))
}
