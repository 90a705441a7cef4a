//! The least and greatest values of a feature, from a data set's statistics.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;
use worldsmith_core::Result;

use super::episodes::each_line;

/// Statistics of the whole data set: v3.0 and v2.0.
const STATS: &str = "meta/stats.json";
/// Statistics of each episode: v2.1.
const EPISODES_STATS: &str = "meta/episodes_stats.jsonl";

/// Least and greatest values of the `n` numbers of `feature`, if the data set says them and they make sense.
///
/// Statistics are an extra: data sets without them, or with ones that cannot be read, are read all the same.
pub(super) fn bounds(root: &Path, feature: &str, n: usize) -> Option<(Vec<f32>, Vec<f32>)> {
    let (low, high) = match fs::read_to_string(root.join(STATS)) {
        Ok(text) => of_feature(&parse(&text)?, feature, n)?,
        Err(_) => of_episodes(root, feature, n)?,
    };
    low.iter()
        .zip(&high)
        .all(|(low, high)| low.is_finite() && high.is_finite() && low <= high)
        .then_some((low, high))
}

fn of_episodes(root: &Path, feature: &str, n: usize) -> Option<(Vec<f32>, Vec<f32>)> {
    let mut whole: Option<(Vec<f32>, Vec<f32>)> = None;
    let mut complete = true;
    let read: Result<()> = each_line(&root.join(EPISODES_STATS), |line: Json| {
        match (line.get("stats").and_then(|stats| of_feature(stats, feature, n)), &mut whole) {
            (None, _) => complete = false,
            (Some(found), None) => whole = Some(found),
            (Some((low, high)), Some((lowest, highest))) => {
                lowest.iter_mut().zip(low).for_each(|(a, b)| *a = a.min(b));
                highest.iter_mut().zip(high).for_each(|(a, b)| *a = a.max(b));
            }
        }
        Ok(())
    });
    read.ok().and(whole).filter(|_| complete)
}

fn of_feature(stats: &Json, feature: &str, n: usize) -> Option<(Vec<f32>, Vec<f32>)> {
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
fn parse(text: &str) -> Option<Json> {
    let parsed = serde_json::from_str(text);
    parsed
        .or_else(|_| {
            let known = ["-Infinity", "Infinity", "NaN"];
            serde_json::from_str(&known.iter().fold(text.to_owned(), |text, word| text.replace(word, "null")))
        })
        .ok()
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
