//! A snapshot in the place of the remotes of a project: whether it is of them, and what it does not tell.

use std::collections::{BTreeMap, BTreeSet};

use super::saved::Saved;
use crate::kind::Registry;
use crate::model::{Code, Desired, Diagnostic, KeySource, Resource, Section, Segment, Shape, Snapshot, TargetName};
use crate::observe::needed;
use crate::plan::{Action, Plan, Step, declared};
use crate::settings::{Settings, TargetSettings, TargetUrl};

/// How to get one that fits.
pub const AGAIN: &str = "take it again with `trueup snapshot --out FILE`";

/// How many resources are pointed at.
const POINTED_AT: usize = 5;

impl Saved {
    /// What the snapshot holds of these targets. `name` is that of the file.
    ///
    /// # Errors
    ///
    /// It is of another project or environment, of other remotes, or lacks something that is declared now.
    pub fn fit(
        self,
        name: &str,
        settings: &Settings,
        desired: &Desired,
        wanted: impl Fn(&TargetName) -> bool,
        registry: &Registry,
    ) -> Result<Snapshot, Vec<Diagnostic>> {
        let Self { document, mut snapshot } = self;
        let refuse =
            |message: String, help: String| Err(vec![Diagnostic::error(Code::SnapshotFile, message).help(help)]);
        if document.project != *desired.project {
            let (of, this) = (&document.project, &desired.project);
            let message = format!("the snapshot in `{name}` is of the project `{of}`, and this one is `{this}`");
            return refuse(message, "give the snapshot of this project, or its directory with `-C`".to_owned());
        }
        if document.environment.as_deref() != desired.environment.as_deref() {
            let (of, this) = (document.environment.as_deref(), desired.environment.as_deref());
            let words = |name: Option<&str>| {
                name.map_or("no environment".to_owned(), |name| format!("the environment `{name}`"))
            };
            let message = format!("the snapshot in `{name}` is of {}, and this plan of {}", words(of), words(this));
            let help = match of {
                Some(of) => format!("give `-e {of}`, or a snapshot that was taken with the same `-e`"),
                None => "leave `-e` out, or give a snapshot that was taken with it".to_owned(),
            };
            return refuse(message, help);
        }
        let mut problems = Vec::new();
        for target in settings.targets.values().filter(|target| wanted(&target.name)) {
            match other_than(target, &snapshot) {
                Some(problem) => problems.push(problem),
                None => problems.extend(lacking(target, desired, &snapshot, registry)),
            }
            if let Some(facts) = snapshot.targets.get_mut(&target.name).filter(|_| target.seed_writes) {
                facts.read_only = None;
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let has = |target: &TargetName| settings.targets.contains_key(target) && wanted(target);
        snapshot.targets.retain(|target, _| has(target));
        snapshot.collections.retain(|target, _| has(target));
        Ok(snapshot)
    }
}

/// That a target is not the one which the snapshot was taken of.
fn other_than(target: &TargetSettings, snapshot: &Snapshot) -> Option<Diagnostic> {
    let name = &target.name;
    let error = |message: String, label: &str| {
        Some(Diagnostic::error(Code::SnapshotMismatch, message).at(target.span, label).help(AGAIN))
    };
    let Some(facts) = snapshot.targets.get(name) else {
        return error(format!("the snapshot has no target `{name}`"), "declared here");
    };
    if facts.provider != target.provider {
        let (is, was) = (target.provider, facts.provider);
        return error(
            format!("in the snapshot the provider of target `{name}` is `{was}`, not `{is}`"),
            "another one here",
        );
    }
    let url = match &target.url {
        TargetUrl::Sandbox => Some("sandbox"),
        TargetUrl::Url(url) => Some(url.as_str()),
        // Where it is, only somebody who connects has to know.
        TargetUrl::CfCli { .. } | TargetUrl::Unsaid => None,
    };
    let bare = |url: &str| url.trim_end_matches('/').to_owned();
    if let Some(url) = url.filter(|url| bare(url) != bare(&facts.url)) {
        let message = format!("the snapshot of target `{name}` is of `{}`, not of `{}`", facts.url, bare(url));
        return error(message, "at another place by now");
    }
    let insists = target.api.as_deref().filter(|api| *api != facts.api)?;
    error(
        format!("the snapshot of target `{name}` was taken with `{}`, not with `{insists}`", facts.api),
        "asks for the other",
    )
}

/// What is declared at a target and could not be planned without what the snapshot lacks.
fn lacking(target: &TargetSettings, desired: &Desired, snapshot: &Snapshot, registry: &Registry) -> Vec<Diagnostic> {
    let missing = needed(&target.name, desired, registry).into_iter().filter(|(section, _)| {
        registry.kind(section).is_some() && snapshot.collection(&target.name, section).is_none()
    });
    let told = missing.map(|(section, witness)| {
        let words = section.replace('_', " ");
        let diagnostic = Diagnostic::error(
            Code::SnapshotMismatch,
            format!("the snapshot holds no {words} of target `{}`", target.name),
        );
        let diagnostic = match witness {
            Some(resource) => diagnostic.at(resource.key_span, "needs them").on(&resource.address),
            None => diagnostic.at(target.span, "declared here"),
        };
        diagnostic.help(format!("{AGAIN}, by a user who may read the {words}, and with this version of trueup"))
    });
    told.collect()
}

/// A warning of what a plan would look at and cannot: some things are read only as far as what is declared asks for them, and
/// something else is declared by now.
pub fn partial(
    plan: &Plan,
    desired: &Desired,
    registry: &Registry,
    then: &BTreeMap<String, String>,
) -> Option<Diagnostic> {
    let now = declared(desired, registry);
    let is_new = |step: &&Step| {
        let address = step.address.to_string();
        then.get(&address) != now.get(&address)
    };
    let mut unknown = BTreeSet::new();
    let mut concerned: Vec<&Resource> = Vec::new();
    for step in plan.steps.iter().filter(is_new) {
        let Some(kind) = registry.kind(step.address.section).filter(|kind| looks(step, kind.section())) else {
            continue;
        };
        let sections = kind.after().iter().chain(kind.beside()).chain(kind.along());
        let looked_into = sections.filter_map(|section| registry.kind(section)?.partial());
        let words: Vec<&str> = looked_into.chain(kind.partial()).collect();
        if !words.is_empty() {
            unknown.extend(words);
            concerned.extend(desired.resources.get(&step.address));
        }
    }
    let first = concerned.first()?;
    let (what, was) = match concerned.len() {
        1 => (format!("`{}`", first.address), "it was"),
        count => (format!("{count} resources"), "they were"),
    };
    let message = format!(
        "the snapshot does not hold all that a plan of {what} looks at: {was} declared otherwise, or not at all, when it was \
         taken"
    );
    let words = unknown.into_iter().collect::<Vec<_>>().join(", ");
    let mut diagnostic = Diagnostic::warning(Code::SnapshotPartial, message)
        .at(first.key_span, "declared so since")
        .help(format!("not looked at: {words}; a plan from the remotes looks at that too"));
    for resource in concerned.iter().skip(1).take(POINTED_AT - 1) {
        diagnostic = diagnostic.also(resource.key_span, "declared so since");
    }
    if let [only] = concerned[..] {
        diagnostic = diagnostic.on(&only.address);
    }
    Some(diagnostic)
}

/// Whether a step is decided by more than the object itself.
fn looks(step: &Step, section: &Section) -> bool {
    let moves = |name: &str| {
        let is_key = section.key.iter().any(|part| part.name == name && part.from != KeySource::Key);
        is_key || section.field(name).is_some_and(|field| matches!(field.shape, Shape::Reference { .. }))
    };
    match step.action {
        Action::Create | Action::Replace | Action::Delete | Action::Recover | Action::Blocked => true,
        Action::Update => step.changes.iter().any(|change| {
            change.path.0.first().is_some_and(|first| match first {
                Segment::Key(name) => moves(name),
                Segment::Index(_) => false,
            })
        }),
        Action::Wait | Action::Unchanged => false,
    }
}
