//! Signing in to Cloud Foundry as people and pipelines do: with the cf CLI's session, behind a proxy, with a token.

use std::time::Duration;

use serde_json::{Value, json};
use trueup::emulator::cloudfoundry::marketplace::{Behaviour, SeedBroker, SeedOffering, SeedPlan};
use trueup::emulator::cloudfoundry::{Client, Options, Refresh};
use trueup::emulator::{Effect, Reply, ReplyBody, kaiten};

use crate::support::{Output, Project, Watched, World};

const ONE: &str = "service_instances:\n  acme-db: { space: sandbox/dev, plan: database/fast }\n";

/// Longer than three tokens of a second last.
const SLOW: &str = "service_instances:\n  acme-db: { space: sandbox/dev, plan: database/slow }\n";

fn settings(api: &str) -> String {
    format!("[project]\nname = \"acme\"\n[targets.cf]\nprovider = \"cloudfoundry\"\napi = \"{api}\"\n")
}

/// A foundation whose user has signed in with the cf CLI, and a project that says nothing of it.
struct Cli {
    world: World,
    project: Project,
}

impl Cli {
    fn new(options: Options, yaml: &str) -> Self {
        let slow = SeedPlan::new("slow", Behaviour::asynchronous(3500));
        let plans = vec![slow, SeedPlan::new("fast", Behaviour::synchronous())];
        let brokers = vec![SeedBroker::new("broker", vec![SeedOffering::new("database", plans)])];
        let world = World::with(kaiten::Options::default(), Options { brokers, ..options });
        let project = Project::empty().file("trueup.toml", settings("v2")).file("a.yaml", yaml);
        let home = project.path().display().to_string();
        Self { world, project: project.env("CF_HOME", &home) }
    }

