//! Small kinds to test with: tables much like the real ones, and no remote behind them.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use tempfile::TempDir;
use url::Url;

use crate::kind::{
    Kind, Provider, Readable, Reader, Registry, RemoteError, Requests, Session, SessionOf, Wanted, Writer,
};
use crate::model::{
    Attribute, Compare, Desired, Diagnostic, Diagnostics, Facts, Field, Format, KeyPart, KeySource, Observed, Section,
    Sensitive, Shape, SourceFile, Sources, Span, Value,
};
use crate::settings::{Endpoint, Limits, Settings, TargetSettings, TargetUrl, Variable};

static SLUG: Format = Format {
    what: "a slug",
    pattern: "[a-z0-9][a-z0-9-]*[a-z0-9]",
    min: 2,
    max: 100,
    help: "2 to 100 characters: `a` to `z`, digits and `-`, which neither starts nor ends it",
};
static DOMAIN: Format = Format {
    what: "a domain",
    pattern: r"[a-z0-9_-]+(\.[a-z0-9_-]+)+",
    min: 1,
    max: 255,
    help: "lower case, with a dot, for instance `acme.com`",
};
const NAME: Shape = Shape::Text { min: 1, max: 255 };

const fn to(section: &'static str) -> Shape {
    Shape::Reference { section, qualifier: None, with_slug: false }
}

const fn part(name: &'static str, from: KeySource, shape: Shape) -> KeyPart {
    KeyPart { name, from, shape }
}

const KAITEN: Section = Section {
    name: "",
    singular: "",
    provider: "kaiten",
    doc: "",
    declarable: true,
    apis: &[],
    key: &[part("slug", KeySource::Key, Shape::Format(&SLUG))],
    fold_case: false,
    fields: &[],
    attributes: &[
        Attribute::new("id", "id", "The id."),
        Attribute::new("created_at", "createdAt", "When it was created."),
    ],
    example: "",
};

static CUSTOMERS: Section = Section {
    name: "customers",
    singular: "customer",
    fields: &[
        Field::new("name", "name", Shape::Text { min: 1, max: 255 }, "The name people see.").required(),
        Field::new("domain", "domain", Shape::Format(&DOMAIN), "The customer's domain."),
        Field::new("external_customer_id", "externalCustomerId", NAME, "The id elsewhere."),
    ],
    ..KAITEN
};

static LICENSES: Section = Section {
    name: "licenses",
    singular: "license",
    fields: &[
        Field::new("name", "name", Shape::Text { min: 1, max: 100 }, "The name.").required(),
        Field::new("type", "type", Shape::Enum(&["DEVELOPMENT", "TRIAL", "PAID", "COMMUNITY"]), "The type.").required(),
        Field::new("default", "isDefault", Shape::Boolean, "Whether it is its family's default."),
        Field::new("seats", "seats", Shape::Integer { min: 1, max: 1000 }, "How many."),
        Field::new("entitlements", "entitlements", Shape::Object, "What it grants.")
            .unsupported("set entitlements in the console"),
    ],
    ..KAITEN
};

static INSTANCES: Section = Section {
    name: "instances",
    singular: "instance",
    key: &[part("slug", KeySource::FieldOrKey, Shape::Format(&SLUG))],
    fields: &[
        Field::new("slug", "slug", Shape::Format(&SLUG), "The slug."),
        Field::new("name", "name", NAME, "The name.").required(),
        Field::new("description", "description", Shape::Text { min: 0, max: 10_000 }, "What it is.").default("\"\""),
        Field::new("customer", "customerId", to("customers"), "Whose it is.").required(),
        Field::new(
            "license",
            "licenseId",
            Shape::Reference { section: "licenses", qualifier: None, with_slug: true },
            "Under which license.",
        )
        .required(),
        Field::new("start_license_date", "startLicenseDate", Shape::Instant, "From when.").required(),
        Field::new("end_license_date", "endLicenseDate", Shape::Instant, "Until when.")
            .required()
            .not_before("start_license_date"),
        Field::new("metadata", "metadata", Shape::Object, "Anything.").compare(Compare::DeclaredKeys),
        Field::new("platform", "platform", Shape::Object, "Where it runs.").only(&["seed"]),
    ],
    ..KAITEN
};

