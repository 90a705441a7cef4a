//! The options of a `gym:` id, what is sent to the worker of them, and where Python is.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value as Json};
use worldsmith_core::{Error, Result};

use super::lens::Wish;
use crate::registry::Maker;
use crate::{EnvEntry, GymEnv, OptionEntry, Options};

/// What the ids of Gymnasium environments start with.
pub const PREFIX: &str = "gym:";

/// The embedded worker: one program in three parts.
const SCRIPT: &str = concat!(
    include_str!("worker/frames.py"),
    include_str!("worker/make.py"),
    include_str!("worker/serve.py")
);

/// Registry entry of the bridge.
pub const ENTRY: EnvEntry = EnvEntry {
    id: "gym:<id>",
    about: "any Gymnasium environment, such as gym:CartPole-v1, gym:MiniGrid-DoorKey-5x5-v0, gym:ALE/Pong-v5",
    page: "\
An environment of a Python package, in a process of its own. `docs/environments.md` says how it is seen, wrapped and pooled, and
`docs/bridge.md` which ids were tried and how fast they are.",
    options: &[
        option("size", "64", "side of pictures in pixels, HEIGHTxWIDTH, or `native`: as they are"),
        option("grey", "false", "pictures with one channel instead of three"),
        option(
            "frame_stack",
            "1",
            "how many of the last observations are shown at once; of pictures as channels",
        ),
        option(
            "obs",
            "auto",
            "auto, symbolic (no pictures), rgb, rgb_dict (MiniGrid, BabyAI), render (what the environment draws)",
        ),
        option(
            "frame_skip",
            "",
            "times each action is repeated, rewards added up (ALE: 4 by its own default)",
        ),
        option(
            "max_pool",
            "false",
            "with frame_skip: the maximum of the last two frames instead of the last",
        ),
        option(
            "sticky",
            "",
            "chance that the environment repeats its last action (ALE: 0.25 by its own default)",
        ),
        option("max_steps", "", "steps until truncation, or `none`, instead of the environment's own limit"),
        option("clip_reward", "false", "rewards clipped to -1..1"),
        option("vector", "false", "in a pool: the vector environment of the package's own"),
        option("envs_per_worker", "1", "in a pool: environments that share a process; all with `vector`"),
        option("import", "", "Python module that registers the environment, where it is not known"),
        option(
            "entry",
            "",
            "instead of a registered id: what to call, as in crafter:Env; also of the old gym API",
        ),
        option("kw.*", "", "argument for gymnasium.make or the entry, as in kw.map_name=8x8"),
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
    /// How many environments it makes.
    n_envs: usize,
    /// Whether they are a vector environment of the package's own.
    pub vector: bool,
    /// Whether both sides may keep a core busy while they wait for each other.
    pub may_spin: bool,
    import: Option<String>,
    entry: Option<String>,
    obs: String,
    frame_skip: Option<usize>,
    max_pool: bool,
    sticky: Option<f64>,
    /// Steps until truncation; -1 for no limit, absent for the environment's own.
    max_steps: Option<i64>,
    kwargs: Map<String, Json>,
    /// Height and width of pictures, for those that can be drawn in any size; the rest is done on our side.
    size: Option<[usize; 2]>,
    grey: bool,
    #[serde(skip)]
    pub wish: Wish,
    /// How many environments a worker should hold; all if `None`.
    #[serde(skip)]
    pub envs_per_worker: Option<usize>,
}

impl WorkerConfig {
    /// For a worker of `n_envs` environments.
    ///
    /// # Errors
    /// If an option has a wrong value, or two do not go together.
    pub fn new(options: &Options, n_envs: usize) -> Result<Self> {
        let given = |name: &str| options.text(name).is_some();
        let number =
            |name: &str, most: usize| given(name).then(|| options.number(name, 1, 1..=most)).transpose();
        let wish = wish(options)?;
        let vector = options.flag("vector")?;
        let config = Self {
            id: id(options)?,
            n_envs,
            vector,
            may_spin: false,
            import: options.text("import").map(String::from),
            entry: entry(options)?,
            obs: obs_mode(options)?,
            frame_skip: number("frame_skip", 1000)?,
            max_pool: options.flag("max_pool")?,
            sticky: sticky(options)?,
            max_steps: match options.limit("max_steps", None)? {
                Some(limit) => Some(limit.min(i32::MAX as usize) as i64),
                None => given("max_steps").then_some(-1),
            },
            kwargs: kwargs(options),
            size: wish.size,
            grey: wish.grey,
            wish,
            envs_per_worker: number("envs_per_worker", 4096)?.or((!vector).then_some(1)),
        };
        config.check(options)?;
        Ok(config)
    }

    /// Refuses options that do not go together.
    fn check(&self, options: &Options) -> Result<()> {
        let is_ale = self.id.starts_with("ALE/");
        if self.max_pool && self.frame_skip.unwrap_or(if is_ale { 4 } else { 1 }) < 2 {
            return Err(options.wrong("max_pool", "a `frame_skip` of at least 2 beside it", "true"));
        }
        if self.vector {
            let alone = if is_ale {
                &["entry", "obs"][..]
            } else {
                &["entry", "obs", "frame_skip", "sticky", "max_pool"]
            };
            if let Some(name) = alone.iter().find(|name| options.text(name).is_some()) {
                let message = format!(
                    "option `{name}` of `{}`: expected no `vector` beside it, got both",
                    options.id()
                );
                return Err(Error::invalid(message)
                    .hint("a vector environment of a package's own cannot be wrapped; `envs_per_worker` takes any option"));
            }
        }
        Ok(())
    }

    /// The pip command that installs what this environment needs, as far as its name tells.
    pub fn pip_command(&self) -> &'static str {
        match self.id.split(['/', '-']).next() {
            Some("ALE") => "pip install gymnasium ale-py",
            Some("MiniGrid" | "BabyAI") => "pip install gymnasium minigrid",
            Some("dm_control") => "pip install gymnasium shimmy[dm-control]",
            Some("gym_pusht") => "pip install gymnasium gym-pusht",
            _ => "pip install gymnasium",
        }
    }
}

