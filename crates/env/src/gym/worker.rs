//! A worker process and the frames that go to and from it: a 32-bit little-endian length, then as many bytes.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Longest frame that is believed; more means that something else writes to the pipe.
const MAX_FRAME_BYTES: usize = 1 << 28;
/// How much of the worker's stderr is kept.
const LOG_BYTES: usize = 4096;
/// How long the last words of a killed worker are waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Why a worker is of no more use, in words.
pub(super) type Failure = String;

/// A running worker. Dropping it kills the process.
pub(super) struct Worker {
    child: Child,
    stdin: ChildStdin,
    frames: Receiver<io::Result<Vec<u8>>>,
    log: Receiver<Vec<u8>>,
    unsent: Option<io::Error>,
}

impl Worker {
    /// Starts `command`.
    pub fn spawn(mut command: Command) -> io::Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("the worker has no pipes"));
        };
        let (frame_out, frames) = mpsc::channel();
        let (log_out, log) = mpsc::channel();
        thread::spawn(move || pump_frames(stdout, &frame_out));
        thread::spawn(move || keep_tail(stderr, &log_out));
        Ok(Self { child, stdin, frames, log, unsent: None })
    }

    /// Sends a frame. If that fails, [`Worker::recv`] says why.
    pub fn send(&mut self, frame: &[u8]) {
        self.unsent = write_frame(&mut self.stdin, frame).err();
    }

    /// Waits for the next frame, at most for `timeout`.
    pub fn recv(&mut self, timeout: Duration) -> Result<Vec<u8>, Failure> {
        match self.frames.recv_timeout(timeout) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(e)) if e.kind() != io::ErrorKind::UnexpectedEof => {
                Err(format!("sent no proper frame: {e}"))
            }
            Err(RecvTimeoutError::Timeout) => Err(format!("did not answer within {timeout:?}")),
            _ => Err(match self.unsent.take() {
                None => format!("died{}", self.exit_status()),
                Some(e) => format!("died{} ({e})", self.exit_status()),
            }),
        }
    }

    fn exit_status(&mut self) -> String {
        // The pipe closes a moment before the process is gone; killing what is exiting changes nothing.
        self.child.kill().ok();
        match self.child.wait() {
            Ok(status) => format!(" ({status})"),
            Err(_) => String::new(),
        }
    }

    /// Ends the worker and returns the end of what it wrote to stderr.
    pub fn last_words(mut self) -> String {
        // Already dead is as good.
        self.child.kill().ok();
        let bytes = self.log.recv_timeout(LAST_WORDS).unwrap_or_default();
        String::from_utf8_lossy(&bytes).trim().to_string()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may be gone already; either way nothing is left to do.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Hands on frames until the pipe closes or breaks; the error is the last thing handed on.
fn pump_frames(mut stdout: impl Read, out: &Sender<io::Result<Vec<u8>>>) {
    loop {
        let frame = read_frame(&mut stdout);
        let broken = frame.is_err();
        if out.send(frame).is_err() || broken {
            return;
        }
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

/// Reads one frame.
pub(super) fn read_frame(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = u32::from_le_bytes(len) as usize;
    if len > MAX_FRAME_BYTES {
        return Err(io::Error::other(format!("expected at most {MAX_FRAME_BYTES} bytes, got {len}")));
    }
    let mut frame = vec![0; len];
    from.read_exact(&mut frame)?;
    Ok(frame)
}

/// Writes one frame in one go.
pub(super) fn write_frame(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(4 + frame.len());
    bytes.extend((frame.len() as u32).to_le_bytes());
    bytes.extend(frame);
    to.write_all(&bytes)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_whole_and_torn_or_absurd_ones_are_errors() {
        let mut pipe = Vec::new();
        write_frame(&mut pipe, b"one").unwrap();
        write_frame(&mut pipe, b"").unwrap();
        assert_eq!(pipe[..7], *b"\x03\0\0\0one");
        let mut from = pipe.as_slice();
        assert_eq!(read_frame(&mut from).unwrap(), b"one");
        assert_eq!(read_frame(&mut from).unwrap(), b"");
        assert_eq!(read_frame(&mut from).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(read_frame(&mut &pipe[..6]).is_err());
        assert!(read_frame(&mut &b"Hello from a chatty package"[..]).is_err());
    }
}
