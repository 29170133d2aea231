//! What is known of an apply at any moment, by what it has told: for a run that has to end before it has a ledger.

use std::collections::{HashMap, HashSet};

use super::event::Event;
use super::ledger::{Ledger, Outcome, Resolution};
use super::words;
use crate::model::{Address, Desired, Span};
use crate::plan::Plan;

/// Follows an apply, and says how each resource ended if all ended now.
#[derive(Debug, Clone, Default)]
pub struct Account {
    ledger: Ledger,
    /// Where in the ledger each resource is.
    at: HashMap<Address, usize>,
    /// Where in the YAML each resource of the ledger is.
    places: Vec<Span>,
    /// What has been begun and has not ended.
    in_flight: HashSet<usize>,
}

impl Account {
    /// Of this plan, of which nothing has been begun.
    pub fn new(plan: &Plan, desired: &Desired) -> Self {
        let ledger = Ledger::not_begun(plan);
        let at = ledger.outcomes.iter().enumerate().map(|(at, outcome)| (outcome.address.clone(), at)).collect();
        let places = ledger.outcomes.iter().map(|outcome| desired.resources[&outcome.address].key_span).collect();
        Self { ledger, at, places, in_flight: HashSet::new() }
    }

    /// Takes note of an event.
    pub fn follow(&mut self, event: &Event) {
        match event {
            Event::Start { address, .. } => drop(self.in_flight.insert(self.at[address])),
            Event::Progress { .. } => {}
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
        self.in_flight.remove(&at);
        let outcome = &mut self.ledger.outcomes[at];
        outcome.resolution = resolution;
        outcome
    }

    /// The apply has come to its end: from now on this is what is known.
    pub fn close(&mut self, ledger: &Ledger) {
        self.ledger.clone_from(ledger);
        self.in_flight.clear();
    }

    /// The ledger of a run that this signal ends now. Nobody looks at what becomes of what is in flight, so it is unknown.
    pub fn cut_off(&self, signal: u8) -> Ledger {
        let mut ledger = Ledger { signal: Some(signal), ..self.ledger.clone() };
        for at in &self.in_flight {
            let outcome = &mut ledger.outcomes[*at];
            outcome.resolution = Resolution::Unknown;
            outcome.diagnostics.push(words::cut_off(&outcome.address, self.places[*at]));
        }
        ledger
    }
}
