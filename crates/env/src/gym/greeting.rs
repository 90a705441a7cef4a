//! How a worker is started: it is told what to make, and says what came of it.

use std::io;
use std::process::Command;
use std::time::Duration;

use worldsmith_core::{EnvSpec, Error, ErrorKind, Result};

use super::config::WorkerConfig;
use super::lens::{Lens, Stack};
use super::link::{Frame, HEAD, seal};
use super::worker::Worker;
use crate::wire::Reader;

/// The worker's answer to its configuration.
pub(super) const SPEC: u8 = b'P';
/// Its answer when something goes wrong, then and later.
pub(super) const ERROR: u8 = b'E';

/// Makes the command that starts a worker; more than one if it is not sure which exists.
pub(super) type Launch = Box<dyn Fn() -> Vec<Command> + Send>;

/// What a worker says about its environments.
pub(super) struct Greeting {
    pub worker: Worker,
    pub spec: EnvSpec,
    pub lens: Lens,
}

/// Starts a worker and has it make the environments.
pub(super) fn start(id: &str, config: &WorkerConfig, launch: &Launch, timeout: Duration) -> Result<Greeting> {
    let mut worker = spawn(launch(), config.may_spin).map_err(|e| no_python(&e, config))?;
    let external = |message: String| Error::new(ErrorKind::External, message);
    let mut hello = vec![0; HEAD];
    serde_json::to_writer(&mut hello, config).map_err(|e| external(e.to_string()))?;
    seal(&mut hello);
    worker.send(&hello);
    let mut answer = Frame::default();
    match worker.recv(timeout, &mut answer) {
        Ok(()) if answer.body().first() == Some(&ERROR) => Err(refusal(answer.body(), id, config)),
        Ok(()) => {
            let (spec, lens) = read_spec(answer.body(), id, config)?;
            Ok(Greeting { worker, spec, lens })
        }
        Err(why) => {
            let log = worker.last_words();
            Err(external(format!("worker of `{id}` {why}{}", quoted(&log))))
        }
    }
}

/// The first command that exists.
fn spawn(commands: Vec<Command>, may_spin: bool) -> io::Result<Worker> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for command in commands {
        match Worker::spawn(command, may_spin) {
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

fn read_spec(frame: &[u8], id: &str, config: &WorkerConfig) -> Result<(EnvSpec, Lens)> {
    let mut reader = Reader::new(frame);
    let tag = reader.u8()?;
    if tag != SPEC {
        return Err(Error::new(
            ErrorKind::External,
            format!("expected the spaces of `{id}`, got frame {tag}"),
        ));
    }
    let (raw, action) = (reader.space()?, reader.space()?);
    let (action_names, max_steps) = (reader.list(Reader::text)?, reader.count()?);
    reader.finish()?;
    let lens = Lens::new(raw, &config.wish)?;
    let obs = Stack::new(config.wish.frame_stack)
        .space(lens.space())
        .map_err(|err| Error::invalid(format!("option `frame_stack` of `{id}`: {err}")))?;
    let max_steps = Some(max_steps).filter(|n| *n > 0);
    Ok((EnvSpec { id: id.to_string(), obs, action, action_names, max_steps }, lens))
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

/// What a worker wrote, at the end of a message.
pub(super) fn quoted(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("; it wrote:\n{log}") }
}
