//! What there is to say about a resource while a plan is carried out.

use super::ledger::Resolution;
use super::recheck::{Moved, Value};
use crate::diff::Difference;
use crate::kind::{Failure, RemoteError};
use crate::model::{Address, Code, Condition, Diagnostic, Operation, Resource, Segment, Severity};
use crate::plan::{Action, Shown, Step};

/// `created`.
pub(super) fn done(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "created",
        Operation::Update => "changed",
        Operation::Delete => "deleted",
    }
}

/// `create it`, completes "failed to".
fn doing(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "create it",
        Operation::Update => "change it",
        Operation::Delete => "delete it",
    }
}

/// A write that the remote did not take.
pub(super) fn refused(error: &RemoteError, operation: Operation, resource: &Resource) -> Diagnostic {
    let mut diagnostic = error.diagnose(&format!("{operation} `{}`", resource.address), Some(resource));
    relabel(&mut diagnostic, error, &format!("not {}", done(operation)));
    if error.failure == Failure::Conflict && diagnostic.help.is_none() {
        let help = match operation {
            Operation::Create => "somebody else may have created it meanwhile: run `trueup plan` again",
            Operation::Update | Operation::Delete => {
                "somebody else may be at work on it, or something else may need it: run `trueup plan` again"
            }
        };
        diagnostic.help = Some(help.to_owned());
    }
    diagnostic
}

/// A write of which nobody can say what came.
/// `sought` is what the next look is for.
pub(super) fn uncertain(
    error: &RemoteError,
    looked: bool,
    operation: Operation,
    sought: &str,
    resource: &Resource,
) -> Diagnostic {
    let address = &resource.address;
    let mut diagnostic = error.diagnose(&format!("{operation} `{address}`"), Some(resource));
    diagnostic.code = Code::UncertainWrite;
    relabel(&mut diagnostic, error, "the request for this was sent, and no answer came");
    diagnostic.message = format!("it is not known whether `{address}` was {}: {}", done(operation), error.message);
    let found = match operation {
        _ if !looked => "it could not even be looked for",
        Operation::Create => "it was looked for and not found; the remote may still be at it",
        Operation::Update => "it was looked at, and that does not tell; the remote may still be at it",
        Operation::Delete => "it was looked for and is still there; the remote may still be at it",
    };
    diagnostic.help = Some(format!("{found}; it was not sent again: run `trueup plan`, it looks for {sought} again"));
    diagnostic
}

/// A defect while a write was under way.
pub(super) fn defect(operation: Operation, sought: &str, resource: &Resource) -> Diagnostic {
    let (address, done) = (&resource.address, done(operation));
    Diagnostic::error(Code::Internal, format!("trueup failed while it {done} `{address}`"))
        .at(resource.key_span, format!("whether this was {done} is not known"))
        .help(format!("run `trueup plan`: it looks for {sought}; please report this as a defect"))
        .on(address)
}

/// A write that was cut short by a signal.
pub(super) fn interrupted(operation: Operation, sought: &str, resource: &Resource) -> Diagnostic {
    let (address, done) = (&resource.address, done(operation));
    Diagnostic::error(Code::UncertainWrite, format!("interrupted while `{address}` was being {done}"))
        .at(resource.key_span, format!("whether this was {done} is not known"))
        .help(format!("run `trueup plan`: it looks for {sought}"))
        .on(address)
}

/// An operation that failed at the remote, after it was accepted. `words` are the remote's; `recovers` is whether the next
/// run clears away what a failed create leaves.
pub(super) fn operation_failed(
    operation: Operation,
    words: Option<&str>,
    recovers: bool,
    resource: &Resource,
) -> Diagnostic {
    let address = &resource.address;
    let words = words.filter(|words| !words.is_empty()).map_or_else(String::new, |words| format!(": {words}"));
    let help = match operation {
        Operation::Create if recovers => {
            "what is left of it occupies its name: `trueup apply` clears that away and creates it anew"
        }
        Operation::Create => {
            "what is left of it occupies its name; remove it at the remote, then run `trueup apply` again"
        }
        Operation::Update => {
            "what is at the remote is there as before: correct what the remote complains about, then run `trueup apply` again"
        }
        Operation::Delete => {
            "it is still there: correct what the remote complains about, then run `trueup apply` again"
        }
    };
    let message = format!("the remote accepted `{address}` and then failed to {}{words}", doing(operation));
    Diagnostic::error(Code::OperationFailed, message)
        .at(resource.key_span, format!("this {operation} failed at the remote"))
        .help(help)
        .on(address)
}

/// A delete that has ended, and its object is there all the same.
pub(super) fn still_there(resource: &Resource) -> Diagnostic {
    let address = &resource.address;
    Diagnostic::error(
        Code::OperationFailed,
        format!("the remote accepted the delete of `{address}`, and it is still there"),
    )
    .at(resource.key_span, "not deleted")
    .help("run `trueup plan` again to see how things stand")
    .on(address)
}

