//! `metadata.json`: what a data set says of itself.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value as Json, json};
use worldsmith_core::{EpisodeMeta, Error, Result, Seed};

use super::spaces::{Known, quoted, to_json};
use super::{ACTIONS, OBSERVATIONS, Written};
use crate::write_atomic;

pub(super) const NAME: &str = "metadata.json";
/// The version whose files are written.
const VERSION: &str = "0.5.4";

/// The folder with the data of the set at `path`, which may be that folder itself.
pub(super) fn folder(path: &Path) -> Option<PathBuf> {
    let looks_right = |folder: &PathBuf| {
        let mut start = Vec::new();
        let read = fs::File::open(folder.join(NAME)).and_then(|file| file.take(4096).read_to_end(&mut start));
        let start = String::from_utf8_lossy(&start);
        read.is_ok() && start.contains("\"total_episodes\"") && start.contains("\"data_format\"")
    };
    candidates(path).into_iter().find(looks_right)
}

/// The same where nobody asks whether the file looks right: reading it tells.
pub(super) fn named_folder(path: &Path) -> Option<PathBuf> {
    candidates(path).into_iter().find(|folder| folder.join(NAME).is_file())
}

fn candidates(path: &Path) -> [PathBuf; 2] {
    [path.join("data"), path.to_owned()]
}

/// What is needed of it.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub total_episodes: usize,
    pub data_format: String,
    observation_space: Option<String>,
    action_space: Option<String>,
    env_spec: Option<String>,
    dataset_id: Option<String>,
    algorithm_name: Option<String>,
    #[serde(default)]
    pub fps: Option<f32>,
}

impl Metadata {
    /// Reads that of the data in `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](worldsmith_core::ErrorKind::Corrupt) if it is damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let text = fs::read_to_string(&path).map_err(|err| Error::io("read file", &path, &err))?;
        serde_json::from_str(&quoted(&text)).map_err(|err| {
            Error::corrupt(&path, format!("expected the metadata of a Minari data set: {err}"))
        })
    }

    /// Spaces of observations and actions.
    ///
    /// # Errors
    /// If they are missing or not known here.
    pub fn spaces(&self) -> Result<(Known, Known)> {
        let space = |json: &Option<String>, name: &str, root: &str| {
            let missing = || {
                Error::invalid(format!("expected `{name}` in `{NAME}`, found none"))
                    .hint("early versions left it to the environment; open and save the set with Minari 0.5")
            };
            Known::parse(json.as_ref().ok_or_else(missing)?, root)
        };
        Ok((
            space(&self.observation_space, "observation_space", OBSERVATIONS)?,
            space(&self.action_space, "action_space", ACTIONS)?,
        ))
    }

    /// What holds for every episode that does not say otherwise.
    pub fn meta(&self) -> EpisodeMeta {
        let spec = self.env_spec.as_ref().and_then(|spec| serde_json::from_str::<Json>(&quoted(spec)).ok());
        let env =
            spec.and_then(|spec| spec["id"].as_str().map(str::to_owned)).or_else(|| self.dataset_id.clone());
        EpisodeMeta {
            env: env.unwrap_or_else(|| "unknown".to_owned()),
            policy: self.algorithm_name.clone().unwrap_or_else(|| "unknown".to_owned()),
            seed: Seed(0),
            source: "real".to_owned(),
            task: None,
        }
    }
}

/// Writes that of the data in `folder`; the data set is complete with it.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(folder: &Path, written: &Written, data_format: &str, n_bytes: u64) -> Result<()> {
    let algorithm = written.meta.as_ref().map_or("unknown", |meta| meta.policy.as_str());
    let env = written.meta.as_ref().map_or("unknown", |meta| meta.env.as_str());
    let metadata = json!({
        "total_episodes": written.n_episodes,
        "total_steps": written.n_steps,
        "data_format": data_format,
        "jpeg_encoding": false,
        "observation_space": to_json(&written.spec.obs),
        "action_space": to_json(&written.spec.action),
        "dataset_id": id(folder),
        "algorithm_name": algorithm,
        "description": format!("Episodes of {env}, written by worldsmith."),
        "minari_version": VERSION,
        "dataset_size": (n_bytes as f64 / 1e5).round() / 10.0,
        "fps": written.spec.fps,
    });
    // In the order in which Minari writes it: what tells the format comes first.
    let mut text = format!(
        r#"{{"total_episodes": {}, "total_steps": {}, "data_format": "{data_format}""#,
        written.n_episodes, written.n_steps
    );
    for (key, value) in metadata.as_object().into_iter().flatten() {
        if !text.contains(&format!("\"{key}\": ")) {
            text.push_str(&format!(", \"{key}\": {value}"));
        }
    }
    text.push('}');
    write_atomic(&folder.join(NAME), text.as_bytes())
}

/// The name that Minari knows a data set by, from that of its folder: letters, digits, `-`, `_` and a version.
fn id(folder: &Path) -> String {
    let name = folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let name: String = name.chars().map(fits).collect();
    match name.rsplit_once("-v") {
        Some((front, digits))
            if !front.is_empty() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            name
        }
        _ => format!("{}-v0", if name.is_empty() { "worldsmith" } else { &name }),
    }
}
