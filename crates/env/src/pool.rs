//! Many environments stepped as one, with automatic resets.

use std::thread;

use worldsmith_core::{
    Env, EnvSpec, Episode, EpisodeMeta, Error, ErrorKind, Result, Rng, Seed, Step, StepKind, Value,
};

use crate::Options;
use crate::blueprint::{BuiltIn, Skill};
use crate::gym::{Lanes, Order};
use crate::registry::{self, Maker};
use crate::wire::{Reader, Writer};

/// First bytes of a saved pool.
const MAGIC: &[u8; 8] = b"wspool01";

/// Steps `n` environments of equal spaces and collects their episodes.
///
/// Resets are automatic: each environment starts out between episodes. A call to [`EnvPool::step`] that finds an
/// environment between episodes ignores its action, resets it and returns a first step; so the step after a last one is
/// always a first one. The `k`-th episode of environment `i` is reset with `seed.index(i).index(k)`, whatever the others
/// do; a vector environment of Gymnasium's (`gym:...?vector=true`) is seeded only when all its episodes begin at once, by the
/// first of their seeds.
///
/// The workers of Gymnasium environments compute side by side if the pool was made by [`EnvPool::make`]: all are asked
/// before the first answer is waited for.
pub struct EnvPool {
    seats: Seats,
    slots: Vec<Slot>,
    policy: String,
    finished: Vec<Episode>,
}

/// The seed of one environment and the episode it is in.
struct Slot {
    seed: Seed,
    n_episodes: u64,
    episode: Option<Episode>,
}

/// Where the environments run.
enum Seats {
    /// In the step call itself.
    Here(Vec<Box<dyn Env>>),
    /// There too, and they can be asked how they are played well.
    BuiltIn(Vec<Box<dyn BuiltIn>>),
    /// In workers that can be asked now and waited for later.
    Apart(Vec<Lanes>),
}

impl EnvPool {
    /// A pool of `n` environments made by the same id, all between episodes; workers start side by side.
    ///
    /// # Errors
    /// As [`make`](crate::make).
    pub fn make(id: &str, n: usize, seed: Seed) -> Result<Self> {
        let (entry, options) = registry::resolve(id)?;
        let seats = if matches!(entry.make, Maker::Outside(_)) {
            Seats::Apart(start_workers(&options, n)?)
        } else {
            Seats::BuiltIn((0..n).map(|_| registry::make_built_in(id)).collect::<Result<_>>()?)
        };
        Self::seated(seats, seed)
    }

    /// A pool of environments of any kind, all between episodes, stepped one after the other.
    ///
    /// # Errors
    /// If there is none, or their spaces differ.
    pub fn new(envs: Vec<Box<dyn Env>>, seed: Seed) -> Result<Self> {
        Self::seated(Seats::Here(envs), seed)
    }

    fn seated(seats: Seats, seed: Seed) -> Result<Self> {
        let specs = seats.specs();
        let Some(first) = specs.first() else {
            return Err(Error::invalid("expected at least one environment in a pool, got none"));
        };
        for spec in &specs {
            if (&spec.obs, &spec.action) != (&first.obs, &first.action) {
                let say = |s: &EnvSpec| format!("`{}` ({} -> {})", s.id, s.action, s.obs);
                let message =
                    format!("expected environments of equal spaces, got {} and {}", say(first), say(spec));
                return Err(Error::new(ErrorKind::Mismatch, message));
            }
        }
        let slot = |i| Slot { seed: seed.index(i), n_episodes: 0, episode: None };
        let slots = (0..specs.len() as u64).map(slot).collect();
        Ok(Self { slots, seats, policy: "random".into(), finished: Vec::new() })
    }

    /// What goes in and out of each environment.
    pub fn spec(&self) -> &EnvSpec {
        self.seats.specs()[0]
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
        let spec = self.spec();
        for (slot, action) in self.slots.iter().zip(actions) {
            if slot.episode.is_some() {
                spec.action.check(action)?;
            }
        }
        let orders: Vec<Order<'_>> =
            self.slots.iter().zip(actions).map(|(s, action)| s.order(action)).collect();
        let steps = self.seats.turn(&orders);
        let ids = self.seats.specs().into_iter().map(|spec| &spec.id);
        let turns = self.slots.iter_mut().zip(actions).zip(ids).zip(steps);
        let steps: Vec<Result<Step>> = turns
            .map(|(((slot, action), id), step)| {
                let step = step?;
                slot.record(action, &step, id, &self.policy)?;
                Ok(step)
            })
            .collect();
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
        match (&self.seats, skill) {
            (Seats::BuiltIn(envs), _) => Ok(envs.iter().map(|env| env.advise(skill, rng)).collect()),
            (seats, Skill::Random) => Ok(seats.specs().iter().map(|spec| spec.action.sample(rng)).collect()),
            _ => {
                let message = format!("`{}` has no scripted policy", self.spec().id);
                Err(Error::invalid(message).hint("only built-in environments know how they are played well"))
            }
        }
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
        for (slot, env) in self.slots.iter().zip(self.seats.here()?) {
            out.blob(&env.snapshot()?);
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
        for (i, (slot, (env, seed, n_episodes, episode))) in self.slots.iter_mut().zip(saved).enumerate() {
            self.seats.restore(i, env)?;
            (slot.seed, slot.n_episodes, slot.episode) = (seed, n_episodes, episode);
        }
        (self.policy, self.finished) = (policy, finished);
        Ok(())
    }
}

impl Seats {
    /// What goes in and out of each environment.
    fn specs(&self) -> Vec<&EnvSpec> {
        match self {
            Seats::Here(envs) => envs.iter().map(|env| env.spec()).collect(),
            Seats::BuiltIn(envs) => envs.iter().map(|env| env.spec()).collect(),
            Seats::Apart(workers) => {
                workers.iter().flat_map(|lanes| std::iter::repeat_n(lanes.spec(), lanes.len())).collect()
            }
        }
    }

