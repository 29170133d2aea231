//! Carries a plan out: what is required first, independent work at once, each write once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::attempt::Attempt;
use super::course::Started;
use super::event::Event;
use super::ledger::{Ledger, Outcome, Resolution};
use super::parts::Parts;
use super::recheck::{Fresh, Looks};
use super::wait::{Group, Pending, since};
use super::words;
use crate::clock::Clock;
use crate::kind::{Registry, RemoteError};
use crate::model::{Address, Desired, Diagnostic, Observed, RemoteId, Snapshot};
use crate::observe::Sessions;
use crate::plan::{Action, Plan, knowledge};
use crate::resolve::Knowledge;

/// How to carry a plan out.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Writes at a time. Waiting for a remote's operation does not count.
    pub parallelism: usize,
    /// Start nothing more once something has failed.
    pub fail_fast: bool,
}

/// After the first signal, what is in flight gets this long; the contract allows five seconds until the exit.
const GRACE: Duration = Duration::from_secs(4);
/// Carries out `plan`, which must be one of `desired` and `snapshot` and without errors.
///
/// `interrupt` turns to the number of the first signal. The ledger has one outcome per step, whatever happens.
#[expect(clippy::too_many_arguments, reason = "these are the stages' results, each read here only")]
pub async fn apply(
    plan: &Plan,
    desired: &Desired,
    snapshot: &Snapshot,
    registry: &Registry,
    sessions: &Sessions,
    options: Options,
    clock: &Clock,
    mut interrupt: watch::Receiver<Option<u8>>,
    events: &mut (dyn FnMut(Event) + Send),
) -> Ledger {
    let mut run = Run::new(plan, desired, snapshot, registry, sessions, options, clock, events);
    run.settle_what_needs_no_work();
    // A signal may have come between the last word of the user and this.
    let mut deadline = interrupt.borrow_and_update().map(|_| clock.now() + GRACE);
    let mut deaf = false;
    loop {
        // What has been deleted to be created anew is created also after a signal: half of that is worse than both.
        run.start_what_is_ready(deadline.is_none());
        let idle = || run.looks.is_empty() && run.waits_for_nothing();
        let at_rest = run.running.is_empty() && (deadline.is_some() || idle());
        if at_rest {
            break;
        }
        tokio::select! {
            biased;
            changed = interrupt.changed(), if deadline.is_none() && !deaf => {
                // The sender lives as long as the process; should it go, no signal can come any more.
                deaf = changed.is_err();
                if interrupt.borrow().is_some() {
                    deadline = Some(clock.now() + GRACE);
                    run.polls.abort_all();
                }
            }
            () = pause(clock, deadline), if deadline.is_some() => break,
            Some(joined) = run.running.join_next_with_id(), if !run.running.is_empty() => run.attempted(joined),
            Some(looked) = run.looks.next(), if deadline.is_none() && !run.looks.is_empty() => run.looked(looked),
            Some(joined) = run.polls.join_next_with_id(), if !run.polls.is_empty() => run.polled(joined),
            () = pause(clock, run.next_poll), if deadline.is_none() && run.can_look() => {
                run.poll();
            }
        }
    }
    let signal = *interrupt.borrow();
    run.finish(signal)
}

async fn pause(clock: &Clock, until: Option<Timestamp>) {
    let left = until.map(|until| until.duration_since(clock.now())).unwrap_or_default();
    clock.sleep(Duration::try_from(left).unwrap_or_default()).await;
}

pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) desired: &'a Desired,
    pub(super) snapshot: &'a Snapshot,
    pub(super) registry: &'a Registry,
    pub(super) sessions: &'a Sessions,
    options: Options,
    pub(super) clock: &'a Clock,
    pub(super) events: &'a mut (dyn FnMut(Event) + Send),
    pub(super) knowledge: Knowledge<'a>,
    /// How many requirements of a step are not done yet.
    open: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    pub(super) parts: Parts,
    pub(super) outcomes: Vec<Option<Outcome>>,
    pub(super) ready: BTreeSet<usize>,
    /// Looks at what is about to be written to.
    pub(super) looks: Looks<'a>,
    /// What they have shown.
    pub(super) fresh: HashMap<usize, Fresh>,
    /// Steps with a part behind them and another one to begin.
    pub(super) resumed: VecDeque<usize>,
    pub(super) started: HashMap<usize, Started>,
    pub(super) running: JoinSet<Attempt>,
    pub(super) tasks: HashMap<Id, usize>,
    /// What the next look is for.
    pub(super) pending: BTreeMap<Group, Vec<Pending>>,
    pub(super) polls: JoinSet<Result<Vec<Observed>, RemoteError>>,
    /// What each look under way is for. Apart from `pending`: of what was created meanwhile, a look says nothing.
    pub(super) looking: HashMap<Id, (Group, Vec<Pending>)>,
    pub(super) next_poll: Option<Timestamp>,
    halted: bool,
}

