//! Waiting for what the remotes are at work on, in as few looks as there are kinds and targets.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::{Id, JoinError};

use super::event::Event;
use super::executor::Run;
use super::ledger::Resolution;
use super::words;
use crate::kind::{Failure, RemoteError};
use crate::model::{Condition, Observed, RemoteId, Secrets, TargetName};

/// The pause between two looks at operations that began just now; it grows with their age.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Objects of one kind at one target, whose operations are looked at together.
pub(super) type Group = (TargetName, &'static str);

/// A step whose operation the remote is still at work on.
pub(super) struct Pending {
    pub(super) step: usize,
    pub(super) object: Observed,
    since: Timestamp,
}

impl Run<'_> {
    pub(super) fn wait(&mut self, at: usize, object: Observed) {
        let step = &self.plan.steps[at];
        let (address, id) = (step.address.clone(), Some(Arc::clone(&object.id)));
        let (resolution, diagnostic) = (Resolution::Waiting, words::wait_interrupted(self.resource(at)));
        (self.events)(Event::Standing { address, resolution, id, diagnostic });
        let since = self.clock.now();
        let group = (Arc::clone(&step.target), step.address.section);
        self.pending.entry(group).or_default().push(Pending { step: at, object, since });
        let soon = since + FIRST_PAUSE;
        self.next_poll = Some(self.next_poll.map_or(soon, |next| next.min(soon)));
    }

    pub(super) fn waits_for_nothing(&self) -> bool {
        self.pending.is_empty() && self.looking.is_empty()
    }

    fn is_looked_at(&self, group: &Group) -> bool {
        self.looking.values().any(|(looked_at, _)| looked_at == group)
    }

    /// Whether something is waited for that no look is under way for. A target that is slow to answer delays no other.
    pub(super) fn can_look(&self) -> bool {
        self.pending.keys().any(|group| !self.is_looked_at(group))
    }

    /// Looks at everything that is waited for, one look at a time a kind and target.
    pub(super) fn poll(&mut self) {
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
    pub(super) fn polled(&mut self, joined: Result<(Id, Result<Vec<Observed>, RemoteError>), JoinError>) {
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
                        self.stop_waiting(&waiting, now);
                        self.taken(waiting.step, None);
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
                        self.stop_waiting(&waiting, now);
                        self.taken(waiting.step, Some(object));
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
            let before = self.started[&waiting.step].waited;
            if limit.is_some_and(|limit| before + waited(&waiting, now) >= limit) {
                let diagnostic = words::still_running(self.resource(waiting.step), "its `timeout` is over");
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

    /// Adds what has been waited: the limit is for all waits of a step together.
    fn stop_waiting(&mut self, waiting: &Pending, now: Timestamp) {
        if let Some(started) = self.started.get_mut(&waiting.step) {
            started.waited += waited(waiting, now);
        }
    }
}

pub(super) fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

fn waited(waiting: &Pending, now: Timestamp) -> Duration {
    since(waiting.since, now)
}
