//! Is a data set whole, does it hold an episode twice, and does a test set share any with a training set?

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use worldsmith_core::{Error, ErrorKind, Result};
use worldsmith_data::formats::Source;
use worldsmith_data::{Keeping, Store, fingerprint};

use super::SourceRequest;
use super::convert::{another, begin_or_resume};
use super::found::{Found, pictures_like};
use crate::{Progress, Stop};

/// Where an episode is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The data set.
    pub path: PathBuf,
    /// Its number there.
    pub episode: usize,
}

/// An episode that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Which one.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong.
    pub error: String,
}

/// One episode that is there several times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// All its places.
    pub places: Vec<Place>,
    /// Whether they are in different data sets: between training and test data, a leak.
    pub leak: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Episodes read.
    pub episodes: usize,
    /// Actions in them.
    pub steps: usize,
    /// Episodes that could not be read.
    pub damage: Vec<Damage>,
    /// Episodes that are there more than once.
    pub duplicates: Vec<Duplicates>,
    /// Whether everything could be read and no two data sets share an episode.
    pub passed: bool,
}

/// Reads every episode of the data sets and compares their fingerprints, within each and between them.
///
/// # Errors
/// If a data set cannot be opened at all; episodes that cannot be read are part of the answer.
pub fn verify(sets: &[SourceRequest], progress: &mut dyn Progress, stop: &Stop) -> Result<Verified> {
    let mut sources = sets.iter().map(|set| Ok((set, set.open()?.1))).collect::<Result<Vec<_>>>()?;
    let mut found =
        Verified { episodes: 0, steps: 0, damage: Vec::new(), duplicates: Vec::new(), passed: false };
    let mut places: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    progress.stage("verify", sources.iter().map(|(_, s)| s.n_episodes() as u64).sum());
    for (set_idx, (set, source)) in sources.iter_mut().enumerate() {
        // Also what was cut off behind the last whole episode, which cannot be told from what was never completed.
        source.info().notes.iter().for_each(|note| progress.warn(note));
        for episode in 0..source.n_episodes() {
            stop.check()?;
            match check(source.as_mut(), episode) {
                Ok((steps, hash)) => {
                    found.episodes += 1;
                    found.steps += steps;
                    places.entry(hash).or_default().push((set_idx, episode));
                }
                Err(err) => {
                    let place = Place { path: set.path.clone(), episode };
                    found.damage.push(Damage { place, error: err.to_string() });
                }
            }
            progress.at((found.episodes + found.damage.len()) as u64, "");
        }
    }
    for group in places.into_values().filter(|group| group.len() > 1) {
        let leak = group.iter().any(|(set_idx, _)| *set_idx != group[0].0);
        let place = |(set_idx, episode): (usize, usize)| Place { path: sets[set_idx].path.clone(), episode };
        found.duplicates.push(Duplicates { places: group.into_iter().map(place).collect(), leak });
    }
    found.passed = found.damage.is_empty() && found.duplicates.iter().all(|d| !d.leak);
    Ok(found)
}

/// Reads an episode, every picture of it. Gives its length and its fingerprint, which a store must have on record.
fn check(source: &mut dyn Source, idx: usize) -> Result<(usize, String)> {
    let read = source.read(idx)?;
    let hash = fingerprint(&read);
    match source.store() {
        Some(store) if store.entry(idx)?.hash != hash => {
            let message = format!("episode {idx}: its fingerprint is not that in the index");
            Err(Error::corrupt(store.dir(), message))
        }
        _ => Ok((read.len(), hash)),
    }
}

/// Two stores made of one data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitResult {
    /// Store of the training episodes.
    pub train: PathBuf,
    /// How many there are.
    pub n_train: usize,
    /// Store of the test episodes.
    pub test: PathBuf,
    /// How many there are.
    pub n_test: usize,
}

/// How to split.
#[derive(Debug, Clone)]
pub struct SplitRequest {
    /// What to split.
    pub set: SourceRequest,
    /// Folder of the stores `train` and `test`.
    pub out: PathBuf,
    /// Share of the test episodes, between 0 and 1.
    pub test: f64,
    /// Go on with stores that were begun.
    pub resume: bool,
}

