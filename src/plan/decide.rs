//! What is to happen to one resource, given what it is measured by and what is there.

use std::collections::BTreeMap;

use super::{Action, Reason, tombstone};
use crate::diff::{Difference, Measure, creation};
use crate::kind::{Abilities, ErasedDeclared};
use crate::model::{Collection, Condition, Facts, Observed, OnExists, Operation, Resource, Secrets};

/// What a decision is made from.
pub(super) struct Case<'a> {
    pub(super) resource: &'a Resource,
    pub(super) measure: Measure<'a>,
    pub(super) observed: Option<&'a Observed>,
    pub(super) kind: &'a dyn ErasedDeclared,
    pub(super) collections: &'a BTreeMap<&'static str, Collection>,
    pub(super) facts: &'a Facts,
    /// What it is recognised by where that is not its natural key.
    pub(super) recognised_by: Option<String>,
    /// Why the kind says that this object cannot be changed in place as declared.
    pub(super) forbidden: Option<String>,
}

/// What is decided about a resource.
pub(super) struct Decision {
    pub(super) action: Action,
    pub(super) reason: Reason,
    pub(super) differences: Vec<Difference>,
    pub(super) takes_along: Vec<String>,
    pub(super) executable: bool,
}

impl Decision {
    pub(super) fn new(action: Action, code: &'static str, message: impl Into<String>) -> Self {
        let reason = Reason { code, message: message.into() };
        Self { action, reason, differences: Vec::new(), takes_along: Vec::new(), executable: true }
    }

    pub(super) fn with(mut self, differences: Vec<Difference>) -> Self {
        self.differences = differences;
        self
    }

    /// The same, not to be carried out until something is decided.
    pub(super) fn refused(self, message: String) -> Self {
        Self { action: Action::Blocked, reason: refused(message), executable: true, takes_along: Vec::new(), ..self }
    }

    fn only_if(mut self, able: bool) -> Self {
        self.executable = able;
        self
    }
}

/// Why a step is not carried out that an error is about.
pub(super) fn refused(message: String) -> Reason {
    Reason { code: "refused", message }
}

pub(super) fn decide(case: &Case<'_>) -> Decision {
    if case.resource.lifecycle.absent.is_some() {
        return tombstone::decide(case);
    }
    let Measure { section, identity, fields, .. } = case.measure;
    let Some(object) = case.observed else {
        let by = case.recognised_by.clone().unwrap_or_else(|| identity.in_words());
        let message = format!("no {} {by}", section.singular);
        return Decision::new(Action::Create, "absent", message).with(creation(section, fields));
    };
    match &object.condition {
        Condition::InProgress { operation: Operation::Delete, .. } => {
            Decision::new(Action::Wait, "delete_in_progress", "it is being deleted; it is created once it is gone")
                .with(creation(section, fields))
        }
        Condition::InProgress { operation, .. } => Decision::new(
            Action::Wait,
            "in_progress",
            format!("the remote is still at work on its {operation}; what differs after that is left to the next run"),
        ),
        Condition::Failed { operation: Operation::Create, description } => {
            let mut words = description.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
            Secrets::of(fields).take_out(&mut words);
            let Abilities { delete, create_over_failed, .. } = case.kind.abilities(case.facts);
            let message = format!("an earlier create failed and occupies the name{words}");
            Decision::new(Action::Recover, "create_failed", message)
                .with(creation(section, fields))
                .only_if(delete || create_over_failed)
        }
        Condition::Ready | Condition::Failed { .. } => compare(case, object),
    }
}

