//! One file a command; this one parses and dispatches.

mod collect;
mod completions;
mod data;
mod doctor;
mod dream;
mod envs;
mod eval;
mod play;
mod quickstart;
mod recipes;
mod reproduce;
mod train;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use worldsmith::Result;

/// Exit code of a command that ran, but whose check failed.
const CHECK_FAILED: u8 = 1;

/// Learn a world model from experience, dream in it, act, judge it, and play it.
#[derive(Debug, Parser)]
#[command(
    name = "worldsmith",
    version,
    arg_required_else_help = true,
    after_help = "Start with `worldsmith quickstart`, then `worldsmith play runs/quickstart`.\n\
                  Exit codes: 0 done, 1 ran but a check failed, 2 error."
)]
pub struct Cli {
    /// Write the result as JSON to stdout; words for people always go to stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Where to compute: `cpu`, or `vulkan` in a build with that feature
    #[arg(long, global = true, default_value = "cpu", value_name = "NAME")]
    device: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Quickstart(quickstart::Args),
    Envs(envs::Args),
    Recipes(recipes::Args),
    Collect(collect::Args),
    Data(data::Args),
    Train(train::Args),
    Eval(eval::Args),
    Dream(dream::Args),
    Play(play::Args),
    /// Serve the page and its API without opening a browser
    #[command(after_help = "Example: worldsmith serve runs/quickstart --port 8000")]
    Serve(play::Args),
    Reproduce(reproduce::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
}

/// Runs the command that was asked for.
///
/// # Errors
/// Whatever went wrong, for `main` to print.
pub fn run(cli: &Cli) -> Result<ExitCode> {
    worldsmith::choose_device(&cli.device)?;
    match &cli.command {
        Command::Quickstart(args) => quickstart::run(args, cli.json),
        Command::Envs(args) => envs::run(args, cli.json),
        Command::Recipes(args) => recipes::run(args, cli.json),
        Command::Collect(args) => collect::run(args, cli.json),
        Command::Data(args) => data::run(args, cli.json),
        Command::Train(args) => train::run(args, cli.json),
        Command::Eval(args) => eval::run(args, cli.json),
        Command::Dream(args) => dream::run(args, cli.json),
        Command::Play(args) => play::run(args, cli.json, true),
        Command::Serve(args) => play::run(args, cli.json, false),
        Command::Reproduce(args) => reproduce::run(args, cli.json),
        Command::Doctor(args) => doctor::run(args, cli.json),
        Command::Completions(args) => completions::run(args),
    }
}
