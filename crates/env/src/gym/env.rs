//! [`GymEnv`]: a Gymnasium environment behind the seam, and what happens when its worker fails.

use std::io;
use std::process::Command;
use std::time::Duration;

use worldsmith_core::{Env, EnvSpec, Error, ErrorKind, Result, Seed, Step, Value};

use super::config::{self, WorkerConfig};
use super::worker::{Failure, Worker};
use crate::Options;
use crate::clock::Clock;
use crate::wire::{Reader, Writer};

/// Failures in a row, without a successful step in between, after which the environment gives up.
const MAX_FAILURES: usize = 3;

/// What goes to the worker.
const RESET: u8 = b'R';
const STEP: u8 = b'S';
/// What comes back.
const SPEC: u8 = b'P';
const STEPPED: u8 = b'S';
const ERROR: u8 = b'E';

/// Makes the command that starts a worker; more than one if it is not sure which exists.
type Launch = Box<dyn Fn() -> Vec<Command> + Send>;

/// A Gymnasium environment in a Python process of its own; see [`ENTRY`](super::ENTRY) for the options.
///
/// If the worker dies, hangs or reports an exception, the episode ends as truncated with the last observation and no
/// reward, and the next reset starts a new worker. After three failures without a successful step in between, the
/// environment gives up with an error that carries the end of the worker's stderr. It has no snapshots.
pub struct GymEnv {
    spec: EnvSpec,
    config: WorkerConfig,
    launch: Launch,
    timeout: Duration,
    worker: Option<Worker>,
    /// What the worker was last asked.
    request: Vec<u8>,
    last_obs: Value,
    clock: Clock,
    n_failures: usize,
}

impl GymEnv {
    /// Starts a worker and makes the environment.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a wrong option; [`ErrorKind::External`] with the pip command if Python, a package or
    /// the environment is missing.
    pub fn new(options: &Options) -> Result<Self> {
        let pythons = config::pythons(options);
        let launch = move || pythons.iter().map(config::command).collect();
        Self::launch(options, Box::new(launch))
    }

    fn launch(options: &Options, launch: Launch) -> Result<Self> {
        let config = WorkerConfig::new(options)?;
        let timeout = config::timeout(options)?;
        let (worker, spec) = start(options.id(), &config, &launch, timeout)?;
        Ok(Self {
            spec,
            config,
            launch,
            timeout,
            worker: Some(worker),
            request: Vec::new(),
            last_obs: Value::Discrete(0),
            clock: Clock::stopped(),
            n_failures: 0,
        })
    }

    /// Asks for a reset; [`GymEnv::finish`] waits for it. Others can be asked in between.
    pub(crate) fn begin_reset(&mut self, seed: Seed) {
        let mut request = Writer { bytes: vec![RESET] };
        request.u64(seed.0);
        self.clock = Clock::stopped();
        self.begin(request);
    }

    /// Asks for a step; [`GymEnv::finish`] waits for it. Others can be asked in between.
    pub(crate) fn begin_step(&mut self, action: &Value) -> Result<()> {
        self.clock.admit(&self.spec, action)?;
        let mut request = Writer { bytes: vec![STEP] };
        request.value(action);
        self.begin(request);
        Ok(())
    }

    fn begin(&mut self, request: Writer) {
        self.request = request.bytes;
        if let Some(worker) = &mut self.worker {
            worker.send(&self.request);
        }
    }

    /// Waits for what was asked for.
    pub(crate) fn finish(&mut self) -> Result<Step> {
        let resets = self.request.first() == Some(&RESET);
        loop {
            match self.answer() {
                Ok(step) => {
                    self.n_failures = if resets { self.n_failures } else { 0 };
                    self.clock = Clock::started();
                    self.clock.follow(step.kind);
                    self.last_obs = step.obs.clone();
                    return Ok(step);
                }
                Err(why) => {
                    self.clock = Clock::stopped();
                    self.fail(&why)?;
                }
            }
            if !resets {
                return Ok(Step::truncated(self.last_obs.clone(), 0.0));
            }
        }
    }

