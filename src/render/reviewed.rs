//! A plan to review, for the tests of the formats for reviewers: one of each action, and values that would like to be more.

use serde_json::{Value, json};

use crate::model::{Address, Code, Diagnostic, Facts, Identity, Path, RemoteProblem, SourceFile, Sources, Span};
use crate::plan::{Action, Change, Covered, Plan, Reason, Seen, Shown, Step, Terms, Undeclared};

/// Everything that Markdown, HTML, a workflow command or a terminal might take for its own.
pub(super) const NASTY: &str = "@octocat fixes #12 <script>alert(1)</script> ![x](http://evil.example/a.png) \
                                ```\n::error::pwned %0A ##[error]x\n</details> --> <!-- \u{202e}\u{1b}[31m & \"'` www.evil.example GH-3 \
                                ]]> $(id) a|b {0} \u{200b}\u{e0041} &#64;x";

const YAML: &str = "\
customers:
  acme:
    name: Acme Corp
    domain: acme.com
  globex:
    name: Globex west
service_instances:
  acme-db:
    space: acme/production
    plan: postgres/large
    parameters:
      size: 2
  legacy:
    lifecycle:
      absent: true
instances:
  acme-production:
    name: Acme production
    customer: acme
    description: |
      @octocat fixes #12 <script>alert(1)</script>
    license: growht
  moved:
    name: Moved
";

fn change(path: &str, before: Shown, after: Shown, source: Option<Span>) -> Change {
    Change { path: Path::parse(path).expect("a path"), before, after, source, cause: None }
}

/// A plan and its sources.
pub(super) fn reviewed() -> (Plan, Sources) {
    reviewed_with(NASTY)
}

