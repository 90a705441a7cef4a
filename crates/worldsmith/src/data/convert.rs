//! From data sets to a data set: what importing, exporting, converting and merging have in common.

use std::path::{Path, PathBuf};

use serde::Serialize;
use worldsmith_core::{Error, ErrorKind, Result, Space};
use worldsmith_data::formats::{self, Sink, SinkSpec, Source};
use worldsmith_data::{Keeping, Pictures, Store, fingerprint};

use super::found::{Found, pictures_like};
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
    /// How an episode store keeps pictures. If left out: as the store that is gone on with does, or as the data sets do
    /// where they are stores that agree, or raw.
    pub pictures: Option<Pictures>,
    /// Go on with an episode store that was begun, from the first episode it lacks.
    pub resume: bool,
    /// Leave out episodes that are damaged, and say so, instead of stopping at the first.
    pub skip_damaged: bool,
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
/// were whole; of what was begun in another format nothing is left.
pub fn convert(request: &ConvertRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<Converted> {
    let mut sources: Vec<Box<dyn Source>> =
        request.sources.iter().map(|s| Ok(s.open()?.1)).collect::<Result<_>>()?;
    let first = sources.first().ok_or_else(|| Error::invalid("expected a data set to read, got none"))?;
    let (obs, first_fps) = (first.info().obs.clone(), first.info().fps);
    for (source, asked) in sources.iter().zip(&request.sources) {
        same_spaces(first.info(), source.info(), &asked.path)?;
    }
    let mut notes: Vec<String> = sources.iter().flat_map(|s| s.info().notes.clone()).collect();
    notes.dedup();
    let mut action = first.info().action.clone();
    let to = formats::format(request.to.as_deref().unwrap_or(STORE))?;
    if to.name == STORE && is_unbounded(&action) {
        action = bounded(&action, &mut sources, request.skip_damaged, progress, stop)?;
        notes.push(format!("the actions had no bounds; they were given those of the data: {action}"));
    }
    let fps = request.fps.or(first_fps).unwrap_or(FPS);
    let spec = SinkSpec { video: request.video, ..SinkSpec::new(obs.clone(), action.clone(), fps) };
    let mut copy = Copy { there: Vec::new(), request, done: 0, steps: 0, left_out: 0, progress, stop };
    if to.name == STORE {
        fill_store(&mut copy, &mut sources, &spec, request.fps.or(first_fps))?;
    } else {
        if request.fps.is_none() && first_fps.is_none() {
            notes.push(format!(
                "the source does not say how many steps a second it has; {FPS} are assumed (`--fps`)"
            ));
        }
        if request.pictures.is_some() {
            return Err(Error::invalid(format!("expected no choice of pictures for format `{}`", to.name))
                .hint("`--pictures` is for episode stores; `--video` for formats that can hold both"));
        }
        let mut sink = formats::create(to, &request.out, &spec)?;
        copy.run(&mut sources, &mut Target::Other(sink.as_mut()))?;
        sink.finish()?;
    }
    if copy.left_out > 0 {
        notes.push(format!("{} damaged episodes were left out", copy.left_out));
    }
    let (episodes, steps) = (copy.done, copy.steps);
    Ok(Converted { out: request.out.clone(), format: to.name, episodes, steps, obs, action, notes })
}

/// Copies into an episode store, from the first episode on that it lacks.
fn fill_store(
    copy: &mut Copy,
    sources: &mut [Box<dyn Source>],
    spec: &SinkSpec,
    fps: Option<f32>,
) -> Result<()> {
    let keeping = Keeping { fps, pictures: asked(copy.request).unwrap_or_else(|| pictures_like(sources)) };
    let mut store = open_store(copy.request, spec, keeping, copy.progress)?;
    copy.there = (0..store.len()).map(|idx| Ok(store.entry(idx)?.hash)).collect::<Result<_>>()?;
    if !copy.request.skip_damaged {
        check_begun(&store, sources)?;
    }
    // Whatever stops the copy, what was copied until then is kept.
    let copied = copy.run(sources, &mut Target::Store(&mut store));
    let copied = copied.and_then(|()| copy.pass_stored(copy.there.len().saturating_sub(copy.done)));
    let copied = copied.and(store.commit());
    copied.map_err(|err| match err.kind() {
        ErrorKind::Interrupted => err.hint("run it again with `--resume` to go on"),
        ErrorKind::Io => err.hint(format!(
            "{} episodes are safe; once the cause is mended (is the disk full?), `--resume` goes on from there",
            store.len()
        )),
        _ => err,
    })
}

/// How the pictures of a store are to be kept, if that was said.
fn asked(request: &ConvertRequest) -> Option<Pictures> {
    request.pictures.or(request.video.then_some(Pictures::H264))
}

/// What is written.
enum Target<'a> {
    Store(&'a mut Store),
    Other(&'a mut dyn Sink),
}

impl Target<'_> {
    fn hash_of(&self, found: &Found) -> Result<String> {
        match self {
            Target::Store(store) => found.hash_in(store),
            Target::Other(_) => Ok(fingerprint(&found.episode)),
        }
    }

    fn put(&mut self, found: &Found) -> Result<()> {
        match self {
            Target::Store(store) => found.put_into(store),
            Target::Other(sink) => sink.push(&found.episode),
        }
    }
}

/// The loop of a conversion.
struct Copy<'a> {
    /// Fingerprints of the episodes that need not be copied again.
    there: Vec<String>,
    request: &'a ConvertRequest,
    /// Episodes that are in the new data set.
    done: usize,
    steps: usize,
    left_out: usize,
    progress: &'a mut dyn Progress,
    stop: &'a Stop,
}

