//! Many environments stepped as one, with automatic resets.

use std::thread;

use worldsmith_core::{
    Env, EnvSpec, Episode, EpisodeMeta, Error, ErrorKind, Result, Rng, Seed, Step, StepKind, Value,
};

use crate::blueprint::{BuiltIn, Skill};
use crate::gym::GymEnv;
use crate::registry::{self, Maker};
use crate::wire::{Reader, Writer};

/// First bytes of a saved pool.
const MAGIC: &[u8; 8] = b"wspool01";

/// Steps `n` environments of equal spaces and collects their episodes.
///
/// Resets are automatic: each environment starts out between episodes. A call to [`EnvPool::step`] that finds an
/// environment between episodes ignores its action, resets it and returns a first step; so the step after a last one is
/// always a first one. The `k`-th episode of environment `i` is reset with `seed.index(i).index(k)`, whatever the others
/// do.
///
/// The workers of Gymnasium environments compute side by side if the pool was made by [`EnvPool::make`]: all are asked
/// before the first answer is waited for.
pub struct EnvPool {
    slots: Vec<Slot>,
    policy: String,
    finished: Vec<Episode>,
}

/// One environment, its seed and the episode it is in.
struct Slot {
    seat: Seat,
    seed: Seed,
    n_episodes: u64,
    episode: Option<Episode>,
}

/// Where an environment runs.
enum Seat {
    /// In the step call itself.
    Here(Box<dyn Env>),
    /// There too, and it can be asked how it is played well.
    BuiltIn(Box<dyn BuiltIn>),
    /// In a worker that can be asked now and waited for later.
    Apart(Box<GymEnv>),
}

impl EnvPool {
    /// A pool of `n` environments made by the same id, all between episodes; workers start side by side.
    ///
    /// # Errors
    /// As [`make`](crate::make).
    pub fn make(id: &str, n: usize, seed: Seed) -> Result<Self> {
        let (entry, options) = registry::resolve(id)?;
        let seats = if matches!(entry.make, Maker::Outside(_)) {
            thread::scope(|scope| {
                let threads: Vec<_> = (0..n).map(|_| scope.spawn(|| GymEnv::new(&options))).collect();
                let join = |t: thread::ScopedJoinHandle<'_, Result<GymEnv>>| {
                    t.join().unwrap_or_else(|_| Err(panicked()))
                };
                threads.into_iter().map(|t| Ok(Seat::Apart(Box::new(join(t)?)))).collect::<Result<_>>()
            })?
        } else {
            (0..n).map(|_| Ok(Seat::BuiltIn(registry::make_built_in(id)?))).collect::<Result<_>>()?
        };
        Self::seated(seats, seed)
    }

    /// A pool of environments of any kind, all between episodes, stepped one after the other.
    ///
    /// # Errors
    /// If there is none, or their spaces differ.
    pub fn new(envs: Vec<Box<dyn Env>>, seed: Seed) -> Result<Self> {
        Self::seated(envs.into_iter().map(Seat::Here).collect(), seed)
    }

    fn seated(seats: Vec<Seat>, seed: Seed) -> Result<Self> {
        let Some(first) = seats.first().map(|seat| seat.env().spec().clone()) else {
            return Err(Error::invalid("expected at least one environment in a pool, got none"));
        };
        for spec in seats.iter().map(|seat| seat.env().spec()) {
            if (&spec.obs, &spec.action) != (&first.obs, &first.action) {
                let say = |s: &EnvSpec| format!("`{}` ({} -> {})", s.id, s.action, s.obs);
                let message =
                    format!("expected environments of equal spaces, got {} and {}", say(&first), say(spec));
                return Err(Error::new(ErrorKind::Mismatch, message));
            }
        }
        let slots = (0..).zip(seats).map(|(i, seat)| Slot {
            seat,
            seed: seed.index(i),
            n_episodes: 0,
            episode: None,
        });
        Ok(Self { slots: slots.collect(), policy: "random".into(), finished: Vec::new() })
    }

    /// What goes in and out of each environment.
    pub fn spec(&self) -> &EnvSpec {
        self.slots[0].seat.env().spec()
    }

    /// Number of environments.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Never: a pool has at least one environment.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Names who acts in the episodes that start from now on; `random` at first.
    pub fn set_policy(&mut self, name: &str) {
        self.policy = name.to_string();
    }

    /// The episode environment `i` is in, or `None` between episodes.
    pub fn episode(&self, i: usize) -> Option<&Episode> {
        self.slots.get(i)?.episode.as_ref()
    }

    /// Takes one action in each environment; those between episodes are reset instead.
    ///
    /// # Errors
    /// If the number of actions is wrong or one lies outside the action space (then nothing has moved), or an
    /// environment fails for good (then the others have moved).
    pub fn step(&mut self, actions: &[Value]) -> Result<Vec<Step>> {
        if actions.len() != self.len() {
            return Err(Error::invalid(format!("expected {} actions, got {}", self.len(), actions.len())));
        }
        for (slot, action) in self.slots.iter().zip(actions) {
            if slot.episode.is_some() {
                slot.seat.env().spec().action.check(action)?;
            }
        }
        let policy = self.policy.clone();
        let begun: Vec<Result<()>> =
            self.slots.iter_mut().zip(actions).map(|(slot, action)| slot.begin(action)).collect();
        let turns = self.slots.iter_mut().zip(actions).zip(begun);
        let steps: Vec<Result<Step>> =
            turns.map(|((slot, action), begun)| begun.and_then(|()| slot.finish(action, &policy))).collect();
        self.finished.extend(self.slots.iter_mut().filter_map(Slot::take_finished));
        steps.into_iter().collect()
    }

    /// Abandons the episodes in progress and starts a new one in each environment.
    ///
    /// # Errors
    /// If an environment fails for good.
    pub fn reset(&mut self) -> Result<Vec<Step>> {
        self.slots.iter_mut().for_each(|slot| slot.episode = None);
        let ignored = vec![Value::Discrete(0); self.len()];
        self.step(&ignored)
    }

    /// What players of this skill do now, one action an environment.
    ///
    /// # Errors
    /// If the environments are not built in, for any skill but [`Skill::Random`].
    pub fn advise(&self, skill: Skill, rng: &mut Rng) -> Result<Vec<Value>> {
        let advise = |slot: &Slot| match (&slot.seat, skill) {
            (Seat::BuiltIn(env), _) => Ok(env.advise(skill, rng)),
            (seat, Skill::Random) => Ok(seat.env().spec().action.sample(rng)),
            (seat, _) => {
                let message = format!("`{}` has no scripted policy", seat.env().spec().id);
                Err(Error::invalid(message).hint("only built-in environments know how they are played well"))
            }
        };
        self.slots.iter().map(advise).collect()
    }

    /// The episodes that ended since the last call, oldest first.
    pub fn take_finished(&mut self) -> Vec<Episode> {
        std::mem::take(&mut self.finished)
    }

    /// The whole pool as bytes: environments, episodes in progress, finished episodes not yet taken. `None` if an
    /// environment cannot be saved; the caller then starts again with [`EnvPool::reset`].
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        let mut out = Writer { bytes: MAGIC.to_vec() };
        out.count(self.slots.len());
        for slot in &self.slots {
            out.blob(&slot.seat.env().snapshot()?);
            out.u64(slot.seed.0);
            out.u64(slot.n_episodes);
            out.count(slot.episode.iter().len());
            slot.episode.iter().for_each(|e| out.episode(e));
        }
        out.blob(self.policy.as_bytes());
        out.count(self.finished.len());
        self.finished.iter().for_each(|e| out.episode(e));
        Some(out.bytes)
    }

    /// Goes back to a state written by [`EnvPool::snapshot`] of a pool of the same environments: from there on both take
    /// the same steps.
    ///
    /// # Errors
    /// If the bytes are torn, foreign, or of a pool of another size (then nothing has changed), or an environment refuses
    /// its part (then reset the pool before going on).
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let mut reader = Reader::new(bytes);
        if reader.take(MAGIC.len()).ok() != Some(MAGIC) {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "expected a saved pool of environments, got other bytes",
            ));
        }
        let saved = reader.list(|r| {
            let (env, seed, n_episodes) = (r.blob()?, Seed(r.u64()?), r.u64()?);
            Ok((env, seed, n_episodes, r.list(Reader::episode)?.pop()))
        })?;
        let (policy, finished) = (reader.text()?, reader.list(Reader::episode)?);
        reader.finish()?;
        if saved.len() != self.len() {
            let message =
                format!("expected a pool of {} environments, got one of {}", self.len(), saved.len());
            return Err(Error::new(ErrorKind::Mismatch, message));
        }
        for (slot, (env, seed, n_episodes, episode)) in self.slots.iter_mut().zip(saved) {
            slot.seat.env_mut().restore(env)?;
            (slot.seed, slot.n_episodes, slot.episode) = (seed, n_episodes, episode);
        }
        (self.policy, self.finished) = (policy, finished);
        Ok(())
    }
}

