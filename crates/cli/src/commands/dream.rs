//! `worldsmith dream`: imagined episodes to look at and to learn from.

use std::path::PathBuf;
use std::process::ExitCode;

use worldsmith::{DreamRequest, Dreamt, Result};

use crate::progress::Bars;
use crate::{output, signals};

/// Write imagined episodes: films beside the real world, and an episode store
///
/// The agent acts on what it dreams; the real world goes along under the same actions. Each episode becomes a GIF (real
/// left, dream right) and a film strip (real above dream).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: worldsmith dream runs/quickstart --episodes 3 --steps 100 --out dreams")]
pub struct Args {
    /// Run folder or checkpoint folder
    run: PathBuf,
    /// Episodes to dream
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    episodes: u32,
    /// Longest episode, in steps
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Seed of starts, dreams and actions
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Act at random instead of by the agent
    #[arg(long)]
    random: bool,
    /// Folder to write to; `dream` in the run folder if left out
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    let stop = signals::stop_on_ctrl_c()?;
    let mut bars = Bars::new();
    let request = DreamRequest {
        run: args.run.clone(),
        episodes: args.episodes as usize,
        steps: args.steps as usize,
        seed: args.seed,
        random: args.random,
        out: args.out.clone(),
    };
    let dreamt = worldsmith::dream(&request, &mut bars, &stop)?;
    bars.finish();
    output::data(json, &dreamt, render)?;
    Ok(ExitCode::SUCCESS)
}

fn render(d: &Dreamt) -> String {
    let mut rows = vec![["FILM", "STRIP", "DREAMT", "REAL"].map(str::to_string).to_vec()];
    for (i, gif) in d.gifs.iter().enumerate() {
        rows.push(vec![
            gif.display().to_string(),
            d.strips[i].display().to_string(),
            format!("{:.2}", d.dreamt_returns[i]),
            format!("{:.2}", d.real_returns[i]),
        ]);
    }
    format!("{}\nepisodes: {}", output::table(&rows), d.store.display())
}
