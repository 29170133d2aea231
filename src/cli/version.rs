//! `trueup version`.

use super::exit::Exit;
use super::terminal::Terminal;

pub(super) fn run(terminal: &Terminal) -> Exit {
    terminal.result(&format!("trueup {}\n", env!("CARGO_PKG_VERSION")))
}
