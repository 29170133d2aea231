//! Where output goes and how it looks: stdout for the result, stderr for everything else.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;

use super::exit::Exit;
use crate::model::{Diagnostic, Sources};
use crate::render::workflow::Harmless;
use crate::render::{self, Theme};

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

/// The two streams and what is known of their reader.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    stdout: Theme,
    stderr: Theme,
    /// Say only what was asked for and what went wrong.
    pub(super) quiet: bool,
    /// How much more to say.
    pub(super) verbose: u8,
    /// Whether somebody listens for commands in what is printed: GitHub Actions does.
    obeyed: bool,
}

impl Terminal {
    pub(super) fn new(color: Color, quiet: bool, verbose: u8) -> Self {
        let theme = |stream: &dyn Fn() -> bool| {
            let is_terminal = stream();
            Theme { color: colored(color, is_terminal), width: width(is_terminal), unicode: unicode() }
        };
        let (stdout, stderr) = (theme(&|| io::stdout().is_terminal()), theme(&|| io::stderr().is_terminal()));
        let obeyed = std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true");
        Self { stdout, stderr, quiet, verbose, obeyed }
    }

    /// Logs to stderr: with `-vv` every request, else what `TRUEUP_LOG` asks for.
    pub(super) fn log(&self) {
        let asked = std::env::var("TRUEUP_LOG").ok();
        let filter = match (asked, self.verbose) {
            (Some(filter), _) => filter,
            (None, 0 | 1) => return,
            (None, _) => "trueup=debug".to_owned(),
        };
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
            .with_writer({
                let terminal = *self;
                move || terminal.harmless(io::stderr())
            })
            .with_ansi(self.stderr.color)
            .with_target(false);
        // Only tests run a command twice in one process; the first subscriber serves the second then.
        let _ = subscriber.try_init();
    }

    pub(super) fn stdout_theme(&self) -> Theme {
        self.stdout
    }

    pub(super) fn stderr_theme(&self) -> Theme {
        self.stderr
    }

    /// Whether somebody is there to answer a question.
    pub(super) fn can_ask() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Writes a result to stdout. A reader that has gone away (`| head`) is no failure.
    pub(super) fn result(&self, text: &str) -> Exit {
        self.write(|out| out.write_all(text.as_bytes()))
    }

    /// Writes a result for people to stdout.
    pub(super) fn tell(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Exit {
        self.write(|out| self.for_people(out, write))
    }

    /// Lets something for people be written to stdout.
    pub(super) fn for_people(
        &self,
        out: &mut dyn Write,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = self.harmless(out);
        write(&mut out)?;
        out.flush()
    }

    /// stderr, by the line: written piece by piece, the lines of a large plan cost more than its requests.
    pub(super) fn stderr(&self) -> impl Write {
        self.harmless(io::LineWriter::new(io::stderr().lock()))
    }

    /// The same without what would be obeyed.
    fn harmless<'w>(&self, out: impl Write + 'w) -> Box<dyn Write + 'w> {
        if self.obeyed { Box::new(Harmless::new(out)) } else { Box::new(out) }
    }

    /// Writes a result to stdout.
    pub(super) fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Exit {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match write(&mut out).and_then(|()| out.flush()) {
            Ok(()) => Exit::Success,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
            Err(error) => {
                self.note(&format!("cannot write the result: {error}"));
                Exit::Failure
            }
        }
    }

    /// Tells something by the way, unless asked to be quiet.
    pub(super) fn remark(&self, text: &str) {
        if !self.quiet {
            self.note(text);
        }
    }

    /// Tells something that must be told.
    pub(super) fn note(&self, text: &str) {
        let _ = writeln!(self.stderr(), "{text}");
    }

    /// Tells problems on stderr.
    pub(super) fn problems(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        if !diagnostics.is_empty() {
            let mut out = self.harmless(io::BufWriter::new(io::stderr().lock()));
            let _ =
                render::diagnostic::diagnostics(&mut out, diagnostics, sources, self.stderr).and_then(|()| out.flush());
        }
    }

    /// Tells problems on stdout as the JSON of `validate`.
    pub(super) fn validation(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        self.write(|out| render::json::validation(out, diagnostics, sources));
    }
}

fn colored(color: Color, is_terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if std::env::var("CLICOLOR_FORCE").is_ok_and(|value| !value.is_empty() && value != "0") => true,
        Color::Auto => is_terminal && std::env::var("TERM").is_ok_and(|term| term != "dumb"),
    }
}

fn width(is_terminal: bool) -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let size = || terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0));
    columns.or_else(|| size().filter(|_| is_terminal)).unwrap_or(80).clamp(40, 200)
}

/// By the locale, as other tools tell it.
fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    match locale {
        Some(locale) => locale.to_lowercase().replace('-', "").contains("utf8"),
        // Nothing said: files are UTF-8 here, and so are nearly all terminals and logs.
        None => true,
    }
}
