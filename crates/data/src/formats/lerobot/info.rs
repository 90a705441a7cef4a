//! What `meta/info.json` says: version, clock, features, and where the files lie.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use worldsmith_core::{Error, Result, Space};

/// Where it stands in a data set.
pub(super) const INFO: &str = "meta/info.json";
/// How rows may be stored instead of as Parquet, in tables that are not read here.
const LANCE: &str = "lance";
/// Most numbers one row of a feature may hold, and most bytes of one picture: memory is set aside for that many.
pub(super) const MAX_NUMBERS: usize = 1 << 22;
const MAX_PICTURE_BYTES: usize = 1 << 28;
/// Longest text that the space of a text feature admits, in characters.
const MAX_TEXT: usize = 1 << 16;

/// How the files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// v2.0 and v2.1: a file an episode, metadata as JSON lines.
    V2,
    /// v3.0: many episodes a file, metadata as Parquet.
    V3,
}

/// The part of the file that reading needs.
#[derive(Debug)]
pub(super) struct Info {
    /// Layout of the files.
    pub version: Version,
    /// Rows a second; positive and finite.
    pub fps: f64,
    /// What moved, where that is said.
    pub robot: Option<String>,
    /// Episodes and rows there should be, where that is said.
    pub total_episodes: Option<usize>,
    pub total_frames: Option<usize>,
    /// Files a folder; at least 1.
    pub chunks_size: usize,
    /// Template of the paths of the tables.
    pub data_path: String,
    /// Template of the paths of the videos, if there are any.
    pub video_path: Option<String>,
    /// Every column by name.
    pub features: BTreeMap<String, Feature>,
}

/// What a feature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pictures as PNG or JPEG inside the table.
    Picture,
    /// Pictures as frames of a video.
    Video,
    /// Text.
    Text,
    /// Whole numbers or flags.
    Whole,
    /// Real numbers.
    Real,
}

/// One column.
#[derive(Debug, Deserialize)]
pub(super) struct Feature {
    dtype: String,
    /// Extent of a row; `[1]` is a plain number.
    pub shape: Vec<usize>,
    #[serde(default)]
    names: serde_json::Value,
}

#[derive(Deserialize)]
struct Raw {
    codebase_version: String,
    #[serde(default)]
    storage_format: Option<String>,
    fps: f64,
    #[serde(default)]
    robot_type: serde_json::Value,
    #[serde(default)]
    total_episodes: Option<usize>,
    #[serde(default)]
    total_frames: Option<usize>,
    #[serde(default)]
    chunks_size: Option<usize>,
    data_path: String,
    #[serde(default)]
    video_path: Option<String>,
    features: BTreeMap<String, Feature>,
}

impl Info {
    /// Reads it from the data set in `root`.
    ///
    /// # Errors
    /// If it is missing, damaged or of a version that is not read.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(INFO);
        let bytes = fs::read(&path).map_err(|err| Error::io("read file", &path, &err))?;
        let raw: Raw = serde_json::from_slice(&bytes).map_err(|err| {
            Error::corrupt(&path, format!("not the description of a LeRobot data set: {err}"))
        })?;
        if raw.storage_format.as_deref() == Some(LANCE) {
            let what = "expected a LeRobot data set of Parquet and MP4 files, got one of Lance tables";
            return Err(Error::corrupt(&path, what)
                .hint("take the one of Parquet and MP4 files that it was made from"));
        }
        let version = match raw.codebase_version.as_str() {
            "v2.0" | "v2.1" => Version::V2,
            "v3.0" => Version::V3,
            other => {
                return Err(Error::corrupt(
                    &path,
                    format!("expected a LeRobot data set of version v2.0, v2.1 or v3.0, got `{other}`"),
                )
                .hint("bring it to v3.0 with LeRobot's own converter"));
            }
        };
        if !(raw.fps.is_finite() && raw.fps > 0.0) {
            return Err(Error::corrupt(&path, format!("expected `fps` above 0, got {}", raw.fps)));
        }
        let chunks_size = raw.chunks_size.unwrap_or(1000);
        if chunks_size == 0 {
            return Err(Error::corrupt(&path, "expected `chunks_size` above 0, got 0"));
        }
        Ok(Self {
            version,
            fps: raw.fps,
            robot: raw.robot_type.as_str().map(str::to_owned),
            total_episodes: raw.total_episodes,
            total_frames: raw.total_frames,
            chunks_size,
            data_path: raw.data_path,
            video_path: raw.video_path,
            features: raw.features,
        })
    }
}

