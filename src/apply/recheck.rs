//! What is about to be changed or deleted is looked at again right before: if it has moved since the plan was made, the plan
//! does not say any more what would happen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;

use super::executor::Run;
use super::ledger::Resolution;
use super::wait::{Group, since};
use super::words;
use crate::diff::{Difference, Measure, diff};
use crate::kind::{Boxed, Proposal, RemoteError, Session};
use crate::model::{Collection, Condition, Fields, Identity, Observed, Operation, Path, RemoteId, Section};
use crate::observe::Again;
use crate::plan::{Action, Shown, Step};

/// How long a look is good for. One look serves all that is ready; what has not been begun by then is looked at again.
const GOOD_FOR: Duration = Duration::from_secs(10);
/// How many objects a page of a list holds, to tell whether a list or single looks take fewer requests.
const PAGE: usize = 100;

/// The looks under way.
pub(super) type Looks<'a> = FuturesUnordered<Boxed<'a, Looked>>;

/// What a look has shown.
pub(super) struct Looked {
    steps: Vec<(Subject, Result<Option<Observed>, RemoteError>)>,
    /// What else would go with what is deleted, read at the same time.
    beside: Result<BTreeMap<&'static str, Collection>, RemoteError>,
}

/// What is looked at.
struct Subject {
    at: usize,
    fields: Fields,
    /// By which it is found.
    identity: Identity,
    before: Observed,
}

/// An object as it was right before the write.
pub(super) struct Fresh {
    object: Observed,
    seen: Timestamp,
}

/// A value that is another than when the plan was made.
pub(super) struct Value {
    pub(super) path: Path,
    /// What it was and is, where that may be told.
    pub(super) sides: Option<(Shown, Shown)>,
}

/// How an object has moved since the plan was made.
pub(super) enum Moved {
    /// It is gone.
    Gone,
    /// Another one has its name.
    Another(Arc<str>),
    /// The remote is at work on it, or what it was at work on has ended otherwise.
    Condition(Condition),
    /// It was changed.
    Changed {
        /// The values.
        values: Vec<Value>,
        /// When, if the remote tells.
        at: Option<Arc<str>>,
        /// By whom, if the remote tells.
        by: Option<String>,
    },
    /// Its delete would take along more than was planned.
    TakesAlong(Vec<String>),
}

impl<'a> Run<'a> {
    /// Whether a step begins with a write to what is there, and that has not been looked at just now.
    pub(super) fn is_to_be_looked_at(&self, at: usize) -> bool {
        let step = &self.plan.steps[at];
        let writes_over = match step.action {
            Action::Update | Action::Replace => true,
            // What the remote is at work on is waited for first.
            Action::Delete => !self.seen(at).is_some_and(|seen| matches!(seen.condition, Condition::InProgress { .. })),
            Action::Recover => !self.recovers(at).1,
            Action::Create | Action::Wait | Action::Blocked | Action::Unchanged => false,
        };
        let is_good = |fresh: &Fresh| since(fresh.seen, self.clock.now()) <= GOOD_FOR;
        writes_over && step.observed.is_some() && !self.fresh.get(&at).is_some_and(is_good)
    }

    /// The object of a step as it was seen last.
    pub(super) fn seen_last(&mut self, at: usize) -> Option<Observed> {
        self.fresh.remove(&at).map(|fresh| fresh.object).or_else(|| self.seen(at))
    }

    /// Whether two steps are about objects of the same kind and target.
    pub(super) fn is_beside(&self, one: usize, other: usize) -> bool {
        let group = |at: usize| (&self.plan.steps[at].target, self.plan.steps[at].address.section);
        group(one) == group(other)
    }

    /// Looks at what a step is about to write to, and at what `others` are, which are beside it.
    pub(super) fn look_again(&mut self, at: usize, others: Vec<usize>) {
        let mut subjects = Vec::new();
        for at in std::iter::once(at).chain(others) {
            self.fresh.remove(&at);
            match self.subject(at) {
                Some(subject) => subjects.push(subject),
                // What cannot be written, or need not be, is told where the step is begun.
                None => self.start(at),
            }
        }
        if !subjects.is_empty() {
            let step = &self.plan.steps[at];
            let look = self.look((Arc::clone(&step.target), step.address.section), subjects);
            self.looks.push(look);
        }
    }

