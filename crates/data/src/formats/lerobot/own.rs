//! What worldsmith knows and LeRobot has no place for: `meta/worldsmith.jsonl`, which LeRobot passes over.
//!
//! The first line holds both spaces, so that bounds, numbers of choices and nested names come back as they were; each
//! further line says of one episode, in order, where it came from; the last says how many there are. What LeRobot adds to
//! the data set later has no line here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use worldsmith_core::{EpisodeMeta, Error, Result, Space};

use super::episodes::{each_line, json};
use crate::leaf::{Leaf, leaves};

/// Where it stands in a data set.
pub(super) const OWN: &str = "meta/worldsmith.jsonl";
/// The version this program writes.
pub(super) const VERSION: u32 = 1;
/// What the names of the features of observations and actions begin with.
pub(super) const OBSERVATION: &str = "observation";
pub(super) const ACTION: &str = "action";

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Spaces {
    /// [`VERSION`].
    pub version: u32,
    /// Space of the observations.
    pub obs: Space,
    /// Space of the actions.
    pub action: Space,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct End {
    /// Number of lines between the first and this one.
    pub episodes: usize,
}

/// The whole file.
#[derive(Debug)]
pub(super) struct Own {
    /// The first line.
    pub spaces: Spaces,
    /// The other lines.
    pub metas: Vec<EpisodeMeta>,
}

impl Own {
    /// Reads it from the data set in `root`, where worldsmith wrote that.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Line {
            Spaces(Spaces),
            Meta(EpisodeMeta),
            End(End),
        }
        let path = path(root);
        if !path.is_file() {
            return Ok(None);
        }
        let (mut first, mut metas, mut whole) = (None, Vec::new(), false);
        let damaged = |why: &str| Error::corrupt(&path, why).hint(HINT);
        each_line(&path, json, |line| match (line, &first) {
            (Line::Spaces(spaces), None) if spaces.version == VERSION => {
                first = Some(spaces);
                Ok(())
            }
            (Line::Meta(meta), Some(_)) if !whole => {
                metas.push(meta);
                Ok(())
            }
            (Line::End(end), Some(_)) if end.episodes == metas.len() => {
                whole = true;
                Ok(())
            }
            _ => Err(damaged("expected spaces of version 1, a line an episode, and the number of episodes")),
        })?;
        match first.filter(|_| whole) {
            Some(spaces) => Ok(Some(Self { spaces, metas })),
            None => Err(damaged("the file is cut short")),
        }
    }
}

/// What to do about a file that does not fit.
pub(super) const HINT: &str = "without this file the data set is read as any other of LeRobot's";

/// Where it stands in the data set in `root`.
pub(super) fn path(root: &Path) -> PathBuf {
    root.join(OWN)
}

/// The leaves of a space of observations with the names of their features: `observation.<keys>` joined by dots, where the
/// keys do not begin so already; `observation.image` or `observation.state` for a space that is a leaf itself.
///
/// # Errors
/// If two leaves end up with one name.
pub(super) fn obs_leaves(space: &Space) -> Result<Vec<(String, Leaf)>> {
    let root = if matches!(space, Space::Image { .. }) { "observation.image" } else { "observation.state" };
    named(space, OBSERVATION, root)
}

/// The leaves of a space of actions: `action`, or `action.<keys>`.
///
/// # Errors
/// If two leaves end up with one name.
pub(super) fn action_leaves(space: &Space) -> Result<Vec<(String, Leaf)>> {
    named(space, ACTION, ACTION)
}

fn named(space: &Space, prefix: &str, root: &str) -> Result<Vec<(String, Leaf)>> {
    let mut found: Vec<(String, Leaf)> = Vec::new();
    for leaf in leaves(space, "", "")? {
        let keys = leaf.name.replace('/', ".");
        let name = match keys.as_str() {
            "" => root.to_owned(),
            keys if keys.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')) => keys.to_owned(),
            keys => format!("{prefix}.{keys}"),
        };
        if found.iter().any(|(other, _)| *other == name) {
            return Err(Error::invalid(format!("expected distinct names in {space}, got `{name}` twice")));
        }
        found.push((name, leaf));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn features_are_named_as_lerobot_names_them() {
        let number = || Space::vector(1, 0.0, 1.0);
        let arm = Space::Dict(BTreeMap::from([("left".to_owned(), number())]));
        let space = Space::Dict(BTreeMap::from([
            ("arm".to_owned(), arm),
            ("observation.state".to_owned(), number()),
        ]));
        let names: Vec<String> = obs_leaves(&space).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["observation.arm.left", "observation.state"]);
        assert_eq!(action_leaves(&number()).unwrap()[0].0, "action");
        let twice = Space::Dict(BTreeMap::from([
            ("state".to_owned(), number()),
            ("observation.state".to_owned(), number()),
        ]));
        assert!(obs_leaves(&twice).is_err());
    }
}