    /// Those that run in this process, if they do.
    fn here(&self) -> Option<Vec<&dyn Env>> {
        match self {
            Seats::Here(envs) => Some(envs.iter().map(|env| &**env).collect()),
            Seats::BuiltIn(envs) => Some(envs.iter().map(|env| &**env as &dyn Env).collect()),
            Seats::Apart(_) => None,
        }
    }

    fn restore(&mut self, i: usize, state: &[u8]) -> Result<()> {
        match self {
            Seats::Here(envs) => envs[i].restore(state),
            Seats::BuiltIn(envs) => envs[i].restore(state),
            Seats::Apart(_) => {
                Err(Error::invalid(format!("environment `{}` cannot restore a state", self.specs()[i].id)))
            }
        }
    }

    /// Does what is asked of each environment.
    fn turn(&mut self, orders: &[Order<'_>]) -> Vec<Result<Step>> {
        match self {
            Seats::Here(envs) => {
                envs.iter_mut().zip(orders).map(|(env, order)| obey(&mut **env, order)).collect()
            }
            Seats::BuiltIn(envs) => {
                envs.iter_mut().zip(orders).map(|(env, order)| obey(&mut **env, order)).collect()
            }
            Seats::Apart(workers) => turn_apart(workers, orders),
        }
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        if let Seats::Apart(workers) = self {
            // All at once, before the first is waited for.
            workers.iter_mut().for_each(Lanes::hang_up);
        }
    }
}

fn obey(env: &mut (impl Env + ?Sized), order: &Order<'_>) -> Result<Step> {
    match order {
        Order::Reset(seed) => env.reset(*seed),
        Order::Step(action) => env.step(action),
    }
}

/// Asks all workers, then waits for each.
fn turn_apart(workers: &mut [Lanes], orders: &[Order<'_>]) -> Vec<Result<Step>> {
    let mut rest = orders;
    let mut begun = Vec::with_capacity(workers.len());
    for lanes in workers.iter_mut() {
        let (own, others) = rest.split_at(lanes.len());
        begun.push(lanes.begin(own));
        rest = others;
    }
    let mut steps = Vec::with_capacity(orders.len());
    for (lanes, begun) in workers.iter_mut().zip(begun) {
        match begun.and_then(|()| lanes.finish()) {
            Ok(own) => steps.extend(own.into_iter().map(Ok)),
            // The first error is the one that is reported.
            Err(err) => {
                let n = lanes.len();
                steps.push(Err(err));
                steps.extend((1..n).map(|_| Err(Error::new(ErrorKind::External, "the worker failed"))));
            }
        }
    }
    steps
}

/// Workers for `n` environments, as evenly filled as it goes, started side by side.
fn start_workers(options: &Options, n: usize) -> Result<Vec<Lanes>> {
    let n_workers = n.div_ceil(Lanes::per_worker(options, n)?);
    let share = |i: usize| n / n_workers + usize::from(i < n % n_workers);
    thread::scope(|scope| {
        let start = |i| scope.spawn(move || Lanes::new(options, share(i), n_workers));
        let threads: Vec<_> = (0..n_workers).map(start).collect();
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(panicked()))).collect()
    })
}

impl Slot {
    /// The seed of the episode to come.
    fn next_seed(&self) -> Seed {
        self.seed.index(self.n_episodes)
    }

    /// A step inside an episode, a reset between two.
    fn order<'a>(&self, action: &'a Value) -> Order<'a> {
        if self.episode.is_some() { Order::Step(action) } else { Order::Reset(self.next_seed()) }
    }

    /// Writes down what came of it.
    fn record(&mut self, action: &Value, step: &Step, id: &str, policy: &str) -> Result<()> {
        if let Some(episode) = &mut self.episode {
            return episode.push(action.clone(), step.clone());
        }
        let meta = EpisodeMeta {
            env: id.to_string(),
            policy: policy.to_string(),
            seed: self.next_seed(),
            source: "real".into(),
            task: None,
        };
        self.n_episodes += 1;
        self.episode = Some(Episode::start(step.obs.clone(), meta));
        Ok(())
    }

    fn take_finished(&mut self) -> Option<Episode> {
        self.episode.take_if(|episode| episode.end != StepKind::Mid)
    }
}

fn panicked() -> Error {
    Error::new(ErrorKind::External, "a thread that starts a worker panicked")
}
