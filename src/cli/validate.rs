//! `trueup validate`: everything that can be known offline.

use clap::Args;

use super::exit::Exit;
use super::project::{self, Stop};
use super::terminal::Terminal;
use super::{Format, Global};
use crate::providers;

/// Check everything that can be known offline
#[derive(Debug, Args)]
pub(super) struct Validate {
    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "human", env = "TRUEUP_FORMAT", hide_env = true)]
    format: Format,
}

pub(super) fn run(command: &Validate, global: &Global, terminal: &Terminal) -> Exit {
    let loaded = project::load(global, &providers::registry());
    let (diagnostics, sources, sound) = match loaded {
        Ok(project) => {
            let summary = summary(project.desired.resources.len(), project.desired.targets.len());
            (project.warnings, project.desired.sources, Some(summary))
        }
        Err(Stop { diagnostics, sources }) => (diagnostics, sources, None),
    };
    match command.format {
        Format::Json => terminal.validation(&diagnostics, &sources),
        Format::Human => {
            terminal.problems(&diagnostics, &sources);
            if let Some(summary) = sound {
                terminal.result(&summary);
            }
        }
    }
    Exit::of(&diagnostics)
}

fn summary(resources: usize, targets: usize) -> String {
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match resources {
        0 => "Valid, but no resource is declared.\n".to_owned(),
        _ => format!("Valid: {} for {}.\n", plural(resources, "resource"), plural(targets, "target")),
    }
}
