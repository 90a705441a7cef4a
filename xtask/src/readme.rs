//! The README's table of methods: one row a claim, from the recipes' cards and the files under `evidence/`.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::Result;

const BEGIN: &str = "<!-- methods:begin -->";
const END: &str = "<!-- methods:end -->";

/// `readme` with what stands between its two markers replaced by `table`.
///
/// # Errors
/// If a marker is missing.
pub fn with_table(readme: &str, table: &str) -> Result<String> {
    let find = |marker: &str| {
        readme.find(marker).ok_or(format!("expected a line `{marker}` in README.md, got none"))
    };
    let (begin, end) = (find(BEGIN)? + BEGIN.len(), find(END)?);
    if end < begin {
        return Err(format!("expected `{BEGIN}` before `{END}` in README.md"));
    }
    Ok(format!("{}\n{table}{}", &readme[..begin], &readme[end..]))
}

/// The table for the checkout at `root`, in Markdown.
///
/// # Errors
/// If a recipe has no card, or an evidence file is not what `worldsmith reproduce` writes.
pub fn render_table(root: &Path) -> Result<String> {
    let cards = cards(root)?;
    let mut table = String::from(
        "| method | idea | claim | measured here | best baseline | budget | effect |\n|---|---|---|---|---|---|---|\n",
    );
    for card in &cards {
        let head = format!("`{}` ({}) | {}", card.name, link(&card.reference), card.idea);
        match evidence(root, &card.name)? {
            Some(evidence) => {
                for claim in array(&evidence, "claims")? {
                    let row = claim_cells(claim, &evidence)?;
                    writeln!(table, "| {head} | {row} |").map_err(|e| e.to_string())?;
                }
            }
            None => writeln!(table, "| {head} | not measured yet | | | | |").map_err(|e| e.to_string())?,
        }
    }
    Ok(table)
}

/// What the table says of a recipe, read from the `Card` in its `mod.rs`.
struct CardText {
    name: String,
    reference: String,
    idea: String,
}

fn cards(root: &Path) -> Result<Vec<CardText>> {
    let folder = root.join("crates/recipes/src");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("cannot list crates/recipes/src: {e}"))?;
    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path().join("mod.rs"))).collect();
    paths.retain(|path| path.exists());
    paths.sort();
    let mut cards = Vec::new();
    for path in paths {
        let text =
            std::fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let field = |name| {
            card_field(&text, name).ok_or_else(|| {
                format!("expected a `Card` with `{name}: \"...\"`, got none in {}", path.display())
            })
        };
        cards.push(CardText { name: field("name")?, reference: field("reference")?, idea: field("idea")? });
    }
    Ok(cards)
}

/// The string a `Card { .. }` literal gives to `field`.
fn card_field(text: &str, field: &str) -> Option<String> {
    let card = &text[text.find("= Card {")?..];
    let card = &card[..card.find("};")?];
    let value = card[card.find(&format!(" {field}:"))? + field.len() + 2..].trim_start().strip_prefix('"')?;
    let mut plain = String::new();
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Some(plain),
            '\\' => match chars.next()? {
                '\n' => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                escaped => plain.push(escaped),
            },
            c => plain.push(c),
        }
    }
    None
}

fn evidence(root: &Path, recipe: &str) -> Result<Option<Value>> {
    let name = format!("evidence/{recipe}.json");
    let path = root.join(&name);
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|e| format!("cannot read {name}: {e}"))?;
    serde_json::from_str(&text).map(Some).map_err(|e| format!("expected evidence in {name}, got {e}"))
}

fn claim_cells(claim: &Value, evidence: &Value) -> Result<String> {
    let metric = string(claim, "metric")?;
    let here = estimate(&claim["here"])?;
    let baselines = claim["baselines"].as_object().into_iter().flatten();
    let best = baselines.max_by(|a, b| mean(a.1).total_cmp(&mean(b.1)));
    let baseline = match best {
        Some((name, value)) => format!("{} (`{name}`)", estimate(value)?),
        None => format!("{} (floor)", estimate(&claim["floor"])?),
    };
    let effect = match claim["effect"].as_bool() {
        Some(true) => "appears",
        Some(false) => "**does not appear**",
        None => return Err("expected `effect` to be true or false in evidence".to_string()),
    };
    let statement = string(claim, "statement")?;
    Ok(format!("{statement} | {metric}: {here} | {baseline} | {} | {effect}", budget(&evidence["budget"])?))
}

