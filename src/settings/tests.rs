//! `trueup.toml` from text to [`Settings`], and what is said of a bad one.

use std::collections::HashMap;

use super::*;
use crate::model::{Code, Diagnostic, Diagnostics, Sensitive, Severity, Sources, Value};

/// What loading a text comes to.
pub(super) struct Loaded {
    pub(super) settings: Option<Settings>,
    pub(super) sources: Sources,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// A run over one text.
#[derive(Default)]
pub(super) struct Run<'a> {
    pub(super) environment: Option<&'a str>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) env: HashMap<&'a str, &'a str>,
    pub(super) unconnected: bool,
}

impl Run<'_> {
    pub(super) fn load(&self, toml: &str) -> Loaded {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(FILE_NAME), toml).expect("written");
        let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
        let env = |name: &str| self.env.get(name).map(|value| (*value).to_owned());
        let options = LoadOptions {
            environment: self.environment,
            variables: &self.variables,
            env: &env,
            unconnected: self.unconnected,
        };
        let settings = load(directory.path(), options, &mut sources, &mut diagnostics);
        Loaded { settings, sources, diagnostics: diagnostics.into_sorted() }
    }
}

impl Loaded {
    /// One line each: code, place, message, help.
    pub(super) fn told(&self) -> Vec<String> {
        let line = |diagnostic: &Diagnostic| {
            let at = diagnostic.span().map_or_else(String::new, |span| {
                let at = self.sources.position(span);
                format!("{}:{} ", at.line, at.column)
            });
            let code = diagnostic.code.as_str().trim_start_matches("trueup::");
            let help = diagnostic.help.as_deref().unwrap_or("-");
            format!("{at}{code}: {} -- {help}", diagnostic.message)
        };
        self.diagnostics.iter().map(line).collect()
    }

    fn sound(self) -> Settings {
        assert_eq!(self.told(), Vec::<String>::new());
        self.settings.expect("sound settings")
    }
}

const KAITEN: &str =
    "[project]\nname = \"acme\"\n[targets.kaiten]\nprovider = \"kaiten\"\nurl = \"https://k.example.com\"\n";

/// `body` in a target of Kaiten, from line 6.
fn kaiten(body: &str) -> String {
    format!("{KAITEN}{body}\n")
}

/// `body` in a target of Cloud Foundry, from line 5.
fn cloudfoundry(body: &str) -> String {
    format!("[project]\nname = \"acme\"\n[targets.cf]\nprovider = \"cloudfoundry\"\n{body}\n")
}

#[track_caller]
fn says(toml: &str, expected: &[&str]) {
    let loaded = Run::default().load(toml);
    assert_eq!(loaded.told(), expected, "\n{toml}");
    let errors = loaded.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    assert_eq!(loaded.settings.is_none(), errors, "\n{toml}");
}

#[test]
fn a_whole_file_is_read() {
    let toml = r#"
[project]
name = "acme"
files = ["resources/**/*.yaml"]

[targets.kaiten]
provider = "kaiten"
url = "https://kaiten.example.com/base"
token = { command = ["vault", "read"] }
dialect = "seed"
seed_writes = true
skip_tls_verify = true

[targets.cf]
provider = "cloudfoundry"
url = "https://api.cf.example.com"
api = "v2"
auth = { method = "password", username = { env = "CF_USERNAME" }, password = { file = "pw" }, origin = "ldap" }

[targets.again]
provider = "cloudfoundry"
url = "http://127.0.0.1:8080"
api = "auto"
[targets.again.auth]
method = "client-credentials"
client_id = "ci"
client_secret.env = "CF_SECRET"

[targets.play]
provider = "cloudfoundry"
url = "sandbox"

[variables]
region = { default = "eu-west-1" }

[limits]
parallelism = 256
max_deletes = 0
"#;
    let settings = Run::default().load(toml).sound();
    assert_eq!((&*settings.project, settings.environment.as_deref()), ("acme", None));
    assert_eq!(settings.files[0].value, "resources/**/*.yaml");
    assert_eq!(settings.targets.keys().map(|name| &**name).collect::<Vec<_>>(), ["kaiten", "cf", "again", "play"]);
    assert_eq!(settings.limits, Limits { parallelism: 256, max_deletes: 0 });
    let kaiten = &settings.targets["kaiten"];
    assert_eq!(kaiten.api.as_deref(), Some("seed"));
    assert!(kaiten.seed_writes && kaiten.skip_tls_verify);
    assert!(
        matches!(&kaiten.auth, Some(AuthSource::Token(SecretSource { from: SecretPlace::Command(words), .. })) if words == &["vault", "read"])
    );
    let cf = &settings.targets["cf"];
    assert_eq!(cf.api.as_deref(), Some("v2"));
    let Some(AuthSource::Password { username: NameSource::Kept(user), password, origin }) = &cf.auth else {
        panic!("{:?}", cf.auth)
    };
    assert_eq!(user.from, SecretPlace::Env("CF_USERNAME".into()));
    assert_eq!(password.from, SecretPlace::File("pw".into()));
    assert_eq!(origin.as_deref(), Some("ldap"));
    assert!(
        matches!(&settings.targets["again"].auth, Some(AuthSource::ClientCredentials { client_id: NameSource::Literal(id), .. }) if id == "ci")
    );
    assert_eq!(settings.targets["again"].api, None);
    assert_eq!(settings.targets["play"].url, TargetUrl::Sandbox);
}

