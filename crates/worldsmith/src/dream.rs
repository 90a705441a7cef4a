//! Dreams to keep: imagined episodes as films beside the real world, and in a store.

use std::path::PathBuf;

use serde::Serialize;
use worldsmith_core::{Env, Episode, EpisodeMeta, Error, Image, Result, Rng, Seed, Step, Value};
use worldsmith_data::{Store, export};
use worldsmith_plan::{Dream, Mode, Policy, RandomPolicy};

use crate::run::folder;
use crate::session::picture;
use crate::{Progress, Stop, judge, load};

/// Frames in a film strip.
const STRIP_FRAMES: usize = 12;
/// Screen pixels a picture pixel, so that a 64-pixel frame can be looked at.
const SCALE: usize = 3;
const FPS: u32 = 15;

/// What to dream.
#[derive(Debug, Clone)]
pub struct DreamRequest {
    /// Run or checkpoint whose world is dreamt.
    pub run: PathBuf,
    /// Episodes to dream.
    pub episodes: usize,
    /// Longest episode, in steps.
    pub steps: usize,
    /// Seed of starts, dreams and actions.
    pub seed: u64,
    /// Act at random instead of by the agent.
    pub random: bool,
    /// Folder for the films and the store; `dream` in the run folder if left out.
    pub out: Option<PathBuf>,
}

/// What was dreamt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dreamt {
    /// The folder written to.
    pub out: PathBuf,
    /// Animations, real world on the left and dream on the right, under the same actions.
    pub gifs: Vec<PathBuf>,
    /// Film strips, real above dream.
    pub strips: Vec<PathBuf>,
    /// Store of the imagined episodes.
    pub store: PathBuf,
    /// Return of each imagined episode.
    pub dreamt_returns: Vec<f32>,
    /// Return of the same actions in the real world.
    pub real_returns: Vec<f32>,
}

