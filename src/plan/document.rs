//! A plan as JSON: what `plan --format json` prints and scripts read.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Action, Base, Cause, Change, Covered, Plan, Shown, Step, Terms, Undeclared};
use crate::model::{DiagnosticDocument, FORMAT_VERSION, Facts, Identity, PlaceDocument, Sources, hex};

/// What `trueup plan --format json` prints. Readers ignore keys they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "trueup plan")]
pub struct Document {
    /// The version of this format. Another major one means another meaning.
    pub format_version: String,
    /// The version of trueup that made it.
    pub trueup: String,
    /// The project's name.
    pub project: String,
    /// The environment chosen with `-e`.
    pub environment: Option<String>,
    /// `sha256:` and the hash of this document without `digest`: keys sorted at every depth, no whitespace, UTF-8.
    pub digest: String,
    /// Whether an error among the diagnostics forbids applying it.
    pub errored: bool,
    /// What the targets turned out to be, by name.
    pub targets: BTreeMap<String, TargetDocument>,
    /// Which snapshot it was made from, with `--remote`. It cannot be applied then. Absent where the remotes were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<TakenDocument>,
    /// What the causes were judged against. Absent without `--base`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseDocument>,
    /// How many resources have each action.
    pub summary: Summary,
    /// One entry per resource, also the unchanged ones; what is required comes first.
    pub actions: Vec<ActionDocument>,
    /// What the plan was made with besides the remotes; `trueup apply FILE` makes another one with the same.
    pub terms: Terms,
    /// How many requests were sent.
    pub requests: RequestsDocument,
    /// What was found on the way.
    pub diagnostics: Vec<DiagnosticDocument>,
    /// How much of what exists is declared, kind by kind; only with `--undeclared`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undeclared: Option<Vec<CoverageDocument>>,
}

/// The snapshot that a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Taken")]
pub struct TakenDocument {
    /// When it was taken, RFC 3339 in UTC.
    pub taken: String,
}

/// How much of one kind at one target is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Coverage")]
pub struct CoverageDocument {
    /// The target.
    pub target: String,
    /// The kind's section, `instances`.
    pub kind: String,
    /// How many exist; `null` if they could not be read.
    pub exists: Option<usize>,
    /// How many of them are declared.
    pub declared: usize,
    /// Those that are not.
    pub objects: Vec<UndeclaredDocument>,
}

/// An object that nothing declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Undeclared")]
pub struct UndeclaredDocument {
    /// What it is recognised by, outermost part first.
    pub identity: IndexMap<String, String>,
    /// The remote's id.
    pub id: String,
}

/// What a target turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Target")]
pub struct TargetDocument {
    /// The provider, `kaiten` or `cloudfoundry`.
    pub provider: String,
    /// Where it is.
    pub url: String,
    /// The API version or dialect that answers: `core`, `seed`, `v2`, `v3`.
    pub api: String,
}

/// What causes were judged against, `--base`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Base")]
pub struct BaseDocument {
    /// As it was asked for, `origin/main`.
    pub revision: String,
    /// The commit that this is.
    pub commit: String,
    /// Where this branch has left it: the merge base of `HEAD` and that commit.
    pub merge_base: String,
}

/// Where a change comes from, or `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Judged")]
pub struct CauseDocument(pub Option<Cause>);

/// How many resources have each action.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Created.
    pub create: usize,
    /// Changed in place.
    pub update: usize,
    /// Deleted and created anew.
    pub replace: usize,
    /// Deleted.
    pub delete: usize,
    /// Cleared of a failed create, then created.
    pub recover: usize,
    /// Attached to an operation that is running already.
    pub wait: usize,
    /// Left until somebody decides.
    pub blocked: usize,
    /// As declared.
    pub unchanged: usize,
}

/// What is to happen to one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Action")]
pub struct ActionDocument {
    /// The resource, `instances.acme-production`.
    pub address: String,
    /// Its section.
    pub kind: String,
    /// Its target.
    pub target: String,
    /// What is done.
    pub action: Action,
    /// Absent unless `false`: this version shows the action and does not carry it out.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub executable: bool,
    /// Why.
    pub reason: ReasonDocument,
    /// Where the resource is declared.
    pub source: PlaceDocument,
    /// What it is recognised by, outermost part first.
    pub identity: IndexMap<String, String>,
    /// The declared resources that come first, sorted.
    pub requires: Vec<String>,
    /// The object as it was seen; `null` if there is none.
    pub observed: Option<SeenDocument>,
    /// What changes, in the order of the section's fields.
    pub changes: Vec<ChangeDocument>,
    /// What else is deleted with the object, in words. Absent if there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes_along: Vec<String>,
    /// Where it comes from: the first of `declared`, `drift` and `behind` that any of its changes has; `null` where nothing
    /// is done, or where that could not be told. Absent without `--base`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseDocument>,
}

