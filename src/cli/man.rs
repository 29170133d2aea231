//! `trueup man`: manual pages.

use std::iter;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use regex_lite::Regex;

use super::Global;
use super::exit::Exit;
use super::terminal::Terminal;
use super::written::{self, Refused};
use crate::render::clean_line;

/// Print the manual page, or write all of them
#[derive(Debug, Args)]
pub(super) struct ManCommand {
    /// Write trueup(1) and a page for each command into DIR; otherwise trueup(1) goes to stdout
    #[arg(long, value_name = "DIR", env = "TRUEUP_DIR", hide_env = true)]
    dir: Option<PathBuf>,
}

/// What is heard beside the options' own variables.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("KAITEN_AUTH_TOKEN", "Kaiten's token, where `token` of `trueup.toml` names no other place."),
    ("KAITEN_BASE_URL", "Where Kaiten is, where `url` is not given."),
    ("CF_HOME", "The directory with `.cf` in it, the cf CLI's own; else HOME."),
    ("HTTPS_PROXY, HTTP_PROXY, NO_PROXY", "Through which proxy remotes are reached."),
    ("NO_COLOR, CLICOLOR_FORCE, TERM", "Whether to colour, unless `--color` says it."),
    ("COLUMNS", "How wide lines may be; else as wide as the terminal."),
    ("LC_ALL, LC_CTYPE, LANG", "Whether more than ASCII may be drawn."),
    ("TRUEUP_LOG", "What to log to stderr, such as `trueup=debug`."),
];

const FILES: [(&str, &str); 4] = [
    (
        "trueup.toml",
        "The project: where the remotes are and how to sign in. In the working directory or the nearest above.",
    ),
    ("*.yaml, *.yml", "What should exist, as `files` of `trueup.toml` names them; else all below."),
    (".trueup/", "What the embedded sandbox holds."),
    ("$CF_HOME/.cf/config.json", "The session of the cf CLI, where it is what signs in."),
];

pub(super) fn run(command: &ManCommand, global: &Global, terminal: &Terminal) -> Exit {
    let pages = pages();
    let Some(shown) = &command.dir else { return terminal.result(&pages[0].1) };
    let files = pages.iter().map(|(name, text)| (Path::new(name), text.as_str()));
    // Pages of an older version are there to be replaced.
    match written::write(&global.path(shown), files, true) {
        Ok(_) => {
            let shown = clean_line(&shown.display().to_string()).into_owned();
            terminal.remark(&format!("Wrote {} pages to `{shown}`.", pages.len()));
            Exit::Success
        }
        Err(Refused::Failed { path, error, .. }) => {
            terminal.note(&format!("cannot write `{}`: {error}", clean_line(&path.display().to_string())));
            Exit::Failure
        }
        Err(Refused::Exist(_)) => unreachable!("what exists is replaced"),
    }
}

/// The names of the files and what is in them, trueup(1) first.
fn pages() -> Vec<(String, String)> {
    let trueup = super::Cli::command().disable_help_subcommand(true);
    let mut trueup = trueup.subcommand_value_name("command").subcommand_help_heading("COMMANDS");
    trueup.build();
    let commands = trueup.get_subcommands().filter(|command| !command.is_hide_set());
    iter::once(&trueup).chain(commands).map(|command| page(command, &trueup)).collect()
}

fn page(command: &clap::Command, trueup: &clap::Command) -> (String, String) {
    let man = Man::new(command.clone());
    let mut of_clap = Vec::new();
    let sections = [
        Man::render_name_section,
        Man::render_synopsis_section,
        Man::render_description_section,
        Man::render_options_section,
    ];
    for section in sections {
        section(&man, &mut of_clap).expect("memory can be written to");
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut of_clap).expect("memory can be written to");
    }
    let mut more = Roff::new();
    exit_status(&mut more);
    environment(&mut more, command);
    let is_trueup = command.get_name() == trueup.get_name();
    if is_trueup {
        heading(&mut more, "FILES");
        for (name, what) in FILES {
            entry(&mut more, italic(name), what);
        }
    }
    heading(&mut more, "SEE ALSO");
    if !is_trueup {
        more.text([bold("trueup"), roman("(1)")]);
        more.control("PP", []);
    }
    more.text([roman("`trueup explain` tells of kinds, fields and diagnostic codes.")]);
    let text = String::from_utf8(of_clap).expect("what is put in is text") + &more.render();
    let name = man.get_filename();
    let title = name.trim_end_matches(".1");
    // No date, so that the same version gives the same bytes. `roff` would leave an empty argument out.
    let title = format!(".TH \"{title}\" \"1\" \"\" \"trueup {}\" \"\"\n", env!("CARGO_PKG_VERSION"));
    let text = finished(&title, &text);
    (name, text)
}

fn exit_status(page: &mut Roff) {
    heading(page, "EXIT STATUS");
    for exit in Exit::ALL {
        entry(page, bold(exit.code().to_string()), exit.meaning());
    }
}

fn environment(page: &mut Roff, command: &clap::Command) {
    heading(page, "ENVIRONMENT");
    page.text([roman(
        "Each option has a variable, which counts where the option is not given. Those that are on or off take `true` and `false`.",
    )]);
    for argument in command.get_arguments() {
        if let (Some(variable), Some(option)) = (argument.get_env(), argument.get_long()) {
            entry(page, bold(variable.to_string_lossy()), &format!("`--{option}`"));
        }
    }
    if command.has_subcommands() {
        for (name, what) in ENVIRONMENT {
            entry(page, bold(name), what);
        }
    }
}

fn heading(page: &mut Roff, text: &str) {
    page.control("SH", [text]);
}

fn entry(page: &mut Roff, name: Inline, what: &str) {
    page.control("TP", []);
    page.text([name]);
    page.text([roman(what)]);
}

/// The page behind its title, with the preamble of `roff` once, and bold where a terminal shows backticks.
fn finished(title: &str, text: &str) -> String {
    let preamble = Roff::new().render();
    // clap's blank line is one that `mandoc` warns of.
    let text = text.replace(&preamble, "").replace("\n.br\n\n.br\n", "\n.sp\n");
    let text = Regex::new("`([^`\n]*)`").expect("a pattern").replace_all(&text, "\\fB${1}\\fR").into_owned();
    preamble + title + &text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_which_names_its_options_and_every_exit_status() {
        let pages = pages();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..2], ["trueup.1", "trueup-init.1"]);
        let trueup = super::super::Cli::command();
        assert_eq!(pages.len(), 1 + trueup.get_subcommands().count());
        for (name, text) in &pages {
            for exit in Exit::ALL {
                assert!(text.contains(&format!("\\fB{}\\fR\n", exit.code())), "{name}: {exit:?}");
            }
            for option in trueup.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(text.contains(&format!("\\-\\-{option}")), "{name}: {option}");
            }
            assert!(!text.contains('`'), "{name}:\n{text}");
        }
    }
}
