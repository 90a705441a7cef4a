//! The worldsmith program: parses the command line, runs one command, and ends with 0 (done), 1 (ran, but the check
//! failed) or 2 (error).

mod commands;
mod options;
mod output;
mod progress;
mod signals;

use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    match commands::run(&cli) {
        Ok(code) => code,
        Err(err) => output::fail(&err, cli.json),
    }
}
