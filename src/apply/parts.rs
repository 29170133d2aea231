//! A step whose resource has parts: it is made, its parts are, and only then is the rest of it done, so that nobody meets it
//! without them. Waiting for them holds no slot.
//!
//! Nothing can wait for ever: a part waits for what it requires and never for the end of the whole, since whatever waits for
//! that requires the part as well ([`graph::require_parts`](crate::graph::require_parts)), and such a circle is refused when
//! the files are read.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::event::Event;
use super::executor::Run;
use super::ledger::Resolution;
use super::words;
use crate::diff::{Difference, Measure};
use crate::model::{Address, Fields, Lifecycle, Observed, Section, Value};
use crate::plan::Plan;

/// Which steps are parts of which, and which wait for theirs.
#[derive(Default)]
pub(super) struct Parts {
    /// The parts of a step that shall be there.
    of: HashMap<usize, Vec<usize>>,
    /// The step that a step is a part of.
    whole: HashMap<usize, usize>,
    /// Steps that have let their parts begin.
    released: HashSet<usize>,
    /// Steps that wait for their parts, and for how many of them.
    waiting: HashMap<usize, usize>,
}

/// What of a step is not done with its create: what waits for its parts, or what a create left that was cut short.
pub(super) struct Held {
    /// The fields that do.
    names: Vec<&'static str>,
    /// What is created meanwhile.
    pub(super) meanwhile: Arc<Fields>,
}

impl Held {
    /// Takes what is to wait out of the fields that are created. What is not declared of it is from now on what a create
    /// says of it where nothing is declared.
    pub(super) fn take(held: Vec<(&'static str, Value)>, section: &Section, fields: &mut Arc<Fields>) -> Self {
        let mut meanwhile = Fields::clone(fields);
        let mut wanted = Fields::clone(fields);
        let names = held.iter().map(|(name, _)| *name).collect();
        for (name, value) in held {
            let default = section.field(name).and_then(|field| field.default);
            if let (None | Some(Value::Null), Some(default)) = (wanted.get(name), default) {
                wanted.set(name, Value::from_json(&serde_json::from_str(default).expect("defaults are JSON")));
            }
            meanwhile.set(name, value);
        }
        *fields = Arc::new(wanted);
        Self { names, meanwhile: Arc::new(meanwhile) }
    }

    /// Anything may be left of a create that was cut short.
    pub(super) fn everything(held: Option<Self>, section: &Section, fields: &Arc<Fields>) -> Self {
        let names = section.fields.iter().map(|field| field.name).collect();
        Self { names, meanwhile: held.map_or_else(|| Arc::clone(fields), |held| held.meanwhile) }
    }

    /// What is still to be done of it on an object. That a difference is ignored is about what is there already.
    pub(super) fn left(&self, measure: Measure<'_>, object: &Observed) -> Vec<Difference> {
        let lifecycle = Lifecycle::default();
        let mut left = Measure { lifecycle: &lifecycle, ..measure }.differences(object);
        left.retain(|difference| {
            !difference.is_unverifiable()
                && self.names.iter().any(|name| difference.path.starts_with(&crate::model::Path::field(*name)))
        });
        left
    }
}

impl Parts {
    /// `parts_of` tells the parts that are declared of a resource and shall be there.
    pub(super) fn new<'a>(
        plan: &Plan,
        index: &HashMap<&Address, usize>,
        parts_of: impl Fn(&Address) -> Vec<&'a Address>,
    ) -> Self {
        let mut parts = Self::default();
        for (at, step) in plan.steps.iter().enumerate() {
            let of: Vec<usize> =
                parts_of(&step.address).into_iter().filter_map(|part| index.get(part).copied()).collect();
            parts.whole.extend(of.iter().map(|part| (*part, at)));
            if !of.is_empty() {
                parts.of.insert(at, of);
            }
        }
        parts
    }

    pub(super) fn of(&self, at: usize) -> &[usize] {
        self.of.get(&at).map(Vec::as_slice).unwrap_or_default()
    }

