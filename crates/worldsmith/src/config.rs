//! What a run is: preset, then overrides, then checks; never changed afterwards and saved beside its results.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Table;
use worldsmith_core::{Error, Result, Seed};
use worldsmith_recipes::Recipe;

use crate::overlay;

/// Everything that decides a run. The same configuration gives the same parameters on a CPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Registry name of the method.
    pub recipe: String,
    /// The recipe's preset this configuration started from.
    pub preset: String,
    /// Id of the environment.
    pub env: String,
    /// Where all randomness comes from.
    pub seed: u64,
    /// Folder of recorded episodes to train on instead of collecting; empty to collect.
    pub data: String,
    /// How much is collected, trained and judged.
    pub run: Budget,
    /// The recipe's own configuration.
    pub model: Table,
}

/// How much is collected, trained and judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Steps taken in the real environment, over all its copies.
    pub steps: u64,
    /// Of these, steps at the start that are taken at random, before any update. With `prefill = steps` all data are
    /// collected first and training is offline.
    pub prefill: u64,
    /// Gradient updates for each step in the real environment.
    pub updates_per_step: f64,
    /// Copies of the environment stepped together.
    pub n_envs: usize,
    /// Steps kept in memory for training; the oldest episodes go first. Recorded episodes all stay: their pictures are in
    /// files.
    pub replay_capacity: usize,
    /// Episodes on seeds of their own, half by the trained policy and half at random, that judge the model.
    pub held_out_episodes: usize,
    /// Episodes in the real environment that judge the agent.
    pub eval_episodes: usize,
    /// Seconds between checkpoints.
    pub checkpoint_secs: f64,
    /// Updates between lines of metrics.
    pub log_every: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: 50_000,
            prefill: 2_500,
            updates_per_step: 0.1,
            n_envs: 8,
            replay_capacity: 1_000_000,
            held_out_episodes: 20,
            eval_episodes: 50,
            checkpoint_secs: 60.0,
            log_every: 50,
        }
    }
}

/// What a person asks for; everything left out is the preset's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Registry name of the method.
    pub recipe: String,
    /// Name of a preset of the recipe; `small` if left out.
    pub preset: Option<String>,
    /// Id of the environment; if left out, none where there is `data`, else the preset's, or `breakout`.
    pub env: Option<String>,
    /// Seed; 0 if left out.
    pub seed: Option<u64>,
    /// Real environment steps: short for `run.steps`. A preset's `prefill` is kept in proportion.
    pub steps: Option<u64>,
    /// Folder of recorded episodes to train on.
    pub data: Option<String>,
    /// Overrides, `path` and `value`, applied last and in order.
    pub set: Vec<(String, String)>,
}

impl RunConfig {
    /// The configuration a person asked for, complete and checked.
    ///
    /// # Errors
    /// For unknown recipes, presets and keys, and for values of the wrong type or range.
    pub fn resolve(request: &Request) -> Result<Self> {
        Self::resolve_for(worldsmith_recipes::recipe(&request.recipe)?, request)
    }

    /// As [`RunConfig::resolve`], for a recipe in hand.
    ///
    /// # Errors
    /// As [`RunConfig::resolve`].
    pub fn resolve_for(recipe: &dyn Recipe, request: &Request) -> Result<Self> {
        let mut table = base(recipe, request)?;
        let list = format!("worldsmith recipes {}", recipe.card().name);
        for (path, value) in &request.set {
            overlay::set(&mut table, path, value, &list)?;
        }
        let mut config: RunConfig = table.try_into().map_err(|e| Error::invalid(e.to_string()))?;
        config.model = resolve_model(recipe, &config.model)?;
        config.check()?;
        Ok(config)
    }

