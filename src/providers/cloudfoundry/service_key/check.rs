//! What can be told before a key is made that the remote would refuse.

use super::super::metadata;
use crate::kind::Check;
use crate::model::{Code, Collection, Condition, Diagnostic, Observed, Operation, Path, Reference, To, Value};

/// All that can be told.
pub fn all(check: Check<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if check.observed.is_none() && check.resource.lifecycle.absent.is_none() {
        found.extend(unseen(check).or_else(|| failed(check)).or_else(|| busy(check)).or_else(|| not_bindable(check)));
    }
    found.extend(parameters(check));
    found.extend(metadata::check(check));
    found.into_iter().map(|diagnostic| diagnostic.on(check.proposal.address)).collect()
}

fn at(check: Check<'_>, field: &'static str, diagnostic: Diagnostic, label: &str) -> Diagnostic {
    diagnostic.at(check.resource.places.value(&Path::field(field)), label)
}

/// The guid of the instance, if it exists.
fn instance_guid(check: Check<'_>) -> Option<&str> {
    check.proposal.fields.link("service_instance")?.id.as_deref()
}

fn instance(check: Check<'_>) -> Option<&Observed> {
    check.collections.get("service_instances")?.with_id(instance_guid(check)?)
}

/// A guid is taken as it is, but a key can be made only for a managed instance that can be seen.
fn unseen(check: Check<'_>) -> Option<Diagnostic> {
    let guid = instance_guid(check)?;
    if check.collections.get("service_instances")?.with_id(guid).is_some() {
        return None;
    }
    let message = format!("no managed service instance with the guid `{guid}`");
    let diagnostic = Diagnostic::error(Code::ReferenceNotFound, message)
        .help("user-provided instances have no keys: refer to an instance of a service plan");
    Some(at(check, "service_instance", diagnostic, "it does not exist, is user-provided, or you may not see it"))
}

/// What a failed create has left has no keys. v2 asks the broker all the same (reference, section 11.4).
fn failed(check: Check<'_>) -> Option<Diagnostic> {
    let instance = instance(check)?;
    let Condition::Failed { operation: Operation::Create, .. } = &instance.condition else { return None };
    let message = format!("the service instance `{}` could not be created", instance.identity);
    let diagnostic = Diagnostic::error(Code::ReferenceNotFound, message)
        .help("declare the instance too, or delete what is left of it and create it anew");
    Some(at(check, "service_instance", diagnostic, "only what a failed create has left is there"))
}

/// An instance that is being worked on gets no keys (reference, section 11.4). One that is declared is waited for first.
fn busy(check: Check<'_>) -> Option<Diagnostic> {
    let Value::Reference(reference) = check.resource.fields.get("service_instance")? else { return None };
    let instance = instance(check).filter(|_| !matches!(reference.to, To::Declared(_)))?;
    let Condition::InProgress { operation, .. } = &instance.condition else { return None };
    let name = &instance.identity;
    if *operation == Operation::Delete {
        let diagnostic = Diagnostic::error(Code::ReferenceNotFound, format!("`{name}` is being deleted"))
            .help("declare the instance too: then it is created anew first");
        return Some(at(check, "service_instance", diagnostic, "it will soon be gone"));
    }
    let message = format!("the remote is still at work on `{name}`: its {operation} goes on");
    let diagnostic = Diagnostic::warning(Code::StillRunning, message)
        .help("apply this once that has ended, or declare the instance too: then it is waited for");
    Some(at(check, "service_instance", diagnostic, "no key can be made of it meanwhile"))
}

/// The plan of the instance: as it is, or as it is declared to be created.
fn plan(check: Check<'_>) -> Option<&Observed> {
    let plans = check.collections.get("service_plans")?;
    if instance_guid(check).is_some() {
        return plans.with_id(instance(check)?.fields.link("plan")?.id.as_deref()?);
    }
    let Value::Reference(reference) = check.resource.fields.get("service_instance")? else { return None };
    let To::Declared(address) = &reference.to else { return None };
    let Value::Reference(plan) = check.declared.get(address)?.fields.get("plan")? else { return None };
    declared_plan(plan, plans)
}

fn declared_plan<'c>(plan: &Reference, plans: &'c Collection) -> Option<&'c Observed> {
    match &plan.to {
        To::Id { id, .. } => plans.with_id(id),
        To::Natural { name, qualifier } => {
            let narrowed = |plan: &&Observed| {
                qualifier.as_deref().is_none_or(|broker| plan.attributes.text("broker") == Some(broker))
            };
            let mut found = plans.named(name, true).filter(narrowed);
            // What is ambiguous has been told of the instance.
            found.next().filter(|_| found.next().is_none())
        }
        To::Declared(_) => None,
    }
}

fn not_bindable(check: Check<'_>) -> Option<Diagnostic> {
    let plan = plan(check)?;
    if plan.attributes.get("bindable") != Some(&Value::Bool(false)) {
        return None;
    }
    let message = format!("instances of the plan `{}` have no keys", plan.identity);
    let diagnostic = Diagnostic::error(Code::PlanUnavailable, message)
        .help("take the key out, or give the instance a plan that can be bound");
    Some(at(check, "service_instance", diagnostic, "its plan cannot be bound"))
}

/// An expression may come to something that is not a mapping, which the remote refuses.
fn parameters(check: Check<'_>) -> Option<Diagnostic> {
    let value = check.proposal.fields.get("parameters")?;
    let exposed = match value {
        Value::Sensitive(secret) => secret.expose(),
        value => value,
    };
    if matches!(exposed, Value::Map(_) | Value::Unknown | Value::Redacted) {
        return None;
    }
    let diagnostic = Diagnostic::error(Code::WrongType, "`parameters` has to be a mapping".to_owned());
    Some(at(check, "parameters", diagnostic, &format!("this is {}", value.describe())))
}
