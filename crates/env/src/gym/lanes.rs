//! [`Lanes`]: the environments of one worker, asked together, and what happens when the worker fails.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use worldsmith_core::{EnvSpec, Error, ErrorKind, Result, Seed, Step, StepKind, Value};

use super::config::{self, WorkerConfig};
use super::greeting::{ERROR, Greeting, Launch, quoted, start};
use super::lens::{Lens, Stack, write_action};
use super::link::{Frame, HEAD, seal};
use super::worker::{Failure, Worker};
use crate::Options;
use crate::clock::Clock;
use crate::wire::{Reader, Writer};

/// Failures in a row, without a successful step in between, after which there is no other try.
const MAX_FAILURES: usize = 3;

/// What goes to the worker, for each environment.
const RESET: u8 = b'R';
const STEP: u8 = b'S';
/// A vector environment resets this one by itself; an action is there because its form wants one.
const AUTO: u8 = b'A';
const NOTHING: u8 = b'N';
/// What comes back.
const STEPPED: u8 = b'S';
/// The kind of step of an environment that was asked for nothing.
const NO_STEP: u8 = 4;

/// What is asked of one environment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order<'a> {
    /// A new episode.
    Reset(Seed),
    /// A step in the one that is under way.
    Step(&'a Value),
}

/// `n` environments in one worker.
pub(crate) struct Lanes {
    spec: EnvSpec,
    config: WorkerConfig,
    launch: Launch,
    timeout: Duration,
    worker: Option<Worker>,
    lens: Lens,
    lanes: Vec<Lane>,
    /// What the worker was last asked.
    request: Vec<u8>,
    /// Its last proper answer, and memory for the next one.
    last: Frame,
    inbox: Frame,
    /// Some action, for form's sake.
    idle: Value,
    n_failures: usize,
}

/// One environment.
struct Lane {
    clock: Clock,
    stack: Stack,
    /// What was asked last: a reset with this seed, or else a step.
    reset: Option<Seed>,
}

impl Lanes {
    /// Starts one of `n_workers` workers and has it make `n` environments.
    ///
    /// # Errors
    /// As [`GymEnv::new`](super::GymEnv::new).
    pub fn new(options: &Options, n: usize, n_workers: usize) -> Result<Self> {
        let pythons = config::pythons(options);
        let launch = move || pythons.iter().map(config::command).collect();
        let n_cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::launch(options, n, n_workers < n_cores, Box::new(launch))
    }

    /// How many environments a worker should hold, of `n` that are wanted.
    ///
    /// # Errors
    /// If an option has a wrong value.
    pub fn per_worker(options: &Options, n: usize) -> Result<usize> {
        Ok(WorkerConfig::new(options, 1)?.envs_per_worker.unwrap_or(n).clamp(1, n.max(1)))
    }

    fn launch(options: &Options, n: usize, may_spin: bool, launch: Launch) -> Result<Self> {
        let mut config = WorkerConfig::new(options, n)?;
        config.may_spin = may_spin;
        let timeout = config::timeout(options)?;
        let Greeting { worker, spec, lens } = start(options.id(), &config, &launch, timeout)?;
        let lane =
            || Lane { clock: Clock::stopped(), stack: Stack::new(config.wish.frame_stack), reset: None };
        Ok(Self {
            idle: spec.action.sample(&mut Seed(0).rng()),
            lanes: (0..n).map(|_| lane()).collect(),
            worker: Some(worker),
            request: Vec::new(),
            last: Frame::default(),
            inbox: Frame::default(),
            n_failures: 0,
            spec,
            config,
            launch,
            timeout,
            lens,
        })
    }

    /// What goes in and out of each environment.
    pub fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    /// How many environments there are.
    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Lets the worker go; it is waited for when this is dropped. Others can be let go in between.
    pub fn hang_up(&mut self) {
        if let Some(worker) = &mut self.worker {
            worker.hang_up();
        }
    }

