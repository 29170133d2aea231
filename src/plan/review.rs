//! Whether a plan goes beyond one that was reviewed. It may do less: what an interrupted run has done already is not done
//! again.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::document::{ActionDocument, ChangeDocument, Document};
use super::{Action, Plan, Step};
use crate::model::{Code, Desired, Diagnostic, Span};

/// How many of the values that differ are pointed at in one resource.
const SHOWN: usize = 6;
/// How much of a value is shown.
const WIDEST: usize = 60;
const REDECLARED: &str = "what is declared is not what the reviewed plan was made of";

/// What was declared when the plan was made, and is not any more.
pub fn undeclared(reviewed: &Document, desired: &Desired) -> Vec<Diagnostic> {
    let now: HashSet<String> = desired.resources.keys().map(ToString::to_string).collect();
    let missing = reviewed.terms.declared.keys().filter(|text| !now.contains(*text));
    let told = |text: &String| Diagnostic::error(Code::StalePlan, format!("`{text}` is not declared any more"));
    headed(missing.map(told).collect(), REDECLARED)
}

/// What is declared otherwise than when the plan was made; nothing of the remotes need be known.
pub fn redeclared(reviewed: &Document, now: &BTreeMap<String, String>, desired: &Desired) -> Vec<Diagnostic> {
    let before = &reviewed.terms.declared;
    let mut found = Vec::new();
    for (address, resource) in &desired.resources {
        let text = address.to_string();
        let (message, label) = match before.get(&text) {
            Some(digest) if now.get(&text) == Some(digest) => continue,
            Some(_) => (format!("`{address}` is declared otherwise than when the plan was made"), "changed since"),
            None => (format!("`{address}` was not declared when the plan was made"), "new since"),
        };
        found.push(Diagnostic::error(Code::StalePlan, message).at(resource.key_span, label).on(address));
    }
    headed(found, REDECLARED)
}

/// What `plan` would do that `reviewed` does not say; `now` is the document of `plan`.
pub fn beyond(reviewed: &Document, plan: &Plan, now: &Document, desired: &Desired) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, target) in &now.targets {
        let Some(before) = reviewed.targets.get(name).filter(|before| *before != target) else { continue };
        let [now, before] = [target, before].map(|it| format!("{} {} at {}", it.provider, it.api, it.url));
        let message = format!("target `{name}` is {now}, and the plan was made for {before}");
        found.push(Diagnostic::error(Code::StalePlan, message));
    }
    let before: HashMap<&str, &ActionDocument> =
        reviewed.actions.iter().map(|action| (action.address.as_str(), action)).collect();
    for (step, action) in plan.steps.iter().zip(&now.actions) {
        let resent = plan.terms.resend_parameters.contains(&action.address);
        let differences = differences(step, action, before.get(action.address.as_str()).copied(), resent);
        let mut differences = differences.into_iter();
        let Some((place, first)) = differences.next() else { continue };
        let key_span = desired.resources[&step.address].key_span;
        let message = format!("`{}` is not as it was when the plan was made", step.address);
        let mut diagnostic =
            Diagnostic::error(Code::StalePlan, message).at(place.unwrap_or(key_span), first).on(&step.address);
        let more = differences.len().saturating_sub(SHOWN);
        for (place, text) in differences.by_ref().take(SHOWN) {
            diagnostic = diagnostic.also(place.unwrap_or(key_span), text);
        }
        if more > 0 {
            diagnostic = diagnostic.also(key_span, format!("and {more} more"));
        }
        found.push(diagnostic);
    }
    headed(found, "what would be done now goes beyond what was reviewed")
}

/// What differs comes after a line that says what that means and what to do.
fn headed(found: Vec<Diagnostic>, message: &str) -> Vec<Diagnostic> {
    if found.is_empty() {
        return found;
    }
    let counted = match found.len() {
        1 => "1 difference".to_owned(),
        more => format!("{more} differences"),
    };
    let head = Diagnostic::error(Code::StalePlan, format!("{message}: {counted}"))
        .help("make the plan again with `trueup plan --out FILE` and the same `--var`, and have it reviewed");
    std::iter::once(head).chain(found).collect()
}

/// A difference in words, and where it stands if not at the resource's key.
type Difference = (Option<Span>, String);

