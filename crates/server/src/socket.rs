//! One connection: takes a seat, starts its player, and carries messages both ways until either side leaves.
//!
//! Memory stays bounded whatever the client does: commands wait in a short queue that stops us reading when full, and
//! of the frames only the newest is kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use worldsmith::{Error, ErrorKind};

use crate::metrics::add;
use crate::player::{self, Outlet};
use crate::protocol::{Command, Shown, trouble};
use crate::serve::Shared;

/// Commands and notes that may wait.
const QUEUE: usize = 32;
/// A client that takes a single message this slowly is gone.
const SEND_PATIENCE: Duration = Duration::from_secs(20);
/// A client that says nothing for so long, not even a pong, is gone.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
const PING_EVERY: Duration = Duration::from_secs(20);

const GOING_AWAY: u16 = 1001;
const TOO_BIG: u16 = 1009;
const FAILED: u16 = 1011;
const TRY_LATER: u16 = 1013;

/// Something other than a frame for the client.
pub(crate) enum Note {
    Text(String),
    Bytes(Vec<u8>),
}

/// Why a conversation ended.
enum End {
    /// The client left, or cannot be reached.
    Left,
    /// The player stopped: its result says why.
    Stopped,
    /// We close, with a code and, unless we are only going away, a reason.
    Close(u16, Option<Error>),
}

/// One of the limited places; given back when dropped.
struct Seat(Arc<Shared>);

impl Seat {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let free = |n: usize| (n < shared.options.max_sessions).then_some(n + 1);
        shared.n_open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).ok()?;
        Some(Self(shared.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.n_open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Plays one session over `socket`.
pub(crate) async fn converse(socket: WebSocket, shared: Arc<Shared>) {
    let mut line = Line { socket, shared: shared.clone(), last_serial: 0, n_dropped: 0 };
    let Some(seat) = Seat::take(&shared) else {
        add(&shared.metrics.refused, 1);
        let most = shared.options.max_sessions;
        let full = Error::new(ErrorKind::External, format!("all {most} sessions are taken"))
            .hint("close another page, or raise `--max-sessions`");
        return line.close(TRY_LATER, Some(&full)).await;
    };
    add(&shared.metrics.sessions, 1);
    let (commands, inbox) = mpsc::channel(QUEUE);
    let (frame, frames) = watch::channel(None);
    let (note, notes) = mpsc::channel(QUEUE);
    let outlet = Outlet { frame, note };
    let player = tokio::task::spawn_blocking(move || player::play(&shared, inbox, outlet));

    let end = line.carry(&commands, frames, notes).await;
    drop(commands);
    // The seat is free only when the player's thread, and the model it holds, is gone.
    match (end, player.await) {
        (End::Left, _) => {}
        (End::Close(code, reason), _) => line.close(code, reason.as_ref()).await,
        (End::Stopped, Ok(Ok(()))) => line.close(GOING_AWAY, None).await,
        (End::Stopped, Ok(Err(error))) => line.close(FAILED, Some(&error)).await,
        (End::Stopped, Err(_)) => {
            let lost = Error::new(ErrorKind::External, "the session failed; the server's log says why");
            line.close(FAILED, Some(&lost)).await;
        }
    }
    drop(seat);
}

/// Waits until the server closes.
async fn asked_to_leave(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

/// The socket and what was sent over it.
struct Line {
    socket: WebSocket,
    shared: Arc<Shared>,
    last_serial: u32,
    n_dropped: u32,
}

impl Line {
    /// Carries messages until somebody leaves.
    async fn carry(
        &mut self,
        commands: &mpsc::Sender<Command>,
        mut frames: watch::Receiver<Option<Arc<Shown>>>,
        mut notes: mpsc::Receiver<Note>,
    ) -> End {
        let mut closing = self.shared.closing.clone();
        let mut heard = Instant::now();
        // The first note is the greeting; no frame may overtake it.
        let mut greeted = false;
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let went = tokio::select! {
                biased;
                () = asked_to_leave(&mut closing) => return End::Close(GOING_AWAY, None),
                () = sleep_until(heard + IDLE_LIMIT) => return End::Left,
                note = notes.recv() => {
                    greeted = true;
                    match note {
                        Some(Note::Text(text)) => self.send(Message::text(text)).await,
                        Some(Note::Bytes(bytes)) => self.send(Message::binary(bytes)).await,
                        None => return End::Stopped,
                    }
                }
                message = self.socket.recv() => {
                    heard = Instant::now();
                    self.take(message, commands).await
                }
                changed = frames.changed(), if greeted => match changed {
                    Ok(()) => {
                        let shown = frames.borrow_and_update().clone();
                        self.show(shown).await
                    }
                    Err(_) => return End::Stopped,
                },
                _ = pings.tick() => self.send(Message::Ping(Vec::new().into())).await,
            };
            if let Err(end) = went {
                return end;
            }
        }
    }

    /// Hands a message to the player, or says what is wrong with it.
    async fn take(
        &mut self,
        message: Option<Result<Message, axum::Error>>,
        commands: &mpsc::Sender<Command>,
    ) -> Result<(), End> {
        let command = match message {
            Some(Ok(Message::Binary(bytes))) => Command::read(&bytes),
            Some(Ok(Message::Text(_))) => Err(Error::invalid("expected a binary message, got text")),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_))) | None => return Err(End::Left),
            Some(Err(unreadable)) => {
                let most = self.shared.options.max_message_bytes;
                let error = Error::invalid(format!("cannot read a message: {unreadable}"))
                    .hint(format!("a message has at most {most} bytes"));
                return Err(End::Close(TOO_BIG, Some(error)));
            }
        };
        match command {
            Ok(command) => commands.send(command).await.map_err(|_| End::Stopped),
            Err(error) => self.send(Message::text(trouble(&error, false))).await,
        }
    }

    /// Sends the newest frame and counts those it replaced.
    async fn show(&mut self, shown: Option<Arc<Shown>>) -> Result<(), End> {
        let Some(shown) = shown else { return Ok(()) };
        let missed = shown.serial.wrapping_sub(self.last_serial).saturating_sub(1);
        self.n_dropped = self.n_dropped.wrapping_add(missed);
        self.last_serial = shown.serial;
        let bytes = shown.encode(self.n_dropped);
        let metrics = &self.shared.metrics;
        add(&metrics.dropped, u64::from(missed));
        add(&metrics.bytes, bytes.len() as u64);
        add(&metrics.frames, 1);
        self.send(Message::binary(bytes)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(SEND_PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Left),
        }
    }

    /// Says why, and goodbye. A client that is gone already cannot be told.
    async fn close(&mut self, code: u16, reason: Option<&Error>) {
        if let Some(error) = reason {
            let _ = self.send(Message::text(trouble(error, true))).await;
        }
        let _ = self.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await;
        // Reading on until the client closes lets it receive all of this before the connection is torn down.
        let drain = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = timeout(Duration::from_secs(1), drain).await;
    }
}
