//! Writing: episodes in, a data set of version v3.0 out, which is there whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value as Json;
use worldsmith_core::{Episode, Error, Result, Space};

use super::arrays::Cell;
use super::describe::{self, DATA_FILE_MB, Line, Totals, VIDEO_FILE_MB, batch};
use super::info::INFO;
use super::own::{self, End, Spaces};
use super::parts::{Part, Row, Standing, parts, rows};
use super::reel::Reel;
use super::shards::Shards;
use super::stats::Stats;
use crate::atomic::{sync_folder, temp_path};
use crate::formats::{Sink, SinkSpec};
use crate::leaf::check_episode;

/// Rows laid out at once.
const BATCH_ROWS: usize = 64;
/// Episodes laid out at once in the table of episodes.
const BATCH_EPISODES: usize = 100;
const MB: u64 = 1 << 20;

/// A data set that is being written: prepared in a hidden folder beside, which takes its place at the end.
struct Writer {
    path: PathBuf,
    temp: PathBuf,
    obs: Space,
    action: Space,
    fps: f64,
    parts: Vec<Part>,
    data: Shards,
    episodes: Shards,
    /// One for each video.
    reels: Vec<Reel>,
    own: BufWriter<File>,
    tasks: Vec<String>,
    /// Episodes that are not in the table of episodes yet.
    lines: Vec<Line>,
    /// Statistics of each feature that has any, once there is an episode.
    stats: Vec<Stats>,
    totals: Totals,
    /// Whether all episodes so far are whole.
    whole: bool,
}

/// Starts a data set at `path`.
///
/// # Errors
/// If there is something already, or the format has no place for such episodes.
pub(super) fn create(path: &Path, spec: &SinkSpec) -> Result<Box<dyn Sink>> {
    start(path, spec, [DATA_FILE_MB * MB, VIDEO_FILE_MB * MB])
}

/// As [`create`], with the sizes in bytes from which on tables and videos are full.
fn start(path: &Path, spec: &SinkSpec, full_bytes: [u64; 2]) -> Result<Box<dyn Sink>> {
    if !(spec.fps.is_finite() && spec.fps > 0.0) {
        return Err(Error::invalid(format!("expected steps a second above 0, got {}", spec.fps)).at(path));
    }
    let parts = parts(spec).map_err(|err| err.at(path))?;
    refuse_existing(path)?;
    let temp = temp_path(path);
    let folder = |dir: &Path| fs::create_dir_all(dir).map_err(|err| Error::io("create folder", dir, &err));
    if temp.exists() {
        // A writer that was killed left it behind.
        fs::remove_dir_all(&temp).map_err(|err| Error::io("remove folder", &temp, &err))?;
    }
    folder(&temp.join("meta"))?;
    folder(&temp.join("data"))?;
    // The number that was meant: 29.97 as a 32-bit number widens to 29.969999.
    let fps = spec.fps.to_string().parse().unwrap_or(f64::from(spec.fps));
    let videos = parts.iter().filter(|part| matches!(part.cell, Cell::Frame(_)));
    let own_path = own::path(&temp);
    let mut writer = Writer {
        path: path.to_owned(),
        obs: spec.obs.clone(),
        action: spec.action.clone(),
        fps,
        data: Shards::new(temp.join("data"), full_bytes[0], Some(describe::hugging_face(&parts))),
        episodes: Shards::new(temp.join("meta/episodes"), full_bytes[0], None),
        reels: videos
            .map(|part| Reel::new(temp.join("videos").join(&part.name), fps, full_bytes[1]))
            .collect(),
        own: BufWriter::new(
            File::create(&own_path).map_err(|err| Error::io("create file", &own_path, &err))?,
        ),
        parts,
        tasks: Vec::new(),
        lines: Vec::new(),
        stats: Vec::new(),
        totals: Totals::default(),
        whole: true,
        temp,
    };
    writer.note(&Spaces { version: own::VERSION, obs: spec.obs.clone(), action: spec.action.clone() })?;
    Ok(Box::new(writer))
}

