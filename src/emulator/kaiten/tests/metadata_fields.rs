//! §10.10

use serde_json::{Value, json};

use super::super::Limits;
use super::{Api, and, without};

const FIELDS: &str = "/api/metadata-fields";
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn region(resource: &str) -> Value {
    let schema = json!({"type": "string", "enum": ["eu", "us"]});
    json!({"resourceType": resource, "key": "region", "label": "Region", "jsonSchema": schema})
}

fn field(key: &str) -> Value {
    and(and(region("INSTANCE"), "key", key), "jsonSchema", json!({}))
}

fn path(field: &Value) -> String {
    format!("{FIELDS}/{}", field["id"].as_str().unwrap())
}

fn keys(api: &Api, query: &str) -> Vec<String> {
    let page = api.get(&format!("{FIELDS}?resourceType=INSTANCE{query}"));
    page["items"].as_array().unwrap().iter().map(|field| field["key"].as_str().unwrap().to_owned()).collect()
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn archive(api: &Api, field: &Value) -> Value {
    let (status, archived) = api.send("POST", &format!("{}/archive", path(field)), &Value::Null);
    assert_eq!(status, 200, "{archived}");
    archived
}

#[test]
fn fields_are_listed_by_resource_type_display_order_and_age() {
    let api = Api::empty();
    let first = api.create(FIELDS, &field("b1"));
    assert_eq!((&first["displayOrder"], first.get("archivedAt")), (&json!(0), None));
    api.create(FIELDS, &field("a1"));
    api.create(FIELDS, &and(field("c1"), "displayOrder", -1));
    api.create(FIELDS, &region("DEPLOYMENT_ZONE"));
    assert_eq!(keys(&api, ""), ["c1", "b1", "a1"]);
    let page = api.get(&format!("{FIELDS}?resourceType=INSTANCE&limit=2"));
    assert_eq!(page["hasMore"], true);
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(keys(&api, &format!("&limit=2&cursor={cursor}")), ["a1"]);
    for (query, location) in [("", "query.resourceType"), ("?resourceType=LICENSE", "query.resourceType")] {
        let (status, problem) = api.send("GET", &format!("{FIELDS}{query}"), &Value::Null);
        assert_eq!((status, &problem["errors"][0]["location"]), (422, &json!(location)));
    }
    let refusal = api.refusal("GET", &format!("{FIELDS}?resourceType=INSTANCE&cursor=x"), &Value::Null);
    assert_eq!(refusal, refused(400, "MetadataFields.InvalidCursor"));
}

#[test]
fn a_key_is_unique_among_active_fields_of_a_type() {
    let api = Api::empty();
    let first = api.create(FIELDS, &region("INSTANCE"));
    api.create(FIELDS, &region("DEPLOYMENT_ZONE"));
    let conflict = refused(409, "CreateMetadataField.KeyConflict");
    assert_eq!(api.refusal("POST", FIELDS, &region("INSTANCE")), conflict);
    assert!(archive(&api, &first)["archivedAt"].is_string());
    assert_eq!(api.refusal("POST", &format!("{}/archive", path(&first)), &Value::Null).0, 404);
    assert_eq!(keys(&api, ""), [""; 0]);
    let second = api.create(FIELDS, &region("INSTANCE"));
    let unarchive = format!("{}/unarchive", path(&first));
    let taken = refused(409, "UnarchiveMetadataField.KeyConflict");
    assert_eq!(api.refusal("POST", &unarchive, &Value::Null), taken);
    archive(&api, &second);
    let (status, active) = api.send("POST", &unarchive, &Value::Null);
    assert_eq!((status, active.get("archivedAt")), (200, None));
    assert_eq!(api.refusal("POST", &unarchive, &Value::Null), refused(404, "UnarchiveMetadataField.NotFound"));
}

#[test]
fn a_schema_must_be_one_and_every_array_needs_items() {
    let api = Api::empty();
    let refusal = |schema: Value| api.refusal("POST", FIELDS, &and(region("INSTANCE"), "jsonSchema", schema));
    assert_eq!(refusal(json!({"type": "text"})), refused(422, "MetadataField.SchemaShape.Invalid"));
    assert_eq!(refusal(json!({"type": "array"})), refused(422, "MetadataField.SchemaShape.ArrayMissingItems"));
    assert_eq!(refusal(json!("string")), refused(422, "UNPROCESSABLE"));
}

#[test]
fn an_update_echoes_what_is_immutable_and_keeps_the_type() {
    let api = Api::empty();
    let created = api.create(FIELDS, &region("INSTANCE"));
    let path = path(&created);
    let refusal = |name: &str, value: Value| api.refusal("PATCH", &path, &and(region("INSTANCE"), name, value));
    let code = |code: &str| refused(422, code);
    assert_eq!(refusal("key", json!("zone")), code("UpdateMetadataField.KeyImmutable"));
    assert_eq!(refusal("resourceType", json!("DEPLOYMENT_ZONE")), code("UpdateMetadataField.ResourceTypeImmutable"));
    assert_eq!(refusal("displayOrder", json!(0)), code("UpdateMetadataField.DisplayOrderNotSettable"));
    assert_eq!(refusal("jsonSchema", json!({"type": "number"})), code("SchemaTransition.TypeChanged"));
    assert_eq!(refusal("jsonSchema", json!({"type": "string"})), code("SchemaTransition.EnumWrapToggled"));
    let list = json!({"type": "array", "items": {"type": "string"}});
    assert_eq!(refusal("jsonSchema", list.clone()), code("SchemaTransition.TypeChanged"));
    let body = and(region("INSTANCE"), "jsonSchema", json!({"type": "string", "enum": ["us", "ap"]}));
    let (status, updated) = api.send("PATCH", &path, &and(body, "label", "Hosting region"));
    assert_eq!((status, &updated["label"]), (200, &json!("Hosting region")));
    assert_ne!(updated["updatedAt"], created["updatedAt"]);
    assert_eq!(api.refusal("PATCH", &path, &json!({"label": "x"})).0, 422);

    let tags = api.create(FIELDS, &and(field("tags"), "jsonSchema", list));
    let refusal = |items: Value| {
        let schema = json!({"type": "array", "items": items});
        api.refusal("PATCH", &self::path(&tags), &and(field("tags"), "jsonSchema", schema)).1
    };
    assert_eq!(refusal(json!({"type": "number"})), "SchemaTransition.CardinalityChanged");
    assert_eq!(refusal(json!({"type": "string", "enum": ["a"]})), "SchemaTransition.EnumWrapToggled");
    let count = api.create(FIELDS, &and(field("count"), "jsonSchema", json!({"type": "integer"})));
    let number = and(field("count"), "jsonSchema", json!({"type": "number"}));
    assert_eq!(api.send("PATCH", &self::path(&count), &number).0, 200, "an integer is a number");

    archive(&api, &created);
    assert_eq!(api.refusal("PATCH", &path, &region("INSTANCE")), code("UpdateMetadataField.Archived"));
    let unknown = format!("{FIELDS}/{NOBODY}");
    assert_eq!(api.refusal("PATCH", &unknown, &region("INSTANCE")), refused(404, "UpdateMetadataField.NotFound"));
    let (status, problem) = api.send("PATCH", &format!("{FIELDS}/region"), &region("INSTANCE"));
    assert_eq!((status, &problem["errors"][0]["location"]), (422, &json!("path.id")));
}

#[test]
fn reordering_gives_each_field_its_place_in_the_list() {
    let api = Api::empty();
    let fields = ["a1", "b1", "c1"].map(|key| api.create(FIELDS, &field(key)));
    let reorder = |ids: Value| api.send("POST", &format!("{FIELDS}/reorder"), &json!({"ids": ids}));
    assert_eq!(reorder(json!([fields[2]["id"], fields[0]["id"], fields[1]["id"]])), (204, Value::Null));
    assert_eq!(keys(&api, ""), ["c1", "a1", "b1"]);
    let zone = api.create(FIELDS, &region("DEPLOYMENT_ZONE"));
    let mixed = reorder(json!([fields[0]["id"], zone["id"]]));
    assert_eq!((mixed.0, &mixed.1["code"]), (422, &json!("ReorderMetadataFields.MixedResourceTypes")));
    archive(&api, &fields[0]);
    for ids in [json!([fields[0]["id"]]), json!([NOBODY]), json!([fields[1]["id"], fields[1]["id"]])] {
        let (status, problem) = reorder(ids);
        assert_eq!((status, &problem["code"]), (404, &json!("ReorderMetadataFields.UnknownID")));
    }
}

#[test]
fn a_dry_run_counts_what_another_schema_would_break_and_changes_nothing() {
    let (api, world) = Api::peopled();
    let created = api.create(FIELDS, &region("INSTANCE"));
    for number in 0..7 {
        let metadata = json!({"region": if number == 0 { "us" } else { "eu" }});
        api.create("/api/instances", &and(world.instance(&format!("i-{number}")), "metadata", metadata));
    }
    api.create("/api/instances", &world.instance("without"));
    let proposal = json!({"jsonSchema": {"type": "string", "enum": ["us"]}});
    let (status, impact) = api.send("POST", &format!("{}/dry-run", path(&created)), &proposal);
    assert_eq!((status, &impact["count"]), (200, &json!(6)));
    assert_eq!(impact["samples"].as_array().unwrap().len(), 5);
    assert_eq!(impact["samples"][0], json!({"name": "Acme", "slug": "i-6"}));
    let schema = json!({"jsonSchema": {"type": "array"}});
    assert_eq!(api.refusal("POST", &format!("{}/dry-run", path(&created)), &schema).0, 422);
    assert_eq!(api.get(&format!("{FIELDS}?resourceType=INSTANCE"))["items"][0], created);
}

#[test]
fn zones_are_strict_and_instances_tolerant() {
    let (api, world) = Api::peopled();
    let zone = json!({"slug": "us", "name": "US", "type": "production", "description": ""});
    let zone = |metadata: Value| and(zone.clone(), "metadata", metadata);
    let instance = |metadata: Value| and(world.instance("one"), "metadata", metadata);
    api.create("/api/instances", &and(instance(json!({"region": 7})), "slug", "before"));
    api.create("/api/deployment-zones", &and(zone(json!({"anything": "goes"})), "slug", "before"));
    api.create(FIELDS, &region("INSTANCE"));
    api.create(FIELDS, &region("DEPLOYMENT_ZONE"));
    let failed = refused(422, "MetadataValidation.Failed");
    for metadata in [json!({"region": "ap"}), json!({"region": null})] {
        assert_eq!(api.refusal("POST", "/api/deployment-zones", &zone(metadata.clone())), failed);
        assert_eq!(api.refusal("POST", "/api/instances", &instance(metadata)), failed);
    }
    assert_eq!(api.refusal("POST", "/api/deployment-zones", &zone(json!({"other": 1}))), failed);
    api.create("/api/deployment-zones", &zone(json!({"region": "eu"})));
    api.create("/api/instances", &instance(json!({"region": "eu", "other": 1})));
    // No key is ever required.
    api.put("/api/deployment-zones/us", &zone(Value::Null));
    assert_eq!(api.refusal("PUT", "/api/deployment-zones/us", &zone(json!({"other": 1}))), failed);
    assert_eq!(api.refusal("PUT", "/api/instances/one", &instance(json!({"region": 1}))), failed);
    // What is as it was is not checked.
    api.put("/api/instances/before", &and(instance(json!({"region": 7.0})), "slug", "before"));
    api.put("/api/deployment-zones/before", &and(zone(json!({"anything": "goes"})), "slug", "before"));
}

#[test]
fn metadata_is_refused_before_the_limit_and_a_taken_slug() {
    let (api, world) = Api::peopled();
    api.create(FIELDS, &region("INSTANCE"));
    api.create("/api/instances", &world.instance("one"));
    let body = and(world.instance("one"), "metadata", json!({"region": 1}));
    assert_eq!(api.refusal("POST", "/api/instances", &body), refused(422, "MetadataValidation.Failed"));
}

#[test]
fn a_value_under_an_archived_key_cannot_be_introduced_and_never_goes() {
    let (api, world) = Api::peopled();
    let created = api.create(FIELDS, &region("INSTANCE"));
    let instance = |slug: &str, metadata: Value| and(world.instance(slug), "metadata", metadata);
    api.create("/api/instances", &instance("one", json!({"region": "eu", "seats": 1})));
    api.create("/api/instances", &world.instance("two"));
    archive(&api, &created);
    let introduced = refused(422, "MetadataValidation.ArchivedKeyIntroduced");
    let eu = json!({"region": "eu"});
    assert_eq!(api.refusal("PUT", "/api/instances/two", &instance("two", eu.clone())), introduced);
    assert_eq!(api.refusal("POST", "/api/instances", &instance("three", eu.clone())), introduced);
    let metadata = || api.get("/api/instances/one")["metadata"].clone();
    for body in [instance("one", json!({"plan": 1})), without(world.instance("one"), "metadata")] {
        api.put("/api/instances/one", &body);
        assert_eq!(metadata()["region"], "eu");
        assert_eq!(metadata().get("seats"), None);
    }
    api.put("/api/instances/one", &instance("one", json!({"region": "mars"})));
    assert_eq!(metadata(), json!({"region": "mars"}), "nobody checks it any more");
    // A new field under the key is what counts.
    api.create(FIELDS, &region("INSTANCE"));
    api.put("/api/instances/one", &world.instance("one"));
    assert_eq!(metadata(), json!({}));
    api.put("/api/instances/two", &instance("two", eu));
}

#[test]
fn only_active_fields_count_against_the_limit_and_its_code_is_of_its_own() {
    let api = Api::with(|options| options.limits = Limits { metadata_fields: Some(1), ..Limits::default() });
    let created = api.create(FIELDS, &field("a1"));
    let full = refused(409, "CreateMetadataField.MetadataFieldLimitReached");
    assert_eq!(api.refusal("POST", FIELDS, &field("a1")), full);
    archive(&api, &created);
    api.create(FIELDS, &field("b1"));
}
