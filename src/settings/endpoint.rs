//! Targets made ready to connect to: secrets are taken from where they are kept, and nowhere else.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use url::Url;

use super::cf_cli::{self, CfCli, Unusable};
use super::url::is_insecure;
use super::{Auth, AuthSource, Endpoint, NameSource, SecretPlace, SecretSource, Settings, TargetSettings, TargetUrl};
use crate::model::{Code, Diagnostic};

/// How long a command may take to tell a secret.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// A secret has at most so many bytes.
const MAX_BYTES: usize = 64 << 10;

/// A target with its secrets taken from their sources. Runs commands, reads files, and takes up to 30 s for each.
///
/// Fails at the place of a source that yields nothing; what a source yields is never repeated. The sandbox has no
/// address before it runs: for it, take [`endpoint_at`].
pub fn endpoint(
    target: &TargetSettings,
    settings: &Settings,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Endpoint, Diagnostic> {
    let taken = Sources { target, directory: &settings.directory, env };
    let url = match &target.url {
        TargetUrl::Url(url) => url.clone(),
        TargetUrl::CfCli { allow_insecure } => taken.url_of_cf_cli(*allow_insecure)?,
        TargetUrl::Sandbox | TargetUrl::Unsaid => {
            let message = format!("target `{}` has no address yet", target.name);
            return Err(Diagnostic::error(Code::Internal, message).at(target.span, "declared here"));
        }
    };
    let auth = match (&target.auth, target.provider) {
        (Some(AuthSource::CfCli), _) | (None, "cloudfoundry") => taken.session_of_cf_cli(&url)?,
        (Some(source), _) => taken.auth(source)?,
        (None, _) => taken.default_token()?,
    };
    endpoint_at(target, settings, url, auth)
}

/// A target at another address than its own, and with another sign-in: the sandbox.
pub fn endpoint_at(target: &TargetSettings, settings: &Settings, url: Url, auth: Auth) -> Result<Endpoint, Diagnostic> {
    let ca = match &target.ca_file {
        None => None,
        Some(path) => Some(std::fs::read(settings.directory.join(path)).map_err(|error| {
            let message = format!("`{}` cannot be read: {error}", path.display());
            Diagnostic::error(Code::FileUnreadable, message).at(target.span, "the `ca_file` of this target")
        })?),
    };
    Ok(Endpoint {
        name: target.name.clone(),
        provider: target.provider,
        url,
        api: target.api.clone(),
        auth,
        ca,
        skip_tls_verify: target.skip_tls_verify,
        seed_writes: target.seed_writes,
        parallelism: settings.limits.parallelism,
        request_timeout: match target.provider {
            // The official SDK's (kaiten.md §2.4).
            "kaiten" => Duration::from_secs(30),
            // Cloud Controller waits 60 s for a broker before it answers (cloudfoundry.md §15).
            _ => Duration::from_secs(90),
        },
    })
}

/// Where one target's secrets are looked for.
struct Sources<'a> {
    target: &'a TargetSettings,
    directory: &'a Path,
    env: &'a dyn Fn(&str) -> Option<String>,
}

