//! `trueup validate`: everything that can be known offline.

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::project::{self, Stop};
use super::terminal::Terminal;
use super::{Global, repository};
use crate::providers;
use crate::render::{github, gitlab, json, sarif};

/// Check everything that can be known offline
#[derive(Debug, Args)]
pub(super) struct Validate {
    /// How to print what was found
    #[arg(long, value_name = "FORMAT", default_value = "human", env = "TRUEUP_FORMAT", hide_env = true)]
    format: ValidateFormat,
}

/// How problems are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ValidateFormat {
    Human,
    // stdout is JSON only, errors included.
    Json,
    // Annotations of GitHub Actions.
    Github,
    Sarif,
    // GitLab's code quality report.
    Gitlab,
}

pub(super) fn run(command: &Validate, global: &Global, terminal: &Terminal) -> Exit {
    let loaded = project::load(global, &providers::registry());
    let (diagnostics, sources, sound) = match loaded {
        Ok(project) => {
            let summary = summary(project.desired.resources.len(), project.desired.targets.len());
            (project.warnings, project.desired.sources.clone(), Some(summary))
        }
        Err(Stop { diagnostics, sources }) => (diagnostics, sources, None),
    };
    let files = repository::files(global);
    let shown = terminal.write(|out| match command.format {
        ValidateFormat::Human => sound.iter().try_for_each(|summary| out.write_all(summary.as_bytes())),
        ValidateFormat::Json => json::validation(out, &diagnostics, &sources),
        ValidateFormat::Github => github::validation(out, &diagnostics, &sources, &files),
        ValidateFormat::Sarif => sarif::validation(out, &diagnostics, &sources, &files),
        ValidateFormat::Gitlab => gitlab::validation(out, &diagnostics, &sources, &files),
    });
    // What goes into a file would leave the log of a failed job empty.
    if matches!(command.format, ValidateFormat::Human | ValidateFormat::Sarif | ValidateFormat::Gitlab) {
        terminal.problems(&diagnostics, &sources);
    }
    match Exit::of(&diagnostics) {
        Exit::Success => shown,
        exit => exit,
    }
}

fn summary(resources: usize, targets: usize) -> String {
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match resources {
        0 => "Valid, but no resource is declared.\n".to_owned(),
        _ => format!("Valid: {} for {}.\n", plural(resources, "resource"), plural(targets, "target")),
    }
}
