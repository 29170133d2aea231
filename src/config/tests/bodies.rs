//! Fields and lifecycles.

use std::time::Duration;

use super::{only, requires, resource};
use crate::config::testing::load;
use crate::model::{Consent, OnExists, Path, Value};

/// An instance with these lines besides the required ones.
fn instance(lines: &str) -> String {
    let body = "name: A\n    customer: acme-x\n    license: growth\n    start_license_date: 2026-09-01T00:00:00Z";
    format!("instances:\n  acme:\n    {body}\n    end_license_date: 2027-09-01T00:00:00Z\n    {lines}\n")
}

#[test]
fn fields_come_in_the_order_of_the_table_however_they_are_written() {
    let desired = load(&instance("slug: acme-1\n    metadata: { z: 1, a: ~ }")).desired();
    let instance = resource(&desired, "instances", "acme");
    let fields: Vec<&str> = instance.fields.iter().map(|(name, _)| name).collect();
    assert_eq!(fields, ["slug", "name", "customer", "license", "start_license_date", "end_license_date", "metadata"]);
    let metadata = instance.fields.get("metadata").and_then(Value::as_map).expect("a mapping");
    let keys: Vec<&str> = metadata.keys().map(|key| &**key).collect();
    assert_eq!(keys, ["z", "a"]);
    assert_eq!(metadata["a"], Value::Null, "inside a free-form mapping null is a value");
}

#[test]
fn values_are_found_again_by_their_path() {
    let desired = load(&instance("metadata: { a: [1, { b: здесь }] }")).desired();
    let instance = resource(&desired, "instances", "acme");
    let text = |span| desired.sources.text(span).to_owned();
    let path = |path: &str| Path::parse(path).expect("a path");
    assert_eq!(text(instance.places.value(&path("metadata.a[1].b"))), "здесь");
    assert_eq!(instance.places.key(&path("metadata.a")).map(text).as_deref(), Some("a"));
    assert_eq!(text(instance.places.value(&path("metadata.a[5].c"))), "[1, { b: здесь }]");
    assert_eq!(instance.places.exact(&path("metadata.b")), None);
    assert_eq!(text(instance.places.value(&path("description"))), "acme", "what is not written is told at the key");
    assert_eq!(text(instance.places.value(&path("platform.type"))), "acme");
    assert!(text(instance.span).starts_with("acme:\n") && text(instance.span).ends_with("здесь }] }"));
}

