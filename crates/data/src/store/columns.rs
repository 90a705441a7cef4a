//! One episode as the rows of one Arrow record batch, and back.
//!
//! An episode of `T` actions has `T + 1` rows. Row `t` holds what was seen, what was done about it and what that was
//! answered with:
//!
//! | column | type | row `t` |
//! |---|---|---|
//! | `obs`, or `obs/<keys>` below a dict | see below | the observation |
//! | `action`, or `action/<keys>` | see below | the action taken upon it; null in the last row |
//! | `reward` | f32 | the reward that answered the action; null in the last row |
//! | `kind` | u8 | 0 first, 1 mid, 2 terminated, 3 truncated: what kind of step the observation is |
//!
//! Pictures are lists of `height * width * channels` bytes, or PNG files, or all in one mp4 file in the first row
//! (`film.rs`); numbers are lists of f32; choices are i64 or lists of i64; texts are UTF-8. The shape of a list, or of a
//! video's frames, stands in its field's metadata under `shape`.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Int64Type, UInt8Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, PrimitiveArray, RecordBatch,
    StringArray, UInt8Array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use worldsmith_core::{Episode, EpisodeMeta, Image, Result, Space, StepKind, Value};

use super::{Keeping, Pictures, film};
use crate::export;
use crate::leaf::{Leaf, leaves};
use crate::picture;

pub(super) const REWARD: &str = "reward";
const KIND: &str = "kind";

/// What went wrong in a batch; the caller knows in which file.
pub(super) type Reading<T> = std::result::Result<T, String>;

/// A picture leaf of an episode: its name, the shape of a picture, and the bytes that keep all of them.
type Kept<'a> = (&'a str, [usize; 3], &'a [u8]);

/// How episodes of two spaces are laid out as columns.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub schema: SchemaRef,
    pub obs: Vec<Leaf>,
    pub action: Vec<Leaf>,
    pub keeping: Keeping,
}

impl Layout {
    /// # Errors
    /// If two leaves of a space have one name.
    pub fn new(obs: &Space, action: &Space, keeping: Keeping) -> Result<Self> {
        let (obs, action) = (leaves(obs, "obs", "obs/")?, leaves(action, "action", "action/")?);
        let seen = obs.iter().map(|leaf| field(leaf, false, keeping.pictures));
        let done = action.iter().map(|leaf| field(leaf, true, keeping.pictures));
        let own = [Field::new(REWARD, DataType::Float32, true), Field::new(KIND, DataType::UInt8, false)];
        let schema = Arc::new(Schema::new(seen.chain(done).chain(own).collect::<Vec<_>>()));
        Ok(Self { schema, obs, action, keeping })
    }

    /// Checks that all pictures can be kept as is asked for.
    ///
    /// # Errors
    /// If they are to be a video and there is none of their size.
    pub fn check_pictures(&self) -> Result<()> {
        let Some(codec) = self.keeping.pictures.codec() else { return Ok(()) };
        self.obs.iter().chain(&self.action).try_for_each(|leaf| film::check(leaf, codec))
    }

    /// The rows of an episode that was checked against both spaces.
    pub fn encode(&self, episode: &Episode) -> std::result::Result<RecordBatch, ArrowError> {
        let n = episode.len();
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for leaf in &self.obs {
            let values = episode.obs.iter().map(|value| leaf.find(value)).collect();
            columns.push(column(leaf, values, self.keeping)?);
        }
        for leaf in &self.action {
            let values = episode.actions.iter().map(|value| leaf.find(value)).chain([None]).collect();
            columns.push(column(leaf, values, self.keeping)?);
        }
        let rewards = episode.rewards.iter().copied().map(Some).chain([None]);
        columns.push(Arc::new(rewards.collect::<Float32Array>()));
        columns.push(Arc::new((0..=n).map(|t| Some(episode.kind(t) as u8)).collect::<UInt8Array>()));
        RecordBatch::try_new(self.schema.clone(), columns)
    }