#[test]
fn the_file_is_found_from_below_and_its_absence_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let below = directory.path().join("a/b");
    std::fs::create_dir_all(&below).expect("made");
    let options = LoadOptions { environment: None, variables: &[], env: &|_| None, unconnected: false };
    let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
    assert!(load(&below, options, &mut sources, &mut diagnostics).is_none());
    let missing = diagnostics.into_sorted().remove(0);
    assert_eq!(missing.code, Code::SettingsMissing);
    assert!(missing.help.is_some_and(|help| help.contains("`trueup init`") && help.contains("`-C`")));

    std::fs::write(directory.path().join(FILE_NAME), format!("\u{feff}{KAITEN}")).expect("written");
    let mut diagnostics = Diagnostics::default();
    let settings = load(&below, options, &mut sources, &mut diagnostics).expect("found above");
    assert_eq!(settings.directory, directory.path());
    assert_eq!(sources.get(settings.file).name(), "trueup.toml");
    assert_eq!(sources.position(settings.targets["kaiten"].span).line, 3);
}

#[test]
fn what_is_not_toml_is_told_at_every_place() {
    says(
        "[project]\nname = \"acme\nx = y\n",
        &[
            "2:13 settings::syntax: `trueup.toml` is not TOML -- -",
            "3:5 settings::syntax: `trueup.toml` is not TOML -- -",
        ],
    );
    says("a = 1\na = 2\n", &["2:1 settings::syntax: `trueup.toml` is not TOML -- -"]);
}

#[test]
fn unknown_keys_are_told_with_the_nearest() {
    let toml = "[project]\nname = \"acme\"\nfile = [\"a\"]\n[target.kaiten]\n[targets.kaiten]\nprovider = \"kaiten\"\nurl = \"sandbox\"\ntokne = 1\n[limits]\nparalelism = 2\n[variables.x]\ndefualt = 1\n";
    says(
        toml,
        &[
            "3:1 settings::unknown_key: unknown key `project.file` -- did you mean `files`?",
            "4:2 settings::unknown_key: unknown key `target` -- did you mean `targets`?",
            "8:1 settings::unknown_key: unknown key `targets.kaiten.tokne` -- did you mean `token`?",
            "10:1 settings::unknown_key: unknown key `limits.paralelism` -- did you mean `parallelism`?",
            "12:1 settings::unknown_key: unknown key `variables.x.defualt` -- did you mean `default`?",
        ],
    );
}

