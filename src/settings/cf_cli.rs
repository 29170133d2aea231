//! The cf CLI's own file: where it points to, and the session of its user (cloudfoundry.md §4.3).

use std::io::Read as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

/// The only version of the file that the cf CLI of today reads; it ignores a file of any other.
const VERSION: i64 = 4;
/// The file has a few kilobytes, tokens included.
const MAX_BYTES: u64 = 1 << 20;
/// What sessions of users are made with.
const DEFAULT_CLIENT: &str = "cf";

/// What the cf CLI's file says. Read anew whenever it is needed: the cf CLI may write it at any time.
#[derive(Debug, Clone)]
pub struct CfCli {
    /// The file.
    pub file: PathBuf,
    /// The API it points to.
    pub target: Url,
    /// The access token, without `bearer`; `None` if nobody is signed in.
    pub access_token: Option<SecretString>,
    /// The refresh token. A session made with client credentials has none.
    pub refresh_token: Option<SecretString>,
    /// The client that the session was made with.
    pub client_id: String,
    /// Its secret: empty for the cf CLI's own client, and for others because the cf CLI does not keep it.
    pub client_secret: SecretString,
    /// Whether the session was made with client credentials.
    pub of_client: bool,
    /// Whether the cf CLI was told not to verify certificates.
    pub skips_tls_verify: bool,
}

/// Why the file is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Lower case, no full stop; repeats no value of the file.
    pub why: String,
    /// What to do next.
    pub help: String,
}

impl Unusable {
    fn new(why: impl Into<String>, help: impl Into<String>) -> Self {
        Self { why: why.into(), help: help.into() }
    }
}

/// Where the cf CLI keeps its file: in `.cf` below `CF_HOME`, else below the user's home.
pub fn file(env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, Unusable> {
    home(env, cfg!(windows)).map(|home| home.join(".cf").join("config.json")).ok_or_else(|| {
        Unusable::new(
            "neither CF_HOME nor a home directory is set",
            "set CF_HOME to the directory that has `.cf` in it",
        )
    })
}

fn home(env: &dyn Fn(&str) -> Option<String>, windows: bool) -> Option<PathBuf> {
    let set = |name| env(name).filter(|value| !value.is_empty());
    let found = set("CF_HOME").or_else(|| {
        if windows {
            let drive = set("HOMEDRIVE").zip(set("HOMEPATH")).map(|(drive, path)| drive + &path);
            drive.or_else(|| set("USERPROFILE"))
        } else {
            set("HOME")
        }
    })?;
    Some(found.into())
}

impl CfCli {
    /// Reads the file.
    pub fn read(file: &Path) -> Result<Self, Unusable> {
        let shown = file.display();
        let text = match std::fs::File::open(file) {
            Ok(open) => {
                read(open).map_err(|why| Unusable::new(format!("`{shown}` {why}"), "run `cf login` to make a new one"))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Unusable::new(
                format!("there is no `{shown}`"),
                "run `cf login`, or set CF_HOME as it is for the cf CLI",
            )),
            Err(error) => Err(Unusable::new(
                format!("`{shown}` cannot be read: {error}"),
                "make it readable for whoever runs trueup",
            )),
        }?;
        Self::of(file, &text)
    }

    fn of(file: &Path, text: &str) -> Result<Self, Unusable> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct File {
            #[serde(rename = "ConfigVersion")]
            version: i64,
            #[serde(rename = "Target")]
            target: String,
            #[serde(rename = "AccessToken")]
            access_token: SecretString,
            #[serde(rename = "RefreshToken")]
            refresh_token: SecretString,
            #[serde(rename = "UAAGrantType")]
            grant: String,
            #[serde(rename = "UAAOAuthClient")]
            client_id: String,
            #[serde(rename = "UAAOAuthClientSecret")]
            client_secret: SecretString,
            #[serde(rename = "SSLDisabled")]
            skips_tls_verify: bool,
        }
        let shown = file.display();
        if text.trim().is_empty() {
            return Err(Unusable::new(format!("`{shown}` is empty"), "delete it, then run `cf login`"));
        }
        // Messages of serde quote values, and the values here are tokens.
        let read: File = serde_json::from_str(text).map_err(|error| {
            let what = if error.is_data() { "has another shape than the cf CLI gives it" } else { "is not JSON" };
            let (line, column) = (error.line(), error.column());
            Unusable::new(
                format!("`{shown}` {what}, at line {line}, column {column}"),
                "move it away, then run `cf login`",
            )
        })?;
        if read.version != VERSION {
            let why = format!("`{shown}` has the `ConfigVersion` {}, and only {VERSION} is known", read.version);
            return Err(Unusable::new(why, "run `cf login` with a cf CLI of version 7 or later"));
        }
        if read.target.is_empty() {
            return Err(Unusable::new("the cf CLI points to no API", "run `cf login -a URL`"));
        }
        let target = Url::parse(&read.target).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https") && url.host().is_some() && url.username().is_empty()
        });
        let Some(target) = target else {
            return Err(Unusable::new(format!("the `Target` in `{shown}` is not a URL"), "run `cf login -a URL`"));
        };
        let some = |secret: SecretString| (!secret.expose_secret().trim().is_empty()).then_some(secret);
        let by_default = read.client_id.is_empty();
        Ok(Self {
            file: file.to_owned(),
            target,
            access_token: some(read.access_token).map(|token| without_scheme(&token)),
            refresh_token: some(read.refresh_token),
            client_id: if by_default { DEFAULT_CLIENT.to_owned() } else { read.client_id },
            client_secret: read.client_secret,
            of_client: read.grant == "client_credentials",
            skips_tls_verify: read.skips_tls_verify,
        })
    }

    /// Whether somebody is signed in.
    pub fn is_signed_in(&self) -> bool {
        self.access_token.is_some() || self.refresh_token.is_some()
    }

    /// Whether it points to the API at `url`.
    pub fn points_to(&self, url: &Url) -> bool {
        let parts = |url: &Url| {
            let path = url.path().trim_end_matches('/').to_owned();
            (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default(), path)
        };
        parts(&self.target) == parts(url)
    }
}

