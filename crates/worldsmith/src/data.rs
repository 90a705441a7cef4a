//! Data sets of any format: looked into, converted, joined and pictured.
//!
//! Importing is converting to an episode store, exporting is converting from one, and merging is converting several at
//! once; so there is one function for all of them, [`convert`].

use std::path::{Path, PathBuf};

use serde::Serialize;
use worldsmith_core::{Episode, Error, Result, Space};
use worldsmith_data::formats::{self, FORMATS, Format, ReadOptions, SinkSpec, Source};
use worldsmith_data::{Store, export};

use crate::session::picture;
use crate::{Progress, Stop};

/// The format of episode stores.
const STORE: &str = "worldsmith";
/// Frames a second where a format has a clock and the source has none.
const FPS: f32 = 10.0;

/// One format, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FormatInfo {
    /// What it is called.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether it can be written as well as read.
    pub writable: bool,
}

/// Every format.
pub fn formats() -> Vec<FormatInfo> {
    let info = |f: &Format| FormatInfo { name: f.name, about: f.about, writable: f.create.is_some() };
    FORMATS.iter().map(info).collect()
}

/// A data set to read.
#[derive(Debug, Clone, Default)]
pub struct SourceRequest {
    /// File or folder.
    pub path: PathBuf,
    /// Its format; found out if left out.
    pub format: Option<String>,
    /// What to read of it.
    pub options: ReadOptions,
}

impl SourceRequest {
    fn open(&self) -> Result<(&'static Format, Box<dyn Source>)> {
        formats::open(&self.path, self.format.as_deref(), &self.options)
    }
}

/// What a data set is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspected {
    /// File or folder.
    pub path: PathBuf,
    /// Its format.
    pub format: &'static str,
    /// Number of episodes.
    pub episodes: usize,
    /// Space of the observations.
    pub obs: Space,
    /// Space of the actions.
    pub action: Space,
    /// Steps a second, where the format says.
    pub fps: Option<f32>,
    /// Steps of the first episode.
    pub first_len: Option<usize>,
    /// Task of the first episode in words, where there is one.
    pub task: Option<String>,
    /// What was put right or left out.
    pub notes: Vec<String>,
}

/// Looks into a data set and reads its first episode.
///
/// # Errors
/// If it is of no known format, or damaged.
pub fn inspect(request: &SourceRequest) -> Result<Inspected> {
    let (format, mut source) = request.open()?;
    let first = match source.n_episodes() {
        0 => None,
        _ => Some(source.read(0)?),
    };
    let info = source.info();
    Ok(Inspected {
        path: request.path.clone(),
        format: format.name,
        episodes: source.n_episodes(),
        obs: info.obs.clone(),
        action: info.action.clone(),
        fps: info.fps,
        first_len: first.as_ref().map(Episode::len),
        task: first.and_then(|episode| episode.meta.task),
        notes: info.notes.clone(),
    })
}

/// What to convert, and to what.
#[derive(Debug, Clone)]
pub struct ConvertRequest {
    /// Data sets of the same spaces, read one after the other.
    pub sources: Vec<SourceRequest>,
    /// Format to write; an episode store if left out.
    pub to: Option<String>,
    /// File or folder to write.
    pub out: PathBuf,
    /// Steps a second, for formats with clocks; the source's own if left out.
    pub fps: Option<f32>,
    /// Go on with an episode store that was begun, from the first episode it lacks.
    pub resume: bool,
}

/// What was converted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Converted {
    /// File or folder that was written.
    pub out: PathBuf,
    /// Its format.
    pub format: &'static str,
    /// Episodes in it.
    pub episodes: usize,
    /// Actions in the episodes written now.
    pub steps: usize,
    /// Space of the observations.
    pub obs: Space,
    /// Space of the actions.
    pub action: Space,
    /// What was put right or left out.
    pub notes: Vec<String>,
}