impl Seat {
    fn env(&self) -> &dyn Env {
        match self {
            Seat::Here(env) => &**env,
            Seat::BuiltIn(env) => &**env,
            Seat::Apart(env) => &**env,
        }
    }

    fn env_mut(&mut self) -> &mut dyn Env {
        match self {
            Seat::Here(env) => &mut **env,
            Seat::BuiltIn(env) => &mut **env,
            Seat::Apart(env) => &mut **env,
        }
    }
}

impl Slot {
    /// The seed of the episode to come.
    fn next_seed(&self) -> Seed {
        self.seed.index(self.n_episodes)
    }

    /// Asks a worker for the step inside an episode or the reset between two.
    fn begin(&mut self, action: &Value) -> Result<()> {
        let seed = self.next_seed();
        match (&mut self.seat, &self.episode) {
            (Seat::Here(_) | Seat::BuiltIn(_), _) => Ok(()),
            (Seat::Apart(env), Some(_)) => env.begin_step(action),
            (Seat::Apart(env), None) => {
                env.begin_reset(seed);
                Ok(())
            }
        }
    }

    /// Waits for what was begun, or does it here, and writes it down.
    fn finish(&mut self, action: &Value, policy: &str) -> Result<Step> {
        let seed = self.next_seed();
        let step = match (&mut self.seat, &self.episode) {
            (Seat::Apart(env), _) => env.finish()?,
            (seat, Some(_)) => seat.env_mut().step(action)?,
            (seat, None) => seat.env_mut().reset(seed)?,
        };
        if let Some(episode) = &mut self.episode {
            episode.push(action.clone(), step.clone())?;
            return Ok(step);
        }
        let meta = EpisodeMeta {
            env: self.seat.env().spec().id.clone(),
            policy: policy.to_string(),
            seed,
            source: "real".into(),
            task: None,
        };
        self.n_episodes += 1;
        self.episode = Some(Episode::start(step.obs.clone(), meta));
        Ok(step)
    }

    fn take_finished(&mut self) -> Option<Episode> {
        self.episode.take_if(|episode| episode.end != StepKind::Mid)
    }
}

fn panicked() -> Error {
    Error::new(ErrorKind::External, "a thread that starts a worker panicked")
}