    fn subject(&self, at: usize) -> Option<Subject> {
        let (step, resource) = (&self.plan.steps[at], self.resource(at));
        let before = self.seen(at)?;
        let fields = self.knowledge.resolve(resource).ok()?;
        let creates = step.action != Action::Delete;
        if creates && fields.iter().any(|(_, value)| value.has_unknown()) {
            return None;
        }
        let mut identity = self.knowledge.identity(resource, &fields);
        if step.action == Action::Update {
            let section = self.registry.section(step.address.section)?;
            let measure = Measure { section, identity: &identity, fields: &fields, lifecycle: &resource.lifecycle };
            measure.to_send(&before).iter().find(|difference| !difference.is_unverifiable())?;
        }
        // What it is in may have been renamed by now; it has not.
        if let (Some((_, name)), Some((_, was))) = (identity.parts.last_mut(), before.identity.parts.last()) {
            name.clone_from(was);
        }
        Some(Subject { at, fields, identity, before })
    }

    fn look(&self, (target, section): Group, subjects: Vec<Subject>) -> Boxed<'a, Looked> {
        let (plan, desired, snapshot, registry) = (self.plan, self.desired, self.snapshot, self.registry);
        let kind = registry.kind(section).expect("planned kinds are registered");
        let session: &'a dyn Session = &*self.sessions[&target];
        let known = snapshot.collection(&target, section).map_or(0, Collection::len);
        let by_list = subjects.len() > known / PAGE + 1;
        let again = Again { target, desired, registry, snapshot, session };
        Box::pin(async move {
            let answers: Vec<Result<Option<Observed>, RemoteError>> = if by_list {
                match again.read(section).await {
                    Ok(all) => subjects.iter().map(|it| Ok(all.with_id(&it.before.id).cloned())).collect(),
                    Err(error) => subjects.iter().map(|_| Err(error.clone())).collect(),
                }
            } else {
                let declared = kind.declared().expect("planned kinds can be declared");
                let looks = subjects.iter().map(|it| {
                    let address = &plan.steps[it.at].address;
                    let proposal = Proposal { address, identity: &it.identity, fields: &it.fields };
                    declared.look_up(proposal, session)
                });
                join_all(looks).await
            };
            let is_to_go = |it: &&Subject| matches!(plan.steps[it.at].action, Action::Delete | Action::Replace);
            let doomed: Vec<Observed> = subjects.iter().filter(is_to_go).map(|it| it.before.clone()).collect();
            let beside = if doomed.is_empty() { Ok(BTreeMap::new()) } else { again.beside(&**kind, doomed).await };
            Looked { steps: subjects.into_iter().zip(answers).collect(), beside }
        })
    }

    /// Goes on with what is as it was, and ends what is not.
    pub(super) fn looked(&mut self, Looked { steps, beside }: Looked) {
        for (subject, answer) in steps {
            let at = subject.at;
            let resource = self.resource(at);
            let action = self.plan.steps[at].action;
            let now = match answer {
                Ok(Some(now)) => now,
                // What is to go and is gone takes nothing more than what is planned.
                Ok(None) if action != Action::Update => subject.before.clone(),
                Ok(None) => {
                    self.settle(at, Resolution::Failed, None, vec![words::moved(resource, &Moved::Gone)]);
                    continue;
                }
                Err(error) => {
                    let doing = format!("look at `{}` again before it is changed", resource.address);
                    self.settle(at, Resolution::Failed, None, vec![error.diagnose(&doing, Some(resource))]);
                    continue;
                }
            };
            let moved = self.moved(&subject.fields, at, &now).or_else(|| match &beside {
                Ok(beside) => self.takes_more_along(at, &now, beside).map(Moved::TakesAlong),
                Err(_) => None,
            });
            let deletes = matches!(action, Action::Delete | Action::Replace);
            let diagnostic = match (moved, &beside) {
                (Some(moved), _) => words::moved(resource, &moved),
                (None, Err(error)) if deletes => {
                    error.diagnose(&format!("look at what goes with `{}`", resource.address), Some(resource))
                }
                (None, _) => {
                    // A list tells more than a look by name.
                    let section =
                        self.registry.section(resource.address.section).expect("planned kinds are registered");
                    let same = now.version.is_some() && now.version == subject.before.version;
                    let same = same && since_then(section, &subject.before, &now).is_empty();
                    let object = if same { subject.before } else { now };
                    self.fresh.insert(at, Fresh { object, seen: self.clock.now() });
                    self.ready.insert(at);
                    continue;
                }
            };
            self.settle(at, Resolution::Failed, Some(now.id), vec![diagnostic]);
        }
    }

    /// How an object has moved so that the step is not what was planned.
    fn moved(&self, fields: &Fields, at: usize, now: &Observed) -> Option<Moved> {
        let step = &self.plan.steps[at];
        let before = self.seen(at)?;
        if now.id != before.id {
            return Some(Moved::Another(Arc::clone(&now.id)));
        }
        let left =
            |object: &Observed| matches!(object.condition, Condition::Failed { operation: Operation::Create, .. });
        let busy = matches!(now.condition, Condition::InProgress { .. });
        if busy || left(now) != left(&before) {
            return Some(Moved::Condition(now.condition.clone()));
        }
        if step.action == Action::Recover {
            return None;
        }
        let resource = self.resource(at);
        let section = self.registry.section(step.address.section)?;
        let identity = self.knowledge.identity(resource, fields);
        let measure = Measure { section, identity: &identity, fields, lifecycle: &resource.lifecycle };
        let left = measure.differences(now);
        let deletes = matches!(step.action, Action::Delete | Action::Replace);
        let same_version = before.version.is_none() || now.version.is_none() || before.version == now.version;
        // Whoever approved that something goes had seen it as it was.
        let all = deletes && !same_version;
        let values: Vec<Value> = since_then(section, &before, now)
            .into_iter()
            .map(|difference| value(difference, &left))
            .filter(|value| all || value.sides.is_some())
            .collect();
        if values.is_empty() && !all {
            return None;
        }
        let by = now.attributes.text("updated_by").map(str::to_owned);
        let version = now.version.clone().filter(|_| !same_version);
        Some(Moved::Changed { values, at: version, by: by.filter(|_| !same_version) })
    }

    fn takes_more_along(
        &self,
        at: usize,
        now: &Observed,
        beside: &BTreeMap<&'static str, Collection>,
    ) -> Option<Vec<String>> {
        let step = &self.plan.steps[at];
        if !matches!(step.action, Action::Delete | Action::Replace) {
            return None;
        }
        let facts = self.plan.targets.get(&step.target)?;
        // What is deleted by a step of its own does not go along.
        let deleted = |id: &RemoteId| {
            let own =
                |step: &&Step| step.action == Action::Delete && step.observed.as_ref().is_some_and(|it| it.id == *id);
            self.plan.steps.iter().any(|step| own(&step))
        };
        let along = self.kind(at).takes_along(now, beside, facts).into_iter();
        let more: Vec<String> = along
            .filter(|tied| !deleted(&tied.id))
            .map(|tied| tied.words)
            .filter(|it| !step.takes_along.contains(it))
            .collect();
        (!more.is_empty()).then_some(more)
    }
}

