//! `trueup graph`: what depends on what, as a picture, a page, or for tools that draw.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::consents::Consents;
use super::exit::Exit;
use super::plan::{self, Asked, Planned};
use super::project::{self, Stop};
use super::terminal::Terminal;
use super::{Global, repository, signal};
use crate::clock::Clock;
use crate::model::Sources;
use crate::providers;
use crate::render::graph::Graph;
use crate::render::taken;

/// Show what depends on what; with `--actions` also what `apply` would do
#[derive(Debug, Args)]
pub(super) struct GraphCommand {
    /// As what
    #[arg(long, value_name = "FORMAT", default_value = "mermaid", env = "TRUEUP_FORMAT", hide_env = true)]
    format: GraphFormat,
    /// Read the remotes too, and show the action of each resource
    #[arg(long, env = "TRUEUP_ACTIONS", hide_env = true, value_parser = clap::builder::BoolishValueParser::new())]
    actions: bool,
    /// Show the action of each resource by FILE, written by `trueup snapshot`, instead of the remotes
    #[arg(long, value_name = "FILE", env = "TRUEUP_REMOTE", hide_env = true)]
    remote: Option<PathBuf>,
}

/// How a graph is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GraphFormat {
    Mermaid,
    // Graphviz.
    Dot,
    // A picture.
    Svg,
    // A page for a browser.
    Html,
}

pub(super) async fn run(command: &GraphCommand, global: &Global, terminal: &Terminal) -> Exit {
    if !command.actions && command.remote.is_none() {
        return match project::load(global, &providers::registry()) {
            Ok(project) => {
                terminal.problems(&project.warnings, &project.desired.sources);
                command.show(&Graph::declared(&project.desired), &project.desired.sources, global, terminal)
            }
            Err(stop) => stopped(&stop, terminal),
        };
    }
    let mut interrupt = signal::watch();
    let (clock, consents) = (Clock::system(), Consents::default());
    let asked = Asked {
        only: &[],
        consents: &consents,
        reviewed: None,
        parallelism: None,
        undeclared: false,
        remote: command.remote.as_deref(),
    };
    let made = tokio::select! {
        made = plan::make(global, asked, &clock, terminal) => made,
        number = signal::first(&mut interrupt) => {
            terminal.note("interrupted while reading; nothing was changed");
            return Exit::Signal(number);
        }
    };
    let Planned { project, plan, remotes, .. } = match made {
        Ok(planned) => planned,
        Err(stop) => return stopped(&stop, terminal),
    };
    let shown = command.show(&Graph::planned(&plan), &project.desired.sources, global, terminal);
    terminal.problems(&plan.diagnostics, &project.desired.sources);
    if let Some(line) = taken::line(&plan) {
        terminal.note(&line);
    }
    if let Err(error) = remotes.close().await {
        terminal.note(&error);
        return Exit::Failure;
    }
    match Exit::of(&plan.diagnostics) {
        Exit::Success => shown,
        exit => exit,
    }
}

fn stopped(Stop { diagnostics, sources }: &Stop, terminal: &Terminal) -> Exit {
    terminal.problems(diagnostics, sources);
    Exit::of(diagnostics)
}

impl GraphCommand {
    fn show(&self, graph: &Graph, sources: &Sources, global: &Global, terminal: &Terminal) -> Exit {
        terminal.write(|out| match self.format {
            GraphFormat::Mermaid => graph.mermaid(out),
            GraphFormat::Dot => graph.dot(out),
            GraphFormat::Svg => graph.svg(out),
            GraphFormat::Html => graph.html(out, sources, &repository::files(global)),
        })
    }
}
