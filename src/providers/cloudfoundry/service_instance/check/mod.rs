//! What can be told before an instance is created that the remote would refuse.

mod parameters;
mod quota;

pub use quota::together;

use crate::kind::Check;
use crate::model::{Code, Diagnostic, Observed, Path, Value};

use super::super::shared::{self, Other};
use super::super::{attachment, metadata, own_name_of};

const ANOTHER: &str = "declare another instance with the new plan and move its users; or write `lifecycle: { replace: true }` \
                       to have this one deleted, with its data, and created anew";

const HIDDEN: &str = "choose another plan, or ask an administrator for `cf enable-service-access`; the plans of a space's own \
                      broker can be used there only";

const USER_PROVIDED: Other = Other {
    section: "user_provided_service_instances",
    words: "user-provided service instance",
    known_as: "user-provided one",
};

/// All that can be told.
pub fn all(check: Check<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(unseen(check).or_else(|| plan(check)).or_else(|| hidden(check)));
    found.extend(broker(check));
    found.extend(quota::price(check));
    found.extend(plan_change(check));
    found.extend(withdrawn(check));
    found.extend(kept_name(check));
    found.extend(name(check));
    found.extend(parameters::parameters(check));
    found.extend(metadata::check(check));
    found.into_iter().map(|diagnostic| diagnostic.on(check.proposal.address)).collect()
}

fn at(check: Check<'_>, field: &'static str, diagnostic: Diagnostic, label: &str) -> Diagnostic {
    diagnostic.at(check.resource.places.value(&Path::field(field)), label)
}

fn catalogue<'a>(check: Check<'a>, guid: &str) -> Option<&'a Observed> {
    check.collections.get("service_plans")?.with_id(guid)
}

/// The declared plan, if it can be seen.
fn declared_plan(check: Check<'_>) -> Option<&Observed> {
    catalogue(check, check.proposal.fields.link("plan")?.id.as_deref()?)
}

/// Whether the instance has the declared plan already.
fn has_declared_plan(check: Check<'_>) -> bool {
    let observed = check.observed.and_then(|observed| observed.fields.link("plan")?.id.as_ref());
    observed.is_some() && observed == check.proposal.fields.link("plan").and_then(|link| link.id.as_ref())
}

/// A guid is taken as it is, but an instance can be made only of a plan that can be seen.
fn unseen(check: Check<'_>) -> Option<Diagnostic> {
    let guid = check.proposal.fields.link("plan")?.id.as_deref()?;
    if check.observed.is_some() || check.collections.get("service_plans")?.with_id(guid).is_some() {
        return None;
    }
    let diagnostic = Diagnostic::error(Code::PlanUnavailable, format!("no service plan with the guid `{guid}`"))
        .help("choose a plan that you can see: `cf marketplace` lists them");
    Some(at(check, "plan", diagnostic, "it does not exist, or you may not see it"))
}

/// A plan that its broker has withdrawn can be kept, not chosen.
fn plan(check: Check<'_>) -> Option<Diagnostic> {
    let plan = declared_plan(check)?;
    if has_declared_plan(check) || plan.attributes.get("active") != Some(&Value::Bool(false)) {
        return None;
    }
    let diagnostic =
        Diagnostic::error(Code::PlanUnavailable, format!("the plan `{}` is no longer offered", plan.identity))
            .help("choose another plan: `cf marketplace` lists them");
    Some(at(check, "plan", diagnostic, "its broker has withdrawn this plan"))
}

/// A plan may be seen because another organization has it, or only because some instance has it still.
fn hidden(check: Check<'_>) -> Option<Diagnostic> {
    let plan = declared_plan(check)?;
    let space = check.proposal.fields.link("space")?;
    let hidden = match plan.attributes.get("hidden_in") {
        Some(Value::List(spaces)) => spaces.iter().any(|one| one.as_text() == space.id.as_deref()),
        _ => plan.attributes.get("listed") == Some(&Value::Bool(false)),
    };
    if !hidden || has_declared_plan(check) {
        return None;
    }
    let message = format!("the plan `{}` cannot be used in the space `{}`", plan.identity, space.shown());
    let diagnostic = Diagnostic::error(Code::PlanUnavailable, message).help(HIDDEN);
    Some(at(check, "plan", diagnostic, "not offered in this space"))
}

