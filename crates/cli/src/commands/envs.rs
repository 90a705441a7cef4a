//! `worldsmith envs`: the worlds there are.

use std::process::ExitCode;

use worldsmith::Result;
use worldsmith::catalog::{self, EnvInfo};

use crate::output;

/// List the environments and their options
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: worldsmith envs\n          worldsmith envs cartpole\n          worldsmith envs --json\nOptions go after a question mark: --env 'cartpole?obs=pixels&factors=train'"
)]
pub struct Args {
    /// Only this one, with its options, its factors of variation and its page
    #[arg(value_name = "ID")]
    id: Option<String>,
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    let all = catalog::envs()?;
    match &args.id {
        None => output::data(json, &all, |all| list(all))?,
        Some(id) => output::data(json, catalog::env(&all, id)?, details)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for each.
fn list(all: &[EnvInfo]) -> String {
    let rows: Vec<_> = all.iter().map(|env| vec![env.id.to_string(), env.about.to_string()]).collect();
    format!(
        "{}\nnext: worldsmith envs ID, for views, options and factors of variation",
        output::table(&rows).trim_end()
    )
}

/// What one takes and shows.
fn details(env: &EnvInfo) -> String {
    let mut rows = vec![vec![env.id.to_string(), env.about.to_string()]];
    if let Some(spec) = &env.spec {
        rows.push(vec![String::new(), format!("{} -> {}", spec.action, spec.obs)]);
    }
    for option in &env.options {
        rows.push(vec![format!("  ?{}={}", option.name, option.default), option.about.to_string()]);
    }
    for factor in &env.factors {
        let ([low, high], [from, to]) = (factor.train, factor.shifted);
        let ranges = format!("{}; train {low}..{high}, shifted {from}..{to}", factor.default);
        rows.push(vec![format!("  ?factor.{}", factor.name), format!("{} ({ranges})", factor.about)]);
    }
    format!("{}\n{}", output::table(&rows), env.page)
}
