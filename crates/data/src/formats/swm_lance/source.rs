//! A table as episodes.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use worldsmith_core::{Episode, EpisodeMeta, Error, Result, Seed};

use crate::formats::column::{Cells, Column, Kind, Schema};
use crate::formats::lance::{Table, Type};
use crate::formats::swm::{self, Layout, Start};
use crate::formats::{ReadOptions, Source, SourceInfo};
use crate::picture;

const EPISODE_IDX: &str = "episode_idx";
const STEP_IDX: &str = "step_idx";
const ACTION: &str = "action";
const SEED: &str = "seed";

/// Rows looked through at once.
const STRETCH: usize = 1 << 16;
/// Whole numbers from here on are no choices.
const MOST_CHOICES: f32 = 65536.0;
/// Pictures that stand once in the file and in many rows take no more memory at once, all but their first together.
const MOST_REPEATED_BYTES: usize = 1 << 28;
/// From here on `f32` leaves out whole numbers.
const EXACT: f32 = 16_777_216.0;

struct LanceSource {
    dir: PathBuf,
    table: Table,
    /// Rows of each episode.
    episodes: Vec<Range<u64>>,
    /// Columns of pictures are those that are not of numbers or texts.
    columns: BTreeMap<String, Schema>,
    layout: Layout,
    info: SourceInfo,
    meta: EpisodeMeta,
}

/// Opens the table in `path`.
///
/// # Errors
/// If it is damaged, or no table of episodes.
pub(super) fn open(path: &Path, options: &ReadOptions) -> Result<Box<dyn Source>> {
    let dir = super::table(path).unwrap_or_else(|| path.to_owned());
    let mut table = Table::open(&dir)?;
    let (episodes, n_gaps) = episodes(&mut table)?;
    let (mut columns, strange) = columns(&mut table)?;
    let n_actions = n_actions(&mut table, &columns)?;
    if let Some(action) = columns.get_mut(ACTION).filter(|_| n_actions.is_some()) {
        action.kind = Kind::Ints;
    }
    let layout = Layout::infer(&columns, n_actions, options).map_err(|err| err.at(table.manifest()))?;
    let mut notes = layout.notes();
    if !strange.is_empty() {
        notes.push(format!("left out `{}`, of types that are not read", strange.join("`, `")));
    }
    if n_gaps > 0 {
        notes.push(format!(
            "rows were deleted inside of episodes: {n_gaps} of them go on after a gap as episodes of their own"
        ));
    }
    if let Some(n) = n_actions {
        notes.push(format!(
            "actions are whole numbers below {n} and were taken for choices; Lance tables of stable-worldmodel keep \
             every number as a real one"
        ));
    }
    let env = dir.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let meta = EpisodeMeta {
        env,
        policy: "unknown".to_owned(),
        seed: Seed(0),
        source: "real".to_owned(),
        task: None,
    };
    let info = SourceInfo { obs: layout.obs.clone(), action: layout.action.clone(), fps: None, notes };
    let mut source = LanceSource { dir, table, episodes, columns, layout, info, meta };
    if let Some(rows) = source.episodes.first().cloned() {
        let file = source.table.file(ACTION, rows.start);
        // Without `step_idx`, which the writer made up.
        let first = swm::Rows::from([(ACTION.to_owned(), source.column(ACTION, rows)?)]);
        source.info.notes.extend(Start::of(&first).map_err(|err| err.at(&file))?.note());
    }
    Ok(Box::new(source))
}

/// Where each episode's rows are, and how many of them start after deleted rows.
fn episodes(table: &mut Table) -> Result<(Vec<Range<u64>>, usize)> {
    let (mut episodes, mut n_gaps) = (Vec::<Range<u64>>::new(), 0);
    let counts_steps = table.columns().any(|(name, _)| name == STEP_IDX);
    let mut last = None::<(i64, i64)>;
    for start in (0..table.n_rows()).step_by(STRETCH) {
        let end = table.n_rows().min(start + STRETCH as u64);
        let mut whole = |name: &str| match table.column(name, start..end)?.cells {
            Cells::Ints(all) => Ok(all),
            _ => {
                let why = format!("expected whole numbers in `{name}`");
                Err(Error::corrupt(&table.file(name, start), why))
            }
        };
        let ids = whole(EPISODE_IDX)?;
        let steps = if counts_steps { whole(STEP_IDX)? } else { Vec::new() };
        for (row, id) in (start..end).zip(ids) {
            let step = steps.get((row - start) as usize).copied();
            let step = step.unwrap_or_else(|| last.map_or(0, |(_, step)| step.saturating_add(1)));
            let goes_on = last.is_some_and(|last| last.0 == id && last.1.checked_add(1) == Some(step));
            match (last, episodes.last_mut()) {
                (Some(last), _) if id < last.0 => {
                    let what = format!("expected episodes one after the other, got {id} after {}", last.0);
                    let file = table.file(EPISODE_IDX, row);
                    return Err(Error::corrupt(&file, what).hint("sort the table by `episode_idx`"));
                }
                (Some(_), Some(episode)) if goes_on => episode.end = row + 1,
                (last, _) => {
                    n_gaps += usize::from(last.is_some_and(|last| last.0 == id && last.1 < step));
                    episodes.push(row..row + 1);
                }
            }
            last = Some((id, step));
        }
    }
    Ok((episodes, n_gaps))
}

