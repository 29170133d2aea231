//! Waits that last longer than tokens, and looks that fail: neither ends a wait, whichever API is spoken and however one
//! has signed in.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use trueup::emulator::cloudfoundry::{BrokerLimit, Options, Refresh};
use trueup::emulator::{Effect, Fault, Reply, ReplyBody};

use crate::scene::{Api, Scene, told};
use crate::support::{Run, Watched};

const BOTH: [Api; 2] = [Api::V2, Api::V3];

/// Starts to create an instance that stays in progress, and comes back when it is waited for.
fn waiting(scene: &Scene) -> Run {
    scene.declare("nothing else");
    scene.order("provision", &json!("never_end"));
    let mut run = scene.apply();
    run.until("waits", |_| looks(scene) > 0);
    run
}

/// How often the remote was asked how it goes, once it has taken the write.
fn looks(scene: &Scene) -> usize {
    let all = scene.world.cf().recorder().all();
    let is_of_instances = |path: &str| path.contains("/service_instances");
    let write = all.iter().position(|one| one.method != "GET" && is_of_instances(&one.path));
    let since = write.map_or(&[][..], |at| &all[at..]);
    since.iter().filter(|one| one.method == "GET" && is_of_instances(&one.path) && one.status.is_some()).count()
}

/// Where it is looked.
fn looked_at(api: Api) -> &'static str {
    if api == Api::V2 { "/v2/service_instances/*" } else { "/v3/service_instances" }
}

#[track_caller]
fn ends_well(scene: &Scene, run: Run) {
    scene.release();
    let output = run.end();
    assert_eq!(told(&output), "0: done db", "{output}");
    assert_eq!(scene.creates(), 1);
}

/// What goes wrong with a look, how often, and what is said of it meanwhile; nothing if it is just asked again.
fn troubles() -> Vec<(Effect, u32, Option<&'static str>)> {
    let reply = |status, body| Effect::Reply(Reply { status, body, ..Reply::default() });
    vec![
        (Effect::status(500), 1, None),
        (Effect::status(500), 2, Some("the remote failed")),
        (Effect::bad_gateway_page(), 1, None),
        (Effect::bad_gateway_page(), 4, Some("the remote failed")),
        (reply(503, ReplyBody::Text), 1, None),
        (Effect::CutBefore, 1, None),
        (Effect::CutAfter, 1, None),
        (Effect::CutBefore, 4, Some("the connection ended")),
        (Effect::Truncated, 1, None),
        (Effect::Malformed, 1, Some("cannot be read")),
        (Effect::too_many_requests(Some("1")), 1, None),
        (Effect::too_many_requests(Some("3600")), 1, Some("come back later")),
        (reply(404, ReplyBody::Html), 1, Some("does not have this")),
        (reply(401, ReplyBody::Empty), 1, None),
    ]
}

fn a_failed_look_never_ends_a_wait(api: Api) {
    for (effect, times, said) in troubles() {
        let scene = Scene::new(api);
        let mut run = waiting(&scene);
        scene.world.cf().faults().add(Fault::on("GET", looked_at(api), effect.clone()).times(times));
        let struck = || scene.world.cf().faults().list().iter().all(|entry| entry.hits == times);
        run.until("meets it", |_| struck());
        // And once more, to see that the wait goes on.
        let before = looks(&scene);
        run.until("looks again", |_| looks(&scene) > before + 1);
        let printed = run.printed();
        assert_eq!(printed.contains("the last look at it failed"), said.is_some(), "{effect:?}: {printed}");
        assert!(said.is_none_or(|said| printed.contains(said)), "{effect:?}: {printed}");
        ends_well(&scene, run);
    }
}

#[test]
fn a_failed_look_never_ends_a_wait_in_v2() {
    a_failed_look_never_ends_a_wait(Api::V2);
}

#[test]
fn a_failed_look_never_ends_a_wait_in_v3() {
    a_failed_look_never_ends_a_wait(Api::V3);
}