impl Feature {
    /// What it holds, if that can be read.
    pub fn kind(&self) -> Option<Kind> {
        Some(match self.dtype.as_str() {
            "image" => Kind::Picture,
            "video" => Kind::Video,
            "string" => Kind::Text,
            "bool" => Kind::Whole,
            dtype if dtype.starts_with("int") || dtype.starts_with("uint") => Kind::Whole,
            dtype if dtype.starts_with("float") => Kind::Real,
            _ => return None,
        })
    }

    /// Numbers a row, if there are few enough to believe it.
    pub fn len(&self) -> Option<usize> {
        let n = self.shape.iter().try_fold(1_usize, |n, extent| n.checked_mul(*extent))?;
        (1..=MAX_NUMBERS).contains(&n).then_some(n)
    }

    /// The space its values lie in, numbers without bounds.
    ///
    /// # Errors
    /// What is wrong with it, without its name.
    pub fn space(&self) -> std::result::Result<Space, String> {
        match self.kind() {
            Some(Kind::Picture | Kind::Video) => {
                let [height, width, channels] = self.picture_shape()?;
                Ok(Space::Image { height, width, channels })
            }
            Some(Kind::Text) => Ok(Space::Text { max_len: MAX_TEXT }),
            Some(Kind::Whole | Kind::Real) => {
                let shape = &self.shape;
                let n = self.len().ok_or_else(|| {
                    format!("expected a shape of 1 to {MAX_NUMBERS} numbers, got {shape:?}")
                })?;
                let (low, high) = (vec![f32::NEG_INFINITY; n], vec![f32::INFINITY; n]);
                Ok(Space::Box { shape: shape.clone(), low, high })
            }
            None => Err(format!("expected pictures, numbers or text, got `{}`", self.dtype)),
        }
    }

    /// Height, width and channels (1 or 3), whichever way round they are written down. The opacity of pictures of four
    /// channels is left out.
    fn picture_shape(&self) -> std::result::Result<[usize; 3], String> {
        let wrong = || format!("expected the shape of a picture, got {:?}", self.shape);
        let [a, b, c] = self.shape[..] else { return Err(wrong()) };
        let named_first =
            self.names.get(0).and_then(|name| name.as_str()).is_some_and(|n| n.starts_with('c'));
        let (height, width, channels) = match named_first || (a <= 4 && c > 4) {
            true => (b, c, a),
            false => (a, b, c),
        };
        let channels = if channels == 4 { 3 } else { channels };
        let n_bytes = height.checked_mul(width).and_then(|n| n.checked_mul(channels));
        let fits = n_bytes.is_some_and(|n| (1..=MAX_PICTURE_BYTES).contains(&n));
        if fits && (channels == 1 || channels == 3) { Ok([height, width, channels]) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(json: &str) -> Feature {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn pictures_are_understood_with_channels_first_or_last() {
        let last = feature(r#"{"dtype":"video","shape":[4,6,3],"names":["height","width","channel"]}"#);
        let first = feature(r#"{"dtype":"image","shape":[3,4,6],"names":["channels","height","width"]}"#);
        let bare = feature(r#"{"dtype":"image","shape":[1,40,60],"names":null}"#);
        assert_eq!(last.picture_shape(), Ok([4, 6, 3]));
        assert_eq!(first.picture_shape(), Ok([4, 6, 3]));
        assert_eq!(bare.picture_shape(), Ok([40, 60, 1]));
        assert!(feature(r#"{"dtype":"image","shape":[4,6,2]}"#).picture_shape().is_err());
    }

    #[test]
    fn shapes_that_nothing_could_hold_are_refused() {
        for shape in ["[4294967296,4294967296]", "[0]", "[1000000000]"] {
            let numbers = feature(&format!(r#"{{"dtype":"float32","shape":{shape}}}"#));
            assert!(numbers.space().is_err(), "{shape}");
        }
        assert!(feature(r#"{"dtype":"image","shape":[100000,100000,3]}"#).space().is_err());
    }
}