/// Why an action is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Reason")]
pub struct ReasonDocument {
    /// A stable word, `absent`.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// An object as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Observed")]
pub struct SeenDocument {
    /// The remote's id.
    pub id: String,
    /// What tells its states apart, `updated_at` where there is one.
    pub version: Option<String>,
}

/// One value that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Change")]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own in the contract's JSON")]
pub struct ChangeDocument {
    /// Which, `metadata.region`.
    pub path: String,
    /// As it is.
    pub before: Value,
    /// As it shall be.
    pub after: Value,
    /// What it shall be is known only after apply. Absent unless `true`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unknown: bool,
    /// The value is a secret: neither side is shown. Absent unless `true`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub sensitive: bool,
    /// Nobody can tell what the remote holds: it does not return it, or `redacted` says why. Absent unless `true`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unverifiable: bool,
    /// The snapshot does not hold it, because it may be a secret. Absent unless `true`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub redacted: bool,
    /// What it is cannot be read, only that it is not what is declared. Absent unless `true`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unreadable: bool,
    /// Where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<PlaceDocument>,
    /// Where it comes from; `null` where that could not be told, or where nobody can tell whether anything differs. Absent
    /// without `--base`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseDocument>,
}

/// Counted requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Requests")]
pub struct RequestsDocument {
    /// Those that read, all of them while planning.
    pub read: u64,
    /// Those that carrying the plan out takes to write, at the most; looking before and afterwards comes on top.
    #[serde(default)]
    pub write: u64,
}

impl Document {
    /// The plan as JSON, digest included.
    pub fn new(plan: &Plan, sources: &Sources) -> Self {
        let targets = plan.targets.iter().map(|(name, facts)| (name.to_string(), TargetDocument::new(facts)));
        let mut document = Self {
            format_version: FORMAT_VERSION.to_owned(),
            trueup: env!("CARGO_PKG_VERSION").to_owned(),
            project: plan.project.to_string(),
            environment: plan.environment.as_deref().map(str::to_owned),
            digest: String::new(),
            errored: plan.errored(),
            targets: targets.collect(),
            snapshot: plan.taken.map(|taken| TakenDocument { taken: taken.to_string() }),
            base: plan.base.as_ref().map(BaseDocument::new),
            summary: Summary::new(plan),
            actions: plan.steps.iter().map(|step| ActionDocument::new(step, plan, sources)).collect(),
            terms: plan.terms.clone(),
            requests: RequestsDocument { read: plan.reads, write: plan.writes() },
            diagnostics: DiagnosticDocument::all(&plan.diagnostics, sources),
            undeclared: plan.undeclared.as_ref().map(|all| all.iter().map(CoverageDocument::new).collect()),
        };
        document.digest = digest(&serde_json::to_value(&document).expect("keys are strings and numbers finite"));
        document
    }
}

/// The digest of a plan document: what [`Document::digest`] has to say. A document that was altered says otherwise.
pub fn digest(document: &Value) -> String {
    let mut text = String::new();
    match document {
        Value::Object(object) => canonical_object(object.iter().filter(|(key, _)| *key != "digest"), &mut text),
        other => canonical(other, &mut text),
    }
    format!("sha256:{}", hex(&Sha256::digest(text.as_bytes())))
}

fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => canonical_object(object.iter(), out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn canonical_object<'a>(entries: impl Iterator<Item = (&'a String, &'a Value)>, out: &mut String) {
    let sorted: BTreeMap<&String, &Value> = entries.collect();
    out.push('{');
    for (at, (key, value)) in sorted.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push(':');
        canonical(value, out);
    }
    out.push('}');
}

impl CoverageDocument {
    fn new(covered: &Covered) -> Self {
        let Covered { target, section, exists, undeclared } = covered;
        let object = |object: &Undeclared| UndeclaredDocument {
            identity: identity(&object.identity),
            id: object.id.to_string(),
        };
        Self {
            target: target.to_string(),
            kind: section.name.to_owned(),
            exists: *exists,
            declared: covered.declared(),
            objects: undeclared.iter().map(object).collect(),
        }
    }
}

fn identity(identity: &Identity) -> IndexMap<String, String> {
    identity.parts.iter().map(|(part, value)| ((*part).to_owned(), value.to_string())).collect()
}

impl TargetDocument {
    fn new(facts: &Facts) -> Self {
        let Facts { provider, url, api, read_only: _ } = facts;
        Self { provider: (*provider).to_owned(), url: url.to_string(), api: (*api).to_owned() }
    }
}

