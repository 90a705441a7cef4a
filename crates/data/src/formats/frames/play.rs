//! One episode on disk: its pictures and its table, aligned.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use worldsmith_core::{Episode, EpisodeMeta, Error, Image, Result, Seed, StepKind, Value};
use worldsmith_video::VideoReader;

use super::Schema;
use super::layout::{self, Pictures, Place, file_name};
use super::schema::{ACTION, Part};
use super::table::{Cell, Table};
use crate::picture;

/// Where an episode comes from, where its writer said so.
pub(super) const META_FILE: &str = "episode.json";
/// Remark on a last row whose action led to no frame.
const UNANSWERED: &str = "Where a table has a row for the last frame, what was done there led to no frame and was left \
                          out; save the frame after it too.";
/// Remark on a last frame of which no numbers are known.
pub(super) const UNSEEN: &str = "Where a table has no row for the last frame, that frame has no numbers and was left \
                                 out; add a row without an action.";

/// An opened episode.
pub(super) struct Play<'a> {
    place: &'a Place,
    frames: Frames,
    /// What was done.
    pub table: Table,
}

impl<'a> Play<'a> {
    /// Lists the pictures and reads the table.
    ///
    /// # Errors
    /// If either is damaged or they do not fit each other.
    pub fn open(place: &'a Place) -> Result<Self> {
        let frames = Frames::open(&place.pictures)?;
        let n = frames.len();
        let table = Table::read(&place.table, n)?;
        if table.n_rows + 1 < n {
            let got = table.n_rows;
            return Err(Error::invalid(format!("expected {} or {n} rows for {n} frames, got {got}", n - 1))
                .at(&place.table)
                .hint("row `t` says what was done after frame `t` was seen"));
        }
        if table.breaks_off && note(&place.pictures).is_file() {
            return Err(Error::corrupt(
                &place.table,
                "expected a whole last line, got a table that breaks off",
            ));
        }
        let play = Self { place, frames, table };
        play.check_frame_column().map_err(|err| err.at(&place.table))?;
        Ok(play)
    }