impl Copy<'_> {
    fn run(&mut self, sources: &mut [Box<dyn Source>], target: &mut Target) -> Result<()> {
        let total: usize = sources.iter().map(|s| s.n_episodes()).sum();
        self.progress.stage("convert", total as u64);
        for (source, asked) in sources.iter_mut().zip(&self.request.sources) {
            for idx in 0..source.n_episodes() {
                self.stop.check()?;
                // Without damage the episodes that are there are the first ones.
                if self.done >= self.there.len() || self.request.skip_damaged {
                    match Found::read(source.as_mut(), idx) {
                        Ok(found) => self.keep(&found, target)?,
                        Err(err) if err.kind() == ErrorKind::Corrupt && self.request.skip_damaged => {
                            self.left_out += 1;
                            let path = asked.path.display();
                            let fate = match self.done < self.there.len() {
                                // It may have been copied before it was damaged: the next one tells.
                                true => "cannot be read",
                                false => "is left out",
                            };
                            self.progress.warn(&format!("episode {idx} of {path} {fate}: {err}"));
                        }
                        Err(err) => return Err(skippable(err)),
                    }
                } else {
                    self.done += 1;
                }
                self.progress.at((self.done + self.left_out) as u64, "");
            }
        }
        Ok(())
    }

    fn keep(&mut self, found: &Found, target: &mut Target) -> Result<()> {
        if self.done < self.there.len() {
            let (hash, rest) = (target.hash_of(found)?, &self.there[self.done..]);
            let n_between = rest.iter().position(|there| *there == hash).unwrap_or(rest.len());
            self.pass_stored(n_between)?;
        }
        if self.done >= self.there.len() {
            self.steps += found.episode.len();
            target.put(found)?;
        }
        self.done += 1;
        Ok(())
    }

    /// Takes the next `n` episodes that are there for as many that cannot be read any more: they were copied before.
    fn pass_stored(&mut self, n: usize) -> Result<()> {
        self.left_out = self.left_out.checked_sub(n).ok_or_else(|| another(self.done, &self.request.out))?;
        self.done += n;
        Ok(())
    }
}

/// The error of an episode that cannot be read, with the way round it.
fn skippable(err: Error) -> Error {
    match err.kind() {
        ErrorKind::Corrupt => err.hint("`--skip-damaged` leaves such episodes out, and says which"),
        _ => err,
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
            Some(source) => Found::read(source.as_mut(), idx)?.hash_in(store)? == store.entry(wanted)?.hash,
            None => false,
        };
        if !is_same {
            return Err(another(wanted, store.dir()));
        }
    }
    Ok(())
}

/// The error of a store that was begun from something else.
pub(super) fn another(episode: usize, out: &Path) -> Error {
    let message = format!("expected a store begun from these data sets, got another episode {episode}");
    Error::new(ErrorKind::Mismatch, message)
        .at(out)
        .hint("`worldsmith data merge` joins data sets into a new store")
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
    keeping: Keeping,
    progress: &mut dyn Progress,
) -> Result<Store> {
    let store = begin_or_resume(&request.out, [&spec.obs, &spec.action], keeping, request.resume, progress)?;
    match asked(request) {
        Some(asked) if asked != store.pictures() => {
            let message = format!("expected a store of {asked} pictures, got one of {}", store.pictures());
            Err(Error::new(ErrorKind::Mismatch, message).at(&request.out))
        }
        _ => Ok(store),
    }
}

/// A new store of these spaces at `out`, or, to `resume`, the one that was begun there if there is one.
pub(super) fn begin_or_resume(
    out: &Path,
    [obs, action]: [&Space; 2],
    keeping: Keeping,
    resume: bool,
    progress: &mut dyn Progress,
) -> Result<Store> {
    if !(resume && out.join("store.json").exists()) {
        return Store::create_with(out, obs, action, keeping).map_err(|e| match e.kind() {
            _ if !out.join("store.json").exists() => e,
            ErrorKind::Io => e,
            _ => e.hint("go on with it by `--resume`, or choose another folder"),
        });
    }
    let mut store = Store::open(out)?;
    if (store.obs(), store.action()) != (obs, action) {
        let (got_obs, got_action) = (store.obs(), store.action());
        let message = format!("expected a store of {obs} and {action}, got {got_obs} and {got_action}");
        return Err(Error::new(ErrorKind::Mismatch, message).at(out));
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
    skip_damaged: bool,
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
            let actions = match source.read(idx) {
                Ok(episode) => episode.actions,
                Err(err) if err.kind() == ErrorKind::Corrupt && skip_damaged => Vec::new(),
                Err(err) => return Err(skippable(err)),
            };
            for taken in actions {
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
        let bound = |(given, seen): (&f32, &f32)| [*given, *seen, 0.0].into_iter().find(|x| x.is_finite());
        given.iter().zip(seen).filter_map(bound).collect()
    };
    Ok(Space::Box { shape: shape.clone(), low: pick(low, &lowest), high: pick(high, &highest) })
}