    /// What a step waits for that requires `whole`: that, and unless the step is a part of it, its parts.
    pub(super) fn needed_for(&self, step: usize, whole: usize) -> impl Iterator<Item = usize> {
        let parts = if self.whole.get(&step) == Some(&whole) { &[] } else { self.of(whole) };
        std::iter::once(whole).chain(parts.iter().copied())
    }

    /// Whether the end of `at` is what `dependent` has been waiting for. A part has begun before.
    pub(super) fn waited_for_end(&self, at: usize, dependent: usize) -> bool {
        !self.released.contains(&at) || self.whole.get(&dependent) != Some(&at)
    }
}

impl Run<'_> {
    /// The object of a step is there: its parts can begin. The step goes on once all of them have ended.
    pub(super) fn wait_for_parts(&mut self, at: usize, object: Observed) {
        self.knowledge.learn(self.plan.steps[at].address.clone(), Cow::Owned(object));
        self.stand_held_back(at);
        let parts = self.parts.of(at).to_vec();
        let left = parts.iter().filter(|part| self.outcomes[**part].is_none()).count();
        self.parts.released.insert(at);
        self.parts.waiting.insert(at, left);
        if left == 0 {
            return self.parts_have_ended(at);
        }
        let step = &self.plan.steps[at];
        let elapsed = self.elapsed(at, self.clock.now());
        let description = Some(format!("the rest of it waits for its {}", self.plan.steps[parts[0]].address.section));
        (self.events)(Event::Progress { address: step.address.clone(), action: step.action, elapsed, description });
        for part in parts {
            self.one_less(part);
        }
    }

    /// A step has an outcome.
    pub(super) fn ended(&mut self, at: usize) {
        let Some(whole) = self.parts.whole.get(&at).copied() else { return };
        let Some(left) = self.parts.waiting.get_mut(&whole) else { return };
        *left -= 1;
        if *left == 0 {
            self.parts_have_ended(whole);
        }
    }

    fn parts_have_ended(&mut self, at: usize) {
        self.parts.waiting.remove(&at);
        match self.missing_part(at) {
            None => self.resumed.push_back(at),
            Some(part) => self.end_without_parts(at, part),
        }
    }

    /// A part that has ended and is not there.
    fn missing_part(&self, at: usize) -> Option<usize> {
        let missing =
            |part: &&usize| self.outcomes[**part].as_ref().is_some_and(|outcome| !outcome.resolution.is_good());
        self.parts.of(at).iter().find(missing).copied()
    }

    fn end_without_parts(&mut self, at: usize, part: usize) {
        let outcome = self.outcomes[part].as_ref().expect("what is missing has ended");
        let diagnostic = words::held_back(self.resource(at), &self.held(at), &outcome.address, outcome.resolution);
        let id = self.started[&at].object.as_ref().map(|object| Arc::clone(&object.id));
        self.end(at, Resolution::Failed, id, diagnostic);
    }

    /// Accounts for the steps that a run's end finds waiting for their parts.
    pub(super) fn finish_without_parts(&mut self) {
        let mut waiting: Vec<usize> = self.parts.waiting.drain().map(|(at, _)| at).collect();
        waiting.sort_unstable();
        for at in waiting {
            match self.missing_part(at) {
                Some(part) => self.end_without_parts(at, part),
                None => self.finish_held_back(at),
            }
        }
    }

    /// Accounts for a step that a run's end finds between its parts and the rest of it.
    pub(super) fn finish_held_back(&mut self, at: usize) {
        let diagnostic = words::held_back_by_end(self.resource(at), &self.held(at));
        let id = self.started[&at].object.as_ref().map(|object| Arc::clone(&object.id));
        self.end(at, Resolution::Waiting, id, diagnostic);
    }

    /// Tells that a step would end so if the run ended now.
    pub(super) fn stand_held_back(&mut self, at: usize) {
        let diagnostic = words::held_back_by_end(self.resource(at), &self.held(at));
        self.stand(at, Resolution::Waiting, diagnostic);
    }

    /// What of a step has not been done.
    fn held(&self, at: usize) -> Vec<Difference> {
        self.started[&at].object.as_ref().map(|object| self.left(at, object)).unwrap_or_default()
    }
}