impl<'a> Run<'a> {
    #[expect(clippy::too_many_arguments, reason = "as for `apply`")]
    fn new(
        plan: &'a Plan,
        desired: &'a Desired,
        snapshot: &'a Snapshot,
        registry: &'a Registry,
        sessions: &'a Sessions,
        options: Options,
        clock: &'a Clock,
        events: &'a mut (dyn FnMut(Event) + Send),
    ) -> Self {
        let index: HashMap<&Address, usize> =
            plan.steps.iter().enumerate().map(|(at, step)| (&step.address, at)).collect();
        let parts_of = |address: &Address| {
            let shall_be =
                |part: &&Address| desired.resources.get(*part).is_some_and(|part| part.lifecycle.absent.is_none());
            let parts = desired.resources.get(address).map(|resource| &resource.parts);
            parts.into_iter().flatten().filter(shall_be).collect()
        };
        let parts = Parts::new(plan, &index, parts_of);
        let mut open = vec![0; plan.steps.len()];
        let mut dependents = vec![Vec::new(); plan.steps.len()];
        for (at, step) in plan.steps.iter().enumerate() {
            let required = step.requires.iter().filter_map(|address| index.get(address).copied());
            let with_parts: BTreeSet<usize> = required.flat_map(|whole| parts.needed_for(at, whole)).collect();
            open[at] = with_parts.len();
            for required in with_parts {
                dependents[required].push(at);
            }
        }
        Self {
            plan,
            desired,
            snapshot,
            registry,
            sessions,
            options,
            clock,
            events,
            knowledge: knowledge(plan, desired, snapshot, registry),
            open,
            dependents,
            parts,
            outcomes: vec![None; plan.steps.len()],
            ready: BTreeSet::new(),
            looks: Looks::new(),
            fresh: HashMap::new(),
            resumed: VecDeque::new(),
            started: HashMap::new(),
            running: JoinSet::new(),
            tasks: HashMap::new(),
            pending: BTreeMap::new(),
            polls: JoinSet::new(),
            looking: HashMap::new(),
            next_poll: None,
            halted: false,
        }
    }

    /// What is unchanged is so whatever happens to what it requires; what cannot be carried out is told at once.
    fn settle_what_needs_no_work(&mut self) {
        let idle = |action| move |(_, step): &(usize, &crate::plan::Step)| (step.action == Action::Unchanged) == action;
        let steps = || self.plan.steps.iter().enumerate();
        let unchanged: Vec<usize> = steps().filter(idle(true)).map(|(at, _)| at).collect();
        let others: Vec<usize> = steps().filter(idle(false)).map(|(at, _)| at).collect();
        for at in unchanged {
            let id = self.plan.steps[at].observed.as_ref().map(|seen| Arc::clone(&seen.id));
            self.settle(at, Resolution::Unchanged, id, Vec::new());
        }
        for at in others {
            let step = &self.plan.steps[at];
            if self.outcomes[at].is_some() {
                continue;
            }
            if step.action == Action::Blocked || !step.executable {
                let diagnostic = words::blocked(step, self.resource(at));
                let id = step.observed.as_ref().map(|seen| Arc::clone(&seen.id));
                self.settle(at, Resolution::Blocked, id, vec![diagnostic]);
            } else if self.open[at] == 0 {
                self.ready.insert(at);
            }
        }
    }

    /// Goes on with what has been begun, and if `more`, begins what is ready.
    fn start_what_is_ready(&mut self, more: bool) {
        while self.running.len() + self.looks.len() < self.options.parallelism {
            let next = self.resumed.iter().position(|at| more || self.started[at].deleted);
            if let Some(at) = next.and_then(|next| self.resumed.remove(next)) {
                self.proceed(at);
                continue;
            }
            if !more || self.halted {
                break;
            }
            let Some(at) = self.ready.pop_first() else { break };
            if !self.is_to_be_looked_at(at) {
                self.start(at);
                continue;
            }
            // One look for all that is ready, whatever slots there are: by their turn, they have been seen.
            let alike = |other: &usize| self.is_beside(at, *other) && self.is_to_be_looked_at(*other);
            let others: Vec<usize> = self.ready.iter().copied().filter(alike).collect();
            self.ready.retain(|other| !others.contains(other));
            self.look_again(at, others);
        }
    }

    pub(super) fn elapsed(&self, at: usize, now: Timestamp) -> Duration {
        self.started.get(&at).map(|started| since(started.at, now)).unwrap_or_default()
    }