#[test]
fn values_of_the_wrong_type_or_outside_their_range_are_told() {
    let toml = "[project]\nname = 1\nfiles = []\n[targets]\nkaiten = 3\n[limits]\nparallelism = 257\nmax_deletes = \"5\"\n[environments.staging]\nlimits = { parallelism = 0 }\ntargets = 1\n";
    says(
        toml,
        &[
            "2:8 settings::invalid: `project.name` has to be a string -- -",
            "3:9 settings::invalid: `project.files` is empty -- -",
            "5:10 settings::invalid: `targets.kaiten` has to be a table -- -",
            "7:15 settings::invalid: `limits.parallelism` has to be from 1 to 256 -- -",
            "8:15 settings::invalid: `limits.max_deletes` has to be an integer -- -",
            "10:26 settings::invalid: `environments.staging.limits.parallelism` has to be from 1 to 256 -- -",
            "11:11 settings::invalid: `environments.staging.targets` has to be a table -- -",
        ],
    );
    says(
        "[targets.Kaiten]\nprovider = \"kaitn\"\n[targets.a]\nurl = \"sandbox\"\n",
        &[
            "1:1 settings::invalid: the project has no name -- add `[project]` with `name = \"…\"`; plans show it",
            "1:10 settings::invalid: `Kaiten` cannot be the name of a target -- use `a` to `z`, `0` to `9`, `_` and `-`",
            "2:12 settings::invalid: `targets.Kaiten.provider` cannot be `kaitn` -- did you mean `kaiten`?",
            "3:10 settings::invalid: target `a` has no `provider` -- add `provider = \"kaiten\"` or `provider = \"cloudfoundry\"`",
        ],
    );
    says(
        "[project]\nname = \"\"\n[targets.a]\nprovider = \"kaitn\"\n[targets.b]\nprovider = \"openstack\"\n",
        &[
            "2:8 settings::invalid: `project.name` is empty -- -",
            "4:12 settings::invalid: `targets.a.provider` cannot be `kaitn` -- did you mean `kaiten`?",
            "6:12 settings::invalid: `targets.b.provider` cannot be `openstack` -- write one of `kaiten`, `cloudfoundry`",
        ],
    );
}

#[test]
fn a_literal_secret_is_refused_and_never_displayed() {
    let help = |key: &str| {
        format!(
            "write `{key} = {{ env = \"…\" }}`, `{{ file = \"…\" }}` or `{{ command = [\"…\"] }}`; if it was committed, have a new one issued"
        )
    };
    let url = "url = \"https://api.example.com\"\n";
    let table = [
        (kaiten("token = \"hush\""), format!("6:1 settings::literal_secret: `targets.kaiten.token` is written out -- {}", help("token"))),
        (kaiten("token = [\"hush\"]"), format!("6:1 settings::literal_secret: `targets.kaiten.token` is written out -- {}", help("token"))),
        (
            cloudfoundry(&format!("{url}auth = {{ method = \"password\", username = \"ci\", password = \"hush\" }}")),
            format!("6:48 settings::literal_secret: `targets.cf.auth.password` is written out -- {}", help("password")),
        ),
        (
            cloudfoundry(&format!("{url}[targets.cf.auth]\nmethod = \"client-credentials\"\nclient_id = \"ci\"\nclient_secret = \"\"\"\nhush\n\"\"\"")),
            format!("9:1 settings::literal_secret: `targets.cf.auth.client_secret` is written out -- {}", help("client_secret")),
        ),
        (
            kaiten("").replace("https://", "https://me:hush@"),
            "5:1 settings::literal_secret: `targets.kaiten.url` has credentials in it -- take them out of the URL; how to sign in is said by `token` or `auth`".to_owned(),
        ),
        (
            kaiten("token = { value = \"hush\" }"),
            "6:11 settings::unknown_key: unknown key `targets.kaiten.token.value` -- the keys here are `env`, `file`, `command`".to_owned(),
        ),
        (
            kaiten("token = { env = \"hush-hush\" }"),
            "6:17 settings::invalid: `targets.kaiten.token.env` has to be the name of an environment variable -- write its name alone, such as `KAITEN_AUTH_TOKEN`".to_owned(),
        ),
        (
            kaiten("passwrd = \"hush\""),
            "6:1 settings::unknown_key: unknown key `targets.kaiten.passwrd` -- the keys here are `provider`, `url`, `token`, `auth`, `dialect`, `api`, `ca_file`, `skip_tls_verify`, `allow_insecure`, `seed_writes`".to_owned(),
        ),
        (
            cloudfoundry(&format!("{url}auth = \"hush\"")),
            "6:8 settings::invalid: `targets.cf.auth` has to be a table -- -".to_owned(),
        ),
        (
            kaiten("[variables.pw]\nsensitive = true\ndefault = \"hush\""),
            "8:1 settings::literal_secret: the sensitive variable `pw` is written out -- take it from the environment: `[variables.pw]` with `env = \"…\"`".to_owned(),
        ),
        (
            kaiten("token = \"hush\nseed_writes = 1"),
            "6:14 settings::syntax: `trueup.toml` is not TOML -- -".to_owned(),
        ),
    ];
    for (toml, expected) in table {
        let loaded = Run::default().load(&toml);
        assert_eq!(loaded.told(), [expected], "\n{toml}");
        let span = loaded.diagnostics[0].span().expect("a place");
        let displayed = loaded.sources.get(span.file).display();
        assert!(!displayed.contains("hush") && displayed.contains('*'), "{displayed}");
        assert_eq!(displayed.len(), toml.len());
        assert!(!format!("{:?}", loaded.diagnostics).contains("hush"), "{:?}", loaded.diagnostics);
    }
}

