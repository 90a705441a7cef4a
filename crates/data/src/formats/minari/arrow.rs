//! Episodes in a folder each: `0/part-0.arrow` (or Parquet) with nested columns, and `0/metadata.json`.

use std::fs::{self, File};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringArray, StructArray, UInt8Array,
};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::root_as_footer;
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Fields};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value as Json, json};
use worldsmith_core::{Episode, EpisodeMeta, Error, Result, Space, StepKind, Value};

use super::super::column::{Cells, Column};
use super::super::{Sink, SinkSpec};
use super::spaces::{Key, Known, Part, quoted};
use super::{
    ACTIONS, OBSERVATIONS, REWARDS, Storage, TERMINATIONS, TRUNCATIONS, Written, columns, metadata,
    new_folder, retold, reward_statistics, told,
};
use crate::{picture, write_atomic};

const METADATA: &str = "metadata.json";
/// A byte of a file stands for at most that many rows.
const LONGEST: u64 = 1 << 4;
const MAGIC: &[u8] = b"ARROW1";

pub(super) struct Arrow {
    folder: PathBuf,
    extension: String,
    /// The episode that was read last, its rows, and its file, or folder if it has several.
    current: Option<(usize, Vec<RecordBatch>)>,
    place: PathBuf,
}

impl Arrow {
    pub fn open(folder: &Path, extension: &str) -> Self {
        let (folder, place) = (folder.to_owned(), folder.to_owned());
        Self { folder, extension: extension.to_owned(), current: None, place }
    }

    fn batches(&mut self, idx: usize) -> Result<&[RecordBatch]> {
        if self.current.as_ref().is_none_or(|(at, _)| *at != idx) {
            let folder = self.folder.join(idx.to_string());
            let files = files(&folder, &self.extension)?;
            let batches = read_files(&files, &self.extension)?;
            self.place = if let [only] = files.as_slice() { only.clone() } else { folder };
            self.current = Some((idx, batches));
        }
        Ok(self.current.as_ref().map(|(_, batches)| batches.as_slice()).unwrap_or_default())
    }
}

/// The files of the folder that end so, by name.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|err| Error::io("read folder", folder, &err))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == extension)).collect();
    files.sort();
    Ok(files)
}

/// The rows in all of these.
fn read_files(files: &[PathBuf], extension: &str) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    for file in files {
        // The Arrow crates check most of what a file says, but trust the rest: what they panic on is a damaged file.
        let read = catch_unwind(AssertUnwindSafe(|| match extension {
            "parquet" => read_parquet(file),
            _ => read_arrow(file),
        }));
        batches.extend(
            read.unwrap_or_else(|_| Err(Error::corrupt(file, "expected rows that fit their schema")))?,
        );
    }
    Ok(batches)
}

fn read_arrow(path: &Path) -> Result<Vec<RecordBatch>> {
    let bytes = Buffer::from(fs::read(path).map_err(|err| Error::io("read file", path, &err))?);
    let torn = || Error::corrupt(path, "expected an Arrow file, got something else or a part of one");
    let broken = |err: ArrowError| Error::corrupt(path, format!("cannot read Arrow: {err}"));
    // The footer, its length in four bytes, and the magic word again.
    let tail =
        bytes.len().checked_sub(MAGIC.len() + 4).filter(|_| bytes.ends_with(MAGIC)).ok_or_else(torn)?;
    let len = bytes.get(tail..tail + 4).and_then(|len| len.try_into().ok()).map(u32::from_le_bytes);
    let start = len.and_then(|len| tail.checked_sub(len as usize)).ok_or_else(torn)?;
    let footer = root_as_footer(&bytes[start..tail])
        .map_err(|err| Error::corrupt(path, format!("cannot read the footer of an Arrow file: {err}")))?;
    let schema = try_fb_to_schema(footer.schema().ok_or_else(torn)?).map_err(broken)?;
    let decoder = FileDecoder::new(Arc::new(schema), footer.version());
    let mut batches = Vec::new();
    for block in footer.recordBatches().into_iter().flatten() {
        let len = usize::try_from(block.bodyLength()).ok().zip(usize::try_from(block.metaDataLength()).ok());
        let end = len.and_then(|(body, meta)| body.checked_add(meta));
        let start = usize::try_from(block.offset()).ok();
        let range = start.zip(end).and_then(|(start, len)| Some(start..start.checked_add(len)?));
        let range = range.filter(|range| range.end <= bytes.len()).ok_or_else(torn)?;
        let body = bytes.slice_with_length(range.start, range.len());
        batches.extend(decoder.read_record_batch(block, &body).map_err(broken)?);
    }
    Ok(batches)
}

