//! The conflict matrix of Cloud Foundry (reference, section 11.4) and what a failed create leaves (section 11.3), row by
//! row: what trueup plans, what it sends and is answered, what the ledger says, what is at the remote afterwards, and what
//! the next apply does.

use crate::scene::{Api, Scene, assert_table, told};

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

/// The next apply, once nothing is going on any more: after it nothing is left to do.
#[track_caller]
fn again(scene: &Scene) -> String {
    let output = scene.apply().end();
    let told = format!("{}: {}", output.code, scene.sent());
    if output.code == 0 {
        scene.world.run(&["plan", "--detailed-exitcode"]).exits(0);
    }
    told
}

/// What becomes of a wish when the instance is in a state that can be seen when trueup plans.
fn seen(api: Api, state: &str, wanted: &str) -> Vec<String> {
    let mut scene = Scene::new(api);
    scene.bring(state);
    scene.declare(wanted);
    let plan = scene.plan();
    let mut apply = scene.apply();
    if plan.contains("wait") {
        apply.until("waits", |run| run.printed().contains(r#""event":"start""#));
        scene.release();
    }
    let ledger = told(&apply.end());
    let (sent, there) = (scene.sent(), scene.there());
    scene.release();
    row(&[state, &plan, &ledger, &sent, &there, &again(&scene)])
}

const STATES: [&str; 8] = [
    "create / initial",
    "create / in progress",
    "update / in progress",
    "delete / in progress",
    "create / failed",
    "update / failed",
    "delete / failed",
    "update / succeeded",
];

#[track_caller]
fn all_seen(api: Api, wanted: &str, written: &str) {
    let mut rows = vec![row(&["current LO", "plan", "apply", "sent", "at the remote", "and again"])];
    rows.extend(STATES.iter().map(|state| seen(api, state, wanted)));
    assert_table(written, &rows);
}

#[test]
fn an_update_in_v2_in_each_state() {
    all_seen(Api::V2, "tags", "
| current LO           | plan       | apply                      | sent                 | at the remote                       | and again  |
| create / initial     | wait db    | 5: done db (not_converged) | nothing              | the same db [a], create / succeeded | 0: PUT 201 |
| create / in progress | wait db    | 5: done db (not_converged) | nothing              | the same db [a], create / succeeded | 0: PUT 201 |
| update / in progress | wait db    | 5: done db (not_converged) | nothing              | the same db [a], update / succeeded | 0: PUT 201 |
| delete / in progress | wait db    | 0: done db                 | POST 201             | a new db [b], create / succeeded    | 0: nothing |
| create / failed      | recover db | 0: done db                 | DELETE 204, POST 201 | a new db [b], create / succeeded    | 0: nothing |
| update / failed      | update db  | 0: done db                 | PUT 201              | the same db [b], update / succeeded | 0: nothing |
| delete / failed      | update db  | 0: done db                 | PUT 201              | the same db [b], update / succeeded | 0: nothing |
| update / succeeded   | update db  | 0: done db                 | PUT 201              | the same db [b], update / succeeded | 0: nothing |
");
}

#[test]
fn an_update_in_v3_in_each_state() {
    all_seen(Api::V3, "tags", "
| current LO           | plan       | apply                      | sent      | at the remote                       | and again    |
| create / initial     | wait db    | 5: done db (not_converged) | nothing   | the same db [a], create / succeeded | 0: PATCH 200 |
| create / in progress | wait db    | 5: done db (not_converged) | nothing   | the same db [a], create / succeeded | 0: PATCH 200 |
| update / in progress | wait db    | 5: done db (not_converged) | nothing   | the same db [a], update / succeeded | 0: PATCH 200 |
| delete / in progress | wait db    | 0: done db                 | POST 202  | a new db [b], create / succeeded    | 0: nothing   |
| create / failed      | recover db | 0: done db                 | POST 202  | a new db [b], create / succeeded    | 0: nothing   |
| update / failed      | update db  | 0: done db                 | PATCH 200 | the same db [b], update / succeeded | 0: nothing   |
| delete / failed      | update db  | 0: done db                 | PATCH 200 | the same db [b], update / succeeded | 0: nothing   |
| update / succeeded   | update db  | 0: done db                 | PATCH 200 | the same db [b], update / succeeded | 0: nothing   |
");
}

#[test]
fn a_replacement_in_v2_in_each_state() {
    all_seen(Api::V2, "plan", "
| current LO           | plan              | apply                      | sent                 | at the remote                       | and again               |
| create / initial     | wait db (blocked) | 5: done db (not_converged) | nothing              | the same db [a], create / succeeded | 0: DELETE 204, POST 201 |
| create / in progress | wait db (blocked) | 5: done db (not_converged) | nothing              | the same db [a], create / succeeded | 0: DELETE 204, POST 201 |
| update / in progress | wait db (blocked) | 5: done db (not_converged) | nothing              | the same db [a], update / succeeded | 0: DELETE 204, POST 201 |
| delete / in progress | wait db           | 0: done db                 | POST 201             | a new db [a], create / succeeded    | 0: nothing              |
| create / failed      | recover db        | 0: done db                 | DELETE 204, POST 201 | a new db [a], create / succeeded    | 0: nothing              |
| update / failed      | replace db        | 0: done db                 | DELETE 204, POST 201 | a new db [a], create / succeeded    | 0: nothing              |
| delete / failed      | replace db        | 0: done db                 | DELETE 204, POST 201 | a new db [a], create / succeeded    | 0: nothing              |
| update / succeeded   | replace db        | 0: done db                 | DELETE 204, POST 201 | a new db [a], create / succeeded    | 0: nothing              |
");
}

#[test]
fn a_replacement_in_v3_in_each_state() {
    all_seen(Api::V3, "plan", "
| current LO           | plan              | apply                      | sent                 | at the remote                       | and again               |
| create / initial     | wait db (blocked) | 5: done db (not_converged) | nothing              | the same db [a], create / succeeded | 0: DELETE 202, POST 202 |
| create / in progress | wait db (blocked) | 5: done db (not_converged) | nothing              | the same db [a], create / succeeded | 0: DELETE 202, POST 202 |
| update / in progress | wait db (blocked) | 5: done db (not_converged) | nothing              | the same db [a], update / succeeded | 0: DELETE 202, POST 202 |
| delete / in progress | wait db           | 0: done db                 | POST 202             | a new db [a], create / succeeded    | 0: nothing              |
| create / failed      | recover db        | 0: done db                 | POST 202             | a new db [a], create / succeeded    | 0: nothing              |
| update / failed      | replace db        | 0: done db                 | DELETE 202, POST 202 | a new db [a], create / succeeded    | 0: nothing              |
| delete / failed      | replace db        | 0: done db                 | DELETE 202, POST 202 | a new db [a], create / succeeded    | 0: nothing              |
| update / succeeded   | replace db        | 0: done db                 | DELETE 202, POST 202 | a new db [a], create / succeeded    | 0: nothing              |
");
}

#[test]
fn labels_in_v3_in_each_state() {
    all_seen(Api::V3, "labels", "
| current LO           | plan       | apply                      | sent      | at the remote                                      | and again    |
| create / initial     | wait db    | 5: done db (not_converged) | nothing   | the same db [a], create / succeeded                | 0: PATCH 200 |
| create / in progress | wait db    | 5: done db (not_converged) | nothing   | the same db [a], create / succeeded                | 0: PATCH 200 |
| update / in progress | wait db    | 5: done db (not_converged) | nothing   | the same db [a], update / succeeded                | 0: PATCH 200 |
| delete / in progress | wait db    | 0: done db                 | POST 202  | a new db [a] with its label, create / succeeded    | 0: nothing   |
| create / failed      | recover db | 0: done db                 | POST 202  | a new db [a] with its label, create / succeeded    | 0: nothing   |
| update / failed      | update db  | 0: done db                 | PATCH 200 | the same db [a] with its label, update / failed    | 0: nothing   |
| delete / failed      | update db  | 0: done db                 | PATCH 200 | the same db [a] with its label, delete / failed    | 0: nothing   |
| update / succeeded   | update db  | 0: done db                 | PATCH 200 | the same db [a] with its label, update / succeeded | 0: nothing   |
");
}

#[test]
fn a_key_in_v2_in_each_state() {
    all_seen(Api::V2, "key", "
| current LO           | plan                    | apply                    | sent                               | at the remote                           | and again  |
| create / initial     | wait db, create ci      | 0: done db, done ci      | POST key 201                       | the same db [a], create / succeeded; ci | 0: nothing |
| create / in progress | wait db, create ci      | 0: done db, done ci      | POST key 201                       | the same db [a], create / succeeded; ci | 0: nothing |
| update / in progress | wait db, create ci      | 0: done db, done ci      | POST key 201                       | the same db [a], update / succeeded; ci | 0: nothing |
| delete / in progress | wait db, create ci      | 0: done db, done ci      | POST 201, POST key 201             | a new db [a], create / succeeded; ci    | 0: nothing |
| create / failed      | recover db, create ci   | 0: done db, done ci      | DELETE 204, POST 201, POST key 201 | a new db [a], create / succeeded; ci    | 0: nothing |
| update / failed      | unchanged db, create ci | 0: unchanged db, done ci | POST key 201                       | the same db [a], update / failed; ci    | 0: nothing |
| delete / failed      | unchanged db, create ci | 0: unchanged db, done ci | POST key 201                       | the same db [a], delete / failed; ci    | 0: nothing |
| update / succeeded   | unchanged db, create ci | 0: unchanged db, done ci | POST key 201                       | the same db [a], update / succeeded; ci | 0: nothing |
");
}

#[test]
fn a_key_in_v3_in_each_state() {
    all_seen(Api::V3, "key", "
| current LO           | plan                    | apply                    | sent                   | at the remote                           | and again  |
| create / initial     | wait db, create ci      | 0: done db, done ci      | POST key 202           | the same db [a], create / succeeded; ci | 0: nothing |
| create / in progress | wait db, create ci      | 0: done db, done ci      | POST key 202           | the same db [a], create / succeeded; ci | 0: nothing |
| update / in progress | wait db, create ci      | 0: done db, done ci      | POST key 202           | the same db [a], update / succeeded; ci | 0: nothing |
| delete / in progress | wait db, create ci      | 0: done db, done ci      | POST 202, POST key 202 | a new db [a], create / succeeded; ci    | 0: nothing |
| create / failed      | recover db, create ci   | 0: done db, done ci      | POST 202, POST key 202 | a new db [a], create / succeeded; ci    | 0: nothing |
| update / failed      | unchanged db, create ci | 0: unchanged db, done ci | POST key 202           | the same db [a], update / failed; ci    | 0: nothing |
| delete / failed      | unchanged db, create ci | 0: unchanged db, done ci | POST key 202           | the same db [a], delete / failed; ci    | 0: nothing |
| update / succeeded   | unchanged db, create ci | 0: unchanged db, done ci | POST key 202           | the same db [a], update / succeeded; ci | 0: nothing |
");
}

#[test]
fn a_key_of_somebody_elses_instance_in_v2_in_each_state() {
    all_seen(Api::V2, "key alone", "
| current LO           | plan                      | apply                   | sent         | at the remote                           | and again       |
| create / initial     | create ci (still_running) | 5: failed ci (conflict) | POST key 409 | the same db [a], create / initial       | 0: POST key 201 |
| create / in progress | create ci (still_running) | 5: failed ci (conflict) | POST key 409 | the same db [a], create / in progress   | 0: POST key 201 |
| update / in progress | create ci (still_running) | 5: failed ci (conflict) | POST key 409 | the same db [a], update / in progress   | 0: POST key 201 |
| delete / in progress | 1: reference_not_found    | 1: blocked ci           | nothing      | the same db [a], delete / in progress   | 1: nothing      |
| create / failed      | 1: reference_not_found    | 1: blocked ci           | nothing      | the same db [a], create / failed        | 1: nothing      |
| update / failed      | create ci                 | 0: done ci              | POST key 201 | the same db [a], update / failed; ci    | 0: nothing      |
| delete / failed      | create ci                 | 0: done ci              | POST key 201 | the same db [a], delete / failed; ci    | 0: nothing      |
| update / succeeded   | create ci                 | 0: done ci              | POST key 201 | the same db [a], update / succeeded; ci | 0: nothing      |
");
}

#[test]
fn a_key_of_somebody_elses_instance_in_v3_in_each_state() {
    all_seen(Api::V3, "key alone", "
| current LO           | plan                      | apply                   | sent         | at the remote                           | and again       |
| create / initial     | create ci (still_running) | 5: failed ci (conflict) | POST key 422 | the same db [a], create / initial       | 0: POST key 202 |
| create / in progress | create ci (still_running) | 5: failed ci (conflict) | POST key 422 | the same db [a], create / in progress   | 0: POST key 202 |
| update / in progress | create ci (still_running) | 5: failed ci (conflict) | POST key 422 | the same db [a], update / in progress   | 0: POST key 202 |
| delete / in progress | 1: reference_not_found    | 1: blocked ci           | nothing      | the same db [a], delete / in progress   | 1: nothing      |
| create / failed      | 1: reference_not_found    | 1: blocked ci           | nothing      | the same db [a], create / failed        | 1: nothing      |
| update / failed      | create ci                 | 0: done ci              | POST key 202 | the same db [a], update / failed; ci    | 0: nothing      |
| delete / failed      | create ci                 | 0: done ci              | POST key 202 | the same db [a], delete / failed; ci    | 0: nothing      |
| update / succeeded   | create ci                 | 0: done ci              | POST key 202 | the same db [a], update / succeeded; ci | 0: nothing      |
");
}

/// What becomes of a wish when the instance gets into a state after trueup has looked, and before its write arrives.
fn raced(api: Api, wanted: &str, meanwhile: &str) -> Vec<String> {
    let mut scene = Scene::new(api);
    scene.bring("create / succeeded");
    scene.declare(wanted);
    let (method, path) = scene.write(wanted);
    scene.hold(method, path);
    let mut apply = scene.apply();
    apply.until("writes", |_| scene.holds());
    match meanwhile.split_once(" / ") {
        Some((kind, state)) => scene.put_to_work(kind, state),
        None => scene.take_away(),
    }
    scene.let_go();
    let ledger = told(&apply.end());
    let (sent, there) = (scene.sent(), scene.there());
    scene.release();
    row(&[meanwhile, wanted, &sent, &ledger, &there, &again(&scene)])
}

#[track_caller]
fn all_raced(api: Api, wanted: &[&str], written: &str) {
    let mut rows = vec![row(&["meanwhile", "wanted", "sent", "apply", "at the remote", "and again"])];
    for meanwhile in ["update / in progress", "delete / in progress", "update / failed", "delete / failed", "gone"] {
        rows.extend(wanted.iter().map(|wanted| raced(api, wanted, meanwhile)));
    }
    assert_table(written, &rows);
}

#[test]
fn a_write_in_v2_that_somebody_else_was_faster_than() {
    all_raced(Api::V2, &["tags", "plan", "key"], "
| meanwhile            | wanted | sent                 | apply                                  | at the remote                         | and again                 |
| update / in progress | tags   | PUT 409              | 5: failed db (conflict)                | the same db [a], update / in progress | 0: PUT 201                |
| update / in progress | plan   | DELETE 409           | 5: failed db (conflict)                | the same db [a], update / in progress | 0: DELETE 204, POST 201   |
| update / in progress | key    | POST key 409         | 5: unchanged db, failed ci (conflict)  | the same db [a], update / in progress | 0: POST key 201           |
| delete / in progress | tags   | PUT 409              | 5: failed db (conflict)                | the same db [a], delete / in progress | 0: POST 201               |
| delete / in progress | plan   | DELETE 409           | 5: failed db (conflict)                | the same db [a], delete / in progress | 0: POST 201               |
| delete / in progress | key    | POST key 409         | 5: unchanged db, failed ci (conflict)  | the same db [a], delete / in progress | 0: POST 201, POST key 201 |
| update / failed      | tags   | PUT 201              | 0: done db                             | the same db [b], update / succeeded   | 0: nothing                |
| update / failed      | plan   | DELETE 204, POST 201 | 0: done db                             | a new db [a], create / succeeded      | 0: nothing                |
| update / failed      | key    | POST key 201         | 0: unchanged db, done ci               | the same db [a], update / failed; ci  | 0: nothing                |
| delete / failed      | tags   | PUT 201              | 0: done db                             | the same db [b], update / succeeded   | 0: nothing                |
| delete / failed      | plan   | DELETE 204, POST 201 | 0: done db                             | a new db [a], create / succeeded      | 0: nothing                |
| delete / failed      | key    | POST key 201         | 0: unchanged db, done ci               | the same db [a], delete / failed; ci  | 0: nothing                |
| gone                 | tags   | PUT 404              | 5: failed db (not_found)               | no db                                 | 0: POST 201               |
| gone                 | plan   | DELETE 404, POST 201 | 0: done db                             | a new db [a], create / succeeded      | 0: nothing                |
| gone                 | key    | POST key 404         | 5: unchanged db, failed ci (not_found) | no db                                 | 0: POST 201, POST key 201 |
");
}

#[test]
fn a_write_in_v3_that_somebody_else_was_faster_than() {
    all_raced(Api::V3, &["tags", "labels", "plan", "key"], "
| meanwhile            | wanted | sent                 | apply                                 | at the remote                                        | and again                 |
| update / in progress | tags   | PATCH 409            | 5: failed db (conflict)               | the same db [a], update / in progress                | 0: PATCH 200              |
| update / in progress | labels | PATCH 200            | 5: done db (not_converged)            | the same db [a] with its label, update / in progress | 0: nothing                |
| update / in progress | plan   | DELETE 422           | 5: failed db (conflict)               | the same db [a], update / in progress                | 0: DELETE 202, POST 202   |
| update / in progress | key    | POST key 422         | 5: unchanged db, failed ci (conflict) | the same db [a], update / in progress                | 0: POST key 202           |
| delete / in progress | tags   | PATCH 409            | 5: failed db (conflict)               | the same db [a], delete / in progress                | 0: POST 202               |
| delete / in progress | labels | PATCH 409            | 5: failed db (conflict)               | the same db [a], delete / in progress                | 0: POST 202               |
| delete / in progress | plan   | DELETE 422           | 5: failed db (conflict)               | the same db [a], delete / in progress                | 0: POST 202               |
| delete / in progress | key    | POST key 422         | 5: unchanged db, failed ci (conflict) | the same db [a], delete / in progress                | 0: POST 202, POST key 202 |
| update / failed      | tags   | PATCH 200            | 0: done db                            | the same db [b], update / succeeded                  | 0: nothing                |
| update / failed      | labels | PATCH 200            | 0: done db                            | the same db [a] with its label, update / failed      | 0: nothing                |
| update / failed      | plan   | DELETE 202, POST 202 | 0: done db                            | a new db [a], create / succeeded                     | 0: nothing                |
| update / failed      | key    | POST key 202         | 0: unchanged db, done ci              | the same db [a], update / failed; ci                 | 0: nothing                |
| delete / failed      | tags   | PATCH 200            | 0: done db                            | the same db [b], update / succeeded                  | 0: nothing                |
| delete / failed      | labels | PATCH 200            | 0: done db                            | the same db [a] with its label, delete / failed      | 0: nothing                |
| delete / failed      | plan   | DELETE 202, POST 202 | 0: done db                            | a new db [a], create / succeeded                     | 0: nothing                |
| delete / failed      | key    | POST key 202         | 0: unchanged db, done ci              | the same db [a], delete / failed; ci                 | 0: nothing                |
| gone                 | tags   | PATCH 404            | 5: failed db (not_found)              | no db                                                | 0: POST 202               |
| gone                 | labels | PATCH 404            | 5: failed db (not_found)              | no db                                                | 0: POST 202               |
| gone                 | plan   | DELETE 404, POST 202 | 0: done db                            | a new db [a], create / succeeded                     | 0: nothing                |
| gone                 | key    | POST key 422         | 5: unchanged db, failed ci (refused)  | no db                                                | 0: POST 202, POST key 202 |
");
}

/// What a create that the broker fails leaves, at once or later, and what is done about it.
fn failed(api: Api, failure: &str) -> Vec<String> {
    let scene = Scene::new(api);
    scene.declare("nothing else");
    let trouble = match failure {
        "at once" => serde_json::json!({ "refuse": { "status": 500, "description": "no room" } }),
        _ => serde_json::json!({ "fail_later": "no room" }),
    };
    scene.order("provision", &trouble);
    let ledger = told(&scene.apply().end());
    let (sent, there) = (scene.sent(), scene.there());
    let api = if api == Api::V2 { "v2" } else { "v3" };
    row(&[api, failure, &sent, &ledger, &there, &scene.plan(), &again(&scene), &scene.there()])
}

#[test]
fn what_a_failed_create_leaves_is_dealt_with() {
    let mut rows =
        vec![row(&["api", "it fails", "sent", "apply", "at the remote", "plan", "and again", "at the remote"])];
    for (api, failure) in [(Api::V2, "at once"), (Api::V2, "later"), (Api::V3, "at once"), (Api::V3, "later")] {
        rows.push(failed(api, failure));
    }
    assert_table("
| api | it fails | sent     | apply                           | at the remote                 | plan       | and again               | at the remote                    |
| v2  | at once  | POST 502 | 5: failed db (server_error)     | no db                         | create db  | 0: POST 201             | a new db [a], create / succeeded |
| v2  | later    | POST 202 | 5: failed db (operation_failed) | a new db [a], create / failed | recover db | 0: DELETE 204, POST 201 | a new db [a], create / succeeded |
| v3  | at once  | POST 202 | 5: failed db (operation_failed) | a new db [a], create / failed | recover db | 0: POST 202             | a new db [a], create / succeeded |
| v3  | later    | POST 202 | 5: failed db (operation_failed) | a new db [a], create / failed | recover db | 0: POST 202             | a new db [a], create / succeeded |
", &rows);
}
