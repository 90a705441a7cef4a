//! Writing both layouts: pictures at once, numbers to a file a column that becomes an `.npz` at the end.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, Error, Result, Space, Value};
use worldsmith_video::{Codec, VideoWriter};

use super::{ARRAY, LENGTHS, NOTE, Note, OFFSETS};
use crate::dtype::Dtype;
use crate::formats::column::{Cells, Column, row_shape};
use crate::formats::swm::{self, Layout};
use crate::formats::{Sink, SinkSpec, new_folder};
use crate::npz::NpzWriter;
use crate::picture::jpeg_bytes;

/// Of pictures; the original writes 75 with colours at half resolution.
const QUALITY: u8 = 95;

struct FolderSink {
    dir: PathBuf,
    video: bool,
    spec: SinkSpec,
    columns: Vec<Growing>,
    lengths: Vec<i64>,
    env: String,
    policy: String,
}

/// A column of numbers whose length is not known yet.
struct Growing {
    name: String,
    dtype: Dtype,
    row_shape: Vec<usize>,
    path: PathBuf,
    file: File,
}

/// Starts a set in the new or empty folder `dir`.
pub(super) fn create(dir: &Path, spec: &SinkSpec, video: bool) -> Result<Box<dyn Sink>> {
    let shapes = Layout::columns_of(&spec.obs, &spec.action)?;
    if let Some((name, _)) =
        shapes.iter().find(|(_, space)| video && matches!(space, Space::Image { channels: 1, .. }))
    {
        return Err(Error::invalid(format!(
            "expected coloured pictures for videos, got grey ones in `{name}`"
        ))
        .hint("`swm-folder` holds grey pictures too"));
    }
    new_folder(dir)?;
    let mut columns = Vec::new();
    for (name, column) in swm::no_rows(&spec.obs, &spec.action)? {
        let space = shapes.iter().find(|(known, _)| *known == name).map(|(_, space)| space);
        if matches!(space, Some(Space::Image { .. })) {
            let path = dir.join(&name);
            fs::create_dir(&path).map_err(|err| Error::io("make folder", &path, &err))?;
            continue;
        }
        let path = dir.join(format!(".{name}.rows"));
        let opened = OpenOptions::new().append(true).create_new(true).open(&path);
        columns.push(Growing {
            dtype: Dtype::of(&column.cells),
            row_shape: space.map(row_shape).unwrap_or_default(),
            file: opened.map_err(|err| Error::io("write file", &path, &err))?,
            path,
            name,
        });
    }
    let (env, policy) = (String::new(), String::new());
    Ok(Box::new(FolderSink {
        dir: dir.to_path_buf(),
        video,
        spec: spec.clone(),
        columns,
        lengths: Vec::new(),
        env,
        policy,
    }))
}

impl Sink for FolderSink {
    fn push(&mut self, episode: &Episode) -> Result<()> {
        let rows = swm::rows(episode, &self.spec.obs, &self.spec.action)?;
        for (name, space) in Layout::columns_of(&self.spec.obs, &self.spec.action)? {
            if let (Space::Image { .. }, Some((_, column))) =
                (&space, rows.iter().find(|(known, _)| *known == name))
            {
                match self.video {
                    true => self.film(&name, &space, column)?,
                    false => self.pictures(&name, &space, column)?,
                }
            }
        }
        for growing in &mut self.columns {
            if let Some((_, column)) = rows.iter().find(|(name, _)| *name == growing.name) {
                let written = growing.file.write_all(&growing.dtype.bytes(&column.cells));
                written.map_err(|err| Error::io("write file", &growing.path, &err))?;
            }
        }
        if self.lengths.is_empty() {
            (self.env, self.policy) = (episode.meta.env.clone(), episode.meta.policy.clone());
        }
        self.lengths.push(episode.obs.len() as i64);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let n_rows = self.lengths.iter().sum::<i64>() as usize;
        for growing in std::mem::take(&mut self.columns) {
            let mut npz = NpzWriter::create(&self.dir.join(format!("{}.npz", growing.name)))?;
            let shape: Vec<usize> =
                std::iter::once(n_rows).chain(growing.row_shape.iter().copied()).collect();
            npz.push_file(ARRAY, growing.dtype, &shape, &growing.path)?;
            npz.finish()?;
            fs::remove_file(&growing.path).map_err(|err| Error::io("remove file", &growing.path, &err))?;
        }
        let ends = self.lengths.iter().scan(0, |end, length| {
            *end += length;
            Some(*end)
        });
        let offsets = ends.zip(&self.lengths).map(|(end, length)| end - length).collect();
        self.numbers(OFFSETS, offsets, None)?;
        let note = Note {
            obs: self.spec.obs.clone(),
            action: self.spec.action.clone(),
            fps: Some(self.spec.fps),
            env: self.env.clone(),
            policy: self.policy.clone(),
        };
        let note =
            serde_json::to_string(&note).map_err(|err| Error::invalid(format!("cannot write: {err}")))?;
        // Without the lengths a folder is no data set.
        self.numbers(LENGTHS, self.lengths.clone(), Some(note))
    }
}

impl FolderSink {
    fn pictures(&self, name: &str, space: &Space, column: &Column) -> Result<()> {
        for step in 0..column.len() {
            let path = self.dir.join(name).join(format!("ep_{}_step_{step}.jpeg", self.lengths.len()));
            if let Value::Image(image) = column.value(step, space)? {
                let bytes = jpeg_bytes(&image, QUALITY).map_err(|err| err.at(&path))?;
                fs::write(&path, bytes).map_err(|err| Error::io("write file", &path, &err))?;
            }
        }
        Ok(())
    }

    fn film(&self, name: &str, space: &Space, column: &Column) -> Result<()> {
        let path = self.dir.join(name).join(format!("ep_{}.mp4", self.lengths.len()));
        let (_, [height, width, _]) = space.image().unwrap_or_default();
        let mut video = VideoWriter::create(&path, height, width, f64::from(self.spec.fps), Codec::H264)?;
        for step in 0..column.len() {
            if let Value::Image(image) = column.value(step, space)? {
                video.push(&image)?;
            }
        }
        video.finish()
    }

    fn numbers(&self, name: &str, numbers: Vec<i64>, note: Option<String>) -> Result<()> {
        let mut npz = NpzWriter::create(&self.dir.join(format!("{name}.npz")))?;
        let n = numbers.len();
        npz.push(ARRAY, &Column { width: 1, cells: Cells::Ints(numbers) }, Some(n), &[])?;
        if let Some(note) = note {
            npz.push(NOTE, &Column { width: 1, cells: Cells::Texts(vec![note]) }, None, &[])?;
        }
        npz.finish()
    }
}
