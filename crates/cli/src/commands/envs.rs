//! `worldsmith envs`: the worlds there are.

use std::process::ExitCode;

use worldsmith::Result;
use worldsmith::catalog::{self, EnvInfo};

use crate::output;

/// List the environments and their options
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: worldsmith envs --json\nOptions go after a question mark: --env 'breakout?sticky=0.1'"
)]
pub struct Args {}

pub fn run(_args: &Args, json: bool) -> Result<ExitCode> {
    output::data(json, &catalog::envs()?, |all| render(all))?;
    Ok(ExitCode::SUCCESS)
}

fn render(all: &[EnvInfo]) -> String {
    let mut rows = Vec::new();
    for env in all {
        rows.push(vec![env.id.to_string(), env.about.to_string()]);
        if let Some(spec) = &env.spec {
            rows.push(vec![String::new(), format!("{} -> {}", spec.action, spec.obs)]);
        }
        for option in &env.options {
            rows.push(vec![format!("  ?{}={}", option.name, option.default), option.about.to_string()]);
        }
    }
    output::table(&rows)
}
