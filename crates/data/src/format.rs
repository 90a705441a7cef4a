//! One episode as the bytes of one safetensors file.
//!
//! Every leaf of the observations is a tensor of `T + 1` rows called `obs`, or `obs/<keys>` below a dict; every leaf of
//! the actions one of `T` rows called `action`; then there is `reward`, f32 `[T]`. Pictures are u8 `[rows, height,
//! width, channels]`, numbers f32 `[rows, shape..]`, choices i64 `[rows]` or `[rows, choices]`. Texts are one run of
//! UTF-8 bytes, cut by an i64 tensor `<name>/offsets` of `rows + 1` entries. Everything else stands as JSON in the
//! header's metadata, under [`KEY`].

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use safetensors::tensor::{Metadata, TensorView, serialize};
use safetensors::{Dtype, View};
use serde::{Deserialize, Serialize};
use worldsmith_core::{Episode, EpisodeMeta, Error, Image, Result, Space, StepKind, Value};

use crate::leaf::{Leaf, fits, leaves};

/// The version this program writes.
pub(crate) const VERSION: u32 = 1;
/// Where in the metadata the [`Header`] stands.
const KEY: &str = "worldsmith";
const REWARD: &str = "reward";

/// What went wrong in a file; the caller knows which.
type Reading<T> = std::result::Result<T, String>;

/// What a file says beside its tensors.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    version: u32,
    /// Checksum of this header (with 0 in this place) and of the name, type, shape and bytes of every tensor.
    crc32: u32,
    end: StepKind,
    meta: EpisodeMeta,
    /// Space of the observations.
    pub obs: Space,
    /// Space of the actions.
    pub action: Space,
}

/// One tensor to be written.
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// The bytes of an episode that was checked against both spaces.
pub(crate) fn encode(episode: &Episode, obs: &Space, action: &Space) -> Result<Vec<u8>> {
    let mut tensors = BTreeMap::new();
    for leaf in leaves(obs, "obs", "obs/")? {
        write_leaf(&leaf, &episode.obs, &mut tensors)?;
    }
    for leaf in leaves(action, "action", "action/")? {
        write_leaf(&leaf, &episode.actions, &mut tensors)?;
    }
    let reward = Tensor { dtype: Dtype::F32, shape: vec![episode.len()], bytes: le_bytes(&episode.rewards) };
    tensors.insert(REWARD.to_owned(), reward);

    let unwritable = |err: &dyn std::fmt::Display| Error::invalid(format!("cannot write episode: {err}"));
    let views = tensors.iter().map(|(name, t)| {
        let view = TensorView::new(t.dtype, t.shape.clone(), &t.bytes).map_err(|err| unwritable(&err))?;
        Ok((name.as_str(), view))
    });
    let views: BTreeMap<&str, TensorView> = views.collect::<Result<_>>()?;
    let mut header = Header {
        version: VERSION,
        crc32: 0,
        end: episode.end,
        meta: episode.meta.clone(),
        obs: obs.clone(),
        action: action.clone(),
    };
    header.crc32 = header.checksum(&views).map_err(|err| unwritable(&err))?;
    let json = serde_json::to_string(&header).map_err(|err| unwritable(&err))?;
    serialize(views, Some(HashMap::from([(KEY.to_owned(), json)]))).map_err(|err| unwritable(&err))
}

/// The episode in `bytes` and the header it came with, all of it verified.
pub(crate) fn decode(bytes: &[u8]) -> Reading<(Episode, Header)> {
    let (layout, start) = read_layout(bytes, bytes.len() as u64)?;
    let payload = bytes.get(start..).unwrap_or_default();
    let views = layout.tensors().into_iter().map(|(name, info)| {
        let (from, to) = info.data_offsets;
        let bytes = payload.get(from..to).ok_or_else(|| format!("tensor `{name}` lies outside the file"))?;
        let view = TensorView::new(info.dtype, info.shape.clone(), bytes);
        Ok((name, view.map_err(|err| err.to_string())?))
    });
    let views: BTreeMap<String, TensorView> = views.collect::<Reading<_>>()?;
    let mut header = read_header(&layout)?;
    let stored = std::mem::take(&mut header.crc32);
    if header.checksum(&views)? != stored {
        return Err("checksum does not match: the file was damaged".to_owned());
    }
    let rewards = numbers(&views, REWARD)?;
    let n = rewards.len();
    let episode = Episode {
        obs: read_values(&views, &header.obs, "obs", n + 1)?,
        actions: read_values(&views, &header.action, "action", n)?,
        rewards,
        end: header.end,
        meta: header.meta.clone(),
    };
    Ok((episode, header))
}

