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
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::greeting::SPEC;
    use super::*;
    use worldsmith_core::Space;

    /// A shell command that answers with `frames`, then reads on for ever (a hang) or leaves with a last word.
    fn script(frames: &[Vec<u8>], hangs: bool) -> String {
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend((frame.len() as u32).to_le_bytes());
            bytes.extend(frame);
        }
        let octal: String = bytes.iter().map(|b| format!("\\{b:03o}")).collect();
        let end = if hangs { "while read x; do :; done" } else { "echo out of memory >&2; exit 3" };
        format!("printf '{octal}'; {end}")
    }

    fn spec_frame() -> Vec<u8> {
        let mut out = Writer { bytes: vec![SPEC] };
        out.space(&Space::Discrete { n: 9 });
        out.space(&Space::Discrete { n: 2 });
        out.count(0);
        out.count(0);
        out.bytes
    }

    fn step_frame(kind: StepKind, obs: i64, reward: f32) -> Vec<u8> {
        let mut out = Writer { bytes: vec![STEPPED, kind as u8] };
        out.f32s(&[reward]);
        out.u64(obs as u64);
        out.bytes
    }

    /// An environment whose `i`-th worker runs the `i`-th script, the last one for ever.
    fn fake(scripts: Vec<String>, id: &str) -> Result<Lanes> {
        let n_started = AtomicUsize::new(0);
        let launch = move || {
            let i = n_started.fetch_add(1, Ordering::Relaxed).min(scripts.len() - 1);
            let mut command = Command::new("sh");
            command.args(["-c", &scripts[i]]);
            vec![command]
        };
        Lanes::launch(&Options::parse(id).unwrap().1, 1, true, Box::new(launch))
    }

    fn turn(env: &mut Lanes, order: Order<'_>) -> Result<Step> {
        env.begin(&[order])?;
        Ok(env.finish()?.pop().unwrap())
    }

    fn reset(env: &mut Lanes, seed: u64) -> Result<Step> {
        turn(env, Order::Reset(Seed(seed)))
    }

    fn go(env: &mut Lanes) -> Result<Step> {
        turn(env, Order::Step(&Value::Discrete(1)))
    }

    #[test]
    fn a_dead_worker_truncates_the_episode_and_the_next_reset_starts_another() {
        use StepKind::{First, Mid, Terminated};
        let dying = [spec_frame(), step_frame(First, 1, 0.0), step_frame(Mid, 2, 0.5)];
        let living = [spec_frame(), step_frame(First, 3, 0.0), step_frame(Terminated, 4, 1.0)];
        let mut env = fake(vec![script(&dying, false), script(&living, true)], "gym:fake").unwrap();
        assert_eq!(reset(&mut env, 0).unwrap(), Step::first(Value::Discrete(1)));
        assert_eq!(go(&mut env).unwrap(), Step::mid(Value::Discrete(2), 0.5));
        assert_eq!(go(&mut env).unwrap(), Step::truncated(Value::Discrete(2), 0.0));
        assert_eq!(go(&mut env).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(reset(&mut env, 1).unwrap(), Step::first(Value::Discrete(3)));
        assert_eq!(go(&mut env).unwrap(), Step::terminated(Value::Discrete(4), 1.0));
    }

    #[test]
    fn a_third_failure_without_a_step_in_between_is_an_error_with_the_workers_last_words() {
        let dying = script(&[spec_frame(), step_frame(StepKind::First, 1, 0.0)], false);
        let mut env = fake(vec![dying], "gym:fake").unwrap();
        for seed in 0..2 {
            reset(&mut env, seed).unwrap();
            assert_eq!(go(&mut env).unwrap().kind, StepKind::Truncated);
        }
        reset(&mut env, 2).unwrap();
        let err = go(&mut env).unwrap_err();
        assert_eq!(err.kind(), ErrorKind::External);
        let message = err.to_string();
        assert!(
            message.starts_with("worker of `gym:fake` failed 3 times in a row; the last one died"),
            "{message}"
        );
        assert!(
            message.contains("exit status: 3") && message.ends_with("it wrote:\nout of memory"),
            "{message}"
        );
    }

    #[test]
    fn a_worker_that_is_no_longer_needed_may_close_what_it_has_open() {
        let note = std::env::temp_dir().join(format!("worldsmith-farewell-{}", std::process::id()));
        let living = script(&[spec_frame()], true);
        let closing = format!("{living}; sleep 0.05; echo closed > {}", note.display());
        drop(fake(vec![closing], "gym:fake").unwrap());
        assert_eq!(std::fs::read_to_string(&note).unwrap(), "closed\n");
        std::fs::remove_file(note).unwrap();
    }

    #[test]
    fn a_silent_worker_counts_as_dead() {
        let silent = script(&[spec_frame()], true);
        let mut env = fake(vec![silent], "gym:fake").unwrap();
        env.timeout = Duration::from_millis(50);
        let message = reset(&mut env, 0).unwrap_err().to_string();
        assert!(message.contains("the last one did not answer within 50ms"), "{message}");
    }

    #[test]
    fn a_chatty_or_refusing_worker_is_an_error_that_says_so() {
        let error = |script: String| fake(vec![script], "gym:ALE/Pong-v5").err().unwrap();
        let chatty = error("echo Hello from a chatty package; while read x; do :; done".into());
        assert!(chatty.to_string().contains("sent no proper frame"), "{chatty}");
        let mut refusal = Writer { bytes: vec![ERROR] };
        refusal.blob(b"import");
        refusal.blob(b"Python lacks a package: no module named ale_py");
        let refused = error(script(&[refusal.bytes], true));
        assert_eq!(refused.kind(), ErrorKind::External);
        assert!(refused.to_string().contains("Python lacks a package"), "{refused}");
        assert!(refused.hint_text().unwrap().contains("pip install gymnasium ale-py"));
        let torn = error(script(&[spec_frame()[..4].to_vec()], true));
        assert_eq!(torn.kind(), ErrorKind::Corrupt);
    }
}
