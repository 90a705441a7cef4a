//! What a run reports while it trains: `metrics.jsonl` for programs, event files for TensorBoard.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use worldsmith_core::{Error, Result};

use super::tensorboard::EventFile;

/// Gathers numbers between two lines and writes their means.
pub(super) struct MetricLog {
    path: PathBuf,
    file: File,
    events: EventFile,
    sums: BTreeMap<String, (f64, u64)>,
}

#[derive(Serialize)]
struct Line<'a> {
    step: u64,
    updates: u64,
    wall_secs: f64,
    #[serde(flatten)]
    metrics: &'a BTreeMap<String, f64>,
}

impl MetricLog {
    /// Opens the log of the run folder `dir`, cut back to its first `keep_bytes` bytes: what was written after the
    /// checkpoint a run goes on from.
    pub(super) fn open(dir: &Path, keep_bytes: u64, step: u64) -> Result<Self> {
        let path = dir.join("metrics.jsonl");
        let opened = OpenOptions::new().create(true).write(true).truncate(false).open(&path);
        let file = opened.and_then(|mut file| {
            file.set_len(keep_bytes.min(file.metadata()?.len()))?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        });
        let file = file.map_err(|e| Error::io("open the metrics", &path, &e))?;
        Ok(Self { path, file, events: EventFile::create(dir, step)?, sums: BTreeMap::new() })
    }

    /// Adds a number to the mean of the next line.
    pub(super) fn add(&mut self, name: &str, value: f64) {
        let (sum, n) = self.sums.entry(name.to_string()).or_default();
        *sum += value;
        *n += 1;
    }

    /// Writes a line with the means of what was added since the last one, if anything was; returns them.
    pub(super) fn write(&mut self, step: u64, updates: u64, wall_secs: f64) -> Result<BTreeMap<String, f64>> {
        let means: BTreeMap<String, f64> =
            std::mem::take(&mut self.sums).into_iter().map(|(k, (sum, n))| (k, sum / n as f64)).collect();
        if means.is_empty() {
            return Ok(means);
        }
        let line = Line { step, updates, wall_secs: (wall_secs * 1e3).round() / 1e3, metrics: &means };
        let line = serde_json::to_string(&line).map_err(|e| Error::invalid(e.to_string()))? + "\n";
        let written = self
            .file
            .write_all(line.as_bytes())
            .and_then(|()| self.events.scalars(step, means.iter().map(|(k, v)| (k.as_str(), *v))));
        written.map_err(|e| Error::io("write the metrics", &self.path, &e))?;
        Ok(means)
    }

    /// Bytes written so far, all of them whole lines and on their way to the disk.
    pub(super) fn sync(&mut self) -> Result<u64> {
        let len = self.file.sync_data().and_then(|()| self.file.stream_position());
        len.map_err(|e| Error::io("write the metrics", &self.path, &e))
    }
}
