//! Ctrl-C: the first asks the job to save and stop, the second ends the program at once.

use worldsmith::{Error, ErrorKind, Result, Stop};

use crate::output::say;

/// Exit code of a program ended by SIGINT, by convention.
const INTERRUPTED: i32 = 130;

/// A [`Stop`] that SIGINT and SIGTERM set.
///
/// # Errors
/// If the system refuses a handler.
pub fn stop_on_ctrl_c() -> Result<Stop> {
    let stop = Stop::default();
    let asked = stop.clone();
    let handler = move || {
        if asked.ask() {
            std::process::exit(INTERRUPTED);
        }
        say("stopping after the present step; once more to quit at once");
    };
    ctrlc::set_handler(handler)
        .map_err(|e| Error::new(ErrorKind::Io, format!("cannot listen for ctrl-c: {e}")))?;
    Ok(stop)
}