/// What was deleted to be created anew, and has not been.
pub(super) fn deleted_only(mut diagnostic: Diagnostic) -> Diagnostic {
    let deleted = "what was there has been deleted: the next `trueup apply` creates it";
    diagnostic.help = Some(match diagnostic.help.take() {
        Some(help) => format!("{help}; {deleted}"),
        None => deleted.to_owned(),
    });
    diagnostic
}

/// A run that ended between a delete and the create after it.
pub(super) fn not_created_yet(resource: &Resource) -> Diagnostic {
    let address = &resource.address;
    Diagnostic::error(
        Code::StillRunning,
        format!("`{address}` is deleted and not created anew yet: the run was interrupted"),
    )
    .at(resource.key_span, "not there any more")
    .help("run `trueup apply` again: it creates it")
    .on(address)
}

/// A run that ended between what was waited for and the delete after it.
pub(super) fn not_deleted_yet(resource: &Resource) -> Diagnostic {
    let address = &resource.address;
    Diagnostic::error(Code::StillRunning, format!("`{address}` is not deleted yet: the run was interrupted"))
        .at(resource.key_span, "still there")
        .help("run `trueup apply` again: it deletes it")
        .on(address)
}

/// A change that turned out, once all values were known, to be none that can be made in place.
pub(super) fn not_in_place(difference: &Difference, because: &str, resource: &Resource) -> Diagnostic {
    let path = &difference.path;
    let message = format!("`{path}` of `{}` cannot be changed in place: {because}", resource.address);
    Diagnostic::error(Code::Blocked, message)
        .at(resource.places.value(path), "known only now")
        .help("run `trueup plan` again: it says how to go on")
        .on(&resource.address)
}

/// Where the remote names no field, the resource as a whole is marked.
fn relabel(diagnostic: &mut Diagnostic, error: &RemoteError, label: &str) {
    if let ([], [whole]) = (&error.fields[..], &mut diagnostic.labels[..]) {
        label.clone_into(&mut whole.message);
    }
}

