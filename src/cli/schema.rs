//! `trueup schema`: JSON Schemas for editors and scripts.

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::terminal::Terminal;
use crate::{providers, schema};

/// Print a JSON Schema for editors and scripts
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Of resource files, of trueup.toml, or of the JSON of `trueup plan --format json` or `trueup snapshot`
    #[arg(value_name = "WHAT", default_value = "resources")]
    what: What,
}

/// What there is a schema of.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Resources,
    Settings,
    Plan,
    Snapshot,
}

pub(super) fn run(command: &Schema, terminal: &Terminal) -> Exit {
    let schema = match command.what {
        What::Resources => schema::resources(&providers::registry()),
        What::Settings => schema::settings(),
        What::Plan => schema::plan(),
        What::Snapshot => schema::snapshot(),
    };
    terminal.result(&schema::text(&schema))
}
