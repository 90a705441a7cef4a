//! Columns of a table as plain values.

use std::path::Path;

use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, ListArray, PrimitiveArray, RecordBatch, StringArray,
    StructArray,
};
use worldsmith_core::{Error, Image, Result, Space, Value};

use super::paths::inside;
use super::picture;
use crate::leaf::fits;

/// What is wrong with a column; the caller knows which.
type Reading<T> = std::result::Result<T, String>;

/// A stretch of rows of one file.
pub(super) struct Rows<'a> {
    /// Folder of the data set.
    pub root: &'a Path,
    /// The file they come from.
    pub path: &'a Path,
    /// The rows, in one or more pieces.
    pub batches: Vec<RecordBatch>,
}

impl Rows<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether there is a column of this name.
    pub fn has(&self, name: &str) -> bool {
        self.batches.first().is_some_and(|batch| batch.column_by_name(name).is_some())
    }

    /// The values of a column as members of `space`.
    ///
    /// # Errors
    /// If they are not.
    pub fn values(&self, name: &str, space: &Space) -> Result<Vec<Value>> {
        let values: Vec<Value> = match space {
            Space::Image { height, width, channels } => {
                let images = self.pictures(name, [*height, *width, *channels])?;
                return Ok(images.into_iter().map(Value::Image).collect());
            }
            Space::Text { .. } => self.texts(name)?.into_iter().map(Value::Text).collect(),
            Space::Discrete { .. } => {
                self.numbers(name, 1)?.into_iter().map(|x| Value::Discrete(x as i64)).collect()
            }
            Space::MultiDiscrete { nvec } => self
                .numbers(name, nvec.len())?
                .chunks_exact(nvec.len().max(1))
                .map(|row| Value::MultiDiscrete(row.iter().map(|x| *x as i64).collect()))
                .collect(),
            Space::Box { shape, low, .. } => self
                .numbers(name, low.len())?
                .chunks_exact(low.len().max(1))
                .map(|row| Value::Array {
                    shape: shape.clone(),
                    data: row.iter().map(|x| *x as f32).collect(),
                })
                .collect(),
            Space::Dict(_) => {
                return Err(Error::invalid(format!("expected one column for `{name}`, got {space}")));
            }
        };
        values
            .iter()
            .try_for_each(|value| fits(space, value))
            .map_err(|err| self.wrong(name, &err.to_string()))?;
        Ok(values)
    }

    /// A column of `per_row` numbers a row.
    ///
    /// # Errors
    /// If it is missing, or has another shape.
    pub fn numbers(&self, name: &str, per_row: usize) -> Result<Vec<f64>> {
        let mut numbers = Vec::new();
        for array in self.column(name)? {
            let (before, n) = (numbers.len(), array.len());
            flatten(array.as_ref(), &mut numbers).map_err(|why| self.wrong(name, &why))?;
            if n.checked_mul(per_row) != Some(numbers.len() - before) {
                let got = numbers.len() - before;
                return Err(
                    self.wrong(name, &format!("expected {per_row} numbers in each of {n} rows, got {got}"))
                );
            }
        }
        Ok(numbers)
    }

    /// A column of one flag a row; `None` if there is no such column.
    ///
    /// # Errors
    /// If it holds something else.
    pub fn flags(&self, name: &str) -> Result<Option<Vec<bool>>> {
        if !self.has(name) {
            return Ok(None);
        }
        Ok(Some(self.numbers(name, 1)?.into_iter().map(|x| x != 0.0).collect()))
    }

    /// A column of text.
    ///
    /// # Errors
    /// If it is missing or holds something else.
    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for array in self.column(name)? {
            let array = array.as_any().downcast_ref::<StringArray>();
            let array = array.ok_or_else(|| self.wrong(name, "expected text"))?;
            texts.extend(array.iter().map(|text| text.unwrap_or_default().to_owned()));
        }
        Ok(texts)
    }

    /// A column of pictures.
    fn pictures(&self, name: &str, shape: [usize; 3]) -> Result<Vec<Image>> {
        let mut images = Vec::new();
        for array in self.column(name)? {
            let parts = array.as_any().downcast_ref::<StructArray>();
            let bytes = parts.and_then(|p| p.column_by_name("bytes")?.as_any().downcast_ref::<BinaryArray>());
            let paths = parts.and_then(|p| p.column_by_name("path")?.as_any().downcast_ref::<StringArray>());
            let bytes = bytes.ok_or_else(|| self.wrong(name, "expected pictures with their bytes"))?;
            for row in 0..bytes.len() {
                let decode =
                    |bytes: &[u8]| picture::decode(bytes, shape).map_err(|why| self.wrong(name, &why));
                let path = paths.filter(|paths| paths.is_valid(row)).map(|paths| paths.value(row));
                images.push(match (bytes.is_valid(row), path) {
                    (true, _) => decode(bytes.value(row))?,
                    (false, Some(path)) => {
                        let path = inside(self.root, path).map_err(|err| err.at(self.path))?;
                        let bytes =
                            std::fs::read(&path).map_err(|err| Error::io("read picture", &path, &err))?;
                        decode(&bytes).map_err(|err| err.at(&path))?
                    }
                    (false, None) => {
                        return Err(self.wrong(name, "expected a picture in every row, found none"));
                    }
                });
            }
        }
        Ok(images)
    }

    fn column(&self, name: &str) -> Result<Vec<&ArrayRef>> {
        let pieces = self.batches.iter().map(|batch| batch.column_by_name(name));
        pieces
            .collect::<Option<_>>()
            .ok_or_else(|| Error::corrupt(self.path, format!("expected a column `{name}`, got none")))
    }

    fn wrong(&self, name: &str, why: &str) -> Error {
        Error::corrupt(self.path, format!("column `{name}`: {why}"))
    }
}

/// Appends all numbers of an array, row-major. Lists must all be of one length.
fn flatten(array: &dyn Array, out: &mut Vec<f64>) -> Reading<()> {
    if array.null_count() > 0 {
        return Err("expected a value in every row, found rows without".to_owned());
    }
    if let Some(list) = array.as_any().downcast_ref::<ListArray>() {
        let cuts = list.value_offsets();
        let even = cuts.windows(2).all(|w| w[1].checked_sub(w[0]) == cuts[1].checked_sub(cuts[0]));
        let (from, to) = (cuts[0] as usize, cuts[cuts.len() - 1] as usize);
        if !even || from > to || to > list.values().len() {
            return Err("expected as many numbers in every row".to_owned());
        }
        return flatten(list.values().slice(from, to - from).as_ref(), out);
    }
    if let Some(flags) = array.as_any().downcast_ref::<BooleanArray>() {
        out.extend(flags.values().iter().map(|flag| if flag { 1.0 } else { 0.0 }));
        return Ok(());
    }
    if let Some(halves) = array.as_any().downcast_ref::<PrimitiveArray<Float16Type>>() {
        out.extend(halves.values().iter().map(|x| x.to_f64()));
        return Ok(());
    }
    macro_rules! widen {
        ($($kind:ty),*) => {
            $(if let Some(numbers) = array.as_any().downcast_ref::<PrimitiveArray<$kind>>() {
                out.extend(numbers.values().iter().map(|x| *x as f64));
                return Ok(());
            })*
        };
    }
    widen!(Float32Type, Float64Type, Int64Type, Int32Type, Int16Type, Int8Type);
    widen!(UInt64Type, UInt32Type, UInt16Type, UInt8Type);
    Err(format!("expected numbers, got {}", array.data_type()))
}
