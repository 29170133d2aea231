//! What shall not exist.

use super::{only, requires, resource};
use crate::config::testing::load;

#[test]
fn a_tombstone_needs_no_more_than_what_identifies_it() {
    let desired = load("customers:\n  acme: { lifecycle: { absent: true } }\n").desired();
    assert!(resource(&desired, "customers", "acme").lifecycle.absent.is_some());
    let told = only("service_instances:\n  db: { lifecycle: { absent: true } }\n");
    assert!(told.contains("missing_field | missing field `space`"), "{told}");
    let told = only("customers:\n  acme: { domain: 5, lifecycle: { absent: true } }\n");
    assert!(told.contains("wrong_type | "), "what is written is looked at all the same: {told}");
}

#[test]
fn nothing_that_shall_exist_refers_to_what_shall_not() {
    let text = |lifecycle: &str| {
        format!(
            "customers:\n  acme: {{ lifecycle: {{ absent: true }} }}\ninstances:\n  one: {{ name: A, customer: acme, license: growth, \
             start_license_date: 2026-09-01T00:00:00Z, end_license_date: 2026-09-01T00:00:00Z{lifecycle} }}\n"
        )
    };
    let loaded = load(&text(""));
    let shown = loaded.shown();
    assert!(shown.contains("refers_to_absent"), "{shown}");
    assert!(shown.contains("refers to it here") && shown.contains("its deletion is asked for here"), "{shown}");
    let both = load(&text(", lifecycle: { absent: true }")).desired();
    assert_eq!(requires(&resource(&both, "instances", "one")), ["customers.acme"]);
    let expression =
        "customers:\n  acme: { lifecycle: { absent: true } }\n  beta: { name: \"${customers.acme.slug}\" }\n";
    assert!(only(expression).contains("`customers.beta` needs `customers.acme`, which shall not exist"));
    let depends = "customers:\n  acme: { lifecycle: { absent: true } }\n  beta: { name: B, lifecycle: { depends_on: [customers.acme] } }\n";
    assert!(only(depends).contains("`customers.beta` needs `customers.acme`, which shall not exist"));
}

#[test]
fn a_tombstone_has_no_earlier_name() {
    let told = only("organizations:\n  new: { lifecycle: { absent: true, was: old } }\n");
    assert!(told.contains("`organizations.new` is absent and has an earlier name"), "{told}");
}
