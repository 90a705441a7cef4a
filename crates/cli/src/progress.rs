//! Progress on stderr: a bar with the time left on a terminal, elsewhere lines that do not crowd a log.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use worldsmith::Progress;

use crate::output::say;

/// Renders a job's progress on stderr.
pub struct Bars {
    bar: Option<ProgressBar>,
    /// Whether the bar has not moved yet; what a resumed run did before says nothing about its speed now.
    fresh: bool,
    name: String,
    total: u64,
    started: Instant,
    terminal: bool,
    /// When a line was last written where there is no terminal.
    said: Instant,
}

/// Between two lines of a stage in a log.
const EVERY: Duration = Duration::from_secs(30);

impl Bars {
    /// Nothing to show yet.
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self {
            bar: None,
            fresh: true,
            name: String::new(),
            total: 0,
            started: Instant::now(),
            terminal,
            said: Instant::now(),
        }
    }

    /// The last stage is complete.
    pub fn finish(&mut self) {
        if self.name.is_empty() {
            return;
        }
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        say(&format!("{:<10} done in {}", self.name, secs(self.started.elapsed().as_secs_f64())));
        self.name.clear();
    }
}

impl Progress for Bars {
    fn stage(&mut self, name: &str, total: u64) {
        self.finish();
        (self.name, self.total, self.started) = (name.to_string(), total, Instant::now());
        if self.terminal {
            let bar = ProgressBar::new(total);
            let style =
                ProgressStyle::with_template("{prefix:<10} {bar:30} {percent:>3}%  {eta:>4} left  {msg}");
            bar.set_style(style.expect("the template is valid"));
            bar.set_prefix(name.to_string());
            self.fresh = true;
            self.bar = Some(bar);
        } else {
            say(&format!("{name:<10} started ({total} to do)"));
            self.said = Instant::now();
        }
    }

    fn at(&mut self, done: u64, note: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            if std::mem::replace(&mut self.fresh, false) {
                bar.reset_eta();
            }
            if !note.is_empty() {
                bar.set_message(note.to_string());
            }
        } else if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            let note = if note.is_empty() { String::new() } else { format!(", {note}") };
            say(&format!("{:<10} {done} of {}{note}", self.name, self.total));
        }
    }

    fn warn(&mut self, message: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(&format!("warning: {message}"))),
            None => say(&format!("warning: {message}")),
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }
}

/// A duration for people: `42 s`, `3 min 05 s`.
pub fn secs(x: f64) -> String {
    match x.round() as u64 {
        s if s < 60 => format!("{x:.1} s"),
        s => format!("{} min {:02} s", s / 60, s % 60),
    }
}
