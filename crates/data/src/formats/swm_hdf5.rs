//! stable-worldmodel's HDF5: a file with one dataset a column, all episodes one after the other, and `ep_len` and
//! `ep_offset` to find them. How rows become steps says [`swm`](super::swm).
//!
//! Written are the same columns, uncompressed, with a row for the reset. Beside them the file has an attribute
//! `worldsmith` with the spaces, which stable-worldmodel's columns cannot tell; with it the same episodes come back. It
//! holds environment and policy of the first episode alone. Text and the task in words are lost.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, EpisodeMeta, Error, Result, Seed, Space};

use super::column::{Cells, Kind, Schema, row_shape};
use super::h5::write::{Attribute, Group, Growing, Type, Writer};
use super::h5::{H5, Node, encoded, is_hdf5};
use super::swm::{self, Layout, Note, Start};
use super::{Format, ReadOptions, Sink, SinkSpec, Source, SourceInfo};

/// Registry entry.
pub const FORMAT: Format = Format {
    name: "swm-hdf5",
    about: "stable-worldmodel HDF5: a file with ep_len, ep_offset and one dataset a column",
    detect,
    open,
    create: Some(create),
};

const LENGTHS: &str = "ep_len";
const OFFSETS: &str = "ep_offset";
const ACTION: &str = "action";
const ATTRIBUTE: &str = "worldsmith";

/// Rows looked through at once.
const STRETCH: u64 = 1 << 16;
/// Whole numbers from here on are no choices.
const MOST_CHOICES: usize = 1 << 16;

/// The file, or the one file of that kind in a folder.
fn file(path: &Path) -> Option<PathBuf> {
    let is_h5 = |path: &Path| path.extension().is_some_and(|end| end == "h5" || end == "hdf5");
    if !path.is_dir() {
        return Some(path.to_owned());
    }
    let entries = path.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files = entries.filter(|path| is_h5(path));
    files.next().filter(|_| files.next().is_none())
}

fn detect(path: &Path) -> bool {
    let lengths = |path: PathBuf| H5::open(&path).ok()?.root().ok()?.dataset(LENGTHS).ok().map(drop);
    file(path).filter(|path| is_hdf5(path)).and_then(lengths).is_some()
}

struct H5Source {
    h5: H5,
    layout: Layout,
    info: SourceInfo,
    meta: EpisodeMeta,
    /// Rows of each episode.
    episodes: Vec<Range<u64>>,
}

fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let path = file(path).ok_or_else(|| {
        Error::invalid("expected one `.h5` file in the folder").at(path).hint("name the file itself")
    })?;
    let h5 = H5::open(&path)?;
    let root = h5.root()?;
    let episodes = episodes(&root, &path)?;
    let (columns, strange) = columns(&root)?;
    let remembered = root.text(ATTRIBUTE).and_then(|json| serde_json::from_str::<Note>(&json).ok());
    let known = remembered.as_ref().filter(|_| options.columns.is_empty());
    let layout = match known.and_then(|known| Layout::known(&columns, &known.obs, &known.action)) {
        Some(layout) => layout,
        None => Layout::infer(&columns, n_actions(&root, &columns)?, options).map_err(|err| err.at(&path))?,
    };
    let mut notes = layout.notes();
    if !strange.is_empty() {
        notes.push(format!("left out `{}`, which is no column", strange.join("`, `")));
    }
    if let Some(rows) = episodes.first() {
        let mut first = swm::Rows::new();
        for name in [ACTION, "step_idx"].into_iter().filter(|name| columns.contains_key(*name)) {
            first.insert(name.to_owned(), root.dataset(name)?.read(rows.start, rows.end - rows.start)?);
        }
        notes.extend(Start::of(&first).map_err(|err| err.at(&path))?.note());
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (env, policy, fps) = match remembered {
        Some(known) => (known.env, known.policy, known.fps),
        None => (stem, "unknown".to_owned(), None),
    };
    let meta = EpisodeMeta { env, policy, seed: Seed(0), source: "real".to_owned(), task: None };
    let info = SourceInfo { obs: layout.obs.clone(), action: layout.action.clone(), fps, notes };
    Ok(Box::new(H5Source { layout, info, meta, episodes, h5 }))
}

/// Where each episode's rows are.
fn episodes(root: &Node<'_>, path: &Path) -> Result<Vec<Range<u64>>> {
    let numbers = |name: &str| -> Result<Vec<i64>> {
        let dataset = root.dataset(name)?;
        match dataset.read(0, dataset.n_rows()?)?.cells {
            Cells::Ints(numbers) => Ok(numbers),
            _ => Err(Error::corrupt(path, format!("expected whole numbers in `{name}`"))),
        }
    };
    let (lengths, offsets) = (numbers(LENGTHS)?, numbers(OFFSETS)?);
    let n_rows = root.dataset(ACTION)?.n_rows()?;
    if lengths.len() != offsets.len() {
        let (lengths, offsets) = (lengths.len(), offsets.len());
        return Err(Error::corrupt(
            path,
            format!("expected as many offsets as {lengths} lengths, got {offsets}"),
        ));
    }
    let rows = |(idx, (offset, length)): (usize, (&i64, &i64))| {
        let start = u64::try_from(*offset).ok();
        let end =
            start.zip(u64::try_from(*length).ok()).and_then(|(start, length)| start.checked_add(length));
        let rows = start.zip(end).map(|(start, end)| start..end).filter(|rows| rows.end <= n_rows);
        rows.ok_or_else(|| {
            Error::corrupt(
                path,
                format!("expected {length} rows from {offset} on for episode {idx}, got {n_rows}"),
            )
        })
    };
    offsets.iter().zip(&lengths).enumerate().map(rows).collect()
}

