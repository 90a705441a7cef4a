//! Tables as Parquet.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use worldsmith_core::{Error, ErrorKind, Result};

use super::{Cell, MOST_COLUMNS, Table, too_long};

/// Reads all columns of numbers, flags, words and lists of numbers.
pub(super) fn read(bytes: Vec<u8>, most_rows: usize) -> Result<Table> {
    // The crate has panicked on damaged files, for example on pages that contradict their header.
    let read = std::panic::catch_unwind(|| read_batches(bytes, most_rows));
    read.unwrap_or_else(|_| Err(damaged("a page contradicts its header")))
}

fn read_batches(bytes: Vec<u8>, most_rows: usize) -> Result<Table> {
    // What Arrow noted beside the columns may ask for dictionaries; the columns themselves are enough.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(Bytes::from(bytes), options)
        .map_err(damaged)?;
    check_size(builder.metadata(), most_rows)?;
    let mut table = Table::default();
    for batch in builder.build().map_err(damaged)? {
        append(&mut table, &batch.map_err(damaged)?)?;
    }
    Ok(table.finish())
}

/// Run-length coding can make very much of very little, so the counts are looked at before anything is decoded.
fn check_size(metadata: &ParquetMetaData, most_rows: usize) -> Result<()> {
    let most = i64::try_from(most_rows).unwrap_or(i64::MAX);
    if metadata.file_metadata().num_rows() > most {
        return Err(too_long(most_rows));
    }
    for group in metadata.row_groups() {
        let longest = group.columns().iter().map(|column| column.num_values()).max().unwrap_or(0);
        if group.num_rows() > most || longest > most.saturating_mul(MOST_COLUMNS as i64) {
            return Err(damaged(format!("a row group holds {longest} values")));
        }
    }
    Ok(())
}

fn append(table: &mut Table, batch: &RecordBatch) -> Result<()> {
    let schema = batch.schema();
    for row in 0..batch.num_rows() {
        let mut cells = Vec::new();
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            cell(field.name(), column, row, &mut cells);
        }
        table.push(cells)?;
    }
    Ok(())
}

/// Appends the cells of one value: one, or one an element of a list. Other types are passed over.
fn cell(name: &str, column: &dyn Array, row: usize, cells: &mut Vec<(String, Cell)>) {
    if column.is_null(row) {
        cells.push((name.to_owned(), Cell::Empty));
        return;
    }
    let list = match column.data_type() {
        DataType::List(_) => Some(column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Some(column.as_fixed_size_list().value(row)),
        _ => None,
    };
    match list {
        Some(list) => (0..list.len()).for_each(|i| {
            if let Some(cell) = scalar(&list, i) {
                cells.push((format!("{name}.{i}"), cell));
            }
        }),
        None => cells.extend(scalar(column, row).map(|cell| (name.to_owned(), cell))),
    }
}

fn scalar(column: &dyn Array, row: usize) -> Option<Cell> {
    if column.is_null(row) {
        return Some(Cell::Empty);
    }
    macro_rules! number {
        ($kind:ty) => {
            Cell::Number(column.as_primitive::<$kind>().value(row) as f64)
        };
    }
    Some(match column.data_type() {
        DataType::Boolean => Cell::Number(f64::from(u8::from(column.as_boolean().value(row)))),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::Utf8 => Cell::parse(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Cell::parse(column.as_string::<i64>().value(row)),
        _ => return None,
    })
}

fn damaged(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Corrupt, format!("cannot read Parquet: {why}"))
}
