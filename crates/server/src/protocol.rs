//! The messages of `/ws`, byte by byte; `docs/protocol.md` says what they mean.

use serde::Serialize;
use worldsmith::{Error, Frame, Result, Session, World};

use crate::pixels::put_picture;

/// Goes up whenever an old page would misread a new server.
pub(crate) const VERSION: u32 = 1;
/// Fastest play, in steps per second.
pub(crate) const MAX_FPS: u8 = 60;

const FRAME: u8 = 1;
const PONG: u8 = 2;
const NO_ACTION: u16 = u16::MAX;
/// Names of actions that do nothing, in the environments people play.
const IDLE_NAMES: [&str; 8] = ["noop", "nop", "none", "idle", "stay", "still", "wait", "done"];

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Act(usize),
    Reset(u64),
    Pause(bool),
    Step,
    Who(Who),
    Anchor(u16),
    Fps(u8),
    AutoReset(bool),
    Sees(World),
    Ping(u32),
}

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    You = 0,
    Agent = 1,
    Random = 2,
}

impl Command {
    /// Reads one binary message.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let (kind, body) =
            bytes.split_first().ok_or_else(|| Error::invalid("expected a message, got an empty one"))?;
        Ok(match kind {
            1 => Self::Act(usize::from(u16::from_le_bytes(exactly(body)?))),
            2 => Self::Reset(u64::from_le_bytes(exactly(body)?)),
            3 => Self::Pause(switch(body)?),
            4 => {
                let [] = exactly(body)?;
                Self::Step
            }
            5 => Self::Who(match exactly(body)? {
                [0] => Who::You,
                [1] => Who::Agent,
                [2] => Who::Random,
                [other] => return Err(Error::invalid(format!("expected a player 0, 1 or 2, got {other}"))),
            }),
            6 => Self::Anchor(u16::from_le_bytes(exactly(body)?)),
            7 => match exactly(body)? {
                [fps @ 1..=MAX_FPS] => Self::Fps(fps),
                [fps] => {
                    return Err(Error::invalid(format!("expected 1 to {MAX_FPS} steps a second, got {fps}")));
                }
            },
            8 => Self::AutoReset(switch(body)?),
            9 => Self::Sees(if switch(body)? { World::Dream } else { World::Real }),
            10 => Self::Ping(u32::from_le_bytes(exactly(body)?)),
            other => return Err(Error::invalid(format!("expected a message 1 to 10, got {other}"))),
        })
    }
}

fn exactly<const N: usize>(body: &[u8]) -> Result<[u8; N]> {
    body.try_into()
        .map_err(|_| Error::invalid(format!("expected a message body of {N} bytes, got {}", body.len())))
}

fn switch(body: &[u8]) -> Result<bool> {
    match exactly(body)? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(Error::invalid(format!("expected 0 or 1, got {other}"))),
    }
}

/// The first words of the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "hello")]
struct Hello<'a> {
    version: u32,
    env: &'a str,
    agent: Option<&'a str>,
    actions: Vec<&'a str>,
    idle: Option<usize>,
}

/// Something went wrong; after a fatal one the server closes.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "error")]
struct Trouble<'a> {
    message: String,
    hint: Option<&'a str>,
    fatal: bool,
}

/// The JSON of `hello`.
pub(crate) fn hello(session: &Session) -> String {
    let actions: Vec<&str> = session.choices().iter().map(|c| c.name.as_str()).collect();
    let hello =
        Hello { version: VERSION, env: session.env(), agent: session.agent(), idle: idle(&actions), actions };
    json(&hello)
}

/// The JSON of `error`.
pub(crate) fn trouble(error: &Error, fatal: bool) -> String {
    json(&Trouble { message: error.to_string(), hint: error.hint_text(), fatal })
}

fn json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("strings and numbers are JSON")
}

/// The action that does nothing, by its name.
pub(crate) fn idle(actions: &[&str]) -> Option<usize> {
    actions.iter().position(|name| IDLE_NAMES.contains(&name.to_lowercase().as_str()))
}

/// The bytes of `pong`.
pub(crate) fn pong(stamp: u32) -> Vec<u8> {
    let mut out = vec![PONG];
    out.extend(stamp.to_le_bytes());
    out
}

/// A frame of the session and what only the server knows of it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub frame: Frame,
    pub who: Who,
    pub paused: bool,
    /// Index of the action that led here among the session's choices.
    pub choice: Option<usize>,
    /// Whether the dream was grounded on this step.
    pub anchored: bool,
    /// The setting in force.
    pub anchor_every: usize,
    /// Time the step took, in microseconds.
    pub step_us: u32,
    /// Counts the frames of a connection, so that missing ones are noticed.
    pub serial: u32,
}

impl Shown {
    /// The bytes of a frame message, after `dropped` frames that were never sent.
    pub(crate) fn encode(&self, dropped: u32) -> Vec<u8> {
        let Frame { real, dream, .. } = &self.frame;
        let flags = [real.kind.is_last(), dream.kind.is_last(), self.anchored, self.paused];
        let flags = flags.iter().enumerate().fold(0u8, |all, (bit, on)| all | (u8::from(*on) << bit));
        let mut out = Vec::with_capacity(64 + real.image.data.len() + dream.image.data.len());
        out.extend([FRAME, flags, self.who as u8, 0]);
        out.extend(self.choice.map_or(NO_ACTION, |i| i as u16).to_le_bytes());
        out.extend((self.anchor_every as u16).to_le_bytes());
        let counts = [self.frame.step as u32, self.frame.horizon as u32, self.frame.episode as u32];
        counts.iter().chain(&[self.step_us, dropped]).for_each(|n| out.extend(n.to_le_bytes()));
        out.extend(self.frame.seed.0.to_le_bytes());
        let numbers = [
            real.total,
            dream.total,
            real.reward,
            dream.reward,
            self.frame.predicted_end,
            self.frame.surprise.unwrap_or(f32::NAN),
            self.frame.uncertainty.unwrap_or(f32::NAN),
        ];
        numbers.iter().for_each(|x| out.extend(x.to_le_bytes()));
        put_picture(&real.image, &mut out);
        put_picture(&dream.image, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_reads_and_everything_else_is_refused() {
        assert_eq!(Command::read(&[1, 2, 1]).unwrap(), Command::Act(258));
        assert_eq!(Command::read(&[2, 7, 0, 0, 0, 0, 0, 0, 0]).unwrap(), Command::Reset(7));
        assert_eq!(Command::read(&[4]).unwrap(), Command::Step);
        assert_eq!(Command::read(&[5, 2]).unwrap(), Command::Who(Who::Random));
        assert_eq!(Command::read(&[6, 45, 0]).unwrap(), Command::Anchor(45));
        assert_eq!(Command::read(&[9, 1]).unwrap(), Command::Sees(World::Dream));
        let refused: [&[u8]; 9] =
            [&[], &[0], &[11], &[1, 2], &[4, 0], &[3, 2], &[5, 3], &[7, 0], &[7, MAX_FPS + 1]];
        for bytes in refused {
            assert!(Command::read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_message_of_random_bytes_never_panics() {
        let mut rng = worldsmith::Seed(3).rng();
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..rng.below(12)).map(|_| rng.below(256) as u8).collect();
            let _ = Command::read(&bytes);
        }
    }

    #[test]
    fn the_idle_action_is_known_by_its_name() {
        assert_eq!(idle(&["left", "NOOP"]), Some(1));
        assert_eq!(idle(&["left", "right"]), None);
    }
}
