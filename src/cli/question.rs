//! Questions to somebody at a terminal.

use std::io::{BufRead as _, Write as _};

use tokio::sync::watch;

use super::signal;

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// This, without the blanks around it.
    Line(String),
    /// There is nobody to answer any more.
    Nothing,
    /// A signal, with its number.
    Signal(u8),
}

/// Asks on stderr, where a terminal shows it even if stdout is piped away.
pub(super) async fn ask(question: &str, interrupt: &mut watch::Receiver<Option<u8>>) -> Answer {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{question}").and_then(|()| err.flush());
    drop(err);
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|length| (length > 0).then_some(line))
    });
    let answer = tokio::select! {
        answer = answer => match answer {
            Ok(Ok(Some(line))) => Answer::Line(line.trim().to_owned()),
            _ => Answer::Nothing,
        },
        number = signal::first(interrupt) => Answer::Signal(number),
    };
    if !matches!(answer, Answer::Line(_)) {
        // What follows shall not stand behind the question.
        let _ = writeln!(std::io::stderr().lock());
    }
    answer
}