/// How an object is not any more as it was, told as if what it was were to be restored. A look by name can tell less than
/// a list: what only one of them tells says nothing.
fn since_then(section: &'static Section, before: &Observed, now: &Observed) -> Vec<Difference> {
    let is_another = |name: &str| match (before.fields.get(name), now.fields.get(name)) {
        (Some(before), Some(now)) => before != now,
        _ => false,
    };
    let others = |object: &Observed| -> Fields {
        object.fields.iter().filter(|(name, _)| is_another(name)).map(|(name, value)| (name, value.clone())).collect()
    };
    let mut differences = diff(section, &others(before), &others(now), &[]);
    differences.retain(|difference| !difference.is_unverifiable());
    differences
}

/// What to tell of a value that is another: what it was and is only if it is among what is `left` to change, since only of
/// that is it known whether it may be shown.
fn value(difference: Difference, left: &[Difference]) -> Value {
    let Difference { path, before: is, after: was, .. } = difference;
    let among = left.iter().find(|it| !it.is_unverifiable() && overlap(&it.path, &path));
    let sides = among.map(|it| match (&it.before, &it.after) {
        (Shown::Sensitive, _) | (_, Shown::Sensitive) => (Shown::Sensitive, Shown::Sensitive),
        _ => (was, is),
    });
    Value { path, sides }
}

fn overlap(a: &Path, b: &Path) -> bool {
    a.starts_with(b) || b.starts_with(a)
}