    /// Reads a saved configuration.
    ///
    /// # Errors
    /// If the file cannot be read or is not a run's configuration.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).map_err(|e| Error::io("read the configuration", path, &e))?;
        toml::from_str(&text).map_err(|e| Error::corrupt(path, one_line(&e.to_string())))
    }

    /// The configuration as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration of plain values is TOML")
    }

    /// The first key whose value differs in `other`, with both values.
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let (ours, theirs) = (self.flat(), other.flat());
        let keys = ours.keys().chain(theirs.keys());
        let value =
            |map: &BTreeMap<String, String>, key| map.get(key).cloned().unwrap_or_else(|| "none".into());
        keys.map(|key| (key.clone(), value(&ours, key), value(&theirs, key))).find(|(_, a, b)| a != b)
    }

    fn flat(&self) -> BTreeMap<String, String> {
        let table = Table::try_from(self).expect("a configuration of plain values is TOML");
        overlay::leaves(&table).into_iter().map(|(path, value)| (path, value.to_string())).collect()
    }

    /// The seed all streams of the run derive from.
    pub fn root_seed(&self) -> Seed {
        Seed(self.seed)
    }

    /// Gradient updates of the whole run.
    pub fn total_updates(&self) -> u64 {
        self.updates_owed(self.run.steps)
    }

    /// Updates that should be done once `steps` real steps are: none during the prefill.
    pub fn updates_owed(&self, steps: u64) -> u64 {
        if steps < self.run.prefill { 0 } else { (steps as f64 * self.run.updates_per_step).floor() as u64 }
    }

    fn check(&self) -> Result<()> {
        let run = &self.run;
        let at_least_one = [
            ("run.steps", run.steps),
            ("run.n_envs", run.n_envs as u64),
            ("run.replay_capacity", run.replay_capacity as u64),
            ("run.held_out_episodes", run.held_out_episodes as u64),
            ("run.eval_episodes", run.eval_episodes as u64),
            ("run.log_every", run.log_every),
        ];
        if let Some((key, _)) = at_least_one.iter().find(|(_, n)| *n == 0) {
            return Err(Error::invalid(format!("`{key}`: expected at least 1, got 0")));
        }
        if run.prefill > run.steps {
            return Err(Error::invalid(format!(
                "`run.prefill`: expected at most `run.steps` = {}, got {}",
                run.steps, run.prefill
            )));
        }
        for (key, x) in
            [("run.updates_per_step", run.updates_per_step), ("run.checkpoint_secs", run.checkpoint_secs)]
        {
            if !x.is_finite() || x < 0.0 {
                return Err(Error::invalid(format!("`{key}`: expected a number of at least 0, got {x}")));
            }
        }
        Ok(())
    }
}

/// What each key of the `run` table means: the documentation of [`Budget`], read from this very file.
pub fn run_help() -> BTreeMap<String, String> {
    let source = include_str!("config.rs");
    let fields = source.split("pub struct Budget {").nth(1).and_then(|rest| rest.split("\n}").next());
    let (mut help, mut doc) = (BTreeMap::new(), Vec::new());
    for line in fields.unwrap_or_default().lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            doc.push(words.trim());
        } else if let Some((name, _)) = line.strip_prefix("pub ").and_then(|field| field.split_once(':')) {
            help.insert(format!("run.{name}"), std::mem::take(&mut doc).join(" "));
        }
    }
    help
}

/// Names of a recipe's presets, in the order of the file.
///
/// # Errors
/// If the recipe's preset file is not TOML.
pub fn preset_names(recipe: &dyn Recipe) -> Result<Vec<String>> {
    Ok(presets(recipe)?.keys().cloned().collect())
}

fn presets(recipe: &dyn Recipe) -> Result<Table> {
    toml::from_str(recipe.presets()).map_err(|e| {
        Error::invalid(format!("presets of `{}`: {}", recipe.card().name, one_line(&e.to_string())))
    })
}

/// Preset, defaults and the request's plain fields, before `--set`. A preset's `run` table may name its `env`.
fn base(recipe: &dyn Recipe, request: &Request) -> Result<Table> {
    let mut all = presets(recipe)?;
    let name = request.preset.as_deref().unwrap_or("small");
    let list = format!("worldsmith recipes {}", recipe.card().name);
    let Some(toml::Value::Table(preset)) = all.remove(name) else {
        return Err(Error::unknown("preset", name, all.keys().map(String::as_str), &list));
    };
    let part = |key: &str| preset.get(key).and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let mut run = part("run");
    let env = run.remove("env").and_then(|v| v.as_str().map(str::to_string));
    let mut run: Budget = run.try_into().map_err(|e: toml::de::Error| {
        Error::invalid(format!("preset `{name}`: {}", one_line(&e.to_string())))
    })?;
    if let Some(steps) = request.steps {
        run.prefill = (u128::from(run.prefill) * u128::from(steps) / u128::from(run.steps.max(1))) as u64;
        run.steps = steps;
    }
    let config = RunConfig {
        recipe: recipe.card().name.to_string(),
        preset: name.to_string(),
        env: match (&request.env, &request.data) {
            (Some(env), _) => env.clone(),
            (None, Some(_)) => String::new(),
            (None, None) => env.unwrap_or_else(|| "breakout".into()),
        },
        seed: request.seed.unwrap_or(0),
        data: request.data.clone().unwrap_or_default(),
        run,
        model: resolve_model(recipe, &part("model"))?,
    };
    Table::try_from(&config).map_err(|e| Error::invalid(e.to_string()))
}

