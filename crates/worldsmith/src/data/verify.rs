//! Is a data set whole, does it hold an episode twice, and does a test set share any with a training set?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use worldsmith_core::{Error, Result};
use worldsmith_data::{Keeping, Store, fingerprint};

use super::SourceRequest;
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
        for episode in 0..source.n_episodes() {
            stop.check()?;
            match source.read(episode) {
                Ok(read) => {
                    found.episodes += 1;
                    found.steps += read.len();
                    places.entry(fingerprint(&read)).or_default().push((set_idx, episode));
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

/// Splits a data set into the stores `out/train` and `out/test` by the episodes' fingerprints: about `test` of them, from 0
/// to 1, go to the latter. The same episode always goes the same way, so that equal ones never end up on both sides, and
/// more data later leave every episode where it was.
///
/// # Errors
/// If the data set cannot be read, or a store is there already.
pub fn split(
    set: &SourceRequest,
    out: &Path,
    test: f64,
    progress: &mut dyn Progress,
    stop: &Stop,
) -> Result<SplitResult> {
    if !(test > 0.0 && test < 1.0) {
        return Err(Error::invalid(format!("expected a share of test episodes between 0 and 1, got {test}")));
    }
    let (_, mut source) = set.open()?;
    let (obs, action) = (source.info().obs.clone(), source.info().action.clone());
    let keeping = Keeping { fps: source.info().fps, ..Keeping::default() };
    let mut stores = [
        Store::create_with(&out.join("train"), &obs, &action, keeping)?,
        Store::create_with(&out.join("test"), &obs, &action, keeping)?,
    ];
    progress.stage("split", source.n_episodes() as u64);
    for idx in 0..source.n_episodes() {
        stop.check()?;
        let episode = source.read(idx)?;
        let is_test = share_of(&fingerprint(&episode)) < test;
        stores[usize::from(is_test)].append_later(&episode)?;
        progress.at(idx as u64 + 1, "");
    }
    stores.iter_mut().try_for_each(Store::commit)?;
    let [train, held] = &stores;
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

/// A fingerprint as a number from 0 to 1.
fn share_of(fingerprint: &str) -> f64 {
    let leading = fingerprint.get(..13).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    leading.unwrap_or(0) as f64 / (1u64 << 52) as f64
}
