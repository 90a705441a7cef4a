//! `new-recipe`: a folder from the template and the two lines that register it.

use std::path::Path;

use crate::Result;

/// The template is a working recipe of this name: a one-step world model of vectors, about the smallest there is.
const TEMPLATE: &[(&str, &str)] = &[
    ("mod.rs", include_str!("../templates/my_method/mod.rs")),
    ("claim.rs", include_str!("../templates/my_method/claim.rs")),
    ("presets.toml", include_str!("../templates/my_method/presets.toml")),
];

/// Creates the recipe `name` in the checkout at `root` and registers it; returns the paths written.
///
/// # Errors
/// If the name is not snake_case or taken, or a file cannot be written.
pub fn new_recipe(root: &Path, name: &str) -> Result<Vec<String>> {
    let well_formed = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !well_formed {
        return Err(format!("expected the paper's name in snake_case, got `{name}`"));
    }
    let registry_path = "crates/recipes/src/lib.rs";
    let registry = std::fs::read_to_string(root.join(registry_path))
        .map_err(|e| format!("cannot read the registry: {e}: {registry_path}"))?;
    let registry = register(&registry, name)?;

    let folder = format!("crates/recipes/src/{name}");
    std::fs::create_dir(root.join(&folder))
        .map_err(|e| format!("cannot create the recipe's folder: {e}: {folder}"))?;
    let mut written = Vec::new();
    for (file, text) in TEMPLATE {
        let text = text.replace("my_method", name).replace("MyMethod", &camel_case(name));
        write(root, &format!("{folder}/{file}"), &text, &mut written)?;
    }
    write(root, registry_path, &registry, &mut written)?;
    Ok(written)
}

/// The registry's source with a `mod` line and an entry for `name`.
fn register(source: &str, name: &str) -> Result<String> {
    let mod_name = |line: &str| {
        let rest = line.strip_prefix("pub ").unwrap_or(line);
        rest.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')).map(str::to_string)
    };
    let mods: Vec<(usize, String)> =
        source.lines().enumerate().filter_map(|(i, line)| Some((i, mod_name(line)?))).collect();
    if mods.iter().any(|(_, other)| other == name) {
        return Err(format!("expected a new name, got `{name}`, which the registry has"));
    }
    let after_all = mods.last().ok_or("expected `mod` lines in the registry, got none")?.0 + 1;
    let at = mods.iter().find(|(_, other)| other.as_str() > name).map_or(after_all, |(i, _)| *i);
    let mut lines: Vec<String> = source.lines().map(str::to_string).collect();
    lines.insert(at, format!("mod {name};"));
    let source = lines.join("\n") + "\n";

    let open = "RECIPES: &[&dyn Recipe] = &[";
    let start = source.find(open).ok_or(format!("expected `{open}` in the registry, got none"))? + open.len();
    let end = start + source[start..].find(']').ok_or("expected the registry's list to end, got no `]`")?;
    let mut entries: Vec<String> =
        source[start..end].split(',').map(|e| e.trim().to_string()).filter(|e| !e.is_empty()).collect();
    entries.push(format!("&{name}::{}", camel_case(name)));
    Ok(format!("{}{}{}", &source[..start], list(&entries), &source[end..]))
}

/// The entries as rustfmt sets them: on one line while they fit.
fn list(entries: &[String]) -> String {
    let line = entries.join(", ");
    if line.len() + "pub const RECIPES: &[&dyn Recipe] = &[];".len() <= 110 {
        return line;
    }
    format!("\n    {},\n", entries.join(",\n    "))
}

fn write(root: &Path, path: &str, text: &str, written: &mut Vec<String>) -> Result<()> {
    std::fs::write(root.join(path), text).map_err(|e| format!("cannot write: {e}: {path}"))?;
    written.push(path.to_string());
    Ok(())
}

fn camel_case(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').filter(|word| !word.is_empty()).map(capital).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = "//! x\n\nmod a;\nmod lab;\n\npub const RECIPES: &[&dyn Recipe] = &[&a::A];\n";

    #[test]
    fn a_recipe_takes_its_place_among_the_modules_and_the_last_in_the_list() {
        let new = register(REGISTRY, "drama").unwrap();
        let expected = "//! x\n\nmod a;\nmod drama;\nmod lab;\n\npub const RECIPES: &[&dyn Recipe] = &[&a::A, &drama::Drama];\n";
        assert_eq!(new, expected);
        assert!(register(&new, "drama").is_err());
        let many = ["bandit", "delta_iris", "harmony", "storm", "tdmpc2", "twm"];
        let long = many.iter().try_fold(new, |source, name| register(&source, name)).unwrap();
        assert!(long.contains("&[\n    &a::A,\n    &drama::Drama,\n"), "{long}");
        assert!(long.ends_with("    &twm::Twm,\n];\n"), "{long}");
    }

    #[test]
    fn names_that_are_no_module_are_refused_before_anything_is_written() {
        for name in ["", "Drama", "2d", "a-b", "../x"] {
            assert!(new_recipe(Path::new("nowhere"), name).unwrap_err().contains("snake_case"), "{name}");
        }
        assert_eq!(camel_case("delta_iris2"), "DeltaIris2");
    }
}