/// `mean [low, high], n = 3`.
fn estimate(value: &Value) -> Result<String> {
    let number =
        |key: &str| value[key].as_f64().ok_or(format!("expected a number `{key}` in evidence, got {value}"));
    let n = number("n")?;
    Ok(format!("{:.2} [{:.2}, {:.2}], n = {n}", number("mean")?, number("low")?, number("high")?))
}

fn mean(value: &Value) -> f64 {
    value["mean"].as_f64().unwrap_or(f64::NEG_INFINITY)
}

fn budget(value: &Value) -> Result<String> {
    let number =
        |key: &str| value[key].as_f64().ok_or(format!("expected a number `{key}` in `budget`, got {value}"));
    Ok(format!("{} steps, {:.0} min", number("env_steps")?, number("wall_secs")? / 60.0))
}

fn string<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    value[key].as_str().ok_or(format!("expected a string `{key}` in evidence, got {}", value[key]))
}

fn array<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key].as_array().ok_or(format!("expected a list `{key}` in evidence, got {}", value[key]))
}

/// A card's reference; an arXiv id becomes a link.
fn link(reference: &str) -> String {
    let id = reference.trim_start_matches("arXiv").trim_start_matches([':', ' ']);
    let is_arxiv = id.len() >= 9 && id.chars().all(|c| c.is_ascii_digit() || ".v".contains(c));
    if is_arxiv { format!("[{reference}](https://arxiv.org/abs/{id})") } else { reference.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# x\n<!-- methods:begin -->\nold\n<!-- methods:end -->\nrest\n";

    #[test]
    fn the_table_stands_between_the_markers_and_nothing_else_moves() {
        let new = with_table(README, "| new |\n").unwrap();
        assert_eq!(new, "# x\n<!-- methods:begin -->\n| new |\n<!-- methods:end -->\nrest\n");
        assert!(with_table("# x\n", "").is_err());
    }

    #[test]
    fn a_card_is_read_from_its_literal() {
        let text = "const CARD: Card = Card {\n    name: \"a_b\",\n    idea: \"one \\\"two\\\" \\\n        three\",\n};\n";
        assert_eq!(card_field(text, "name").as_deref(), Some("a_b"));
        assert_eq!(card_field(text, "idea").as_deref(), Some("one \"two\" three"));
        assert_eq!(card_field(text, "title"), None);
    }

    #[test]
    fn an_arxiv_id_becomes_a_link() {
        assert_eq!(link("arXiv 2301.04104"), "[arXiv 2301.04104](https://arxiv.org/abs/2301.04104)");
        assert_eq!(link("Nature 640"), "Nature 640");
    }

    #[test]
    fn a_claim_that_does_not_appear_is_printed_as_such() {
        let interval =
            |mean: f64| serde_json::json!({"mean": mean, "low": mean - 1.0, "high": mean + 1.0, "n": 3});
        let claim = serde_json::json!({
            "statement": "learns faster", "metric": "return", "effect": false, "here": interval(2.0),
            "baselines": {"dqn": interval(3.0), "ppo": interval(1.0)}, "floor": interval(0.5),
        });
        let evidence = serde_json::json!({"budget": {"env_steps": 5000, "wall_secs": 120.0}});
        let row = claim_cells(&claim, &evidence).unwrap();
        assert_eq!(
            row,
            "learns faster | return: 2.00 [1.00, 3.00], n = 3 | 3.00 [2.00, 4.00], n = 3 (`dqn`) | 5000 steps, 2 min | \
             **does not appear**"
        );
        assert!(claim_cells(&serde_json::json!({"metric": "return"}), &evidence).is_err());
    }
}
