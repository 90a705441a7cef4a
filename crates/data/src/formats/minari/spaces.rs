//! Minari's spaces, written as JSON, and ours.
//!
//! | Minari | here |
//! |---|---|
//! | `Discrete(n, start)` | `Discrete`, from 0 on |
//! | `MultiDiscrete`, `MultiBinary` | `MultiDiscrete`, flat, from 0 on |
//! | `Box` of bytes, H x W or H x W x 1 or 3, sides of at least 16, from 0 to 255 | `Image` |
//! | any other `Box` | `Box` of `f32` |
//! | `Text` | `Text` |
//! | `Dict` | `Dict` |
//! | `Tuple` | `Dict` with the names `0`, `1`, ... |

use std::collections::BTreeMap;

use serde_json::Value as Json;
use worldsmith_core::{Error, Result, Space};

use super::super::column::{Cells, Column, Kind, Schema};

/// A bound that is given once for all numbers is only spread over that many.
const MOST_SPREAD: usize = 1 << 20;
/// Characters that texts are said to be made of; Minari does not hold them to it.
const CHARACTERS: &str =
    " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// One step of the way to a leaf in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Name(String),
    Index(usize),
}

/// A leaf of a space as the file holds it.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub keys: Vec<Key>,
    /// Whether it is a picture, which the file may hold as a JPEG.
    pub is_picture: bool,
    /// What the first choice of each number is called in the file.
    starts: Vec<i64>,
}

impl Part {
    /// Takes choices down to where ours start.
    pub fn start_at_zero(&self, mut column: Column) -> Column {
        if let Cells::Ints(cells) = &mut column.cells
            && self.starts.len() == column.width
        {
            for row in cells.chunks_exact_mut(column.width.max(1)) {
                row.iter_mut().zip(&self.starts).for_each(|(cell, start)| *cell = cell.wrapping_sub(*start));
            }
        }
        column
    }

    /// Whether choices start elsewhere in the file.
    pub fn is_moved(&self) -> bool {
        self.starts.iter().any(|start| *start != 0)
    }
}

/// A space and where its leaves are, by their names as [`leaves`](crate::leaf::leaves) gives them.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub space: Space,
    pub parts: BTreeMap<String, Part>,
}

impl Known {
    /// Parses a space from JSON. A space that is a leaf is called `root`.
    ///
    /// # Errors
    /// If it is no space that is known here.
    pub fn parse(json: &str, root: &str) -> Result<Self> {
        let json: Json = serde_json::from_str(&quoted(json))
            .map_err(|err| Error::invalid(format!("expected a space as JSON: {err}")))?;
        Self::of(&json, root)
    }

    fn of(json: &Json, root: &str) -> Result<Self> {
        let mut parts = BTreeMap::new();
        let space = walk(json, &mut Vec::new(), &mut Vec::new(), &mut parts)?;
        if let Some(part) = parts.remove("") {
            parts.insert(root.to_owned(), part);
        }
        Ok(Self { space, parts })
    }

    /// A space of ours and where its leaves go in a file.
    pub fn ours(space: &Space, root: &str) -> Result<Self> {
        let known = Self::parse(&to_json(space), root)?;
        Ok(Self { space: space.clone(), ..known })
    }
}

fn walk(
    json: &Json,
    keys: &mut Vec<Key>,
    names: &mut Vec<String>,
    parts: &mut BTreeMap<String, Part>,
) -> Result<Space> {
    let kind = json["type"].as_str().unwrap_or("nothing");
    let mut children: Vec<(Key, String, &Json)> = Vec::new();
    match (kind, &json["subspaces"]) {
        ("Dict", Json::Object(subspaces)) => {
            children
                .extend(subspaces.iter().map(|(name, part)| (Key::Name(name.clone()), name.clone(), part)));
        }
        ("Tuple", Json::Array(subspaces)) => {
            children
                .extend(subspaces.iter().enumerate().map(|(i, part)| (Key::Index(i), i.to_string(), part)));
        }
        _ => {
            let (space, starts) = leaf(kind, json)?;
            let is_picture = matches!(space, Space::Image { .. });
            parts.insert(names.join("/"), Part { keys: keys.clone(), is_picture, starts });
            return Ok(space);
        }
    }
    if children.is_empty() {
        return Err(Error::invalid(format!("expected a space `{kind}` with at least one part")));
    }
    let mut spaces = BTreeMap::new();
    for (key, name, part) in children {
        keys.push(key);
        names.push(name.clone());
        spaces.insert(name, walk(part, keys, names, parts)?);
        keys.pop();
        names.pop();
    }
    Ok(Space::Dict(spaces))
}

