//! The line to a worker: frames of a 32-bit little-endian length and as many bytes, each way.
//!
//! On Unix it is a pair of sockets, one of which is the worker's stdin and stdout, so that waiting for an answer can end in
//! time without a thread in between. Elsewhere it is a pair of pipes with such a thread.

use std::io;
use std::process::{Child, Command};
use std::time::Duration;

/// Longest frame that is believed; more means that something else writes to the line.
const MAX_FRAME_BYTES: usize = 1 << 28;
/// How long an answer is looked for again and again before the thread sleeps until it comes: being woken takes longer than
/// most environments take for a step.
#[cfg(unix)]
const SPIN: Duration = Duration::from_micros(400);
/// When that was in vain, the next answers are slept for: one, then ever more, up to this many.
#[cfg(unix)]
const MOST_SLEPT: u32 = 255;
/// Bytes before a frame that say how long it is.
pub(super) const HEAD: usize = 4;

/// A frame being received, and then one that was.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Memory that is used again and again; what counts are the first `n_filled` bytes.
    bytes: Vec<u8>,
    n_filled: usize,
}

impl Frame {
    /// What is in it.
    pub fn body(&self) -> &[u8] {
        let end = self.n_bytes().map_or(0, |n| n.min(self.n_filled));
        self.bytes.get(HEAD..end).unwrap_or_default()
    }

    /// Length with its head, once that is known.
    fn n_bytes(&self) -> Option<usize> {
        let head = self.bytes[..self.n_filled].first_chunk::<HEAD>()?;
        Some(HEAD + u32::from_le_bytes(*head) as usize)
    }

    /// Whether it is there as a whole; an error if it can never be.
    fn is_whole(&self) -> io::Result<bool> {
        match self.n_bytes() {
            Some(n) if n > HEAD + MAX_FRAME_BYTES => {
                Err(io::Error::other(format!("expected at most {MAX_FRAME_BYTES} bytes, got {}", n - HEAD)))
            }
            n => Ok(n.is_some_and(|n| n <= self.n_filled)),
        }
    }

    /// Room for more.
    fn room(&mut self) -> &mut [u8] {
        let wanted = self.n_bytes().unwrap_or(1 << 12).max(self.n_filled + 1);
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        &mut self.bytes[self.n_filled..]
    }

    /// Cuts off what came after the end of the frame.
    fn split_off(&mut self) -> Frame {
        let end = self.n_bytes().map_or(self.n_filled, |n| n.min(self.n_filled));
        let rest = self.bytes[end..self.n_filled].to_vec();
        self.n_filled = end;
        Frame { n_filled: rest.len(), bytes: rest }
    }
}

/// A frame to be sent: room for the head, then the body.
pub(super) fn seal(frame: &mut [u8]) {
    let n = (frame.len() - HEAD) as u32;
    frame[..HEAD].copy_from_slice(&n.to_le_bytes());
}

#[cfg(unix)]
pub(super) use socket::Link;

#[cfg(not(unix))]
pub(super) use pipes::Link;

#[cfg(unix)]
mod socket {
    use std::io::{ErrorKind, Read, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    use super::{Child, Command, Duration, Frame, MOST_SLEPT, SPIN, io};

    /// Our end of a pair of sockets.
    #[derive(Debug)]
    pub struct Link {
        socket: UnixStream,
        /// What came after the last frame.
        rest: Frame,
        timeout: Option<Duration>,
        /// Whether there is a core to spare for waiting.
        may_spin: bool,
        /// Answers that are slept for before the next is looked for, and how many those were the last time.
        n_to_sleep: u32,
        n_slept: u32,
    }

    impl Link {
        /// Starts `command` at the other end; `may_spin` says whether there is a core to spare for waiting.
        pub fn spawn(command: &mut Command, may_spin: bool) -> io::Result<(Child, Self)> {
            let (socket, theirs) = UnixStream::pair()?;
            let (stdin, stdout) = (OwnedFd::from(theirs.try_clone()?), OwnedFd::from(theirs));
            let child = command.stdin(stdin).stdout(stdout).spawn()?;
            Ok((
                child,
                Self { socket, rest: Frame::default(), timeout: None, may_spin, n_to_sleep: 0, n_slept: 0 },
            ))
        }

        /// Sends a sealed frame.
        pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
            self.socket.write_all(frame)
        }

        /// Waits for a frame, at most for `timeout`, in the memory of an older one.
        pub fn recv(&mut self, timeout: Duration, frame: &mut Frame) -> io::Result<()> {
            frame.n_filled = 0;
            if self.rest.n_filled > 0 {
                std::mem::swap(&mut self.rest, frame);
            }
            if self.timeout != Some(timeout) {
                self.socket.set_read_timeout(Some(timeout))?;
                self.socket.set_write_timeout(Some(timeout))?;
                self.timeout = Some(timeout);
            }
            let began = Instant::now();
            if self.n_to_sleep > 0 {
                self.n_to_sleep -= 1;
            } else if self.may_spin {
                self.spin(frame, began + SPIN)?;
            }
            self.fill(frame, began + timeout, false)?;
            if !frame.is_whole()? {
                return Err(ErrorKind::TimedOut.into());
            }
            self.rest = frame.split_off();
            Ok(())
        }

        /// Looks for a frame again and again.
        fn spin(&mut self, frame: &mut Frame, until: Instant) -> io::Result<()> {
            self.socket.set_nonblocking(true)?;
            let spun = self.fill(frame, until, true);
            self.socket.set_nonblocking(false)?;
            self.n_slept = if frame.n_filled > 0 { 0 } else { (2 * self.n_slept + 1).min(MOST_SLEPT) };
            self.n_to_sleep = self.n_slept;
            spun
        }

        /// Reads until the frame is whole or it is too late, without an error then.
        fn fill(&mut self, frame: &mut Frame, until: Instant, again: bool) -> io::Result<()> {
            while !frame.is_whole()? {
                match self.socket.read(frame.room()) {
                    Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                    Ok(n) => frame.n_filled += n,
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) if e.kind() == ErrorKind::WouldBlock && again => std::hint::spin_loop(),
                    Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                    Err(e) => return Err(e),
                }
                if Instant::now() > until {
                    return Ok(());
                }
            }
            Ok(())
        }
    }
}

