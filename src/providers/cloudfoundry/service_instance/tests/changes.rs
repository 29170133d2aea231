//! Updates, deletes and how they go, in both APIs.

use wiremock::matchers::{body_json, query_param_is_missing};
use wiremock::{Request, Respond};

use super::*;
use crate::model::{Fingerprint, Path};

/// `i-1` of v3, with the last operation given.
fn instance_v3(operation: &str, state: &str) -> Json {
    json!({"guid": "i-1", "name": "my db", "tags": ["a"], "type": "managed", "maintenance_info": {"version": "1.0.0"},
        "last_operation": {"type": operation, "state": state, "description": "words"}, "upgrade_available": true,
        "relationships": {"space": {"data": {"guid": "s-1"}}, "service_plan": {"data": {"guid": "p-1"}}},
        "metadata": {"labels": {"team": "web"}, "annotations": {}}})
}

fn observed() -> Observed {
    let mut observed = pending("i-1", "s-1");
    observed.fields.set("name", text("my db"));
    observed.fields.set("upgrade", Value::Bool(false));
    observed.attributes.set("available_version", text("2.0.0"));
    observed
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(Box::new(entries.iter().map(|(key, value)| (Arc::from(*key), value.clone())).collect()))
}

async fn update(
    server: &MockServer,
    fields: &[(&'static str, Value)],
    changes: &[&str],
) -> Result<Observed, RemoteError> {
    let proposed = Proposed::new(fields.iter().cloned());
    let (observed, changes) = (observed(), changes.iter().map(|path| Path::parse(path).unwrap()).collect::<Vec<_>>());
    let modification = Modification { proposal: proposed.proposal(), observed: &observed, changes: &changes };
    kind().declared().unwrap().update(modification, &*session(server).await).await
}

#[tokio::test]
async fn only_what_changes_is_sent_in_either_api() {
    let labels = map(&[("team", text("db")), ("same", text("x"))]);
    let cases = [
        (vec![("tags", Value::List(vec![text("b")]))], vec!["tags"], json!({"tags": ["b"]}), json!({"tags": ["b"]})),
        (vec![], vec!["name"], json!({"name": "my db"}), json!({"name": "my db"})),
        (
            vec![("plan", link("postgres/large", "p-2")), ("upgrade", Value::Bool(true))],
            vec!["plan", "upgrade"],
            json!({"service_plan_guid": "p-2"}),
            json!({"relationships": {"service_plan": {"data": {"guid": "p-2"}}}}),
        ),
        (
            vec![("upgrade", Value::Bool(true))],
            vec!["upgrade"],
            json!({"maintenance_info": {"version": "2.0.0"}}),
            json!({"maintenance_info": {"version": "2.0.0"}}),
        ),
        (
            vec![("labels", labels), ("parameters", map(&[("a", text("b"))]))],
            vec!["labels.team"],
            json!({}),
            json!({"metadata": {"labels": {"team": "db"}}}),
        ),
    ];
    for (fields, changes, v2, v3) in cases {
        for (server, how, body) in [(foundation().await, "PUT", &v2), (foundation_v3().await, "PATCH", &v3)] {
            let answer =
                if how == "PUT" { instance("i-1", "my db", "s-1") } else { instance_v3("update", "succeeded") };
            Mock::given(method(how))
                .and(body_json(body))
                .respond_with(ResponseTemplate::new(200).set_body_json(answer))
                .expect(1)
                .mount(&server)
                .await;
            update(&server, &fields, &changes).await.unwrap();
        }
    }
}

#[tokio::test]
async fn parameters_are_sent_whole_with_the_mark_that_tells_them_later() {
    let server = foundation_v3().await;
    Mock::given(method("PATCH"))
        .and(path("/v3/service_instances/i-1"))
        .respond_with(ResponseTemplate::new(202).insert_header("location", "https://elsewhere/v3/jobs/j-1"))
        .expect(1)
        .mount(&server)
        .await;
    let parameters = map(&[("size", text("large")), ("password", Sensitive::wrap(text("hush")))]);
    let begun = update(&server, &[("parameters", parameters.clone())], &["parameters.size"]).await.unwrap();
    assert_eq!(begun.condition, Condition::InProgress { operation: Operation::Update, description: None });
    let requests = server.received_requests().await.unwrap();
    let sent: Json = requests.last().unwrap().body_json().unwrap();
    assert_eq!(sent["parameters"], json!({"size": "large", "password": "hush"}));
    let mark = sent["metadata"]["annotations"]["trueup-parameters"].as_str().unwrap();
    assert!(Fingerprint::parse(mark).unwrap().is_of(&parameters));
    assert_eq!(sent.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn a_change_that_is_done_at_once_is_done_whatever_was_tried_before() {
    for (server, how, answer) in [
        (foundation().await, "PUT", object("i-1", entity("my db", "s-1", "update", "failed"))),
        (foundation_v3().await, "PATCH", instance_v3("update", "failed")),
    ] {
        let status = if how == "PUT" { 201 } else { 200 };
        let answer = ResponseTemplate::new(status).set_body_json(answer);
        Mock::given(method(how)).respond_with(answer).mount(&server).await;
        let done = update(&server, &[("tags", Value::List(vec![]))], &["tags"]).await.unwrap();
        assert_eq!(done.condition, Condition::Ready);
        assert_eq!(done.fields.link("plan").unwrap().shown(), "postgres/small");
    }
}

#[tokio::test]
async fn what_a_change_brings_is_told_and_the_version_of_the_plan_is_kept_with_the_plan() {
    let server = foundation().await;
    let mut moved = entity("my db", "s-1", "update", "succeeded");
    moved["dashboard_url"] = json!("https://moved.x");
    let answer = |entity: &Json| ResponseTemplate::new(201).set_body_json(object("i-1", entity.clone()));
    Mock::given(method("PUT")).respond_with(answer(&moved)).up_to_n_times(1).mount(&server).await;
    let done = update(&server, &[("tags", Value::List(vec![]))], &["tags"]).await.unwrap();
    assert_eq!(done.attributes.text("dashboard_url"), Some("https://moved.x"));
    assert_eq!(done.attributes.text("available_version"), observed().attributes.text("available_version"));
    assert!(done.attributes.text("available_version").is_some());
    moved["service_plan_guid"] = json!("p-2");
    Mock::given(method("PUT")).respond_with(answer(&moved)).mount(&server).await;
    let done = update(&server, &[("plan", link("postgres/large", "p-2"))], &["plan"]).await.unwrap();
    assert_eq!(done.attributes.text("available_version"), None);
}

#[tokio::test]
async fn a_change_that_takes_its_time_is_in_progress_and_keeps_what_it_leads_to() {
    let server = foundation().await;
    let answer = object("i-1", entity("my db", "s-1", "update", "in progress"));
    Mock::given(method("PUT"))
        .and(query_param("accepts_incomplete", "true"))
        .respond_with(ResponseTemplate::new(202).set_body_json(answer))
        .mount(&server)
        .await;
    let begun = update(&server, &[("plan", link("postgres/large", "p-2"))], &["plan"]).await.unwrap();
    assert_eq!(begun.condition, Condition::InProgress { operation: Operation::Update, description: None });
    assert_eq!(begun.fields.link("plan").unwrap().shown(), "postgres/large");
}

async fn delete(server: &MockServer) -> Result<Option<Observed>, RemoteError> {
    kind().declared().unwrap().delete(&observed(), false, &*session(server).await).await
}

#[tokio::test]
async fn a_delete_is_done_begun_or_was_done_already() {
    let gone = |v3: bool| {
        if v3 {
            json!({"errors": [{"code": 10010, "title": "CF-ResourceNotFound", "detail": "Service instance not found"}]})
        } else {
            json!({"error_code": "CF-ServiceInstanceNotFound", "code": 60004, "description": "gone"})
        }
    };
    for v3 in [false, true] {
        for (answer, begun) in [
            (ResponseTemplate::new(204), false),
            (ResponseTemplate::new(202), true),
            (ResponseTemplate::new(404).set_body_json(gone(v3)), false),
        ] {
            let server = if v3 { foundation_v3().await } else { foundation().await };
            let mock = Mock::given(method("DELETE"));
            let mock = if v3 {
                mock.and(path("/v3/service_instances/i-1")).and(query_param_is_missing("purge"))
            } else {
                // Without consent v2 is left its own protection of what is attached.
                mock.and(path("/v2/service_instances/i-1"))
                    .and(query_param("accepts_incomplete", "true"))
                    .and(query_param_is_missing("recursive"))
            };
            mock.respond_with(answer).expect(1).mount(&server).await;
            let left = delete(&server).await.unwrap().map(|left| left.condition);
            let running = Condition::InProgress { operation: Operation::Delete, description: None };
            assert_eq!(left, begun.then_some(running), "v3: {v3}");
        }
    }
    let server = foundation_v3().await;
    let route = json!({"errors": [{"code": 10000, "title": "CF-NotFound", "detail": "Unknown request"}]});
    Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(404).set_body_json(route)).mount(&server).await;
    assert_eq!(delete(&server).await.unwrap_err().failure, Failure::NotFound, "a route that is not there is not gone");
}

/// A list of one, then the instance itself.
async fn tells(server: &MockServer, listed: Json, itself: ResponseTemplate, job: Json) {
    Mock::given(path("/v3/service_instances"))
        .and(query_param("guids", "i-1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_v3(&[listed])))
        .expect(1)
        .mount(server)
        .await;
    Mock::given(path("/v3/service_instances/i-1")).respond_with(itself).mount(server).await;
    Mock::given(path("/v3/jobs/j-1")).respond_with(ResponseTemplate::new(200).set_body_json(job)).mount(server).await;
}

fn running(operation: Operation) -> Observed {
    let mut running = observed();
    running.condition = Condition::InProgress { operation, description: None };
    running.attributes.set(JOB, text("j-1"));
    running
}

#[tokio::test]
async fn an_instance_that_looks_finished_is_believed_when_its_job_is() {
    let ok = |json: Json| ResponseTemplate::new(200).set_body_json(json);
    let succeeded = || instance_v3("update", "succeeded");
    let failed = |operation, words: &str| Condition::Failed { operation, description: Some(words.into()) };
    let in_progress =
        |words: Option<&str>| Condition::InProgress { operation: Operation::Update, description: words.map(Arc::from) };
    let update = Operation::Update;
    for (listed, itself, job, expected) in [
        (succeeded(), ok(succeeded()), json!({"state": "PROCESSING"}), in_progress(None)),
        (succeeded(), ok(succeeded()), json!({"state": "POLLING", "errors": []}), in_progress(None)),
        (
            instance_v3("update", "in progress"),
            ok(succeeded()),
            json!({"state": "COMPLETE"}),
            in_progress(Some("words")),
        ),
        (succeeded(), ok(succeeded()), json!({"state": "COMPLETE"}), Condition::Ready),
        (succeeded(), ok(instance_v3("update", "failed")), json!({"state": "FAILED"}), failed(update, "words")),
        (
            succeeded(),
            ok(succeeded()),
            json!({"state": "FAILED", "errors": [{"code": 10009, "title": "CF-UnableToPerform", "detail": "no"}]}),
            failed(update, "no"),
        ),
    ] {
        let server = foundation_v3().await;
        tells(&server, listed, itself, job.clone()).await;
        let polled = poll(&server, &[running(update)]).await.unwrap().remove(0);
        assert_eq!(polled.condition, expected, "{job}");
        let goes_on = matches!(expected, Condition::InProgress { .. });
        assert_eq!(polled.attributes.text(JOB), goes_on.then_some("j-1"));
    }
}

#[tokio::test]
async fn a_delete_has_ended_when_its_instance_is_gone() {
    let server = foundation_v3().await;
    let gone = json!({"errors": [{"code": 10010, "title": "CF-ResourceNotFound", "detail": "gone"}]});
    let answer = ResponseTemplate::new(404).set_body_json(gone);
    tells(&server, instance_v3("create", "succeeded"), answer, json!({"state": "COMPLETE"})).await;
    assert!(poll(&server, &[running(Operation::Delete)]).await.unwrap().is_empty());
}

#[tokio::test]
async fn any_number_of_instances_is_polled_by_one_list() {
    struct All;
    impl Respond for All {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let guids = request.url.query_pairs().find(|(key, _)| key == "guids").unwrap().1.into_owned();
            let one = |guid: &str| {
                let mut one = instance_v3("create", "in progress");
                one["guid"] = guid.into();
                one
            };
            ResponseTemplate::new(200).set_body_json(page_v3(&guids.split(',').map(one).collect::<Vec<_>>()))
        }
    }
    let server = foundation_v3().await;
    Mock::given(path("/v3/service_instances")).respond_with(All).expect(2).mount(&server).await;
    let all: Vec<Observed> = (0..101).map(|number| pending(&format!("i-{number}"), "s-1")).collect();
    assert_eq!(poll(&server, &all).await.unwrap().len(), 101);
}

/// Observes `db` of v3 whose broker tells parameters, or does not.
async fn observed_parameters(annotation: &str, retrievable: bool, told: ResponseTemplate, asked: u64) -> Option<Value> {
    let server = foundation_v3().await;
    let mut one = instance_v3("create", "succeeded");
    one["name"] = "db".into();
    one["metadata"]["annotations"] = json!({"trueup-parameters": annotation, "owner": "us"});
    Mock::given(path("/v3/service_instances"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page_v3(&[one])))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/v3/service_instances/i-1/parameters")).respond_with(told).expect(asked).mount(&server).await;
    let plan = plan("p-1", "o-1", "small", &[("instances_retrievable", Value::Bool(retrievable))]);
    let collections = BTreeMap::from([("spaces", spaces()), ("service_plans", Collection::new(vec![plan], true))]);
    let mut db = db(named("spaces", "acme/production"));
    db.fields.set("parameters", map(&[("size", text("large"))]));
    let all = declared([db]);
    let resources: Vec<&Resource> = all.values().collect();
    let observed = collections.iter().map(|(section, collection)| (*section, collection)).collect();
    let wanted = Wanted { resources: &resources, references: &[], observed, declared: &all, scope: Scope::Declared };
    let found = kind().observe(&wanted, &*session(&server).await).await.unwrap();
    let db = found.with_id("i-1").unwrap();
    assert_eq!(db.fields.get("annotations"), Some(&map(&[("owner", text("us"))])), "the mark is nobody's annotation");
    db.fields.get("parameters").cloned()
}

#[tokio::test]
async fn parameters_are_what_the_broker_tells_else_what_was_marked_else_not_known() {
    let mark = Fingerprint::of(&map(&[("size", text("large"))]), "salt").unwrap();
    let marked = Some(Value::Fingerprint(Box::new(mark.clone())));
    let (mark, told) = (mark.to_string(), json!({"size": "small"}));
    let ok = || ResponseTemplate::new(200).set_body_json(&told);
    let size = Some(map(&[("size", text("small"))]));
    assert_eq!(observed_parameters(&mark, true, ok(), 1).await, size);
    assert_eq!(observed_parameters(&mark, false, ok(), 0).await, marked);
    assert_eq!(observed_parameters("scribbled over", false, ok(), 0).await, None);
    for status in [400, 404, 403] {
        let refused = ResponseTemplate::new(status).set_body_json(json!({"errors": []}));
        assert_eq!(observed_parameters(&mark, true, refused, 1).await, marked, "{status}");
    }
    let malformed = ResponseTemplate::new(200).set_body_json(json!(["x"]));
    assert_eq!(observed_parameters(&mark, true, malformed, 1).await, marked);
}

#[test]
fn what_can_be_upgraded_is_told_by_the_versions_where_the_api_does_not_say_so() {
    let told = |version: Option<&str>, available: Option<bool>, of_plan: Option<&str>| {
        let attributes: Vec<_> = of_plan.map(|version| ("maintenance_version", text(version))).into_iter().collect();
        let plans = Collection::new(vec![plan("p-1", "o-1", "small", &attributes)], true);
        let instance = ServiceInstance {
            stamp: Stamp { guid: "i-1".into(), created_at: None, updated_at: None },
            name: "db".into(),
            space: "s-1".into(),
            plan: Some("p-1".into()),
            tags: Vec::new(),
            dashboard_url: None,
            maintenance_version: version.map(Into::into),
            upgrade_available: available,
            metadata: None,
            last_operation: None,
        };
        instance.among(&spaces(), &plans).fields.get("upgrade").cloned()
    };
    let (done, available) = (Some(Value::Bool(true)), Some(Value::Bool(false)));
    assert_eq!(told(Some("1.0.0"), None, Some("2.0.0")), available);
    assert_eq!(told(Some("2.0.0"), None, Some("2.0.0")), done);
    assert_eq!(told(None, None, None), done);
    assert_eq!(told(Some("1.0.0"), Some(true), None), available);
    assert_eq!(told(Some("1.0.0"), Some(false), Some("2.0.0")), done);
}

#[test]
fn only_v3_creates_in_the_place_of_what_failed() {
    for (api, over_failed) in [("v2", false), ("v3", true)] {
        let facts = Facts { provider: NAME, url: "x".into(), api, read_only: None };
        let expected = Abilities { update: true, delete: true, create_over_failed: over_failed };
        assert_eq!(kind().declared().unwrap().abilities(&facts), expected);
    }
}

#[test]
fn an_upgrade_is_a_change_only_where_it_is_wished_for() {
    let upgrade = |value: bool| Fields::from_iter([("upgrade", Value::Bool(value))]);
    let differ = |declared, observed| crate::diff::diff(&SECTION, &upgrade(declared), &upgrade(observed), &[]).len();
    assert_eq!((differ(true, false), differ(true, true), differ(false, true), differ(false, false)), (1, 0, 0, 0));
}
