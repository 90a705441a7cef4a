//! `worldsmith eval`: judge a run.

use std::path::PathBuf;
use std::process::ExitCode;

use worldsmith::{JudgeRequest, Judgement, Result};

use super::CHECK_FAILED;
use crate::progress::{Bars, secs};
use crate::{output, signals};

/// Judge a run: its model on held-out episodes, its agent beside the random policy
///
/// The model is compared at 1, 5, 15 and 45 steps ahead with three floors: copy the last frame, the mean frame, and the
/// same model under other actions. Writes `judgement.json` and `report.html` into the run folder. Exits with 1 if a check
/// fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: worldsmith eval runs/quickstart\n          \
                  worldsmith eval runs/quickstart --env 'breakout?sticky=0.2' --json")]
pub struct Args {
    /// Run folder or checkpoint folder
    run: PathBuf,
    /// Act in another environment of the same spaces; only the agent is judged then
    #[arg(long, value_name = "ID")]
    env: Option<String>,
    /// Episodes to act; the run's own number if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    episodes: Option<u32>,
    /// Take the most probable action instead of drawing one
    #[arg(long)]
    greedy: bool,
    /// Act by a planner in the run's world model instead of its policy (`cem`, `random_shooting`); only this is judged
    #[arg(long, value_name = "NAME")]
    planner: Option<String>,
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    let stop = signals::stop_on_ctrl_c()?;
    let mut bars = Bars::new();
    let request = JudgeRequest {
        run: args.run.clone(),
        env: args.env.clone(),
        episodes: args.episodes.map(|n| n as usize),
        greedy: args.greedy,
        planner: args.planner.clone(),
    };
    let judgement = worldsmith::judge(&request, &mut bars, &stop)?;
    bars.finish();
    output::data(json, &judgement, render)?;
    Ok(code(&judgement))
}

/// 0 if everything holds, else 1.
pub(super) fn code(judgement: &Judgement) -> ExitCode {
    if judgement.passed { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) }
}

/// A judgement in a few lines.
pub(super) fn render(j: &Judgement) -> String {
    let world = if j.env.is_empty() { "recorded episodes".to_string() } else { format!("`{}`", j.env) };
    let mut lines = vec![format!(
        "`{}` on {world} (seed {}): {} steps, {} updates, trained in {}",
        j.recipe,
        j.seed,
        j.env_steps,
        j.updates,
        secs(j.wall_secs)
    )];
    for check in &j.checks {
        lines.push(format!("{}  {}", if check.passed { "pass" } else { "FAIL" }, check.name));
        lines.push(format!("      {}", check.detail));
    }
    if j.returns.is_none() {
        lines.push(
            "      the agent was not judged: no environment to act in (`worldsmith eval RUN --env ID`)"
                .into(),
        );
    }
    if let Some(page) = &j.report {
        lines.push(format!("report: {}", page.display()));
    }
    lines.join("\n")
}
