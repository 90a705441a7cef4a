//! What can be trained and where: the registries as plain data.

use serde::Serialize;
use toml::Table;
use worldsmith_core::Result;
use worldsmith_recipes::{RECIPES, Recipe};

use crate::config::{Request, RunConfig, preset_names};

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
    Ok(RecipeDetails { info: info(recipe)?, preset, config })
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