fn differences(step: &Step, now: &ActionDocument, reviewed: Option<&ActionDocument>, resent: bool) -> Vec<Difference> {
    if now.action == Action::Unchanged {
        return Vec::new();
    }
    let Some(reviewed) = reviewed else {
        return vec![(None, format!("now: {}; the reviewed plan does not have it", what(now)))];
    };
    if !goes_on(reviewed, now) {
        return vec![(None, format!("reviewed: {}; now: {}", what(reviewed), what(now)))];
    }
    let mut found = Vec::new();
    if reviewed.identity != now.identity {
        let name = |action: &ActionDocument| action.identity.values().cloned().collect::<Vec<_>>().join("/");
        found.push((None, format!("reviewed as `{}`; now `{}`", name(reviewed), name(now))));
    }
    if let (Some(before), Some(after)) = (&reviewed.observed, &now.observed) {
        if before.id != after.id {
            let message = format!("it is another object: reviewed with id `{}`, now `{}`", before.id, after.id);
            found.push((None, message));
        } else if matches!(now.action, Action::Delete | Action::Replace) && before.version != after.version {
            // Whoever approved that it goes had seen it as it was.
            let since = after.version.as_deref().map(|version| format!(", at {version}")).unwrap_or_default();
            found.push((None, format!("it would be deleted, and was changed after the plan was made{since}")));
        }
    }
    let added: Vec<&str> =
        now.takes_along.iter().filter(|one| !reviewed.takes_along.contains(one)).map(String::as_str).collect();
    if !added.is_empty() {
        found.push((None, format!("its delete would now take along {} too", added.join(", "))));
    }
    // What was to be replaced and is gone, or going, is created with all that is declared, and that is as it was.
    if reviewed.action == Action::Replace && now.action != Action::Replace {
        return found;
    }
    for (change, spanned) in now.changes.iter().zip(&step.changes) {
        if change.unverifiable && !resent || reviewed.changes.iter().any(|before| covers(before, change)) {
            continue;
        }
        let before = reviewed.changes.iter().find(|before| before.path == change.path);
        let before = before.map_or_else(|| "nothing".to_owned(), told);
        found.push((spanned.source, format!("`{}`: reviewed: {before}; now: {}", change.path, told(change))));
    }
    found
}

/// Whether an action is the reviewed one, or what is left of it.
fn goes_on(reviewed: &ActionDocument, now: &ActionDocument) -> bool {
    if now.executable && !reviewed.executable {
        return false;
    }
    let (before, after) = (reviewed.action, now.action);
    before == after
        // A part of it has been done.
        || after == Action::Create && matches!(before, Action::Replace | Action::Recover | Action::Wait)
        // It is being done. If something is to change after the wait, it is to be created.
        || after == Action::Wait && matches!(before, Action::Create | Action::Replace | Action::Recover)
        || after == Action::Wait && matches!(before, Action::Update | Action::Delete) && now.changes.is_empty()
}

/// Whether a change is one that was reviewed. What was to be known after apply may be known by now.
fn covers(reviewed: &ChangeDocument, now: &ChangeDocument) -> bool {
    if reviewed.unknown {
        let inside = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
        let same_before = reviewed.before == now.before || reviewed.path != now.path;
        return same_before && now.path.strip_prefix(&reviewed.path).is_some_and(inside);
    }
    let ChangeDocument {
        path,
        before,
        after,
        unknown,
        sensitive,
        unverifiable,
        redacted,
        unreadable,
        source: _,
        cause: _,
    } = now;
    reviewed.path == *path
        && reviewed.before == *before
        && reviewed.after == *after
        && reviewed.unknown == *unknown
        && reviewed.sensitive == *sensitive
        && reviewed.unverifiable == *unverifiable
        && reviewed.redacted == *redacted
        && reviewed.unreadable == *unreadable
}

fn what(action: &ActionDocument) -> String {
    match action.action {
        Action::Blocked => format!("blocked, because {}", action.reason.message),
        _ if !action.executable => format!("{}, not carried out by this version", action.action.as_str()),
        plain => plain.as_str().to_owned(),
    }
}

/// `"a" -> "b"`.
fn told(change: &ChangeDocument) -> String {
    let ChangeDocument {
        path: _,
        before,
        after,
        unknown,
        sensitive,
        unverifiable,
        // Nothing is carried out of what was not read.
        redacted: _,
        unreadable,
        source: _,
        cause: _,
    } = change;
    if *sensitive {
        return "another secret".to_owned();
    }
    let value = |json: &serde_json::Value| {
        let text = json.to_string();
        if text.chars().count() <= WIDEST {
            return text;
        }
        text.chars().take(WIDEST).chain(['…']).collect()
    };
    let before = if *unverifiable || *unreadable { "(cannot be read)".to_owned() } else { value(before) };
    let after = if *unknown { "(known after apply)".to_owned() } else { value(after) };
    format!("{before} -> {after}")
}

#[cfg(test)]
mod tests;
