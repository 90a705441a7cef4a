//! From data sets to a data set: what importing, exporting, converting and merging have in common.

use std::path::{Path, PathBuf};

use serde::Serialize;
use worldsmith_core::{Episode, Error, ErrorKind, Result, Space};
use worldsmith_data::formats::{self, SinkSpec, Source};
use worldsmith_data::{Keeping, Store, fingerprint};

use super::{FPS, STORE, SourceRequest};
use crate::{Progress, Stop};

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
    /// Pictures as compressed video, in formats that can hold both.
    pub video: bool,
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
/// were whole; what was begun in another format is to be removed.
pub fn convert(request: &ConvertRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<Converted> {
    let mut sources: Vec<Box<dyn Source>> =
        request.sources.iter().map(|s| Ok(s.open()?.1)).collect::<Result<_>>()?;
    let first = sources.first().ok_or_else(|| Error::invalid("expected a data set to read, got none"))?;
    let (obs, first_fps) = (first.info().obs.clone(), first.info().fps);
    let fps = request.fps.or(first_fps).unwrap_or(FPS);
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
    let spec = SinkSpec { video: request.video, ..SinkSpec::new(obs.clone(), action.clone(), fps) };
    if to.name != STORE && request.fps.is_none() && first_fps.is_none() {
        notes.push(format!(
            "the source does not say how many steps a second it has; {FPS} are assumed (`--fps`)"
        ));
    }
    let mut copy = Copy { done: 0, steps: 0, progress, stop };
    let total: usize = sources.iter().map(|s| s.n_episodes()).sum();
    if to.name == STORE {
        let mut store = open_store(request, &spec, request.fps.or(first_fps), copy.progress)?;
        let skip = store.len();
        check_begun(&store, &mut sources)?;
        // Whatever stops the copy, what was copied until then is kept.
        let copied = copy.run(&mut sources, skip, &mut |episode| store.append_later(episode));
        store.commit()?;
        copied.map_err(|e| match e.kind() {
            ErrorKind::Interrupted => e.hint("run it again with `--resume` to go on"),
            _ => e,
        })?;
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
                self.stop.check()?;
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

/// Checks that the store was begun from these data sets: its first and its last episode are theirs.
fn check_begun(store: &Store, sources: &mut [Box<dyn Source>]) -> Result<()> {
    let Some(last) = store.len().checked_sub(1) else { return Ok(()) };
    for wanted in [0, last] {
        let mut idx = wanted;
        let source = sources.iter_mut().find(|source| {
            let is_here = idx < source.n_episodes();
            idx -= if is_here { 0 } else { source.n_episodes() };
            is_here
        });
        let is_same = match source {
            Some(source) => fingerprint(&source.read(idx)?) == store.entry(wanted)?.hash,
            None => false,
        };
        if !is_same {
            let message =
                format!("expected a store begun from these data sets, got another episode {wanted}");
            return Err(Error::new(ErrorKind::Mismatch, message)
                .at(store.dir())
                .hint("`worldsmith data merge` joins data sets into a new store"));
        }
    }
    Ok(())
}

fn same_spaces(first: &formats::SourceInfo, other: &formats::SourceInfo, path: &Path) -> Result<()> {
    if (&first.obs, &first.action) == (&other.obs, &other.action) {
        return Ok(());
    }
    let message = format!(
        "expected observation {} and action {} as in the first data set, got {} and {}",
        first.obs, first.action, other.obs, other.action
    );
    Err(Error::new(ErrorKind::Mismatch, message).at(path))
}

fn open_store(
    request: &ConvertRequest,
    spec: &SinkSpec,
    fps: Option<f32>,
    progress: &mut dyn Progress,
) -> Result<Store> {
    if !(request.resume && request.out.join("store.json").exists()) {
        let keeping = Keeping { fps, ..Keeping::default() };
        return Store::create_with(&request.out, &spec.obs, &spec.action, keeping).map_err(|e| {
            match e.kind() {
                ErrorKind::Io => e,
                _ => e.hint("go on with it by `--resume`, or choose another folder"),
            }
        });
    }
    let mut store = Store::open(&request.out)?;
    if (store.obs(), store.action()) != (&spec.obs, &spec.action) {
        return Err(Error::new(
            ErrorKind::Mismatch,
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
    store.leftovers().iter().for_each(|said| progress.warn(said));
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