fn leaf(kind: &str, json: &Json) -> Result<(Space, Vec<i64>)> {
    let bad =
        |what: &str| Error::invalid(format!("expected a space `{kind}` with {what}, got {}", short(json)));
    let count = |n: &Json| n.as_u64().and_then(|n| usize::try_from(n).ok());
    match kind {
        "Discrete" => {
            let n = count(&json["n"]).ok_or_else(|| bad("a number of choices"))?;
            Ok((Space::Discrete { n }, vec![json["start"].as_i64().unwrap_or(0)]))
        }
        "MultiDiscrete" => {
            let nvec = flat(&json["nvec"]).iter().map(|n| count(n)).collect::<Option<Vec<_>>>();
            let nvec = nvec.filter(|nvec| !nvec.is_empty()).ok_or_else(|| bad("numbers of choices"))?;
            let starts = flat(&json["start"]).iter().map(|start| start.as_i64().unwrap_or(0)).collect();
            Ok((Space::MultiDiscrete { nvec }, starts))
        }
        "MultiBinary" => {
            let shape = flat(&json["n"]).iter().map(|n| count(n)).collect::<Option<Vec<_>>>();
            let n = shape.and_then(|shape| shape.iter().try_fold(1usize, |n, extent| n.checked_mul(*extent)));
            let n = n.filter(|n| *n <= MOST_SPREAD).ok_or_else(|| bad("a number of bits"))?;
            Ok((Space::MultiDiscrete { nvec: vec![2; n] }, Vec::new()))
        }
        "Text" => {
            let max_len = count(&json["max_length"]).ok_or_else(|| bad("a longest length"))?;
            Ok((Space::Text { max_len }, Vec::new()))
        }
        "Box" => Ok((numbers(json).ok_or_else(|| bad("a shape and bounds"))?, Vec::new())),
        _ => Err(Error::invalid(format!("expected a space of a known type, got `{kind}`"))
            .hint("known are Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text and Tuple")),
    }
}

fn numbers(json: &Json) -> Option<Space> {
    let shape = json["shape"].as_array()?.iter().map(|n| usize::try_from(n.as_u64()?).ok());
    let shape = shape.collect::<Option<Vec<_>>>()?;
    let n = shape.iter().try_fold(1usize, |n, extent| n.checked_mul(*extent))?;
    let bounds = |json: &Json| -> Option<Vec<f32>> {
        let bounds = flat(json).into_iter().map(number).collect::<Option<Vec<f32>>>()?;
        match bounds[..] {
            [bound] if n != 1 && n <= MOST_SPREAD => Some(vec![bound; n]),
            _ => Some(bounds).filter(|bounds| bounds.len() == n),
        }
    };
    let (low, high) = (bounds(&json["low"])?, bounds(&json["high"])?);
    let is_whole = low.iter().all(|x| *x == 0.0) && high.iter().all(|x| *x == 255.0);
    if json["dtype"] == "uint8" && is_whole {
        let space = Schema { kind: Kind::Bytes, shape: shape.clone() }.space();
        if matches!(space, Space::Image { .. }) {
            return Some(space);
        }
    }
    Some(Space::Box { shape, low, high })
}

/// The numbers of a nested list, row-major; a number alone is a list of one.
fn flat(json: &Json) -> Vec<&Json> {
    match json {
        Json::Array(items) => items.iter().flat_map(flat).collect(),
        Json::Null => Vec::new(),
        other => vec![other],
    }
}

fn number(json: &Json) -> Option<f32> {
    match json {
        Json::String(text) => match text.as_str() {
            "Infinity" => Some(f32::INFINITY),
            "-Infinity" => Some(f32::NEG_INFINITY),
            _ => None,
        },
        other => other.as_f64().map(|x| x as f32),
    }
}

