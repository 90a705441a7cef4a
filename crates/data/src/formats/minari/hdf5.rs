//! Episodes in `main_data.hdf5`: a group each, `episode_0`, `episode_1`, ...

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, EpisodeMeta, Error, Result, StepKind};

use super::super::column::{Cells, Column, row_shape};
use super::super::h5::write::{Attribute, Group, Type, Writer};
use super::super::h5::{H5, Node, Rows, encoded};
use super::super::{Sink, SinkSpec};
use super::spaces::{Key, Part};
use super::{
    ACTIONS, OBSERVATIONS, REWARDS, Storage, TERMINATIONS, TRUNCATIONS, Written, columns, metadata,
    new_folder, retold, reward_statistics, told,
};
use crate::picture;

const NAME: &str = "main_data.hdf5";

/// The reader keeps what it has learned of every group: after so many episodes it forgets and starts anew.
const MOST_KNOWN: usize = 512;

pub(super) struct Hdf5 {
    h5: H5,
    /// Episodes that were looked at since the file was opened, and the last one.
    n_known: usize,
    last: Option<usize>,
}

impl Hdf5 {
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self { h5: H5::open(&folder.join(NAME))?, n_known: 0, last: None })
    }

    /// Goes to episode `idx`.
    fn visit(&mut self, idx: usize) -> Result<()> {
        if self.last.replace(idx) != Some(idx) {
            self.n_known += 1;
        }
        if self.n_known > MOST_KNOWN {
            self.h5 = H5::open(self.h5.path())?;
            self.n_known = 1;
        }
        Ok(())
    }

    fn episode(&self, idx: usize) -> Result<Node<'_>> {
        self.h5.root()?.group(&format!("episode_{idx}"))
    }

    fn dataset(&self, idx: usize, root: &str, part: &Part) -> Result<Rows<'_>> {
        let mut names = vec![root.to_owned()];
        names.extend(part.keys.iter().map(name));
        let last = names.pop().unwrap_or_default();
        names.iter().try_fold(self.episode(idx)?, |node, name| node.group(name))?.dataset(&last)
    }
}

fn name(key: &Key) -> String {
    match key {
        Key::Name(name) => name.clone(),
        Key::Index(idx) => format!("_index_{idx}"),
    }
}

impl Storage for Hdf5 {
    fn n_steps(&mut self, idx: usize) -> Result<usize> {
        self.visit(idx)?;
        let n = self.dataset(idx, REWARDS, &Part::default())?.n_rows()?;
        usize::try_from(n)
            .map_err(|_| Error::corrupt(self.h5.path(), format!("expected fewer than {n} steps")))
    }

    fn column(&mut self, idx: usize, root: &str, part: &Part, rows: Range<usize>) -> Result<Column> {
        let dataset = self.dataset(idx, root, part)?;
        // Pictures may be JPEGs: ragged bytes, or a row of bytes each if all are equally long.
        let jpegs = match dataset.is_ragged() {
            true => dataset.read_ragged()?.get(rows.clone()).map(<[_]>::to_vec),
            false => {
                let column = dataset.read(rows.start as u64, rows.len() as u64)?;
                let schema = dataset.schema()?;
                match &column.cells {
                    Cells::Bytes(bytes) if part.is_picture && schema.shape.len() == 1 => {
                        Some(bytes.chunks_exact(column.width.max(1)).map(<[u8]>::to_vec).collect())
                    }
                    _ => return Ok(column),
                }
            }
        };
        let jpegs = jpegs
            .ok_or_else(|| Error::corrupt(self.h5.path(), format!("expected rows {rows:?} of `{root}`")))?;
        let pictures = jpegs.iter().map(|jpeg| picture::decode(jpeg)).collect::<Result<Vec<_>>>();
        Ok(Column { width: 1, cells: Cells::Pictures(pictures.map_err(|err| err.at(self.h5.path()))?) })
    }

