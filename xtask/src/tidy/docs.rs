//! Pages that point somewhere point at something.

use super::{Problem, Rule};
use crate::{SourceFile, Tree};

/// Folders whose names, at the start of a word in backticks, make it a path of ours.
const FOLDERS: &[&str] = &["crates/", "docs/", "web/", "xtask/", "tests/", "examples/", ".ci/", ".github/"];

/// Links and paths in pages exist.
pub const PATHS: Rule = Rule {
    name: "doc-paths",
    check: paths,
    bad: || Tree::of(&[("docs/a.md", "see [b](b.md)\n")]),
    good: || {
        let text = "[b](b.md#top) [up](../README.md) [web](https://x.org) `docs/b.md` `docs` `crates/<name>` `runs/x`\n\
                    ```text\n[x](y.md)\n```\n";
        Tree::of(&[("docs/a.md", text), ("docs/b.md", ""), ("README.md", "")])
    },
};

fn paths(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for page in tree.files.iter().filter(|f| f.path.ends_with(".md")) {
        for (line, path) in links(page).into_iter().chain(quoted(page)).filter(|(_, path)| !tree.has(path)) {
            problems.push(Problem::new(&page.path, line, format!("expected `{path}` to exist")));
        }
    }
    problems
}

/// Targets of relative links, as paths from the root.
fn links(page: &SourceFile) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line_idx, line) in prose(page) {
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split([')', '#', ' ']).next().unwrap_or("");
            if !target.is_empty() && !target.contains(':') {
                found.push((line_idx, beside(&page.path, target)));
            }
        }
    }
    found
}

/// Paths of ours in backticks; with a placeholder in them they are no paths yet.
fn quoted(page: &SourceFile) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line_idx, line) in prose(page) {
        for word in line.split('`').skip(1).step_by(2) {
            let ours = FOLDERS.iter().any(|folder| word.starts_with(folder));
            if ours && !word.contains(['<', '*', ' ', '{']) {
                found.push((line_idx, word.trim_end_matches('/').to_string()));
            }
        }
    }
    found
}

/// Lines outside fenced blocks, numbered from 1.
fn prose(page: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    page.text.lines().enumerate().filter_map(move |(i, line)| {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            return None;
        }
        (!fenced).then_some((i + 1, line))
    })
}

/// The path from the root of `target`, which a page at `page` names from where it stands.
fn beside(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}