#[test]
fn what_may_be_a_secret_is_not_displayed_wherever_it_stands() {
    for toml in [
        kaiten("[targets.kaiten.auht]\nmethod = \"password\"\npassword = \"hush\""),
        kaiten("[environments.Prod.targets.kaiten]\ntoken = \"hush\""),
        kaiten("[environments.prod.targets.kaitn]\ntoken = \"hush\""),
        kaiten("[targets.Bad]\ntoken = \"hush\""),
        kaiten("[target.kaiten]\ntoken = \"hush\""),
        kaiten("[[target]]\ntoken = \"hush\""),
        kaiten("token = { env = [\"hush\"] }"),
        kaiten("token = { command = \"echo hush\" }"),
        kaiten("[environments.prod.variables]\npassword = { deep = [\"hush\"] }"),
        kaiten("[variables]\npassword = \"hush\""),
        kaiten("[variables.Bad]\nsensitive = true\ndefault = [\"hush\", { a = \"hush\" }]"),
        cloudfoundry("url = \"sandbox\"\nauth = { password = \"hush\" }"),
        cloudfoundry("url = \"sandbox\"\nauth = { method = \"x\", client_secret = \"hush\" }"),
        cloudfoundry("url = \"sandbox\"\nauth = [\"hush\"]"),
    ] {
        let loaded = Run::default().load(&toml);
        let span = loaded.diagnostics[0].span().expect("a place");
        let displayed = loaded.sources.get(span.file).display();
        assert!(!displayed.contains("hush"), "{displayed}");
        assert!(loaded.settings.is_none());
        assert!(!format!("{:?}", loaded.diagnostics).contains("hush"), "{:?}", loaded.diagnostics);
    }
}

#[test]
fn a_secret_is_kept_in_one_place() {
    for (token, label) in
        [("{}", "no place is named"), ("{ env = \"A\", file = \"b\" }", "more than one place is named")]
    {
        let loaded = Run::default().load(&kaiten(&format!("token = {token}")));
        let expected = "6:9 settings::invalid: `targets.kaiten.token` has to name one place -- write one of `env`, `file` and `command`";
        assert_eq!(loaded.told(), [expected]);
        assert_eq!(loaded.diagnostics[0].labels[0].message, label);
    }
    says(
        &kaiten("token = { command = [] }"),
        &["6:21 settings::invalid: `targets.kaiten.token.command` is empty -- -"],
    );
    says(
        &kaiten("token = { command = \"vault read\" }"),
        &["6:21 settings::invalid: `targets.kaiten.token.command` has to be a list of strings -- -"],
    );
}

#[test]
fn urls_are_checked() {
    let with = |url: &str| format!("[project]\nname = \"acme\"\n[targets.k]\nprovider = \"kaiten\"\nurl = \"{url}\"\n");
    let example = "write it as `https://kaiten.example.com`, or `sandbox` for the embedded emulator";
    for (url, expected) in [
        ("http://k.example.com", "5:7 settings::insecure_url: target `k` would be spoken to without encryption -- use `https://`, or write `allow_insecure = true` beside the URL".to_owned()),
        ("k.example.com", "5:7 settings::invalid: `targets.k.url` needs a scheme -- write `https://k.example.com`".to_owned()),
        ("ftp://k.example.com", format!("5:7 settings::invalid: `targets.k.url` has to begin with `https://` -- {example}")),
        ("https://", format!("5:7 settings::invalid: `targets.k.url` is not a URL -- {example}")),
        ("https://k.example.com/?a=b", "5:1 settings::invalid: `targets.k.url` has to end before any `?` or `#` -- take the query out".to_owned()),
        ("", "5:7 settings::invalid: `targets.k.url` is empty -- -".to_owned()),
    ] {
        says(&with(url), &[&expected]);
    }
    says(&with("http://localhost:6000"), &[]);
    says(&format!("{}allow_insecure = true\n", with("http://k.example.com")), &[]);
}