/// Splits a data set into the stores `out/train` and `out/test` by the episodes' fingerprints: about `test` of them, from 0
/// to 1, go to the latter. The same episode always goes the same way, so that equal ones never end up on both sides, and
/// more data later leave every episode where it was.
///
/// # Errors
/// If the data set cannot be read, or a store is there already that is not to be gone on with, or was begun from something
/// else or with another share; what was there then stays as it was.
pub fn split(request: &SplitRequest, progress: &mut dyn Progress, stop: &Stop) -> Result<SplitResult> {
    let SplitRequest { set, out, test, resume } = request;
    if !(*test > 0.0 && *test < 1.0) {
        return Err(Error::invalid(format!("expected a share of test episodes between 0 and 1, got {test}")));
    }
    let (_, mut source) = set.open()?;
    let keeping = Keeping { fps: source.info().fps, pictures: pictures_like(std::slice::from_ref(&source)) };
    let mut begin = |name| {
        let spaces = [&source.info().obs, &source.info().action];
        begin_or_resume(&out.join(name), spaces, keeping, *resume, progress)
    };
    let mut sides = [Side::new(begin("train")?, false, *test)?, Side::new(begin("test")?, true, *test)?];
    progress.stage("split", source.n_episodes() as u64);
    let mut copied = Ok(());
    for idx in 0..source.n_episodes() {
        copied = stop.check().and_then(|()| {
            let found = Found::read(source.as_mut(), idx)?;
            // Both sides keep it alike.
            let hash = found.hash_in(&sides[0].store)?;
            sides[usize::from(is_test(&hash, *test))].take(&found, &hash)
        });
        if copied.is_err() {
            break;
        }
        progress.at(idx as u64 + 1, "");
    }
    let copied = copied.and_then(|()| sides.iter().try_for_each(Side::check_all_seen));
    // Whatever stopped it, what was copied until then is kept, unless it does not belong there.
    let kept = sides.iter_mut().try_for_each(|side| match &copied {
        Err(err) if err.kind() == ErrorKind::Mismatch => side.store.truncate(side.n_before),
        _ => side.store.commit(),
    });
    copied.and(kept).map_err(|err| match err.kind() {
        ErrorKind::Interrupted | ErrorKind::Io => err.hint("run it again with `--resume` to go on"),
        _ => err,
    })?;
    let [train, held] = sides.map(|side| side.store);
    if train.is_empty() || held.is_empty() {
        let (n_train, n_test) = (train.len(), held.len());
        progress.warn(&format!("one side is empty: {n_train} training and {n_test} test episodes"));
    }
    Ok(SplitResult {
        train: train.dir().to_owned(),
        n_train: train.len(),
        test: held.dir().to_owned(),
        n_test: held.len(),
    })
}

/// One of the stores that a data set is split into.
struct Side {
    store: Store,
    /// Episodes that came to this side, those with them that were there before.
    n_seen: usize,
    n_before: usize,
}

impl Side {
    /// Goes on with a store, all of whose episodes must be of this side.
    fn new(store: Store, holds_test: bool, share: f64) -> Result<Self> {
        for idx in 0..store.len() {
            if is_test(&store.entry(idx)?.hash, share) != holds_test {
                let message =
                    format!("expected the share of test episodes that was split by before, got {share}");
                return Err(Error::new(ErrorKind::Mismatch, message)
                    .at(store.dir())
                    .hint("give the same `--test` as before, or choose another folder"));
            }
        }
        Ok(Self { n_before: store.len(), store, n_seen: 0 })
    }

    /// Checks that all episodes that were there before came again.
    fn check_all_seen(&self) -> Result<()> {
        match self.n_seen < self.n_before {
            true => Err(another(self.n_seen, self.store.dir())),
            false => Ok(()),
        }
    }

    /// Adds an episode, unless it is there from an earlier time.
    fn take(&mut self, found: &Found, hash: &str) -> Result<()> {
        let idx = self.n_seen;
        self.n_seen += 1;
        match idx < self.n_before {
            false => found.put_into(&mut self.store),
            true if self.store.entry(idx)?.hash == hash => Ok(()),
            true => Err(another(idx, self.store.dir())),
        }
    }
}

/// Whether the episode of this fingerprint is for testing, if a `share` of all are.
fn is_test(fingerprint: &str, share: f64) -> bool {
    share_of(fingerprint) < share
}

/// A fingerprint as a number from 0 to 1.
fn share_of(fingerprint: &str) -> f64 {
    let leading = fingerprint.get(..13).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    leading.unwrap_or(0) as f64 / (1u64 << 52) as f64
}
