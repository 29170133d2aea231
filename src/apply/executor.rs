//! Carries a plan out: what is required first, independent work at once, each write once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::attempt::{Attempt, attempt};
use super::event::Event;
use super::ledger::{Ledger, Outcome, Resolution};
use crate::clock::Clock;
use crate::diff::diff;
use crate::kind::{Failure, Registry, RemoteError};
use crate::model::{
    Address, Code, Condition, Desired, Diagnostic, Fields, Observed, Path, RemoteId, Resource, Secrets, Snapshot,
    TargetName,
};
use crate::observe::Sessions;
use crate::plan::{Action, Plan, Shown, knowledge};
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
/// The pause between two looks at operations that began just now; it grows with their age.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

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
        if deadline.is_none() {
            run.start_what_is_ready();
        }
        let at_rest = run.running.is_empty() && (deadline.is_some() || run.waits_for_nothing());
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

/// Objects of one kind at one target, whose operations are looked at together.
type Group = (TargetName, &'static str);

/// A step whose operation the remote is still at work on.
struct Pending {
    step: usize,
    object: Observed,
    since: Timestamp,
}

/// A step that has been started.
struct Started {
    at: Timestamp,
    fields: Arc<Fields>,
}

struct Run<'a> {
    plan: &'a Plan,
    desired: &'a Desired,
    registry: &'a Registry,
    sessions: &'a Sessions,
    options: Options,
    clock: &'a Clock,
    events: &'a mut (dyn FnMut(Event) + Send),
    knowledge: Knowledge<'a>,
    /// How many requirements of a step are not done yet.
    open: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    outcomes: Vec<Option<Outcome>>,
    ready: BTreeSet<usize>,
    started: HashMap<usize, Started>,
    running: JoinSet<Attempt>,
    tasks: HashMap<Id, usize>,
    /// What the next look is for.
    pending: BTreeMap<Group, Vec<Pending>>,
    polls: JoinSet<Result<Vec<Observed>, RemoteError>>,
    /// What each look under way is for. Apart from `pending`: of what was created meanwhile, a look says nothing.
    looking: HashMap<Id, (Group, Vec<Pending>)>,
    next_poll: Option<Timestamp>,
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
        let mut open = vec![0; plan.steps.len()];
        let mut dependents = vec![Vec::new(); plan.steps.len()];
        for (at, step) in plan.steps.iter().enumerate() {
            for required in step.requires.iter().filter_map(|address| index.get(address)) {
                open[at] += 1;
                dependents[*required].push(at);
            }
        }
        Self {
            plan,
            desired,
            registry,
            sessions,
            options,
            clock,
            events,
            knowledge: knowledge(plan, desired, snapshot, registry),
            open,
            dependents,
            outcomes: vec![None; plan.steps.len()],
            ready: BTreeSet::new(),
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

    fn resource(&self, step: usize) -> &'a Resource {
        &self.desired.resources[&self.plan.steps[step].address]
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
                let diagnostic = blocked(step, self.resource(at));
                let id = step.observed.as_ref().map(|seen| Arc::clone(&seen.id));
                self.settle(at, Resolution::Blocked, id, vec![diagnostic]);
            } else if self.open[at] == 0 {
                self.ready.insert(at);
            }
        }
    }

    fn start_what_is_ready(&mut self) {
        while !self.halted && self.running.len() < self.options.parallelism {
            let Some(at) = self.ready.pop_first() else { break };
            self.start(at);
        }
    }

    fn start(&mut self, at: usize) {
        let step = &self.plan.steps[at];
        let resource = self.resource(at);
        (self.events)(Event::Start { address: step.address.clone(), action: step.action });
        let fields = match self.knowledge.resolve(resource) {
            Ok(fields) => Arc::new(fields),
            Err(problems) => return self.settle(at, Resolution::Failed, None, problems),
        };
        let now = self.clock.now();
        self.started.insert(at, Started { at: now, fields: Arc::clone(&fields) });
        if step.action == Action::Wait {
            let object = self.knowledge.object(&step.address).expect("what is waited for has been observed");
            let object = object.clone();
            return self.wait(at, object);
        }
        if let Some((name, _)) = fields.iter().find(|(_, value)| value.has_unknown()) {
            let path = Path::field(name);
            let problem = Diagnostic::error(
                Code::MalformedAnswer,
                format!("cannot create `{}`: `{name}` is still not known", step.address),
            )
            .at(resource.places.value(&path), "the remote did not tell this value of what it created")
            .on(&step.address);
            return self.settle(at, Resolution::Failed, None, vec![problem]);
        }
        let identity = self.knowledge.identity(resource, &fields);
        let kind = Arc::clone(self.registry.kind(step.address.section).expect("planned kinds are registered"));
        let session = Arc::clone(&self.sessions[&step.target]);
        let work = attempt(kind, session, step.address.clone(), identity, fields, self.clock.clone());
        let handle = self.running.spawn(work);
        self.tasks.insert(handle.id(), at);
    }

    fn attempted(&mut self, joined: Result<(Id, Attempt), JoinError>) {
        let (id, attempt) = match joined {
            Ok((id, attempt)) => (id, Some(attempt)),
            Err(error) => (error.id(), None),
        };
        let Some(at) = self.tasks.remove(&id) else { return };
        let address = &self.plan.steps[at].address;
        let doing = format!("create `{address}`");
        match attempt {
            Some(Attempt::Created { object }) => self.created(at, object),
            Some(Attempt::Failed(error)) => {
                let mut diagnostic = error.diagnose(&doing, Some(self.resource(at)));
                relabel(&mut diagnostic, &error, "not created");
                if error.failure == Failure::Conflict && diagnostic.help.is_none() {
                    diagnostic.help =
                        Some("somebody else may have created it meanwhile: run `trueup plan` again".to_owned());
                }
                self.settle(at, Resolution::Failed, None, vec![diagnostic]);
            }
            Some(Attempt::Unknown { error, looked }) => {
                let mut diagnostic = error.diagnose(&doing, Some(self.resource(at)));
                diagnostic.code = Code::UncertainWrite;
                relabel(&mut diagnostic, &error, "the request for this was sent, and no answer came");
                diagnostic.message = format!("it is not known whether `{address}` was created: {}", error.message);
                let found = if looked {
                    "it was looked for and not found; the remote may still be at it"
                } else {
                    "it could not even be looked for"
                };
                diagnostic.help = Some(format!("{found}; it was not sent again: run `trueup plan`, it looks again"));
                self.settle(at, Resolution::Unknown, None, vec![diagnostic]);
            }
            None => {
                let diagnostic =
                    Diagnostic::error(Code::Internal, format!("trueup failed while it created `{address}`"))
                        .at(self.resource(at).key_span, "whether this was created is not known")
                        .help("run `trueup plan`: it looks again; please report this as a defect");
                self.settle(at, Resolution::Unknown, None, vec![diagnostic]);
            }
        }
    }

    fn created(&mut self, at: usize, object: Observed) {
        match &object.condition {
            Condition::Ready => self.complete(at, object),
            Condition::InProgress { .. } => self.wait(at, object),
            Condition::Failed { description, .. } => {
                let diagnostic = self.operation_failed(at, description.as_deref());
                self.settle(at, Resolution::Failed, Some(Arc::clone(&object.id)), vec![diagnostic]);
            }
        }
    }

    fn operation_failed(&self, at: usize, words: Option<&str>) -> Diagnostic {
        let address = &self.plan.steps[at].address;
        let mut words = words.filter(|words| !words.is_empty()).map_or_else(String::new, |words| format!(": {words}"));
        if let Some(started) = self.started.get(&at) {
            Secrets::of(&started.fields).take_out(&mut words);
        }
        Diagnostic::error(
            Code::OperationFailed,
            format!("the remote accepted `{address}` and then failed to create it{words}"),
        )
        .at(self.resource(at).key_span, "this create failed at the remote")
        .help("what is left of it occupies its name; remove it at the remote, then run `trueup apply` again")
        .on(address)
    }

    fn complete(&mut self, at: usize, object: Observed) {
        let resource = self.resource(at);
        let step = &self.plan.steps[at];
        let section = self.registry.section(step.address.section).expect("planned kinds are registered");
        let ignored: Vec<&Path> = resource.lifecycle.ignore.iter().map(|path| &path.value).collect();
        let differences = diff(section, &self.started[&at].fields, &object.fields, &ignored);
        let differing = differences.iter().filter(|difference| !difference.is_unverifiable());
        let problems = differing.map(|difference| not_converged(resource, difference)).collect();
        let id = Arc::clone(&object.id);
        self.knowledge.learn(step.address.clone(), Cow::Owned(object));
        self.settle(at, Resolution::Done, Some(id), problems);
    }

    fn wait(&mut self, at: usize, object: Observed) {
        let step = &self.plan.steps[at];
        let since = self.clock.now();
        let group = (Arc::clone(&step.target), step.address.section);
        self.pending.entry(group).or_default().push(Pending { step: at, object, since });
        let soon = since + FIRST_PAUSE;
        self.next_poll = Some(self.next_poll.map_or(soon, |next| next.min(soon)));
    }

    fn waits_for_nothing(&self) -> bool {
        self.pending.is_empty() && self.looking.is_empty()
    }

    fn is_looked_at(&self, group: &Group) -> bool {
        self.looking.values().any(|(looked_at, _)| looked_at == group)
    }

    /// Whether something is waited for that no look is under way for. A target that is slow to answer delays no other.
    fn can_look(&self) -> bool {
        self.pending.keys().any(|group| !self.is_looked_at(group))
    }

    /// Looks at everything that is waited for, one look at a time a kind and target.
    fn poll(&mut self) {
        self.next_poll = None;
        for (group, pending) in std::mem::take(&mut self.pending) {
            if self.is_looked_at(&group) {
                self.pending.insert(group, pending);
                continue;
            }
            let kind = Arc::clone(self.registry.kind(group.1).expect("planned kinds are registered"));
            let session = Arc::clone(&self.sessions[&group.0]);
            let objects: Vec<Observed> = pending.iter().map(|pending| pending.object.clone()).collect();
            let handle = self.polls.spawn(async move {
                let refs: Vec<&Observed> = objects.iter().collect();
                let declared = kind.declared().expect("what was created can be declared");
                declared.poll(&refs, &*session).await
            });
            self.looking.insert(handle.id(), (group, pending));
        }
    }

    /// One failed look never ends a wait; only the loss of the permission to look does.
    fn polled(&mut self, joined: Result<(Id, Result<Vec<Observed>, RemoteError>), JoinError>) {
        let (id, answer) = match joined {
            Ok((id, answer)) => (id, Some(answer)),
            Err(error) => (error.id(), None),
        };
        let Some((group, pending)) = self.looking.remove(&id) else { return };
        let now = self.clock.now();
        let mut still = Vec::new();
        match answer {
            Some(Ok(objects)) => {
                let mut objects: HashMap<RemoteId, Observed> =
                    objects.into_iter().map(|object| (Arc::clone(&object.id), object)).collect();
                for mut waiting in pending {
                    let Some(object) = objects.remove(&waiting.object.id) else {
                        let diagnostic = gone(self.resource(waiting.step));
                        self.settle(
                            waiting.step,
                            Resolution::Failed,
                            Some(Arc::clone(&waiting.object.id)),
                            vec![diagnostic],
                        );
                        continue;
                    };
                    if let Condition::InProgress { description, .. } = &object.condition {
                        let step = &self.plan.steps[waiting.step];
                        let elapsed = self.elapsed(waiting.step, now);
                        let mut description = description.as_ref().map(ToString::to_string);
                        if let (Some(words), Some(started)) = (&mut description, self.started.get(&waiting.step)) {
                            Secrets::of(&started.fields).take_out(words);
                        }
                        let (address, action) = (step.address.clone(), step.action);
                        (self.events)(Event::Progress { address, action, elapsed, description });
                        waiting.object = object;
                        still.push(waiting);
                    } else {
                        self.created(waiting.step, object);
                    }
                }
            }
            Some(Err(error)) if matches!(error.failure, Failure::SignIn | Failure::Forbidden) => {
                for waiting in pending {
                    let doing = format!("go on waiting for `{}`", self.plan.steps[waiting.step].address);
                    let diagnostic = error.diagnose(&doing, Some(self.resource(waiting.step)));
                    self.settle(
                        waiting.step,
                        Resolution::Waiting,
                        Some(Arc::clone(&waiting.object.id)),
                        vec![diagnostic],
                    );
                }
            }
            Some(Err(error)) => still = self.not_looked(pending, &error.message, now),
            None => still = self.not_looked(pending, "trueup failed while it looked", now),
        }
        let mut kept = Vec::new();
        for waiting in still {
            let limit = self.resource(waiting.step).lifecycle.timeout;
            if limit.is_some_and(|limit| waited(&waiting, now) >= limit) {
                let diagnostic = still_running(self.resource(waiting.step), "its `timeout` is over");
                self.settle(waiting.step, Resolution::Waiting, Some(Arc::clone(&waiting.object.id)), vec![diagnostic]);
            } else {
                kept.push(waiting);
            }
        }
        if !kept.is_empty() {
            let youngest = kept.iter().map(|waiting| waited(waiting, now)).min().unwrap_or_default();
            let next = now + (youngest / 4).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            self.next_poll = Some(self.next_poll.map_or(next, |other| other.min(next)));
            self.pending.entry(group).or_default().extend(kept);
        }
    }

    /// The wait goes on, and whoever watches shall know why nothing is heard.
    fn not_looked(&mut self, pending: Vec<Pending>, why: &str, now: Timestamp) -> Vec<Pending> {
        for waiting in &pending {
            let step = &self.plan.steps[waiting.step];
            let elapsed = self.elapsed(waiting.step, now);
            let description = Some(format!("the last look at it failed: {why}"));
            let (address, action) = (step.address.clone(), step.action);
            (self.events)(Event::Progress { address, action, elapsed, description });
        }
        pending
    }

    fn elapsed(&self, at: usize, now: Timestamp) -> Duration {
        self.started.get(&at).map(|started| since(started.at, now)).unwrap_or_default()
    }

    /// Records how a step ended, and what follows for those that require it.
    fn settle(&mut self, at: usize, resolution: Resolution, id: Option<RemoteId>, diagnostics: Vec<Diagnostic>) {
        let step = &self.plan.steps[at];
        let good = matches!(resolution, Resolution::Done | Resolution::Unchanged);
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
                self.open[dependent] -= 1;
                if self.open[dependent] == 0 && self.outcomes[dependent].is_none() && self.workable(dependent) {
                    self.ready.insert(dependent);
                }
            }
        } else {
            self.skip_dependents(at);
        }
    }

    fn workable(&self, at: usize) -> bool {
        let step = &self.plan.steps[at];
        step.executable && !matches!(step.action, Action::Unchanged | Action::Blocked)
    }

    fn skip_dependents(&mut self, cause: usize) {
        let because = self.plan.steps[cause].address.clone();
        let mut queue = self.dependents[cause].clone();
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
        }
    }

    /// Accounts for whatever has no outcome yet.
    fn finish(mut self, signal: Option<u8>) -> Ledger {
        self.running.abort_all();
        for at in self.tasks.values().copied().collect::<BTreeSet<_>>() {
            let address = &self.plan.steps[at].address;
            let diagnostic =
                Diagnostic::error(Code::UncertainWrite, format!("interrupted while `{address}` was being created"))
                    .at(self.resource(at).key_span, "whether this was created is not known")
                    .help("run `trueup plan`: it looks")
                    .on(address);
            self.settle(at, Resolution::Unknown, None, vec![diagnostic]);
        }
        let looked_for = std::mem::take(&mut self.looking).into_values().flat_map(|(_, pending)| pending);
        let waiting: Vec<Pending> =
            std::mem::take(&mut self.pending).into_values().flatten().chain(looked_for).collect();
        for waiting in waiting {
            let diagnostic = still_running(self.resource(waiting.step), "the wait for it was interrupted");
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
        Ledger { outcomes: outcomes.collect(), diagnostics: Vec::new(), signal }
    }
}