#[test]
fn kaiten_without_a_url_takes_it_from_the_environment() {
    let toml = "[project]\nname = \"acme\"\n[targets.k]\nprovider = \"kaiten\"\n";
    says(
        toml,
        &["3:10 settings::invalid: target `k` has no `url` -- add `url = \"https://…\"`, or set KAITEN_BASE_URL"],
    );
    let run = |url| Run { env: [("KAITEN_BASE_URL", url)].into(), ..Run::default() };
    let settings = run("https://k.example.com/api").load(toml).sound();
    assert_eq!(settings.targets["k"].url, TargetUrl::Url(Url::parse("https://k.example.com/api").expect("a URL")));
    let told = run("https://me:hush@k.example.com").load(toml).told();
    assert_eq!(
        told,
        [
            "3:10 settings::literal_secret: the value of KAITEN_BASE_URL has credentials in it -- take them out of the URL; how to sign in is said by `token` or `auth`"
        ]
    );
    assert!(run("http://k.example.com").load(toml).told()[0].starts_with("3:10 settings::insecure_url"));
}

#[test]
fn keys_belong_to_their_provider() {
    says(
        &kaiten("api = \"v2\"\nauth = { method = \"cf-cli\" }"),
        &[
            "6:1 settings::unknown_key: `kaiten` targets have no `api` -- take it out",
            "7:1 settings::unknown_key: `kaiten` targets have no `auth` -- take it out",
        ],
    );
    says(
        &cloudfoundry("url = \"sandbox\"\ndialect = \"core\"\ntoken = { env = \"A\" }\nseed_writes = true"),
        &[
            "6:1 settings::unknown_key: `cloudfoundry` targets have no `dialect` -- take it out",
            "7:1 settings::unknown_key: `cloudfoundry` targets have no `token` -- take it out",
            "8:1 settings::unknown_key: `cloudfoundry` targets have no `seed_writes` -- take it out",
        ],
    );
    says(
        &kaiten("dialect = \"core\"\nseed_writes = true"),
        &["7:1 settings::invalid: `seed_writes` allows what only the seed dialect lacks -- take `seed_writes` out"],
    );
    says(
        &kaiten("dialect = \"sead\""),
        &["6:11 settings::invalid: `targets.kaiten.dialect` cannot be `sead` -- did you mean `seed`?"],
    );
    says(
        &kaiten("ca_file = \"nowhere.pem\""),
        &[
            "6:11 config::file_unreadable: no file `nowhere.pem` -- the path is relative to the directory of `trueup.toml`",
        ],
    );
}

#[test]
fn what_is_not_written_of_a_cloud_foundry_is_the_cf_clis() {
    let target = |body: &str| Run::default().load(&cloudfoundry(body)).sound().targets["cf"].clone();
    let bare = target("");
    assert_eq!(bare.url, TargetUrl::CfCli { allow_insecure: false });
    assert!(bare.auth.is_none());
    let written = target("allow_insecure = true\nauth = { method = \"cf-cli\" }");
    assert_eq!(written.url, TargetUrl::CfCli { allow_insecure: true });
    assert!(matches!(written.auth, Some(AuthSource::CfCli)));
    let refresh = target("auth = { method = \"refresh-token\", token = { env = \"T\" } }");
    assert!(matches!(refresh.auth, Some(AuthSource::RefreshToken(SecretSource { from: SecretPlace::Env(_), .. }))));
}

#[test]
fn an_api_of_cloud_foundry_is_chosen_or_left_to_the_foundation() {
    for (written, chosen) in
        [("", None), ("api = \"auto\"", None), ("api = \"v2\"", Some("v2")), ("api = \"v3\"", Some("v3"))]
    {
        let target = Run::default().load(&cloudfoundry(written)).sound().targets["cf"].clone();
        assert_eq!(target.api.as_deref(), chosen, "{written}");
    }
    says(
        &cloudfoundry("api = \"v4\""),
        &["5:7 settings::invalid: `targets.cf.api` cannot be `v4` -- did you mean `v2`?"],
    );
}