/// Dreams episodes of a run's world and films them beside the real one.
///
/// # Errors
/// If the run has no model, the environment cannot be had, or the folder cannot be written.
pub fn dream(request: &DreamRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<Dreamt> {
    let loaded = load(&request.run)?;
    let out = request.out.clone().unwrap_or_else(|| request.run.join("dream"));
    let seed = Seed(request.seed);
    let mut real = Real::of(&loaded, request)?;
    let mut dream = loaded.dream_from(&real.first_obs(seed)?, Some(request.steps))?;
    let policy: Box<dyn Policy> = match request.random {
        true => Box::new(RandomPolicy { action: loaded.spec().action.clone() }),
        false => loaded.policy(),
    };
    std::fs::create_dir_all(&out).map_err(|e| Error::io("create the folder", &out, &e))?;
    let mut store = Store::create(&out.join("episodes"), &loaded.spec().obs, &loaded.spec().action)
        .map_err(|e| e.hint("name another folder with `--out`"))?;
    let mut dreamt = Dreamt {
        store: out.join("episodes"),
        out,
        gifs: Vec::new(),
        strips: Vec::new(),
        dreamt_returns: Vec::new(),
        real_returns: Vec::new(),
    };
    progress.stage("dream", request.episodes as u64);
    for idx in 0..request.episodes {
        stop.check()?;
        let seed = seed.index(idx as u64);
        let film = match &mut real {
            Real::Env(env) => shoot(&mut **env, &mut dream, &*policy, seed)?,
            Real::Recorded(store) => retrace(&store.read(idx % store.len())?, &mut dream, seed)?,
        };
        store.append(&film.episode)?;
        film.write(idx, &mut dreamt)?;
        progress.at(idx as u64 + 1, "");
    }
    Ok(dreamt)
}

/// What the dream is filmed beside.
enum Real {
    Env(Box<dyn Env>),
    /// Held-out episodes, where a run has no environment: the dream is led through their actions.
    Recorded(Box<Store>),
}

impl Real {
    fn of(loaded: &crate::Loaded, request: &DreamRequest) -> Result<Self> {
        if !loaded.spec().id.is_empty() {
            return Ok(Self::Env(loaded.env()?));
        }
        let store = Store::open(&judge::run_folder(&request.run, loaded).join(folder::HELD_OUT))?;
        match store.is_empty() {
            true => {
                Err(Error::invalid("expected held-out episodes to dream along, got none").at(store.dir()))
            }
            false => Ok(Self::Recorded(Box::new(store))),
        }
    }

    fn first_obs(&mut self, seed: Seed) -> Result<Value> {
        match self {
            Self::Env(env) => Ok(env.reset(seed)?.obs),
            Self::Recorded(store) => Ok(store.read(0)?.obs.swap_remove(0)),
        }
    }
}

/// The dream under the actions of a recorded episode, from its start, beside what was recorded.
fn retrace(recorded: &Episode, dream: &mut Dream, seed: Seed) -> Result<Film> {
    let space = dream.spec().obs.clone();
    let mut step = dream.start_from(&recorded.obs[0], seed.derive("dream"))?;
    let meta = EpisodeMeta { source: "dream".into(), ..recorded.meta.clone() };
    let mut film = Film {
        episode: Episode::start(step.obs.clone(), meta),
        real: vec![picture(&space, &recorded.obs[0])?],
        dream: vec![picture(&space, &step.obs)?],
        real_return: 0.0,
    };
    for (action, (obs, reward)) in
        recorded.actions.iter().zip(recorded.obs[1..].iter().zip(&recorded.rewards))
    {
        if step.kind.is_last() {
            break;
        }
        step = dream.step(action)?;
        film.real_return += reward;
        film.real.push(picture(&space, obs)?);
        film.dream.push(picture(&space, &step.obs)?);
        film.episode.push(action.clone(), step.clone())?;
    }
    Ok(film)
}

/// An imagined episode and its pictures.
struct Film {
    episode: Episode,
    real: Vec<Image>,
    dream: Vec<Image>,
    real_return: f32,
}

/// The policy acts on what it dreams; the real world goes along under the same actions until one of them ends.
fn shoot(real: &mut dyn Env, dream: &mut Dream, policy: &dyn Policy, seed: Seed) -> Result<Film> {
    let space = real.spec().obs.clone();
    let mut real_step = real.reset(seed.derive("real"))?;
    let mut step = dream.start_from(&real_step.obs, seed.derive("dream"))?;
    let meta = EpisodeMeta {
        env: dream.spec().id.clone(),
        policy: policy.name().to_string(),
        seed,
        source: "dream".into(),
        task: None,
    };
    let mut film = Film {
        episode: Episode::start(step.obs.clone(), meta),
        real: vec![picture(&space, &real_step.obs)?],
        dream: vec![picture(&space, &step.obs)?],
        real_return: 0.0,
    };
    let (mut memory, mut rng) = (policy.start(1), seed.derive("act").rng());
    while !step.kind.is_last() {
        let action = choose(policy, &mut memory, &step, film.episode.is_empty(), &mut rng)?;
        step = dream.step(&action)?;
        if !real_step.kind.is_last() {
            real_step = real.step(&action)?;
            film.real_return += real_step.reward;
        }
        film.real.push(picture(&space, &real_step.obs)?);
        film.dream.push(picture(&space, &step.obs)?);
        film.episode.push(action, step.clone())?;
    }
    Ok(film)
}

fn choose(
    policy: &dyn Policy,
    memory: &mut worldsmith_plan::Latent,
    step: &Step,
    first: bool,
    rng: &mut Rng,
) -> Result<Value> {
    let actions = policy.act(memory, std::slice::from_ref(&step.obs), &[first], Mode::Sample, rng)?;
    actions.into_iter().next().ok_or_else(|| Error::invalid("expected one action, got none"))
}

impl Film {
    fn write(self, idx: usize, dreamt: &mut Dreamt) -> Result<()> {
        let (gif, strip) =
            (dreamt.out.join(format!("{idx:03}.gif")), dreamt.out.join(format!("{idx:03}.png")));
        let pairs = self.real.iter().zip(&self.dream);
        let frames: Vec<Image> = pairs
            .map(|(real, dream)| export::strip(&[vec![real.clone(), dream.clone()]], SCALE))
            .collect::<Result<_>>()?;
        export::gif(&frames, FPS, 1, &gif)?;
        let last = self.real.len() - 1;
        let shown: Vec<usize> =
            (0..STRIP_FRAMES.min(last + 1)).map(|i| i * last / (STRIP_FRAMES - 1).min(last).max(1)).collect();
        let row = |film: &[Image]| shown.iter().map(|i| film[*i].clone()).collect::<Vec<_>>();
        export::png(&export::strip(&[row(&self.real), row(&self.dream)], SCALE)?, 1, &strip)?;
        dreamt.gifs.push(gif);
        dreamt.strips.push(strip);
        dreamt.dreamt_returns.push(self.episode.total_reward());
        dreamt.real_returns.push(self.real_return);
        Ok(())
    }
}
