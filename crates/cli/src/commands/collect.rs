//! `worldsmith collect`: record episodes.

use std::path::PathBuf;
use std::process::ExitCode;

use worldsmith::{CollectRequest, Collected, Result};

use crate::options::PicturesOption;
use crate::progress::Bars;
use crate::{output, signals};

/// Record episodes of a scripted player, or of a run's agent, into an episode store
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: worldsmith collect --env breakout --episodes 100 --out data/breakout\n          \
                  worldsmith collect --env cartpole --skill expert --episodes 100 --out data/cartpole\n          \
                  worldsmith collect --agent runs/quickstart --episodes 20 --out data/agent\n          \
                  worldsmith train --env breakout --data data/breakout"
)]
pub struct Args {
    /// Environment; the agent's own, or `breakout`, if left out
    #[arg(long, value_name = "ID")]
    env: Option<String>,
    /// Run or checkpoint whose agent acts, instead of chance
    #[arg(long, value_name = "RUN")]
    agent: Option<PathBuf>,
    /// How well a scripted player acts where no agent does: random, weak, expert; the last two in built-in environments only
    #[arg(long, value_name = "SKILL", conflicts_with = "agent")]
    skill: Option<String>,
    /// Episodes to record
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    episodes: u32,
    /// Copies of the environment stepped together
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    n_envs: u32,
    /// Seed of environments and actions
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder of the store; added to if it is there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How a new store keeps pictures; raw if left out
    #[arg(long, value_enum, value_name = "HOW")]
    pictures: Option<PicturesOption>,
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    let stop = signals::stop_on_ctrl_c()?;
    let mut bars = Bars::new();
    let request = CollectRequest {
        env: args.env.clone(),
        agent: args.agent.clone(),
        skill: args.skill.clone(),
        episodes: args.episodes as usize,
        n_envs: args.n_envs as usize,
        seed: args.seed,
        out: args.out.clone(),
        pictures: args.pictures.map(PicturesOption::pictures),
    };
    let collected = worldsmith::collect(&request, &mut bars, &stop)?;
    bars.finish();
    output::data(json, &collected, render)?;
    Ok(ExitCode::SUCCESS)
}

fn render(c: &Collected) -> String {
    format!(
        "{} episodes ({} steps) of `{}` by `{}`, mean return {:.2}\n{} episodes in {}\nnext: worldsmith train --env '{}' --data {}",
        c.episodes,
        c.steps,
        c.env,
        c.policy,
        c.mean_return,
        c.stored,
        c.out.display(),
        c.env,
        c.out.display()
    )
}