#[test]
fn a_sign_in_method_has_its_own_keys() {
    let with = |auth: &str| cloudfoundry(&format!("url = \"sandbox\"\nauth = {auth}"));
    says(
        &with("{ username = \"ci\" }"),
        &[
            "6:8 settings::invalid: `targets.cf.auth` has no `method` -- write `method = \"…\"` with one of `cf-cli`, `password`, `client-credentials`, `refresh-token`, `token`",
        ],
    );
    says(
        &with("{ method = \"passwd\" }"),
        &["6:19 settings::invalid: `targets.cf.auth.method` cannot be `passwd` -- did you mean `password`?"],
    );
    says(
        &with("{ method = \"password\", client_id = \"ci\" }"),
        &[
            "6:8 settings::invalid: `targets.cf.auth` has no `username` -- add `username`",
            "6:8 settings::invalid: `targets.cf.auth` has no `password` -- add `password`",
            "6:31 settings::unknown_key: unknown key `targets.cf.auth.client_id` -- the keys here are `method`, `username`, `password`, `origin`",
        ],
    );
}

#[test]
fn an_environment_is_laid_over_key_by_key() {
    let toml = kaiten(
        "dialect = \"seed\"\n[variables]\nregion = { default = \"eu-west-1\", env = \"REGION\" }\n[limits]\nparallelism = 2\nmax_deletes = 9\n\
         [environments.staging.targets.kaiten]\nurl = \"https://staging.example.com\"\n\
         [environments.staging.targets.extra]\nprovider = \"kaiten\"\nurl = \"sandbox\"\n\
         [environments.staging.variables]\nregion = \"eu-central-1\"\n[environments.staging.limits]\nparallelism = 3\n",
    );
    let base = Run::default().load(&toml).sound();
    assert_eq!(base.targets.len(), 1);
    assert_eq!(base.variables["region"].value, Value::text("eu-west-1"));

    let staging = Run { environment: Some("staging"), ..Run::default() }.load(&toml).sound();
    assert_eq!(staging.environment.as_deref(), Some("staging"));
    let target = &staging.targets["kaiten"];
    assert_eq!(target.url, TargetUrl::Url(Url::parse("https://staging.example.com").expect("a URL")));
    assert_eq!(target.api.as_deref(), Some("seed"));
    assert_eq!(staging.targets.get_index(1).map(|(name, _)| &**name), Some("extra"));
    assert_eq!(staging.variables["region"].value, Value::text("eu-central-1"));
    assert_eq!(staging.limits, Limits { parallelism: 3, max_deletes: 9 });

    let run = Run { environment: Some("staging"), env: [("REGION", "from-env")].into(), ..Run::default() };
    assert_eq!(run.load(&toml).sound().variables["region"].value, Value::text("from-env"));

    for (name, help) in [("stagin", "did you mean `staging`?"), ("production", "declared are `staging`")] {
        let loaded = Run { environment: Some(name), ..Run::default() }.load(&toml);
        let expected = format!("12:2 settings::unknown_environment: environment `{name}` is not declared -- {help}");
        assert_eq!(loaded.told(), [expected]);
        assert!(loaded.settings.is_none());
    }
    let loaded = Run { environment: Some("staging"), ..Run::default() }.load(KAITEN);
    assert_eq!(
        loaded.told(),
        [
            "settings::unknown_environment: environment `staging` is not declared -- `trueup.toml` declares none; leave `-e` out"
        ]
    );
}

#[test]
fn environments_that_are_not_chosen_are_checked_too() {
    let toml = kaiten(
        "[variables.region]\ndefault = 1\n[environments.staging]\nvariable = {}\n[environments.staging.targets.kaitn]\nurl = \"sandbox\"\n\
         [environments.staging.targets.kaiten]\napi = \"v2\"\nskip_tls_verify = \"yes\"\ntoken = \"hush\"\n[environments.staging.variables]\nregoin = \"x\"\nother = 1\n",
    );
    says(
        &toml,
        &[
            "9:1 settings::unknown_key: unknown key `environments.staging.variable` -- did you mean `variables`?",
            "10:31 settings::unknown_key: target `kaitn` is not declared -- did you mean `kaiten`?",
            "13:1 settings::unknown_key: `kaiten` targets have no `api` -- take it out",
            "14:19 settings::invalid: `environments.staging.targets.kaiten.skip_tls_verify` has to be `true` or `false` -- -",
            "15:1 settings::literal_secret: `environments.staging.targets.kaiten.token` is written out -- write `token = { env = \"…\" }`, `{ file = \"…\" }` or `{ command = [\"…\"] }`; if it was committed, have a new one issued",
            "17:1 settings::unknown_key: variable `regoin` is not declared -- did you mean `region`?",
            "18:1 settings::unknown_key: variable `other` is not declared -- declare it first: `[variables.other]`",
        ],
    );
}