fn read(open: std::fs::File) -> Result<String, String> {
    let mut bytes = Vec::new();
    open.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("is larger than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

/// The cf CLI keeps the header's value, `bearer eyJ…`.
fn without_scheme(token: &SecretString) -> SecretString {
    let text = token.expose_secret().trim();
    let bare = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    bare.map_or(text, |(_, token)| token.trim()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
  "AccessToken": "bearer eyJ.one",
  "AsyncTimeout": 0,
  "ConfigVersion": 4,
  "RefreshToken": "eyJ.two-r",
  "SSLDisabled": true,
  "Target": "https://api.example.com/",
  "UAAGrantType": "",
  "UAAOAuthClient": "cf",
  "UAAOAuthClientSecret": ""
}"#;

    fn of(text: &str) -> Result<CfCli, Unusable> {
        CfCli::of(Path::new("config.json"), text)
    }

    fn why(text: &str) -> String {
        of(text).expect_err("of no use").why
    }

    #[test]
    fn a_session_is_read_with_its_tokens_and_never_shows_them() {
        let session = of(FILE).expect("a session");
        assert_eq!(session.target.as_str(), "https://api.example.com/");
        assert_eq!(session.access_token.as_ref().map(SecretString::expose_secret), Some("eyJ.one"));
        assert_eq!(session.refresh_token.as_ref().map(SecretString::expose_secret), Some("eyJ.two-r"));
        assert_eq!((&*session.client_id, session.client_secret.expose_secret()), ("cf", ""));
        assert!(session.skips_tls_verify && !session.of_client && session.is_signed_in());
        assert!(!format!("{session:?}").contains("eyJ"), "{session:?}");
    }

    #[test]
    fn what_is_missing_is_as_the_cf_cli_takes_it() {
        let session = of(r#"{"ConfigVersion": 4, "Target": "https://api.example.com"}"#).expect("a target");
        assert!(!session.is_signed_in() && !session.skips_tls_verify && !session.of_client);
        assert_eq!(session.client_id, "cf");
        let client = r#"{"ConfigVersion": 4, "Target": "https://a.b", "UAAGrantType": "client_credentials", "UAAOAuthClient": "ci"}"#;
        let session = of(client).expect("a target");
        assert!(session.of_client);
        assert_eq!(session.client_id, "ci");
    }

    #[test]
    fn a_file_of_no_use_is_told_without_its_values() {
        assert_eq!(why(""), "`config.json` is empty");
        assert_eq!(why(" \n"), "`config.json` is empty");
        assert_eq!(why("{\"AccessToken\": \"hush"), "`config.json` is not JSON, at line 1, column 21");
        let wrong = why("{\"SSLDisabled\": \"hush\"}");
        assert_eq!(wrong, "`config.json` has another shape than the cf CLI gives it, at line 1, column 22");
        assert_eq!(why("{}"), "`config.json` has the `ConfigVersion` 0, and only 4 is known");
        assert_eq!(
            why(&FILE.replace("\": 4", "\": 3")),
            "`config.json` has the `ConfigVersion` 3, and only 4 is known"
        );
        assert_eq!(why(&FILE.replace("https://api.example.com/", "")), "the cf CLI points to no API");
        for target in ["api.example.com", "ftp://api.example.com", "https://me:hush@api.example.com"] {
            let told = why(&FILE.replace("https://api.example.com/", target));
            assert_eq!(told, "the `Target` in `config.json` is not a URL", "{target}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_had_is_told_with_its_path() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.json");
        let missing = CfCli::read(&file).expect_err("not there");
        assert_eq!(missing.why, format!("there is no `{}`", file.display()));
        std::fs::write(&file, b"\xff").expect("written");
        assert!(CfCli::read(&file).expect_err("not text").why.ends_with("is not UTF-8"));
        std::fs::write(&file, " ".repeat(1 << 20) + " ").expect("written");
        assert!(CfCli::read(&file).expect_err("too large").why.ends_with("is larger than 1 MiB"));
        assert!(CfCli::read(directory.path()).is_err());
    }

    #[test]
    fn the_directory_is_found_as_the_cf_cli_finds_it() {
        let found = |windows, set: &[(&str, &str)]| {
            let env = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            home(&env, windows).map(|home| home.display().to_string())
        };
        let all =
            [("CF_HOME", "/cf"), ("HOME", "/me"), ("HOMEDRIVE", "C:"), ("HOMEPATH", "\\me"), ("USERPROFILE", "D:\\me")];
        assert_eq!(found(false, &all).as_deref(), Some("/cf"));
        assert_eq!(found(true, &all).as_deref(), Some("/cf"));
        assert_eq!(found(false, &all[1..]).as_deref(), Some("/me"));
        assert_eq!(found(false, &[("CF_HOME", ""), ("HOME", "/me")]).as_deref(), Some("/me"));
        assert_eq!(found(true, &all[1..]).as_deref(), Some("C:\\me"));
        assert_eq!(found(true, &all[4..]).as_deref(), Some("D:\\me"));
        assert_eq!(found(true, &all[1..2]), None);
        assert_eq!(found(false, &all[2..]), None);
    }

    #[test]
    fn an_api_is_the_same_however_its_url_is_written() {
        let session = of(FILE).expect("a session");
        for (url, same) in [
            ("https://api.example.com", true),
            ("https://API.example.com:443/", true),
            ("http://api.example.com", false),
            ("https://api.example.com:8443", false),
            ("https://api.example.org", false),
            ("https://api.example.com/base", false),
        ] {
            assert_eq!(session.points_to(&Url::parse(url).expect("a URL")), same, "{url}");
        }
    }
}
