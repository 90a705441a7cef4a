//! Options that several commands share.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use worldsmith::data::Pictures;
use worldsmith::{Existing, Request, Result, split_set};

/// What is trained, where, and how big.
#[derive(Debug, Clone, Default, Args)]
pub struct What {
    /// Method to train (`dreamer_v3` if left out); `worldsmith recipes` lists all
    #[arg(long, value_name = "NAME")]
    pub recipe: Option<String>,
    /// Size of it: `tiny` (seconds), `small` (minutes on 2 cores), `atari` (an hour; `dreamer_v3` alone) or `paper`
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Environment: a built-in one, or `gym:<id>` for Gymnasium; `worldsmith envs` lists all
    #[arg(long, value_name = "ID")]
    pub env: Option<String>,
    /// Seed of all randomness; the same seed gives the same parameters
    #[arg(long)]
    pub seed: Option<u64>,
    /// Steps taken in the real environment (short for `--set run.steps=N`)
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Change one key of the configuration; may be given again. `worldsmith recipes NAME` lists the keys
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

impl What {
    /// The request these options make.
    ///
    /// # Errors
    /// For a `--set` without `=`.
    pub fn request(&self) -> Result<Request> {
        Ok(Request {
            recipe: self.recipe.clone().unwrap_or_else(|| "dreamer_v3".into()),
            preset: self.preset.clone(),
            env: self.env.clone(),
            seed: self.seed,
            steps: self.steps,
            data: None,
            set: self.set.iter().map(|s| split_set(s)).collect::<Result<_>>()?,
        })
    }

    /// Whether anything was asked for.
    pub fn is_given(&self) -> bool {
        self.recipe.is_some()
            || self.preset.is_some()
            || self.env.is_some()
            || self.seed.is_some()
            || self.steps.is_some()
            || !self.set.is_empty()
    }
}

/// What to do with a folder that is there already.
#[derive(Debug, Clone, Default, Args)]
pub struct Folder {
    /// Go on with the run in this folder, exactly where it stopped
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Delete what is in the folder and start over
    #[arg(long)]
    pub force: bool,
}

impl Folder {
    /// The same as the facade says it.
    pub fn existing(&self) -> Existing {
        match (self.resume, self.force) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Replace,
            _ => Existing::Refuse,
        }
    }
}

/// How an episode store keeps its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PicturesOption {
    /// As bytes: training reads them in place, however large the store. A hundred pictures of 64x64 are 1.2 MB
    Raw,
    /// As PNG files: as exact, and 8 to 60 times smaller for Breakout and PushT; training unpacks them into memory
    Png,
    /// As an H.264 video an episode: smallest by far, but not exact; training decodes what it draws
    #[value(alias = "h264")]
    Video,
    /// As an AV1 video an episode: not exact either, and much slower to write and read
    Av1,
}

impl PicturesOption {
    /// The same as the facade says it.
    pub fn pictures(self) -> Pictures {
        match self {
            Self::Raw => Pictures::Raw,
            Self::Png => Pictures::Png,
            Self::Video => Pictures::H264,
            Self::Av1 => Pictures::Av1,
        }
    }
}

/// Where a run goes if nobody says: `runs/<recipe>-<env>-s<seed>`.
pub fn default_run(recipe: &str, env: &str, seed: u64) -> PathBuf {
    let env: String =
        env.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    Path::new("runs").join(format!("{recipe}-{env}-s{seed}"))
}
