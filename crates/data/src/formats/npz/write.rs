//! Writing: a file an episode, with a note of what arrays do not say.

use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, Error, Result, StepKind, Value};

use super::episodes::TAKEN;
use super::{ACTION, NOTE, Note, OBS};
use crate::atomic::{sync_folder, temp_path};
use crate::formats::choice::Choice;
use crate::formats::column::{Cells, Column, row_shape};
use crate::formats::{Sink, SinkSpec};
use crate::leaf::check_episode;
use crate::npz::NpzWriter;

struct NpzSink {
    path: PathBuf,
    single: bool,
    spec: SinkSpec,
    obs: Choice,
    actions: Choice,
    n_episodes: usize,
}

/// Starts a folder of files, or the one file `path` if it ends in `.npz`.
pub(super) fn create(path: &Path, spec: &SinkSpec) -> Result<Box<dyn Sink>> {
    let obs = Choice::new(&spec.obs, OBS, &[])?;
    let actions = Choice::prefixed(&spec.action, ACTION)?;
    let taken = |name: &str| TAKEN.contains(&name) || name == ACTION || name.starts_with("action/");
    if let Some((name, _)) = obs.parts.iter().find(|(name, _)| taken(name)) {
        return Err(Error::invalid(format!("expected another name than `{name}` for an observation")));
    }
    let single = path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("npz"));
    if single && path.exists() {
        return Err(Error::invalid("expected a new file, got one that is there").at(path));
    }
    if !single {
        crate::formats::new_folder(path)?;
    }
    Ok(Box::new(NpzSink {
        path: path.to_path_buf(),
        single,
        spec: spec.clone(),
        obs,
        actions,
        n_episodes: 0,
    }))
}

impl Sink for NpzSink {
    /// The file appears under its name once all of it is written.
    fn push(&mut self, episode: &Episode) -> Result<()> {
        check_episode(episode, &self.spec.obs, &self.spec.action)?;
        if self.single && self.n_episodes == 1 {
            return Err(Error::invalid("expected one episode for one file, got a second")
                .at(&self.path)
                .hint("name a folder to write a file an episode"));
        }
        let path = match self.single {
            true => self.path.clone(),
            false => self.path.join(format!("episode-{:06}.npz", self.n_episodes)),
        };
        let temp = temp_path(&path);
        self.write(episode, &temp)?;
        fs::rename(&temp, &path).map_err(|err| Error::io("write file", &path, &err))?;
        self.n_episodes += 1;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        if self.single { Ok(()) } else { sync_folder(&self.path) }
    }
}

impl NpzSink {
    fn write(&self, episode: &Episode, path: &Path) -> Result<()> {
        let mut npz = NpzWriter::create(path)?;
        for (choice, values) in [(&self.obs, &episode.obs), (&self.actions, &episode.actions)] {
            for (name, leaf) in &choice.parts {
                let found: Vec<&Value> = values.iter().filter_map(|value| leaf.find(value)).collect();
                let column = Column::of(&found, &leaf.space)?;
                npz.push(name, &column, Some(values.len()), &row_shape(&leaf.space))?;
            }
        }
        let n = episode.len();
        let flags =
            |kind: StepKind| Cells::Bools((0..n).map(|t| t + 1 == n && episode.end == kind).collect());
        let numbers = [
            ("reward", Cells::Floats(episode.rewards.clone())),
            ("terminated", flags(StepKind::Terminated)),
            ("truncated", flags(StepKind::Truncated)),
        ];
        for (name, cells) in numbers {
            npz.push(name, &Column { width: 1, cells }, Some(n), &[])?;
        }
        let note = Note {
            obs: self.spec.obs.clone(),
            action: self.spec.action.clone(),
            fps: Some(self.spec.fps),
            end: episode.end,
            meta: episode.meta.clone(),
        };
        let text =
            serde_json::to_string(&note).map_err(|err| Error::invalid(format!("cannot write: {err}")))?;
        npz.push(NOTE, &Column { width: 1, cells: Cells::Texts(vec![text]) }, None, &[])?;
        npz.finish()
    }
}
