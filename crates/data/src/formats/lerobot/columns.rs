//! Which features become observations and actions, and in which spaces.

use std::collections::BTreeMap;
use std::path::Path;

use worldsmith_core::{Error, Result, Space, Value};

use super::bounds::bounds;
use super::info::{Feature, INFO, Info, Kind};
use super::own::{self, ACTION, OBSERVATION, Spaces};
use super::{DONE, EPISODE_INDEX, FRAME_INDEX, INDEX, REWARD, TASK_INDEX, TIMESTAMP, TRUNCATED};
use crate::formats::choice::Choice;
use crate::formats::{ReadOptions, SEE_COLUMNS};
use crate::leaf::Leaf;

/// Whole numbers up to this are choices, where a data set has them as its actions.
const MAX_CHOICE: f32 = 1023.0;

/// One feature that is read.
#[derive(Debug)]
pub(super) struct Column {
    /// Name of the feature.
    pub name: String,
    /// The part of the whole that it is.
    pub leaf: Leaf,
    /// Which of the videos it is, if it is one.
    pub video: Option<usize>,
}

/// Everything that is read of a data set.
#[derive(Debug)]
pub(super) struct Columns {
    /// Parts of an observation.
    pub obs: Vec<Column>,
    /// Parts of an action.
    pub actions: Vec<Column>,
}

/// What was decided.
pub(super) struct Chosen {
    pub columns: Columns,
    pub obs: Space,
    pub action: Space,
    pub notes: Vec<String>,
}

impl Columns {
    /// Names of the videos, in the order of [`Column::video`].
    pub fn videos(&self) -> Vec<&str> {
        self.obs.iter().filter(|column| column.video.is_some()).map(|column| column.name.as_str()).collect()
    }

    /// Columns of the tables that are needed.
    pub fn wanted(&self) -> Vec<&str> {
        let rows = [EPISODE_INDEX, FRAME_INDEX, TASK_INDEX, REWARD, DONE, TRUNCATED];
        let clock = self.obs.iter().any(|column| column.video.is_some()).then_some(TIMESTAMP);
        let values = self.obs.iter().chain(&self.actions).filter(|column| column.video.is_none());
        rows.into_iter().chain(clock).chain(values.map(|column| column.name.as_str())).collect()
    }
}

/// Decides what the data set in `root` is read as. Where worldsmith wrote it, `spaces` says that already.
///
/// # Errors
/// If there are no observations or actions, or a column that was asked for is not there.
pub(super) fn choose(
    root: &Path,
    info: &Info,
    spaces: Option<&Spaces>,
    options: &ReadOptions,
) -> Result<Chosen> {
    let mut notes = Vec::new();
    let (obs, obs_leaves) = observations(root, info, spaces, &options.columns)?;
    let (action, action_leaves) = match spaces {
        Some(spaces) => {
            let leaves = own::action_leaves(&spaces.action)?;
            check_own(root, info, &leaves)?;
            (spaces.action.clone(), leaves)
        }
        None => {
            notes.push(
                "the last action of each episode leads to no recorded observation and was left out; \
                 what it led to, the end included, is not in the data set"
                    .to_owned(),
            );
            actions(root, info, &mut notes)?
        }
    };
    if !info.features.contains_key(REWARD) {
        notes.push(format!("there is no `{REWARD}`: all rewards are 0"));
    }
    let mut n_videos = 0;
    let mut column = |(name, leaf): (String, Leaf)| {
        let is_video = info.features.get(&name).and_then(Feature::kind) == Some(Kind::Video);
        let video = is_video.then_some(n_videos);
        n_videos += usize::from(is_video);
        Column { name, leaf, video }
    };
    let obs_columns = obs_leaves.into_iter().map(&mut column).collect();
    let columns = Columns { obs: obs_columns, actions: action_leaves.into_iter().map(&mut column).collect() };
    Ok(Chosen { columns, obs, action, notes })
}

/// One value for each row out of one for each row and column.
///
/// # Errors
/// Those of `read`.
pub(super) fn gather(
    columns: &[Column],
    mut read: impl FnMut(&Column) -> Result<Vec<Value>>,
) -> Result<Vec<Value>> {
    let mut wholes = Vec::new();
    for column in columns {
        let parts = read(column)?;
        wholes.resize(parts.len(), Value::Dict(BTreeMap::new()));
        for (whole, part) in wholes.iter_mut().zip(parts) {
            column.leaf.put(whole, part);
        }
    }
    Ok(wholes)
}

type Named = Vec<(String, Leaf)>;

