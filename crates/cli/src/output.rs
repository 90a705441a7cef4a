//! What goes where: data to stdout, words for people to stderr.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use worldsmith::{Error, ErrorKind, Result};

/// Writes the result of a command to stdout: as JSON, or as the text that `human` makes of it.
///
/// # Errors
/// If stdout cannot be written, unless its reader left.
pub fn data<T: Serialize>(json: bool, value: &T, human: impl FnOnce(&T) -> String) -> Result<()> {
    let text = if json {
        serde_json::to_string_pretty(value).map_err(|e| Error::invalid(e.to_string()))?
    } else {
        human(value)
    };
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, format!("cannot write to stdout: {e}")))
        }
        _ => Ok(()),
    }
}

/// A line for people.
pub fn say(line: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Says what went wrong and how to go on; with `json` also as an object on stdout.
pub fn fail(err: &Error, json: bool) -> ExitCode {
    say(&format!("error: {err}"));
    if let Some(hint) = err.hint_text() {
        say(&format!("hint: {hint}"));
    }
    if json {
        let object = serde_json::json!({ "error": err.to_string(), "hint": err.hint_text() });
        let _ = writeln!(io::stdout(), "{object}");
    }
    ExitCode::from(2)
}

/// Left-aligned columns, two spaces apart.
pub fn table(rows: &[Vec<String>]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:w$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".into(), "long".into(), "x".into()], vec!["abc".into(), "b".into(), "y".into()]];
        assert_eq!(table(&rows), "a    long  x\nabc  b     y");
    }
}