impl Summary {
    fn new(plan: &Plan) -> Self {
        Self {
            create: plan.count(Action::Create),
            update: plan.count(Action::Update),
            replace: plan.count(Action::Replace),
            delete: plan.count(Action::Delete),
            recover: plan.count(Action::Recover),
            wait: plan.count(Action::Wait),
            blocked: plan.count(Action::Blocked),
            unchanged: plan.count(Action::Unchanged),
        }
    }
}

impl BaseDocument {
    fn new(base: &Base) -> Self {
        let Base { revision, commit, merge_base } = base;
        Self { revision: revision.to_string(), commit: commit.to_string(), merge_base: merge_base.to_string() }
    }
}

impl CauseDocument {
    fn new(cause: Option<Cause>, plan: &Plan) -> Option<Self> {
        plan.base.is_some().then_some(Self(cause))
    }
}

impl ActionDocument {
    fn new(step: &Step, plan: &Plan, sources: &Sources) -> Self {
        let Step {
            address,
            target,
            action,
            reason,
            source,
            identity,
            requires,
            changes,
            takes_along,
            observed,
            executable,
            writes: _,
            cause,
        } = step;
        Self {
            address: address.to_string(),
            kind: address.section.to_owned(),
            target: target.to_string(),
            action: *action,
            executable: *executable,
            reason: ReasonDocument { code: reason.code.to_owned(), message: reason.message.clone() },
            source: PlaceDocument::new(*source, sources),
            identity: self::identity(identity),
            requires: requires.iter().map(ToString::to_string).collect(),
            observed: observed.as_ref().map(|seen| SeenDocument {
                id: seen.id.to_string(),
                version: seen.version.as_deref().map(str::to_owned),
            }),
            changes: changes.iter().map(|change| ChangeDocument::new(change, plan, sources)).collect(),
            takes_along: takes_along.clone(),
            cause: CauseDocument::new(*cause, plan),
        }
    }
}

impl ChangeDocument {
    fn new(change: &Change, plan: &Plan, sources: &Sources) -> Self {
        let Change { path, before, after, source, cause } = change;
        let either = |shown: &Shown| before == shown || after == shown;
        let sensitive = either(&Shown::Sensitive);
        let json = |shown: &Shown| match shown {
            // One side of a secret would tell about the other.
            Shown::Json(value) if !sensitive => value.clone(),
            _ => Value::Null,
        };
        Self {
            path: path.to_string(),
            before: json(before),
            after: json(after),
            unknown: either(&Shown::Unknown),
            sensitive,
            unverifiable: before.is_untold() || after.is_untold(),
            redacted: either(&Shown::Redacted),
            unreadable: either(&Shown::Unreadable),
            source: source.map(|span| PlaceDocument::new(span, sources)),
            cause: CauseDocument::new(*cause, plan),
        }
    }
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_true(bool: &bool) -> bool {
    *bool
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_false(bool: &bool) -> bool {
    !*bool
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Address, Code, Diagnostic, Identity, Path, SourceFile, Span};
    use crate::plan::{Reason, Seen};

    fn example() -> (Plan, Sources) {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("resources/acme.yaml", "instances:\n  acme:\n    name: Acme\n"));
        let change = |path: &str, before, after, source: Option<Span>| Change {
            path: Path::parse(path).expect("a path"),
            before,
            after,
            source,
            cause: None,
        };
        let step = Step {
            address: Address::new("instances", "acme"),
            target: "kaiten".into(),
            action: Action::Update,
            reason: Reason { code: "drift", message: "2 fields differ".into() },
            source: Span::new(file, 13..33),
            identity: Identity::single("slug", "acme"),
            requires: vec![Address::new("customers", "acme")],
            changes: vec![
                change("name", Shown::Nothing, Shown::Json(json!("Acme")), Some(Span::new(file, 29..33))),
                change("metadata.database", Shown::Json(json!("old")), Shown::Unknown, None),
                change("metadata.password", Shown::Json(json!("hunter2")), Shown::Sensitive, None),
                change("parameters", Shown::Unverifiable, Shown::Json(json!({ "b": 1, "a": [true] })), None),
            ],
            takes_along: vec!["the service key `ci`".into()],
            observed: Some(Seen { id: "c-1".into(), version: None }),
            executable: true,
            writes: 1,
            cause: None,
        };
        let facts =
            Facts { provider: "kaiten", url: "https://kaiten.example.com/".into(), api: "core", read_only: None };
        let plan = Plan {
            project: "acme".into(),
            targets: [("kaiten".into(), facts)].into(),
            steps: vec![step],
            terms: Terms {
                allow_deletes: Some(5),
                declared: [("instances.acme".to_owned(), "sha256:…".to_owned())].into(),
                ..Terms::default()
            },
            reads: 7,
            ..Plan::default()
        };
        (plan, sources)
    }

