//! Which array is what, by the names that are usual in the field, and how rows answer each other.

use std::collections::BTreeMap;

use worldsmith_core::{Error, Result};

use crate::npy::Header;

const ACTION: &[&str] = &["action", "actions", "act"];
const REWARD: &[&str] = &["reward", "rewards"];
const TERMINATED: &[&str] = &["terminated", "terminals", "terminations", "is_terminal"];
const TRUNCATED: &[&str] = &["truncated", "timeouts", "truncations"];
/// Terminated, unless they are truncated too.
const DONE: &[&str] = &["done", "dones"];
const FIRST: &str = "is_first";
const LAST: &str = "is_last";
const DISCOUNT: &str = "discount";
const NEXT: &str = "next_";
/// What numbers rows, splits episodes or was noted for people.
const ASIDE: &[&str] = &[
    "episode_ends",
    "ep_len",
    "ep_offset",
    "ep_idx",
    "episode_idx",
    "episode_index",
    "frame_index",
    "task_index",
    "step_idx",
    "step",
    "stepid",
    "index",
    "id",
    "timestamp",
    "time",
    "seed",
    "consec",
    DISCOUNT,
    FIRST,
    LAST,
];
const ASIDE_STARTS: &[&str] = &["log_", "log/", "infos/", "info/", "metadata/", "meta/", "_", NEXT];

/// How rows answer each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// Observations have a row more than actions.
    Closed,
    /// As many rows; what came after each is stored too.
    WithNext,
    /// As many rows; what the last action led to is not stored.
    Open,
    /// As many rows, rewards and ends arrive with the observation of their row; the action was taken after it.
    ActionAfter,
    /// As [`Rows::ActionAfter`], but the action is the one that led to the observation of its row.
    ActionBefore,
}

/// Names of the arrays by their role.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Roles {
    pub action: String,
    pub reward: Option<String>,
    pub terminated: Option<String>,
    pub truncated: Option<String>,
    pub done: Option<String>,
    pub first: Option<String>,
    /// The array of what came after, by that of observations.
    pub next: BTreeMap<String, String>,
    pub obs: Vec<String>,
    pub rows: Rows,
}

impl Roles {
    /// Tells the roles of `arrays`.
    ///
    /// # Errors
    /// If there is no action or no observation.
    pub fn of(arrays: &BTreeMap<String, Header>) -> Result<Self> {
        let find = |names: &[&str]| {
            names.iter().find(|name| arrays.contains_key(**name)).map(|name| (*name).to_owned())
        };
        let known = || arrays.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let action = find(ACTION).ok_or_else(|| {
            Error::invalid(format!("expected an array `action`, got {}", known()))
                .hint("name the arrays: `np.savez(path, obs=.., action=.., reward=..)`")
        })?;
        let n = arrays[&action].n_rows();
        let taken = [find(ACTION), find(REWARD), find(TERMINATED), find(TRUNCATED), find(DONE)];
        let is_obs = |name: &str, header: &Header| {
            !taken.iter().flatten().any(|taken| taken == name)
                && !ASIDE.contains(&name)
                && !ASIDE_STARTS.iter().any(|start| name.starts_with(start))
                && !header.shape.is_empty()
                && (header.n_rows() == n || header.n_rows() == n + 1)
        };
        let of_rows = |wanted: usize| -> Vec<String> {
            let found =
                arrays.iter().filter(|(name, header)| is_obs(name, header) && header.n_rows() == wanted);
            found.map(|(name, _)| name.clone()).collect()
        };
        let dreamer = arrays.contains_key(FIRST) || arrays.contains_key(DISCOUNT);
        let (closed, open) = (of_rows(n + 1), of_rows(n));
        let (rows, obs) =
            if !closed.is_empty() && !dreamer { (Rows::Closed, closed) } else { (Rows::Open, open) };
        if obs.is_empty() {
            return Err(Error::invalid(format!(
                "expected observations in {n} or {} rows, got {}",
                n + 1,
                known()
            )));
        }
        let next: BTreeMap<String, String> = obs
            .iter()
            .map(|name| (name.clone(), format!("{NEXT}{name}")))
            .filter(|(_, next)| arrays.get(next).is_some_and(|header| header.n_rows() == n))
            .collect();
        let rows = match rows {
            Rows::Open if dreamer => Rows::ActionAfter,
            Rows::Open if next.len() == obs.len() => Rows::WithNext,
            rows => rows,
        };
        let [_, reward, terminated, truncated, done] = taken;
        let truncated = truncated.or_else(|| (dreamer && arrays.contains_key(LAST)).then(|| LAST.to_owned()));
        let first = arrays.contains_key(FIRST).then(|| FIRST.to_owned());
        Ok(Self { action, reward, terminated, truncated, done, first, next, obs, rows })
    }

    /// All arrays that say how episodes end.
    pub fn flags(&self) -> impl Iterator<Item = &String> {
        self.terminated.iter().chain(&self.truncated).chain(&self.done)
    }

    /// Whether rewards and ends arrive with the observation of their row.
    pub fn arrive(&self) -> bool {
        matches!(self.rows, Rows::ActionAfter | Rows::ActionBefore)
    }

    /// What a user must know of how rows were read.
    pub fn note(&self) -> Option<String> {
        Some(match self.rows {
            Rows::Closed | Rows::WithNext => return None,
            Rows::Open => {
                "The last action of each episode led to no recorded observation and was left out.".to_owned()
            }
            Rows::ActionAfter => format!(
                "Arrays look like DreamerV3's: row t of `{}` was taken after seeing row t, rewards arrived with their row.",
                self.action
            ),
            Rows::ActionBefore => format!(
                "Arrays look like DreamerV2's: row t of `{}` led to row t, rewards arrived with their row.",
                self.action
            ),
        })
    }
}
