//! How a long job tells its caller where it stands, and how the caller tells it to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use worldsmith_core::{Error, ErrorKind};

/// Listens to a long job. Nothing in the facade prints: a program renders these calls as it likes.
pub trait Progress {
    /// A stage called `name` begins; it has `total` units of work.
    fn stage(&mut self, name: &str, total: u64);

    /// `done` units of the present stage are behind us; `note` is a short remark, such as the last loss.
    fn at(&mut self, done: u64, note: &str);

    /// Something a person should know that does not stop the job.
    fn warn(&mut self, message: &str);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&mut self, _name: &str, _total: u64) {}
    fn at(&mut self, _done: u64, _note: &str) {}
    fn warn(&mut self, _message: &str) {}
}

/// A wish to stop, shared between a signal handler and a job. The job saves its state and returns
/// [`ErrorKind::Interrupted`].
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks the job to stop; returns whether it had been asked before.
    pub fn ask(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether the job was asked to stop.
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// An error if the job was asked to stop, for stages that hold nothing worth saving.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`].
    pub fn check(&self) -> Result<(), Error> {
        if self.asked() { Err(Error::new(ErrorKind::Interrupted, "interrupted")) } else { Ok(()) }
    }
}
