//! `--set path=value`: one change to a configuration, checked against the value that is there.

use toml::{Table, Value};
use worldsmith_core::{Error, Result};

/// Changes the value at the dotted `path` of `table` to `text`, read as the type that is there now.
///
/// # Errors
/// [`ErrorKind::Unknown`](worldsmith_core::ErrorKind::Unknown) with the nearest path for an unknown one (`list` is the
/// command that prints them all), [`ErrorKind::Invalid`](worldsmith_core::ErrorKind::Invalid) for another type.
pub fn set(table: &mut Table, path: &str, text: &str, list: &str) -> Result<()> {
    let known = leaves(table);
    if !known.iter().any(|(k, _)| k == path) {
        return Err(Error::unknown("key", path, known.iter().map(|(k, _)| k.as_str()), list));
    }
    let old = find(table, path).expect("a listed leaf is there");
    *old = read_as(old, text).ok_or_else(|| {
        let got = parse(text).map_or("string", |v| v.type_str());
        Error::invalid(format!("`{path}`: expected {}, got {got} `{text}`", describe(old)))
            .hint(format!("for example `--set {path}={old}`"))
    })?;
    Ok(())
}

/// Splits `path=value`.
///
/// # Errors
/// If there is no `=`.
pub fn split(assignment: &str) -> Result<(String, String)> {
    let (path, value) = assignment.split_once('=').ok_or_else(|| {
        Error::invalid(format!("`--set`: expected `path=value`, got `{assignment}`"))
            .hint("for example `--set run.steps=20000`")
    })?;
    Ok((path.trim().to_string(), value.trim().to_string()))
}

/// Every value of `table` by its dotted path; inner tables give their values, not themselves.
pub fn leaves(table: &Table) -> Vec<(String, &Value)> {
    let mut out = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                out.extend(leaves(inner).into_iter().map(|(path, v)| (format!("{key}.{path}"), v)));
            }
            _ => out.push((key.clone(), value)),
        }
    }
    out
}

fn find<'a>(table: &'a mut Table, path: &str) -> Option<&'a mut Value> {
    match path.split_once('.') {
        None => table.get_mut(path),
        Some((head, rest)) => find(table.get_mut(head)?.as_table_mut()?, rest),
    }
}

fn parse(text: &str) -> Option<Value> {
    let mut table: Table = toml::from_str(&format!("value = {text}")).ok()?;
    table.remove("value")
}

/// `text` as a value of the same type as `old`; whole numbers serve as real ones, bare words as strings.
fn read_as(old: &Value, text: &str) -> Option<Value> {
    match (old, parse(text)) {
        (Value::String(_), Some(value @ Value::String(_))) => Some(value),
        (Value::String(_), _) => Some(Value::String(text.to_string())),
        (Value::Float(_), Some(Value::Integer(i))) => Some(Value::Float(i as f64)),
        (Value::Array(olds), Some(Value::Array(news))) => match olds.first() {
            Some(first) => {
                let items = news.iter().map(|v| read_as(first, &v.to_string()));
                items.collect::<Option<Vec<_>>>().map(Value::Array)
            }
            None => Some(Value::Array(news)),
        },
        (_, Some(new)) if old.same_type(&new) => Some(new),
        _ => None,
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Integer(_) => "a whole number".into(),
        Value::Float(_) => "a number".into(),
        Value::Boolean(_) => "`true` or `false`".into(),
        Value::Array(items) => match items.first() {
            Some(first) => format!("a list, each item {}", describe(first)),
            None => "a list".into(),
        },
        other => format!("a {}", other.type_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        toml::from_str("seed = 1\n[model]\nlr = 0.1\nunits = [8, 8]\nact = \"silu\"\n").unwrap()
    }

    #[test]
    fn a_value_is_read_as_the_type_that_is_there() {
        let mut table = sample();
        for (path, text) in [("model.lr", "1"), ("model.units", "[4]"), ("model.act", "relu"), ("seed", "3")]
        {
            set(&mut table, path, text, "list").unwrap();
        }
        let expected: Table =
            toml::from_str("seed = 3\n[model]\nlr = 1.0\nunits = [4]\nact = \"relu\"\n").unwrap();
        assert_eq!(table, expected);
    }

    #[test]
    fn an_unknown_path_names_the_nearest_and_a_wrong_type_names_both() {
        let err = set(&mut sample(), "model.unit", "[4]", "worldsmith recipes x").unwrap_err();
        assert_eq!(err.to_string(), "unknown key `model.unit`");
        assert_eq!(err.hint_text(), Some("did you mean `model.units`? `worldsmith recipes x` lists all"));
        let err = set(&mut sample(), "seed", "many", "list").unwrap_err();
        assert_eq!(err.to_string(), "`seed`: expected a whole number, got string `many`");
        let err = set(&mut sample(), "model.units", "[1.5]", "list").unwrap_err();
        assert_eq!(
            err.to_string(),
            "`model.units`: expected a list, each item a whole number, got array `[1.5]`"
        );
    }
}