    fn grant(&self, form: &str, basic: Option<&str>) -> Value {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut request = client
            .post(format!("{}/oauth/token", self.world.cf().url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        if let Some(basic) = basic {
            request = request.header("authorization", format!("Basic {basic}"));
        }
        self.world.wait(async {
            let answer = request.send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.json().await.unwrap()
        })
    }

    /// What `cf login` leaves behind.
    fn login(self) -> Self {
        let granted = self.grant("grant_type=password&username=developer&password=developer", Some("Y2Y6"));
        self.keep(&granted, &json!({}));
        self
    }

    fn keep(&self, granted: &Value, more: &Value) {
        let mut file = json!({
            "AccessToken": format!("bearer {}", granted["access_token"].as_str().unwrap()),
            "ConfigVersion": 4,
            "RefreshToken": granted["refresh_token"].as_str().unwrap_or_default(),
            "Target": self.world.cf().url(),
            "UnknownToTrueup": {"z": 1, "a": [2.5]},
        });
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.project.write(".cf/config.json", serde_json::to_string_pretty(&file).unwrap());
    }

    fn kept(&self) -> Value {
        serde_json::from_str(&self.project.read(".cf/config.json")).unwrap()
    }

    fn grants(&self) -> usize {
        self.world.cf().count("POST", "/oauth/token")
    }

    #[track_caller]
    fn refused(&self, code: i32, words: &[&str]) -> Output {
        let output = self.project.run(&["plan"]).exits(code);
        let text = output.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in words {
            assert!(text.contains(words), "no {words} in {output}");
        }
        assert!(!output.stderr.contains("eyJ") && !output.stdout.contains("eyJ"), "a token is shown: {output}");
        output
    }
}

#[test]
fn the_session_of_the_cf_cli_plans_and_applies_without_a_word_about_it() {
    let cli = Cli::new(Options::default(), ONE).login();
    let before = cli.kept();
    cli.project.run(&["plan"]).exits(0);
    cli.project.run(&["apply", "--yes"]).exits(0);
    assert_eq!(cli.grants(), 1, "the login of the cf CLI itself");
    assert_eq!(cli.kept(), before);
    assert_eq!(cli.world.service_instances(), ["acme-db"]);
}

#[test]
fn an_apply_outlives_a_borrowed_token_and_the_cf_cli_stays_signed_in() {
    for refresh in [Refresh::Rotate, Refresh::Repeat, Refresh::Omit] {
        let options = Options { access_token_validity: Duration::from_secs(1), refresh, ..Options::default() };
        let cli = Cli::new(options, SLOW).login();
        let before = cli.kept();
        cli.project.run(&["apply", "--yes"]).exits(0);
        assert!(cli.grants() >= 3, "{refresh:?}");
        let after = cli.kept();
        assert_eq!(after["UnknownToTrueup"], before["UnknownToTrueup"]);
        assert_eq!(after["RefreshToken"] == before["RefreshToken"], refresh != Refresh::Rotate, "{refresh:?}");
        // The cf CLI goes on with what is in its file.
        let form = format!("grant_type=refresh_token&refresh_token={}", after["RefreshToken"].as_str().unwrap());
        cli.grant(&form, Some("Y2Y6"));
    }
}

#[test]
fn a_borrowed_token_that_is_refused_in_the_middle_is_replaced_once() {
    let cli = Cli::new(Options { refresh: Refresh::Rotate, ..Options::default() }, ONE).login();
    let reply = Reply { status: 401, body: ReplyBody::Empty, ..Reply::default() };
    cli.world.cf().strike("GET", "/v2/service_instances", Effect::Reply(reply));
    cli.project.run(&["apply", "--yes"]).exits(0);
    assert_eq!(cli.grants(), 2, "the cf CLI's and one more");
}

#[test]
fn what_is_wrong_with_a_borrowed_session_is_said_with_status_4() {
    let cli = Cli::new(Options::default(), ONE);
    cli.refused(4, &["cannot take its `url` from the cf CLI", "run `cf login`"]);
    cli.project.write(".cf/config.json", "");
    cli.refused(4, &["is empty", "delete it, then run `cf login`"]);
    cli.project.write(".cf/config.json", "{\"AccessToken\": \"eyJ");
    cli.refused(4, &["is not JSON, at line 1"]);
    let granted = cli.grant("grant_type=password&username=developer&password=developer", Some("Y2Y6"));
    cli.keep(&granted, &json!({"ConfigVersion": 3}));
    cli.refused(4, &["`ConfigVersion` 3", "version 7 or later"]);
    cli.keep(&granted, &json!({"AccessToken": "", "RefreshToken": ""}));
    cli.refused(4, &["nobody is signed in", "run `cf login`"]);
    let asked = cli.world.cf().recorder().count();
    let elsewhere =
        "[project]\nname = \"a\"\n[targets.cf]\nprovider = \"cloudfoundry\"\nurl = \"https://api.example.com\"\n";
    cli.keep(&granted, &json!({}));
    cli.project.write("trueup.toml", elsewhere);
    cli.refused(4, &["and the target is `https://api.example.com`", "run `cf login -a https://api.example.com`"]);
    assert_eq!(cli.world.cf().recorder().count(), asked, "nothing was asked of the session's API");
    // Validating needs no session.
    cli.project.run(&["validate"]).exits(0);
}

#[test]
fn a_borrowed_session_that_has_ended_is_said_so_with_status_4() {
    let options = Options {
        access_token_validity: Duration::ZERO,
        refresh_token_validity: Duration::ZERO,
        clients: vec![Client::cf(), Client::service("ci", "ci-secret", &["cloudfoundry.admin"])],
        ..Options::default()
    };
    let cli = Cli::new(options, ONE).login();
    cli.refused(4, &["signing in was refused", "`invalid_token`", "the session has ended: run `cf login`"]);
    let granted = cli.grant("grant_type=client_credentials&client_id=ci&client_secret=ci-secret", None);
    cli.keep(&granted, &json!({"UAAGrantType": "client_credentials", "UAAOAuthClient": "ci"}));
    cli.refused(4, &["made with client credentials", "run `cf auth --client-credentials` again"]);
}

#[test]
fn a_refresh_token_signs_in_and_outlives_its_tokens() {
    for refresh in [Refresh::Rotate, Refresh::Repeat] {
        let options = Options { access_token_validity: Duration::from_secs(1), refresh, ..Options::default() };
        let cli = Cli::new(options, SLOW).login();
        let kept = cli.kept();
        let toml = format!(
            "[project]\nname = \"acme\"\n[targets.cf]\nprovider = \"cloudfoundry\"\nurl = \"{}\"\n\
             auth = {{ method = \"refresh-token\", token = {{ file = \"token\" }} }}\n",
            cli.world.cf().url()
        );
        cli.project.write("trueup.toml", toml);
        cli.project.write("token", format!("{}\n", kept["RefreshToken"].as_str().unwrap()));
        cli.project.run(&["apply", "--yes"]).exits(0);
        assert_eq!(cli.kept(), kept, "the cf CLI's file is its own");
    }
}

#[test]
fn each_thing_that_the_api_says_of_a_token_has_its_status() {
    let error = |status: u16, name: &str| {
        let name = Some(name.to_owned());
        Effect::Reply(Reply { status, code: name, detail: Some("no".to_owned()), ..Reply::default() })
    };
    // Reference, section 4.2.
    for (api, status, name, exit, words) in [
        ("v2", 401, "CF-NotAuthenticated", 4, "carried no token"),
        ("v2", 401, "CF-InvalidAuthToken", 4, "sign in again"),
        ("v2", 403, "CF-InsufficientScope", 4, "cloud_controller.read"),
        ("v2", 403, "CF-NotAuthorized", 4, "role Space Developer"),
        ("v3", 401, "CF-NotAuthenticated", 4, "carried no token"),
        ("v3", 401, "CF-InvalidAuthToken", 4, "sign in again"),
        ("v3", 403, "CF-NotAuthorized", 4, "role Space Developer"),
        ("v2", 502, "CF-UaaUnavailable", 1, "try again later"),
    ] {
        let cli = Cli::new(Options::default(), ONE).login();
        // Where both are offered, v3 is chosen.
        cli.project.write("trueup.toml", settings(if api == "v2" { api } else { "auto" }));
        cli.world.cf().strike_always("GET", &format!("/{api}/organizations"), error(status, name));
        cli.refused(exit, &[words, name]);
    }
}

#[test]
fn a_proxy_is_used_for_the_api_and_for_its_uaa() {
    let world = World::new();
    let toml = "[project]\nname = \"acme\"\n[targets.cf]\nprovider = \"cloudfoundry\"\n\
                api = \"v2\"\nurl = \"http://api.cf.example.com\"\nallow_insecure = true\n\
                auth = { method = \"password\", username = \"admin\", password = { env = \"CF_PASSWORD\" } }\n";
    let project = Project::empty()
        .env("CF_PASSWORD", "admin")
        .env("HTTP_PROXY", world.cf().url())
        .file("trueup.toml", toml)
        .file("a.yaml", "spaces:\n  dev: { organization: sandbox }\n");
    // The proxy is the foundation itself: it answers for whatever host it is asked for.
    let output = project.run(&["plan"]).exits(0);
    assert!(output.stdout.contains("http://api.cf.example.com"), "{output}");
    let asked = world.cf().recorder().all();
    for path in ["/", "/oauth/token", "/v2/spaces"] {
        assert!(asked.iter().any(|request| request.path == path), "{path} of {asked:?}");
    }
}

#[test]
fn without_a_home_nobodys_session_is_looked_for() {
    let project = Project::empty()
        .file("trueup.toml", "[project]\nname = \"acme\"\n[targets.cf]\nprovider = \"cloudfoundry\"\n")
        .file("a.yaml", ONE);
    let output = project.run(&["plan"]).exits(4);
    assert!(output.stderr.contains("neither CF_HOME nor a home"), "{output}");
}

/// Signing in begins before all is judged, and still asks nothing of whom nothing is declared for.
#[test]
fn only_targets_that_something_is_declared_for_are_asked() {
    let world = World::new();
    let asked = |yaml: &str, arguments: &[&str], code: i32| {
        world.declare(yaml);
        world.kaiten().recorder().clear();
        world.cf().recorder().clear();
        world.run(arguments).exits(code);
        [world.kaiten(), world.cf()].map(|remote| !remote.recorder().all().is_empty())
    };
    let customer = "customers:\n  acme: { name: Acme }\n";
    let both = format!("{customer}organizations:\n  acme: {{}}\n");
    assert_eq!(asked(customer, &["plan"], 0), [true, false]);
    assert_eq!(asked(&both, &["plan"], 0), [true, true]);
    assert_eq!(asked(&both, &["plan", "--only", "organizations.acme"], 0), [false, true]);
    assert_eq!(asked("customers:\n  acme: [\n", &["plan"], 3), [false, false], "not while a file cannot be read");
    assert_eq!(asked(&both, &["validate"], 0), [false, false]);
}
