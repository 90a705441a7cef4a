//! What can be trained and where: the registries as plain data.

use std::collections::BTreeMap;

use serde::Serialize;
use toml::Table;
use worldsmith_core::{EnvSpec, Error, Result};
use worldsmith_env::factors::Factor;
use worldsmith_env::{EnvEntry, OptionEntry};
use worldsmith_recipes::{RECIPES, Recipe};

use crate::config::{Request, RunConfig, preset_names, run_help};

/// A method, as listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecipeInfo {
    /// Registry name.
    pub name: &'static str,
    /// Title of the paper or method.
    pub title: &'static str,
    /// Where to read it.
    pub reference: &'static str,
    /// The idea in one sentence.
    pub idea: &'static str,
    /// What it can do: `collect`, `train`, `dream`, `act`, `judge`, `improve`.
    pub verbs: &'static [&'static str],
    /// Sizes it comes in.
    pub presets: Vec<String>,
    /// The paper's claims that `reproduce` measures, by id.
    pub claims: Vec<&'static str>,
}

/// A method with its settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecipeDetails {
    /// The listing.
    #[serde(flatten)]
    pub info: RecipeInfo,
    /// The preset whose settings follow.
    pub preset: String,
    /// Every key that `--set` takes, with the preset's value, as a configuration.
    pub config: Table,
    /// What the keys of its `run` table mean, by path.
    pub help: BTreeMap<String, String>,
}

/// An environment, as listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvInfo {
    /// What `--env` takes.
    pub id: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// What is seen, done and rewarded, how it ends and whom it equals, as Markdown.
    pub page: &'static str,
    /// What can be set after a `?` in the id.
    pub options: Vec<EnvOption>,
    /// What may differ between episodes, by `?factors=`.
    pub factors: Vec<EnvFactor>,
    /// What is seen and done; none for a family that needs Python.
    pub spec: Option<EnvSpec>,
}

/// One option of an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvOption {
    /// Its name; a name that ends in `*` stands for any ending.
    pub name: &'static str,
    /// Value when it is not given; empty if there is none.
    pub default: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
}

/// A factor of variation of an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnvFactor {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it changes, in a line.
    pub about: &'static str,
    /// Its value in the world as everybody knows it.
    pub default: f32,
    /// Range for training.
    pub train: [f32; 2],
    /// Range for tests of robustness.
    pub shifted: [f32; 2],
}

/// All environments: the built-in ones, then the bridge to Gymnasium.
///
/// # Errors
/// If a built-in environment cannot be made.
pub fn envs() -> Result<Vec<EnvInfo>> {
    let built_in = worldsmith_env::envs().map(|entry| {
        let spec = worldsmith_env::make(entry.id)?.spec().clone();
        Ok(EnvInfo { spec: Some(spec), ..env_info(entry) })
    });
    built_in.chain([Ok(env_info(&worldsmith_env::gym::ENTRY))]).collect()
}

/// The environment that is listed as `id`.
///
/// # Errors
/// If there is none, with the nearest.
pub fn env<'a>(all: &'a [EnvInfo], id: &str) -> Result<&'a EnvInfo> {
    all.iter()
        .find(|env| env.id == id)
        .ok_or_else(|| Error::unknown("environment", id, all.iter().map(|env| env.id), "worldsmith envs"))
}

fn env_info(entry: &EnvEntry) -> EnvInfo {
    let option = |o: &OptionEntry| EnvOption { name: o.name, default: o.default, about: o.about };
    let factor = |f: &Factor| {
        let Factor { name, about, default, train, shifted } = *f;
        EnvFactor { name, about, default, train, shifted }
    };
    EnvInfo {
        id: entry.id,
        about: entry.about,
        page: entry.page,
        options: entry.all_options().map(option).collect(),
        factors: entry.factors.iter().map(factor).collect(),
        spec: None,
    }
}

/// All recipes.
///
/// # Errors
/// If a recipe's preset file is broken.
pub fn recipes() -> Result<Vec<RecipeInfo>> {
    RECIPES.iter().map(|recipe| info(*recipe)).collect()
}

/// One recipe and every key of one of its presets (`small` if not given).
///
/// # Errors
/// For unknown names.
pub fn recipe_details(name: &str, preset: Option<&str>) -> Result<RecipeDetails> {
    let recipe = worldsmith_recipes::recipe(name)?;
    let request = Request { preset: preset.map(str::to_string), ..Request::default() };
    let config = RunConfig::resolve_for(recipe, &request)?;
    let preset = config.preset.clone();
    let config = Table::try_from(config).expect("a configuration of plain values is TOML");
    Ok(RecipeDetails { info: info(recipe)?, preset, config, help: run_help() })
}

fn info(recipe: &dyn Recipe) -> Result<RecipeInfo> {
    let card = recipe.card();
    Ok(RecipeInfo {
        name: card.name,
        title: card.title,
        reference: card.reference,
        idea: card.idea,
        verbs: card.verbs,
        presets: preset_names(recipe)?,
        claims: recipe.claims().iter().map(|c| c.id).collect(),
    })
}
