//! The order in which people number things: `2` before `10`.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use worldsmith_core::{Error, Result};

/// Compares names piece by piece, runs of digits as numbers.
pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let (piece, other);
        (piece, left) = piece_of(left);
        (other, right) = piece_of(right);
        let order = match (is_number(piece), is_number(other)) {
            (true, true) => {
                let (x, y) = (piece.trim_start_matches('0'), other.trim_start_matches('0'));
                x.len().cmp(&y.len()).then_with(|| x.cmp(y))
            }
            _ => piece.cmp(other),
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// What stands in `dir` in that order, without hidden files.
///
/// # Errors
/// [`ErrorKind::Io`](worldsmith_core::ErrorKind::Io) if it cannot be listed.
pub(crate) fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let broken = |err: std::io::Error| Error::io("list folder", dir, &err);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(broken)? {
        let name = entry.map_err(broken)?.file_name();
        match name.into_string() {
            Ok(name) if !name.starts_with('.') => names.push(name),
            _ => {}
        }
    }
    names.sort_by(|a, b| compare(a, b));
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// The last run of digits in `name`, as a number.
pub(crate) fn number(name: &str) -> Option<u64> {
    let end = name.rfind(|c: char| c.is_ascii_digit())? + 1;
    let digits = &name[name[..end].trim_end_matches(|c: char| c.is_ascii_digit()).len()..end];
    digits.parse().ok()
}

/// The leading run of digits, or of other characters, and the rest.
fn piece_of(name: &str) -> (&str, &str) {
    let digits = is_number(name);
    let end = name.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(name.len());
    name.split_at(end)
}

fn is_number(piece: &str) -> bool {
    piece.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["b1", "a10", "a2", "a2b", "a", "a02"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(names, ["a", "a02", "a2", "a2b", "a10", "b1"]);
        assert_eq!(compare("x99999999999999999999999", "x100000000000000000000000"), Ordering::Less);
    }

    #[test]
    fn the_last_number_of_a_name_is_its_number() {
        assert_eq!([number("run2_00017.png"), number("é7"), number("none")], [Some(17), Some(7), None]);
    }
}