fn read_parquet(path: &Path) -> Result<Vec<RecordBatch>> {
    let file = File::open(path).map_err(|err| Error::io("read file", path, &err))?;
    let broken = |err: String| Error::corrupt(path, format!("cannot read Parquet: {err}"));
    let len = file.metadata().map_err(|err| Error::io("read file", path, &err))?.len();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|err| broken(err.to_string()))?;
    let n_rows: i64 =
        builder.metadata().row_groups().iter().fold(0, |n, group| n.saturating_add(group.num_rows()));
    if n_rows < 0 || n_rows.cast_unsigned() > len.saturating_mul(LONGEST) {
        return Err(broken(format!("expected fewer rows in {len} bytes, got {n_rows}")));
    }
    builder
        .build()
        .map_err(|err| broken(err.to_string()))?
        .map(|batch| batch.map_err(|err| broken(err.to_string())))
        .collect()
}

impl Storage for Arrow {
    fn n_steps(&mut self, idx: usize) -> Result<usize> {
        let n: usize = self.batches(idx)?.iter().map(RecordBatch::num_rows).sum();
        n.checked_sub(1).ok_or_else(|| Error::corrupt(&self.place, "expected at least one row, got none"))
    }

    fn column(&mut self, idx: usize, root: &str, part: &Part, rows: Range<usize>) -> Result<Column> {
        let missing = || format!("expected a column `{root}` with parts {:?}", part.keys);
        let mut start = 0;
        let mut whole: Option<Column> = None;
        for batch in self.batches(idx)?.to_vec() {
            let n = batch.num_rows();
            let wanted = rows.start.clamp(start, start + n)..rows.end.clamp(start, start + n);
            let array = find(&batch, root, part).map(|array| array.slice(wanted.start - start, wanted.len()));
            let column = array.ok_or_else(missing).and_then(|array| cells(&array, part.is_picture));
            let column = column.map_err(|why| Error::corrupt(&self.place, why))?;
            start += n;
            whole = Some(match whole {
                None => column,
                Some(first) => first.and(column).map_err(|err| err.at(&self.place))?,
            });
        }
        whole.ok_or_else(|| Error::corrupt(&self.place, "expected at least one row, got none"))
    }

    fn meta(&mut self, idx: usize, known: &EpisodeMeta) -> Result<EpisodeMeta> {
        let path = self.folder.join(idx.to_string()).join(METADATA);
        let text = fs::read_to_string(&path).map_err(|err| Error::io("read file", &path, &err))?;
        let json: Json = serde_json::from_str(&quoted(&text))
            .map_err(|err| Error::corrupt(&path, format!("expected the metadata of an episode: {err}")))?;
        let seed = json["seed"].as_u64().or_else(|| json["seed"].as_i64().map(i64::cast_unsigned));
        Ok(retold(known, seed, |name| json[name].as_str().map(str::to_owned)))
    }

    fn path(&self, _: usize) -> &Path {
        &self.place
    }
}

fn name(key: &Key) -> String {
    match key {
        Key::Name(name) => name.clone(),
        Key::Index(idx) => idx.to_string(),
    }
}

fn find(batch: &RecordBatch, root: &str, part: &Part) -> Option<ArrayRef> {
    part.keys.iter().try_fold(batch.column_by_name(root)?.clone(), |array, key| {
        array.as_struct_opt()?.column_by_name(&name(key)).cloned()
    })
}