    /// The worker's answer; a failed worker is replaced first, and asked the same.
    fn answer(&mut self) -> std::result::Result<Step, Failure> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            None => {
                let started = start(&self.spec.id, &self.config, &self.launch, self.timeout);
                let (worker, spec) = started.map_err(|e| format!("did not start: {e}"))?;
                if spec != self.spec {
                    return Err("came back with other spaces".into());
                }
                let worker = self.worker.insert(worker);
                worker.send(&self.request);
                worker
            }
        };
        worker.recv(self.timeout).and_then(|answer| read_step(&answer))
    }

    /// Buries the worker. The third failure in a row is an error.
    fn fail(&mut self, why: &str) -> Result<()> {
        self.n_failures += 1;
        let log = self.worker.take().map(Worker::last_words).unwrap_or_default();
        if self.n_failures < MAX_FAILURES {
            return Ok(());
        }
        let id = &self.spec.id;
        let message = format!(
            "worker of `{id}` failed {MAX_FAILURES} times in a row; the last one {why}{}",
            quoted(&log)
        );
        Err(Error::new(ErrorKind::External, message))
    }
}

impl Env for GymEnv {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        self.begin_reset(seed);
        self.finish()
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        self.begin_step(action)?;
        self.finish()
    }
}

/// Starts a worker and has it make the environment.
fn start(id: &str, config: &WorkerConfig, launch: &Launch, timeout: Duration) -> Result<(Worker, EnvSpec)> {
    let mut worker = spawn(launch()).map_err(|e| no_python(&e, config))?;
    let external = |message: String| Error::new(ErrorKind::External, message);
    let hello = serde_json::to_vec(config).map_err(|e| external(e.to_string()))?;
    worker.send(&hello);
    match worker.recv(timeout) {
        Ok(answer) if answer.first() == Some(&ERROR) => Err(refusal(&answer, id, config)),
        Ok(answer) => Ok((worker, read_spec(&answer, id)?)),
        Err(why) => {
            let log = worker.last_words();
            Err(external(format!("worker of `{id}` {why}{}", quoted(&log))))
        }
    }
}

/// The first command that exists.
fn spawn(commands: Vec<Command>) -> io::Result<Worker> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for command in commands {
        match Worker::spawn(command) {
            Ok(worker) => return Ok(worker),
            Err(e) => last = e,
        }
    }
    Err(last)
}

fn no_python(source: &io::Error, config: &WorkerConfig) -> Error {
    Error::new(ErrorKind::External, format!("cannot start Python for `gym:{}`: {source}", config.id)).hint(
        format!(
            "install Python 3.10 or newer, then `{}`; $WORLDSMITH_PYTHON names the program to use",
            config.pip_command()
        ),
    )
}

fn read_spec(frame: &[u8], id: &str) -> Result<EnvSpec> {
    let mut reader = Reader::new(frame);
    let tag = reader.u8()?;
    if tag != SPEC {
        return Err(Error::new(
            ErrorKind::External,
            format!("expected the spaces of `{id}`, got frame {tag}"),
        ));
    }
    let (obs, action) = (reader.space()?, reader.space()?);
    let (action_names, max_steps) = (reader.list(Reader::text)?, reader.count()?);
    reader.finish()?;
    Ok(EnvSpec {
        id: id.to_string(),
        obs,
        action,
        action_names,
        max_steps: Some(max_steps).filter(|n| *n > 0),
    })
}

fn read_step(frame: &[u8]) -> std::result::Result<Step, Failure> {
    let read = || -> Result<Step> {
        let mut reader = Reader::new(frame);
        match reader.u8()? {
            STEPPED => {
                let step = Step { kind: reader.kind()?, reward: reader.f32()?, obs: reader.value()? };
                reader.finish()?;
                Ok(step)
            }
            ERROR => {
                let (_, message) = (reader.text()?, reader.text()?);
                Err(Error::new(ErrorKind::External, format!("reported an error: {message}")))
            }
            tag => Err(Error::new(ErrorKind::External, format!("sent an unknown frame {tag}"))),
        }
    };
    read().map_err(|e| e.to_string())
}