    fn meta(&mut self, idx: usize, known: &EpisodeMeta) -> Result<EpisodeMeta> {
        let episode = self.episode(idx)?;
        Ok(retold(known, episode.int("seed").map(i64::cast_unsigned), |name| episode.text(name)))
    }

    fn path(&self, _: usize) -> &Path {
        self.h5.path()
    }
}

/// A group that is being filled: what is in it, by name.
#[derive(Default)]
struct Tree {
    groups: BTreeMap<String, Tree>,
    datasets: Vec<(String, u64)>,
}

impl Tree {
    fn add(&mut self, names: &[String], address: u64) {
        match names {
            [last] => self.datasets.push((last.clone(), address)),
            [first, rest @ ..] => self.groups.entry(first.clone()).or_default().add(rest, address),
            [] => {}
        }
    }

    /// Writes what is below and returns the group.
    fn group(self, writer: &mut Writer) -> Result<Group> {
        let mut group = Group::default();
        for (name, tree) in self.groups {
            let inner = tree.group(writer)?;
            group.link(name, writer.group(&inner)?);
        }
        for (name, address) in self.datasets {
            group.link(name, address);
        }
        Ok(group)
    }
}

struct Hdf5Sink {
    folder: PathBuf,
    writer: Writer,
    root: Group,
    written: Written,
}

pub(super) fn create(path: &Path, spec: &SinkSpec) -> Result<Box<dyn Sink>> {
    let written = Written::new(spec)?;
    let folder = new_folder(path)?;
    let writer = Writer::create(&folder.join(NAME))?;
    Ok(Box::new(Hdf5Sink { folder, writer, root: Group::default(), written }))
}

impl Sink for Hdf5Sink {
    fn push(&mut self, episode: &Episode) -> Result<()> {
        let idx = self.written.count(episode)?;
        let mut tree = Tree::default();
        let both = [
            (OBSERVATIONS, columns(&episode.obs, &self.written.obs, OBSERVATIONS)?),
            (ACTIONS, columns(&episode.actions, &self.written.action, ACTIONS)?),
        ];
        for (root, columns) in both {
            for (part, space, column) in columns {
                let (kind, bytes) = encoded(&column.cells)?;
                let shape = [vec![column.len()], row_shape(&space)].concat();
                let names: Vec<String> =
                    std::iter::once(root.to_owned()).chain(part.keys.iter().map(name)).collect();
                tree.add(&names, self.writer.dataset(kind, &shape, &bytes)?);
            }
        }
        let n = episode.len();
        let rewards: Vec<u8> = episode.rewards.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect();
        tree.add(&[REWARDS.to_owned()], self.writer.dataset(Type::F64, &[n], &rewards)?);
        for (name, kind) in [(TERMINATIONS, StepKind::Terminated), (TRUNCATIONS, StepKind::Truncated)] {
            let flags: Vec<u8> = (1..=n).map(|t| u8::from(t == n && episode.end == kind)).collect();
            tree.add(&[name.to_owned()], self.writer.dataset(Type::Bool, &[n], &flags)?);
        }
        let mut group = tree.group(&mut self.writer)?;
        let numbers = [("id", idx as u64), ("total_steps", n as u64), ("seed", episode.meta.seed.0)];
        for (name, number) in numbers {
            group.attribute(name, Attribute::U64(number));
        }
        for (name, number) in reward_statistics(&episode.rewards) {
            group.attribute(name, Attribute::F64(number));
        }
        for (name, text) in told(&episode.meta) {
            group.attribute(name, Attribute::Text(text.to_owned()));
        }
        let address = self.writer.group(&group)?;
        self.root.link(format!("episode_{idx}"), address);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { folder, writer, root, written } = *self;
        writer.finish(&root)?;
        let path = folder.join(NAME);
        let n_bytes = std::fs::metadata(&path).map_err(|err| Error::io("read file", &path, &err))?.len();
        metadata::write(&folder, &written, "hdf5", n_bytes)
    }
}