/// The same with another text in all places a remote or a YAML file can fill.
pub(super) fn reviewed_with(nasty: &str) -> (Plan, Sources) {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("resources/acme.yaml", YAML));
    let at = |part: &str| {
        let start = YAML.find(part).unwrap_or_else(|| panic!("{part} is in the YAML"));
        Span::new(file, start..start + part.len())
    };
    let json = |value: Value| Shown::Json(value);
    let step = |action, section: &'static str, key: &str, why: &str, span: &str, changes| Step {
        address: Address::new(section, key),
        target: if section.starts_with("service") { "cf".into() } else { "kaiten".into() },
        action,
        reason: Reason { code: "test", message: why.to_owned() },
        source: at(span),
        identity: Identity::single("slug", key),
        requires: Vec::new(),
        changes,
        takes_along: Vec::new(),
        observed: (action != Action::Create).then(|| Seen { id: "c-42".into(), version: None }),
        executable: action != Action::Recover,
        writes: 1,
        cause: None,
    };
    let mut steps = vec![
        step(Action::Unchanged, "licenses", "growth", "as declared", "growht", vec![]),
        step(
            Action::Create,
            "customers",
            "acme",
            "no customer with slug acme",
            "acme:\n    name: Acme Corp\n    domain: acme.com",
            vec![
                change("name", Shown::Nothing, json(json!("Acme Corp")), Some(at("Acme Corp"))),
                change("domain", Shown::Nothing, json(json!("acme.com")), Some(at("acme.com"))),
            ],
        ),
        step(
            Action::Update,
            "customers",
            "globex",
            "2 fields differ",
            "globex:\n    name: Globex west",
            vec![
                change("name", json(json!("Globex east")), json(json!("Globex west")), Some(at("Globex west"))),
                change("domain", json(json!(nasty)), json(json!(nasty.replace('e', "é"))), None),
                change("external_customer_id", json(json!("g-1")), Shown::Nothing, None),
            ],
        ),
        step(
            Action::Replace,
            "service_instances",
            "acme-db",
            nasty,
            "acme-db:\n    space: acme/production\n    plan: postgres/large\n    parameters:\n      size: 2",
            vec![
                change(
                    "plan",
                    json(json!("postgres/small")),
                    json(json!("postgres/large")),
                    Some(at("postgres/large")),
                ),
                change("tags", json(json!(["acme", nasty])), json(json!(["acme", "shop"])), None),
                change("parameters", Shown::Unverifiable, json(json!({ "size": 2 })), Some(at("size: 2"))),
                change("parameters.password", Shown::Sensitive, Shown::Sensitive, None),
            ],
        ),
        step(
            Action::Delete,
            "service_instances",
            "legacy",
            "declared absent",
            "legacy:\n    lifecycle:\n      absent: true",
            vec![],
        ),
        step(
            Action::Create,
            "instances",
            "acme-production",
            "no instance with slug acme-production",
            "acme-production:\n    name: Acme production",
            vec![
                change("name", Shown::Nothing, json(json!("Acme production")), Some(at("Acme production"))),
                change("description", Shown::Nothing, json(json!(format!("first\n{nasty}\nlast\n"))), None),
                change("metadata.database", Shown::Nothing, Shown::Unknown, None),
            ],
        ),
        step(Action::Recover, "service_instances", "search", "its create failed", "acme-db", vec![]),
        step(Action::Wait, "service_instances", "queue", "being created", "acme-db", vec![]),
        step(Action::Blocked, "instances", "moved", nasty, "moved:\n    name: Moved", vec![]),
    ];
    steps[3].takes_along = vec!["the service key `ci`".to_owned(), nasty.to_owned()];
    steps[5].requires = vec![Address::new("customers", "acme"), Address::new("service_instances", "acme-db")];
    let problems = vec![
        Diagnostic::warning(Code::RemoteWarning, nasty).at(at("Globex west"), nasty),
        Diagnostic::error(Code::ReferenceNotFound, "no license `growht`")
            .at(at("growht"), "neither declared nor in the remote")
            .also(at("Acme production"), "the instance")
            .help("did you mean `growth`?")
            .on(&Address::new("instances", "acme-production")),
        Diagnostic::error(Code::Refused, nasty).help(nasty).remote(RemoteProblem {
            method: "GET".into(),
            path: "/api/customers".into(),
            status: Some(422),
            code: Some(nasty.into()),
            detail: Some(nasty.into()),
            request_id: None,
        }),
    ];
    let facts = |provider, url: &str, api| Facts { provider, url: url.into(), api, read_only: None };
    let plan = Plan {
        taken: None,
        project: nasty.into(),
        environment: Some(nasty.into()),
        targets: [
            ("cf".into(), facts("cloudfoundry", "https://api.cf.example.com/", "v3")),
            ("kaiten".into(), facts("kaiten", nasty, "core")),
        ]
        .into(),
        steps,
        terms: Terms::default(),
        base: None,
        reads: 7,
        diagnostics: problems,
        undeclared: Some(undeclared(nasty)),
    };
    (plan, sources)
}

/// Of customers all is declared, of instances not, and quite another kind could not be read.
fn undeclared(nasty: &str) -> Vec<Covered> {
    let registry = crate::providers::registry();
    let covered = |target: &str, section, exists, names: &[&str]| Covered {
        target: target.into(),
        section: registry.section(section).expect("a kind"),
        exists,
        undeclared: names
            .iter()
            .map(|name| Undeclared { identity: Identity::single("slug", *name), id: "i-1".into() })
            .collect(),
    };
    vec![
        covered("kaiten", "customers", Some(3), &[]),
        covered("kaiten", "instances", Some(5), &["initech-production", nasty]),
        covered("kaiten", "releases", Some(0), &[]),
        covered("cf", "service_keys", None, &[]),
    ]
}

/// The plan without its problems, as long as the number says.
pub(super) fn long(nasty: &str, copies: usize) -> (Plan, Sources) {
    let (mut plan, sources) = reviewed_with(nasty);
    let steps = std::mem::take(&mut plan.steps);
    for copy in 0..copies {
        for step in &steps {
            let mut step = step.clone();
            step.address.key = format!("{}-{copy}", step.address.key).into();
            plan.steps.push(step);
        }
    }
    (plan, sources)
}
