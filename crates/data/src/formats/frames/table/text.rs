//! Tables as text: CSV (also with `;` or tabs) and JSON Lines.

use serde_json::Value as Json;
use worldsmith_core::{Error, Result};

use super::{Cell, Table, too_long};

/// A JSON Lines table may have that many cells for each byte, filled or not: most lines have the same keys.
const MOST_CELLS_A_BYTE: usize = 16;

/// Comma-, semicolon- or tab-separated values with a first line of names.
pub(super) fn csv(bytes: &[u8], most_rows: usize) -> Result<Table> {
    let text = utf8(bytes)?;
    let head = text.lines().next().unwrap_or_default();
    let separator = [b',', b';', b'\t'].into_iter().max_by_key(|separator| {
        // Commas win a tie, also where there is only one column.
        head.bytes().filter(|byte| byte == separator).count() * 2 + usize::from(*separator == b',')
    });
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator.unwrap_or(b','))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().map_err(broken)?.iter().map(str::to_owned).collect();
    if names.iter().all(|name| matches!(Cell::parse(name), Cell::Number(_) | Cell::Empty)) {
        return Err(Error::invalid("expected a first line that names the columns, got none")
            .hint("begin the table with a line such as `action,reward`"));
    }
    let mut table = Table::default();
    for row in reader.records() {
        let row = row.map_err(broken)?;
        if table.n_rows == most_rows {
            return Err(too_long(most_rows));
        }
        let cells = names.iter().cloned().zip(row.iter().map(Cell::parse));
        table.push(cells.collect())?;
    }
    Ok(table.finish())
}

fn broken(err: csv::Error) -> Error {
    let line = |position: &Option<csv::Position>| match position {
        Some(position) => format!("line {}: ", position.line()),
        None => String::new(),
    };
    Error::invalid(match err.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            format!("{}expected {expected_len} cells as in the first line, got {len}", line(pos))
        }
        other => format!("cannot read the table: {other:?}"),
    })
}

/// An object a line, with the columns as keys. Lists and objects inside become columns `key.0`, `key.part`.
pub(super) fn json_lines(bytes: &[u8], most_rows: usize) -> Result<Table> {
    let mut table = Table::default();
    for (idx, line) in utf8(bytes)?.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if table.n_rows == most_rows {
            return Err(too_long(most_rows));
        }
        let at = |why: String| Error::invalid(format!("line {}: {why}", idx + 1));
        let parsed: Json = serde_json::from_str(line).map_err(|err| at(format!("expected JSON: {err}")))?;
        if !parsed.is_object() {
            return Err(at("expected an object such as {\"action\": 1}, got something else".to_owned()));
        }
        let mut row = Vec::new();
        flatten(String::new(), parsed, &mut row);
        table.push(row).map_err(|err| at(err.to_string()))?;
        if table.columns.len() * table.n_rows > 4096 + bytes.len() * MOST_CELLS_A_BYTE {
            return Err(at("expected lines with the same keys, got others in every line".to_owned()));
        }
    }
    Ok(table.finish())
}

/// JSON nests at most 128 deep in this parser, so recursion is bounded.
fn flatten(name: String, value: Json, row: &mut Vec<(String, Cell)>) {
    let part = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Json::Null => row.push((name, Cell::Empty)),
        Json::Bool(flag) => row.push((name, Cell::Number(f64::from(u8::from(flag))))),
        Json::Number(number) => row.push((name, number.as_f64().map_or(Cell::Empty, Cell::Number))),
        Json::String(word) => row.push((name, Cell::parse(&word))),
        Json::Array(parts) => {
            parts.into_iter().enumerate().for_each(|(i, value)| flatten(part(&i.to_string()), value, row));
        }
        Json::Object(parts) => {
            parts.into_iter().for_each(|(key, value)| flatten(part(&key), value, row));
        }
    }
}

/// Text without the byte-order mark that some programs put first.
fn utf8(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).map_err(|err| {
        Error::invalid(format!("expected UTF-8 text, got another byte at {}", err.valid_up_to()))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}