const CF: Section = Section {
    name: "",
    singular: "",
    provider: "cloudfoundry",
    doc: "",
    declarable: true,
    apis: &[],
    key: &[part("name", KeySource::FieldOrKey, NAME)],
    fold_case: true,
    fields: &[],
    attributes: &[Attribute::new("guid", "guid", "The guid.")],
    example: "",
};

static ORGANIZATIONS: Section = Section {
    name: "organizations",
    singular: "organization",
    fields: &[Field::new("name", "name", NAME, "The name.")],
    ..CF
};

static SPACES: Section = Section {
    name: "spaces",
    singular: "space",
    key: &[part("organization", KeySource::Reference, NAME), part("name", KeySource::FieldOrKey, NAME)],
    fields: &[
        Field::new("organization", "organization_guid", to("organizations"), "Where it is.").required(),
        Field::new("name", "name", NAME, "The name."),
    ],
    ..CF
};

static SERVICE_PLANS: Section = Section {
    name: "service_plans",
    singular: "service plan",
    declarable: false,
    key: &[part("offering", KeySource::Key, NAME), part("plan", KeySource::Key, NAME)],
    ..CF
};

static SERVICE_INSTANCES: Section = Section {
    name: "service_instances",
    singular: "service instance",
    key: &[part("space", KeySource::Reference, NAME), part("name", KeySource::FieldOrKey, NAME)],
    fold_case: false,
    fields: &[
        Field::new("space", "space_guid", to("spaces"), "Where it is.").required(),
        Field::new("name", "name", NAME, "The name."),
        Field::new(
            "plan",
            "service_plan_guid",
            Shape::Reference { section: "service_plans", qualifier: Some("broker"), with_slug: false },
            "What it is an instance of.",
        )
        .required(),
        Field::new("broker", "service_broker_name", NAME, "Whose plan."),
        Field::new("parameters", "parameters", Shape::Object, "For the broker."),
        Field::new("tags", "tags", Shape::Texts { max_total: 2048 }, "For applications."),
        Field::new("gateway_data", "gateway_data", Shape::Any, "Once used.").only(&["v2"]),
        Field::new("secret", "secret", Shape::Object, "Hidden.").sensitive(),
    ],
    ..CF
};

struct Connection;

impl Session for Connection {
    fn facts(&self) -> Facts {
        unreachable!("nothing connects")
    }

    fn requests(&self) -> Requests {
        Requests::default()
    }
}

struct Nobody;

impl Provider for Nobody {
    const NAME: &'static str = "nobody";
    type Session = Connection;

    async fn connect_with(_: &Endpoint, _: crate::http::Client) -> Result<Connection, RemoteError> {
        unreachable!("nothing connects")
    }
}

macro_rules! kinds {
    ($( $kind:ident = $section:ident; )+) => { $(
        struct $kind;

        impl Readable for $kind {
            type Provider = Nobody;
            const SECTION: &'static Section = &$section;

            async fn observe(_: &Wanted<'_>, _: Reader<'_, SessionOf<Self>>) -> Result<Vec<Observed>, RemoteError> {
                unreachable!("nothing is observed")
            }
        }

        impl Kind for $kind {
            async fn create(
                _: crate::kind::Proposal<'_>,
                _: &Writer<'_, SessionOf<Self>>,
            ) -> Result<Observed, RemoteError> {
                unreachable!("nothing is created")
            }

            async fn look_up(
                _: crate::kind::Proposal<'_>,
                _: Reader<'_, SessionOf<Self>>,
            ) -> Result<Option<Observed>, RemoteError> {
                unreachable!("nothing is looked up")
            }
        }
    )+ };
}

kinds! {
    Customer = CUSTOMERS;
    License = LICENSES;
    Instance = INSTANCES;
    Organization = ORGANIZATIONS;
    Space = SPACES;
    ServicePlan = SERVICE_PLANS;
    ServiceInstance = SERVICE_INSTANCES;
}

pub(super) fn registry() -> Registry {
    Registry::default()
        .with::<Customer>()
        .with::<License>()
        .with::<Instance>()
        .with::<Organization>()
        .with::<Space>()
        .with_readable::<ServicePlan>()
        .with::<ServiceInstance>()
}

/// A project in a directory of its own.
pub(super) struct Project {
    directory: TempDir,
    files: Vec<PathBuf>,
    pub settings: Settings,
    sources: Sources,
}