/// Reads data sets and writes one, episode by episode.
///
/// An action without bounds gets those of the data, since nothing can be drawn from an endless range.
///
/// # Errors
/// If a data set cannot be read, they differ in their spaces, or `out` cannot be written. A store keeps the episodes that
/// were whole; of other formats nothing is left.
pub fn convert(request: &ConvertRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<Converted> {
    let mut sources: Vec<Box<dyn Source>> =
        request.sources.iter().map(|s| Ok(s.open()?.1)).collect::<Result<_>>()?;
    let first = sources.first().ok_or_else(|| Error::invalid("expected a data set to read, got none"))?;
    let (obs, fps) = (first.info().obs.clone(), request.fps.or(first.info().fps).unwrap_or(FPS));
    for (source, asked) in sources.iter().zip(&request.sources) {
        same_spaces(first.info(), source.info(), &asked.path)?;
    }
    let mut notes: Vec<String> = sources.iter().flat_map(|s| s.info().notes.clone()).collect();
    notes.dedup();
    let mut action = first.info().action.clone();
    let to = formats::format(request.to.as_deref().unwrap_or(STORE))?;
    if to.name == STORE && is_unbounded(&action) {
        action = bounded(&action, &mut sources, progress, stop)?;
        notes.push(format!("the actions had no bounds; they were given those of the data: {action}"));
    }
    let spec = SinkSpec::new(obs.clone(), action.clone(), fps);
    let mut copy = Copy { done: 0, steps: 0, progress, stop };
    let total: usize = sources.iter().map(|s| s.n_episodes()).sum();
    if to.name == STORE {
        let mut store = open_store(request, &spec)?;
        let skip = store.len();
        copy.run(&mut sources, skip, &mut |episode| store.append(episode).map(drop))?;
    } else {
        let create = to.create.ok_or_else(|| {
            Error::invalid(format!("format `{}` can be read but not written", to.name))
                .hint("`worldsmith data formats` says which can be written")
        })?;
        let mut sink = create(&request.out, &spec)?;
        copy.run(&mut sources, 0, &mut |episode| sink.push(episode))?;
        sink.finish()?;
    }
    let steps = copy.steps;
    Ok(Converted { out: request.out.clone(), format: to.name, episodes: total, steps, obs, action, notes })
}

/// The loop of a conversion.
struct Copy<'a> {
    done: usize,
    steps: usize,
    progress: &'a mut dyn Progress,
    stop: &'a Stop,
}

impl Copy<'_> {
    fn run(
        &mut self,
        sources: &mut [Box<dyn Source>],
        skip: usize,
        put: &mut dyn FnMut(&Episode) -> Result<()>,
    ) -> Result<()> {
        let total: usize = sources.iter().map(|s| s.n_episodes()).sum();
        self.progress.stage("convert", total as u64);
        for source in sources {
            for idx in 0..source.n_episodes() {
                self.stop.check().map_err(|e| e.hint("run it again with `--resume` to go on"))?;
                if self.done >= skip {
                    let episode = source.read(idx)?;
                    self.steps += episode.len();
                    put(&episode)?;
                }
                self.done += 1;
                self.progress.at(self.done as u64, "");
            }
        }
        Ok(())
    }
}

fn same_spaces(first: &formats::SourceInfo, other: &formats::SourceInfo, path: &Path) -> Result<()> {
    if (&first.obs, &first.action) == (&other.obs, &other.action) {
        return Ok(());
    }
    let message = format!(
        "expected observation {} and action {} as in the first data set, got {} and {}",
        first.obs, first.action, other.obs, other.action
    );
    Err(Error::new(worldsmith_core::ErrorKind::Mismatch, message).at(path))
}

fn open_store(request: &ConvertRequest, spec: &SinkSpec) -> Result<Store> {
    if !(request.resume && request.out.join("store.json").exists()) {
        return Store::create(&request.out, &spec.obs, &spec.action)
            .map_err(|e| e.hint("go on with it by `--resume`, or choose another folder"));
    }
    let mut store = Store::open(&request.out)?;
    if (store.obs(), store.action()) != (&spec.obs, &spec.action) {
        return Err(Error::new(
            worldsmith_core::ErrorKind::Mismatch,
            format!(
                "expected a store of {} and {}, got {} and {}",
                spec.obs,
                spec.action,
                store.obs(),
                store.action()
            ),
        )
        .at(&request.out));
    }
    // Clears away what a crash left half-written.
    store.truncate(store.len())?;
    Ok(store)
}

