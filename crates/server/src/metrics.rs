//! Counters of the server, in Prometheus' text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the step histogram, in microseconds.
const BOUNDS_US: [u64; 9] = [1_000, 2_000, 5_000, 10_000, 16_000, 33_000, 66_000, 133_000, 500_000];

/// What is counted; shared by all connections.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub sessions: AtomicU64,
    pub refused: AtomicU64,
    pub frames: AtomicU64,
    pub dropped: AtomicU64,
    pub bytes: AtomicU64,
    /// Steps that took at most the bound of the same place; the last took longer.
    steps: [AtomicU64; BOUNDS_US.len() + 1],
    step_us: AtomicU64,
}

/// Adds to a counter.
pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

impl Metrics {
    /// Counts one step of a session.
    pub(crate) fn step(&self, took: Duration) {
        let us = took.as_micros() as u64;
        let bucket = BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(BOUNDS_US.len());
        add(&self.steps[bucket], 1);
        add(&self.step_us, us);
    }

    /// The page of `/metrics`, with `n_open` sessions open now.
    pub(crate) fn render(&self, n_open: usize) -> String {
        let counters = [
            ("sessions_total", "Sessions opened.", &self.sessions),
            ("sessions_refused_total", "Connections refused because all sessions were taken.", &self.refused),
            ("frames_sent_total", "Frames sent to clients.", &self.frames),
            ("frames_dropped_total", "Frames never sent because their client was too slow.", &self.dropped),
            ("bytes_sent_total", "Bytes of frames sent to clients.", &self.bytes),
        ];
        let mut out = String::from("# HELP worldsmith_sessions_open Sessions open now.\n");
        out += "# TYPE worldsmith_sessions_open gauge\n";
        let _ = writeln!(out, "worldsmith_sessions_open {n_open}");
        for (name, help, counter) in counters {
            let value = counter.load(Ordering::Relaxed);
            let _ = writeln!(out, "# HELP worldsmith_{name} {help}");
            let _ = writeln!(out, "# TYPE worldsmith_{name} counter\nworldsmith_{name} {value}");
        }
        self.render_steps(&mut out);
        out
    }

    fn render_steps(&self, out: &mut String) {
        const NAME: &str = "worldsmith_step_seconds";
        let _ = writeln!(out, "# HELP {NAME} Time of one step of both worlds.\n# TYPE {NAME} histogram");
        let mut n = 0;
        for (i, count) in self.steps.iter().enumerate() {
            n += count.load(Ordering::Relaxed);
            match BOUNDS_US.get(i) {
                Some(us) => {
                    let _ = writeln!(out, "{NAME}_bucket{{le=\"{}\"}} {n}", *us as f64 / 1e6);
                }
                None => {
                    let _ = writeln!(out, "{NAME}_bucket{{le=\"+Inf\"}} {n}");
                }
            }
        }
        let sum = self.step_us.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(out, "{NAME}_sum {sum}\n{NAME}_count {n}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_histogram_is_cumulative_and_ends_in_the_count() {
        let metrics = Metrics::default();
        [500, 1_500, 40_000, 9_000_000].into_iter().for_each(|us| metrics.step(Duration::from_micros(us)));
        let text = metrics.render(2);
        assert!(text.contains("worldsmith_sessions_open 2\n"));
        assert!(text.contains("_bucket{le=\"0.002\"} 2\n"), "{text}");
        assert!(text.contains("_bucket{le=\"0.066\"} 3\n"), "{text}");
        assert!(text.contains("_bucket{le=\"+Inf\"} 4\n") && text.contains("_count 4\n"), "{text}");
    }
}
