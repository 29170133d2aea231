//! Who reads: with colour or without, how wide, with more than ASCII or not.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

use crate::plan::{Action, Cause};

/// How text for people is to look. Whoever knows the terminal decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Write ANSI colours.
    pub color: bool,
    /// Columns to fill; 80 where there is no terminal.
    pub width: usize,
    /// Draw with more than ASCII.
    pub unicode: bool,
}

/// What a piece of text means, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Add,
    Change,
    Remove,
    Recover,
    Wait,
    Error,
    Warning,
    Help,
    Strong,
    Faint,
    /// The part of a value that differs, where it was.
    Lost,
    /// The part of a value that differs, as it will be.
    Gained,
}

impl Tone {
    pub(super) fn of(action: Action) -> Self {
        match action {
            Action::Create => Self::Add,
            Action::Update => Self::Change,
            Action::Replace | Action::Delete => Self::Remove,
            Action::Recover => Self::Recover,
            Action::Wait => Self::Wait,
            Action::Blocked => Self::Error,
            Action::Unchanged => Self::Faint,
        }
    }

    pub(super) fn of_cause(cause: Cause) -> Self {
        match cause {
            Cause::Declared => Self::Faint,
            Cause::Drift => Self::Change,
            Cause::Behind => Self::Warning,
        }
    }

    fn style(self) -> Style {
        let plain = Style::new();
        let color = |color: AnsiColor| plain.fg_color(Some(color.into()));
        match self {
            Self::Add => color(AnsiColor::Green),
            Self::Change => color(AnsiColor::Yellow),
            Self::Remove => color(AnsiColor::Red),
            Self::Recover => color(AnsiColor::Magenta),
            Self::Wait | Self::Help => color(AnsiColor::Cyan),
            Self::Error => color(AnsiColor::Red).bold(),
            Self::Warning => color(AnsiColor::Yellow).bold(),
            Self::Strong => plain.bold(),
            Self::Faint => plain.dimmed(),
            Self::Lost => color(AnsiColor::Red).bold().underline(),
            Self::Gained => color(AnsiColor::Green).bold().underline(),
        }
    }
}

impl Theme {
    /// Plain text for a file or a pipe: 80 columns, no colour.
    pub const PLAIN: Self = Self { color: false, width: 80, unicode: true };

    /// The text in its tone, or as it is without colour.
    pub(super) fn paint<D: Display>(&self, tone: Tone, text: D) -> Painted<D> {
        Painted { style: self.color.then(|| tone.style()), text }
    }

    /// What stands for text left out.
    pub(super) fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }
}

/// Text with its style around it.
pub(super) struct Painted<D> {
    style: Option<Style>,
    text: D,
}

impl<D: Display> Display for Painted<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.style {
            Some(style) => write!(f, "{style}{}{style:#}", self.text),
            None => self.text.fmt(f),
        }
    }
}
