use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::change::tests::update;
use super::super::dialect::Dialect;
use super::super::tests::{create, endpoint};
use super::super::wire::project;
use super::*;
use crate::clock::Clock;
use crate::diff::diff;
use crate::kind::Provider;
use crate::model::{Address, Fields, FileId, Identity, Lifecycle, Locate, Places, Resource, SourceFile, Sources, Span};

fn map(json: &Json) -> Value {
    Value::from_json(json)
}

fn fields(json: &Json) -> Fields {
    let named = SECTION.fields.iter().filter_map(|field| Some((field.name, Value::from_json(json.get(field.name)?))));
    named.collect()
}

fn seen(row: &Json) -> Observed {
    project(&SECTION, Dialect::Core, row.as_object().unwrap()).unwrap()
}

fn seats() -> Json {
    json!({"id": "e1", "slug": "seats", "name": "Seats", "description": null, "type": "NUMBER",
        "aggregationMethod": "SUM", "resetPeriod": "MONTH", "resetAnchor": "CALENDAR", "warningThresholdPercent": 80,
        "userFacing": true, "displayOrder": 3, "icon": "lucide:chair", "unitSingular": "seat", "unitPlural": "seats",
        "saleUnitSingular": "pack", "saleUnitPlural": "packs", "saleUnitFactor": 10,
        "entitlementGroups": [{"id": "g2", "slug": "team", "name": "Team"}, {"id": "g1", "slug": "core", "name": "C"}]})
}

#[test]
fn what_kaiten_tells_is_no_difference() {
    let declared = fields(&json!({"name": "Seats", "type": "NUMBER", "reset_period": "MONTH",
        "units": {"singular": "seat", "plural": "seats"},
        "sale_units": {"factor": 10.0, "plural": "packs", "singular": "pack"}, "groups": ["core", "team"]}));
    assert_eq!(diff(&SECTION, &declared, &seen(&seats()).fields, &[]), []);
    let bare = json!({"id": "e", "slug": "sso", "name": "SSO", "description": null, "type": "BOOLEAN",
        "warningThresholdPercent": 0, "entitlementGroups": null});
    let declared = fields(&json!({"name": "SSO", "type": "BOOLEAN", "groups": []}));
    assert_eq!(diff(&SECTION, &declared, &seen(&bare).fields, &[]), []);
}

async fn server(row: &Json) -> (MockServer, Kaiten) {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/entitlements/seats"))
        .respond_with(ResponseTemplate::new(200).set_body_json(row))
        .mount(&server)
        .await;
    let kaiten = Provided::connect(&endpoint(&server.uri(), Some("core")), &Clock::system()).await.unwrap();
    (server, kaiten)
}

#[tokio::test]
async fn an_update_repeats_what_a_put_would_clear_or_refuse() {
    let (server, kaiten) = server(&seats()).await;
    Mock::given(method("PUT"))
        .and(body_json(json!({"name": "Places", "description": null, "type": "NUMBER", "aggregationMethod": "SUM",
            "resetPeriod": "MONTH", "resetAnchor": "CALENDAR", "warningThresholdPercent": 80, "userFacing": true,
            "displayOrder": 3, "icon": "lucide:chair", "unitSingular": "place", "unitPlural": "seats",
            "saleUnitSingular": "pack", "saleUnitPlural": "packs", "saleUnitFactor": 10})))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let declared = fields(&json!({"name": "Places", "units": {"singular": "place", "plural": "seats"}}));
    update(&kaiten, "entitlements", "seats", &seen(&seats()), &declared).await.unwrap();
}

#[tokio::test]
async fn a_boolean_is_not_sent_what_only_numbers_have() {
    let row = json!({"id": "e1", "slug": "seats", "name": "SSO", "description": "x", "type": "BOOLEAN",
        "warningThresholdPercent": 0, "userFacing": false, "displayOrder": 0});
    let (server, kaiten) = server(&row).await;
    Mock::given(method("PUT"))
        .and(body_json(json!({"name": "SSO", "description": "x", "type": "BOOLEAN", "userFacing": false,
            "displayOrder": 0, "groupSlugs": []})))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let mut observed = seen(&row);
    observed.fields.set("groups", map(&json!(["core"])));
    update(&kaiten, "entitlements", "seats", &observed, &fields(&json!({"groups": []}))).await.unwrap();
}

