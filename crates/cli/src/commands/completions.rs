//! `worldsmith completions`: tab completion for a shell.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;
use worldsmith::Result;

/// Print the tab completion script of a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: worldsmith completions bash > ~/.local/share/bash-completion/completions/worldsmith"
)]
pub struct Args {
    /// Shell to print it for
    shell: Shell,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    clap_complete::generate(args.shell, &mut super::Cli::command(), "worldsmith", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