    fn json_of(plan: &Plan, sources: &Sources) -> Value {
        serde_json::to_value(Document::new(plan, sources)).expect("plain data")
    }

    #[test]
    fn a_plan_has_the_shape_of_the_contract() {
        let (plan, sources) = example();
        let mut document = json_of(&plan, &sources);
        document["digest"] = json!("sha256:…");
        let place = |line: u32, column: u32, end_line: u32, end_column: u32| json!({ "file": "resources/acme.yaml", "line": line, "column": column, "end_line": end_line, "end_column": end_column });
        let expected = json!({
            "format_version": "1.0", "trueup": env!("CARGO_PKG_VERSION"), "project": "acme", "environment": null, "digest": "sha256:…", "errored": false,
            "targets": { "kaiten": { "provider": "kaiten", "url": "https://kaiten.example.com/", "api": "core" } },
            "summary": { "create": 0, "update": 1, "replace": 0, "delete": 0, "recover": 0, "wait": 0, "blocked": 0, "unchanged": 0 },
            "actions": [{
                "address": "instances.acme", "kind": "instances", "target": "kaiten", "action": "update",
                "reason": { "code": "drift", "message": "2 fields differ" },
                "source": place(2, 3, 3, 15),
                "identity": { "slug": "acme" }, "requires": ["customers.acme"],
                "observed": { "id": "c-1", "version": null },
                "changes": [
                    { "path": "name", "before": null, "after": "Acme", "source": place(3, 11, 3, 15) },
                    { "path": "metadata.database", "before": "old", "after": null, "unknown": true },
                    { "path": "metadata.password", "before": null, "after": null, "sensitive": true },
                    { "path": "parameters", "before": null, "after": { "b": 1, "a": [true] }, "unverifiable": true },
                ],
                "takes_along": ["the service key `ci`"],
            }],
            "terms": {
                "only": [], "allow_replace": [], "allow_cascade": [], "allow_deletes": 5, "resend_parameters": [],
                "declared": { "instances.acme": "sha256:…" },
            },
            "requests": { "read": 7, "write": 1 }, "diagnostics": [],
        });
        assert_eq!(document.to_string(), expected.to_string());
    }

    #[test]
    fn an_action_this_version_does_not_carry_out_says_so() {
        let (mut plan, sources) = example();
        plan.steps[0].executable = false;
        let document = json_of(&plan, &sources);
        assert_eq!(document["actions"][0]["executable"], json!(false));
        let read: Document = serde_json::from_value(document).expect("reads back");
        assert!(!read.actions[0].executable);
    }

    #[test]
    fn a_document_reads_back_and_ignores_keys_it_does_not_know() {
        let (mut plan, sources) = example();
        plan.diagnostics.push(Diagnostic::error(Code::Internal, "odd"));
        let document = Document::new(&plan, &sources);
        assert!(document.errored);
        let mut json = serde_json::to_value(&document).expect("plain data");
        json["from_the_future"] = json!(1);
        json["actions"][0]["from_the_future"] = json!(1);
        assert_eq!(serde_json::from_value::<Document>(json).expect("reads back"), document);
    }

    #[test]
    fn the_digest_covers_everything_but_itself_and_no_order_of_keys() {
        let (plan, sources) = example();
        let document = json_of(&plan, &sources);
        let said = document["digest"].as_str().expect("a string");
        assert_eq!(said, digest(&document));
        assert_eq!(digest(&json!({ "b": [1, { "d": 2, "c": "é" }], "a": null, "digest": "x" })), {
            // printf '{"a":null,"b":[1,{"c":"é","d":2}]}' | sha256sum
            "sha256:3d4abc6788c2fb8ffa60be9d67971a30b9ad0b244e391d9b62df0a39f74349c7"
        });
        let mut altered = document.clone();
        altered["actions"][0]["changes"][0]["after"] = json!("Acme Corp");
        assert_ne!(said, digest(&altered));
    }

    #[test]
    fn actions_are_named_in_json_as_everywhere() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_value(action).expect("a string"), json!(action.as_str()));
        }
        let (plan, sources) = example();
        let summary = serde_json::to_value(Document::new(&plan, &sources).summary).expect("plain data");
        let names: Vec<&String> = summary.as_object().expect("an object").keys().collect();
        assert_eq!(names, Action::ALL.map(Action::as_str));
    }
}
