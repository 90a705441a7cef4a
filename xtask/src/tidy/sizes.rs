//! How long a thing may get before nobody reads it in one sitting.

use super::{Problem, Rule};
use crate::{SourceFile, Tree, functions};

/// Lines of a file: think again, too big.
const FILE: (usize, usize) = (500, 800);
/// Lines of a function: think again, too big.
const FUNCTION: (usize, usize) = (50, 100);
/// Lines of a recipe's `mod.rs`.
const RECIPE_MOD: usize = 600;
/// Lines of a whole recipe.
const RECIPE: usize = 900;
/// Parameters of a function, without `self`.
const PARAMS: usize = 6;

/// Endings of files a person reads top to bottom.
const READ: &[&str] = &["rs", "py", "js", "mjs"];

/// Files fit one sitting.
pub const FILES: Rule = Rule {
    name: "file-size",
    check: long_files,
    bad: || Tree::of(&[("crates/nn/src/a.rs", &"// x\n".repeat(FILE.1 + 1))]),
    good: || Tree::of(&[("crates/nn/src/a.rs", &"// x\n".repeat(FILE.1))]),
};

/// Functions fit a screen or two.
pub const FUNCTIONS: Rule = Rule {
    name: "function-size",
    check: long_functions,
    bad: || Tree::of(&[("crates/nn/src/a.rs", &function_of(FUNCTION.1 + 1))]),
    good: || Tree::of(&[("crates/nn/src/a.rs", &function_of(FUNCTION.1))]),
};

/// Calls can be read.
pub const PARAMETERS: Rule = Rule {
    name: "parameters",
    check: many_parameters,
    bad: || {
        Tree::of(&[(
            "a.rs",
            "fn f<T: Fn(u8, u8)>(a: [u8; 2], b: (u8, u8), c: T, d: u8, e: u8, f: u8, g: u8) {}",
        )])
    },
    good: || {
        Tree::of(&[(
            "a.rs",
            "fn f(&mut self, a: u8, b: Map<u8, u8>, c: u8, d: u8, e: u8, f: fn(u8) -> u8,) {}",
        )])
    },
};

/// A recipe is a paper read in one sitting.
pub const RECIPES: Rule = Rule {
    name: "recipe-size",
    check: long_recipes,
    bad: || {
        let half = "// x\n".repeat(RECIPE / 2 + 1);
        Tree::of(&[("crates/recipes/src/a/mod.rs", &half), ("crates/recipes/src/a/claim.rs", &half)])
    },
    good: || {
        let half = "// x\n".repeat(RECIPE / 2 + 1);
        Tree::of(&[("crates/recipes/src/a/mod.rs", &half), ("crates/recipes/src/b/mod.rs", &half)])
    },
};

/// What is within the rules and getting long, longest first.
pub fn think_again(tree: &Tree) -> Vec<String> {
    let mut notes = Vec::new();
    for file in tree.files.iter().filter(|f| is_read(f)) {
        if file.n_lines() > FILE.0 {
            notes.push((file.n_lines(), format!("{}: {} lines", file.path, file.n_lines())));
        }
    }
    for file in tree.rust() {
        for f in functions(&file.code).into_iter().filter(|f| f.n_lines > FUNCTION.0) {
            notes
                .push((f.n_lines, format!("{}:{}: `{}` has {} lines", file.path, f.line, f.name, f.n_lines)));
        }
    }
    notes.sort_by_key(|(n_lines, _)| std::cmp::Reverse(*n_lines));
    notes.into_iter().map(|(_, note)| note).collect()
}

fn long_files(tree: &Tree) -> Vec<Problem> {
    let long = tree.files.iter().filter(|f| is_read(f) && f.n_lines() > FILE.1);
    long.map(|f| Problem::new(&f.path, FILE.1, expected("lines", FILE.1, f.n_lines()))).collect()
}

fn long_functions(tree: &Tree) -> Vec<Problem> {
    let all = tree.rust().flat_map(|file| functions(&file.code).into_iter().map(move |f| (file, f)));
    all.filter(|(_, f)| f.n_lines > FUNCTION.1)
        .map(|(file, f)| {
            let message = format!("`{}`: {}", f.name, expected("lines", FUNCTION.1, f.n_lines));
            Problem::new(&file.path, f.line, message)
        })
        .collect()
}

fn many_parameters(tree: &Tree) -> Vec<Problem> {
    let all = tree.rust().flat_map(|file| functions(&file.code).into_iter().map(move |f| (file, f)));
    all.filter(|(_, f)| f.n_params > PARAMS)
        .map(|(file, f)| {
            let message =
                format!("`{}`: {}; pass a struct", f.name, expected("parameters", PARAMS, f.n_params));
            Problem::new(&file.path, f.line, message)
        })
        .collect()
}

fn long_recipes(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mods = tree.rust().filter(|f| f.recipe().is_some() && f.path.ends_with("/mod.rs"));
    for file in mods {
        let whole: usize = tree.rust().filter(|f| f.recipe() == file.recipe()).map(SourceFile::n_lines).sum();
        if file.n_lines() > RECIPE_MOD {
            let message = expected("lines in `mod.rs`", RECIPE_MOD, file.n_lines());
            problems.push(Problem::new(&file.path, RECIPE_MOD, message));
        }
        if whole > RECIPE {
            problems.push(Problem::new(&file.path, 1, expected("lines in the whole recipe", RECIPE, whole)));
        }
    }
    problems
}

fn is_read(file: &SourceFile) -> bool {
    file.path.rsplit_once('.').is_some_and(|(_, ending)| READ.contains(&ending))
}

fn expected(what: &str, most: usize, got: usize) -> String {
    format!("expected at most {most} {what}, got {got}")
}

fn function_of(n_lines: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    let x = '}'; // }\n".repeat(n_lines - 2))
}