/// Python writes infinities as bare words, which JSON does not know: in quotes they are texts.
pub(super) fn quoted(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    let mut in_text = false;
    while let Some(first) = rest.chars().next() {
        let word =
            ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !in_text && rest.starts_with(word));
        let len = match (word, first) {
            (Some(word), _) => {
                out.extend(["\"", word, "\""]);
                rest = &rest[word.len()..];
                continue;
            }
            // What a backslash keeps from its meaning goes along with it.
            (None, '\\') => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (None, first) => first.len_utf8(),
        };
        in_text ^= first == '"';
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

/// The start of what a file says, for messages.
fn short(json: &Json) -> String {
    json.to_string().chars().take(60).collect()
}

/// `space` as Minari writes it.
pub(super) fn to_json(space: &Space) -> String {
    match space {
        Space::Discrete { n } => format!(r#"{{"type": "Discrete", "dtype": "int64", "start": 0, "n": {n}}}"#),
        Space::MultiDiscrete { nvec } => {
            let starts = vec![0; nvec.len()];
            format!(r#"{{"type": "MultiDiscrete", "dtype": "int64", "nvec": {nvec:?}, "start": {starts:?}}}"#)
        }
        Space::Box { shape, low, high } => {
            let (low, high) = (nested(shape, low), nested(shape, high));
            format!(
                r#"{{"type": "Box", "dtype": "float32", "shape": {shape:?}, "low": {low}, "high": {high}}}"#
            )
        }
        Space::Image { height, width, channels } => {
            let shape = [*height, *width, *channels];
            let n = shape.iter().product();
            let (low, high) = (nested(&shape, &vec![0.0; n]), nested(&shape, &vec![255.0; n]));
            format!(
                r#"{{"type": "Box", "dtype": "uint8", "shape": {shape:?}, "low": {low}, "high": {high}}}"#
            )
        }
        Space::Text { max_len } => {
            format!(
                r#"{{"type": "Text", "max_length": {max_len}, "min_length": 0, "charset": "{CHARACTERS}"}}"#
            )
        }
        Space::Dict(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|(name, part)| format!("{}: {}", Json::from(name.as_str()), to_json(part)))
                .collect();
            format!(r#"{{"type": "Dict", "subspaces": {{{}}}}}"#, parts.join(", "))
        }
    }
}

/// `numbers` as lists in lists.
fn nested(shape: &[usize], numbers: &[f32]) -> String {
    let Some((n, inner)) = shape.split_first() else {
        return match numbers.first() {
            Some(x) if x.is_finite() => f64::from(*x).to_string(),
            Some(x) if *x > 0.0 => "Infinity".to_owned(),
            _ => "-Infinity".to_owned(),
        };
    };
    let each = inner.iter().product::<usize>();
    let items: Vec<String> = (0..*n).map(|i| nested(inner, &numbers[i * each..(i + 1) * each])).collect();
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_come_back_from_their_own_json() {
        let space = Space::Dict(BTreeMap::from([
            ("a \"b\"".to_owned(), Space::Discrete { n: 4 }),
            ("many".to_owned(), Space::MultiDiscrete { nvec: vec![2, 5] }),
            ("one".to_owned(), Space::Box { shape: vec![], low: vec![-0.1], high: vec![f32::INFINITY] }),
            ("view".to_owned(), Space::Image { height: 16, width: 17, channels: 1 }),
            ("words".to_owned(), Space::Text { max_len: 9 }),
        ]));
        assert_eq!(Known::parse(&to_json(&space), "obs").unwrap().space, space);
    }

    #[test]
    fn bare_infinities_are_quoted_outside_of_texts_only() {
        assert_eq!(quoted(r#"[-Infinity, NaN, "a\"Infinity"]"#), r#"["-Infinity", "NaN", "a\"Infinity"]"#);
    }

    #[test]
    fn choices_that_start_elsewhere_are_taken_down_to_zero() {
        let known =
            Known::parse(r#"{"type": "Discrete", "dtype": "int64", "start": -2, "n": 3}"#, "action").unwrap();
        let column = Column { width: 1, cells: Cells::Ints(vec![-2, 0]) };
        assert_eq!(known.space, Space::Discrete { n: 3 });
        assert!(known.parts["action"].is_moved());
        assert_eq!(known.parts["action"].start_at_zero(column).cells, Cells::Ints(vec![0, 2]));
    }

    #[test]
    fn spaces_that_lie_about_their_size_are_refused() {
        for json in [
            r#"{"type": "Box", "dtype": "float32", "shape": [99999999999, 99999999999], "low": 0, "high": 1}"#,
            r#"{"type": "Box", "dtype": "float32", "shape": [9999999999], "low": 0, "high": 1}"#,
            r#"{"type": "Box", "dtype": "float32", "shape": [2], "low": [0], "high": [1, 1, 1]}"#,
            r#"{"type": "MultiBinary", "n": [99999, 99999]}"#,
            r#"{"type": "Graph"}"#,
            r#"{"type": "Dict", "subspaces": {}}"#,
            r#"{"type": "Discrete", "n": -1}"#,
        ] {
            assert!(Known::parse(json, "obs").is_err(), "{json}");
        }
    }
}
