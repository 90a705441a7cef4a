//! What a run begins with: its environment or its recorded episodes, and a learner built for them.

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
        let (actor, given) = match config.data.as_str() {
            "" => (Actor::new(&config.env, config.run.n_envs, seed)?, None),
            dir => (Actor::new(&config.env, 1, seed)?, Some(Store::open(Path::new(dir))?)),
        };
        let spec = actor.spec().clone();
        given.iter().try_for_each(|store| check_spaces(store, &spec))?;
        let seed = config.root_seed().derive("learner");
        let learner = recipe.build(&config.model, &spec, seed, &device())?;
        let actor = given.is_none().then_some(actor);
        Ok(Self { spec, actor, given, learner })
    }
}

/// Of recorded episodes, how many at the end are kept for judging: at most a fifth.
pub(crate) fn n_held_out(config: &RunConfig, store: &Store) -> usize {
    config.run.held_out_episodes.min(store.len() / 5)
}

fn check_spaces(store: &Store, spec: &EnvSpec) -> Result<()> {
    let (obs, action) = (store.obs(), store.action());
    if (obs, action) == (&spec.obs, &spec.action) {
        return Ok(());
    }
    let message = format!(
        "the episodes do not fit `{}`: expected observation {} and action {}, got {obs} and {action}",
        spec.id, spec.obs, spec.action
    );
    Err(Error::new(ErrorKind::Mismatch, message).at(store.dir()).hint("name their environment with `--env`"))
}