    /// Records how a step ended, and what follows for those that require it.
    pub(super) fn settle(
        &mut self,
        at: usize,
        resolution: Resolution,
        id: Option<RemoteId>,
        diagnostics: Vec<Diagnostic>,
    ) {
        let step = &self.plan.steps[at];
        let good = resolution.is_good();
        match resolution {
            Resolution::Unchanged => {}
            Resolution::Done => {
                let elapsed = self.elapsed(at, self.clock.now());
                let (address, action, id) = (step.address.clone(), step.action, id.clone());
                (self.events)(Event::Complete { address, action, id, elapsed });
            }
            _ => (self.events)(Event::Ended {
                address: step.address.clone(),
                action: step.action,
                resolution,
                because: None,
            }),
        }
        for diagnostic in &diagnostics {
            (self.events)(Event::Diagnostic(diagnostic.clone()));
        }
        // What is blocked was so in the plan, and whoever approved that knew.
        self.halted |= self.options.fail_fast && !good && resolution != Resolution::Blocked;
        self.outcomes[at] = Some(Outcome {
            address: step.address.clone(),
            action: step.action,
            resolution,
            id,
            because: None,
            diagnostics,
        });
        if good {
            for dependent in self.dependents[at].clone() {
                if self.parts.waited_for_end(at, dependent) {
                    self.one_less(dependent);
                }
            }
        } else {
            self.skip_dependents(at);
        }
        self.ended(at);
    }

    /// One of the things that a step waits for is there.
    pub(super) fn one_less(&mut self, at: usize) {
        self.open[at] -= 1;
        if self.open[at] == 0 && self.outcomes[at].is_none() && self.workable(at) {
            self.ready.insert(at);
        }
    }

    fn workable(&self, at: usize) -> bool {
        let step = &self.plan.steps[at];
        step.executable && !matches!(step.action, Action::Unchanged | Action::Blocked)
    }

    fn skip_dependents(&mut self, cause: usize) {
        let because = self.plan.steps[cause].address.clone();
        let waited = |dependent: &&usize| self.parts.waited_for_end(cause, **dependent);
        let mut queue: Vec<usize> = self.dependents[cause].iter().filter(waited).copied().collect();
        while let Some(at) = queue.pop() {
            let step = &self.plan.steps[at];
            if self.outcomes[at].is_some() || !self.workable(at) {
                continue;
            }
            let resolution = Resolution::Skipped;
            let (address, action) = (step.address.clone(), step.action);
            (self.events)(Event::Ended {
                address: address.clone(),
                action,
                resolution,
                because: Some(because.clone()),
            });
            let because = Some(because.clone());
            self.outcomes[at] =
                Some(Outcome { address, action, resolution, id: None, because, diagnostics: Vec::new() });
            self.ready.remove(&at);
            queue.extend(&self.dependents[at]);
            self.ended(at);
        }
    }

    /// Accounts for whatever has no outcome yet.
    fn finish(mut self, signal: Option<u8>) -> Ledger {
        self.running.abort_all();
        for at in self.tasks.values().copied().collect::<BTreeSet<_>>() {
            let diagnostic = words::interrupted(self.started[&at].doing, &self.sought(at), self.resource(at));
            self.settle(at, Resolution::Unknown, None, vec![diagnostic]);
        }
        self.finish_without_parts();
        for at in std::mem::take(&mut self.resumed) {
            let (deleted, action) = (self.started[&at].deleted, self.plan.steps[at].action);
            if !deleted && action != Action::Delete {
                self.finish_held_back(at);
                continue;
            }
            let tell = if deleted { words::not_created_yet } else { words::not_deleted_yet };
            let diagnostic = tell(self.resource(at));
            self.settle(at, Resolution::Waiting, None, vec![diagnostic]);
        }
        let looked_for = std::mem::take(&mut self.looking).into_values().flat_map(|(_, pending)| pending);
        let waiting: Vec<Pending> =
            std::mem::take(&mut self.pending).into_values().flatten().chain(looked_for).collect();
        for waiting in waiting {
            let diagnostic = words::wait_interrupted(self.resource(waiting.step));
            self.settle(waiting.step, Resolution::Waiting, Some(waiting.object.id), vec![diagnostic]);
        }
        let outcomes = self.plan.steps.iter().zip(self.outcomes).map(|(step, outcome)| {
            outcome.unwrap_or_else(|| Outcome {
                address: step.address.clone(),
                action: step.action,
                resolution: Resolution::NotStarted,
                id: None,
                because: None,
                diagnostics: Vec::new(),
            })
        });
        Ledger { outcomes: outcomes.collect(), signal, ..Ledger::default() }
    }
}