/// Columns that can be read, by name, and names of the others.
fn columns(table: &mut Table) -> Result<(BTreeMap<String, Schema>, Vec<String>)> {
    let (mut columns, mut strange) = (BTreeMap::new(), table.strange().to_vec());
    let all: Vec<(String, Type)> = table.columns().map(|(name, kind)| (name.to_owned(), kind)).collect();
    for (name, kind) in all {
        let schema = match kind {
            Type::Numbers { dtype, width: 1 } => Some(Schema { kind: dtype.kind(), shape: Vec::new() }),
            Type::Numbers { dtype, width } => Some(Schema { kind: dtype.kind(), shape: vec![width] }),
            Type::Texts => Some(Schema { kind: Kind::Texts, shape: Vec::new() }),
            Type::Blobs if table.n_rows() == 0 => None,
            Type::Blobs => {
                let first = table.blobs(&name, 0..1)?;
                let shape = first.first().and_then(|bytes| picture::shape(bytes).ok());
                shape.map(|shape| Schema { kind: Kind::Bytes, shape: shape.to_vec() })
            }
        };
        match schema {
            Some(schema) => drop(columns.insert(name, schema)),
            None => strange.push(name),
        }
    }
    Ok((columns, strange))
}

/// One more than the largest action, if all are whole numbers; where there was no action, none or the least number stands.
fn n_actions(table: &mut Table, columns: &BTreeMap<String, Schema>) -> Result<Option<usize>> {
    let is_number =
        columns.get(ACTION).is_some_and(|action| action.shape.is_empty() && action.kind != Kind::Texts);
    let (mut most, n) = (None::<f32>, if is_number { table.n_rows() } else { 0 });
    for start in (0..n).step_by(STRETCH) {
        let actions = table.column(ACTION, start..n.min(start + STRETCH as u64))?;
        for action in (0..actions.len()).filter_map(|row| actions.numbers(row)).flatten() {
            if action.is_nan() || action == i64::MIN as f32 {
                continue;
            }
            if action.fract() != 0.0 || !(0.0..MOST_CHOICES).contains(&action) {
                return Ok(None);
            }
            most = Some(most.map_or(action, |most| most.max(action)));
        }
    }
    Ok(most.map(|most| most as usize + 1))
}

impl LanceSource {
    fn column(&mut self, name: &str, rows: Range<u64>) -> Result<Column> {
        let is_pictures = self.table.columns().any(|(column, kind)| column == name && kind == Type::Blobs);
        if is_pictures {
            let blobs = self.table.blobs(name, rows.clone())?;
            let (mut pictures, mut seen, mut n_repeated) = (Vec::new(), HashSet::new(), 0_usize);
            for (row, blob) in rows.zip(&blobs) {
                let damaged = |what: String| {
                    Error::corrupt(&self.table.file(name, row), format!("row {row} of `{name}`: {what}"))
                };
                let picture = picture::decode(blob).map_err(|err| damaged(err.to_string()))?;
                if !seen.insert(Arc::as_ptr(blob)) {
                    n_repeated = n_repeated.saturating_add(picture.data.len());
                }
                if n_repeated > MOST_REPEATED_BYTES {
                    return Err(damaged("expected the same picture in fewer rows".to_owned()));
                }
                pictures.push(picture);
            }
            return Ok(Column { width: 1, cells: Cells::Pictures(pictures) });
        }
        let mut column = self.table.column(name, rows)?;
        let is_whole = self.columns.get(name).is_some_and(|schema| schema.kind == Kind::Ints);
        if let (true, Cells::Floats(all)) = (is_whole, &column.cells) {
            let whole = |x: &f32| if x.is_nan() { i64::MIN } else { *x as i64 };
            column.cells = Cells::Ints(all.iter().map(whole).collect());
        }
        Ok(column)
    }

    fn episode(&self, idx: usize) -> Result<Range<u64>> {
        self.episodes.get(idx).cloned().ok_or_else(|| {
            let n = self.episodes.len();
            Error::invalid(format!("expected an episode number below {n}, got {idx}")).at(&self.dir)
        })
    }

    fn rows(&mut self, rows: Range<u64>) -> Result<Episode> {
        let mut columns = swm::Rows::new();
        let names: Vec<String> = self.layout.columns().map(str::to_owned).collect();
        for name in names {
            let column = self.column(&name, rows.clone())?;
            // A seed that `f32` could not hold is not the seed.
            let is_rounded = column.numbers(0).is_some_and(|seed| !seed.iter().all(|x| x.abs() < EXACT));
            if name != SEED || !is_rounded {
                columns.insert(name, column);
            }
        }
        let first = rows.start;
        self.layout.episode(&columns, self.meta.clone(), &|name| self.table.file(name, first))
    }
}

impl Source for LanceSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn n_episodes(&self) -> usize {
        self.episodes.len()
    }

    fn read(&mut self, idx: usize) -> Result<Episode> {
        let rows = self.episode(idx)?;
        self.rows(rows)
    }

    fn read_range(&mut self, idx: usize, steps: Range<usize>) -> Result<Episode> {
        self.rows(swm::rows_of(&self.episode(idx)?, &steps)?)
    }
}
