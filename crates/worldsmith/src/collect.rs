//! Recording whole episodes, each on a seed of its own, without favouring short ones.

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Serialize;
use worldsmith_core::{Episode, Error, ErrorKind, Result, Seed, Space};
use worldsmith_data::{Keeping, Pictures, Store};
use worldsmith_env::Skill;
use worldsmith_plan::Mode;

use crate::run::Actor;
use crate::{Progress, Stop, load};

/// What to record.
#[derive(Debug, Clone)]
pub struct CollectRequest {
    /// Id of the environment; the run's own if a run acts and none is given.
    pub env: Option<String>,
    /// Run or checkpoint whose agent acts.
    pub agent: Option<PathBuf>,
    /// How well the environment's own script plays where no agent acts: `random`, `weak` or `expert`; at random if left out.
    pub skill: Option<String>,
    /// Episodes to record.
    pub episodes: usize,
    /// Copies of the environment stepped together.
    pub n_envs: usize,
    /// Seed of environments and actions.
    pub seed: u64,
    /// Folder of the episode store; made if it is not there, else added to.
    pub out: PathBuf,
    /// How a new store keeps pictures; raw if left out.
    pub pictures: Option<Pictures>,
}

/// What was recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collected {
    /// Folder of the store.
    pub out: PathBuf,
    /// Id of the environment.
    pub env: String,
    /// Who acted.
    pub policy: String,
    /// Episodes recorded now.
    pub episodes: usize,
    /// Steps in them.
    pub steps: usize,
    /// Mean sum of rewards of an episode.
    pub mean_return: f64,
    /// Episodes in the store altogether.
    pub stored: usize,
}

/// Records episodes of a scripted player or of a run's agent into a store.
///
/// # Errors
/// If environment or agent cannot be had or do not fit, or the store cannot be written. What was recorded until then
/// stays.
pub fn collect(request: &CollectRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<Collected> {
    let loaded = request.agent.as_ref().map(load).transpose()?;
    let id = match (&request.env, &loaded) {
        (Some(id), _) => id.clone(),
        (None, Some(loaded)) => loaded.spec().id.clone(),
        (None, None) => "breakout".to_string(),
    };
    let seed = seed_for(request);
    let mut actor = Actor::new(&id, request.n_envs.clamp(1, request.episodes.max(1)), seed)?;
    if let Some(loaded) = &loaded {
        crate::load::check_fit(loaded.spec(), actor.spec())?;
    }
    let spec = actor.spec().clone();
    let name = match (&loaded, &request.skill) {
        (Some(_), Some(_)) => return Err(Error::invalid("expected an agent or a skill, got both")),
        (Some(loaded), None) => {
            let policy = loaded.policy();
            let name = policy.name().to_string();
            actor.set_policy(policy);
            name
        }
        (None, Some(name)) => {
            actor.set_script(name, skill(name)?)?;
            name.clone()
        }
        (None, None) => "random".to_string(),
    };
    let mut store = open_store(request, [&spec.obs, &spec.action])?;
    store.leftovers().iter().for_each(|said| progress.warn(said));
    let (mut steps, mut total) = (0, 0.0);
    progress.stage("collect", request.episodes as u64);
    let mut n_done = 0;
    record(&mut actor, request.episodes, seed, stop, &mut |episode| {
        (steps, total) = (steps + episode.len(), total + f64::from(episode.total_reward()));
        store.append(&episode)?;
        n_done += 1;
        progress.at(n_done, "");
        Ok(())
    })?;
    let episodes = request.episodes;
    let mean_return = total / episodes.max(1) as f64;
    Ok(Collected {
        out: request.out.clone(),
        env: id,
        policy: name,
        episodes,
        steps,
        mean_return,
        stored: store.len(),
    })
}

/// The skill called `name`.
fn skill(name: &str) -> Result<Skill> {
    let found = Skill::ALL.into_iter().find(|(known, _)| *known == name);
    let known = Skill::ALL.into_iter().map(|(known, _)| known);
    found
        .map(|(_, skill)| skill)
        .ok_or_else(|| Error::unknown("skill", name, known, "worldsmith collect --help"))
}

/// What is added to a store comes from seeds of its own: the same request twice records other episodes the second time.
fn seed_for(request: &CollectRequest) -> Seed {
    let n_there = Store::open(&request.out).map_or(0, |store| store.len() as u64);
    let seed = Seed(request.seed);
    if n_there == 0 { seed } else { seed.derive("added").index(n_there) }
}

/// The store to record into: the one that is there, or a new one.
fn open_store(request: &CollectRequest, [obs, action]: [&Space; 2]) -> Result<Store> {
    let store = match request.out.join("store.json").exists() {
        true => Store::open(&request.out)?,
        false => {
            let keeping = Keeping { pictures: request.pictures.unwrap_or_default(), fps: None };
            Store::create_with(&request.out, obs, action, keeping)?
        }
    };
    match request.pictures {
        Some(asked) if asked != store.pictures() => {
            let message = format!("expected a store of {asked} pictures, got one of {}", store.pictures());
            Err(Error::new(ErrorKind::Mismatch, message).at(&request.out))
        }
        _ => Ok(store),
    }
}

/// Plays `n` episodes with a new `actor` made with `seed` and hands each to `keep` as it ends. Every environment plays
/// its share to the end, so that which episodes are kept does not depend on their length.
pub(crate) fn record(
    actor: &mut Actor,
    n: usize,
    seed: Seed,
    stop: &Stop,
    keep: &mut dyn FnMut(Episode) -> Result<()>,
) -> Result<()> {
    let n_envs = actor.n_envs();
    let seed_of = |idx: usize| seed.derive("env").index((idx % n_envs) as u64).index((idx / n_envs) as u64);
    let mut wanted: HashSet<Seed> = (0..n).map(seed_of).collect();
    while !wanted.is_empty() {
        stop.check()?;
        let (_, finished) = actor.step(Mode::Sample)?;
        for episode in finished {
            if wanted.remove(&episode.meta.seed) {
                keep(episode)?;
            }
        }
    }
    Ok(())
}
