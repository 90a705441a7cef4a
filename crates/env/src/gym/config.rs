//! The options of a `gym:` id, what is sent to the worker of them, and where Python is.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use worldsmith_core::{Error, Result};

use crate::registry::Maker;
use crate::{EnvEntry, GymEnv, OptionEntry, Options};

/// What the ids of Gymnasium environments start with.
pub const PREFIX: &str = "gym:";

/// The embedded worker.
const SCRIPT: &str = include_str!("worker.py");

/// Registry entry of the bridge.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "gym:<id>",
    about: "any Gymnasium environment, such as gym:CartPole-v1, gym:MiniGrid-DoorKey-5x5-v0, gym:ALE/Pong-v5",
    page: "",
    options: &[
        option("size", "64", "side of pictures in pixels, or HEIGHTxWIDTH"),
        option("grey", "false", "pictures with one channel instead of three"),
        option(
            "obs",
            "auto",
            "auto, symbolic, rgb, rgb_dict (MiniGrid, BabyAI), render (what the environment draws)",
        ),
        option(
            "frame_skip",
            "",
            "times each action is repeated, rewards added up (ALE: 4 by its own default)",
        ),
        option("sticky", "", "chance that the last action is repeated (ALE: 0.25 by its own default)"),
        option("max_steps", "", "steps until truncation, or `none`, instead of the environment's own limit"),
        option("clip_reward", "false", "rewards clipped to -1..1"),
        option(
            "import",
            "",
            "Python module that registers the environment (known for ALE, MiniGrid, BabyAI)",
        ),
        option("kw.*", "", "argument for gymnasium.make, as in kw.map_name=8x8"),
        option("timeout", "60", "seconds until a silent worker counts as dead"),
        option("python", "", "Python program (then $WORLDSMITH_PYTHON, $VIRTUAL_ENV, python3, python)"),
    ],
    factors: &[],
    make: Maker::Outside(|options| Ok(Box::new(GymEnv::new(options)?))),
};

const fn option(name: &'static str, default: &'static str, about: &'static str) -> OptionEntry {
    OptionEntry { name, default, about }
}

/// Ways to see an environment; the first is the default.
const OBS_MODES: [&str; 5] = ["auto", "symbolic", "rgb", "rgb_dict", "render"];

/// What the worker is told, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct WorkerConfig {
    /// Gymnasium's id.
    pub id: String,
    import: Option<String>,
    /// Height and width of pictures.
    size: [usize; 2],
    grey: bool,
    obs: String,
    frame_skip: Option<usize>,
    sticky: Option<f64>,
    /// Steps until truncation; -1 for no limit, absent for the environment's own.
    max_steps: Option<i64>,
    clip_reward: bool,
    kwargs: Map<String, Json>,
}

impl WorkerConfig {
    /// # Errors
    /// If an option has a wrong value.
    pub fn new(options: &Options) -> Result<Self> {
        let name = options.id().split('?').next().unwrap_or_default();
        let id = name.strip_prefix(PREFIX).unwrap_or(name).to_string();
        if id.is_empty() {
            return Err(Error::invalid("expected a Gymnasium id after `gym:`, got none")
                .hint("for example `gym:CartPole-v1`"));
        }
        let obs = options.text("obs").unwrap_or(OBS_MODES[0]);
        if !OBS_MODES.contains(&obs) {
            return Err(options.wrong("obs", &format!("one of {}", OBS_MODES.join(", ")), obs));
        }
        let given = |name: &str| options.text(name).is_some();
        Ok(Self {
            id,
            import: options.text("import").map(String::from),
            size: options.size([64, 64])?,
            grey: options.flag("grey")?,
            obs: obs.to_string(),
            frame_skip: given("frame_skip").then(|| options.number("frame_skip", 1, 1..=1000)).transpose()?,
            sticky: given("sticky").then(|| options.number("sticky", 0.0, 0.0..=1.0)).transpose()?,
            max_steps: match options.limit("max_steps", None)? {
                Some(limit) => Some(limit as i64),
                None => given("max_steps").then_some(-1),
            },
            clip_reward: options.flag("clip_reward")?,
            kwargs: kwargs(options),
        })
    }

    /// The pip command that installs what this environment needs, as far as its name tells.
    pub fn pip_command(&self) -> &'static str {
        match self.id.split(['/', '-']).next() {
            Some("ALE") => "pip install gymnasium ale-py",
            Some("MiniGrid" | "BabyAI") => "pip install gymnasium minigrid",
            _ => "pip install gymnasium",
        }
    }
}

/// Arguments for `gymnasium.make`: JSON where it is JSON, else text; `True`, `False` and `None` are understood too.
fn kwargs(options: &Options) -> Map<String, Json> {
    let parse = |text: &str| match text {
        "True" => Json::Bool(true),
        "False" => Json::Bool(false),
        "None" => Json::Null,
        _ => serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.to_string())),
    };
    options
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix("kw.")?.to_string(), parse(text))))
        .collect()
}

/// How long a silent worker is waited for.
pub(super) fn timeout(options: &Options) -> Result<Duration> {
    Ok(Duration::from_secs_f64(options.number("timeout", 60.0, 0.001..=86_400.0)?))
}

/// The programs that may be Python, best first. A program that somebody named is the only one.
pub(super) fn pythons(options: &Options) -> Vec<PathBuf> {
    let named = options.text("python").map(PathBuf::from);
    if let Some(python) = named.or_else(|| std::env::var_os("WORLDSMITH_PYTHON").map(PathBuf::from)) {
        return vec![python];
    }
    let venv = std::env::var_os("VIRTUAL_ENV").map(|dir| PathBuf::from(dir).join("bin/python"));
    venv.into_iter().chain(["python3", "python"].map(PathBuf::from)).collect()
}

/// The command that runs the worker.
pub(super) fn command(python: &PathBuf) -> Command {
    let mut command = Command::new(python);
    command.args(["-u", "-c", SCRIPT]);
    command
}
