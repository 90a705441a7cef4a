//! A world's page in the docs, as text made from its registry entry.

use worldsmith_env::{EnvEntry, envs, make};

/// The page's name without its ending: `/` stands for folders elsewhere.
pub fn stem(entry: &EnvEntry) -> String {
    entry.id.replace('/', "_")
}

/// The page.
pub fn text(entry: &EnvEntry) -> String {
    let all = make(&format!("{}?obs=all", entry.id)).expect("a built-in world").spec().clone();
    let spec = make(entry.id).expect("a built-in world").spec().clone();
    let mut text = format!(
        "<!-- Made by `cargo run -p worldsmith-env --example pages`. -->\n# `{}`\n\n{}\n\n![{}]({}.png)\n\n{}\n\n",
        entry.id,
        entry.about,
        entry.id,
        stem(entry),
        entry.page.trim()
    );
    text += &format!(
        "Seen by default: `{}`; with `?obs=all`: `{}`. Done: `{}`.\n\n",
        spec.obs, all.obs, spec.action
    );
    text += "| option | default | |\n|---|---|---|\n";
    for option in entry.all_options() {
        text += &format!("| `{}` | {} | {} |\n", option.name, code(option.default), option.about);
    }
    text += "\n| factor of variation | default | train | shifted | |\n|---|---|---|---|---|\n";
    for factor in entry.factors {
        let ([low, high], [from, to]) = (factor.train, factor.shifted);
        let name = factor.name;
        text += &format!(
            "| `{name}` | {} | {low} to {high} | {from} to {to} | {} |\n",
            factor.default, factor.about
        );
    }
    text
}

/// The list of all pages.
pub fn list() -> String {
    let mut text = "\
<!-- Made by `cargo run -p worldsmith-env --example pages`. -->
# Built-in worlds

Every world is exact to its seed, saves and restores its whole state, has scripted players (`worldsmith collect --env ID
--skill random|weak|expert`) and factors of variation (`?factors=train`, `?factors=shifted`, `?factor.NAME=LOW..HIGH`).
`worldsmith envs ID` says what can be set. Pictures are what an expert sees after 25 steps.

| | world | |
|---|---|---|
"
    .to_string();
    for entry in envs() {
        let stem = stem(entry);
        text += &format!("| ![]({stem}.png) | [`{}`]({stem}.md) | {} |\n", entry.id, entry.about);
    }
    text
}

fn code(default: &str) -> String {
    if default.is_empty() { String::new() } else { format!("`{default}`") }
}
