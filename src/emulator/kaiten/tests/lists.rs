//! Pages (§4).

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::ListShape;
use super::{Api, Clock};

fn slugs(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|row| row["slug"].as_str().unwrap().to_owned()).collect()
}

fn fill(api: &Api, count: usize) {
    for number in 0..count {
        api.create("/api/customers", &json!({"name": "n", "slug": format!("c-{number}")}));
    }
}

/// All slugs, page by page; `between` runs before each further page.
fn walk(api: &Api, limit: usize, between: impl Fn(usize)) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    for page in 1.. {
        let body = api.get(&format!("/api/customers?limit={limit}&cursor={cursor}"));
        found.extend(slugs(&body));
        let Some(next) = body.get("nextCursor") else {
            assert_eq!(body["hasMore"], false);
            break;
        };
        next.as_str().unwrap().clone_into(&mut cursor);
        assert_eq!(body["hasMore"], true);
        between(page);
    }
    found
}

#[test]
fn an_empty_list_has_items_and_no_cursor() {
    assert_eq!(Api::empty().get("/api/instances"), json!({"items": [], "hasMore": false}));
}

#[test]
fn a_page_has_fifty_rows_unless_told_otherwise_and_the_newest_comes_first() {
    let api = Api::empty();
    fill(&api, 51);
    let page = api.get("/api/customers");
    assert_eq!((slugs(&page).len(), slugs(&page)[0].as_str()), (50, "c-50"));
    let cursor = page["nextCursor"].as_str().unwrap();
    let decoded: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    assert_eq!(decoded["id"], page["items"][49]["id"]);
    assert_eq!(slugs(&api.get("/api/customers?limit=200")).len(), 51);
}

#[test]
fn what_is_created_during_a_walk_is_missed_and_what_is_deleted_is_absent() {
    let api = Api::empty();
    fill(&api, 6);
    let found = walk(&api, 2, |page| {
        if page == 1 {
            // The row the cursor points at is deleted, too.
            api.delete("/api/customers/c-4");
            api.delete("/api/customers/c-3");
            api.create("/api/customers", &json!({"name": "n", "slug": "late"}));
        }
    });
    assert_eq!(found, ["c-5", "c-4", "c-2", "c-1", "c-0"]);
}

#[test]
fn a_limit_out_of_bounds_breaks_the_schema_and_a_bad_cursor_is_a_400() {
    let api = Api::empty();
    for (limit, message) in [("0", "expected number >= 1"), ("201", "expected number <= 200"), ("x", "invalid integer")]
    {
        let (status, problem) = api.send("GET", &format!("/api/licenses?limit={limit}"), &Value::Null);
        assert_eq!((status, problem["code"].as_str()), (422, Some("UNPROCESSABLE")));
        assert_eq!(problem["errors"][0]["location"], "query.limit");
        assert_eq!(problem["errors"][0]["message"], message);
    }
    for (path, plural) in [
        ("customers", "Customers"),
        ("deployment-zones", "DeploymentZones"),
        ("licenses", "Licenses"),
        ("license-families", "LicenseFamilies"),
        ("instances", "Instances"),
    ] {
        let refusal = api.refusal("GET", &format!("/api/{path}?cursor=@@"), &Value::Null);
        assert_eq!(refusal, (400, format!("{plural}.InvalidCursor")));
    }
}

#[test]
fn lists_can_be_answered_in_other_shapes() {
    let answer = |shape: ListShape| {
        let api = Api::with(|options| options.lists = shape);
        fill(&api, 3);
        api.get("/api/customers?limit=2")
    };
    assert_eq!(answer(ListShape::Array).as_array().unwrap().len(), 3);
    assert_eq!(answer(ListShape::Total)["total"], 3);
    let broken = answer(ListShape::PagesWithoutCursor);
    assert_eq!((&broken["hasMore"], broken.get("nextCursor")), (&json!(true), None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_walk_finds_every_row_once_whatever_the_page_size(count in 0_usize..40, limit in 1_usize..12, stands_still: bool) {
        let api = Api::with(|options| {
            if stands_still {
                // All rows have one time: the id alone decides.
                options.clock = Clock::fixed("2026-01-01T00:00:00.0005Z".parse().unwrap());
            }
        });
        fill(&api, count);
        let found = walk(&api, limit, |_| {});
        prop_assert_eq!(found.len(), count);
        prop_assert_eq!(found.into_iter().collect::<HashSet<_>>().len(), count);
    }
}