    /// The `steps` of the episode in `rows`, which have this layout; no other pictures are decoded. `end` is how they end.
    pub fn decode(
        &self,
        rows: &RecordBatch,
        steps: Range<usize>,
        end: StepKind,
        meta: EpisodeMeta,
    ) -> Reading<Episode> {
        let codec = self.keeping.pictures.codec();
        self.decode_with(rows, steps, (end, meta), |leaf, column, (n, wanted)| match &leaf.space {
            Space::Image { height, width, channels } if codec.is_some() && !wanted.is_empty() => {
                let film = film::cell(column)?.to_vec();
                let pictures = film::decode(film, [*height, *width, *channels], n, wanted);
                let pictures = pictures.map_err(|why| format!("column `{}`: {why}", leaf.name))?;
                Ok(pictures.into_iter().map(Value::Image).collect())
            }
            _ => wanted.map(|t| value(leaf, column, t)).collect(),
        })
    }

    /// The whole episode, but pictures have no bytes.
    pub fn decode_without_pictures(
        &self,
        rows: &RecordBatch,
        end: StepKind,
        meta: EpisodeMeta,
    ) -> Reading<Episode> {
        let steps = 0..rows.num_rows().saturating_sub(1);
        self.decode_with(rows, steps, (end, meta), |leaf, column, (_, wanted)| match leaf.space {
            Space::Image { height, width, channels } => {
                let blank = Image { height, width, channels, data: Vec::new() };
                Ok(vec![Value::Image(blank); wanted.len()])
            }
            _ => wanted.map(|t| value(leaf, column, t)).collect(),
        })
    }

    /// The pictures of each picture leaf of the observations: one after the other, or as a video.
    pub fn pictures<'a>(&'a self, rows: &'a RecordBatch) -> Reading<Vec<Kept<'a>>> {
        let bytes = |(leaf, shape): (&'a Leaf, [usize; 3])| {
            let column = column_of(rows, &leaf.name)?;
            let bytes = match self.keeping.pictures.codec() {
                Some(_) => film::cell(column)?,
                None => lists::<UInt8Type>(column)?.0,
            };
            Ok((leaf.name.as_str(), shape, bytes))
        };
        let shape = |leaf: &'a Leaf| match leaf.space {
            Space::Image { height, width, channels } => Some((leaf, [height, width, channels])),
            _ => None,
        };
        self.obs.iter().filter_map(shape).map(bytes).collect()
    }

    /// `values` is told how many a leaf's column holds and which of them are wanted.
    fn decode_with(
        &self,
        rows: &RecordBatch,
        steps: Range<usize>,
        (end, meta): (StepKind, EpisodeMeta),
        values: impl Fn(&Leaf, &ArrayRef, (usize, Range<usize>)) -> Reading<Vec<Value>>,
    ) -> Reading<Episode> {
        let n = rows.num_rows().checked_sub(1).ok_or("expected at least one row, got none")?;
        let whole = |leaves: &[Leaf], n: usize, wanted: Range<usize>| {
            let mut whole = vec![empty(leaves); wanted.len()];
            for leaf in leaves {
                let parts = values(leaf, column_of(rows, &leaf.name)?, (n, wanted.clone()))?;
                whole.iter_mut().zip(parts).for_each(|(whole, part)| leaf.put(whole, part));
            }
            Reading::Ok(whole)
        };
        let obs = whole(&self.obs, n + 1, steps.start..steps.end + 1)?;
        let actions = whole(&self.action, n, steps.clone())?;
        let rewards = numbers::<Float32Type>(column_of(rows, REWARD)?)?.get(steps);
        let rewards = rewards.ok_or("expected a reward for each action, got fewer")?.to_vec();
        Ok(Episode { obs, actions, rewards, end, meta })
    }
}

fn column_of<'a>(rows: &'a RecordBatch, name: &str) -> Reading<&'a ArrayRef> {
    rows.column_by_name(name).ok_or_else(|| format!("expected a column `{name}`, got none"))
}