/// The rewards alone, without reading (or verifying) the rest of a file of `file_len` bytes.
pub(crate) fn decode_rewards(mut file: impl Read, file_len: u64) -> Reading<Vec<f32>> {
    let io = |err: std::io::Error| format!("cannot read: {err}");
    let (layout, _) = read_layout(&mut file, file_len)?;
    read_header(&layout)?;
    let reward = layout.info(REWARD).ok_or("expected a tensor `reward`, got none")?;
    let (from, to) = reward.data_offsets;
    std::io::copy(&mut (&mut file).take(from as u64), &mut std::io::sink()).map_err(io)?;
    let mut bytes = vec![0; to - from];
    file.read_exact(&mut bytes).map_err(io)?;
    let view = TensorView::new(reward.dtype, reward.shape.clone(), &bytes).map_err(|err| err.to_string())?;
    numbers(&BTreeMap::from([(REWARD.to_owned(), view)]), REWARD)
}

/// Reads the part before the tensors' bytes: the layout, and where those begin. Nothing is believed that the length of
/// the file does not bear out.
fn read_layout(mut file: impl Read, file_len: u64) -> Reading<(Metadata, usize)> {
    let cut_short = |_| format!("the file is cut short: {file_len} bytes");
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(cut_short)?;
    let length = u64::from_le_bytes(length);
    if length > file_len.saturating_sub(8) {
        return Err(format!("not an episode, or cut short: expected a header of {length} bytes"));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(cut_short)?;
    let layout: Metadata =
        serde_json::from_slice(&header).map_err(|err| format!("not an episode: bad header: {err}"))?;
    let (want, got) = (layout.data_len() as u64, file_len - 8 - length);
    if want != got {
        return Err(format!("torn: expected {want} bytes after the header, got {got}"));
    }
    Ok((layout, header.len() + 8))
}

fn read_header(layout: &Metadata) -> Reading<Header> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let json = layout.metadata().as_ref().and_then(|m| m.get(KEY));
    let json = json.ok_or("a safetensors file, but not an episode of worldsmith")?;
    let bad = |err: serde_json::Error| format!("not an episode: bad metadata: {err}");
    let Version { version } = serde_json::from_str(json).map_err(bad)?;
    if version != VERSION {
        return Err(format!("expected format version {VERSION}, got {version}"));
    }
    serde_json::from_str(json).map_err(bad)
}

impl Header {
    /// The checksum of this header, whose own is 0, and `tensors`.
    fn checksum<N: AsRef<str>>(&self, tensors: &BTreeMap<N, TensorView>) -> Reading<u32> {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(serde_json::to_string(self).map_err(|err| err.to_string())?.as_bytes());
        for (name, view) in tensors {
            hasher.update(format!("{} {:?} {:?}", name.as_ref(), view.dtype(), view.shape()).as_bytes());
            hasher.update(view.data());
        }
        Ok(hasher.finalize())
    }
}

/// Lays the part of `values` that belongs to `leaf` out as one tensor; two for text.
fn write_leaf(leaf: &Leaf, values: &[Value], tensors: &mut BTreeMap<String, Tensor>) -> Result<()> {
    let mut bytes = Vec::new();
    let mut offsets = vec![0_i64];
    for value in values.iter().filter_map(|value| leaf.find(value)) {
        match value {
            Value::Image(image) => bytes.extend_from_slice(&image.data),
            Value::Array { data, .. } => bytes.extend(le_bytes(data)),
            Value::Discrete(choice) => bytes.extend(choice.to_le_bytes()),
            Value::MultiDiscrete(choices) => bytes.extend(choices.iter().flat_map(|c| c.to_le_bytes())),
            Value::Text(text) => {
                bytes.extend(text.as_bytes());
                offsets.push(bytes.len() as i64);
            }
            Value::Dict(_) => {}
        }
    }
    let (dtype, row) = layout_of(&leaf.space);
    let mut insert =
        |name: String, dtype, shape, bytes| match tensors.insert(name, Tensor { dtype, shape, bytes }) {
            Some(_) => {
                Err(Error::invalid(format!("expected distinct names, got two parts called `{}`", leaf.name)))
            }
            None => Ok(()),
        };
    if let Space::Text { .. } = leaf.space {
        let cuts = offsets.iter().flat_map(|cut| cut.to_le_bytes()).collect();
        insert(format!("{}/offsets", leaf.name), Dtype::I64, vec![offsets.len()], cuts)?;
        return insert(leaf.name.clone(), dtype, vec![bytes.len()], bytes);
    }
    insert(leaf.name.clone(), dtype, [&[values.len()], row.as_slice()].concat(), bytes)
}

