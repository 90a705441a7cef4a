//! Which crate may know which: arrows only go down.

use super::{Problem, Rule};
use crate::{SourceFile, Tree};

/// Each crate and the crates it may name, from the bottom up. A crate may name only crates that stand above its own line.
const ARROWS_DOWN: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("env", &["core"]),
    ("video", &["core"]),
    ("data", &["core", "video"]),
    ("lm", &["core"]),
    ("nn", &["core"]),
    ("plan", &["core", "nn"]),
    ("eval", &["core", "env", "data", "nn", "plan"]),
    ("recipes", &["core", "data", "lm", "nn", "plan"]),
    ("worldsmith", &["core", "env", "data", "lm", "nn", "plan", "eval", "recipes"]),
    ("server", &["worldsmith"]),
    ("cli", &["worldsmith", "server"]),
    ("python", &["worldsmith"]),
];

/// Crates that hold no tensor, so that they build in seconds and serve any model.
const TENSOR_FREE: &[&str] = &["core", "env", "video", "data", "lm"];

/// Packages that bring tensors in.
const TENSOR_PACKAGES: &[&str] = &["burn", "gemm", "candle", "ndarray", "tch"];

/// Dependencies point down the table of layers.
pub const ARROWS: Rule = Rule {
    name: "layers",
    check: arrows,
    bad: || Tree::of(&[("crates/plan/Cargo.toml", "[dependencies]\nworldsmith-eval.workspace = true\n")]),
    good: || {
        let manifest = "[dependencies]\nworldsmith-nn.workspace = true\n\n\
                        [dev-dependencies]\nworldsmith-env.workspace = true\n";
        Tree::of(&[("crates/plan/Cargo.toml", manifest)])
    },
};

/// The lower crates do not name the tensor library.
pub const NO_TENSORS: Rule = Rule {
    name: "no-tensors",
    check: no_tensors,
    bad: || Tree::of(&[("crates/env/Cargo.toml", "[dependencies]\nburn = { workspace = true }\n")]),
    good: || Tree::of(&[("crates/plan/Cargo.toml", "[dependencies]\nburn.workspace = true\n")]),
};

fn arrows(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (manifest, krate) in manifests(tree) {
        let Some((_, allowed)) = ARROWS_DOWN.iter().find(|(name, _)| *name == krate) else {
            problems.push(Problem::new(
                &manifest.path,
                1,
                format!("`{krate}` has no place in the table of layers"),
            ));
            continue;
        };
        for dep in dependencies(manifest) {
            let Some(name) = our_crate(dep.name) else { continue };
            let fine = allowed.contains(&name) || dep.for_tests && stands_before(name, krate);
            if !fine {
                let message = format!("expected `{krate}` to know only {allowed:?}, got `{name}`");
                problems.push(Problem::new(&manifest.path, dep.line, message));
            }
        }
    }
    problems
}

fn no_tensors(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (manifest, krate) in manifests(tree).filter(|(_, krate)| TENSOR_FREE.contains(krate)) {
        for dep in dependencies(manifest) {
            if TENSOR_PACKAGES.iter().any(|p| dep.name == *p || dep.name.starts_with(&format!("{p}-"))) {
                let message = format!("expected `{krate}` to hold no tensors, got `{}`", dep.name);
                problems.push(Problem::new(&manifest.path, dep.line, message));
            }
        }
    }
    problems
}

/// A line of a dependency table.
struct Dependency<'a> {
    name: &'a str,
    line: usize,
    for_tests: bool,
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&SourceFile, &str)> {
    tree.files.iter().filter_map(|file| {
        let krate = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        (!krate.contains('/')).then_some((file, krate))
    })
}

fn dependencies(manifest: &SourceFile) -> Vec<Dependency<'_>> {
    let mut table = "";
    let mut found = Vec::new();
    for (i, line) in manifest.text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
        } else if table.ends_with("dependencies") && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or("");
            let for_tests = table.ends_with("dev-dependencies");
            found.extend((!name.is_empty()).then_some(Dependency { name, line: i + 1, for_tests }));
        }
    }
    found
}

/// The folder of one of our packages; `None` for somebody else's.
fn our_crate(package: &str) -> Option<&str> {
    if package == "worldsmith" { Some(package) } else { package.strip_prefix("worldsmith-") }
}

fn stands_before(lower: &str, upper: &str) -> bool {
    let place = |krate| ARROWS_DOWN.iter().position(|(name, _)| *name == krate);
    place(lower) < place(upper) && place(lower).is_some()
}