pub(super) fn blocked(step: &Step, resource: &Resource) -> Diagnostic {
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

pub(super) fn gone(resource: &Resource) -> Diagnostic {
    let message = format!("`{}` is gone: it was there, and the remote was still at work on it", resource.address);
    Diagnostic::error(Code::OperationFailed, message)
        .at(resource.key_span, "not there any more")
        .help("somebody or something deleted it meanwhile: run `trueup apply` again to create it anew")
        .on(&resource.address)
}

/// Something that was to be changed or deleted, and is not any more what the plan was made of.
pub(super) fn moved(resource: &Resource, moved: &Moved) -> Diagnostic {
    let address = &resource.address;
    let diagnostic = |message: String| Diagnostic::error(Code::Moved, message);
    let told = match moved {
        Moved::Gone => diagnostic(format!("`{address}` was deleted after the plan was made"))
            .at(resource.key_span, "not there any more"),
        Moved::Another(id) => diagnostic(format!("another object has the name of `{address}` by now"))
            .at(resource.key_span, format!("its id is `{id}`")),
        Moved::Condition(Condition::InProgress { operation, .. }) => {
            diagnostic(format!("somebody else is at work on `{address}`"))
                .at(resource.key_span, format!("its {operation} began after the plan was made"))
        }
        Moved::Condition(_) => diagnostic(format!("the state of `{address}` is another than when the plan was made"))
            .at(resource.key_span, "somebody else was at work on it meanwhile"),
        Moved::TakesAlong(more) => {
            diagnostic(format!("a delete of `{address}` would take along more than was planned"))
                .at(resource.key_span, format!("it would take along {} too", more.join(", ")))
        }
        Moved::Changed { values, at, by } => {
            let by = by.as_ref().map(|by| format!(" by `{by}`")).unwrap_or_default();
            let at = at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
            let mut told = diagnostic(format!("`{address}` was changed{by}{at}, after the plan was made"));
            if values.is_empty() {
                told = told.at(resource.key_span, "what was changed of it cannot be seen");
            }
            for (index, Value { path, sides }) in values.iter().enumerate() {
                let label = match sides {
                    Some((was, is)) => format!("`{path}` was {} and is {}", in_words(was), in_words(is)),
                    None => format!("`{path}` is another"),
                };
                let place = resource.places.value(path);
                told = if index == 0 { told.at(place, label) } else { told.also(place, label) };
            }
            told
        }
    };
    told.help("nothing was done here: run `trueup plan` again, and look at what it says").on(address)
}

fn in_words(value: &Shown) -> String {
    match value {
        Shown::Nothing => "nothing".to_owned(),
        Shown::Json(json) => format!("`{json}`"),
        Shown::Sensitive => "a secret".to_owned(),
        Shown::Unknown | Shown::Unverifiable | Shown::Unreadable | Shown::Redacted => {
            "something that cannot be read".to_owned()
        }
    }
}

pub(super) fn still_running(resource: &Resource, because: &str) -> Diagnostic {
    Diagnostic::error(
        Code::StillRunning,
        format!("the remote is still at work on `{}`, and {because}", resource.address),
    )
    .at(resource.key_span, "not finished yet")
    .help("nothing is lost: run `trueup apply` again, it attaches to what is going on")
    .on(&resource.address)
}

/// The same for a wait that a signal ended.
pub(super) fn wait_interrupted(resource: &Resource) -> Diagnostic {
    still_running(resource, "the wait for it was interrupted")
}

pub(super) fn not_converged(resource: &Resource, difference: &Difference) -> Diagnostic {
    let path = &difference.path;
    let address = &resource.address;
    let message = match &difference.before {
        Shown::Json(json) => format!("the remote stored `{path}` of `{address}` as `{json}`"),
        Shown::Nothing => format!("the remote did not store `{path}` of `{address}`"),
        Shown::Unknown | Shown::Sensitive | Shown::Unverifiable | Shown::Unreadable | Shown::Redacted => {
            format!("the remote stored another `{path}` of `{address}` than was sent")
        }
    };
    Diagnostic::error(Code::NotConverged, message)
        .at(resource.places.value(path), "sent as declared here")
        .help(format!("declare what the remote keeps, or leave it alone: `lifecycle: {{ ignore: [{path}] }}`"))
        .on(address)
}

/// What has not been done of a resource because a part of it is not there.
pub(super) fn held_back(
    resource: &Resource,
    left: &[Difference],
    part: &Address,
    resolution: Resolution,
) -> Diagnostic {
    let became = match resolution {
        Resolution::Failed => "failed",
        Resolution::Skipped => "was skipped",
        Resolution::Blocked => "is blocked",
        Resolution::NotStarted => "was not begun",
        Resolution::Unknown => "ended in the unknown",
        Resolution::Waiting => "is still being made",
        Resolution::Done | Resolution::Unchanged => unreachable!("nothing waits for what is there"),
    };
    left_with(resource, left, &format!("because `{part}` {became}"))
}

/// The same for a run that ended before the parts were there.
pub(super) fn held_back_by_end(resource: &Resource, left: &[Difference]) -> Diagnostic {
    left_with(resource, left, "because the run ended first")
}

fn left_with(resource: &Resource, left: &[Difference], because: &str) -> Diagnostic {
    let address = &resource.address;
    let with = left.iter().filter_map(|difference| match &difference.before {
        Shown::Json(json) => {
            let value = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            Some(format!("`{}: {value}`", difference.path))
        }
        _ => None,
    });
    let with: Vec<String> = with.collect();
    let with = if with.is_empty() { "as it is".to_owned() } else { format!("with {}", with.join(" and ")) };
    let place = left.iter().find_map(|difference| resource.places.exact(&difference.path));
    let mut help = "`trueup apply` goes on from here".to_owned();
    let declared = |difference: &&Difference| match difference.path.0.first() {
        Some(Segment::Key(name)) => resource.fields.get(name).is_some(),
        _ => true,
    };
    if let Some(undeclared) = left.iter().find(|difference| !declared(difference))
        && let Shown::Json(json) = &undeclared.after
    {
        let value = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
        help = format!("write `{}: {value}`, since what is not declared is left alone; then {help}", undeclared.path);
    }
    Diagnostic::error(Code::HeldBack, format!("`{address}` is left {with}, {because}"))
        .at(place.unwrap_or(resource.key_span), "not done yet")
        .help(help)
        .on(address)
}

/// What was written and is otherwise when it is read again, not in a value but as a whole.
pub(super) fn not_lasting(resource: &Resource, action: Action) -> Diagnostic {
    let address = &resource.address;
    let (message, label) = match action {
        Action::Create => {
            (format!("`{address}` was written, and is not there when it is looked for again"), "not there")
        }
        Action::Delete => (format!("`{address}` was deleted, and is there when it is looked for again"), "still there"),
        Action::Recover => (format!("`{address}` was created, and has failed since"), "not usable"),
        _ => (format!("`{address}` was written, and the remote is at work on it again"), "not as written"),
    };
    Diagnostic::error(Code::NotConverged, message)
        .at(resource.key_span, label)
        .help("somebody else may be at work on it: run `trueup plan` again, it looks at it")
        .on(address)
}

/// That a collection could not be read again after the writes.
pub(super) fn not_read_again(problem: Diagnostic) -> Diagnostic {
    let message = format!("what was written could not be looked at again: {}", problem.message);
    let help = Some("run `trueup plan`: it says whether all is as declared".to_owned());
    Diagnostic { severity: Severity::Warning, message, help, ..problem }
}

/// A difference that was not sent: it was there when what was going on at the remote had ended.
pub(super) fn not_as_declared(resource: &Resource, difference: &Difference) -> Diagnostic {
    let (path, address) = (&difference.path, &resource.address);
    Diagnostic::error(
        Code::NotConverged,
        format!("what was going on has ended, and `{path}` of `{address}` is another"),
    )
    .at(resource.places.value(path), "declared here")
    .help(match difference.immutable {
        None => "it was waited for and nothing more, as planned: run `trueup apply` again, it makes the change",
        Some(_) => "it was waited for and nothing more, as planned, and this cannot be changed in place: run `trueup plan`, it says how to go on",
    })
    .on(address)
}