#[cfg(any(test, not(unix)))]
#[cfg_attr(unix, allow(dead_code, reason = "tested here, used elsewhere"))]
mod pipes {
    use std::io::{ErrorKind, Read, Write};
    use std::process::{ChildStdin, Stdio};
    use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
    use std::thread;

    use super::{Child, Command, Duration, Frame, io};

    /// Pipes to and from a process.
    #[derive(Debug)]
    pub struct Link {
        stdin: ChildStdin,
        frames: Receiver<io::Result<Frame>>,
    }

    impl Link {
        /// Starts `command` at the other end. Waiting always sleeps.
        pub fn spawn(command: &mut Command, _may_spin: bool) -> io::Result<(Child, Self)> {
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
                return Err(io::Error::other("the worker has no pipes"));
            };
            let (out, frames) = mpsc::channel();
            thread::spawn(move || pump(stdout, &out));
            Ok((child, Self { stdin, frames }))
        }

        /// Sends a sealed frame.
        pub fn send(&mut self, frame: &[u8]) -> io::Result<()> {
            self.stdin.write_all(frame)?;
            self.stdin.flush()
        }

        /// Waits for a frame, at most for `timeout`.
        pub fn recv(&mut self, timeout: Duration, frame: &mut Frame) -> io::Result<()> {
            *frame = self.frames.recv_timeout(timeout).map_err(|e| match e {
                RecvTimeoutError::Timeout => io::Error::from(ErrorKind::TimedOut),
                RecvTimeoutError::Disconnected => ErrorKind::UnexpectedEof.into(),
            })??;
            Ok(())
        }
    }

    /// Hands on frames until the pipe closes or breaks; the error is the last thing handed on.
    fn pump(mut stdout: impl Read, out: &Sender<io::Result<Frame>>) {
        let mut rest = Frame::default();
        loop {
            let frame = read(&mut stdout, std::mem::take(&mut rest)).map(|mut frame| {
                rest = frame.split_off();
                frame
            });
            let broken = frame.is_err();
            if out.send(frame).is_err() || broken {
                return;
            }
        }
    }

    pub fn read(from: &mut impl Read, mut frame: Frame) -> io::Result<Frame> {
        while !frame.is_whole()? {
            match from.read(frame.room())? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                n => frame.n_filled += n,
            }
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(body: &[u8]) -> Vec<u8> {
        let mut frame = [&[0; HEAD], body].concat();
        seal(&mut frame);
        frame
    }

    #[test]
    fn frames_come_back_whole_and_torn_or_absurd_ones_are_errors() {
        let both = [sealed(b"one"), sealed(b"")].concat();
        assert_eq!(both[..7], *b"\x03\0\0\0one");
        let mut from = both.as_slice();
        let mut first = pipes::read(&mut from, Frame::default()).unwrap();
        let rest = first.split_off();
        assert_eq!(first.body(), b"one");
        let second = pipes::read(&mut from, rest).unwrap();
        assert_eq!(second.body(), b"");
        let torn = pipes::read(&mut &both[..6], Frame::default()).unwrap_err();
        assert_eq!(torn.kind(), io::ErrorKind::UnexpectedEof);
        assert!(pipes::read(&mut &b"Hello from a chatty package"[..], Frame::default()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn both_kinds_of_line_carry_frames_of_any_size_and_notice_silence_and_death() {
        fn go(
            (mut child, mut send, mut recv): (
                Child,
                impl FnMut(&[u8]) -> io::Result<()>,
                impl FnMut(u64, &mut Frame) -> io::Result<()>,
            ),
        ) {
            let mut frame = Frame::default();
            for n in [0, 5, 300_000, 7] {
                send(&sealed(&vec![n as u8; n])).unwrap();
                recv(60_000, &mut frame).unwrap();
                assert_eq!(frame.body(), vec![n as u8; n]);
            }
            assert_eq!(recv(20, &mut frame).unwrap_err().kind(), io::ErrorKind::TimedOut);
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(recv(60_000, &mut frame).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        // Line by line would wait for a line; `dd` hands on what it gets.
        let echo = || {
            let mut command = Command::new("dd");
            command.args(["bs=65536"]).stderr(std::process::Stdio::null());
            command
        };
        let (child, link) = socket::Link::spawn(&mut echo(), true).unwrap();
        let link = std::cell::RefCell::new(link);
        let recv = |ms, frame: &mut Frame| link.borrow_mut().recv(Duration::from_millis(ms), frame);
        go((child, |frame: &[u8]| link.borrow_mut().send(frame), recv));
        let (child, link) = pipes::Link::spawn(&mut echo(), true).unwrap();
        let link = std::cell::RefCell::new(link);
        let recv = |ms, frame: &mut Frame| link.borrow_mut().recv(Duration::from_millis(ms), frame);
        go((child, |frame: &[u8]| link.borrow_mut().send(frame), recv));
    }
}
