//! What an apply knows of itself at any moment: told, and written to its report, if a second signal ends it at once.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::exit::Exit;
use super::terminal::Terminal;
use super::{Format, plan};
use crate::apply::{Account, Event, Ledger};
use crate::model::Sources;
use crate::plan::Plan;
use crate::render;
use crate::render::json::{self, EventDocument};
use crate::render::progress::Progress;

/// The account of a run, shared with what tells it when the run is cut off.
#[derive(Clone)]
pub(super) struct Known {
    state: Arc<Mutex<State>>,
    format: Format,
    report: Option<PathBuf>,
    terminal: Terminal,
}

#[derive(Default)]
struct State {
    account: Account,
    sources: Sources,
    /// The bar to be taken away before anything is told.
    progress: Option<Arc<Mutex<Progress>>>,
    /// Whether the ledger has been told.
    told: bool,
}

impl Known {
    /// Of a run that knows nothing yet, and has not begun anything.
    pub(super) fn new(format: Format, report: Option<PathBuf>, terminal: &Terminal) -> Self {
        Self { state: Arc::default(), format, report, terminal: *terminal }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// There is a plan, and it is about to be carried out.
    pub(super) fn planned(&self, plan: &Plan, sources: &Sources, progress: Option<Arc<Mutex<Progress>>>) {
        *self.state() = State { account: Account::new(plan), sources: sources.clone(), progress, told: false };
    }

    /// Takes note of an event.
    pub(super) fn event(&self, event: &Event) {
        self.state().account.follow(event);
    }

    /// The run has come to its end. `told`: whether its ledger has been told.
    pub(super) fn ended(&self, ledger: &Ledger, told: bool) {
        let mut state = self.state();
        state.account.close(ledger);
        state.told = told;
    }

    /// Writes the report, if one was asked for. Whether it could be written; if not, that has been told.
    pub(super) fn report(&self, ledger: &Ledger, exit: Exit, sources: &Sources) -> bool {
        // Held, so that of two reports the last one is true: a second signal waits for this one, and then writes its own.
        let _state = self.state();
        self.write(ledger, exit, sources)
    }

    fn write(&self, ledger: &Ledger, exit: Exit, sources: &Sources) -> bool {
        let Some(path) = &self.report else { return true };
        let written: io::Result<()> = plan::save(path, |out| json::ledger(out, ledger, exit.code(), sources));
        if let Err(error) = &written {
            self.terminal.note(&format!("cannot write the report to `{}`: {error}", path.display()));
        }
        written.is_ok()
    }

    /// Tells what is known now. The process ends right afterwards, so nobody gets the account any more.
    pub(super) fn last_words(&self, signal: u8) {
        let state = self.state();
        let (ledger, exit) = (state.account.cut_off(signal), Exit::Signal(signal));
        // The report first: a reader of stdout may have stopped reading.
        self.write(&ledger, exit, &state.sources);
        if !state.told {
            match self.format {
                Format::Human => {
                    if let Some(progress) = &state.progress {
                        lock(progress).finish();
                    }
                    let theme = self.terminal.stdout_theme();
                    self.terminal.tell(|out| render::apply::ledger(out, &ledger, &state.sources, theme));
                }
                Format::Json => {
                    let last = EventDocument::ledger(&ledger, exit.code(), &state.sources);
                    self.terminal.write(|out| json::line(out, &last));
                }
            }
        }
        // Held until the process ends.
        std::mem::forget(state);
    }
}

/// A run that failed to tell something goes on all the same.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