impl Sources<'_> {
    fn auth(&self, source: &AuthSource) -> Result<Auth, Diagnostic> {
        Ok(match source {
            AuthSource::CfCli => unreachable!("the cf CLI's session is no secret's source"),
            AuthSource::Token(token) => Auth::Token(self.secret(token)?),
            AuthSource::RefreshToken(token) => Auth::RefreshToken(self.secret(token)?),
            AuthSource::Password { username, password, origin } => Auth::Password {
                username: self.name(username)?,
                password: self.secret(password)?,
                origin: origin.clone(),
            },
            AuthSource::ClientCredentials { client_id, client_secret } => {
                Auth::ClientCredentials { client_id: self.name(client_id)?, client_secret: self.secret(client_secret)? }
            }
        })
    }

    fn cf_cli(&self) -> Result<CfCli, Unusable> {
        CfCli::read(&cf_cli::file(self.env)?)
    }

    fn url_of_cf_cli(&self, allow_insecure: bool) -> Result<Url, Diagnostic> {
        let target = self.target;
        let session = self.cf_cli().map_err(|Unusable { why, help }| {
            let message = format!("target `{}` cannot take its `url` from the cf CLI: {why}", target.name);
            Diagnostic::error(Code::CfCliSession, message)
                .at(target.span, "no `url` means the API that the cf CLI points to")
                .help(format!("{help}; or add `url = \"https://api.…\"`"))
        })?;
        if is_insecure(&session.target) && !allow_insecure {
            let message = format!("target `{}` would be spoken to without encryption", target.name);
            return Err(Diagnostic::error(Code::SettingsInsecureUrl, message)
                .at(target.span, "it takes its `url` from the cf CLI, which points to a plain `http://`")
                .help("use `https://`, or write `allow_insecure = true` for this target"));
        }
        Ok(session.target)
    }

    fn session_of_cf_cli(&self, url: &Url) -> Result<Auth, Diagnostic> {
        let target = self.target;
        let unusable = |Unusable { why, help }| {
            let message = format!("target `{}` cannot sign in with the cf CLI's session: {why}", target.name);
            let label =
                if target.auth.is_some() { "its `auth` is that session" } else { "no `auth` means that session" };
            Diagnostic::error(Code::CfCliSession, message)
                .at(target.span, label)
                .help(format!("{help}; or write another `auth`"))
        };
        let session = self.cf_cli().map_err(unusable)?;
        let api = url.as_str().trim_end_matches('/');
        if !session.points_to(url) {
            // Its tokens are no business of another API.
            let theirs = session.target.as_str().trim_end_matches('/');
            let why = format!("it is one at `{theirs}`, and the target is `{api}`");
            return Err(unusable(Unusable { why, help: format!("run `cf login -a {api}`") }));
        }
        if !session.is_signed_in() {
            return Err(unusable(Unusable {
                why: "nobody is signed in".to_owned(),
                help: "run `cf login`".to_owned(),
            }));
        }
        Ok(Auth::CfCli(Box::new(session)))
    }

    /// Kaiten's token is in `KAITEN_AUTH_TOKEN` (kaiten.md §2.2). The seed dialect's sample shows no sign-in at all.
    fn default_token(&self) -> Result<Auth, Diagnostic> {
        let source = SecretSource { from: SecretPlace::Env("KAITEN_AUTH_TOKEN".to_owned()), span: None };
        let unset = (self.env)("KAITEN_AUTH_TOKEN").is_none();
        if unset && self.target.api.as_deref() == Some("seed") {
            return Ok(Auth::None);
        }
        self.secret(&source).map(Auth::Token)
    }

    fn name(&self, source: &NameSource) -> Result<String, Diagnostic> {
        match source {
            NameSource::Literal(name) => Ok(name.clone()),
            NameSource::Kept(source) => self.text(source),
        }
    }

    fn secret(&self, source: &SecretSource) -> Result<SecretString, Diagnostic> {
        self.text(source).map(SecretString::from)
    }

    fn text(&self, source: &SecretSource) -> Result<String, Diagnostic> {
        let (taken, place) = match &source.from {
            SecretPlace::Env(name) => {
                let value = (self.env)(name).ok_or_else(|| {
                    let or_else =
                        if source.span.is_some() { "" } else { ", or name another place with `token = { … }`" };
                    let help = format!("run `export {name}=…` first{or_else}");
                    Failure::new(format!("{name} is not set"), help)
                });
                (value, format!("environment variable {name}"))
            }
            SecretPlace::File(path) => (read(&self.directory.join(path)), format!("file `{}`", path.display())),
            SecretPlace::Command(words) => {
                (run(words, self.directory, COMMAND_TIMEOUT), format!("command `{}`", words[0].escape_debug()))
            }
        };
        taken.and_then(checked).map_err(|Failure { why, help }| {
            let message = format!("no secret for target `{}`: {why}", self.target.name);
            let label = match source.span {
                Some(_) => format!("from {place}"),
                None => format!("its token is taken from {place}"),
            };
            Diagnostic::error(Code::SettingsSecretSource, message)
                .at(source.span.unwrap_or(self.target.span), label)
                .help(help)
        })
    }
}

/// Why a source yields nothing.
#[derive(Debug)]
struct Failure {
    why: String,
    help: String,
}