#[test]
fn missing_fields_are_told_together_at_the_key() {
    insta::assert_snapshot!(load("instances:\n  acme: { name: A, customer: acme-x, licenseId: b }\n").shown(), @r"
    a.yaml:2:3-2:7 config::missing_field: missing fields `start_license_date` and `end_license_date`
        here: this instance lacks them
        help: every instance needs them
    a.yaml:2:38-2:47 config::unknown_field: unknown field `licenseId`
        here: not a field of `instances`
        help: did you mean `license`? it takes a declared key or slug; an id is written `{ id: … }`
    ");
    assert_eq!(
        only("customers: { acme: {} }"),
        "1:14 missing_field | missing field `name` | add `name: …`: the name people see"
    );
}

#[test]
fn an_api_s_spelling_finds_our_field() {
    for (section, wrong, right) in [
        ("customers", "externalCustomerID", "external_customer_id"),
        ("customers", "Name", "name"),
        ("licenses", "isDefault", "default"),
        ("instances", "customer_id", "customer"),
        ("instances", "customerSlug", "customer"),
        ("instances", "startLicenseDate", "start_license_date"),
        ("instances", "licence", "license"),
        ("spaces", "organization_guid", "organization"),
        ("service_instances", "service_plan_guid", "plan"),
        ("service_instances", "service_plan", "plan"),
        ("service_instances", "servicePlanGuid", "plan"),
        ("service_instances", "service_broker_name", "broker"),
        ("service_instances", "paramaters", "parameters"),
    ] {
        let shown = load(&format!("{section}:\n  acme: {{ {wrong}: x }}\n")).shown();
        assert!(shown.contains(&format!("help: did you mean `{right}`?")), "{wrong}: {shown}");
    }
}

#[test]
fn no_value_is_an_error_at_the_key_however_it_is_written() {
    for null in ["", "~", "null"] {
        let told = only(&format!("customers:\n  acme:\n    name: A\n    domain: {null}\n"));
        assert!(told.starts_with("4:5 wrong_type | `domain` has no value"), "{told}");
    }
    let told = only("customers:\n  acme:\n    name: A\n    lifecycle:\n");
    assert!(told.starts_with("4:5 wrong_type | `lifecycle` has no value"), "{told}");
    let told = only("customers:\n  acme: { name: A, lifecycle: { protect: ~ } }\n");
    assert!(told.starts_with("2:33 wrong_type | `protect` has no value"), "{told}");
}

#[test]
fn dates_out_of_order_are_told_at_both() {
    let text = instance("description: x").replace("2027-09-01T00:00:00Z", "2026-09-01T00:30:00+01:00");
    insta::assert_snapshot!(load(&text).shown(), @r"
    a.yaml:7:23-7:48 config::date_order: `end_license_date` is before `start_license_date`
        here: this is earlier
        a.yaml:6:25-6:45: than this
        help: the remote does not check this: correct one of the dates
    ");
    let equal = instance("description: x").replace("2027-09-01T00:00:00Z", "2026-09-01T01:00:00+01:00");
    assert!(load(&equal).desired.is_some(), "the same instant is not before itself");
}

#[test]
fn a_field_this_version_does_not_carry_out_is_refused_with_its_reason() {
    assert_eq!(
        only("licenses:\n  growth: { name: A, type: PAID, entitlements: { a: 1 } }\n"),
        "2:34 unsupported | this version does not manage `entitlements` | set entitlements in the console"
    );
}

#[test]
fn a_lifecycle_is_read_in_full() {
    let text = "customers:\n  acme:\n    name: A\n    lifecycle:\n      depends_on: [organizations.o, organizations.o]\n      \
                protect: true\n      absent: false\n      ignore: [domain, 'name']\n      on_exists: adopt_if_equal\n      \
                timeout: 90s\n      replace: false\n      cascade: false\norganizations: { o: {} }\n";
    let desired = load(text).desired();
    let acme = resource(&desired, "customers", "acme");
    assert_eq!(requires(&acme), ["organizations.o"]);
    let lifecycle = &acme.lifecycle;
    assert_eq!(lifecycle.depends_on.len(), 2);
    assert_eq!(desired.sources.text(lifecycle.depends_on[0].span), "organizations.o");
    assert_eq!(lifecycle.protect.map(|span| desired.sources.text(span).to_owned()).as_deref(), Some("protect: true"));
    assert!(lifecycle.absent.is_none() && lifecycle.was.is_none());
    assert_eq!(lifecycle.ignore[1].value, Path::field("name"));
    assert_eq!(lifecycle.on_exists, OnExists::AdoptIfEqual);
    assert_eq!(lifecycle.timeout, Some(Duration::from_secs(90)));
    assert!(!lifecycle.consent.replace && !lifecycle.consent.cascade);
}

#[test]
fn what_this_version_does_not_do_yet_is_refused_where_it_is_asked_for() {
    let told = only("customers:\n  acme: { name: A, lifecycle: { was: old } }\n");
    assert!(told.contains("unsupported | this version does not rename customers yet | "), "{told}");
    assert!(told.starts_with("2:33 "), "{told}");
}

#[test]
fn consents_and_earlier_names_are_read() {
    let text = "organizations:\n  new:\n    lifecycle: { was: old, replace: true, cascade: true }\n";
    let desired = load(text).desired();
    let lifecycle = resource(&desired, "organizations", "new").lifecycle;
    let was = lifecycle.was.expect("written");
    assert_eq!((&*was.value, desired.sources.text(was.span)), ("old", "was: old"));
    assert_eq!(lifecycle.consent, Consent { replace: true, cascade: true, resend: false });
    let without = "customers:\n  acme: { name: A, lifecycle: { replace: false, cascade: false } }\n";
    assert_eq!(resource(&load(without).desired(), "customers", "acme").lifecycle.consent, Consent::default());
}

#[test]
fn timeouts_have_a_unit_and_bounds() {
    let told =
        |timeout: &str| only(&format!("customers:\n  acme: {{ name: A, lifecycle: {{ timeout: {timeout} }} }}\n"));
    assert!(told("0s").contains("from `1s` to `24h`"));
    assert!(told("1441m").contains("from `1s` to `24h`"));
    assert!(told("60").contains("`timeout` has no unit"));
    assert!(told("1 day").contains("`1 day` is not a duration"));
    assert!(told("[1]").contains("takes a duration such as `60m`, not a list"));
}

#[test]
fn sensitive_fields_hide_each_of_their_values() {
    let text = "service_instances:\n  db:\n    space: a/b\n    plan: c/d\n    secret: { a: S3CRET, b: { c: [S3CRET] }, \
                d: ['S3CRET ${service_instances.x.guid}'] }\n  x: { space: a/b, plan: c/d }\n";
    let desired = load(text).desired();
    let secret = resource(&desired, "service_instances", "db").fields.get("secret").cloned().expect("declared");
    let map = secret.as_map().expect("one change a key");
    assert!(matches!(map["a"], Value::Sensitive(_)) && matches!(map["b"], Value::Sensitive(_)));
    match &map["d"] {
        Value::List(items) => assert!(matches!(&items[0], Value::Template(template) if template.sensitive)),
        other => panic!("a template stays one, not {other:?}"),
    }
}
