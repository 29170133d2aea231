use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::super::license;
use super::super::tests::{instance_fields, link};
use super::super::wire::project;
use super::*;
use crate::model::{Address, FileId, Identity, Locate, Places, Reference, Resource, SourceFile, Sources, Span};

/// Places every value at an offset of its own: its field's number in the table.
struct ByTable(FileId);

impl Locate for ByTable {
    fn value(&self, path: &Path) -> (Span, bool) {
        let at = SECTION.fields.iter().position(|field| Path::field(field.name) == *path).unwrap_or(99);
        (Span::new(self.0, at..at + 1), true)
    }

    fn key(&self, _: &Path) -> Option<Span> {
        None
    }
}

fn resource(fields: Fields) -> Resource {
    let file = Sources::default().add(SourceFile::new("acme.yaml", ""));
    let span = Span::new(file, 0..1);
    Resource {
        address: Address::new("instances", "acme-production"),
        target: "kaiten".into(),
        identity: Identity::single("slug", "acme-production"),
        fields,
        lifecycle: crate::model::Lifecycle::default(),
        span,
        key_span: span,
        places: Places::new(Arc::new(ByTable(file))),
        requires: Vec::new(),
        parts: Vec::new(),
    }
}

fn at(diagnostic: &Diagnostic) -> &'static str {
    SECTION.fields[diagnostic.span().unwrap().start as usize].name
}

struct World {
    declared: Fields,
    proposed: Fields,
    observed: Option<Observed>,
    collections: BTreeMap<&'static str, Collection>,
    api: &'static str,
}

impl World {
    fn core() -> Self {
        let rows = [
            ("l1", "growth", "f1", "ARCHIVED"),
            ("l2", "growth-v2", "f1", "PUBLISHED"),
            ("l3", "growth-v3", "f1", "DRAFT"),
            ("l4", "other", "f2", "PUBLISHED"),
        ];
        let licenses = rows.map(|(id, slug, family, state)| {
            let row = json!({"id": id, "slug": slug, "familyId": family, "lifecycleState": state});
            project(&license::SECTION, Dialect::Core, row.as_object().unwrap()).unwrap()
        });
        Self {
            declared: Fields::default(),
            proposed: instance_fields(),
            observed: None,
            collections: BTreeMap::from([("licenses", Collection::new(licenses.into(), false))]),
            api: "core",
        }
    }

    fn check(&self) -> Vec<Diagnostic> {
        let resource = resource(self.declared.clone());
        let identity = Identity::single("slug", "acme-production");
        Instance::check(Check {
            resource: &resource,
            proposal: Proposal { address: &resource.address, identity: &identity, fields: &self.proposed },
            observed: self.observed.as_ref(),
            collections: &self.collections,
            facts: &facts(self.api),
            declared: &indexmap::IndexMap::new(),
        })
    }
}

fn facts(api: &'static str) -> Facts {
    Facts { provider: "kaiten", url: "http://localhost".into(), api, read_only: None }
}

#[test]
fn an_archived_license_is_refused_where_it_is_declared_and_published_ones_are_named() {
    let found = World::core().check();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].code, at(&found[0])), (Code::LicenseArchived, "license"));
    assert_eq!(found[0].help.as_deref(), Some("published versions of the same family: `growth-v2`"));
}

#[test]
fn an_archived_license_is_kept_and_a_draft_is_given() {
    let mut world = World::core();
    let row = json!({"id": "i1", "slug": "acme-production", "licenseId": "l1"});
    world.observed = Some(project(&SECTION, Dialect::Core, row.as_object().unwrap()).unwrap());
    assert_eq!(world.check(), []);
    world.proposed.set("license", link(None, "l3"));
    assert_eq!(world.check(), []);
    world.proposed.set("license", Value::Unknown);
    assert_eq!(world.check(), []);
}

#[test]
fn an_end_before_its_start_is_marked_at_both() {
    let mut world = World::core();
    world.proposed.set("license", link(None, "l2"));
    world.proposed.set("end_license_date", Value::text("2026-09-01T01:00:00+02:00"));
    let found = world.check();
    assert_eq!((found[0].code, at(&found[0]), found[0].labels.len()), (Code::DateOrder, "end_license_date", 2));
    world.proposed.set("end_license_date", Value::text("2026-09-01T02:00:00+02:00"));
    assert_eq!(world.check(), [], "a license for no time at all is one");
    world.proposed.set("start_license_date", Value::Unknown);
    assert_eq!(world.check(), []);
}

