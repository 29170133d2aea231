//! `trueup.toml`: where the remotes are, how to sign in, limits.

mod cf_cli;
mod discover;
mod endpoint;
mod load;
mod mask;
mod words;
mod read;
mod target;
mod url;
mod variables;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::url::Url;
use indexmap::IndexMap;
use secrecy::SecretString;

pub use self::cf_cli::{CfCli, Unusable, file as cf_cli_file};
pub use self::discover::{is_resource_file, resource_files};
pub use self::endpoint::{endpoint, endpoint_at};
pub use self::load::{FILE_NAME, LoadOptions, load};
pub(crate) use self::url::{UrlProblem, is_insecure, parse as target_url};
use crate::model::{FileId, Span, Spanned, TargetName, Value};

/// What `trueup.toml` says, with the chosen environment laid over it and variables given their values.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The directory of `trueup.toml`; every path in it is relative to this one.
    pub directory: PathBuf,
    /// `trueup.toml` itself.
    pub file: FileId,
    /// The project's name.
    pub project: Arc<str>,
    /// The environment chosen with `-e`.
    pub environment: Option<Arc<str>>,
    /// Which files are resource files: globs relative to `directory`. Empty: every `*.yaml` and `*.yml` below that is
    /// neither hidden nor git-ignored.
    pub files: Vec<Spanned<String>>,
    /// The targets, in the order of the file.
    pub targets: IndexMap<TargetName, TargetSettings>,
    /// The variables that have a value, by name. Those without were reported where they are declared.
    pub variables: IndexMap<Arc<str>, Variable>,
    /// Limits.
    pub limits: Limits,
}

/// A target as configured. Its secrets are still where they are kept: `validate` needs none of them.
#[derive(Debug, Clone)]
pub struct TargetSettings {
    /// Its name.
    pub name: TargetName,
    /// The provider, `kaiten` or `cloudfoundry`.
    pub provider: &'static str,
    /// Where it is.
    pub url: TargetUrl,
    /// The API version or dialect the user insists on; `None` for `auto`.
    pub api: Option<Arc<str>>,
    /// How to sign in; `None`: the provider's default.
    pub auth: Option<AuthSource>,
    /// A file with extra certificate authorities, PEM, relative to the project's directory.
    pub ca_file: Option<PathBuf>,
    /// Accept any certificate.
    pub skip_tls_verify: bool,
    /// The seed dialect's undocumented writes are allowed.
    pub seed_writes: bool,
    /// Where the target is declared.
    pub span: Span,
}

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetUrl {
    /// The embedded emulator.
    Sandbox,
    /// Where the cf CLI points to when it is needed.
    CfCli {
        /// Plain `http://` to another machine is allowed.
        allow_insecure: bool,
    },
    /// Here.
    Url(Url),
    /// Nothing says where, and nothing will be connected to.
    Unsaid,
}

/// How to sign in, with secrets by their source.
#[derive(Debug, Clone)]
pub enum AuthSource {
    /// The cf CLI's session.
    CfCli,
    /// A ready token.
    Token(SecretSource),
    /// A refresh token of a user.
    RefreshToken(SecretSource),
    /// A user's name and password at the UAA.
    Password {
        /// The user.
        username: NameSource,
        /// Where the password is.
        password: SecretSource,
        /// The identity provider, `ldap`.
        origin: Option<String>,
    },
    /// A client's id and secret at the UAA.
    ClientCredentials {
        /// The client.
        client_id: NameSource,
        /// Where its secret is.
        client_secret: SecretSource,
    },
}

/// A user's or client's name: no secret, yet it may be kept where secrets are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameSource {
    /// Written out.
    Literal(String),
    /// Kept elsewhere.
    Kept(SecretSource),
}

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSource {
    /// The kind of place.
    pub from: SecretPlace,
    /// Where `trueup.toml` says so; `None` for a provider's default.
    pub span: Option<Span>,
}

/// A place a secret can be kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// An environment variable.
    Env(String),
    /// A file, relative to the project's directory; a trailing line break is not part of the secret.
    File(PathBuf),
    /// The standard output of a command, run in the project's directory without a shell; a trailing line break is not part of the secret.
    Command(Vec<String>),
}

/// A variable with its value.
#[derive(Debug, Clone)]
pub struct Variable {
    /// The value; wrapped as sensitive if the variable is. Unknown if it has none, which has been told.
    pub value: Value,
    /// Where it is declared.
    pub span: Span,
}

/// `[limits]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests at a time, 1 to 256.
    pub parallelism: usize,
    /// Deletes, replacements and cascaded objects that need no further consent.
    pub max_deletes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { parallelism: 16, max_deletes: 5 }
    }
}

/// One target, ready to connect to: overlays applied, secrets taken from their sources.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its name in `trueup.toml`.
    pub name: TargetName,
    /// The provider, `kaiten` or `cloudfoundry`.
    pub provider: &'static str,
    /// The base URL, without credentials in it.
    pub url: Url,
    /// The API version or dialect the user insists on; `None` for `auto`.
    pub api: Option<Arc<str>>,
    /// How to sign in.
    pub auth: Auth,
    /// Extra certificate authorities, PEM.
    pub ca: Option<Vec<u8>>,
    /// Accept any certificate; the user has written this out.
    pub skip_tls_verify: bool,
    /// The seed dialect's undocumented writes are allowed.
    pub seed_writes: bool,
    /// Requests at a time.
    pub parallelism: usize,
    /// How long one request may take.
    pub request_timeout: Duration,
}

/// How to sign in.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all: the seed dialect's sample shows none.
    None,
    /// A ready token. Neither renewed nor refreshed.
    Token(SecretString),
    /// A user's refresh token, of the cf CLI's client.
    RefreshToken(SecretString),
    /// The cf CLI's session, for that session's own API only.
    CfCli(Box<CfCli>),
    /// A user's name and password at the UAA.
    Password {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
        /// The identity provider, `ldap`.
        origin: Option<String>,
    },
    /// A client's id and secret at the UAA.
    ClientCredentials {
        /// The client.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
    },
}

#[cfg(test)]
mod tests;
