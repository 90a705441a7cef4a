//! Parquet files, read a row group at a time: the last one is held, so that reading on is cheap.

use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::PageIndexPolicy;
use worldsmith_core::{Error, Result};

/// Row groups of up to this many bytes are held whole; of larger ones only the rows asked for are read.
const HELD_BYTES: i64 = 64 << 20;
/// Rows decoded at once: few enough that 256 pictures of 8 MB fit into one Arrow array.
const BATCH_ROWS: usize = 256;

/// One open file.
pub(super) struct Table {
    path: PathBuf,
    file: File,
    footer: ArrowReaderMetadata,
    wanted: ProjectionMask,
    /// First row of each row group, then the number of rows.
    starts: Vec<usize>,
    held: Option<(usize, Vec<RecordBatch>)>,
}

impl Table {
    /// Opens the file at `path` for the columns of `names` that it has. Reads the footer alone.
    ///
    /// # Errors
    /// If it cannot be opened or is no Parquet file.
    pub fn open(path: &Path, names: &[&str]) -> Result<Self> {
        let file = File::open(path).map_err(|err| Error::io("open file", path, &err))?;
        // What the file says of Arrow's types would only tell apart layouts that are read alike.
        let options = ArrowReaderOptions::new()
            .with_skip_arrow_metadata(true)
            .with_offset_index_policy(PageIndexPolicy::Optional);
        let footer = guard(path, || ArrowReaderMetadata::load(&file, options))?;
        let wanted = mask(&footer, names);
        let mut starts = vec![0_usize];
        for group in footer.metadata().row_groups() {
            let last = starts[starts.len() - 1];
            let end = usize::try_from(group.num_rows()).ok().and_then(|n| last.checked_add(n));
            starts.push(end.ok_or_else(|| Error::corrupt(path, "the row groups have impossible sizes"))?);
        }
        Ok(Self { path: path.to_owned(), file, footer, wanted, starts, held: None })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows, as the footer has it.
    pub fn n_rows(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// The rows `range`, in one or more pieces.
    ///
    /// # Errors
    /// If they are not there or damaged.
    pub fn rows(&mut self, range: Range<usize>) -> Result<Vec<RecordBatch>> {
        let missing = |path: &Path| Error::corrupt(path, format!("expected rows {range:?}, found fewer"));
        if range.start > range.end || range.end > self.n_rows() {
            return Err(missing(&self.path));
        }
        let mut found = Vec::new();
        for group in 0..self.starts.len() - 1 {
            let (start, end) = (self.starts[group], self.starts[group + 1]);
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                self.group_rows(group, from - start..to - start, &mut found)?;
            }
        }
        let n: usize = found.iter().map(RecordBatch::num_rows).sum();
        if n == range.len() { Ok(found) } else { Err(missing(&self.path)) }
    }

    /// The first row of column `name` alone; `None` if there is no such column or row.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn first(&self, name: &str) -> Result<Option<RecordBatch>> {
        let mask = mask(&self.footer, &[name]);
        let Some(group) = (0..self.starts.len() - 1).find(|g| self.starts[g + 1] > self.starts[*g]) else {
            return Ok(None);
        };
        let batch = self.decode(group, mask, Some(0..1))?.into_iter().next();
        Ok(batch.filter(|batch| batch.num_columns() == 1))
    }

    fn group_rows(&mut self, group: usize, rows: Range<usize>, found: &mut Vec<RecordBatch>) -> Result<()> {
        if self.group_bytes(group) > HELD_BYTES {
            found.extend(self.decode(group, self.wanted.clone(), Some(rows))?);
            return Ok(());
        }
        if self.held.as_ref().is_none_or(|(held, _)| *held != group) {
            self.held = None;
            self.held = Some((group, self.decode(group, self.wanted.clone(), None)?));
        }
        let mut start = 0;
        for batch in self.held.iter().flat_map(|(_, batches)| batches) {
            let end = start + batch.num_rows();
            let (from, to) = (rows.start.max(start), rows.end.min(end));
            if from < to {
                found.push(batch.slice(from - start, to - from));
            }
            start = end;
        }
        Ok(())
    }

    /// Size of the wanted columns of a row group, uncompressed, as the footer has it.
    fn group_bytes(&self, group: usize) -> i64 {
        let columns = self.footer.metadata().row_group(group).columns();
        let wanted = columns.iter().enumerate().filter(|(leaf, _)| self.wanted.leaf_included(*leaf));
        wanted.map(|(_, column)| column.uncompressed_size()).fold(0, i64::saturating_add)
    }

    fn decode(
        &self,
        group: usize,
        mask: ProjectionMask,
        rows: Option<Range<usize>>,
    ) -> Result<Vec<RecordBatch>> {
        let file = self.file.try_clone().map_err(|err| Error::io("read file", &self.path, &err))?;
        guard(&self.path, || {
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.footer.clone())
                .with_projection(mask)
                .with_row_groups(vec![group])
                .with_batch_size(BATCH_ROWS);
            if let Some(rows) = rows {
                let selectors = vec![RowSelector::skip(rows.start), RowSelector::select(rows.len())];
                builder = builder.with_row_selection(RowSelection::from(selectors));
            }
            builder.build()?.map(|batch| Ok(batch?)).collect()
        })
    }
}

fn mask(footer: &ArrowReaderMetadata, names: &[&str]) -> ProjectionMask {
    let roots = footer.parquet_schema().root_schema().get_fields().iter().enumerate();
    let wanted = roots.filter(|(_, root)| names.contains(&root.name())).map(|(idx, _)| idx);
    ProjectionMask::roots(footer.parquet_schema(), wanted)
}

/// Runs a call into the Parquet reader, which fails some damaged files by a panic: that is an error like any other here.
fn guard<T>(path: &Path, read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(err)) => Err(Error::corrupt(path, format!("cannot read Parquet: {err}"))),
        Err(_) => Err(Error::corrupt(path, "cannot read Parquet: the file is damaged")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Array, Int64Array};

    use super::*;
    use crate::formats::lerobot::shards::{complete, start};

    fn numbers(batches: &[RecordBatch]) -> Vec<i64> {
        let column = |batch: &RecordBatch| {
            batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
        };
        batches.iter().flat_map(column).collect()
    }

    #[test]
    fn rows_are_the_same_out_of_a_held_group_and_picked_from_a_large_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.parquet");
        let batch = |from: i64| {
            let column: Arc<dyn Array> = Arc::new(Int64Array::from_iter_values(from..from + 400));
            RecordBatch::try_from_iter([("number", Arc::clone(&column)), ("other", column)]).unwrap()
        };
        let mut writer = start(&path, &batch(0), None).unwrap();
        for from in [0, 400, 800] {
            writer.write(&batch(from)).unwrap();
            writer.flush().unwrap();
        }
        complete(&path, writer).unwrap();
        let mut table = Table::open(&path, &["number", "absent"]).unwrap();
        assert_eq!(table.n_rows(), 1200);
        for (from, to) in [(0, 1200), (399, 401), (400, 800), (700, 1100), (5, 5), (1199, 1200)] {
            let held = table.rows(from..to).unwrap();
            assert_eq!(numbers(&held), (from as i64..to as i64).collect::<Vec<_>>());
        }
        let picked = table.decode(1, table.wanted.clone(), Some(250..270)).unwrap();
        assert_eq!((numbers(&picked), picked[0].num_columns()), ((650..670).collect(), 1));
        assert!(table.rows(1100..1201).is_err());
    }
}
