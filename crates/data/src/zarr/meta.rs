//! What Zarr says of an array: `.zarray` and `zarr.json`.

use serde_json::Value as Json;
use worldsmith_core::{Error, ErrorKind, Result};

use super::codec::Codec;
use crate::dtype::Dtype;

/// Arrays have at most this many axes.
const MOST_AXES: usize = 8;
/// No chunk has more bytes than that, plain; Blosc could not even hold more than twice that.
const MOST_CHUNK: usize = 1 << 30;

/// What is known of an array before any chunk is read.
#[derive(Debug, Clone)]
pub(super) struct Meta {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub chunks: Vec<usize>,
    /// The bytes of an element that was never written.
    pub fill: Vec<u8>,
    /// In the order in which they were applied.
    pub codecs: Vec<Codec>,
    prefix: &'static str,
    separator: String,
}

impl Meta {
    /// From `.zarray`.
    ///
    /// # Errors
    /// If it is none, or of a kind that is not understood here.
    pub fn v2(json: &Json) -> Result<Self> {
        let Some(descr) = json["dtype"].as_str() else {
            return Err(broken("expected an array of one type, got one of records"));
        };
        let dtype = Dtype::numpy(descr).ok_or_else(|| unknown_type(descr))?;
        let shape = lengths(&json["shape"], "shape")?;
        if json["order"].as_str() == Some("F") && shape.len() > 1 {
            return Err(broken("expected an array row by row (`C`), got one column by column (`F`)"));
        }
        if json["filters"].as_array().is_some_and(|filters| !filters.is_empty()) {
            return Err(broken(format!("expected an array without filters, got {}", json["filters"])));
        }
        let codecs = match &json["compressor"] {
            Json::Null => Vec::new(),
            codec => vec![Codec::new(codec["id"].as_str().unwrap_or("without a name"))?],
        };
        let separator = json["dimension_separator"].as_str().unwrap_or(".").to_owned();
        let chunks = lengths(&json["chunks"], "chunks")?;
        let fill = fill(dtype, &json["fill_value"])?;
        Self { dtype, shape, chunks, fill, codecs, prefix: "", separator }.checked()
    }

    /// From `zarr.json`.
    ///
    /// # Errors
    /// As [`Meta::v2`].
    pub fn v3(json: &Json) -> Result<Self> {
        let named =
            |what: &Json| what["name"].as_str().or(what.as_str()).unwrap_or("without a name").to_owned();
        let (grid, keys) = (&json["chunk_grid"], &json["chunk_key_encoding"]);
        if named(grid) != "regular" {
            return Err(broken(format!("expected chunks of one size, got a grid `{}`", named(grid))));
        }
        let (prefix, default) = match named(keys).as_str() {
            "default" => ("c", "/"),
            "v2" => ("", "."),
            other => return Err(broken(format!("expected keys `default` or `v2`, got `{other}`"))),
        };
        let separator = keys["configuration"]["separator"].as_str().unwrap_or(default).to_owned();
        let (mut big_endian, mut codecs) = (false, Vec::new());
        for codec in json["codecs"].as_array().into_iter().flatten() {
            match named(codec).as_str() {
                "bytes" => big_endian = codec["configuration"]["endian"].as_str() == Some("big"),
                name => codecs.push(Codec::new(name)?),
            }
        }
        let data_type = named(&json["data_type"]);
        let dtype = Dtype::named(&data_type, big_endian).ok_or_else(|| unknown_type(&data_type))?;
        let shape = lengths(&json["shape"], "shape")?;
        let chunks = lengths(&grid["configuration"]["chunk_shape"], "chunk_shape")?;
        let fill = fill(dtype, &json["fill_value"])?;
        Self { dtype, shape, chunks, fill, codecs, prefix, separator }.checked()
    }

    fn checked(self) -> Result<Self> {
        let (shape, chunks) = (&self.shape, &self.chunks);
        if shape.len() != chunks.len() || shape.is_empty() || shape.len() > MOST_AXES || chunks.contains(&0) {
            return Err(broken(format!(
                "expected chunks for 1 to {MOST_AXES} axes, got {chunks:?} of {shape:?}"
            )));
        }
        // Of rows that hold nothing a file can name any number.
        if self.dtype.size() == 0 || shape[1..].contains(&0) {
            return Err(broken(format!("expected rows that hold something, got {shape:?}")));
        }
        // Anything longer could lead out of the folder.
        if !matches!(self.separator.as_str(), "." | "/") {
            return Err(broken(format!(
                "expected `.` or `/` between numbers of chunks, got `{}`",
                self.separator
            )));
        }
        if self.chunk_len().is_none_or(|len| len > MOST_CHUNK) {
            return Err(broken(format!("expected chunks of at most {MOST_CHUNK} bytes, got {chunks:?}")));
        }
        Ok(self)
    }

    /// Plain bytes of a chunk; `None` if there are too many to count.
    pub fn chunk_len(&self) -> Option<usize> {
        self.chunks.iter().try_fold(self.dtype.size(), |n, side| n.checked_mul(*side))
    }

    /// The file of the chunk at `at`, within the array.
    pub fn key(&self, at: &[usize]) -> String {
        let numbers: Vec<String> = (!self.prefix.is_empty())
            .then(|| self.prefix.to_owned())
            .into_iter()
            .chain(at.iter().map(usize::to_string))
            .collect();
        numbers.join(&self.separator)
    }
}

fn lengths(json: &Json, what: &str) -> Result<Vec<usize>> {
    let sides =
        json.as_array().map(|sides| sides.iter().map(|side| usize::try_from(side.as_u64()?).ok()).collect());
    let sides: Option<Vec<usize>> = sides.flatten();
    sides.ok_or_else(|| broken(format!("expected whole numbers as `{what}`, got {json}")))
}

/// The bytes of the fill value; none was said to be zero.
fn fill(dtype: Dtype, json: &Json) -> Result<Vec<u8>> {
    let odd = || broken(format!("expected a number as fill value, got {json}"));
    Ok(match json {
        Json::Null => vec![0; dtype.size()],
        Json::Bool(flag) => dtype.element_int(i64::from(*flag)),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => dtype.element_int(int),
            (_, Some(int)) => dtype.element_int(int.cast_signed()),
            _ => dtype.element_float(number.as_f64().unwrap_or(0.0)),
        },
        Json::String(word) => match word.as_str() {
            "NaN" => dtype.element_float(f64::NAN),
            "Infinity" => dtype.element_float(f64::INFINITY),
            "-Infinity" => dtype.element_float(f64::NEG_INFINITY),
            "" => vec![0; dtype.size()],
            _ => return Err(odd()),
        },
        _ => return Err(odd()),
    })
}

fn unknown_type(name: &str) -> Error {
    broken(format!("expected numbers or flags, got elements of `{name}`"))
}

fn broken(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, why)
}
