//! What is known of an apply at any moment, by what it has told: for a run that has to end before it has a ledger.

use std::collections::HashMap;

use super::event::Event;
use super::ledger::{Ledger, Outcome, Resolution};
use crate::model::{Address, Diagnostic, RemoteId};
use crate::plan::Plan;

/// Follows an apply, and says how each resource ended if all ended now.
#[derive(Debug, Clone, Default)]
pub struct Account {
    ledger: Ledger,
    /// Where in the ledger each resource is.
    at: HashMap<Address, usize>,
    /// How what has been begun and has not ended would end.
    standing: HashMap<usize, Standing>,
}

#[derive(Debug, Clone)]
struct Standing {
    resolution: Resolution,
    id: Option<RemoteId>,
    diagnostic: Diagnostic,
}

impl Account {
    /// Of this plan, of which nothing has been begun.
    pub fn new(plan: &Plan) -> Self {
        let ledger = Ledger::not_begun(plan);
        let at = ledger.outcomes.iter().enumerate().map(|(at, outcome)| (outcome.address.clone(), at)).collect();
        Self { ledger, at, standing: HashMap::new() }
    }

    /// Takes note of an event.
    pub fn follow(&mut self, event: &Event) {
        match event {
            // Nothing has been sent for it yet.
            Event::Start { .. } | Event::Progress { .. } => {}
            Event::Standing { address, resolution, id, diagnostic } => {
                let standing = Standing { resolution: *resolution, id: id.clone(), diagnostic: diagnostic.clone() };
                self.standing.insert(self.at[address], standing);
            }
            Event::Complete { address, id, .. } => {
                let ended = self.ended(address, Resolution::Done);
                ended.id = id.clone().or(ended.id.take());
            }
            Event::Ended { address, resolution, because, .. } => {
                self.ended(address, *resolution).because.clone_from(because);
            }
            Event::Diagnostic(problem) => {
                let at = problem.address.as_ref().and_then(|address| self.at.get(address));
                match at {
                    Some(at) => self.ledger.outcomes[*at].diagnostics.push(problem.clone()),
                    None => self.ledger.diagnostics.push(problem.clone()),
                }
            }
        }
    }

    fn ended(&mut self, address: &Address, resolution: Resolution) -> &mut Outcome {
        let at = self.at[address];
        self.standing.remove(&at);
        let outcome = &mut self.ledger.outcomes[at];
        outcome.resolution = resolution;
        outcome
    }

    /// The apply has come to its end: from now on this is what is known.
    pub fn close(&mut self, ledger: &Ledger) {
        self.ledger.clone_from(ledger);
        self.standing.clear();
    }

    /// The ledger of a run that this signal ends now. Nobody looks any more at what comes of what has not been answered.
    pub fn cut_off(&self, signal: u8) -> Ledger {
        let mut ledger = Ledger { signal: Some(signal), ..self.ledger.clone() };
        for (at, Standing { resolution, id, diagnostic }) in &self.standing {
            let outcome = &mut ledger.outcomes[*at];
            outcome.resolution = *resolution;
            outcome.id = id.clone().or(outcome.id.take());
            outcome.diagnostics.push(diagnostic.clone());
        }
        ledger
    }
}