    /// A column `frame` that counts must count evenly, or rows belong to other frames than they seem to.
    fn check_frame_column(&self) -> Result<()> {
        let Some(cells) = self.table.columns.get("frame") else { return Ok(()) };
        let numbers: Vec<f64> = cells
            .iter()
            .filter_map(|cell| match cell {
                Cell::Number(number) => Some(*number),
                _ => None,
            })
            .collect();
        let [first, second, ..] = numbers.as_slice() else { return Ok(()) };
        match numbers.windows(2).position(|pair| pair[1] - pair[0] != second - first) {
            Some(row) if numbers.len() == cells.len() => {
                let (before, after) = (numbers[row], numbers[row + 1]);
                Err(Error::invalid(format!(
                    "expected a row for every frame, got frame {after} after {before}"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Height, width and channels of the first picture.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn shape(&self) -> Result<[usize; 3]> {
        self.frames.shape()
    }

    /// Frames a second, where the pictures say.
    pub fn fps(&self) -> Option<f32> {
        match &self.frames {
            Frames::Files(_) => None,
            Frames::Video(video, _) => Some(video.info().fps as f32),
        }
    }

    /// What was left out, for people.
    pub fn remark(&self) -> Option<String> {
        match self.table.n_rows < self.frames.len() {
            true => Some(UNSEEN.to_owned()),
            false if self.acts(self.table.n_rows - 1) => Some(UNANSWERED.to_owned()),
            false => None,
        }
    }

    /// Reads `steps`, or all.
    ///
    /// # Errors
    /// If a picture is missing, damaged or of another size, or a cell does not hold what it should.
    pub fn read(mut self, schema: &Schema, steps: Option<Range<usize>>) -> Result<Episode> {
        // The numbers that were seen with a frame stand in its row.
        let n_seen = if schema.numbers.is_empty() { self.frames.len() } else { self.table.n_rows };
        let n = n_seen.saturating_sub(1);
        let steps = steps.unwrap_or(0..n);
        if n_seen == 0 || steps.start > steps.end || steps.end > n {
            return Err(
                Error::invalid(format!("expected steps within 0..{n}, got {steps:?}")).at(&self.place.table)
            );
        }
        let rows = self.rows(schema, &steps).map_err(|err| err.at(&self.place.table));
        let (actions, rewards) = rows?;
        let end = match steps.end == n {
            true => self.end(n).map_err(|err| err.at(&self.place.table))?,
            false => StepKind::Mid,
        };
        let meta = self.meta()?;
        Ok(Episode { obs: self.seen(schema, steps)?, actions, rewards, end, meta })
    }

    fn rows(&self, schema: &Schema, steps: &Range<usize>) -> Result<(Vec<Value>, Vec<f32>)> {
        let action = |row: usize| whole(&schema.actions, &self.table, row, &schema.words);
        let reward = |row: usize| match self.table.cell("reward", row) {
            Cell::Number(reward) => Ok(*reward as f32),
            Cell::Empty => Ok(0.0),
            other => {
                Err(Error::invalid(format!("expected a number as reward in row {row}, got {}", other.show())))
            }
        };
        Ok((
            steps.clone().map(action).collect::<Result<_>>()?,
            steps.clone().map(reward).collect::<Result<_>>()?,
        ))
    }

    /// Whether an action was taken in row `row`.
    fn acts(&self, row: usize) -> bool {
        let mut columns = self.table.columns.iter().filter(|(name, _)| name.starts_with(ACTION));
        columns.any(|(_, cells)| cells.get(row).is_some_and(|cell| *cell != Cell::Empty))
    }

    /// How the first `n` steps end. Where what ended the episode was left out, it was cut off before it ended.
    fn end(&self, n: usize) -> Result<StepKind> {
        for row in 0..self.table.n_rows {
            let Some(kind) = self.flag(row) else { continue };
            return match row + 1 {
                after if after == n => Ok(kind),
                after if after > n && !self.acts(row) => Ok(kind),
                after if after > n => Ok(StepKind::Truncated),
                after => Err(Error::invalid(format!(
                    "expected no rows after the end in row {row}, got {} more",
                    self.table.n_rows - after
                ))
                .hint("put each episode into a folder of its own")),
            };
        }
        Ok(StepKind::Mid)
    }

    fn flag(&self, row: usize) -> Option<StepKind> {
        let set = |name: &str| matches!(self.table.cell(name, row), Cell::Number(x) if *x != 0.0);
        if set("terminated") || set("terminal") {
            Some(StepKind::Terminated)
        } else if set("truncated") || set("timeout") {
            Some(StepKind::Truncated)
        } else {
            set("done").then_some(StepKind::Terminated)
        }
    }

    /// The observations before, between and after `steps`.
    fn seen(&mut self, schema: &Schema, steps: Range<usize>) -> Result<Vec<Value>> {
        let mut pictures = match &schema.picture {
            Some(leaf) => {
                let (_, shape) = leaf.space.image().unwrap_or_default();
                self.frames.read(steps.start..steps.end + 1, shape)?.into_iter()
            }
            None => Vec::new().into_iter(),
        };
        let mut seen = Vec::with_capacity(steps.len() + 1);
        for t in steps.start..=steps.end {
            let mut obs = schema.choice.empty();
            if let Some((leaf, image)) = schema.picture.as_ref().zip(pictures.next()) {
                leaf.put(&mut obs, Value::Image(image));
            }
            for part in &schema.numbers {
                let value = part.value(&self.table, t, &[]).map_err(|err| err.at(&self.place.table))?;
                part.leaf.put(&mut obs, value);
            }
            seen.push(obs);
        }
        Ok(seen)
    }

    /// What the writer said about the episode, or what its name says.
    fn meta(&self) -> Result<EpisodeMeta> {
        let path = note(&self.place.pictures);
        if path.is_file() {
            return serde_json::from_slice(&read(&path)?)
                .map_err(|err| Error::corrupt(&path, format!("cannot read: {err}")));
        }
        Ok(EpisodeMeta {
            env: "frames".to_owned(),
            policy: "unknown".to_owned(),
            seed: Seed(0),
            source: "real".to_owned(),
            task: None,
        })
    }
}

/// The file with what was said about an episode when it was written here.
fn note(pictures: &Pictures) -> PathBuf {
    match pictures {
        Pictures::Folder(dir) => dir.join(META_FILE),
        Pictures::Video(video) => video.with_extension(META_FILE),
    }
}

/// The opened pictures of an episode.
enum Frames {
    Files(Vec<PathBuf>),
    Video(Box<VideoReader>, PathBuf),
}

impl Frames {
    fn open(pictures: &Pictures) -> Result<Self> {
        Ok(match pictures {
            Pictures::Folder(dir) => Frames::Files(layout::frames(dir)?),
            Pictures::Video(path) => {
                let video = VideoReader::open(path)?;
                if video.info().n_frames == 0 {
                    return Err(Error::corrupt(path, "expected a video with frames, got none"));
                }
                Frames::Video(Box::new(video), path.clone())
            }
        })
    }

    fn len(&self) -> usize {
        match self {
            Frames::Files(paths) => paths.len(),
            Frames::Video(video, _) => video.info().n_frames,
        }
    }

    fn shape(&self) -> Result<[usize; 3]> {
        match self {
            Frames::Files(paths) => match paths.first() {
                Some(path) => picture::shape(&read(path)?).map_err(|err| err.at(path)),
                None => Ok([0; 3]),
            },
            Frames::Video(video, _) => Ok([video.info().height, video.info().width, 3]),
        }
    }

    /// Pictures of the given shape.
    fn read(&mut self, frames: Range<usize>, [height, width, channels]: [usize; 3]) -> Result<Vec<Image>> {
        // Files one by one, so that one of another size is found before the next is decoded.
        let (images, paths): (Box<dyn Iterator<Item = Result<Image>>>, _) = match self {
            Frames::Video(video, path) => {
                let mut images = video.read(frames)?;
                if channels == 1 {
                    // What was grey has three equal channels now.
                    images.iter_mut().for_each(|image| *image = first_channel(image));
                }
                (Box::new(images.into_iter().map(Ok)), vec![path.clone()])
            }
            Frames::Files(paths) => {
                let first = paths.first().cloned();
                let chosen = paths.get(frames.clone()).ok_or_else(|| {
                    Error::invalid(format!("expected frames {frames:?}, got {}", paths.len()))
                })?;
                let decode = |path: &PathBuf| picture::decode(&read(path)?).map_err(|err| err.at(path));
                (Box::new(chosen.iter().map(decode)), chosen.iter().cloned().chain(first).collect())
            }
        };
        let like = paths.last().map_or(String::new(), |first| file_name(first));
        let fit = |(idx, image): (usize, Result<Image>)| {
            let image = image?;
            let path = paths.get(idx).or(paths.last()).map_or(Path::new(""), |path| path);
            if (image.height, image.width) != (height, width) {
                let got = format!("{}x{}", image.height, image.width);
                return Err(Error::invalid(format!(
                    "expected a picture of {height}x{width} like `{like}`, got {got}"
                ))
                .at(path)
                .hint("all pictures of a data set have the same height and width"));
            }
            picture::with_channels(image, channels).map_err(|err| err.at(path))
        };
        images.enumerate().map(fit).collect()
    }
}

fn first_channel(image: &Image) -> Image {
    let data = image.data.iter().step_by(image.channels.max(1)).copied().collect();
    Image { height: image.height, width: image.width, channels: 1, data }
}

/// The parts in row `row`, put together.
fn whole(parts: &[Part], table: &Table, row: usize, words: &[String]) -> Result<Value> {
    let mut value = Value::Dict(Default::default());
    for part in parts {
        part.leaf.put(&mut value, part.value(table, row, words)?);
    }
    Ok(value)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|err| Error::io("read file", path, &err))
}