/// What there is as long as the actions, by name, and names of everything else.
fn columns(root: &Node<'_>) -> Result<(BTreeMap<String, Schema>, Vec<String>)> {
    let (mut strange, names) = root.names()?;
    let n_rows = root.dataset(ACTION)?.n_rows()?;
    let mut columns = BTreeMap::new();
    for name in names.into_iter().filter(|name| name != LENGTHS && name != OFFSETS) {
        let dataset = root.dataset(&name)?;
        match dataset.schema() {
            Ok(schema) if dataset.n_rows()? == n_rows => drop(columns.insert(name, schema)),
            _ => strange.push(name),
        }
    }
    Ok((columns, strange))
}

/// One more than the largest action, if actions are choices. Where there was no action the least number stands.
fn n_actions(root: &Node<'_>, columns: &BTreeMap<String, Schema>) -> Result<Option<usize>> {
    let choices = Schema { kind: Kind::Ints, shape: Vec::new() };
    if columns.get(ACTION) != Some(&choices) {
        return Ok(None);
    }
    let actions = root.dataset(ACTION)?;
    let (mut most, n) = (0, actions.n_rows()?);
    for from in (0..n).step_by(STRETCH as usize) {
        let stretch = actions.read(from, STRETCH.min(n - from))?;
        let Cells::Ints(stretch) = stretch.cells else { return Ok(None) };
        for action in stretch.into_iter().filter(|action| *action != i64::MIN) {
            match usize::try_from(action) {
                Ok(action) if action < MOST_CHOICES => most = most.max(action),
                _ => return Ok(None),
            }
        }
    }
    Ok(Some(most + 1))
}

impl H5Source {
    fn rows(&self, rows: Range<u64>) -> Result<Episode> {
        let root = self.h5.root()?;
        let mut columns = swm::Rows::new();
        for name in self.layout.columns() {
            columns.insert(name.to_owned(), root.dataset(name)?.read(rows.start, rows.end - rows.start)?);
        }
        self.layout.episode(&columns, self.meta.clone(), &|_| self.h5.path().to_owned())
    }

    fn episode(&self, idx: usize) -> Result<Range<u64>> {
        self.episodes.get(idx).cloned().ok_or_else(|| {
            let n = self.episodes.len();
            Error::invalid(format!("expected an episode number below {n}, got {idx}")).at(self.h5.path())
        })
    }
}

impl Source for H5Source {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.episodes.len()
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        self.rows(self.episode(idx)?)
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        self.rows(swm::rows_of(&self.episode(idx)?, &steps)?)
    }
}

struct H5Sink {
    writer: Writer,
    spec: SinkSpec,
    columns: Vec<(String, Growing)>,
    lengths: Vec<usize>,
    env: String,
    policy: String,
}

fn create(path: &Path, spec: &SinkSpec) -> Result<Box<dyn Sink>> {
    Layout::columns_of(&spec.obs, &spec.action)?;
    Ok(Box::new(H5Sink {
        writer: Writer::create(path)?,
        spec: spec.clone(),
        columns: Vec::new(),
        lengths: Vec::new(),
        env: String::new(),
        policy: String::new(),
    }))
}

impl H5Sink {
    /// Starts the columns that `rows` belong to.
    fn start(&mut self, rows: &[(String, swm::Column)]) -> Result<()> {
        let shapes: BTreeMap<String, Space> =
            Layout::columns_of(&self.spec.obs, &self.spec.action)?.into_iter().collect();
        for (name, column) in rows {
            let shape = shapes.get(name).map(row_shape).unwrap_or_default();
            self.columns.push((name.clone(), Growing::new(encoded(&column.cells)?.0, &shape)));
        }
        Ok(())
    }
}

impl Sink for H5Sink {
    fn push(&mut self, episode: &Episode) -> Result<()> {
        let rows = swm::rows(episode, &self.spec.obs, &self.spec.action)?;
        if self.columns.is_empty() {
            self.start(&rows)?;
            (self.env, self.policy) = (episode.meta.env.clone(), episode.meta.policy.clone());
        }
        for ((_, growing), (_, column)) in self.columns.iter_mut().zip(&rows) {
            growing.push(&mut self.writer, &encoded(&column.cells)?.1)?;
        }
        self.lengths.push(episode.obs.len());
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        if self.columns.is_empty() {
            let nothing = swm::no_rows(&self.spec.obs, &self.spec.action)?;
            self.start(&nothing)?;
        }
        let Self { mut writer, spec, columns, lengths, env, policy } = *self;
        let mut root = Group::default();
        for (name, growing) in columns {
            root.link(name, growing.finish(&mut writer)?);
        }
        let (mut ep_len, mut ep_offset) = (Growing::new(Type::I32, &[]), Growing::new(Type::I64, &[]));
        let mut offset = 0i64;
        for length in lengths {
            let length = i32::try_from(length).map_err(|_| {
                Error::invalid(format!("expected episodes of fewer than 2^31 rows, got {length}"))
            })?;
            ep_len.push(&mut writer, &length.to_le_bytes())?;
            ep_offset.push(&mut writer, &offset.to_le_bytes())?;
            offset += i64::from(length);
        }
        root.link(LENGTHS, ep_len.finish(&mut writer)?);
        root.link(OFFSETS, ep_offset.finish(&mut writer)?);
        let known = Note { obs: spec.obs, action: spec.action, fps: Some(spec.fps), env, policy };
        let json = serde_json::to_string(&known)
            .map_err(|err| Error::invalid(format!("cannot write spaces as JSON: {err}")))?;
        root.attribute(ATTRIBUTE, Attribute::Text(json));
        writer.finish(&root)
    }
}