/// What the leaves are put into.
fn empty(leaves: &[Leaf]) -> Value {
    match leaves {
        [one] if one.is_root() => Value::Discrete(0),
        _ => Value::Dict(BTreeMap::new()),
    }
}

fn list_of(item: DataType, len: usize) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("item", item, false)), i32::try_from(len).unwrap_or(i32::MAX))
}

fn field(leaf: &Leaf, nullable: bool, pictures: Pictures) -> Field {
    let mut is_film = false;
    let (kind, shape) = match &leaf.space {
        Space::Discrete { .. } => (DataType::Int64, None),
        Space::MultiDiscrete { nvec } => (list_of(DataType::Int64, nvec.len()), None),
        Space::Box { shape, low, .. } => (list_of(DataType::Float32, low.len()), Some(shape.clone())),
        Space::Image { height, width, channels } => {
            let shape = vec![*height, *width, *channels];
            is_film = pictures.codec().is_some();
            match pictures {
                Pictures::Raw => (list_of(DataType::UInt8, height * width * channels), Some(shape)),
                Pictures::Png => (DataType::Binary, None),
                Pictures::H264 | Pictures::Av1 => (DataType::Binary, Some(shape)),
            }
        }
        Space::Text { .. } | Space::Dict(_) => (DataType::Utf8, None),
    };
    let shape = shape.map(|shape| ("shape".to_owned(), format!("{shape:?}")));
    let media_type = is_film.then(|| ("media_type".to_owned(), film::MEDIA_TYPE.to_owned()));
    let metadata = shape.into_iter().chain(media_type).collect::<HashMap<_, _>>();
    Field::new(&leaf.name, kind, nullable || is_film).with_metadata(metadata)
}

/// One leaf over all rows; a row without a value is null.
fn column(
    leaf: &Leaf,
    values: Vec<Option<&Value>>,
    keeping: Keeping,
) -> std::result::Result<ArrayRef, ArrowError> {
    let mismatch =
        || ArrowError::InvalidArgumentError(format!("`{}` does not fit {}", leaf.name, leaf.space));
    Ok(match &leaf.space {
        Space::Discrete { .. } => {
            let choice = |value: &Option<&Value>| value.and_then(Value::as_discrete);
            Arc::new(values.iter().map(choice).collect::<Int64Array>())
        }
        Space::MultiDiscrete { nvec } => {
            let choices = |value: &Value| match value {
                Value::MultiDiscrete(choices) => Some(choices.clone()),
                _ => None,
            };
            list::<Int64Type>(&values, nvec.len(), choices).ok_or_else(mismatch)?
        }
        Space::Box { low, .. } => {
            let data = |value: &Value| match value {
                Value::Array { data, .. } => Some(data.clone()),
                _ => None,
            };
            list::<Float32Type>(&values, low.len(), data).ok_or_else(mismatch)?
        }
        Space::Image { height, width, channels } => match (keeping.pictures, keeping.pictures.codec()) {
            (_, Some(codec)) => {
                let film = film::column(&values, codec, keeping.fps);
                Arc::new(film.map_err(|e| ArrowError::ExternalError(Box::new(e)))?)
            }
            (Pictures::Png, _) => {
                Arc::new(png_column(&values).map_err(|e| ArrowError::ExternalError(Box::new(e)))?)
            }
            _ => {
                let data = |value: &Value| value.image().map(|image| image.data.clone());
                list::<UInt8Type>(&values, height * width * channels, data).ok_or_else(mismatch)?
            }
        },
        Space::Text { .. } | Space::Dict(_) => {
            let text = |value: &Option<&Value>| match value {
                Some(Value::Text(text)) => Some(text.clone()),
                _ => None,
            };
            Arc::new(values.iter().map(text).collect::<StringArray>())
        }
    })
}