/// The worker could not make the environment.
fn refusal(frame: &[u8], id: &str, config: &WorkerConfig) -> Error {
    let mut reader = Reader::new(&frame[1..]);
    let (kind, message) = match (reader.text(), reader.text()) {
        (Ok(kind), Ok(message)) => (kind, message),
        _ => (String::new(), "the worker gave no reason".to_string()),
    };
    let err = Error::new(ErrorKind::External, format!("cannot make `{id}`: {message}"));
    let pip = config.pip_command();
    match kind.as_str() {
        "import" => err.hint(format!("`{pip}` in the Python that is used; $WORLDSMITH_PYTHON names another")),
        "unknown" => err.hint(format!(
            "check the id, or `{pip}` and name the package that registers it with `?import=module`"
        )),
        _ => err,
    }
}

fn quoted(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("; it wrote:\n{log}") }
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use worldsmith_core::{Space, StepKind};

    /// A shell command that answers with `frames`, then reads on for ever (a hang) or leaves with a last word.
    fn script(frames: &[Vec<u8>], hangs: bool) -> String {
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| super::super::worker::write_frame(&mut bytes, frame).unwrap());
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
        out.value(&Value::Discrete(obs));
        out.bytes
    }

    /// An environment whose `i`-th worker runs the `i`-th script, the last one for ever.
    fn fake(scripts: Vec<String>, id: &str) -> Result<GymEnv> {
        let n_started = AtomicUsize::new(0);
        let launch = move || {
            let i = n_started.fetch_add(1, Ordering::Relaxed).min(scripts.len() - 1);
            let mut command = Command::new("sh");
            command.args(["-c", &scripts[i]]);
            vec![command]
        };
        GymEnv::launch(&Options::parse(id).unwrap().1, Box::new(launch))
    }

    fn go(env: &mut GymEnv) -> Result<Step> {
        env.step(&Value::Discrete(1))
    }

    #[test]
    fn a_dead_worker_truncates_the_episode_and_the_next_reset_starts_another() {
        use StepKind::{First, Mid, Terminated};
        let dying = [spec_frame(), step_frame(First, 1, 0.0), step_frame(Mid, 2, 0.5)];
        let living = [spec_frame(), step_frame(First, 3, 0.0), step_frame(Terminated, 4, 1.0)];
        let mut env = fake(vec![script(&dying, false), script(&living, true)], "gym:fake").unwrap();
        assert_eq!(env.reset(Seed(0)).unwrap(), Step::first(Value::Discrete(1)));
        assert_eq!(go(&mut env).unwrap(), Step::mid(Value::Discrete(2), 0.5));
        assert_eq!(go(&mut env).unwrap(), Step::truncated(Value::Discrete(2), 0.0));
        assert_eq!(go(&mut env).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(env.reset(Seed(1)).unwrap(), Step::first(Value::Discrete(3)));
        assert_eq!(go(&mut env).unwrap(), Step::terminated(Value::Discrete(4), 1.0));
        assert!(env.snapshot().is_none());
    }

    #[test]
    fn a_third_failure_without_a_step_in_between_is_an_error_with_the_workers_last_words() {
        let dying = script(&[spec_frame(), step_frame(StepKind::First, 1, 0.0)], false);
        let mut env = fake(vec![dying], "gym:fake").unwrap();
        for seed in 0..2 {
            env.reset(Seed(seed)).unwrap();
            assert_eq!(go(&mut env).unwrap().kind, StepKind::Truncated);
        }
        env.reset(Seed(2)).unwrap();
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
    fn a_silent_worker_counts_as_dead() {
        let silent = script(&[spec_frame()], true);
        let mut env = fake(vec![silent], "gym:fake").unwrap();
        env.timeout = Duration::from_millis(50);
        let message = env.reset(Seed(0)).unwrap_err().to_string();
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
