//! What a run begins with: its environment or its recorded episodes, and a learner built for them.

use std::collections::BTreeSet;
use std::path::Path;

use worldsmith_core::{EnvSpec, Error, ErrorKind, Result, Seed};
use worldsmith_data::Store;
use worldsmith_recipes::Learner;

use super::Actor;
use crate::RunConfig;
use crate::device::device;

/// Where experience comes from, and who learns from it.
pub(super) struct Source {
    pub spec: EnvSpec,
    /// Collects; `None` when training on recorded episodes.
    pub actor: Option<Actor>,
    /// Recorded episodes to train on, if that is the source.
    pub given: Option<Store>,
    pub learner: Box<dyn Learner>,
}

impl Source {
    /// What `config` asks for; `seed` is for the environments.
    pub fn open(config: &RunConfig, seed: Seed) -> Result<Self> {
        let recipe = worldsmith_recipes::recipe(&config.recipe)?;
        let (spec, actor, given) = match config.data.as_str() {
            "" => {
                let actor = Actor::new(&config.env, config.run.n_envs, seed)?;
                (actor.spec().clone(), Some(actor), None)
            }
            dir => {
                let store = open_data(Path::new(dir))?;
                let spec = recorded_spec(&store, &config.env)?;
                (spec, None, Some(store))
            }
        };
        let seed = config.root_seed().derive("learner");
        let learner = recipe.build(&config.model, &spec, seed, &device())?;
        Ok(Self { spec, actor, given, learner })
    }
}

/// Recorded episodes by their use, each a place in the store.
pub(crate) struct Shares {
    pub train: Vec<usize>,
    pub held_out: Vec<usize>,
}

/// Which recorded episodes are trained on and which are kept for judging: at most a fifth and no more than
/// `run.held_out_episodes`, but one where there are two. What they hold decides (their fingerprints), so that copies of an
/// episode have the same use, and the order of the store has no say.
///
/// # Errors
/// If the store's index is damaged.
pub(crate) fn shares(config: &RunConfig, store: &Store) -> Result<Shares> {
    let hashes = (0..store.len()).map(|idx| Ok(store.entry(idx)?.hash)).collect::<Result<Vec<String>>>()?;
    let different: BTreeSet<&String> = hashes.iter().collect();
    let n = (different.len() / 5).max(1).min(config.run.held_out_episodes);
    let kept: BTreeSet<&String> =
        different.iter().copied().take(n.min(different.len().saturating_sub(1))).collect();
    let (held_out, train) = (0..store.len()).partition(|idx| kept.contains(&hashes[*idx]));
    Ok(Shares { train, held_out })
}

/// Opens recorded episodes; a data set of another format must be imported first.
fn open_data(dir: &Path) -> Result<Store> {
    Store::open(dir).map_err(|err| match worldsmith_data::formats::detect(dir) {
        Ok(format) if format.name != "worldsmith" => Error::new(
            ErrorKind::Mismatch,
            format!("expected an episode store, found a data set of format `{}`", format.name),
        )
        .at(dir)
        .hint(format!("`worldsmith data import {} --out STORE` makes it one", dir.display())),
        _ => err,
    })
}

/// What the episodes show and accept; if an environment is named, it must be theirs.
fn recorded_spec(store: &Store, env: &str) -> Result<EnvSpec> {
    let (obs, action) = (store.obs(), store.action());
    if env.is_empty() {
        let (obs, action) = (obs.clone(), action.clone());
        return Ok(EnvSpec { id: String::new(), obs, action, action_names: Vec::new(), max_steps: None });
    }
    let spec = worldsmith_env::make(env)?.spec().clone();
    if (obs, action) == (&spec.obs, &spec.action) {
        return Ok(spec);
    }
    let message = format!(
        "the episodes do not fit `{}`: expected observation {} and action {}, got {obs} and {action}",
        spec.id, spec.obs, spec.action
    );
    Err(Error::new(ErrorKind::Mismatch, message)
        .at(store.dir())
        .hint("name their environment with `--env`, or leave `--env` out to train on the episodes alone"))
}
