//! `trueup completions`: scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::exit::Exit;
use super::terminal::Terminal;

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// For which shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(command: &Completions, terminal: &Terminal) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut super::Cli::command(), "trueup", &mut script);
    terminal.result(&String::from_utf8_lossy(&script))
}