#[test]
fn a_variable_takes_the_command_line_before_the_environment_before_its_default() {
    let toml = kaiten("[variables]\nregion = { default = \"written\", env = \"REGION\" }\n");
    let value = |run: Run<'_>| run.load(&toml).sound().variables["region"].value.clone();
    let given = |value: &str| ("region".to_owned(), value.to_owned());
    assert_eq!(value(Run::default()), Value::text("written"));
    assert_eq!(value(Run { env: [("REGION", "")].into(), ..Run::default() }), Value::text(""));
    let both = Run { env: [("REGION", "env")].into(), variables: vec![given("first"), given("1")], ..Run::default() };
    assert_eq!(value(both), Value::text("1"));
}

#[test]
fn variables_keep_the_types_of_toml() {
    let toml = kaiten(
        "[variables.all]\ndefault = { s = \"x\", b = true, i = 0x1F, f = 1.5, d = 2026-09-01T00:00:00Z, l = [1, \"a\"], n = -3 }\n[variables.secret]\nenv = \"S\"\nsensitive = true\n",
    );
    let settings = Run { env: [("S", "hush")].into(), ..Run::default() }.load(&toml).sound();
    let json = serde_json::json!({ "s": "x", "b": true, "i": 31, "f": 1.5, "d": "2026-09-01T00:00:00Z", "l": [1, "a"], "n": -3 });
    assert_eq!(settings.variables["all"].value, Value::from_json(&json));
    let Value::Sensitive(secret) = &settings.variables["secret"].value else { panic!("not sensitive") };
    assert_eq!(secret.expose(), &Value::text("hush"));
    assert!(!format!("{settings:?}").contains("hush"));
    says(
        &kaiten("[variables]\na = { default = nan }\nb = { default = 9223372036854775808 }\nc = \"x\"\nD = {}\n"),
        &[
            "7:17 settings::invalid: a number that JSON cannot hold -- -",
            "8:17 settings::invalid: an integer that 64 bits cannot hold -- -",
            "9:5 settings::invalid: `variables.c` has to be a table -- write `c = { default = … }`",
            "10:1 settings::invalid: `D` cannot be the name of a variable -- use `a` to `z`, `0` to `9`, `_` and `-`",
            "10:1 settings::variable_unset: variable `D` has no value -- add a `default` or an `env`, or give `--var D=VALUE`",
        ],
    );
}

#[test]
fn a_sensitive_variable_is_not_taken_from_an_empty_environment_variable() {
    let toml = kaiten(
        "[variables]\na = { env = \"A\", sensitive = true, default = \"x\" }\nb = { env = \"B\", sensitive = true }\nc = { env = \"C\" }\n",
    );
    let mut run = Run { env: [("A", ""), ("B", " \n"), ("C", "")].into(), ..Run::default() };
    let loaded = run.load(&toml);
    let help =
        |env: &str| format!("set {env} to the secret; a CI sets it to nothing where it does not have the secret");
    let told = loaded.told().into_iter().filter(|line| line.contains("variable_unset")).collect::<Vec<_>>();
    let expected = [("7:1", "a", "A"), ("8:1", "b", "B")].map(|(at, name, env)| {
        format!("{at} settings::variable_unset: the sensitive variable `{name}` is empty -- {}", help(env))
    });
    assert_eq!(told, expected);
    // Whoever writes it out means it.
    run.variables = vec![("a".to_owned(), String::new()), ("b".to_owned(), String::new())];
    assert!(run.load(&toml).told().iter().all(|line| !line.contains("variable_unset")));
}