/// What loading came to.
pub(super) struct Loaded {
    pub desired: Option<Desired>,
    pub diagnostics: Vec<Diagnostic>,
    pub sources: Sources,
}

impl Project {
    /// One target a provider, and two variables, one of them sensitive.
    pub fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("trueup.toml", ""));
        let span = Span::new(file, 0..0);
        let mut variables = IndexMap::new();
        for (name, value) in [
            ("region", Value::text("eu-west-1")),
            ("seats", Value::Number(25.into())),
            ("password", Sensitive::wrap(Value::text("S3CRET"))),
        ] {
            variables.insert(Arc::from(name), Variable { value, span });
        }
        let settings = Settings {
            directory: directory.path().to_owned(),
            file,
            project: "test".into(),
            environment: None,
            files: Vec::new(),
            targets: IndexMap::new(),
            variables,
            limits: Limits::default(),
        };
        let project = Self { directory, files: Vec::new(), settings, sources };
        project.target("kaiten", "kaiten", None).target("cf", "cloudfoundry", None)
    }

    pub fn target(mut self, name: &str, provider: &'static str, api: Option<&str>) -> Self {
        let target = TargetSettings {
            name: name.into(),
            provider,
            url: TargetUrl::Url(Url::parse("https://example.com").expect("a URL")),
            api: api.map(Into::into),
            auth: None,
            ca_file: None,
            skip_tls_verify: false,
            seed_writes: false,
            span: Span::new(self.settings.file, 0..0),
        };
        self.settings.targets.insert(name.into(), target);
        self
    }

    /// A variable without a value, which is told where it is declared.
    pub fn unset(mut self, name: &str) -> Self {
        let span = self.settings.variables[0].span;
        self.settings.variables.insert(name.into(), Variable { value: Value::Unknown, span });
        self
    }

    pub fn file(mut self, name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        self.files.push(path);
        self
    }

    pub fn unwritten_file(mut self, name: &str) -> Self {
        self.files.push(self.directory.path().join(name));
        self
    }

    pub fn load(&self) -> Loaded {
        self.load_by(&registry())
    }

    /// The same by other tables.
    pub fn load_by(&self, registry: &Registry) -> Loaded {
        let mut sources = self.sources.clone();
        let mut diagnostics = Diagnostics::default();
        let desired = super::load(&self.files, &self.settings, registry, &mut sources, &mut diagnostics);
        let told = diagnostics.has_errors()
            || self.settings.variables.values().any(|variable| variable.value == Value::Unknown);
        assert_eq!(desired.is_none(), told, "sound or told why not");
        Loaded { desired, diagnostics: diagnostics.into_sorted(), sources }
    }
}

/// Loads one file.
pub(super) fn load(text: &str) -> Loaded {
    Project::new().file("a.yaml", text).load()
}

impl Loaded {
    /// What is declared; the problems if there are any.
    pub fn desired(self) -> Desired {
        let shown = self.shown();
        self.desired.unwrap_or_else(|| panic!("the files are sound, not:\n{shown}"))
    }

    /// Every problem as text: place, code, message, labels and help.
    pub fn shown(&self) -> String {
        use std::fmt::Write;
        let mut shown = String::new();
        for diagnostic in &self.diagnostics {
            for (at, label) in diagnostic.labels.iter().enumerate() {
                let place = self.sources.position(label.span);
                let name = self.sources.get(label.span.file).name();
                let span = format!("{name}:{}:{}-{}:{}", place.line, place.column, place.end_line, place.end_column);
                if at == 0 {
                    let code = diagnostic.code.as_str().trim_start_matches("trueup::");
                    writeln!(shown, "{span} {code}: {}", diagnostic.message).expect("a string");
                    writeln!(shown, "    here: {}", label.message).expect("a string");
                } else {
                    writeln!(shown, "    {span}: {}", label.message).expect("a string");
                }
            }
            if let Some(help) = &diagnostic.help {
                writeln!(shown, "    help: {help}").expect("a string");
            }
        }
        shown
    }

    /// Codes and places only.
    pub fn brief(&self) -> Vec<String> {
        let brief = self.diagnostics.iter().map(|diagnostic| {
            let place = self.sources.position(diagnostic.span().expect("every problem of a file has a place"));
            let code = diagnostic.code.as_str().rsplit("::").next().unwrap_or_default();
            format!("{}:{} {code}", place.line, place.column)
        });
        brief.collect()
    }
}
