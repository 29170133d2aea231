//! Keys that take their broker a while, and apps that are bound to an instance: whichever API is spoken.

use reqwest::Method;
use serde_json::json;

use crate::scene::{Api, Scene, told};
use crate::support::Output;

const BOTH: [Api; 2] = [Api::V2, Api::V3];

fn words(output: &Output) -> String {
    format!("{} {}", output.stdout, output.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `db`, and a key that is wanted of it.
fn with_db(api: Api, wanted: &str) -> Scene {
    let mut scene = Scene::new(api);
    scene.bring("create / succeeded");
    scene.declare(wanted);
    scene
}

#[test]
fn a_key_that_takes_its_broker_a_while_is_waited_for_and_its_credentials_flow_on() {
    let scene = with_db(Api::V3, "key");
    let user = "  cache:\n    space: sandbox/dev\n    plan: cache/small\n    parameters: { user: \"${service_keys.ci.credentials.username}\" }\n";
    let yaml = scene.world.project.read("resources.yaml").replace("service_keys:", &format!("{user}service_keys:"));
    scene.world.declare(&yaml);
    scene.order("bind", &json!({ "end_at_look": { "look": 3 } }));
    let output = scene.apply().end();
    assert_eq!(told(&output), "0: unchanged db, done ci, done cache", "{output}");
    assert_eq!(scene.sent(), "POST key 202, POST 202");
    scene.world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn a_key_that_its_broker_fails_later_is_told_and_made_anew_by_the_next_apply() {
    let scene = with_db(Api::V3, "key");
    scene.order("bind", &json!({ "fail_later": "no more users" }));
    let output = scene.apply().end();
    assert_eq!(told(&output), "5: unchanged db, failed ci (operation_failed)", "{output}");
    assert!(output.stdout.contains("no more users"), "{output}");
    assert_eq!((scene.plan(), scene.sent()), ("unchanged db, recover ci".to_owned(), "POST key 202".to_owned()));
    let output = scene.apply().end();
    assert_eq!((told(&output), scene.sent()), ("0: unchanged db, done ci".to_owned(), "POST key 202".to_owned()));
    assert_eq!(scene.there(), "the same db [a], create / succeeded; ci");
    scene.world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

/// In v2 a key is made while one waits, or not at all.
#[test]
fn a_key_that_takes_its_time_is_refused_in_v2() {
    let scene = with_db(Api::V2, "key");
    scene.order("bind", &json!("never_end"));
    let output = scene.apply().end();
    assert_eq!((told(&output), scene.sent()), ("5: unchanged db, failed ci (refused)".into(), "POST key 400".into()));
    assert_eq!(scene.there(), "the same db [a], create / succeeded");
    let output = scene.apply().end();
    assert_eq!(told(&output), "0: unchanged db, done ci", "{output}");
}

/// The delete of an instance fails as long as the broker is at work on what was unbound for it.
#[test]
fn a_replacement_in_v3_is_tried_again_when_its_slow_unbinds_are_done() {
    let scene = with_db(Api::V3, "key");
    scene.world.run(&["apply", "--yes"]).exits(0);
    let yaml = scene.world.project.read("resources.yaml").replace("database/small", "cache/small");
    scene.world.declare(&yaml.replace("tags: [a]", "tags: [a], lifecycle: { replace: true, cascade: true }"));
    scene.sent();
    scene.order("unbind", &json!("never_end"));
    let output = scene.apply().end();
    assert_eq!(told(&output), "5: failed db (operation_failed), skipped ci", "{output}");
    assert!(words(&output).contains("An operation for service key ci is in progress."), "{output}");
    assert_eq!((scene.sent(), scene.there()), ("DELETE 202".into(), "the same db [a], delete / failed; ci".into()));
    scene.release();
    let output = scene.apply().end();
    assert_eq!(told(&output), "0: done db, done ci", "{output}");
    assert_eq!(scene.sent(), "DELETE 202, POST 202, POST key 202");
    scene.world.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn an_app_that_is_bound_is_lost_only_with_consent() {
    for api in BOTH {
        let scene = with_db(api, "plan");
        scene.steer(Method::POST, "bindings", &json!({ "instance": "db", "app": "web" }));
        let blocked = scene.world.run(&["plan"]).exits(1);
        let named = if api == Api::V3 {
            "takes along the binding of the app `web`"
        } else {
            "takes along the binding of the app `"
        };
        assert!(words(&blocked).contains(named), "{blocked}");
        assert_eq!(told(&scene.apply().end()), "5: blocked db (blocked)");
        assert_eq!(scene.sent(), "nothing");
        let applied = scene.world.run(&["apply", "--yes", "--allow-cascade", "service_instances.db"]).exits(0);
        let sent = if api == Api::V3 { "DELETE 202, POST 202" } else { "DELETE 204, POST 201" };
        assert_eq!(scene.sent(), sent, "{applied}");
        assert_eq!(scene.there(), "a new db [a], create / succeeded");
    }
}

/// Bound after the plan was made: v2 protects it, and v3 has no such protection (reference, section 11.2).
#[test]
fn an_app_that_is_bound_meanwhile_stops_a_replacement_in_v2() {
    let scene = with_db(Api::V2, "plan");
    let (method, path) = scene.write("plan");
    scene.hold(method, path);
    let mut apply = scene.apply();
    apply.until("writes", |_| scene.holds());
    scene.steer(Method::POST, "bindings", &json!({ "instance": "db", "app": "web" }));
    scene.let_go();
    let output = apply.end();
    assert_eq!((told(&output), scene.sent()), ("5: failed db (conflict)".to_owned(), "DELETE 400".to_owned()));
    assert!(words(&output).contains("remove its bindings, keys and routes first"), "{output}");
}

/// Section 9, "app binding of the instance in progress".
#[test]
fn an_instance_to_which_an_app_is_being_bound_is_changed_by_the_next_apply() {
    for api in BOTH {
        let scene = with_db(api, "tags");
        scene.steer(Method::POST, "bindings", &json!({ "instance": "db", "app": "web", "in_progress": true }));
        let output = scene.apply().end();
        assert_eq!(told(&output), "5: failed db (conflict)", "{output}");
        assert!(words(&output).contains("wait until the binding is finished, then run trueup again"), "{output}");
        scene.release();
        assert_eq!(told(&scene.apply().end()), "0: done db");
    }
}