/// Where the remote names no field, the resource as a whole is marked.
fn relabel(diagnostic: &mut Diagnostic, error: &RemoteError, label: &str) {
    if let ([], [whole]) = (&error.fields[..], &mut diagnostic.labels[..]) {
        label.clone_into(&mut whole.message);
    }
}

fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

fn waited(waiting: &Pending, now: Timestamp) -> Duration {
    since(waiting.since, now)
}

fn blocked(step: &crate::plan::Step, resource: &Resource) -> Diagnostic {
    let (message, help) = if step.action == Action::Blocked {
        (format!("`{}` is blocked: {}", step.address, step.reason.message), None)
    } else {
        let action = step.action.as_str();
        let message =
            format!("`{}` needs the action `{action}`, which this version shows but does not carry out", step.address);
        let help = match step.action {
            Action::Recover => {
                "what is left of it occupies its name; remove it at the remote, then run `trueup apply` again"
            }
            _ => "make the change at the remote or in the YAML, then run `trueup apply` again",
        };
        (message, Some(help))
    };
    let diagnostic =
        Diagnostic::error(Code::Blocked, message).at(resource.key_span, "nothing was done here").on(&step.address);
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

fn gone(resource: &Resource) -> Diagnostic {
    let message = format!("`{}` is gone: it was there, and the remote was still at work on it", resource.address);
    Diagnostic::error(Code::OperationFailed, message)
        .at(resource.key_span, "not there any more")
        .help("somebody or something deleted it meanwhile: run `trueup apply` again to create it anew")
        .on(&resource.address)
}

fn still_running(resource: &Resource, because: &str) -> Diagnostic {
    Diagnostic::error(
        Code::StillRunning,
        format!("the remote is still at work on `{}`, and {because}", resource.address),
    )
    .at(resource.key_span, "not finished yet")
    .help("nothing is lost: run `trueup apply` again, it attaches to what is going on")
    .on(&resource.address)
}

fn not_converged(resource: &Resource, difference: &crate::diff::Difference) -> Diagnostic {
    let path = &difference.path;
    let address = &resource.address;
    let message = match &difference.before {
        Shown::Json(json) => format!("the remote stored `{path}` of `{address}` as `{json}`"),
        Shown::Nothing => format!("the remote did not store `{path}` of `{address}`"),
        Shown::Unknown | Shown::Sensitive | Shown::Unverifiable | Shown::Unreadable => {
            format!("the remote stored another `{path}` of `{address}` than was sent")
        }
    };
    Diagnostic::error(Code::NotConverged, message)
        .at(resource.places.value(path), "sent as declared here")
        .help(format!("declare what the remote keeps, or leave it alone: `lifecycle: {{ ignore: [{path}] }}`"))
        .on(address)
}