impl Sink for Writer {
    fn push(&mut self, episode: &Episode) -> Result<()> {
        check_episode(episode, &self.obs, &self.action).map_err(|err| err.at(&self.path))?;
        self.check_whole()?;
        self.whole = false;
        self.write(episode)?;
        self.whole = true;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.check_whole()?;
        if self.totals.episodes == 0 {
            return Err(Error::invalid("expected at least one episode for a LeRobot data set, got none")
                .at(&self.path));
        }
        self.data.finish()?;
        self.reels.iter_mut().try_for_each(Reel::finish)?;
        self.write_lines()?;
        self.episodes.finish()?;
        describe::write_tasks(&self.temp.join("meta/tasks.parquet"), &self.tasks)?;
        self.write_json("meta/stats.json", &describe::stats(&self.parts, &self.stats))?;
        self.write_json(INFO, &describe::info(&self.parts, self.fps, self.totals))?;
        self.note(&End { episodes: self.totals.episodes })?;
        let flushed = self.own.flush().and_then(|()| self.own.get_ref().sync_all());
        flushed.map_err(|err| Error::io("flush file", &own::path(&self.temp), &err))?;
        sync_folders(&self.temp)?;
        refuse_existing(&self.path)?;
        // An empty folder makes room; if there is none, nothing is lost.
        let _ = fs::remove_dir(&self.path);
        fs::rename(&self.temp, &self.path)
            .map_err(|err| Error::io("put data set in place", &self.path, &err))?;
        match self.path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => sync_folder(dir),
            _ => sync_folder(Path::new(".")),
        }
    }
}

impl Drop for Writer {
    /// What was not finished is not a data set. Best effort: the next writer to this place clears it away as well.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.temp);
    }
}

impl Writer {
    fn check_whole(&self) -> Result<()> {
        match self.whole {
            true => Ok(()),
            false => Err(Error::invalid("expected no more episodes after one that could not be written")
                .at(&self.path)),
        }
    }

    fn write(&mut self, episode: &Episode) -> Result<()> {
        let task = self.task(episode.meta.task.as_deref().unwrap_or_default());
        let (number, first_row) = (self.totals.episodes, self.totals.rows);
        let rows = rows(episode, Standing { episode: number, first_row, task, fps: self.fps });
        let data = self.data.place()?;
        for rows in rows.chunks(BATCH_ROWS) {
            let tabled = self.parts.iter().filter(|part| !matches!(part.cell, Cell::Frame(_)));
            let columns = tabled.map(|part| Ok((part.name.as_str(), part.column(episode, rows)?)));
            self.data.write(&batch(columns.collect::<Result<Vec<_>>>()?)?)?;
        }
        let videos = self.parts.iter().filter(|part| matches!(part.cell, Cell::Frame(_)));
        let clips =
            self.reels.iter_mut().zip(videos).map(|(reel, part)| reel.push(&part.pictures(episode, &rows)));
        let clips = clips.collect::<Result<_>>()?;
        let stats = self.count(episode, &rows);
        let end = first_row + rows.len();
        let task = self.tasks[task].clone();
        self.lines.push(Line { number, task, rows: first_row..end, data, clips, stats });
        if self.lines.len() >= BATCH_EPISODES {
            self.write_lines()?;
        }
        self.note(&episode.meta)?;
        self.totals = Totals { episodes: number + 1, rows: end, tasks: self.tasks.len() };
        Ok(())
    }

    /// The number of a task.
    fn task(&mut self, task: &str) -> usize {
        let known = self.tasks.iter().position(|known| known == task);
        known.unwrap_or_else(|| {
            self.tasks.push(task.to_owned());
            self.tasks.len() - 1
        })
    }

    /// Statistics of an episode, which go into those of the whole.
    fn count(&mut self, episode: &Episode, rows: &[Row]) -> Vec<Stats> {
        let stats: Vec<Stats> = self.parts.iter().filter_map(|part| part.stats(episode, rows)).collect();
        if self.stats.is_empty() {
            self.stats.clone_from(&stats);
        } else {
            self.stats.iter_mut().zip(&stats).for_each(|(all, new)| all.merge(new));
        }
        stats
    }

