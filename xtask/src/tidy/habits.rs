//! What every file says first, and what the lower crates never do.

use super::{Problem, Rule};
use crate::{SourceFile, Tree, source::is_word};

/// Crates below the facade: they are handed what they need, so that a run is a function of its arguments.
const BELOW_FACADE: &[&str] = &["core", "env", "video", "data", "lm", "nn", "plan", "eval", "recipes"];

/// What only the facade and the programs on top of it do.
const OUTSIDE_WORLD: &[&str] = &[
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "env::var",
    "env::vars",
    "env::args",
    "Instant::now",
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "Command::new",
    "process::exit",
];

/// Where part of the outside world is the job: files that start so, and what they may do.
const EXCEPTIONS: &[(&str, &[&str])] = &[
    // The Gymnasium bridge starts Python workers and gives up on one that hangs.
    ("crates/env/src/gym", &["Command::new", "Instant::now", "env::var"]),
];

/// Random draws that no seed of ours decides.
const UNSEEDED: &[&str] =
    &["thread_rng", "::random(", "random_like(", "from_entropy", "from_os_rng", "OsRng", "getrandom"];

/// Folders of one person's machine.
const MACHINE_PATHS: &[&str] = &[
    concat!("/", "work/"),
    concat!("/", "tmp/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
];

/// Every Rust file says what it is for.
pub const HEADERS: Rule = Rule {
    name: "header",
    check: headers,
    bad: || Tree::of(&[("crates/core/src/a.rs", "use std::fmt;\n//! late\n")]),
    good: || Tree::of(&[("crates/core/src/a.rs", "//! What this is for.\n")]),
};

/// The lower crates leave the outside world alone.
pub const QUIET: Rule = Rule {
    name: "outside-world",
    check: quiet,
    bad: || Tree::of(&[("crates/nn/src/a.rs", "fn f() {\n    println!(\"loss\");\n}\n")]),
    good: || {
        let text = "// println!\nfn f() -> &'static str { \"println!\" }\n#[cfg(test)]\nmod t { fn g() { println!() } }\n";
        Tree::of(&[("crates/nn/src/a.rs", text), ("crates/cli/src/main.rs", "fn main() { println!() }\n")])
    },
};

/// Chance comes from a seed.
pub const SEEDED: Rule = Rule {
    name: "seeded",
    check: seeded,
    bad: || Tree::of(&[("crates/nn/src/a.rs", "fn f() { let x = Tensor::<2>::random([1, 2], d, dev); }\n")]),
    good: || Tree::of(&[("crates/nn/src/a.rs", "fn f(rng: &mut Rng) -> f32 { rng.uniform() }\n")]),
};

/// Recipes share parts, never each other.
pub const RECIPES_APART: Rule = Rule {
    name: "recipes-apart",
    check: recipes_apart,
    bad: || {
        let files =
            [("crates/recipes/src/a/mod.rs", "use crate::{Lab, b};\n"), ("crates/recipes/src/b/mod.rs", "")];
        Tree::of(&files)
    },
    good: || {
        let text = "use crate::Lab;\nfn f(lab: &mut dyn Lab) { let b = lab.train(\"b\"); }\n";
        Tree::of(&[("crates/recipes/src/a/mod.rs", text), ("crates/recipes/src/b/mod.rs", "")])
    },
};

/// Nothing points into somebody's machine.
pub const NO_MACHINE_PATHS: Rule = Rule {
    name: "machine-path",
    check: machine_paths,
    bad: || Tree::of(&[("docs/a.md", &format!("see {}notes.txt\n", MACHINE_PATHS[0]))]),
    good: || Tree::of(&[("docs/a.md", "see frame/work/notes.txt and runs/quickstart\n")]),
};

fn headers(tree: &Tree) -> Vec<Problem> {
    let bare = tree.rust().filter(|f| !f.text.starts_with("//!"));
    bare.map(|f| Problem::new(&f.path, 1, "expected the file to open with `//!` and what it is for"))
        .collect()
}

fn quiet(tree: &Tree) -> Vec<Problem> {
    let allowed = |file: &SourceFile, word: &str| {
        EXCEPTIONS.iter().any(|(start, words)| file.path.starts_with(start) && words.contains(&word))
    };
    let below = tree.rust().filter(|f| f.krate().is_some_and(|k| BELOW_FACADE.contains(&k)));
    let uses = below.flat_map(|file| uses(file, OUTSIDE_WORLD));
    uses.filter(|(file, _, word)| !allowed(file, word))
        .map(|(file, line, word)| {
            Problem::new(
                &file.path,
                line,
                format!("expected this crate to leave the outside world alone, got `{word}`"),
            )
        })
        .collect()
}

fn seeded(tree: &Tree) -> Vec<Problem> {
    let ours = tree.rust().filter(|f| f.krate().is_some());
    let uses = ours.flat_map(|file| uses(file, UNSEEDED));
    uses.map(|(file, line, word)| {
        Problem::new(
            &file.path,
            line,
            format!("expected chance from a `Seed` or `Rng` argument, got `{word}`"),
        )
    })
    .collect()
}

fn recipes_apart(tree: &Tree) -> Vec<Problem> {
    let names: Vec<&str> =
        tree.rust().filter(|f| f.path.ends_with("/mod.rs")).filter_map(|f| f.recipe()).collect();
    let mut problems = Vec::new();
    for file in tree.rust() {
        let Some(own) = file.recipe() else { continue };
        for other in names.iter().filter(|n| **n != own) {
            for (i, line) in file.code.lines().enumerate().filter(|(_, line)| reaches(line, other)) {
                let message =
                    format!("expected what recipes share to live in `worldsmith-nn`, got `{}`", line.trim());
                problems.push(Problem::new(&file.path, i + 1, message));
            }
        }
    }
    problems
}

fn machine_paths(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for file in &tree.files {
        for (i, line) in file.text.lines().enumerate() {
            for path in MACHINE_PATHS.iter().filter(|path| names_path(line, path)) {
                let message = format!("expected a path inside the project, got one under `{path}`");
                problems.push(Problem::new(&file.path, i + 1, message));
            }
        }
    }
    problems
}

/// Each shipped line of `file` that uses one of `words` as a whole.
fn uses<'a>(
    file: &'a SourceFile,
    words: &'a [&'a str],
) -> impl Iterator<Item = (&'a SourceFile, usize, &'a str)> {
    file.shipped_lines().flat_map(move |(line_idx, line)| {
        let found = words.iter().filter(|word| has_word(line, word));
        found.map(move |word| (file, line_idx, *word))
    })
}

/// Whether `line` holds `word`, and not as part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let goes_on_left = word.starts_with(is_word) && before.ends_with(is_word);
        let goes_on_right = word.ends_with(is_word) && after.starts_with(is_word);
        !goes_on_left && !goes_on_right
    })
}

/// Whether a line of code takes a path through the module `name`.
fn reaches(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
        let in_path = before.ends_with("::") || after.starts_with("::");
        whole && (in_path || line.trim_start().starts_with("use "))
    })
}

fn names_path(line: &str, path: &str) -> bool {
    let starts_path = |before: &str| !before.ends_with(|c: char| is_word(c) || "./-_}".contains(c));
    line.match_indices(path).any(|(at, _)| starts_path(&line[..at]))
}
