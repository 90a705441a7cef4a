//! A world's page in the docs, as text made from its registry entry.

use worldsmith_core::Space;
use worldsmith_env::{EnvEntry, envs, make};

/// The page's name without its ending: `/` stands for folders elsewhere.
pub fn stem(entry: &EnvEntry) -> String {
    entry.id.replace('/', "_")
}

/// What to add to a world's options so that it shows one picture and nothing else, for each of its pictures; what is seen by
/// default comes first.
pub fn pictures(entry: &EnvEntry) -> Vec<String> {
    let shown = |options: &str| {
        make(&format!("{}?{options}", entry.id)).expect("a built-in world").spec().obs.clone()
    };
    let by_default = match shown("") {
        Space::Image { .. } => vec![String::new()],
        _ => Vec::new(),
    };
    let all = match shown("obs=all") {
        Space::Dict(parts) => {
            let pictures = parts.into_iter().filter(|(_, space)| matches!(space, Space::Image { .. }));
            pictures.map(|(name, _)| format!("&obs={name}")).collect()
        }
        _ => Vec::new(),
    };
    by_default.into_iter().chain(all).collect()
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
