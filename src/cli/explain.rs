//! `trueup explain`: documentation of kinds, fields and diagnostic codes, without asking any remote.

use clap::Args;

use super::exit::Exit;
use super::terminal::Terminal;
use crate::explain::{self, Subject};
use crate::model::Sources;
use crate::providers;
use crate::render;

/// Explain a kind, a field or a diagnostic code
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// For instance `instances`, `instances.customer`, `lifecycle.was` or `trueup::plan::protected`; without, the list of
    /// kinds
    #[arg(value_name = "SUBJECT")]
    subject: Option<String>,
}

pub(super) fn run(command: &Explain, terminal: &Terminal) -> Exit {
    let registry = providers::registry();
    let subject = command.subject.as_deref().map_or(Ok(Subject::Everything), |word| explain::find(word, &registry));
    let subject = match subject {
        Ok(subject) => subject,
        Err(unknown) => {
            let unknown = [unknown];
            terminal.problems(&unknown, &Sources::default());
            return Exit::of(&unknown);
        }
    };
    let theme = terminal.stdout_theme();
    terminal.write(|out| match (subject, explain::page(subject, &registry)) {
        (Subject::Code(code), _) => render::explain::code(out, code, theme),
        (_, page) => page.iter().try_for_each(|page| render::explain::page(out, page, theme)),
    })
}