fn compare(case: &Case<'_>, object: &Observed) -> Decision {
    let differences = case.measure.to_send(object);
    let real = || differences.iter().filter(|difference| !difference.is_unverifiable());
    let count = real().count();
    if count == 0 {
        let reason = if differences.is_empty() { "nothing differs" } else { "nothing that can be compared differs" };
        return Decision::new(Action::Unchanged, "equal", reason).with(differences);
    }
    if case.resource.lifecycle.on_exists == OnExists::AdoptIfEqual {
        let message = format!(
            "it exists and {count} {}, and `on_exists: adopt_if_equal` forbids to update it",
            if count == 1 { "field differs" } else { "fields differ" }
        );
        return Decision::new(Action::Blocked, "not_equal", message).with(differences);
    }
    if let Some(because) = case.facts.read_only {
        let message = format!("it cannot be changed: {because}");
        return Decision::new(Action::Blocked, "read_only", message).with(differences);
    }
    let immutable = real().find_map(|difference| Some((&difference.path, difference.immutable?)));
    let immutable = immutable.map(|(path, because)| format!("`{path}` cannot be changed in place: {because}"));
    if let Some(why) = immutable.or_else(|| case.forbidden.clone()) {
        return anew(case, object, why).with(differences);
    }
    let (code, message) = match real().find(|difference| !difference.resent) {
        None => {
            let paths: Vec<_> = real().map(|difference| format!("`{}`", difference.path)).collect();
            let is = if paths.len() == 1 { "is" } else { "are" };
            ("resend", format!("{} {is} sent again, as asked for", paths.join(", ")))
        }
        Some(_) => match earlier_name(case, object) {
            Some(was) => ("renamed", format!("it still has its earlier name, `{was}`")),
            None if count == 1 => ("drift", "1 value differs from what is declared".to_owned()),
            None => ("drift", format!("{count} values differ from what is declared")),
        },
    };
    let able = case.kind.abilities(case.facts).update;
    Decision::new(Action::Update, code, message).with(differences).only_if(able)
}

/// The name of an object that is to have another one.
fn earlier_name<'o>(case: &Case<'_>, object: &'o Observed) -> Option<&'o str> {
    let was = case.resource.lifecycle.was.as_ref()?;
    let (_, name) = object.identity.parts.last()?;
    let (_, declared) = case.measure.identity.parts.last()?;
    let same =
        **name == *was.value || case.measure.section.fold_case && name.to_lowercase() == was.value.to_lowercase();
    (same && name != declared).then_some(&**name)
}

/// For what cannot be changed in place: to be deleted and created anew, if that can be done and has been consented to.
fn anew(case: &Case<'_>, object: &Observed, why: String) -> Decision {
    if !case.kind.abilities(case.facts).delete {
        return Decision::new(Action::Blocked, "immutable", why);
    }
    let Resource { address, lifecycle, .. } = case.resource;
    let tied = case.kind.takes_along(object, case.collections, case.facts);
    let takes_along: Vec<String> = tied.into_iter().map(|tied| tied.words).collect();
    let cascades = !takes_along.is_empty() && !lifecycle.consent.cascade;
    let hit = listed(&takes_along);
    if !lifecycle.consent.replace {
        let mut message = format!(
            "{why}; to have it deleted and created anew, write `lifecycle: {{ replace: true }}` or give `--allow-replace \
             {address}`"
        );
        if cascades {
            message =
                format!("{message}; that takes along {hit}, so it needs `cascade: true` or `--allow-cascade` too");
        }
        return Decision::new(Action::Blocked, "immutable", message);
    }
    if cascades {
        let message = format!(
            "{why}; deleting it takes along {hit}: to allow that, write `lifecycle: {{ cascade: true }}` or give \
             `--allow-cascade {address}`"
        );
        return Decision::new(Action::Blocked, "cascade", message);
    }
    Decision { takes_along, ..Decision::new(Action::Replace, "immutable", why) }
}

/// Some things in a sentence.
pub(super) fn listed(things: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = things.len().saturating_sub(SHOWN);
    let shown = things.iter().take(SHOWN).map(String::as_str);
    if more > 0 {
        return format!("{} and {more} more", shown.collect::<Vec<_>>().join(", "));
    }
    match things {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.collect(),
    }
}