/// A plan named by its guid may be another broker's than the one declared beside it.
fn broker(check: Check<'_>) -> Option<Diagnostic> {
    let plan = declared_plan(check)?;
    let (declared, offered_by) = (check.proposal.fields.text("broker")?, plan.attributes.text("broker")?);
    if declared == offered_by {
        return None;
    }
    let message = format!("the plan `{}` is offered by the broker `{offered_by}`, not by `{declared}`", plan.identity);
    let diagnostic = Diagnostic::error(Code::PlanUnavailable, message)
        .help(format!("write `broker: {offered_by}`, or choose a plan of `{declared}`"));
    Some(at(check, "broker", diagnostic, "not the broker of this plan"))
}

/// A change of plan that the remote does not carry out. A warning: only this instance is blocked, not the plan as a whole.
fn plan_change(check: Check<'_>) -> Option<Diagnostic> {
    let observed = check.observed?;
    if has_declared_plan(check) {
        return None;
    }
    let declared = declared_plan(check)?;
    let current = catalogue(check, observed.fields.link("plan")?.id.as_deref()?)?;
    let (what, label) = if current.attributes.get("offering_guid") != declared.attributes.get("offering_guid") {
        ("is of another offering than", "an instance stays with its offering")
    } else if current.attributes.get("plan_updateable") == Some(&Value::Bool(false)) {
        ("cannot be reached from", "the plan of this instance cannot be changed")
    } else {
        return None;
    };
    let message = format!("the plan `{}` {what} the current one, `{}`", declared.identity, current.identity);
    let diagnostic = Diagnostic::warning(Code::Blocked, message).help(ANOTHER);
    Some(at(check, "plan", diagnostic, label))
}

/// Where an instance of a withdrawn plan is to be changed in a way that its broker would have to carry out (section 9).
fn withdrawn(check: Check<'_>) -> Option<Diagnostic> {
    let observed = check.observed.filter(|_| has_declared_plan(check))?;
    let plan = declared_plan(check)?;
    let (declared, is) = (|field| check.proposal.fields.get(field), |field| observed.fields.get(field));
    let upgrades = declared("upgrade") == Some(&Value::Bool(true)) && is("upgrade") == Some(&Value::Bool(false));
    let differs = match (declared("parameters"), is("parameters")) {
        (Some(declared), Some(Value::Fingerprint(mark))) => !mark.is_of(declared),
        _ => false,
    };
    let field = if upgrades { "upgrade" } else { "parameters" };
    if plan.attributes.get("active") != Some(&Value::Bool(false)) || !(upgrades || differs) {
        return None;
    }
    let message = format!("an instance of the plan `{}`, which is no longer offered, is not changed", plan.identity);
    let diagnostic = Diagnostic::warning(Code::Blocked, message).help("change its `plan` to one that is offered");
    Some(at(check, field, diagnostic, "its broker has withdrawn the plan of this instance"))
}

/// An instance keeps its name while other spaces share it (section 9).
fn kept_name(check: Check<'_>) -> Option<Diagnostic> {
    let observed = check.observed?;
    let attached = check.collections.get("service_bindings")?;
    let name = observed.fields.text("name").filter(|name| *name != own_name_of(check.proposal))?;
    let share = attachment::of(observed, attached).find(|one| attachment::is_share(one))?;
    let message = format!("`{name}` cannot be renamed while it is shared");
    let with = share.attributes.text("words").unwrap_or("the share");
    let places = &check.resource.places;
    let span = places.exact(&Path::field("name")).unwrap_or(check.resource.key_span);
    Some(
        Diagnostic::warning(Code::Blocked, message)
            .at(span, format!("there is {with}"))
            .help("keep its name, or unshare it first: `cf unshare-service`"),
    )
}

/// Whether what has the name is declared absent: then it goes first.
pub(in super::super) fn is_freed(check: Check<'_>, section: &str) -> bool {
    let resource = check.resource;
    check.declared_in(section).any(|other| {
        other.lifecycle.absent.is_some() && other.target == resource.target && other.identity == resource.identity
    })
}

/// Names are unique in a space across managed and user-provided instances and those shared into it.
fn name(check: Check<'_>) -> Option<Diagnostic> {
    let (holder, help) = shared::holder(check, &USER_PROVIDED)?;
    let message = format!("the name `{}` is taken by {holder}", check.proposal.identity);
    let places = &check.resource.places;
    let span = places.exact(&Path::field("name")).unwrap_or(check.resource.key_span);
    Some(Diagnostic::error(Code::NameTaken, message).at(span, "taken in this space").help(help))
}
