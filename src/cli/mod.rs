//! The command line: a file per subcommand, and the wiring between arguments, stages and exit status.

mod account;
mod apply;
mod base;
mod completions;
mod consents;
mod exit;
mod explain;
mod export;
mod git;
mod graph;
mod init;
mod man;
mod plan;
mod project;
mod question;
mod remote;
mod repository;
mod reviewed;
mod sandbox;
mod schema;
mod signal;
mod snapshot;
mod terminal;
mod validate;
mod version;
mod written;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use exit::Exit;
use terminal::{Color, Terminal};

use crate::suggest::Suggest;

/// Brings Kaiten and Cloud Foundry instances into line with YAML kept in git.
#[derive(Debug, Parser)]
#[command(
    name = "trueup",
    version,
    about,
    max_term_width = 100,
    after_help = "Begin with `trueup init`. `trueup help COMMAND` tells more of a command."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every subcommand, before or after it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Work as if started in DIR: also files that are named on the command line are looked for and written from there
    #[arg(short = 'C', long, global = true, value_name = "DIR", env = "TRUEUP_CHDIR", hide_env = true)]
    chdir: Option<PathBuf>,
    /// Lay the environment NAME of trueup.toml over it
    #[arg(short = 'e', long, global = true, value_name = "NAME", env = "TRUEUP_ENV", hide_env = true)]
    env: Option<String>,
    /// Give the variable NAME of trueup.toml a value
    #[arg(long = "var", global = true, value_name = "NAME=VALUE", env = "TRUEUP_VAR", hide_env = true, value_delimiter = '\n', value_parser = assignment)]
    variables: Vec<(String, String)>,
    #[arg(
        help = "When to colour: also NO_COLOR, CLICOLOR_FORCE and TERM=dumb are heard",
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "TRUEUP_COLOR",
        hide_env = true
    )]
    color: Color,
    /// Say only what was asked for and what went wrong
    #[arg(short, long, global = true, env = "TRUEUP_QUIET", hide_env = true, value_parser = clap::builder::BoolishValueParser::new(), conflicts_with = "verbose")]
    quiet: bool,
    /// Say more; twice: log every request to stderr
    #[arg(short, long, global = true, action = clap::ArgAction::Count, env = "TRUEUP_VERBOSE", hide_env = true)]
    verbose: u8,
}