/// Gymnasium's id: what stands between `gym:` and `?`.
fn id(options: &Options) -> Result<String> {
    let name = options.id().split('?').next().unwrap_or_default();
    let id = name.strip_prefix(PREFIX).unwrap_or(name).to_string();
    if id.is_empty() {
        return Err(Error::invalid("expected a Gymnasium id after `gym:`, got none")
            .hint("for example `gym:CartPole-v1`"));
    }
    Ok(id)
}

fn obs_mode(options: &Options) -> Result<String> {
    let mode = options.text("obs").unwrap_or(OBS_MODES[0]);
    if OBS_MODES.contains(&mode) {
        Ok(mode.to_string())
    } else {
        Err(options.wrong("obs", &format!("one of {}", OBS_MODES.join(", ")), mode))
    }
}

fn entry(options: &Options) -> Result<Option<String>> {
    let Some(text) = options.text("entry") else { return Ok(None) };
    match text.split_once(':') {
        Some((module, name)) if !module.is_empty() && !name.is_empty() => Ok(Some(text.to_string())),
        _ => Err(options.wrong("entry", "`module:name`, as in `crafter:Env`", text)),
    }
}

fn sticky(options: &Options) -> Result<Option<f64>> {
    let Some(text) = options.text("sticky") else { return Ok(None) };
    let chance = options.number("sticky", 0.0, 0.0..=1.0)?;
    // Always the last action would be never a new one.
    if chance < 1.0 {
        Ok(Some(chance))
    } else {
        Err(options.wrong("sticky", "a number from 0, below 1", text))
    }
}

fn wish(options: &Options) -> Result<Wish> {
    let native = options.text("size") == Some("native");
    Ok(Wish {
        size: if native { None } else { Some(options.size([64, 64])?) },
        grey: options.flag("grey")?,
        frame_stack: options.number("frame_stack", 1, 1..=64)?,
        clip_reward: options.flag("clip_reward")?,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn config(id: &str) -> Result<WorkerConfig> {
        WorkerConfig::new(&Options::parse(id).unwrap().1, 1)
    }

    #[test]
    fn options_that_make_no_sense_are_refused_with_what_would() {
        for (id, expected) in [
            ("gym:", "expected a Gymnasium id after `gym:`"),
            ("gym:A-v0?obs=pixels", "expected one of auto, symbolic, rgb, rgb_dict, render, got `pixels`"),
            ("gym:A-v0?frame_skip=0", "expected a number from 1 to 1000, got `0`"),
            ("gym:A-v0?frame_stack=0", "expected a number from 1 to 64, got `0`"),
            ("gym:A-v0?frame_stack=2.5", "expected a number from 1 to 64, got `2.5`"),
            ("gym:A-v0?sticky=1", "expected a number from 0, below 1, got `1`"),
            ("gym:A-v0?sticky=nan", "expected a number from 0 to 1, got `nan`"),
            ("gym:A-v0?size=0", "expected pixels from 1 to 1024"),
            ("gym:A-v0?grey=yes", "expected `true` or `false`, got `yes`"),
            ("gym:A-v0?max_steps=-1", "expected a whole number from 1, or `none`, got `-1`"),
            ("gym:A-v0?max_pool=true", "expected a `frame_skip` of at least 2 beside it, got `true`"),
            ("gym:A-v0?max_pool=true&frame_skip=1", "expected a `frame_skip` of at least 2 beside it"),
            ("gym:ALE/A-v5?max_pool=true&frame_skip=1", "expected a `frame_skip` of at least 2 beside it"),
            ("gym:A-v0?entry=crafter", "expected `module:name`, as in `crafter:Env`, got `crafter`"),
            (
                "gym:A-v0?vector=true&sticky=0.1",
                "option `sticky` of `gym:A-v0?vector=true&sticky=0.1`: expected no `vector`",
            ),
            ("gym:ALE/A-v5?vector=true&obs=render", "expected no `vector` beside it, got both"),
            ("gym:A-v0?envs_per_worker=0", "expected a number from 1 to 4096, got `0`"),
        ] {
            let message = config(id).unwrap_err().to_string();
            assert!(message.contains(expected), "`{id}`: {message}");
        }
    }

    #[test]
    fn what_is_left_out_is_left_to_the_environment() {
        let plain = config("gym:A-v0").unwrap();
        assert_eq!((plain.frame_skip, plain.sticky, plain.max_steps), (None, None, None));
        assert_eq!((plain.wish.size, plain.envs_per_worker), (Some([64, 64]), Some(1)));
        assert_eq!(config("gym:A-v0?size=native&max_steps=none").unwrap().wish.size, None);
        assert_eq!(config("gym:A-v0?max_steps=none").unwrap().max_steps, Some(-1));
        assert_eq!(config("gym:A-v0?vector=true").unwrap().envs_per_worker, None);
        config("gym:ALE/A-v5?vector=true&frame_skip=4&sticky=0&max_pool=true").unwrap();
        let kwargs = config("gym:A-v0?kw.a=True&kw.b=8x8&kw.c=[1,2]&kw.d=None").unwrap().kwargs;
        assert_eq!(Json::Object(kwargs), serde_json::json!({"a": true, "b": "8x8", "c": [1, 2], "d": null}));
    }
}
