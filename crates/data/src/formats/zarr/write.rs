//! Writing: an array a column, an extra row an episode for its last observation.

use std::path::{Path, PathBuf};

use serde_json::json;
use worldsmith_core::{Episode, EpisodeMeta, Error, Result, Seed, Space, StepKind, Value};

use super::{ACTION, ASIDE, DATA, ENDS, NOTE, Note, OBS, ORIGINS, REWARD, SEEDS, TERMINATED, TRUNCATED};
use crate::dtype::Dtype;
use crate::formats::choice::Choice;
use crate::formats::column::{Cells, Column, row_shape};
use crate::formats::{Sink, SinkSpec, new_folder};
use crate::leaf::check_episode;
use crate::zarr::{ArrayWriter, Version, write_group};

/// The array that the column of a leaf is written to: slashes would be groups.
pub(super) fn column_name(leaf: &str) -> String {
    leaf.replace('/', ".")
}

struct ZarrSink {
    dir: PathBuf,
    version: Version,
    spec: SinkSpec,
    obs: Choice,
    actions: Choice,
    /// In the order of observations, actions, reward, terminated, truncated.
    arrays: Vec<ArrayWriter>,
    ends: Vec<i64>,
    seeds: Vec<i64>,
    origins: Vec<EpisodeMeta>,
    origin_of: Vec<i64>,
}

/// Starts a hierarchy in the new or empty folder `dir`.
pub(super) fn create(dir: &Path, spec: &SinkSpec, version: Version) -> Result<Box<dyn Sink>> {
    let mut obs = Choice::new(&spec.obs, OBS, &[])?;
    let mut actions = Choice::prefixed(&spec.action, ACTION)?;
    obs.rename(column_name);
    actions.rename(column_name);
    let mut names: Vec<&str> = vec![REWARD, TERMINATED, TRUNCATED];
    for (name, leaf) in obs.parts.iter().chain(&actions.parts) {
        if matches!(leaf.space, Space::Text { .. }) {
            return Err(Error::invalid(format!("expected numbers or pictures, got text in `{name}`"))
                .hint("the formats `worldsmith` and `npz` hold text"));
        }
        let odd =
            name.is_empty() || name.starts_with('.') || name.contains('\\') || names.contains(&name.as_str());
        if odd || (ASIDE.contains(&name.as_str()) && name != ACTION) {
            return Err(Error::invalid(format!("expected another name than `{name}` for a part")));
        }
        names.push(name);
    }
    new_folder(dir)?;
    let data = dir.join(DATA);
    let mut arrays = Vec::new();
    for (name, leaf) in obs.parts.iter().chain(&actions.parts) {
        let dtype = Dtype::of(&Column::of(&[], &leaf.space)?.cells);
        arrays.push(ArrayWriter::create(&data.join(name), version, dtype, &row_shape(&leaf.space))?);
    }
    let (floats, flags) = (Dtype::of(&Cells::Floats(Vec::new())), Dtype::of(&Cells::Bools(Vec::new())));
    for (name, dtype) in [(REWARD, floats), (TERMINATED, flags), (TRUNCATED, flags)] {
        arrays.push(ArrayWriter::create(&data.join(name), version, dtype, &[])?);
    }
    Ok(Box::new(ZarrSink {
        dir: dir.to_path_buf(),
        version,
        spec: spec.clone(),
        obs,
        actions,
        arrays,
        ends: Vec::new(),
        seeds: Vec::new(),
        origins: Vec::new(),
        origin_of: Vec::new(),
    }))
}

impl Sink for ZarrSink {
    fn push(&mut self, episode: &Episode) -> Result<()> {
        check_episode(episode, &self.spec.obs, &self.spec.action)?;
        let n = episode.len();
        let mut columns = columns_of(&self.obs, &episode.obs)?;
        for mut column in columns_of(&self.actions, &episode.actions)? {
            repeat_last(&mut column);
            columns.push(column);
        }
        let rewards = episode.rewards.iter().copied().chain([0.0]).collect();
        columns.push(Column { width: 1, cells: Cells::Floats(rewards) });
        for kind in [StepKind::Terminated, StepKind::Truncated] {
            let flags = (0..=n).map(|t| t + 1 == n.max(1) && episode.end == kind).collect();
            columns.push(Column { width: 1, cells: Cells::Bools(flags) });
        }
        for (array, column) in self.arrays.iter_mut().zip(&columns) {
            array.push(&column.cells, n + 1)?;
        }
        self.ends.push(self.ends.last().copied().unwrap_or(0) + n as i64 + 1);
        self.seeds.push(episode.meta.seed.0.cast_signed());
        let origin = EpisodeMeta { seed: Seed(0), ..episode.meta.clone() };
        let known = self.origins.iter().position(|known| *known == origin);
        self.origin_of.push(known.unwrap_or(self.origins.len()) as i64);
        if known.is_none() {
            self.origins.push(origin);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        for array in std::mem::take(&mut self.arrays) {
            array.finish()?;
        }
        let each = [
            (ENDS, &self.ends, Dtype::I64),
            (SEEDS, &self.seeds, Dtype::U64),
            (ORIGINS, &self.origin_of, Dtype::I64),
        ];
        for (key, numbers, dtype) in each {
            let mut array = ArrayWriter::create(&self.dir.join(key), self.version, dtype, &[])?;
            array.push(&Cells::Ints(numbers.clone()), numbers.len())?;
            array.finish()?;
        }
        let note = Note {
            obs: self.spec.obs,
            action: self.spec.action,
            fps: Some(self.spec.fps),
            origins: std::mem::take(&mut self.origins),
        };
        write_group(&self.dir.join(DATA), self.version, &json!({}))?;
        write_group(&self.dir.join("meta"), self.version, &json!({}))?;
        write_group(&self.dir, self.version, &json!({ NOTE: note }))
    }
}

fn columns_of(choice: &Choice, values: &[Value]) -> Result<Vec<Column>> {
    let column = |(_, leaf): &(String, crate::leaf::Leaf)| {
        let found: Vec<&Value> = values.iter().filter_map(|value| leaf.find(value)).collect();
        Column::of(&found, &leaf.space)
    };
    choice.parts.iter().map(column).collect()
}

/// One more row, like the last one, or of zeros if there is none.
fn repeat_last(column: &mut Column) {
    fn more<T: Copy + Default>(cells: &mut Vec<T>, width: usize) {
        match cells.len().checked_sub(width) {
            Some(last) => cells.extend_from_within(last..),
            None => cells.resize(width, T::default()),
        }
    }
    match &mut column.cells {
        Cells::Floats(cells) => more(cells, column.width),
        Cells::Ints(cells) => more(cells, column.width),
        Cells::Bytes(cells) => more(cells, column.width),
        Cells::Bools(cells) => more(cells, column.width),
        Cells::Texts(_) | Cells::Pictures(_) => {}
    }
}