impl Global {
    /// A path of the command line: relative to the directory of `-C`, as with `git` and `make`.
    fn path(&self, path: &Path) -> PathBuf {
        self.chdir.as_deref().map_or_else(|| path.to_owned(), |start| start.join(path))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Validate(validate::Validate),
    #[command(alias = "diff", alias = "preview")]
    Plan(plan::PlanCommand),
    Apply(apply::Apply),
    Export(export::Export),
    Snapshot(snapshot::SnapshotCommand),
    Explain(explain::Explain),
    Graph(graph::GraphCommand),
    Schema(schema::Schema),
    Sandbox(sandbox::SandboxCommand),
    Completions(completions::Completions),
    Man(man::ManCommand),
    /// Print the version
    Version,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    // stdout is JSON only, errors included.
    Json,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    if name.is_empty() {
        return Err("the name before `=` is missing".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command line `arguments`, the program's name first, and tells how the process should end.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match parse(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(error, &arguments).into(),
    };
    let terminal = Terminal::new(cli.global.color, cli.global.quiet, cli.global.verbose);
    terminal.log();
    let runtime = tokio::runtime::Runtime::new().expect("the system can start threads");
    let exit = runtime.block_on(dispatch(cli.command, &cli.global, &terminal));
    // Requests that were given up on need not be waited for.
    runtime.shutdown_background();
    exit.into()
}

fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command(std::env::var("TRUEUP_FORMAT").ok().as_deref()).try_get_matches_from(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let (Command::Plan(plan), Some((_, matches))) = (&mut cli.command, matches.subcommand())
        && matches.value_source("max_bytes") == Some(ValueSource::EnvVariable)
    {
        plan.limit_markdown_only();
    }
    Ok(cli)
}

/// The command line where `TRUEUP_FORMAT` says this. One variable is for the `--format` of all commands, and no command has
/// all formats: to those that do not have this one, but some other command does, it says nothing.
fn command(format: Option<&str>) -> clap::Command {
    let mut command = Cli::command();
    let Some(format) = format else { return command };
    let has = |command: &clap::Command| {
        let formats = command.get_arguments().find(|argument| argument.get_id() == "format")?;
        Some(formats.get_possible_values().iter().any(|known| known.matches(format, false)))
    };
    let of_others: Vec<String> = command
        .get_subcommands()
        .filter(|command| has(command) == Some(false))
        .map(|command| command.get_name().to_owned())
        .collect();
    if command.get_subcommands().any(|command| has(command) == Some(true)) {
        for name in of_others {
            command =
                command.mut_subcommand(name, |command| command.mut_arg("format", |format| format.env(None::<&str>)));
        }
    }
    command
}

async fn dispatch(command: Command, global: &Global, terminal: &Terminal) -> Exit {
    match command {
        Command::Init(command) => init::run(&command, global, terminal).await,
        Command::Validate(command) => validate::run(&command, global, terminal),
        Command::Plan(command) => plan::run(&command, global, terminal).await,
        Command::Apply(command) => apply::run(&command, global, terminal).await,
        Command::Export(command) => export::run(&command, global, terminal).await,
        Command::Snapshot(command) => snapshot::run(&command, global, terminal).await,
        Command::Explain(command) => explain::run(&command, terminal),
        Command::Graph(command) => graph::run(&command, global, terminal).await,
        Command::Schema(command) => schema::run(&command, terminal),
        Command::Sandbox(command) => sandbox::run(&command, global, terminal).await,
        Command::Completions(command) => completions::run(&command, terminal),
        Command::Man(command) => man::run(&command, global, terminal),
        Command::Version => version::run(terminal),
    }
}

/// Help is an answer; anything else clap says is a wrong command line.
fn usage(mut error: clap::Error, arguments: &[OsString]) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Success;
    }
    let variable = said_by(&error, arguments);
    let meant = meant_command(&error);
    if error.kind() == ErrorKind::InvalidSubcommand {
        // Others, which clap finds similar, would only stand in the way.
        error.remove(ContextKind::SuggestedSubcommand);
        if let Some(meant) = &meant {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::String(meant.clone()));
        }
    }
    if let Some(variable) = &variable {
        let tip = format!("the environment variable `{variable}` says so");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    let as_json = arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--format=json")
        || !is_given("--format", arguments) && std::env::var("TRUEUP_FORMAT").is_ok_and(|format| format == "json");
    if as_json {
        let text = error.render().to_string();
        let mut message = text.trim_start_matches("error: ").lines().next().unwrap_or_default().to_owned();
        if let Some(variable) = variable {
            message = format!("{message}, which the environment variable `{variable}` says");
        }
        let help = meant.map_or_else(|| "see `trueup --help`".to_owned(), |meant| format!("did you mean `{meant}`?"));
        let diagnostic = crate::model::Diagnostic::error(crate::model::Code::Usage, message).help(help);
        Terminal::new(Color::Never, true, 0).validation(&[diagnostic], &crate::model::Sources::default());
    } else {
        let _ = error.print();
    }
    Exit::Usage
}

/// The command that a misspelt one most likely means.
fn meant_command(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().flat_map(clap::Command::get_name_and_visible_aliases).collect();
    Suggest::default().nearest(word, names).map(str::to_owned)
}

/// The variable that a wrong value is from, if it is not from the command line.
fn said_by(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    // `--format <FORMAT>`
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let flag = flag.split(' ').next().filter(|flag| flag.starts_with("--"))?;
    let variable = format!("TRUEUP_{}", flag.trim_start_matches('-').to_uppercase().replace('-', "_"));
    (!is_given(flag, arguments) && std::env::var_os(&variable).is_some()).then_some(variable)
}

fn is_given(flag: &str, arguments: &[OsString]) -> bool {
    let gives =
        |argument: &str| argument.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
    arguments.iter().filter_map(|argument| argument.to_str()).any(gives)
}