/// The recipe's complete configuration, with numbers as short as they can be written: what a recipe holds in single
/// precision comes out as `0.1`, not as `0.10000000149011612`.
fn resolve_model(recipe: &dyn Recipe, given: &Table) -> Result<Table> {
    fn shorten(value: &mut toml::Value) {
        match value {
            toml::Value::Float(x) if f64::from(*x as f32) == *x => {
                *x = (*x as f32).to_string().parse().unwrap_or(*x);
            }
            toml::Value::Array(items) => items.iter_mut().for_each(shorten),
            toml::Value::Table(inner) => inner.iter_mut().for_each(|(_, v)| shorten(v)),
            _ => {}
        }
    }
    let mut model = recipe.resolve(given)?;
    model.iter_mut().for_each(|(_, value)| shorten(value));
    Ok(model)
}

/// A parser's message, which may span lines and quote the source, on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use worldsmith_core::Card;
    use worldsmith_recipes::{Claim, Learner};

    use super::*;

    /// Two presets and one setting; it is never built.
    struct Sketch;

    impl Recipe for Sketch {
        fn card(&self) -> &'static Card {
            &Card { name: "sketch", title: "", reference: "", idea: "", verbs: &[] }
        }

        fn presets(&self) -> &'static str {
            "[small.run]\nsteps = 1000\nprefill = 100\nenv = \"cartpole\"\n[tiny.model]\nunits = 4\n"
        }

        fn claims(&self) -> &'static [Claim] {
            &[]
        }

        fn resolve(&self, given: &Table) -> Result<Table> {
            let mut full: Table = toml::from_str("units = 8").expect("valid");
            full.extend(given.clone());
            Ok(full)
        }

        fn build(
            &self,
            _model: &Table,
            _spec: &worldsmith_core::EnvSpec,
            _seed: Seed,
            _device: &burn::prelude::Device,
        ) -> Result<Box<dyn Learner>> {
            Err(Error::invalid("a sketch is not built"))
        }
    }

    fn resolve(request: Request) -> Result<RunConfig> {
        RunConfig::resolve_for(&Sketch, &request)
    }

    #[test]
    fn preset_request_and_overrides_apply_in_this_order() {
        let set = vec![("model.units".to_string(), "16".to_string())];
        let config = resolve(Request { steps: Some(500), seed: Some(3), set, ..Request::default() }).unwrap();
        assert_eq!((config.env.as_str(), config.seed, config.preset.as_str()), ("cartpole", 3, "small"));
        assert_eq!((config.run.steps, config.run.prefill), (500, 50), "the prefill keeps its share");
        assert_eq!(config.model["units"].as_integer(), Some(16));
        let tiny = resolve(Request { preset: Some("tiny".into()), ..Request::default() }).unwrap();
        assert_eq!((tiny.env.as_str(), tiny.model["units"].as_integer()), ("breakout", Some(4)));
        assert_eq!(tiny.difference(&config).unwrap().0, "env");
    }

    #[test]
    fn a_saved_configuration_reads_back_equal() {
        let config = resolve(Request::default()).unwrap();
        let read: RunConfig = toml::from_str(&config.to_toml()).unwrap();
        assert_eq!(read, config);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<RunConfig>(&json).unwrap(), config);
    }

    #[test]
    fn updates_are_owed_once_the_prefill_is_over() {
        let set = vec![("run.updates_per_step".to_string(), "0.5".to_string())];
        let config = resolve(Request { set, ..Request::default() }).unwrap();
        let owed: Vec<u64> = [0, 99, 100, 101, 1000].map(|steps| config.updates_owed(steps)).into();
        assert_eq!(owed, [0, 0, 50, 50, 500]);
    }

    #[test]
    fn every_key_of_the_run_table_is_explained() {
        let keys = Table::try_from(Budget::default()).unwrap();
        let help = run_help();
        assert!(
            keys.keys().all(|key| help.get(&format!("run.{key}")).is_some_and(|words| words.ends_with('.')))
        );
        assert_eq!(help.len(), keys.len());
    }

    #[test]
    fn a_prefill_longer_than_the_run_is_refused() {
        let set = vec![("run.prefill".to_string(), "1001".to_string())];
        let err = resolve(Request { set, ..Request::default() }).unwrap_err();
        assert_eq!(err.to_string(), "`run.prefill`: expected at most `run.steps` = 1000, got 1001");
    }
}