    /// Asks something of every environment; [`Lanes::finish`] waits for it. Other workers can be asked in between.
    ///
    /// # Errors
    /// If an action lies outside the action space or a step outside an episode; then nothing is asked.
    pub fn begin(&mut self, orders: &[Order<'_>]) -> Result<()> {
        for (lane, order) in self.lanes.iter().zip(orders) {
            if let Order::Step(action) = order {
                lane.clock.admit(&self.spec, action)?;
            }
        }
        for (lane, order) in self.lanes.iter_mut().zip(orders) {
            lane.reset = match order {
                Order::Reset(seed) => Some(*seed),
                Order::Step(_) => None,
            };
        }
        self.request = self.written(orders);
        if let Some(worker) = &mut self.worker {
            worker.send(&self.request);
        }
        Ok(())
    }

    /// The frame that asks for `orders`. A vector environment has one seed, and resets by itself what has ended.
    fn written(&self, orders: &[Order<'_>]) -> Vec<u8> {
        let by_itself = self.config.vector && orders.iter().any(|order| matches!(order, Order::Step(_)));
        let mut tags = vec![0; HEAD];
        tags.extend(orders.iter().map(|order| match order {
            Order::Step(_) => STEP,
            Order::Reset(_) if by_itself => AUTO,
            Order::Reset(_) => RESET,
        }));
        let mut out = Writer { bytes: tags };
        for order in orders {
            match order {
                Order::Step(action) => write_action(action, &mut out),
                Order::Reset(_) if by_itself => write_action(&self.idle, &mut out),
                Order::Reset(seed) => out.u64(seed.0),
            }
        }
        seal(&mut out.bytes);
        out.bytes
    }

    /// The frame that asks a new worker for the resets alone. A vector environment can only reset all.
    fn resets(&self) -> Vec<u8> {
        let wants = |lane: &&Lane| self.config.vector || lane.reset.is_some();
        let mut out = Writer { bytes: vec![0; HEAD] };
        self.lanes.iter().for_each(|lane| out.u8(if wants(&lane) { RESET } else { NOTHING }));
        self.lanes.iter().filter(wants).for_each(|lane| out.u64(lane.reset.unwrap_or(Seed(0)).0));
        seal(&mut out.bytes);
        out.bytes
    }

    /// Waits for what was asked for: a step of each environment.
    ///
    /// # Errors
    /// After the third failure in a row.
    pub fn finish(&mut self) -> Result<Vec<Step>> {
        let mut steps = vec![None; self.len()];
        loop {
            match self.answer() {
                Ok(answers) => self.accept(answers, &mut steps),
                Err(why) => {
                    self.fail(&why)?;
                    self.cut_off(&mut steps);
                }
            }
            if steps.iter().all(Option::is_some) {
                return Ok(steps.into_iter().flatten().collect());
            }
            self.request = self.resets();
        }
    }

    /// The worker's answer; a failed worker is replaced first, and asked the same.
    fn answer(&mut self) -> std::result::Result<Vec<Option<Step>>, Failure> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            None => {
                let started = start(&self.spec.id, &self.config, &self.launch, self.timeout);
                let greeting = started.map_err(|e| format!("did not start: {e}"))?;
                if (&greeting.spec, &greeting.lens) != (&self.spec, &self.lens) {
                    return Err("came back with other spaces".into());
                }
                let worker = self.worker.insert(greeting.worker);
                worker.send(&self.request);
                worker
            }
        };
        worker.recv(self.timeout, &mut self.inbox)?;
        let answers =
            read_steps(self.inbox.body(), self.lanes.len(), &self.lens).map_err(|e| e.to_string())?;
        std::mem::swap(&mut self.last, &mut self.inbox);
        Ok(answers)
    }

    /// Takes over the steps that are still missing.
    fn accept(&mut self, answers: Vec<Option<Step>>, steps: &mut [Option<Step>]) {
        let clips = self.config.wish.clip_reward;
        for ((lane, answer), step) in self.lanes.iter_mut().zip(answers).zip(steps) {
            let (None, Some(mut answer)) = (&step, answer) else { continue };
            if clips {
                answer.reward = answer.reward.clamp(-1.0, 1.0);
            }
            let starts = answer.kind == StepKind::First;
            answer.obs = lane.stack.push(answer.obs, starts);
            lane.clock = Clock::started();
            lane.clock.follow(answer.kind);
            if !starts {
                self.n_failures = 0;
            }
            *step = Some(answer);
        }
    }

    /// Episodes that were under way end with what was last seen of them.
    fn cut_off(&mut self, steps: &mut [Option<Step>]) {
        let seen = read_steps(self.last.body(), self.lanes.len(), &self.lens).unwrap_or_default();
        for ((lane, seen), step) in self.lanes.iter_mut().zip(seen).zip(steps) {
            lane.clock = Clock::stopped();
            if let (None, None, Some(seen)) = (&step, lane.reset, seen) {
                // A stack shows the same once more.
                let obs = lane.stack.last().unwrap_or(seen.obs);
                *step = Some(Step::truncated(obs, 0.0));
            }
        }
    }

    /// Buries the worker. The third failure in a row is an error.
    fn fail(&mut self, why: &str) -> Result<()> {
        self.n_failures += 1;
        let log = self.worker.take().map(Worker::last_words).unwrap_or_default();
        if self.n_failures < MAX_FAILURES {
            return Ok(());
        }
        self.lanes.iter_mut().for_each(|lane| lane.clock = Clock::stopped());
        let id = &self.spec.id;
        let message = format!(
            "worker of `{id}` failed {MAX_FAILURES} times in a row; the last one {why}{}",
            quoted(&log)
        );
        Err(Error::new(ErrorKind::External, message))
    }
}

fn read_steps(frame: &[u8], n: usize, lens: &Lens) -> Result<Vec<Option<Step>>> {
    let mut reader = Reader::new(frame);
    match reader.u8()? {
        STEPPED => {}
        ERROR => {
            let (_, message) = (reader.text()?, reader.text()?);
            return Err(Error::new(ErrorKind::External, format!("reported an error: {message}")));
        }
        tag => return Err(Error::new(ErrorKind::External, format!("sent an unknown frame {tag}"))),
    }
    let (kinds, rewards) = (reader.take(n)?, reader.f32s(n)?);
    let mut steps = Vec::with_capacity(n);
    for (kind, reward) in kinds.iter().zip(rewards) {
        if *kind == NO_STEP {
            steps.push(None);
            continue;
        }
        if !reward.is_finite() {
            return Err(Error::invalid(format!("gave the reward {reward}")));
        }
        let kind = Reader::new(&[*kind]).kind()?;
        steps.push(Some(Step { kind, reward, obs: lens.read(&mut reader)? }));
    }
    reader.finish()?;
    Ok(steps)
}

#[cfg(all(test, unix))]
mod tests;