/// The cells of `array`; bytes of a length of their own are pictures, and decoded.
fn cells(array: &ArrayRef, is_picture: bool) -> std::result::Result<Column, String> {
    if let Some(list) = array.as_fixed_size_list_opt() {
        let width =
            usize::try_from(list.value_length()).map_err(|_| "expected lists of a length".to_owned())?;
        return Ok(Column { width, ..cells(list.values(), false)? });
    }
    macro_rules! numbers {
        ($kind:ty, $cells:path, $to:ty) => {
            $cells(array.as_primitive::<$kind>().values().iter().map(|x| *x as $to).collect())
        };
    }
    let cells = match array.data_type() {
        DataType::Boolean => Cells::Bools(array.as_boolean().values().iter().collect()),
        DataType::UInt8 => Cells::Bytes(array.as_primitive::<UInt8Type>().values().to_vec()),
        DataType::Int8 => numbers!(Int8Type, Cells::Ints, i64),
        DataType::Int16 => numbers!(Int16Type, Cells::Ints, i64),
        DataType::Int32 => numbers!(Int32Type, Cells::Ints, i64),
        DataType::Int64 => numbers!(Int64Type, Cells::Ints, i64),
        DataType::UInt16 => numbers!(UInt16Type, Cells::Ints, i64),
        DataType::UInt32 => numbers!(UInt32Type, Cells::Ints, i64),
        DataType::UInt64 => numbers!(UInt64Type, Cells::Ints, i64),
        DataType::Float32 => numbers!(Float32Type, Cells::Floats, f32),
        DataType::Float64 => numbers!(Float64Type, Cells::Floats, f32),
        DataType::Utf8 => {
            Cells::Texts(array.as_string::<i32>().iter().map(|text| text.unwrap_or("").to_owned()).collect())
        }
        DataType::Binary if is_picture => {
            let rows =
                array.as_binary::<i32>().iter().map(|bytes| picture::decode(bytes.unwrap_or_default()));
            Cells::Pictures(rows.collect::<Result<_>>().map_err(|err| err.to_string())?)
        }
        other => return Err(format!("expected numbers, text or pictures, got {other}")),
    };
    Ok(Column { width: 1, cells })
}

struct ArrowSink {
    folder: PathBuf,
    written: Written,
    n_bytes: u64,
}

pub(super) fn create(path: &Path, spec: &SinkSpec) -> Result<Box<dyn Sink>> {
    let written = Written::new(spec)?;
    Ok(Box::new(ArrowSink { folder: new_folder(path)?, written, n_bytes: 0 }))
}

impl Sink for ArrowSink {
    fn push(&mut self, episode: &Episode) -> Result<()> {
        let idx = self.written.count(episode)?;
        let folder = self.folder.join(idx.to_string());
        fs::create_dir_all(&folder).map_err(|err| Error::io("create folder", &folder, &err))?;
        let rows = batch(episode, &self.written)?;
        let encode = || -> std::result::Result<Vec<u8>, ArrowError> {
            let mut writer = FileWriter::try_new(Vec::new(), &rows.schema())?;
            writer.write(&rows)?;
            writer.into_inner()
        };
        let bytes =
            encode().map_err(|err| Error::invalid(format!("cannot write Arrow: {err}")).at(&folder))?;
        self.n_bytes += bytes.len() as u64;
        write_atomic(&folder.join("part-0.arrow"), &bytes)?;
        let mut about = json!({"id": idx, "total_steps": episode.len(), "seed": episode.meta.seed.0});
        for (name, number) in reward_statistics(&episode.rewards) {
            about[name] = json!(number);
        }
        for (name, text) in told(&episode.meta) {
            about[name] = json!(text);
        }
        write_atomic(&folder.join(METADATA), about.to_string().as_bytes())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        metadata::write(&self.folder, &self.written, "arrow", self.n_bytes)
    }
}