fn observations(
    root: &Path,
    info: &Info,
    spaces: Option<&Spaces>,
    asked: &[String],
) -> Result<(Space, Named)> {
    let mut known: BTreeMap<&str, Option<Space>> = BTreeMap::new();
    let own = spaces.map(|spaces| own::obs_leaves(&spaces.obs)).transpose()?.unwrap_or_default();
    if let Some(spaces) = spaces {
        check_own(root, info, &own)?;
        if asked.is_empty() {
            return Ok((spaces.obs.clone(), own));
        }
        known.extend(own.iter().map(|(name, leaf)| (name.as_str(), Some(leaf.space.clone()))));
    } else {
        known.extend(info.features.keys().filter(|name| may_be_seen(name)).map(|name| (name.as_str(), None)));
    }
    let mut parts = BTreeMap::new();
    for name in asked {
        let Some((name, space)) = known.get_key_value(name.as_str()) else {
            return Err(Error::unknown("column", name, known.keys().copied(), SEE_COLUMNS).at(root));
        };
        parts.insert((*name).to_owned(), space.clone());
    }
    if asked.is_empty() {
        let seen = |name: &str| {
            let kind = info.features.get(name).and_then(Feature::kind);
            is_below(name, OBSERVATION) && kind.is_some_and(|kind| kind != Kind::Text)
        };
        parts.extend(
            known
                .iter()
                .filter(|(name, _)| seen(name))
                .map(|(name, space)| ((*name).to_owned(), space.clone())),
        );
    }
    let spaces = parts.into_iter().map(|(name, space)| {
        let space = space.map_or_else(|| space_of(root, info, &name), Ok)?;
        Ok((name, space))
    });
    assemble(spaces.collect::<Result<_>>()?)?
        .ok_or_else(|| Error::corrupt(&root.join(INFO), "expected a feature `observation.*`, found none"))
}

fn actions(root: &Path, info: &Info, notes: &mut Vec<String>) -> Result<(Space, Named)> {
    let is_action = |name: &&String| match info.features.contains_key(ACTION) {
        true => *name == ACTION,
        false => is_below(name, ACTION),
    };
    let mut parts = BTreeMap::new();
    for name in info.features.keys().filter(is_action) {
        let space = space_of(root, info, name)?;
        let Space::Box { shape, low, .. } = &space else {
            let why = format!("feature `{name}`: expected actions to be numbers, got {space}");
            return Err(Error::corrupt(&root.join(INFO), why));
        };
        let is_whole = info.features.get(name).and_then(Feature::kind) == Some(Kind::Whole);
        let space = match bounds(root, info, name, low.len())? {
            Some((low, high)) if is_whole && low.len() == 1 && low[0] >= 0.0 && high[0] <= MAX_CHOICE => {
                let n = high[0] as usize + 1;
                notes.push(format!(
                    "`{name}` was taken for one of {n} choices, the largest seen being {}",
                    n - 1
                ));
                Space::Discrete { n }
            }
            Some((low, high)) => {
                notes.push(format!("the bounds of `{name}` are the least and greatest values in the data"));
                Space::Box { shape: shape.clone(), low, high }
            }
            None => space,
        };
        parts.insert(name.clone(), space);
    }
    assemble(parts)?
        .ok_or_else(|| Error::corrupt(&root.join(INFO), "expected a feature `action`, found none"))
}

/// Several parts as a dict by their names, one as it is; `None` for none.
fn assemble(parts: BTreeMap<String, Space>) -> Result<Option<(Space, Named)>> {
    if parts.is_empty() {
        return Ok(None);
    }
    let Choice { space, parts } = Choice::of_columns(parts, &[])?;
    Ok(Some((space, parts)))
}

/// Whether a feature can be asked for as an observation: neither action nor answer nor bookkeeping.
fn may_be_seen(name: &str) -> bool {
    let bookkeeping = [EPISODE_INDEX, FRAME_INDEX, INDEX, TASK_INDEX, TIMESTAMP];
    !is_below(name, ACTION) && !is_below(name, "next") && !bookkeeping.contains(&name)
}

fn is_below(name: &str, start: &str) -> bool {
    name.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn space_of(root: &Path, info: &Info, name: &str) -> Result<Space> {
    let wrong = |why: &str| Error::corrupt(&root.join(INFO), format!("feature `{name}`: {why}"));
    let feature = info.features.get(name).ok_or_else(|| wrong("expected one, got none"))?;
    feature.space().map_err(|why| wrong(&why))
}

/// Checks that the leaves that worldsmith wrote are what the features hold.
fn check_own(root: &Path, info: &Info, leaves: &[(String, Leaf)]) -> Result<()> {
    let holds = |feature: &Feature, space: &Space| {
        let n = feature.len();
        match (feature.kind(), space) {
            (Some(Kind::Picture | Kind::Video), Space::Image { .. }) => feature.space().as_ref() == Ok(space),
            (Some(Kind::Text), Space::Text { .. }) => true,
            (Some(Kind::Whole), Space::Discrete { .. }) => n == Some(1),
            (Some(Kind::Whole), Space::MultiDiscrete { nvec }) => n == Some(nvec.len()),
            (Some(Kind::Whole | Kind::Real), Space::Box { shape, low, high }) => {
                let product = shape.iter().try_fold(1_usize, |n, extent| n.checked_mul(*extent));
                product == n && n == Some(low.len()) && n == Some(high.len())
            }
            _ => false,
        }
    };
    for (name, leaf) in leaves {
        if !info.features.get(name).is_some_and(|feature| holds(feature, &leaf.space)) {
            let why = format!("expected a feature `{name}` that holds {}, found none in {INFO}", leaf.space);
            return Err(Error::corrupt(&own::path(root), why).hint(own::HINT));
        }
    }
    Ok(())
}
