//! The thread that plays one session: obeys commands at once and steps on time.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use worldsmith::{Actor, Error, Frame, Result, Seed, Session, Value};

use crate::protocol::{Command, Shown, Who, hello, pong, trouble};
use crate::serve::Shared;
use crate::socket::Note;

/// Steps per second before the client says otherwise.
const FIRST_FPS: u8 = 15;
/// Commands obeyed between two steps at most, so that a flood of them cannot stop the game.
const COMMANDS_A_STEP: usize = 32;

/// The way out to the client: the newest frame replaces one that was not sent yet.
pub(crate) struct Outlet {
    pub frame: watch::Sender<Option<Arc<Shown>>>,
    pub note: mpsc::Sender<Note>,
}

impl Outlet {
    /// Queues a note; where the client does not read, it is lost like a frame.
    fn note(&self, note: Note) {
        let _ = self.note.try_send(note);
    }
}

/// Makes a session and plays it until the client hangs up.
///
/// # Errors
/// When the session cannot be made, or fails for good.
pub(crate) fn play(shared: &Shared, inbox: mpsc::Receiver<Command>, outlet: Outlet) -> Result<()> {
    let session = (shared.options.factory)()?;
    outlet.note(Note::Text(hello(&session)));
    let player = Player {
        actor: Actor::You(session.choices()[0].action.clone()),
        held: session.choices()[0].action.clone(),
        session,
        shared,
        outlet,
        who: Who::You,
        paused: true,
        period: period(FIRST_FPS),
        serial: 0,
    };
    player.run(inbox)
}

struct Player<'a> {
    session: Session,
    shared: &'a Shared,
    outlet: Outlet,
    who: Who,
    /// Who plays, as the session wants to hear it.
    actor: Actor,
    /// The action the person holds, also while somebody else plays.
    held: Value,
    paused: bool,
    period: Duration,
    serial: u32,
}

impl Player<'_> {
    fn run(mut self, mut inbox: mpsc::Receiver<Command>) -> Result<()> {
        let clock = Handle::current();
        let mut due = Instant::now();
        self.show(self.session.frame()?, Duration::ZERO);
        loop {
            for _ in 0..COMMANDS_A_STEP {
                match inbox.try_recv() {
                    Ok(command) => self.obey(command)?,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Ok(()),
                }
            }
            if !self.paused && Instant::now() >= due {
                self.step()?;
                due = (due + self.period).max(Instant::now());
                continue;
            }
            let waited = match self.paused {
                true => Ok(clock.block_on(inbox.recv())),
                false => clock.block_on(async { timeout_at(due, inbox.recv()).await }),
            };
            match waited {
                Ok(Some(command)) => self.obey(command)?,
                Ok(None) => return Ok(()),
                Err(_due) => {}
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Act(choice) => self.hold(choice),
            Command::Reset(seed) => {
                let begun = Instant::now();
                let frame = self.session.reset(Seed(seed))?;
                self.show(frame, begun.elapsed());
            }
            Command::Pause(paused) => {
                self.paused = paused;
                self.show(self.session.frame()?, Duration::ZERO);
            }
            Command::Step => {
                self.paused = true;
                self.step()?;
            }
            Command::Who(who) => self.hand_over(who),
            Command::Anchor(every) => self.session.settings_mut().anchor_every = usize::from(every),
            Command::Fps(fps) => self.period = period(fps),
            Command::AutoReset(on) => self.session.settings_mut().auto_reset = on,
            Command::Sees(world) => self.session.settings_mut().agent_sees = world,
            Command::Ping(stamp) => self.outlet.note(Note::Bytes(pong(stamp))),
        }
        Ok(())
    }

    fn hold(&mut self, choice: usize) {
        let choices = self.session.choices();
        match choices.get(choice) {
            Some(choice) => self.held = choice.action.clone(),
            None => {
                let message = format!("expected an action below {}, got {choice}", choices.len());
                return self.complain(&Error::invalid(message));
            }
        }
        self.hand_over(self.who);
    }

    fn hand_over(&mut self, who: Who) {
        if who == Who::Agent && self.session.agent().is_none() {
            let error = Error::invalid("expected a run with an agent, got a world model alone");
            return self.complain(&error.hint("play yourself, or let chance play"));
        }
        self.who = who;
        self.actor = match who {
            Who::You => Actor::You(self.held.clone()),
            Who::Agent => Actor::Agent,
            Who::Random => Actor::Random,
        };
    }

    fn complain(&self, error: &Error) {
        self.outlet.note(Note::Text(trouble(error, false)));
    }

    fn step(&mut self) -> Result<()> {
        let begun = Instant::now();
        let frame = self.session.tick(&self.actor)?;
        let took = begun.elapsed();
        self.shared.metrics.step(took);
        self.show(frame, took);
        Ok(())
    }

    fn show(&mut self, frame: Frame, took: Duration) {
        self.serial = self.serial.wrapping_add(1);
        let choice = |action: &Value| self.session.choices().iter().position(|c| c.action == *action);
        let shown = Shown {
            choice: frame.action.as_ref().and_then(choice),
            anchored: frame.step > 0 && frame.horizon == 0,
            anchor_every: self.session.settings().anchor_every,
            frame,
            who: self.who,
            paused: self.paused,
            step_us: u32::try_from(took.as_micros()).unwrap_or(u32::MAX),
            serial: self.serial,
        };
        self.outlet.frame.send_replace(Some(Arc::new(shown)));
    }
}

fn period(fps: u8) -> Duration {
    Duration::from_secs(1) / u32::from(fps.max(1))
}