    fn write_lines(&mut self) -> Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let place = self.episodes.place()?;
        self.episodes.write(&describe::episodes(&self.parts, &self.lines, place)?)?;
        self.lines.clear();
        Ok(())
    }

    /// Adds a line to the file of our own.
    fn note(&mut self, line: &impl Serialize) -> Result<()> {
        let mut json = serde_json::to_vec(line)
            .map_err(|err| Error::invalid(format!("cannot write as JSON: {err}")).at(&self.path))?;
        json.push(b'\n');
        self.own.write_all(&json).map_err(|err| Error::io("write file", &own::path(&self.temp), &err))
    }

    fn write_json(&self, name: &str, json: &Json) -> Result<()> {
        let path = self.temp.join(name);
        let text = format!("{json:#}");
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|err| Error::io("write file", &path, &err))
    }
}

fn refuse_existing(path: &Path) -> Result<()> {
    let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    match path.exists() && !is_empty {
        true => Err(Error::invalid("expected nothing here yet, found a file or folder")
            .at(path)
            .hint("choose another folder")),
        false => Ok(()),
    }
}

/// Makes sure that all entries of `dir` and the folders in it outlive a power cut.
fn sync_folders(dir: &Path) -> Result<()> {
    let unreadable = |err: std::io::Error| Error::io("read folder", dir, &err);
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            sync_folders(&path)?;
        }
    }
    sync_folder(dir)
}

#[cfg(test)]
mod tests {
    use worldsmith_core::{EpisodeMeta, Seed, Step, StepKind, Value};

    use super::*;
    use crate::formats::{self, ReadOptions};

    const SIDE: usize = 64;

    /// Pictures of noise, so that videos of them are large.
    fn episode(number: u64) -> Episode {
        let meta = EpisodeMeta {
            env: "noise".to_owned(),
            policy: "random".to_owned(),
            seed: Seed(number),
            source: "real".to_owned(),
            task: Some("look".to_owned()),
        };
        let mut rng = Seed(number).rng();
        let mut obs = || space().sample(&mut rng);
        let mut episode = Episode::start(obs(), meta);
        for t in 0..9 {
            let kind = if t == 8 { StepKind::Terminated } else { StepKind::Mid };
            episode.push(Value::Discrete(t % 3), Step { kind, obs: obs(), reward: t as f32 }).unwrap();
        }
        episode
    }

    fn space() -> Space {
        Space::Image { height: SIDE, width: SIDE, channels: 1 }
    }

    /// Writes and reads three episodes whose files are full at once.
    fn check(video: bool) -> (Vec<PathBuf>, Vec<Episode>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("set");
        let spec = SinkSpec { video, ..SinkSpec::new(space(), Space::Discrete { n: 3 }, 29.97) };
        let mut sink = start(&path, &spec, [1, 1]).unwrap();
        (0..3).for_each(|number| sink.push(&episode(number)).unwrap());
        sink.finish().unwrap();
        let folder = if video { "videos/observation.image/chunk-000" } else { "data/chunk-000" };
        let mut files: Vec<PathBuf> =
            fs::read_dir(path.join(folder)).unwrap().map(|entry| entry.unwrap().file_name().into()).collect();
        files.sort();
        let (_, mut source) = formats::open(&path, None, &ReadOptions::default()).unwrap();
        assert_eq!(source.info().fps, Some(29.97));
        let mut read: Vec<Episode> = [2, 0, 1].map(|number| source.read(number).unwrap()).into();
        read.rotate_left(1);
        (files, read)
    }

    #[test]
    fn a_full_table_is_followed_by_the_next_and_all_episodes_are_found_again() {
        let (files, read) = check(false);
        assert_eq!(files, ["file-000.parquet", "file-001.parquet", "file-002.parquet"].map(PathBuf::from));
        assert_eq!(read, [0, 1, 2].map(episode));
    }

    #[test]
    fn a_full_video_is_followed_by_the_next_and_all_frames_are_found_again() {
        let (files, read) = check(true);
        assert_eq!(files, ["file-000.mp4", "file-001.mp4", "file-002.mp4"].map(PathBuf::from));
        for (read, written) in read.iter().zip([0, 1, 2].map(episode)) {
            assert_eq!((&read.actions, read.end, &read.meta), (&written.actions, written.end, &written.meta));
            for (read, written) in read.obs.iter().zip(&written.obs) {
                let (read, written) = (read.image().unwrap(), written.image().unwrap());
                let off: u32 =
                    read.data.iter().zip(&written.data).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
                // Other noise is off by 85 on the average.
                assert!(read.channels == 1 && off / ((SIDE * SIDE) as u32) < 40, "{off}");
            }
        }
    }
}