/// An episode as rows, the last of which has no action.
fn batch(episode: &Episode, written: &Written) -> Result<RecordBatch> {
    let n = episode.len();
    let rewards: Vec<f64> = episode.rewards.iter().map(|x| f64::from(*x)).chain([0.0]).collect();
    let flags = |kind: StepKind| -> ArrayRef {
        let flags: Vec<bool> = (0..=n).map(|t| t + 1 == n && episode.end == kind).collect();
        Arc::new(BooleanArray::from(flags))
    };
    let arrays: Vec<(&str, ArrayRef)> = vec![
        (OBSERVATIONS, nested(&episode.obs, &written.obs, OBSERVATIONS, 0)?),
        (ACTIONS, nested(&episode.actions, &written.action, ACTIONS, 1)?),
        (REWARDS, Arc::new(Float64Array::from(rewards))),
        (TERMINATIONS, flags(StepKind::Terminated)),
        (TRUNCATIONS, flags(StepKind::Truncated)),
    ];
    RecordBatch::try_from_iter(arrays).map_err(|err| Error::invalid(format!("cannot write Arrow: {err}")))
}

/// `values` as an array, with `pad` rows of nothing at the end.
fn nested(values: &[Value], known: &Known, root: &str, pad: usize) -> Result<ArrayRef> {
    let mut leaves: Vec<(Vec<Key>, ArrayRef)> = Vec::new();
    for (part, space, column) in columns(values, known, root)? {
        leaves.push((part.keys, array(&space, column, pad)?));
    }
    let depth = 0;
    tree(&leaves, depth).ok_or_else(|| Error::invalid("expected a space with at least one part"))
}

/// The array over `leaves`, which agree in their first `depth` keys.
fn tree(leaves: &[(Vec<Key>, ArrayRef)], depth: usize) -> Option<ArrayRef> {
    let (first, array) = leaves.first()?;
    if first.len() == depth {
        return Some(array.clone());
    }
    let parts: Option<Vec<(Arc<Field>, ArrayRef)>> = leaves
        .chunk_by(|(a, _), (b, _)| a.get(depth) == b.get(depth))
        .map(|own| {
            let array = tree(own, depth + 1)?;
            Some((Arc::new(Field::new(name(own[0].0.get(depth)?), array.data_type().clone(), true)), array))
        })
        .collect();
    let (fields, arrays): (Vec<_>, Vec<_>) = parts?.into_iter().unzip();
    Some(Arc::new(StructArray::try_new(Fields::from(fields), arrays, None).ok()?))
}

/// A column as an array: lists of a fixed length, but for choices and texts.
fn array(space: &Space, mut column: Column, pad: usize) -> Result<ArrayRef> {
    let n_more = pad * column.width;
    let values: ArrayRef = match &mut column.cells {
        Cells::Ints(cells) => {
            cells.resize(cells.len() + n_more, 0);
            Arc::new(Int64Array::from(std::mem::take(cells)))
        }
        Cells::Floats(cells) => {
            cells.resize(cells.len() + n_more, 0.0);
            Arc::new(Float32Array::from(std::mem::take(cells)))
        }
        Cells::Bytes(cells) => {
            cells.resize(cells.len() + n_more, 0);
            Arc::new(UInt8Array::from(std::mem::take(cells)))
        }
        Cells::Texts(rows) => {
            let rows = rows.drain(..).map(Some).chain(std::iter::repeat_n(None, pad));
            return Ok(Arc::new(rows.collect::<StringArray>()));
        }
        Cells::Bools(_) | Cells::Pictures(_) => return Err(Error::invalid("expected values of a space")),
    };
    if matches!(space, Space::Discrete { .. }) {
        return Ok(values);
    }
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    let width =
        i32::try_from(column.width).map_err(|_| Error::invalid("expected fewer than 2^31 numbers a row"))?;
    let list = FixedSizeListArray::try_new(item, width, values, None)
        .map_err(|err| Error::invalid(format!("cannot write Arrow: {err}")))?;
    Ok(Arc::new(list))
}