/// Type and extent of one row of a leaf; a row of text has no fixed extent.
fn layout_of(space: &Space) -> (Dtype, Vec<usize>) {
    match space {
        Space::Image { height, width, channels } => (Dtype::U8, vec![*height, *width, *channels]),
        Space::Box { shape, .. } => (Dtype::F32, shape.clone()),
        Space::MultiDiscrete { nvec } => (Dtype::I64, vec![nvec.len()]),
        Space::Discrete { .. } => (Dtype::I64, Vec::new()),
        Space::Text { .. } | Space::Dict(_) => (Dtype::U8, Vec::new()),
    }
}

/// The `rows` values of `space` whose leaves lie in tensors called `root` or below it.
fn read_values(
    tensors: &BTreeMap<String, TensorView>,
    space: &Space,
    root: &str,
    rows: usize,
) -> Reading<Vec<Value>> {
    let leaves = leaves(space, root, &format!("{root}/")).map_err(|err| err.to_string())?;
    let mut values = vec![Value::Dict(BTreeMap::new()); rows];
    for leaf in leaves {
        let column = read_leaf(tensors, &leaf, rows)?;
        for (whole, part) in values.iter_mut().zip(column) {
            fits(&leaf.space, &part).map_err(|err| format!("tensor `{}`: {err}", leaf.name))?;
            leaf.put(whole, part);
        }
    }
    Ok(values)
}

fn read_leaf(tensors: &BTreeMap<String, TensorView>, leaf: &Leaf, rows: usize) -> Reading<Vec<Value>> {
    let name = leaf.name.as_str();
    let (dtype, row) = layout_of(&leaf.space);
    if let Space::Text { .. } = leaf.space {
        return read_texts(tensors, name, rows);
    }
    let data = tensor(tensors, name, dtype, &[&[rows], row.as_slice()].concat())?;
    let n_bytes = data.len() / rows.max(1);
    let pieces = (0..rows).map(|i| &data[i * n_bytes..(i + 1) * n_bytes]);
    Ok(match &leaf.space {
        Space::Image { height, width, channels } => {
            let image = |data: &[u8]| Image {
                height: *height,
                width: *width,
                channels: *channels,
                data: data.to_vec(),
            };
            pieces.map(|piece| Value::Image(image(piece))).collect()
        }
        Space::Box { shape, .. } => {
            pieces.map(|piece| Value::Array { shape: shape.clone(), data: floats(piece) }).collect()
        }
        Space::MultiDiscrete { .. } => pieces.map(|piece| Value::MultiDiscrete(integers(piece))).collect(),
        _ => integers(data).into_iter().map(Value::Discrete).collect(),
    })
}

fn read_texts(tensors: &BTreeMap<String, TensorView>, name: &str, rows: usize) -> Reading<Vec<Value>> {
    let cuts = integers(tensor(tensors, &format!("{name}/offsets"), Dtype::I64, &[rows + 1])?);
    let bytes = view(tensors, name)?.data();
    let text = |cut: &[i64]| {
        let range = usize::try_from(cut[0]).ok()?..usize::try_from(cut[1]).ok()?;
        std::str::from_utf8(bytes.get(range)?).ok().map(|text| Value::Text(text.to_owned()))
    };
    let texts: Option<Vec<Value>> = cuts.windows(2).map(text).collect();
    texts.ok_or_else(|| format!("tensor `{name}` is not text cut into {rows} pieces"))
}

fn view<'a, 'b>(tensors: &'a BTreeMap<String, TensorView<'b>>, name: &str) -> Reading<&'a TensorView<'b>> {
    tensors.get(name).ok_or_else(|| format!("expected a tensor `{name}`, got none"))
}

/// The bytes of a tensor that must have this type and shape.
fn tensor<'b>(
    tensors: &BTreeMap<String, TensorView<'b>>,
    name: &str,
    dtype: Dtype,
    shape: &[usize],
) -> Reading<&'b [u8]> {
    let view = view(tensors, name)?;
    if view.dtype() != dtype || view.shape() != shape {
        let got = format!("{:?} {:?}", view.dtype(), view.shape());
        return Err(format!("expected tensor `{name}` to be {dtype:?} {shape:?}, got {got}"));
    }
    Ok(view.data())
}

/// A vector of f32 of any length.
fn numbers(tensors: &BTreeMap<String, TensorView>, name: &str) -> Reading<Vec<f32>> {
    let len = view(tensors, name)?.data_len() / size_of::<f32>();
    tensor(tensors, name, Dtype::F32, &[len]).map(floats)
}

fn le_bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn integers(bytes: &[u8]) -> Vec<i64> {
    bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()
}