#[test]
fn what_kaiten_would_store_otherwise_is_refused() {
    let mut world = World::core();
    world.proposed.set("license", link(None, "l2"));
    world.proposed.set("start_license_date", Value::text("2026-09-01T00:00:00.1235Z"));
    let map = |value: i64| Value::Map(Box::new([("size".into(), Value::Number(value.into()))].into_iter().collect()));
    world.proposed.set("metadata", map((1 << 53) + 1));
    let found = world.check();
    let told: Vec<_> = found.iter().map(|found| (found.code, found.help.as_deref().unwrap())).collect();
    assert_eq!(
        told,
        [
            (Code::InvalidValue, "write it in quotes, as a string"),
            (Code::InvalidValue, "write `2026-09-01T00:00:00.124Z`")
        ]
    );
    world.proposed.set("start_license_date", Value::text("2026-09-01T00:00:00.123Z"));
    world.proposed.set("metadata", map(-(1 << 53)));
    assert_eq!(world.check(), []);
}

#[test]
fn the_seed_dialect_wants_ids() {
    let mut world = World::core();
    world.api = "seed";
    let to = |to| Value::Reference(Box::new(Reference { section: "customers", to }));
    world.declared.set("customer", to(To::Natural { name: "acme".into(), qualifier: None }));
    world.declared.set("license", to(To::Id { id: "l1".into(), slug: Some("growth".into()) }));
    let found = world.check();
    assert_eq!(
        found.iter().map(|found| (found.code, at(found))).collect::<Vec<_>>(),
        [(Code::ApiMismatch, "customer")]
    );
    world.declared.set("license", to(To::Declared(Address::new("licenses", "growth"))));
    let found = world.check();
    assert_eq!(found[1].help.as_deref(), Some("write `license: { id: …, slug: … }`"));
    world.api = "core";
    assert!(world.check().iter().all(|found| found.code != Code::ApiMismatch));
}

#[test]
fn the_seed_dialect_recognises_by_slug_else_by_customer_and_name() {
    let object = |id: &str, slug: Option<&str>, customer: &str, name: &str| {
        let mut row = json!({"id": id, "name": name, "customerId": customer});
        if let Some(slug) = slug {
            row["slug"] = slug.into();
        }
        project(&SECTION, Dialect::Seed, row.as_object().unwrap()).unwrap()
    };
    let collection = Collection::new(
        vec![
            object("i1", Some("generated-1"), "c1", "Acme production"),
            object("i2", Some("acme-production"), "c2", "Other"),
            object("i3", None, "c3", "Bare"),
        ],
        false,
    );
    let recognised = |api, slug: Option<&str>, key: &str, customer: &str, name: &str| {
        let mut fields: Fields =
            [("name", Value::text(name)), ("customer", link(None, customer))].into_iter().collect();
        if let Some(slug) = slug {
            fields.set("slug", Value::text(slug));
        }
        let (address, identity) = (Address::new("instances", key), Identity::single("slug", key));
        let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
        let found = Instance::recognise(proposal, &collection, &facts(api));
        found.iter().map(|object| object.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        recognised("seed", None, "acme-production", "c1", "Acme production"),
        ["i1"],
        "the key is no slug there"
    );
    assert_eq!(recognised("seed", Some("acme-production"), "acme-production", "c1", "Acme production"), ["i2"]);
    assert_eq!(recognised("seed", Some("new"), "new", "c1", "Acme production"), [""; 0], "that one has another slug");
    assert_eq!(recognised("seed", Some("new"), "new", "c3", "Bare"), ["i3"], "that one may have this slug");
    assert_eq!(recognised("core", None, "acme-production", "c1", "Acme production"), ["i2"]);
}

#[test]
fn what_an_instance_is_recognised_by_is_said_where_it_is_not_its_slug() {
    let said = |api, slug: Option<&str>| {
        let mut fields = instance_fields();
        if let Some(slug) = slug {
            fields.set("slug", Value::text(slug));
        }
        let identity = Identity::single("slug", "acme-production");
        let address = Address::new("instances", "acme-production");
        let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
        Instance::recognised_by(proposal, &facts(api))
    };
    assert_eq!(said("seed", None).as_deref(), Some("with name Acme production of customer acme"));
    assert_eq!(said("seed", Some("acme-production")), None);
    assert_eq!(said("core", None), None);
}