impl Failure {
    fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { why: why.into(), help: help.into() }
    }
}

/// Takes one line break off the end, and refuses what cannot be a secret.
fn checked(mut text: String) -> Result<String, Failure> {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.trim().is_empty() {
        return Err(Failure::new("it is empty", "put the secret there"));
    }
    if text.chars().any(char::is_control) {
        return Err(Failure::new("it is more than one line of text", "keep nothing but the secret there"));
    }
    Ok(text)
}

fn utf8(bytes: Vec<u8>) -> Result<String, Failure> {
    if bytes.len() > MAX_BYTES {
        return Err(Failure::new("it is larger than 64 KiB", "keep nothing but the secret there"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new("it is not UTF-8", "keep nothing but the secret there"))
}

fn at_most(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::File::open(path).and_then(at_most);
    utf8(bytes.map_err(|error| {
        Failure::new(format!("it cannot be read: {error}"), "the path is relative to the directory of `trueup.toml`")
    })?)
}

/// Runs a command without a shell, in the project's directory. Its standard error goes nowhere: scripts that trace
/// themselves print secrets there.
fn run(words: &[String], directory: &Path, timeout: Duration) -> Result<String, Failure> {
    let by_hand = "run it by hand to see what it says; its standard error is not shown";
    let mut program = PathBuf::from(&words[0]);
    // Whether a relative program is looked for here or there differs between systems.
    if program.is_relative() && program.components().count() > 1 {
        program = directory.join(program);
    }
    let mut command = Command::new(program);
    command.args(&words[1..]).current_dir(directory);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| {
        Failure::new(format!("it cannot be started: {error}"), "the first word is the program; no shell is involved")
    })?;
    let stdout = child.stdout.take().expect("it is piped");
    let (send, output) = mpsc::channel();
    // Reading apart from waiting: whoever inherits the pipe can keep it open after the command has ended.
    std::thread::spawn(move || send.send(at_most(stdout)));
    let deadline = Instant::now() + timeout;
    let read = output.recv_timeout(timeout);
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if read.is_ok() && Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) | Err(_) => break None,
        }
    };
    let Some(status) = status else {
        // It may have ended by itself meanwhile, which is as good.
        let _ = child.kill();
        let _ = child.wait();
        return Err(Failure::new(format!("it did not end within {} s", timeout.as_secs()), by_hand));
    };
    if !status.success() {
        let how = status
            .code()
            .map_or_else(|| "was killed by a signal".to_owned(), |code| format!("ended with status {code}"));
        return Err(Failure::new(format!("it {how}"), by_hand));
    }
    match read {
        Ok(Ok(bytes)) => utf8(bytes),
        Ok(Err(error)) => Err(Failure::new(format!("its output cannot be read: {error}"), by_hand)),
        Err(_) => Err(Failure::new(format!("its output did not end within {} s", timeout.as_secs()), by_hand)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::model::{Diagnostics, Sources as Files};
    use crate::settings::{FILE_NAME, LoadOptions, load};

    /// A project with one target, `t`, in a directory of its own.
    struct Project {
        directory: tempfile::TempDir,
        settings: Settings,
        files: Files,
        env: HashMap<&'static str, &'static str>,
    }

    impl Project {
        fn new(target: &str) -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            std::fs::write(directory.path().join("ca.pem"), "PEM").expect("written");
            let toml = format!("[project]\nname = \"acme\"\n[targets.t]\n{target}\n[limits]\nparallelism = 3\n");
            std::fs::write(directory.path().join(FILE_NAME), toml).expect("written");
            let (mut files, mut diagnostics) = (Files::default(), Diagnostics::default());
            let options = LoadOptions { environment: None, variables: &[], env: &|_| None, unconnected: false };
            let settings = load(directory.path(), options, &mut files, &mut diagnostics);
            let settings = settings.unwrap_or_else(|| panic!("{diagnostics:?}"));
            Self { directory, settings, files, env: HashMap::new() }
        }

        fn kaiten(body: &str) -> Self {
            Self::new(&format!("provider = \"kaiten\"\nurl = \"https://k.example.com\"\n{body}"))
        }

        fn file(&self, name: &str, text: impl AsRef<[u8]>) {
            std::fs::write(self.directory.path().join(name), text).expect("written");
        }

        fn endpoint(&self) -> Result<Endpoint, Diagnostic> {
            let env = |name: &str| self.env.get(name).map(|value| (*value).to_owned());
            endpoint(&self.settings.targets["t"], &self.settings, &env)
        }

        #[track_caller]
        fn token(&self) -> String {
            match self.endpoint().expect("an endpoint").auth {
                Auth::Token(token) => token.expose_secret().to_owned(),
                other => panic!("{other:?}"),
            }
        }

        /// Place, code, message, label and help of the failure.
        #[track_caller]
        fn failure(&self) -> String {
            let failure = self.endpoint().expect_err("no endpoint");
            let label = &failure.labels[0];
            let at = self.files.position(label.span);
            let help = failure.help.as_deref().unwrap_or("-");
            assert_eq!(failure.code, Code::SettingsSecretSource);
            format!("{}:{} {} ({}) -- {help}", at.line, at.column, failure.message, label.message)
        }
    }

    #[test]
    fn a_token_is_taken_from_each_kind_of_place() {
        let mut project = Project::kaiten("token = { env = \"T\" }\nca_file = \"ca.pem\"");
        project.env.insert("T", "hush");
        assert_eq!(project.token(), "hush");
        let endpoint = project.endpoint().expect("an endpoint");
        assert_eq!(endpoint.ca.as_deref(), Some(&b"PEM"[..]));
        assert_eq!((endpoint.parallelism, endpoint.request_timeout), (3, Duration::from_secs(30)));
        assert!(!format!("{endpoint:?}").contains("hush"));

        let project = Project::kaiten("token = { file = \"secret\" }");
        project.file("secret", "hush\r\n");
        assert_eq!(project.token(), "hush");

        // Neither word splitting nor expansion: no shell sees it.
        let project = Project::kaiten("token = { command = [\"printf\", \"%s\\n\", \"a  $HOME\"] }");
        assert_eq!(project.token(), "a  $HOME");
    }

    #[test]
    fn a_source_that_yields_nothing_is_told_at_its_place() {
        let relative = "the path is relative to the directory of `trueup.toml`";
        let project = Project::kaiten("token = { env = \"T\" }");
        assert_eq!(
            project.failure(),
            "6:9 no secret for target `t`: T is not set (from environment variable T) -- run `export T=…` first"
        );
        let project = Project::kaiten("token = { file = \"secret\" }");
        assert_eq!(
            project.failure(),
            format!(
                "6:9 no secret for target `t`: it cannot be read: No such file or directory (os error 2) (from file `secret`) -- {relative}"
            )
        );
        project.file("secret", " \n");
        assert_eq!(
            project.failure(),
            "6:9 no secret for target `t`: it is empty (from file `secret`) -- put the secret there"
        );
        project.file("secret", "one\ntwo\n");
        assert_eq!(
            project.failure(),
            "6:9 no secret for target `t`: it is more than one line of text (from file `secret`) -- keep nothing but the secret there"
        );
        project.file("secret", b"\xff");
        assert!(project.failure().contains("not UTF-8"));
        project.file("secret", "x".repeat(MAX_BYTES + 1));
        assert!(project.failure().contains("larger than 64 KiB"));
    }

    #[test]
    fn a_command_that_fails_is_told_without_its_output() {
        let by_hand = "run it by hand to see what it says; its standard error is not shown";
        let script = |body: &str| Project::kaiten(&format!("token = {{ command = [\"sh\", \"-c\", \"{body}\"] }}"));
        let said = script("echo hush; echo hush >&2; exit 3").failure();
        assert_eq!(
            said,
            format!("6:9 no secret for target `t`: it ended with status 3 (from command `sh`) -- {by_hand}")
        );
        assert!(script("kill -9 $$").failure().contains("it was killed by a signal"));
        assert!(script("true").failure().contains("it is empty"));
        let missing = Project::kaiten("token = { command = [\"./nowhere\"] }").failure();
        assert!(missing.contains("it cannot be started"), "{missing}");
        assert_eq!(script("echo hush; echo noise >&2").token(), "hush");
    }

    #[test]
    fn a_command_runs_in_the_directory_of_the_project() {
        let project = Project::kaiten("token = { command = [\"bin/secret\"] }");
        std::fs::create_dir(project.directory.path().join("bin")).expect("made");
        project.file("value", "hush");
        project.file("bin/secret", "#!/bin/sh\ncat value\n");
        let program = project.directory.path().join("bin/secret");
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
        assert_eq!(project.token(), "hush");
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let started = Instant::now();
        let words = ["sleep", "60"].map(str::to_owned);
        let failure = run(&words, Path::new("."), Duration::from_millis(50)).expect_err("too slow");
        assert!(failure.why.contains("did not end"), "{failure:?}");
        // What it started may live on and keep the pipe: that is not waited for either.
        let words = ["sh", "-c", "sleep 60 & echo hush"].map(str::to_owned);
        let failure = run(&words, Path::new("."), Duration::from_millis(300)).expect_err("still open");
        assert!(failure.why.contains("its output did not end"), "{failure:?}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn kaiten_takes_its_usual_variable_and_the_seed_dialect_does_without() {
        let mut project = Project::kaiten("");
        assert_eq!(
            project.failure(),
            "3:10 no secret for target `t`: KAITEN_AUTH_TOKEN is not set (its token is taken from environment variable KAITEN_AUTH_TOKEN) -- run `export KAITEN_AUTH_TOKEN=…` first, or name another place with `token = { … }`"
        );
        project.env.insert("KAITEN_AUTH_TOKEN", "hush");
        assert_eq!(project.token(), "hush");
        let mut project = Project::kaiten("dialect = \"seed\"");
        assert!(matches!(project.endpoint().expect("an endpoint").auth, Auth::None));
        project.env.insert("KAITEN_AUTH_TOKEN", "hush");
        assert_eq!(project.token(), "hush");
        project.env.insert("KAITEN_AUTH_TOKEN", "");
        assert!(project.failure().contains("it is empty"));
        let project = Project::kaiten("dialect = \"seed\"\ntoken = { env = \"T\" }");
        assert!(project.failure().contains("is not set"));
    }

    #[test]
    fn a_user_and_a_client_sign_in_with_names_from_either_side() {
        let cf = |auth: &str| {
            Project::new(&format!("provider = \"cloudfoundry\"\nurl = \"https://a.example.com\"\nauth = {auth}"))
        };
        let mut project =
            cf("{ method = \"password\", username = { env = \"U\" }, password = { env = \"P\" }, origin = \"ldap\" }");
        project.env.extend([("U", "ci"), ("P", "hush")]);
        let Auth::Password { username, password, origin } = project.endpoint().expect("an endpoint").auth else {
            panic!()
        };
        assert_eq!((&*username, password.expose_secret(), origin.as_deref()), ("ci", "hush", Some("ldap")));
        let mut project =
            cf("{ method = \"client-credentials\", client_id = \"ci\", client_secret = { env = \"S\" } }");
        assert_eq!(
            project.failure(),
            "6:75 no secret for target `t`: S is not set (from environment variable S) -- run `export S=…` first"
        );
        project.env.insert("S", "hush");
        let Auth::ClientCredentials { client_id, client_secret } = project.endpoint().expect("an endpoint").auth else {
            panic!()
        };
        assert_eq!((&*client_id, client_secret.expose_secret()), ("ci", "hush"));
    }

    #[test]
    fn a_refresh_token_is_a_secret_like_any_other() {
        let mut project = Project::new(
            "provider = \"cloudfoundry\"\nurl = \"https://a.b\"\nauth = { method = \"refresh-token\", token = { env = \"R\" } }",
        );
        assert!(project.failure().contains("is not set"));
        project.env.insert("R", "hush");
        let endpoint = project.endpoint().expect("an endpoint");
        assert!(matches!(&endpoint.auth, Auth::RefreshToken(token) if token.expose_secret() == "hush"));
        assert!(!format!("{endpoint:?}").contains("hush"));
    }

    /// A target without `auth`, and a cf CLI whose file is this.
    fn with_cf_cli(target: &str, config: &str) -> (Project, Result<Endpoint, Diagnostic>) {
        let project = Project::new(&format!("provider = \"cloudfoundry\"\n{target}"));
        std::fs::create_dir(project.directory.path().join(".cf")).expect("made");
        project.file(".cf/config.json", config);
        let home = project.directory.path().display().to_string();
        let env = |name: &str| (name == "CF_HOME").then(|| home.clone());
        let endpoint = endpoint(&project.settings.targets["t"], &project.settings, &env);
        (project, endpoint)
    }

    fn config(target: &str, access: &str) -> String {
        format!("{{\"ConfigVersion\": 4, \"Target\": \"{target}\", \"AccessToken\": \"{access}\"}}")
    }

    #[test]
    fn the_cf_cli_gives_its_session_and_its_api() {
        let config = config("https://api.example.com/", "bearer hush");
        for target in ["", "auth = { method = \"cf-cli\" }", "url = \"https://API.example.com\""] {
            let (_, endpoint) = with_cf_cli(target, &config);
            let endpoint = endpoint.expect("an endpoint");
            assert_eq!(endpoint.url.as_str(), "https://api.example.com/", "{target}");
            let Auth::CfCli(session) = &endpoint.auth else { panic!("{target}") };
            assert_eq!(session.access_token.as_ref().map(SecretString::expose_secret), Some("hush"));
            assert!(!format!("{endpoint:?}").contains("hush"));
        }
    }

    #[test]
    fn a_session_of_no_use_is_told_at_its_target() {
        let told = |target: &str, config: &str| {
            let (project, endpoint) = with_cf_cli(target, config);
            let failure = endpoint.expect_err("no endpoint");
            assert_eq!(failure.code, Code::CfCliSession);
            assert_eq!(project.files.position(failure.labels[0].span).line, 3);
            assert!(!format!("{failure:?}").contains("hush"));
            let text = format!("{} ({}) -- {}", failure.message, failure.labels[0].message, failure.help.unwrap());
            text.replace(&project.directory.path().display().to_string(), "~")
        };
        let url = "url = \"https://api.example.com\"";
        assert_eq!(
            told(url, &config("https://api.example.org", "bearer hush")),
            "target `t` cannot sign in with the cf CLI's session: it is one at `https://api.example.org`, and the target is \
             `https://api.example.com` (no `auth` means that session) -- run `cf login -a https://api.example.com`; or write \
             another `auth`"
        );
        assert_eq!(
            told("auth = { method = \"cf-cli\" }", &config("https://api.example.com", "")),
            "target `t` cannot sign in with the cf CLI's session: nobody is signed in (its `auth` is that session) -- run \
             `cf login`; or write another `auth`"
        );
        assert_eq!(
            told("", ""),
            "target `t` cannot take its `url` from the cf CLI: `~/.cf/config.json` is empty (no `url` means the API that the \
             cf CLI points to) -- delete it, then run `cf login`; or add `url = \"https://api.…\"`"
        );
    }

    #[test]
    fn an_unencrypted_api_of_the_cf_cli_needs_consent_too() {
        let config = config("http://api.example.com", "bearer hush");
        assert_eq!(with_cf_cli("", &config).1.expect_err("refused").code, Code::SettingsInsecureUrl);
        assert!(with_cf_cli("allow_insecure = true", &config).1.is_ok());
    }

    #[test]
    fn without_a_home_there_is_no_session() {
        let project = Project::new("provider = \"cloudfoundry\"\nurl = \"https://api.example.com\"");
        let failure = project.endpoint().expect_err("no endpoint");
        assert!(failure.message.ends_with("neither CF_HOME nor a home directory is set"), "{failure:?}");
    }

    #[test]
    fn the_sandbox_is_given_its_address() {
        let project = Project::new("provider = \"cloudfoundry\"\nurl = \"sandbox\"");
        assert_eq!(project.endpoint().expect_err("no address yet").code, Code::Internal);
        let url = Url::parse("http://127.0.0.1:4000").expect("a URL");
        let endpoint = endpoint_at(&project.settings.targets["t"], &project.settings, url.clone(), Auth::None);
        assert_eq!(endpoint.expect("an endpoint").url, url);
    }
}