#[tokio::test]
async fn a_create_says_the_description_and_takes_units_apart() {
    let (server, kaiten) = server(&seats()).await;
    Mock::given(method("POST"))
        .and(body_json(json!({"slug": "seats", "name": "Seats", "description": null, "type": "NUMBER",
            "unitSingular": "seat", "unitPlural": "seats", "groupSlugs": ["core"]})))
        .respond_with(ResponseTemplate::new(201).set_body_json(seats()))
        .expect(1)
        .mount(&server)
        .await;
    let declared = fields(&json!({"name": "Seats", "type": "NUMBER", "groups": ["core"],
        "units": {"singular": "seat", "plural": "seats"}}));
    create(&kaiten, "entitlements", "seats", &declared).await.unwrap();
}

#[tokio::test]
async fn one_that_is_in_use_says_why_it_cannot_be_deleted() {
    let (server, kaiten) = server(&seats()).await;
    let failed = ResponseTemplate::new(500).set_body_json(json!({"code": "INTERNAL", "errorId": "e"}));
    Mock::given(method("DELETE")).respond_with(failed).mount(&server).await;
    let registry = crate::providers::registry();
    let kind = registry.kind("entitlements").unwrap().declared().unwrap();
    let error = kind.delete(&seen(&seats()), false, &kaiten).await.unwrap_err();
    assert!(error.help.as_deref().unwrap().contains("a license grants"), "{error:?}");
}

struct Nowhere(FileId);

impl Locate for Nowhere {
    fn value(&self, _: &Path) -> (Span, bool) {
        (Span::new(self.0, 0..1), false)
    }

    fn key(&self, _: &Path) -> Option<Span> {
        None
    }
}

fn checked(declared: &Json, observed: Option<&Json>) -> Vec<String> {
    let span = Span::new(Sources::default().add(SourceFile::new("a.yaml", "")), 0..1);
    let (fields, observed) = (fields(declared), observed.map(seen));
    let identity = Identity::single("slug", "seats");
    let resource = Resource {
        address: Address::new("entitlements", "seats"),
        target: "kaiten".into(),
        identity: identity.clone(),
        fields: fields.clone(),
        lifecycle: Lifecycle::default(),
        span,
        key_span: span,
        places: Places::new(Arc::new(Nowhere(span.file))),
        requires: Vec::new(),
        parts: Vec::new(),
    };
    let facts = Facts { provider: "kaiten", url: "http://localhost".into(), api: "core", read_only: None };
    let found = Entitlement::check(Check {
        resource: &resource,
        proposal: Proposal { address: &resource.address, identity: &identity, fields: &fields },
        observed: observed.as_ref(),
        collections: &BTreeMap::new(),
        facts: &facts,
        declared: &indexmap::IndexMap::new(),
    });
    found.into_iter().map(|found| found.message).collect()
}

#[test]
fn what_kaiten_would_drop_or_refuse_is_told_before() {
    for (declared, words) in [
        (json!({"type": "BOOLEAN", "warning_threshold_percent": 0}), "type `BOOLEAN` has no `warning_threshold"),
        (json!({"type": "CONFIG", "aggregation_method": "SUM"}), "type `CONFIG` has no `aggregation_method`"),
        (json!({"type": "NUMBER", "aggregation_method": "LATEST", "reset_period": "DAY"}), "does not begin anew"),
        (json!({"type": "NUMBER", "reset_anchor": "CALENDAR"}), "there is none"),
        (json!({"type": "NUMBER", "units": {"singular": "seat"}}), "`units` needs `plural`"),
        (json!({"type": "NUMBER", "units": {"singular": "a", "plural": "b", "factor": 1}}), "`units` has no `factor`"),
        (
            json!({"type": "NUMBER", "units": {"singular": "a", "plural": "b"},
                "sale_units": {"singular": "a", "plural": "b", "factor": 0}}),
            "`sale_units` needs `factor`",
        ),
        (
            json!({"type": "NUMBER", "sale_units": {"singular": "a", "plural": "b", "factor": 1}}),
            "`sale_units` are made of `units`",
        ),
    ] {
        let told = checked(&declared, None);
        assert!(told.len() == 1 && told[0].contains(words), "{declared}: {told:?}");
    }
    assert_eq!(checked(&json!({"type": "NUMBER_AI_CREDIT", "reset_period": "DAY"}), None), [""; 0]);
}

#[test]
fn a_period_is_set_once() {
    let changed = json!({"type": "NUMBER", "reset_period": "DAY", "reset_anchor": "CALENDAR"});
    assert_eq!(checked(&changed, Some(&seats())), ["`reset_period` stays what it was once set to, `MONTH`"]);
    let mut unset = seats();
    unset["resetPeriod"] = Json::Null;
    unset["resetAnchor"] = Json::Null;
    assert_eq!(checked(&changed, Some(&unset)), [""; 0]);
    assert_eq!(checked(&json!({"type": "NUMBER", "reset_anchor": "CALENDAR"}), Some(&seats())), [""; 0]);
}
