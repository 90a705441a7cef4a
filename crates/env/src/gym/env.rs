//! [`GymEnv`]: one Gymnasium environment behind the seam.

use worldsmith_core::{Env, EnvSpec, Error, ErrorKind, Result, Seed, Step, Value};

use super::lanes::{Lanes, Order};
use crate::Options;

/// A Gymnasium environment in a Python process of its own; see [`ENTRY`](super::ENTRY) for the options.
///
/// If the worker dies, hangs or reports an exception, the episode ends as truncated with the last observation and no
/// reward, and the next reset starts a new worker. After three failures without a successful step in between, the
/// environment gives up with an error that carries the end of the worker's stderr. It has no snapshots.
pub struct GymEnv(Lanes);

impl GymEnv {
    /// Starts a worker and makes the environment.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a wrong option; [`ErrorKind::External`] with the pip command if Python, a package or
    /// the environment is missing.
    pub fn new(options: &Options) -> Result<Self> {
        Ok(Self(Lanes::new(options, 1, 1)?))
    }

    fn turn(&mut self, order: Order<'_>) -> Result<Step> {
        self.0.begin(&[order])?;
        let step = self.0.finish()?.pop();
        step.ok_or_else(|| Error::new(ErrorKind::External, "expected a step of the worker, got none"))
    }
}

impl Env for GymEnv {
    fn spec(&self) -> &EnvSpec {
        self.0.spec()
    }

    fn reset(&mut self, seed: Seed) -> Result<Step> {
        self.turn(Order::Reset(seed))
    }

    fn step(&mut self, action: &Value) -> Result<Step> {
        self.turn(Order::Step(action))
    }
}
