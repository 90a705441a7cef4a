//! The page a run ends with: one self-contained HTML file, no scripts, light and dark, from phone to desktop.

mod chart;
mod curves;
mod fidelity;
mod reliability;
mod returns;
mod strip;

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::{Check, OpenLoop, ReturnsTable};

/// Everything a report says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was run.
    pub title: String,
    /// Facts of the run, name and value: recipe, environment, steps, seconds, seed, revision.
    pub facts: Vec<(String, String)>,
    /// What had to hold, and whether it did.
    pub checks: Vec<Check>,
    /// Learning curves.
    pub curves: Vec<Curve>,
    /// Open-loop prediction, where there is a model.
    pub open_loop: Option<OpenLoop>,
    /// Agent and random policy, where there is an agent.
    pub returns: Option<ReturnsTable>,
    /// How to go on: each entry is a command, or words with commands in backticks.
    pub next: Vec<String>,
}

/// One number over the course of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Name of the number (`loss/image`).
    pub name: String,
    /// Its unit; may be empty.
    pub unit: String,
    /// Step and value, in order of steps.
    pub points: Vec<(f64, f64)>,
}

impl Report {
    /// The report as one HTML file. Every text in it is escaped.
    pub fn html(&self) -> String {
        let title = escape(&self.title);
        let sections = [
            verdict(&self.checks),
            self.returns.as_ref().map(returns::section).unwrap_or_default(),
            self.open_loop.as_ref().map(fidelity::section).unwrap_or_default(),
            self.open_loop.as_ref().map(|o| strip::section(&o.strips)).unwrap_or_default(),
            self.open_loop.as_ref().map(reliability::section).unwrap_or_default(),
            curves::section(&self.curves),
            next(&self.next),
        ];
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>{}\n{}</header>\n<main>\n{}</main>\n\
             </body>\n</html>\n",
            include_str!("style.css"),
            badge(&self.checks),
            facts(&self.facts),
            sections.concat(),
        )
    }
}

fn badge(checks: &[Check]) -> String {
    let n_failed = checks.iter().filter(|c| !c.passed).count();
    match (checks.len(), n_failed) {
        (0, _) => String::new(),
        (n, 0) => format!("<p class=\"badge pass\">✓ {n} of {n} checks passed</p>"),
        (n, failed) => format!("<p class=\"badge fail\">✗ {failed} of {n} checks failed</p>"),
    }
}

fn facts(facts: &[(String, String)]) -> String {
    let mut out = String::from("<dl class=\"facts\">\n");
    for (name, value) in facts {
        let _ = writeln!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    }
    out + "</dl>\n"
}

fn verdict(checks: &[Check]) -> String {
    let mut list = String::from("<ul class=\"checks\">\n");
    for check in checks {
        let (class, sign, word) =
            if check.passed { ("pass", "✓", "passed") } else { ("fail", "✗", "failed") };
        let (name, detail) = (escape(&check.name), escape(&check.detail));
        let _ = writeln!(
            list,
            "<li class=\"{class}\"><span class=\"sign\" role=\"img\" aria-label=\"{word}\">{sign}</span>\
             <div><strong>{name}</strong><small>{detail}</small></div></li>"
        );
    }
    if checks.is_empty() { String::new() } else { section("Verdict", "", &(list + "</ul>\n")) }
}

fn next(steps: &[String]) -> String {
    let items: String = steps.iter().map(|s| format!("<li>{}</li>\n", with_code(s))).collect();
    if steps.is_empty() {
        String::new()
    } else {
        section("How to go on", "", &format!("<ul class=\"next\">\n{items}</ul>\n"))
    }
}

/// A titled part of the page; `lead` (plain text, may be empty) explains how to read it, `body` is HTML.
fn section(title: &str, lead: &str, body: &str) -> String {
    let lead =
        if lead.is_empty() { String::new() } else { format!("<p class=\"lead\">{}</p>\n", with_code(lead)) };
    format!("<section>\n<h2>{}</h2>\n{lead}{body}</section>\n", escape(title))
}

/// Escaped text in which what stands between backticks is set as code.
fn with_code(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.split('`').enumerate() {
        let part = escape(part);
        if i % 2 == 0 {
            out.push_str(&part)
        } else {
            let _ = write!(out, "<code>{part}</code>");
        }
    }
    out
}

/// Text made safe inside elements and quoted attributes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
