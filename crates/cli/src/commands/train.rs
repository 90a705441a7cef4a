//! `worldsmith train`: collect and learn.

use std::path::PathBuf;
use std::process::ExitCode;

use worldsmith::{Request, Result, RunConfig, Trained, open_run};

use crate::options::{Folder, What, default_run};
use crate::progress::{Bars, secs};
use crate::{output, signals};

/// Learn a world model and its agent from experience
///
/// Collects with a random policy, then acts and learns by turns, and records held-out episodes at the end. Ctrl-C saves;
/// `--resume` goes on exactly there.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: worldsmith train --env breakout --preset small --out runs/first\n          \
                  worldsmith train --env gym:CartPole-v1 --steps 20000 --set run.updates_per_step=0.2\n          \
                  worldsmith train --out runs/first --resume"
)]
pub struct Args {
    #[command(flatten)]
    what: What,
    /// Train on recorded episodes instead of collecting
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Run folder; `runs/<recipe>-<env>-s<seed>` if left out
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    folder: Folder,
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    let stop = signals::stop_on_ctrl_c()?;
    let asked = Request { data: args.data.clone(), ..args.what.request()? };
    let out = match &args.out {
        Some(out) => out.clone(),
        None => {
            let config = RunConfig::resolve(&asked)?;
            // Recorded episodes of no named environment go by the name of their store.
            let from = if config.env.is_empty() { config.data.trim_end_matches('/') } else { &config.env };
            default_run(&config.recipe, from, config.seed)
        }
    };
    let nothing_asked = !args.what.is_given() && args.data.is_none();
    let request = if args.folder.resume && nothing_asked { Request::default() } else { asked };
    let mut bars = Bars::new();
    let trained = open_run(&request, &out, args.folder.existing(), &mut bars)?.train(&mut bars, &stop)?;
    bars.finish();
    output::data(json, &trained, render)?;
    Ok(ExitCode::SUCCESS)
}

fn render(t: &Trained) -> String {
    let dir = t.dir.display();
    let world = if t.env.is_empty() { "recorded episodes".to_string() } else { format!("`{}`", t.env) };
    format!(
        "trained `{}` on {world} (seed {}): {} steps, {} updates, {} episodes in {}\n\
         parameters {}, checkpoint {}\n\
         next: worldsmith eval {dir}",
        t.recipe,
        t.seed,
        t.env_steps,
        t.updates,
        t.episodes,
        secs(t.wall_secs),
        t.params_crc32,
        t.checkpoint.display(),
    )
}
