//! What passes between these tests and the scripts in `tests/parity/data`, by which the original libraries write what is read
//! here and read what is written here. `cargo xtask parity data` runs both.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use worldsmith_core::{Episode, Space, Value};

/// The fixture `name` of `format`: the one checked in, or the one that was just made where `WORLDSMITH_FIXTURES` names a
/// folder of fixtures.
pub fn fixture(format: &str, name: &str) -> PathBuf {
    match std::env::var_os("WORLDSMITH_FIXTURES") {
        Some(made) => Path::new(&made).join(format).join(name),
        None => checked_in(format, name),
    }
}

/// The fixture `name` of `format` that is checked in.
pub fn checked_in(format: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format).join(name)
}

/// The folder, empty now, in which the script of `format` looks for sets.
pub fn folder(format: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Writes beside the set at `path`, into `<path>.json`, what was put in; `tests/parity/both_ways.py` reads it.
pub fn describe(path: &Path, episodes: &[Episode], [obs, action]: [&Space; 2]) {
    let described = |episode: &Episode| {
        json!({
            "obs": columns(&episode.obs, obs, ""),
            "actions": columns(&episode.actions, action, ""),
            "rewards": episode.rewards,
            "end": episode.end,
            "meta": episode.meta,
        })
    };
    let episodes: Vec<Json> = episodes.iter().map(described).collect();
    let mut beside = path.as_os_str().to_owned();
    beside.push(".json");
    fs::write(beside, json!({ "episodes": episodes }).to_string()).unwrap();
}

/// One column for each leaf of `space`, by its keys joined with `/`.
fn columns(values: &[Value], space: &Space, name: &str) -> Map<String, Json> {
    if let Space::Dict(inner) = space {
        let named = |key: &String| if name.is_empty() { key.clone() } else { format!("{name}/{key}") };
        return inner.iter().flat_map(|(key, space)| columns(values, space, &named(key))).collect();
    }
    let shape = |row: &[usize]| [&[values.len()], row].concat();
    let column = match space {
        Space::Image { height, width, channels } => {
            let bytes = values.iter().flat_map(|value| find(value, name).image().unwrap().data.clone());
            let hex: String = bytes.map(|byte| format!("{byte:02x}")).collect();
            json!({"shape": shape(&[*height, *width, *channels]), "hex": hex})
        }
        Space::Text { .. } => {
            let texts = values.iter().map(|value| match find(value, name) {
                Value::Text(text) => text.clone(),
                other => panic!("{other:?}"),
            });
            json!({"text": texts.collect::<Vec<_>>()})
        }
        Space::Discrete { .. } => json!({"shape": shape(&[]), "data": numbers(values, name)}),
        Space::MultiDiscrete { nvec } => {
            json!({"shape": shape(&[nvec.len()]), "data": numbers(values, name)})
        }
        Space::Box { shape: row, .. } => json!({"shape": shape(row), "data": numbers(values, name)}),
        Space::Dict(_) => unreachable!("taken apart above"),
    };
    Map::from_iter([(name.to_owned(), column)])
}

/// The leaf of `value` that the keys in `name` lead to.
pub fn find<'a>(value: &'a Value, name: &str) -> &'a Value {
    name.split('/').filter(|key| !key.is_empty()).fold(value, |value, key| match value {
        Value::Dict(parts) => &parts[key],
        other => panic!("expected parts, got {other:?}"),
    })
}

/// The numbers of the leaf `name` of all `values`, after one another.
pub fn numbers(values: &[Value], name: &str) -> Vec<f32> {
    let one = |value: &Value| match find(value, name) {
        Value::Discrete(choice) => vec![*choice as f32],
        Value::MultiDiscrete(choices) => choices.iter().map(|choice| *choice as f32).collect(),
        Value::Array { data, .. } => data.clone(),
        other => panic!("expected numbers, got {other:?}"),
    };
    values.iter().flat_map(one).collect()
}