/// Lists of `width` numbers; `None` if a value is of another kind or length.
fn list<T: ArrowPrimitiveType>(
    values: &[Option<&Value>],
    width: usize,
    numbers: impl Fn(&Value) -> Option<Vec<T::Native>>,
) -> Option<ArrayRef> {
    let mut flat = Vec::with_capacity(values.len() * width);
    for value in values {
        match value {
            Some(value) => flat.extend(numbers(value).filter(|row| row.len() == width)?),
            None => flat.resize(flat.len() + width, T::Native::default()),
        }
    }
    let nulls = NullBuffer::from_iter(values.iter().map(Option::is_some));
    let nulls = Some(nulls).filter(|nulls| nulls.null_count() > 0);
    let item = Arc::new(Field::new("item", T::DATA_TYPE, false));
    let flat: ArrayRef = Arc::new(PrimitiveArray::<T>::new(flat.into(), None));
    let width = i32::try_from(width).ok()?;
    FixedSizeListArray::try_new_with_length(item, width, flat, nulls, values.len())
        .ok()
        .map(|list| Arc::new(list) as ArrayRef)
}

fn png_column(values: &[Option<&Value>]) -> Result<BinaryArray> {
    let encoded = values.iter().map(|value| value.and_then(Value::image).map(export::png_bytes).transpose());
    Ok(encoded.collect::<Result<Vec<_>>>()?.iter().map(Option::as_deref).collect())
}

/// Row `t` of a column as a value of its leaf.
fn value(leaf: &Leaf, column: &ArrayRef, t: usize) -> Reading<Value> {
    let wrong = || format!("column `{}`: expected {}, got {}", leaf.name, leaf.space, column.data_type());
    if column.is_null(t) {
        return Err(format!("column `{}`: expected a value in row {t}, got null", leaf.name));
    }
    Ok(match &leaf.space {
        Space::Discrete { .. } => Value::Discrete(numbers::<Int64Type>(column)?[t]),
        Space::MultiDiscrete { .. } => Value::MultiDiscrete(row::<Int64Type>(column, t)?.to_vec()),
        Space::Box { shape, .. } => {
            Value::Array { shape: shape.clone(), data: row::<Float32Type>(column, t)?.to_vec() }
        }
        Space::Image { height, width, channels } => {
            let image = match column.data_type() {
                DataType::Binary => {
                    picture::decode(column.as_binary::<i32>().value(t)).map_err(|e| e.to_string())?
                }
                _ => {
                    let data = row::<UInt8Type>(column, t)?.to_vec();
                    Image { height: *height, width: *width, channels: *channels, data }
                }
            };
            leaf.space.check(&Value::Image(image.clone())).map_err(|_| wrong())?;
            Value::Image(image)
        }
        Space::Text { .. } | Space::Dict(_) => {
            Value::Text(column.as_string_opt::<i32>().ok_or_else(wrong)?.value(t).to_owned())
        }
    })
}

/// The numbers of a column of numbers.
pub(super) fn numbers<T: ArrowPrimitiveType>(column: &ArrayRef) -> Reading<&[T::Native]> {
    let array = column.as_primitive_opt::<T>();
    array
        .map(|a| &a.values()[..])
        .ok_or_else(|| format!("expected a column of {}, got {}", T::DATA_TYPE, column.data_type()))
}

/// All numbers of a column of lists, one list after the other, and the length of each.
pub(super) fn lists<T: ArrowPrimitiveType>(column: &ArrayRef) -> Reading<(&[T::Native], usize)> {
    let wrong = || format!("expected lists of {}, got {}", T::DATA_TYPE, column.data_type());
    let list = column.as_fixed_size_list_opt().ok_or_else(wrong)?;
    Ok((numbers::<T>(list.values())?, usize::try_from(list.value_length()).map_err(|_| wrong())?))
}

fn row<T: ArrowPrimitiveType>(column: &ArrayRef, t: usize) -> Reading<&[T::Native]> {
    let (flat, width) = lists::<T>(column)?;
    flat.get(t * width..(t + 1) * width).ok_or_else(|| format!("expected a list in row {t}, got none"))
}
