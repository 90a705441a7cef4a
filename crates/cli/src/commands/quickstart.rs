//! `worldsmith quickstart`: the main job, end to end.

use std::path::PathBuf;
use std::process::ExitCode;

use worldsmith::{Request, Result, quickstart_request, split_set, train_and_judge};

use super::eval;
use crate::options::Folder;
use crate::progress::Bars;
use crate::{output, signals};

/// Learn Breakout, dream it, act in it, judge it: minutes on two cores
///
/// Collects episodes, trains a world model and an agent inside its dream (DreamerV3), judges both and writes a report.
/// Needs no Python and no download. Exits with 1 if a check fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: worldsmith quickstart --seed 1 --out runs/second\n\
                  Afterwards: worldsmith play runs/quickstart")]
pub struct Args {
    /// Seed of all randomness
    #[arg(long)]
    seed: Option<u64>,
    /// Size of the model: `tiny` (seconds, to see that it runs), `small` or `paper`
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Change one key of the configuration; may be given again
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Run folder
    #[arg(long, default_value = "runs/quickstart", value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    folder: Folder,
}

pub fn run(args: &Args, json: bool) -> Result<ExitCode> {
    let stop = signals::stop_on_ctrl_c()?;
    let base = quickstart_request();
    let request = Request {
        preset: args.preset.clone().or(base.preset),
        seed: args.seed,
        set: args.set.iter().map(|s| split_set(s)).collect::<Result<_>>()?,
        ..base
    };
    let mut bars = Bars::new();
    let (_, judgement) = train_and_judge(&request, &args.out, args.folder.existing(), &mut bars, &stop)
        .map_err(|e| resume_hint(e, &args.out))?;
    bars.finish();
    let out = args.out.display();
    output::data(json, &judgement, |j| {
        format!("{}\nnext: worldsmith play {out}\n      worldsmith dream {out}", eval::render(j))
    })?;
    Ok(eval::code(&judgement))
}

/// A quickstart that was interrupted goes on as a quickstart.
fn resume_hint(err: worldsmith::Error, out: &std::path::Path) -> worldsmith::Error {
    match err.kind() {
        worldsmith::ErrorKind::Interrupted => {
            err.hint(format!("`worldsmith quickstart --out {} --resume` goes on exactly here", out.display()))
        }
        _ => err,
    }
}
