//! `worldsmith doctor`: what this machine offers and what is missing.

use std::path::Path;
use std::process::ExitCode;

use worldsmith::{Health, Python, Result};

use crate::output;

/// Tell what is installed here: cores, memory, disk, GPU backend, Python packages
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: worldsmith doctor --json")]
pub struct Args {}

pub fn run(_args: &Args, json: bool) -> Result<ExitCode> {
    output::data(json, &worldsmith::doctor(Path::new("runs")), render)?;
    Ok(ExitCode::SUCCESS)
}

fn render(health: &Health) -> String {
    let mib = |x: Option<u64>| x.map_or("unknown".to_string(), |m| format!("{:.1} GiB", m as f64 / 1024.0));
    let mut rows = vec![
        vec!["worldsmith".into(), health.version.into()],
        vec!["platform".into(), health.platform.clone()],
        vec!["cores".into(), health.cores.to_string()],
        vec!["cpu features".into(), health.cpu_features.join(" ")],
        vec!["memory".into(), format!("{} ({} free)", mib(health.memory_mib), mib(health.memory_free_mib))],
        vec!["disk free".into(), mib(health.disk_free_mib)],
        vec!["gpu backend".into(), if health.gpu { "vulkan" } else { "not in this build" }.into()],
    ];
    rows.extend(python_rows(health.python.as_ref()));
    output::table(&rows)
}

fn python_rows(python: Option<&Python>) -> Vec<Vec<String>> {
    let Some(python) = python else {
        return vec![vec!["python".into(), "not found (only `gym:` environments need it)".into()]];
    };
    let mut rows = vec![vec!["python".into(), format!("{} ({})", python.version, python.program)]];
    rows.extend(python.packages.iter().map(|(name, version)| {
        let state = match version {
            Some(version) => version.clone(),
            None => format!("not installed (`pip install {}`)", name.replace('_', "-")),
        };
        vec![format!("  {name}"), state]
    }));
    rows
}
