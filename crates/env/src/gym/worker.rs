//! A worker process: how it is started, spoken to and buried.

use std::io::{self, ErrorKind, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::link::{Frame, Link};

/// How much of the worker's stderr is kept.
const LOG_BYTES: usize = 4096;
/// How long the last words of an ended worker are waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a worker that is of no more use may take to close its environments, and how often it is looked after.
const FAREWELL: Duration = Duration::from_millis(1000);
const GLANCE: Duration = Duration::from_millis(2);

/// Why a worker is of no more use, in words.
pub(super) type Failure = String;

/// A running worker. Dropping it ends the process: by closing the line, and if that does not do, by force.
pub(super) struct Worker {
    child: Child,
    /// `None` once it is closed.
    link: Option<Link>,
    log: Receiver<Vec<u8>>,
    unsent: Option<io::Error>,
}

impl Worker {
    /// Starts `command`; `may_spin` says whether there is a core to spare for waiting.
    pub fn spawn(mut command: Command, may_spin: bool) -> io::Result<Self> {
        let (mut child, link) = Link::spawn(command.stderr(Stdio::piped()), may_spin)?;
        let (out, log) = mpsc::channel();
        if let Some(stderr) = child.stderr.take() {
            thread::spawn(move || keep_tail(stderr, &out));
        }
        Ok(Self { child, link: Some(link), log, unsent: None })
    }

    /// Sends a sealed frame. If that fails, [`Worker::recv`] says why.
    pub fn send(&mut self, frame: &[u8]) {
        self.unsent = self.link.as_mut().and_then(|link| link.send(frame).err());
    }

    /// Waits for the next frame, at most for `timeout`.
    pub fn recv(&mut self, timeout: Duration, frame: &mut Frame) -> Result<(), Failure> {
        let Some(link) = &mut self.link else { return Err("was closed".into()) };
        link.recv(timeout, frame).map_err(|e| match e.kind() {
            ErrorKind::TimedOut => format!("did not answer within {timeout:?}"),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                match self.unsent.take() {
                    None => format!("died{}", self.exit_status()),
                    Some(e) => format!("died{} ({e})", self.exit_status()),
                }
            }
            _ => format!("sent no proper frame: {e}"),
        })
    }

    fn exit_status(&mut self) -> String {
        // The line closes a moment before the process is gone; killing what is exiting changes nothing.
        self.child.kill().ok();
        match self.child.wait() {
            Ok(status) => format!(" ({status})"),
            Err(_) => String::new(),
        }
    }

    /// Ends the worker and returns the end of what it wrote to stderr.
    pub fn last_words(mut self) -> String {
        self.end();
        let bytes = self.log.recv_timeout(LAST_WORDS).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_string()
    }

    /// Closes the line, at which the worker closes its environments and leaves. Nobody waits for that yet.
    pub fn hang_up(&mut self) {
        self.link = None;
    }

    fn end(&mut self) {
        self.hang_up();
        let began = Instant::now();
        while began.elapsed() < FAREWELL {
            // Gone, killed before, or not to be asked.
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(GLANCE);
        }
        // It may be gone by now; either way nothing is left to do.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads to the end, then hands on the last bytes.
fn keep_tail(mut stderr: impl Read, out: &Sender<Vec<u8>>) {
    let (mut tail, mut chunk) = (Vec::new(), [0; 1024]);
    while let Ok(n @ 1..) = stderr.read(&mut chunk) {
        tail.extend(&chunk[..n]);
        tail.drain(..tail.len().saturating_sub(LOG_BYTES));
    }
    // Nobody listens if the worker was simply dropped.
    out.send(tail).ok();
}