/// Jobs are kept for a while only; then the instance itself has to tell (section 10.1).
#[test]
fn what_came_of_a_job_that_is_forgotten_is_told_by_the_instance() {
    for (failure, said) in [(None, "0: done db"), (Some("no room"), "5: failed db (operation_failed)")] {
        let mut scene = Scene::new(Api::V3);
        scene.bring("create / succeeded");
        scene.declare("large");
        scene.order("update", &json!("never_end"));
        let mut run = scene.apply();
        run.until("waits", |_| looks(&scene) > 0);
        scene.steer(Method::POST, "broker/release", &json!({ "failure": failure }));
        scene.steer(Method::DELETE, "jobs", &json!({}));
        let output = run.end();
        assert_eq!(told(&output), said, "{output}");
        assert!(failure.is_none_or(|words| output.stdout.contains(words)), "{output}");
    }
}

/// Only who may not look any more does not wait on; the next apply that may, does.
#[test]
fn the_loss_of_the_right_to_look_ends_a_wait_and_the_next_apply_attaches() {
    for api in BOTH {
        let scene = Scene::new(api);
        let run = waiting(&scene);
        let code = Some("CF-NotAuthorized".to_owned());
        let forbidden = Effect::Reply(Reply { status: 403, code, ..Reply::default() });
        scene.world.cf().strike_always("GET", looked_at(api), forbidden);
        let output = run.end();
        assert_eq!(told(&output), "5: waiting db (forbidden)", "{output}");
        scene.let_go();
        let mut run = scene.apply();
        run.until("attaches", |run| run.printed().contains(r#""event":"start""#));
        ends_well(&scene, run);
    }
}

/// Tokens that end three times while something is waited for.
fn short(refresh: Refresh) -> Options {
    Options { access_token_validity: Duration::from_secs(1), refresh, ..Options::default() }
}

fn grants(scene: &Scene, kind: &str) -> usize {
    let asked = scene.world.cf().received("POST", "/oauth/token");
    let grant = format!("grant_type={kind}");
    asked.iter().filter(|request| String::from_utf8_lossy(&request.body).contains(&grant)).count()
}

/// What a client is granted that signs in itself.
fn granted(scene: &Scene, form: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let request = client
        .post(format!("{}/oauth/token", scene.world.cf().url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", "Basic Y2Y6")
        .body(form.to_owned());
    scene.world.wait(async {
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.unwrap()
    })
}

/// Waits until another token has been granted so many times, and then ends well.
#[track_caller]
fn outlives_its_tokens(scene: &Scene, kind: &str, times: usize) {
    let before = grants(scene, kind);
    let mut run = waiting(scene);
    run.until("signs in anew", |_| grants(scene, kind) >= before + times);
    ends_well(scene, run);
}

#[test]
fn client_credentials_are_granted_again_in_the_middle_of_waiting() {
    for api in BOTH {
        let scene = Scene::with(api, short(Refresh::Repeat));
        scene.world.project.write("secret", "ci-secret\n");
        let auth = r#"{ method = "client-credentials", client_id = "ci", client_secret = { file = "secret" } }"#;
        scene.sign_in_with(auth);
        outlives_its_tokens(&scene, "client_credentials", 3);
        assert_eq!(grants(&scene, "refresh_token"), 0, "there is no refresh token: {api:?}");
    }
}

#[test]
fn a_password_is_not_asked_for_again_where_a_refresh_will_do() {
    for api in BOTH {
        for refresh in [Refresh::Rotate, Refresh::Repeat, Refresh::Omit] {
            let scene = Scene::with(api, short(refresh));
            outlives_its_tokens(&scene, "refresh_token", 2);
            assert_eq!(grants(&scene, "password"), 1, "{api:?} {refresh:?}");
        }
    }
}

#[test]
fn the_session_of_the_cf_cli_is_renewed_and_its_file_stays_whole() {
    for api in BOTH {
        for refresh in [Refresh::Rotate, Refresh::Repeat, Refresh::Omit] {
            let mut scene = Scene::with(api, short(refresh));
            let home = scene.world.project.path().display().to_string();
            scene.world.project =
                std::mem::replace(&mut scene.world.project, crate::support::Project::empty()).env("CF_HOME", &home);
            let login = granted(&scene, "grant_type=password&username=admin&password=admin");
            let file = json!({
                "AccessToken": format!("bearer {}", login["access_token"].as_str().unwrap()),
                "ConfigVersion": 4,
                "OrganizationFields": {"GUID": "g", "Name": "Ж"},
                "RefreshToken": login["refresh_token"],
                "Target": scene.world.cf().url(),
                "UnknownToTrueup": {"z": 1, "a": [2.5]},
            });
            scene.world.project.write(".cf/config.json", serde_json::to_string_pretty(&file).unwrap());
            scene.sign_in_with(r#"{ method = "cf-cli" }"#);
            outlives_its_tokens(&scene, "refresh_token", 2);
            let mut kept: Value = serde_json::from_str(&scene.world.project.read(".cf/config.json")).unwrap();
            // What the cf CLI finds there is good for it.
            let form = format!("grant_type=refresh_token&refresh_token={}", kept["RefreshToken"].as_str().unwrap());
            granted(&scene, &form);
            // As long as the refresh token is good, the access token in the file does not matter.
            assert_eq!(kept["AccessToken"] != file["AccessToken"], refresh == Refresh::Rotate, "{api:?} {refresh:?}");
            for token in ["AccessToken", "RefreshToken"] {
                kept[token] = file[token].clone();
            }
            assert_eq!(kept, file, "{api:?} {refresh:?}");
            let left: Vec<_> = std::fs::read_dir(scene.world.project.path().join(".cf")).unwrap().collect();
            assert_eq!(left.len(), 1, "nothing is left beside it: {left:?}");
        }
    }
}

#[test]
fn a_refresh_token_of_ones_own_goes_on_giving_tokens() {
    for api in BOTH {
        for refresh in [Refresh::Rotate, Refresh::Repeat, Refresh::Omit] {
            let scene = Scene::with(api, short(refresh));
            let login = granted(&scene, "grant_type=password&username=admin&password=admin");
            scene.world.project.write("token", login["refresh_token"].as_str().unwrap());
            scene.sign_in_with(r#"{ method = "refresh-token", token = { file = "token" } }"#);
            outlives_its_tokens(&scene, "refresh_token", 3);
        }
    }
}

#[test]
fn a_token_that_nobody_can_renew_ends_the_wait_and_a_new_one_attaches() {
    for api in BOTH {
        let scene = Scene::new(api);
        let token = || granted(&scene, "grant_type=password&username=admin&password=admin")["access_token"].clone();
        scene.sign_in_with(r#"{ method = "token", token = { file = "token" } }"#);
        scene.world.project.write("token", token().as_str().unwrap());
        let run = waiting(&scene);
        let code = Some("CF-InvalidAuthToken".to_owned());
        let ended = Effect::Reply(Reply { status: 401, code, ..Reply::default() });
        scene.world.cf().strike_always("GET", looked_at(api), ended);
        let output = run.end();
        assert_eq!(told(&output), "5: waiting db (sign_in)", "{output}");
        scene.let_go();
        scene.world.project.write("token", token().as_str().unwrap());
        let mut run = scene.apply();
        run.until("attaches", |run| run.printed().contains(r#""event":"start""#));
        ends_well(&scene, run);
    }
}

/// A foundation that is busy with other operations asks one to come back; nothing is created twice.
#[test]
fn what_a_foundation_has_no_hands_for_now_is_sent_again_and_created_once() {
    let (each, timeout) = (Duration::from_millis(600), Duration::from_millis(1200));
    let broker_limit = Some(BrokerLimit { requests: 2, each, timeout });
    let scene = Scene::with(Api::V2, Options { broker_limit, ..Options::default() });
    scene.sign_in_with(r#"{ method = "password", username = "developer", password = { file = "password" } }"#);
    scene.world.project.write("password", "developer");
    let one = |number| format!("  db-{number}: {{ space: sandbox/dev, plan: database/small }}\n");
    scene.world.declare(&format!("service_instances:\n{}", (0..6).map(one).collect::<String>()));
    scene.world.run(&["apply", "--yes", "--parallelism", "6"]).exits(0);
    let refused = scene.world.cf().received("POST", "/v2/service_instances");
    assert!(refused.iter().any(|one| one.status == Some(429)), "the limit was met");
    assert_eq!(scene.creates(), 6);
    scene.world.run(&["plan", "--detailed-exitcode"]).exits(0);
}
