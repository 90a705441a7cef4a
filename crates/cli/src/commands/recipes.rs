//! `worldsmith recipes`: the methods, and every key of one.

use std::process::ExitCode;

use worldsmith::catalog::{self, RecipeDetails, RecipeInfo};
use worldsmith::{Error, Result};

use crate::output;

/// List the methods that can be trained, or every setting of one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: worldsmith recipes\n          worldsmith recipes dreamer_v3 --preset tiny")]
pub struct Args {
    /// Method whose settings to print
    name: Option<String>,
    /// Preset whose settings to print
    #[arg(long, requires = "name")]
    preset: Option<String>,
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    match &args.name {
        None => output::data(json, &catalog::recipes()?, |all| render_all(all))?,
        Some(name) => {
            let details = catalog::recipe_details(name, args.preset.as_deref())?;
            let text = render_one(&details)?;
            output::data(json, &details, |_| text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn render_all(all: &[RecipeInfo]) -> String {
    let row = |r: &RecipeInfo| vec![r.name.to_string(), r.presets.join(" "), r.title.to_string()];
    let mut rows = vec![vec!["NAME".into(), "PRESETS".into(), "TITLE".into()]];
    rows.extend(all.iter().map(row));
    output::table(&rows)
}

fn render_one(details: &RecipeDetails) -> Result<String> {
    let info = &details.info;
    let config = toml::to_string(&details.config).map_err(|e| Error::invalid(e.to_string()))?;
    let mut lines = vec![
        format!("# {} ({})", info.title, info.reference),
        format!("# {}", info.idea),
        format!("# presets: {}", info.presets.join(", ")),
        format!("# claims: {}", info.claims.join(", ")),
        format!("# Every key can be changed with `--set path=value`; below is preset `{}`.", details.preset),
        String::new(),
    ];
    let mut table = "";
    for line in config.lines() {
        table = line.strip_prefix('[').map_or(table, |name| name.trim_end_matches(']'));
        let key = line.split(" = ").next().unwrap_or_default();
        lines.extend(details.help.get(&format!("{table}.{key}")).map(|words| format!("# {words}")));
        lines.push(line.to_string());
    }
    Ok(lines.join("\n"))
}
