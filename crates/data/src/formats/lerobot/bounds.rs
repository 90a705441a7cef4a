//! The least and greatest values of a feature, from a data set's statistics.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use worldsmith_core::{Error, Result};

use super::episodes::each_line;
use super::info::Info;

/// Statistics of the whole data set: v3.0 and v2.0.
const STATS: &str = "meta/stats.json";
/// Statistics of each episode: v2.1.
const EPISODES_STATS: &str = "meta/episodes_stats.jsonl";

/// Least and greatest value of each number.
pub(super) type Bounds = (Vec<f32>, Vec<f32>);

/// Least and greatest values of the `n` numbers of `feature`, if the data set says them and they make sense.
///
/// # Errors
/// If there are statistics, but damaged.
pub(super) fn bounds(root: &Path, info: &Info, feature: &str, n: usize) -> Result<Option<Bounds>> {
    let path = root.join(STATS);
    let found = if path.is_file() {
        let text = fs::read_to_string(&path).map_err(|err| Error::io("read file", &path, &err))?;
        let json = parse(&text).map_err(|err| Error::corrupt(&path, format!("not statistics: {err}")))?;
        of_feature(&json, feature, n)
    } else {
        of_episodes(&root.join(EPISODES_STATS), info, feature, n)?
    };
    let finite = |low: &f32, high: &f32| low.is_finite() && high.is_finite() && low <= high;
    Ok(found.filter(|(low, high)| low.iter().zip(high).all(|(low, high)| finite(low, high))))
}

fn of_episodes(path: &Path, info: &Info, feature: &str, n: usize) -> Result<Option<Bounds>> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut whole: Option<Bounds> = None;
    let (mut complete, mut n_lines) = (true, 0);
    each_line(path, parse, |line| {
        n_lines += 1;
        match (line.get("stats").and_then(|stats| of_feature(stats, feature, n)), &mut whole) {
            (None, _) => complete = false,
            (Some(found), None) => whole = Some(found),
            (Some((low, high)), Some((lowest, highest))) => {
                lowest.iter_mut().zip(low).for_each(|(a, b)| *a = a.min(b));
                highest.iter_mut().zip(high).for_each(|(a, b)| *a = a.max(b));
            }
        }
        Ok(())
    })?;
    match info.total_episodes {
        Some(want) if want != n_lines => {
            Err(Error::corrupt(path, format!("expected statistics of {want} episodes, got {n_lines}")))
        }
        _ => Ok(whole.filter(|_| complete)),
    }
}

fn of_feature(stats: &Json, feature: &str, n: usize) -> Option<Bounds> {
    let numbers = |name: &str| {
        let mut found = Vec::new();
        flatten(stats.get(feature)?.get(name)?, &mut found)?;
        (found.len() == n).then_some(found)
    };
    Some((numbers("min")?, numbers("max")?))
}

fn flatten(json: &Json, out: &mut Vec<f32>) -> Option<()> {
    match json {
        Json::Array(parts) => parts.iter().try_for_each(|part| flatten(part, out)),
        Json::Number(x) => x.as_f64().map(|x| out.push(x as f32)),
        _ => None,
    }
}

/// Python writes numbers that JSON does not have.
fn parse(text: &str) -> serde_json::Result<Json> {
    serde_json::from_str(text).or_else(|err| {
        let known = ["-Infinity", "Infinity", "NaN"];
        let plain = known.iter().fold(text.to_owned(), |text, word| text.replace(word, "null"));
        serde_json::from_str(&plain).map_err(|_| err)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_lacks_cost_only_their_own_feature() {
        let json =
            parse(r#"{"a": {"min": [NaN, -Infinity], "max": [1, 2]}, "b": {"min": [-1], "max": [[2.5]]}}"#);
        let json = json.unwrap();
        assert_eq!(of_feature(&json, "a", 2), None);
        assert_eq!(of_feature(&json, "b", 1), Some((vec![-1.0], vec![2.5])));
        assert_eq!(of_feature(&json, "b", 2), None);
    }
}
