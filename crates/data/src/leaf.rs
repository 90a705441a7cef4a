//! The leaves of a space: what is left of a nested observation or action when it is laid out as columns.

use std::collections::BTreeSet;

use worldsmith_core::{Episode, Error, Result, Space, Value};

/// One leaf of a space.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// The keys that lead to it joined by `/`, below the name of the root.
    pub name: String,
    /// The keys that lead to it; empty if the space is a leaf itself.
    pub path: Vec<String>,
    /// Anything but a dict.
    pub space: Space,
}

impl Leaf {
    /// Whether the space is this leaf and nothing else.
    pub fn is_root(&self) -> bool {
        self.path.is_empty()
    }

    /// The part of `value` that belongs to this leaf. `value` was checked with [`fits`].
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.path.iter().try_fold(value, |value, key| match value {
            Value::Dict(parts) => parts.get(key),
            _ => None,
        })
    }

    /// The value that has `part` in this leaf's place: `whole` is [`Value::Dict`] once a path leads into it.
    pub fn put(&self, whole: &mut Value, part: Value) {
        let place = self.path.iter().fold(whole, |value, key| match value {
            Value::Dict(parts) => parts.entry(key.clone()).or_insert_with(|| Value::Dict(Default::default())),
            other => other,
        });
        *place = part;
    }
}

/// The leaves of `space` in the order of their names. A space that is a leaf is called `root`; the parts of a dict are
/// called by their keys, prefixed with `prefix`.
///
/// # Errors
/// If two leaves end up with one name, as `{"a/b": ..}` and `{"a": {"b": ..}}` do.
pub(crate) fn leaves(space: &Space, root: &str, prefix: &str) -> Result<Vec<Leaf>> {
    let mut found = Vec::new();
    walk(space, &mut Vec::new(), &mut found);
    let mut names = BTreeSet::new();
    for leaf in &mut found {
        leaf.name = match leaf.path.is_empty() {
            true => root.to_owned(),
            false => format!("{prefix}{}", leaf.path.join("/")),
        };
        if !names.insert(leaf.name.clone()) {
            return Err(Error::invalid(format!(
                "expected distinct names in {space}, got `{}` twice",
                leaf.name
            )));
        }
    }
    Ok(found)
}

fn walk(space: &Space, path: &mut Vec<String>, found: &mut Vec<Leaf>) {
    match space {
        Space::Dict(parts) => {
            for (key, part) in parts {
                path.push(key.clone());
                walk(part, path, found);
                path.pop();
            }
        }
        leaf => found.push(Leaf { name: String::new(), path: path.clone(), space: leaf.clone() }),
    }
}

/// Checks that `value` has the type and shape of `space`. Unlike [`Space::check`] it lets numbers leave their bounds
/// and texts be long: worlds often understate those, and a column holds them all the same.
///
/// # Errors
/// [`Space::check`]'s error.
pub(crate) fn fits(space: &Space, value: &Value) -> Result<()> {
    match (space, value) {
        (Space::Box { shape, low, .. }, Value::Array { shape: got, data })
            if shape == got && low.len() == data.len() =>
        {
            Ok(())
        }
        (Space::Text { .. }, Value::Text(_)) => Ok(()),
        (Space::Dict(parts), Value::Dict(values)) if parts.keys().eq(values.keys()) => {
            parts.values().zip(values.values()).try_for_each(|(space, value)| fits(space, value))
        }
        _ => space.check(value),
    }
}

/// Checks that `episode` is whole (`T + 1` observations, `T` actions and finite rewards) and fits both spaces.
///
/// # Errors
/// [`ErrorKind::Invalid`](worldsmith_core::ErrorKind::Invalid) that names the step.
pub(crate) fn check_episode(episode: &Episode, obs: &Space, action: &Space) -> Result<()> {
    let n = episode.len();
    if episode.obs.len() != n + 1 || episode.rewards.len() != n {
        return Err(Error::invalid(format!(
            "expected {} observations and {n} rewards for {n} actions, got {} and {}",
            n + 1,
            episode.obs.len(),
            episode.rewards.len()
        )));
    }
    let named = |what: &str, t: usize, err: Error| Error::new(err.kind(), format!("{what} {t}: {err}"));
    for (t, value) in episode.obs.iter().enumerate() {
        fits(obs, value).map_err(|err| named("observation", t, err))?;
    }
    for (t, value) in episode.actions.iter().enumerate() {
        fits(action, value).map_err(|err| named("action", t, err))?;
    }
    match episode.rewards.iter().position(|r| !r.is_finite()) {
        Some(t) => Err(Error::invalid(format!("expected finite rewards, got {} at {t}", episode.rewards[t]))),
        None => Ok(()),
    }
}