#[test]
fn a_variable_without_a_value_is_told_and_the_rest_still_loads() {
    let toml = kaiten(
        "[variables]\na = { env = \"A\" }\nb = { env = \"B\", sensitive = true }\nc = {}\nd = { default = 1 }\n",
    );
    let loaded = Run::default().load(&toml);
    assert_eq!(
        loaded.told(),
        [
            "7:1 settings::variable_unset: variable `a` has no value -- set A in the environment, or give `--var a=VALUE`",
            "8:1 settings::variable_unset: variable `b` has no value -- set B in the environment",
            "9:1 settings::variable_unset: variable `c` has no value -- add a `default` or an `env`, or give `--var c=VALUE`",
        ]
    );
    let settings = loaded.settings.expect("only values are missing");
    let known = settings.variables.iter().filter(|(_, variable)| variable.value != Value::Unknown);
    assert_eq!(known.map(|(name, _)| &**name).collect::<Vec<_>>(), ["d"]);
}

#[test]
fn whoever_connects_to_nothing_need_not_have_a_secret_nor_know_where_a_target_is() {
    let toml = "[project]\nname = \"acme\"\n[targets.kaiten]\nprovider = \"kaiten\"\n\
                [variables.secret]\nenv = \"SECRET\"\nsensitive = true\n[variables.plain]\nenv = \"PLAIN\"\n\
                [variables.written]\nsensitive = true\n";
    let told = |unconnected, env: &[(&'static str, &'static str)]| {
        let loaded = Run { unconnected, env: env.iter().copied().collect(), ..Run::default() }.load(toml);
        let messages: Vec<_> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).collect();
        (messages, loaded.settings)
    };
    let (problems, _) = told(false, &[]);
    assert_eq!(problems.len(), 4, "{problems:?}");
    for env in [&[][..], &[("SECRET", "")]] {
        let (problems, settings) = told(true, env);
        // A variable that is no secret, and one that says nowhere what it is, have to be known as always.
        assert_eq!(problems, ["variable `plain` has no value", "variable `written` has no value"]);
        let settings = settings.expect("they are sound otherwise");
        assert_eq!(settings.variables["secret"].value, Sensitive::wrap(Value::Redacted));
        assert_eq!(settings.targets["kaiten"].url, TargetUrl::Unsaid);
    }
    let known = [("SECRET", "hush"), ("KAITEN_BASE_URL", "https://k.example.com")];
    let settings = told(true, &known).1.expect("they are sound otherwise");
    assert_eq!(settings.variables["secret"].value, Sensitive::wrap(Value::text("hush")), "what is there is taken");
    assert!(matches!(settings.targets["kaiten"].url, TargetUrl::Url(_)));
}

#[test]
fn a_variable_given_but_not_declared_is_wrong_usage() {
    let run = |name: &str| Run { variables: vec![(name.to_owned(), "hush".to_owned())], ..Run::default() };
    let toml = kaiten("[variables]\nregion = { default = 1 }\n");
    let loaded = run("regoin").load(&toml);
    assert_eq!(
        loaded.told(),
        ["cli::usage: `--var` names a variable that is not declared: `regoin` -- did you mean `region`?"]
    );
    assert!(loaded.settings.is_none());
    assert_eq!(
        run("zone").load(&toml).told(),
        ["cli::usage: `--var` names a variable that is not declared: `zone` -- declared are `region`"]
    );
    assert_eq!(
        run("zone").load(KAITEN).told(),
        ["cli::usage: `--var` names a variable that is not declared: `zone` -- `trueup.toml` declares no variable"]
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn one_slip_shows_no_secret(at in 0..200usize, slip in "[\\PC\n\r\t]|[\"'=\\[\\]{}#.,\\\\]|\"\"\"", cut in proptest::bool::ANY) {
        let mut toml = cloudfoundry("url = \"https://a.example.com\"\nauth = { method = \"password\", username = \"ci\", password = \"hush\" }\n[targets.k]\nprovider = \"kaiten\"\ntoken = \"hush\"");
        let at = at.min(toml.len());
        if cut && at < toml.len() {
            toml.remove(at);
        }
        toml.insert_str(at, &slip);
        let loaded = Run::default().load(&toml);
        for span in loaded.diagnostics.iter().filter_map(Diagnostic::span) {
            let displayed = loaded.sources.get(span.file).display();
            proptest::prop_assert_eq!(displayed.len(), loaded.sources.get(span.file).text().len());
            // What a slip turns into a comment is taken for one.
            let shown = displayed.lines().find(|line| line.split('#').next().is_some_and(|line| line.contains("hush")));
            proptest::prop_assert!(shown.is_none(), "{}", displayed);
        }
        let told = format!("{:?}", loaded.diagnostics);
        proptest::prop_assert!(!told.contains("hush"), "{}", told);
    }
}
