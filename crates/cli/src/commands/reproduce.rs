//! `worldsmith reproduce`: does a paper's effect appear here?

use std::path::PathBuf;
use std::process::ExitCode;

use worldsmith::{ClaimEvidence, Evidence, ReproduceRequest, Request, Result, split_set};

use super::CHECK_FAILED;
use crate::progress::{Bars, secs};
use crate::{output, signals};

/// Run the experiments behind a recipe's claims, against their baselines
///
/// Trains the method and its baselines on the same budget over several seeds, prints what the paper reports and what was
/// measured here, and writes `evidence/<recipe>.json`. Finished training runs are kept and used again. Exits with 1 if an
/// effect does not appear.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: worldsmith reproduce dreamer_v3 --seeds 0,1,2")]
pub struct Args {
    /// Recipe whose claims to measure; `worldsmith recipes` lists all
    recipe: String,
    /// Size of the runs
    #[arg(long, default_value = "small", value_name = "NAME")]
    preset: String,
    /// Environment; the preset's if left out
    #[arg(long, value_name = "ID")]
    env: Option<String>,
    /// Seeds to train with
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 2], value_name = "LIST")]
    seeds: Vec<u64>,
    /// Real environment steps of every run
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Change one key of the configuration; environment, steps and evaluation hold for baselines too
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Folder of the training runs
    #[arg(long, default_value = "runs/reproduce", value_name = "DIR")]
    runs: PathBuf,
    /// Folder the evidence is written to
    #[arg(long, default_value = "evidence", value_name = "DIR")]
    out: PathBuf,
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    let stop = signals::stop_on_ctrl_c()?;
    let mut bars = Bars::new();
    let what = Request {
        recipe: args.recipe.clone(),
        preset: Some(args.preset.clone()),
        env: args.env.clone(),
        steps: args.steps,
        set: args.set.iter().map(|s| split_set(s)).collect::<Result<_>>()?,
        ..Request::default()
    };
    let command: Vec<String> = std::iter::once("worldsmith".into()).chain(std::env::args().skip(1)).collect();
    let request = ReproduceRequest {
        what,
        seeds: args.seeds.clone(),
        runs: args.runs.clone(),
        evidence: args.out.clone(),
        command: command.join(" "),
    };
    let evidence = worldsmith::reproduce(&request, &mut bars, &stop)?;
    bars.finish();
    output::data(json, &evidence, render)?;
    let all_appear = evidence.claims.iter().all(|c| c.effect);
    Ok(if all_appear { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}

fn render(evidence: &Evidence) -> String {
    let mut lines = vec![format!(
        "`{}` at {}: seeds {:?}, {} steps a run, {} of training",
        evidence.recipe,
        evidence.revision,
        evidence.seeds,
        evidence.budget.env_steps,
        secs(evidence.budget.wall_secs)
    )];
    lines.extend(evidence.claims.iter().map(render_claim));
    lines.join("\n\n")
}

fn render_claim(claim: &ClaimEvidence) -> String {
    let measured = [("here", &claim.here)].into_iter();
    let others = claim.baselines.iter().map(|(name, e)| (name.as_str(), e));
    let rows: Vec<Vec<String>> = measured
        .chain(others)
        .chain([("floor", &claim.floor)])
        .map(|(name, e)| {
            vec![
                format!("  {name}"),
                format!("{:.3}", e.mean),
                format!("({:.3} to {:.3}), n {}", e.low, e.high, e.n),
            ]
        })
        .collect();
    let effect = if claim.effect { "the effect appears" } else { "the effect does NOT appear" };
    format!(
        "{}: {}\n  paper: {}\n  metric: {}\n{}\n  {effect}{}",
        claim.id,
        claim.statement,
        claim.paper,
        claim.metric,
        output::table(&rows),
        if claim.note.is_empty() { String::new() } else { format!("; {}", claim.note) }
    )
}
