//! `parity bridge`: tries real environments behind the bridge to Gymnasium, library by library, and writes `docs/bridge.md`.
//!
//! What `tests/parity/bridge/survey.py` found for a library is kept beside it; the page is made of all of those.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use super::libraries::{LIBRARIES, Library};
use super::{ParityOptions, Work, step};
use crate::Result;

/// Where the script and what it found are.
const FOLDER: &str = "tests/parity/bridge";
const PAGE: &str = "docs/bridge.md";

/// The start of what `conformance` says where a seed gives another episode the next time.
const NOT_REPEATED: &str = "broken promise: expected the same steps from the same seed and actions";

const INTRO: &str = "# Which environments work behind the bridge

Written by `cargo xtask parity bridge`, which installs the packages, each group in a virtual environment of its own, and tries real ids:
no line is typed by hand. *Works* means that it keeps the promises of an environment (`worldsmith_env::conformance`, in episodes of 25
steps). Speeds are steps a second of one environment with random actions, resets counted: alone in a loop of Python without
Gymnasium's checker, and through the bridge, in turns, medians of 3 rounds. They were taken on two cores
with nothing else to do, but are short; what the bridge costs was measured with more care in
[results](results.md). Boxes are shown with their lowest and highest bound.
";

/// Surveys the libraries that are asked for and writes the page; says each step on stderr.
///
/// # Errors
/// If something cannot be run or written.
pub fn parity_bridge(root: &Path, options: &ParityOptions) -> Result<()> {
    let work = Work::new(root);
    let libraries: Vec<&Library> = surveyed().collect();
    let bench = work.build_bench(["worldsmith-env", "bridge"])?;
    for library in options.choose(&libraries, |library| library.name)? {
        let python = work.install(library)?;
        let script = root.join(FOLDER).join("survey.py");
        let found = found_at(root, library);
        let mut command = Command::new(&python);
        step(library.name, command.arg(script).arg(library.name).arg(&bench).arg(found).current_dir(root))?;
        work.tidy_up(options, library.name);
    }
    write_bridge_page(root)
}

/// Writes the page of what was found before.
///
/// # Errors
/// If something cannot be read or written.
pub fn write_bridge_page(root: &Path) -> Result<()> {
    let page = page(root)?;
    fs::write(root.join(PAGE), page).map_err(|err| format!("cannot write: {err}: {PAGE}"))?;
    println!("{PAGE}");
    Ok(())
}

/// The libraries whose ids are tried.
fn surveyed() -> impl Iterator<Item = &'static Library> {
    LIBRARIES.iter().filter(|library| library.name.starts_with("bridge"))
}

fn found_at(root: &Path, library: &Library) -> std::path::PathBuf {
    root.join(FOLDER).join(format!("{}.json", library.name))
}

/// The page as it follows from what was found.
fn page(root: &Path) -> Result<String> {
    let (mut body, mut n_ids, mut n_work) = (String::new(), 0, 0);
    for library in surveyed() {
        let path = found_at(root, library);
        let text =
            fs::read_to_string(&path).map_err(|err| format!("cannot read: {err}: {}", path.display()))?;
        let rows: Vec<Json> = serde_json::from_str(&text)
            .map_err(|err| format!("expected what was found: {err}: {}", path.display()))?;
        n_ids += rows.len();
        n_work += rows.iter().filter(|row| works(row)).count();
        body += &section(library, &rows);
    }
    Ok(format!("{INTRO}\n{n_work} of {n_ids} ids work.\n{body}"))
}

fn works(row: &Json) -> bool {
    match row["error"].as_str() {
        None => true,
        Some(error) => error.starts_with(NOT_REPEATED) && row["repeats_alone"] == false,
    }
}

fn section(library: &Library, rows: &[Json]) -> String {
    let mut out = format!("\n## {}\n\n`pip install {}`\n", library.name, library.packages.join(" "));
    out += "\n| id | package | works | seen | done | alone | bridge |\n|---|---|---|---|---|---|---|\n";
    for row in rows {
        let cell = |key: &str| row[key].as_str().map_or_else(|| "-".to_owned(), |text| shortened(text, 160));
        let rate = |key: &str| row[key].as_f64().map_or_else(|| "-".to_owned(), |x| format!("{x:.0}"));
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            escaped(row["id"].as_str().unwrap_or_default()),
            cell("package"),
            verdict(row),
            cell("obs"),
            cell("action"),
            rate("alone"),
            rate("bridged"),
        );
    }
    out
}

/// Whether it works, and why not.
fn verdict(row: &Json) -> String {
    let note = row["note"].as_str().map(|note| format!("; {}", shortened(note, 160))).unwrap_or_default();
    let said = match row["error"].as_str() {
        None => "yes".to_owned(),
        Some(_) if works(row) => "yes; the same seed may give another episode, alone too".to_owned(),
        Some(error) => format!("no: {}", shortened(error, 240)),
    };
    said + &note
}

/// One line of at most so many characters, fit for a table.
fn shortened(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(most).collect();
    escaped(&if cut.len() < line.len() { cut + " ..." } else { cut })
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_was_found() {
        let root = crate::root();
        assert!(
            page(&root).unwrap() == fs::read_to_string(root.join(PAGE)).unwrap(),
            "run `cargo xtask parity bridge`"
        );
    }

    #[test]
    fn at_least_forty_real_ids_work() {
        let found =
            |library| serde_json::from_str(&fs::read_to_string(found_at(&crate::root(), library)).unwrap());
        let rows = surveyed().flat_map(|library| found(library).map(|rows: Vec<Json>| rows).unwrap());
        assert!(rows.filter(works).count() >= 40);
    }

    #[test]
    fn an_id_that_never_repeats_works_only_if_it_does_not_repeat_alone() {
        let row = |alone: bool| serde_json::json!({"error": NOT_REPEATED, "repeats_alone": alone});
        assert!(works(&row(false)) && !works(&row(true)));
        assert!(verdict(&row(true)).starts_with("no: broken promise"));
        assert_eq!(verdict(&serde_json::json!({"error": "a | b\nc"})), "no: a \\| b c");
    }
}
