//! Values as columns of a table, and what LeRobot and `datasets` call them.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array,
    ListArray, StringArray, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields};
use serde_json::{Value as Json, json};
use worldsmith_core::{Error, Result, Space, Value};

use super::info::MAX_NUMBERS;
use crate::export::png_bytes;

/// Axes that `datasets` has types for.
const MAX_AXES: usize = 5;

/// What the numbers of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    /// Flags.
    Bool,
    /// 64-bit whole numbers.
    Int,
    /// 32-bit real numbers.
    Float,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Numbers of a shape of one or more axes; `[1]` is a plain number.
    Numbers(Scalar, Vec<usize>),
    /// Pictures inside the table.
    Picture([usize; 3]),
    /// Frames of a video.
    Frame([usize; 3]),
    /// Text.
    Text,
}

impl Cell {
    /// How the values of a leaf are written.
    ///
    /// # Errors
    /// If the format has no place for them.
    pub fn of(space: &Space, as_video: bool) -> Result<Self> {
        Ok(match space {
            Space::Discrete { .. } => Cell::Numbers(Scalar::Int, vec![1]),
            Space::MultiDiscrete { nvec } if !nvec.is_empty() => Cell::Numbers(Scalar::Int, vec![nvec.len()]),
            Space::Box { shape, low, .. }
                if (1..=MAX_NUMBERS).contains(&low.len()) && shape.len() <= MAX_AXES =>
            {
                Cell::Numbers(Scalar::Float, if shape.is_empty() { vec![1] } else { shape.clone() })
            }
            Space::Image { height, width, channels } if as_video => Cell::Frame([*height, *width, *channels]),
            Space::Image { height, width, channels } => Cell::Picture([*height, *width, *channels]),
            Space::Text { .. } => Cell::Text,
            other => {
                return Err(Error::invalid(format!(
                    "expected pictures, text, or 1 or more numbers on at most {MAX_AXES} axes, got {other}"
                )));
            }
        })
    }

    /// The feature as `info.json` describes it.
    pub fn feature(&self) -> Json {
        let picture = |dtype: &str, shape: &[usize; 3]| json!({"dtype": dtype, "shape": shape, "names": ["height", "width", "channels"]});
        match self {
            Cell::Numbers(scalar, shape) => json!({"dtype": scalar.name(), "shape": shape, "names": null}),
            Cell::Picture(shape) => picture("image", shape),
            Cell::Frame(shape) => picture("video", shape),
            Cell::Text => json!({"dtype": "string", "shape": [1], "names": null}),
        }
    }

    /// The feature as `datasets` describes it in the metadata of the table.
    pub fn hugging_face(&self) -> Json {
        let value = |dtype: &str| json!({"dtype": dtype, "_type": "Value"});
        match self {
            Cell::Numbers(scalar, shape) => match shape[..] {
                [1] => value(scalar.name()),
                [n] => json!({"feature": value(scalar.name()), "length": n, "_type": "List"}),
                _ => {
                    let kind = format!("Array{}D", shape.len());
                    json!({"shape": shape, "dtype": scalar.name(), "_type": kind})
                }
            },
            Cell::Picture(_) | Cell::Frame(_) => json!({"_type": "Image"}),
            Cell::Text => value("string"),
        }
    }

    /// The column of `values`, one a row; row 0 is frame `first` of its episode.
    ///
    /// # Errors
    /// If a picture cannot be encoded.
    pub fn column(&self, values: &[&Value], first: usize) -> Result<ArrayRef> {
        match self {
            Cell::Numbers(scalar, shape) => {
                let mut numbers = Vec::new();
                values.iter().for_each(|value| flatten(value, &mut numbers));
                Ok(scalar.column(&numbers, shape))
            }
            Cell::Picture(_) | Cell::Frame(_) => pictures(values, first),
            Cell::Text => {
                let text = |value: &&Value| match value {
                    Value::Text(text) => text.clone(),
                    _ => String::new(),
                };
                Ok(Arc::new(StringArray::from_iter_values(values.iter().map(text))))
            }
        }
    }
}

impl Scalar {
    fn name(self) -> &'static str {
        match self {
            Scalar::Bool => "bool",
            Scalar::Int => "int64",
            Scalar::Float => "float32",
        }
    }

    /// A column of numbers, `shape` a row.
    pub fn column(self, numbers: &[f64], shape: &[usize]) -> ArrayRef {
        let flat: ArrayRef = match self {
            Scalar::Bool => Arc::new(BooleanArray::from_iter(numbers.iter().map(|x| Some(*x != 0.0)))),
            Scalar::Int => Arc::new(Int64Array::from_iter_values(numbers.iter().map(|x| *x as i64))),
            Scalar::Float => Arc::new(Float32Array::from_iter_values(numbers.iter().map(|x| *x as f32))),
        };
        match shape {
            [1] => flat,
            [n] => {
                let (field, size) = (element(flat.data_type()), i32::try_from(*n).unwrap_or(i32::MAX));
                Arc::new(FixedSizeListArray::new(field, size, flat, None))
            }
            _ => nested(flat, shape),
        }
    }

    /// A column of statistics: lists as deep as `shape`, in 64 bits.
    pub fn statistics(self, numbers: &[f64], shape: &[usize]) -> ArrayRef {
        let flat: ArrayRef = match self {
            Scalar::Float => Arc::new(Float64Array::from_iter_values(numbers.iter().copied())),
            other => other.column(numbers, &[1]),
        };
        nested(flat, shape)
    }
}

/// The numbers of a value, as LeRobot's 64-bit columns have them.
pub(super) fn flatten(value: &Value, out: &mut Vec<f64>) {
    match value {
        Value::Discrete(choice) => out.push(*choice as f64),
        Value::MultiDiscrete(choices) => out.extend(choices.iter().map(|choice| *choice as f64)),
        Value::Array { data, .. } => out.extend(data.iter().map(|x| f64::from(*x))),
        Value::Image(_) | Value::Text(_) | Value::Dict(_) => {}
    }
}

/// Lists in lists; `shape` holds their lengths, from the outside.
fn nested(flat: ArrayRef, shape: &[usize]) -> ArrayRef {
    shape.iter().rev().fold(flat, |inner, n| {
        let offsets = OffsetBuffer::from_repeated_length(*n, inner.len() / n);
        Arc::new(ListArray::new(element(inner.data_type()), offsets, inner, None))
    })
}

fn element(kind: &DataType) -> Arc<Field> {
    Arc::new(Field::new("element", kind.clone(), true))
}

fn pictures(values: &[&Value], first: usize) -> Result<ArrayRef> {
    let mut bytes = Vec::with_capacity(values.len());
    for image in values.iter().filter_map(|value| value.image()) {
        bytes.push(png_bytes(image)?);
    }
    let paths = (first..first + bytes.len()).map(|frame| format!("frame-{frame:06}.png"));
    let fields = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let columns: Vec<ArrayRef> =
        vec![Arc::new(BinaryArray::from_iter_values(&bytes)), Arc::new(StringArray::from_iter_values(paths))];
    Ok(Arc::new(StructArray::new(fields, columns, None)))
}