fn is_unbounded(action: &Space) -> bool {
    match action {
        Space::Box { low, high, .. } => low.iter().chain(high).any(|x| !x.is_finite()),
        Space::Dict(parts) => parts.values().any(is_unbounded),
        _ => false,
    }
}

/// The action space with the range of the data in place of missing bounds.
fn bounded(
    action: &Space,
    sources: &mut [Box<dyn Source>],
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<Space> {
    let Space::Box { shape, low, high } = action else {
        return Err(Error::invalid(format!(
            "expected an action that is one array or has bounds, got {action}"
        )));
    };
    let n = low.len();
    let (mut lowest, mut highest) = (vec![f32::INFINITY; n], vec![f32::NEG_INFINITY; n]);
    progress.stage("find bounds", sources.iter().map(|s| s.n_episodes() as u64).sum());
    let mut done = 0;
    for source in sources {
        for idx in 0..source.n_episodes() {
            stop.check()?;
            for taken in source.read(idx)?.actions {
                let mut flat = Vec::with_capacity(n);
                action.flatten(&taken, &mut flat)?;
                for (i, x) in flat.into_iter().enumerate().filter(|(_, x)| x.is_finite()) {
                    lowest[i] = lowest[i].min(x);
                    highest[i] = highest[i].max(x);
                }
            }
            done += 1;
            progress.at(done, "");
        }
    }
    let pick = |given: &[f32], seen: &[f32]| -> Vec<f32> {
        given
            .iter()
            .zip(seen)
            .map(|(g, s)| {
                if g.is_finite() {
                    *g
                } else if s.is_finite() {
                    *s
                } else {
                    0.0
                }
            })
            .collect()
    };
    Ok(Space::Box { shape: shape.clone(), low: pick(low, &lowest), high: pick(high, &highest) })
}

/// Pictures of one episode.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// Episode shown.
    pub episode: usize,
    /// Its steps.
    pub steps: usize,
    /// Sum of its rewards.
    pub total_reward: f32,
    /// A film of it.
    pub gif: PathBuf,
    /// Some of its frames side by side.
    pub strip: PathBuf,
}

/// Films one episode: `<out>.gif`, and a strip of frames in `<out>.png`. Observations without a picture are drawn as bars.
///
/// # Errors
/// If there is no such episode, or the files cannot be written.
pub fn preview(request: &SourceRequest, episode: usize, out: &Path) -> Result<Preview> {
    const FRAMES: usize = 12;
    let (_, mut source) = request.open()?;
    if episode >= source.n_episodes() {
        let n = source.n_episodes();
        return Err(Error::invalid(format!("expected an episode below {n}, got {episode}")).at(&request.path));
    }
    let space = source.info().obs.clone();
    let fps = source.info().fps.unwrap_or(FPS).clamp(1.0, 50.0) as u32;
    let read = source.read(episode)?;
    let frames: Vec<_> = read.obs.iter().map(|obs| picture(&space, obs)).collect::<Result<_>>()?;
    let (gif, strip) = (out.with_extension("gif"), out.with_extension("png"));
    if let Some(dir) = out.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(|e| Error::io("create the folder", dir, &e))?;
    }
    let scale = (128 / frames[0].height.max(1)).max(1);
    export::gif(&frames, fps, scale, &gif)?;
    let last = frames.len() - 1;
    let n = FRAMES.min(frames.len());
    let row = (0..n).map(|i| frames[i * last / (n - 1).max(1)].clone()).collect();
    export::png(&export::strip(&[row], 1)?, 1, &strip)?;
    Ok(Preview { episode, steps: read.len(), total_reward: read.total_reward(), gif, strip })
}
