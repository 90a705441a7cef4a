//! The `?name=value&...` part of an environment id.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use worldsmith_core::{Error, Result};

/// Options of an environment, read from its id: `breakout?sticky=0.1&max_steps=1000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    id: String,
    pairs: BTreeMap<String, String>,
}

impl Options {
    /// Splits an id into its name and its options.
    ///
    /// # Errors
    /// If a part after the `?` is not `name=value`, or a name comes twice.
    pub fn parse(id: &str) -> Result<(&str, Self)> {
        let (name, query) = id.split_once('?').unwrap_or((id, ""));
        let mut pairs = BTreeMap::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let Some((key, value)) = part.split_once('=') else {
                return Err(Error::invalid(format!(
                    "expected `name=value` after the `?` of `{id}`, got `{part}`"
                )));
            };
            if pairs.insert(key.to_string(), value.to_string()).is_some() {
                return Err(Error::invalid(format!("expected option `{key}` once in `{id}`, got it twice")));
            }
        }
        Ok((name, Self { id: id.to_string(), pairs }))
    }

    /// The whole id, options included: it makes the same environment again.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of `name`, if given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs.get(name).map(String::as_str)
    }

    /// The number `name`, or `default`.
    ///
    /// # Errors
    /// If it is not a number in `range`.
    pub fn number<T>(&self, name: &str, default: T, range: RangeInclusive<T>) -> Result<T>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name) else { return Ok(default) };
        text.parse().ok().filter(|x| range.contains(x)).ok_or_else(|| {
            self.wrong(name, &format!("a number from {} to {}", range.start(), range.end()), text)
        })
    }

    /// The switch `name`: `true` or `false`; off if not given.
    ///
    /// # Errors
    /// If it is neither.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(text) => Err(self.wrong(name, "`true` or `false`", text)),
        }
    }

    /// The place among `known` of what `name` says; 0, its default, if not given.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn choice(&self, name: &str, known: &[&str]) -> Result<usize> {
        let Some(text) = self.text(name) else { return Ok(0) };
        known.iter().position(|choice| *choice == text).ok_or_else(|| {
            let quoted: Vec<String> = known.iter().map(|choice| format!("`{choice}`")).collect();
            let expected = match &quoted[..] {
                [before @ .., last] if !before.is_empty() => format!("{} or {last}", before.join(", ")),
                all => all.concat(),
            };
            self.wrong(name, &expected, text)
        })
    }

    /// The limit `name`: a whole number from 1, or `none`.
    ///
    /// # Errors
    /// If it is neither.
    pub fn limit(&self, name: &str, default: Option<usize>) -> Result<Option<usize>> {
        match self.text(name) {
            None => Ok(default),
            Some("none") => Ok(None),
            Some(text) => match text.parse() {
                Ok(n) if n > 0 => Ok(Some(n)),
                _ => Err(self.wrong(name, "a whole number from 1, or `none`", text)),
            },
        }
    }

    /// The size of pictures, `size`: `64` or `48x64` (height, width), each from 1 to 1,024 pixels.
    ///
    /// # Errors
    /// If it is no such size.
    pub fn size(&self, default: [usize; 2]) -> Result<[usize; 2]> {
        let Some(text) = self.text("size") else { return Ok(default) };
        let (height, width) = text.split_once('x').unwrap_or((text, text));
        match (height.parse(), width.parse()) {
            (Ok(h), Ok(w)) if (1..=1024).contains(&h) && (1..=1024).contains(&w) => Ok([h, w]),
            _ => Err(self.wrong("size", "pixels from 1 to 1024, as in `64` or `48x64`", text)),
        }
    }

    /// An error about the value of one option.
    pub fn wrong(&self, name: &str, expected: &str, got: &str) -> Error {
        Error::invalid(format!("option `{name}` of `{}`: expected {expected}, got `{got}`", self.id))
    }
}
