//! `[targets.NAME]`: one table, an overlay over it, and what the two come to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::{Node, Reader, Slot, Table};
use super::url::{is_insecure, parse};
use super::{AuthSource, NameSource, SecretPlace, SecretSource, TargetSettings, TargetUrl};
use crate::model::{Code, Diagnostic, Span};

/// The providers there are.
pub(super) const PROVIDERS: [&str; 2] = ["kaiten", "cloudfoundry"];

const KEYS: [&str; 10] = [
    "provider",
    "url",
    "token",
    "auth",
    "dialect",
    "api",
    "ca_file",
    "skip_tls_verify",
    "allow_insecure",
    "seed_writes",
];

/// Keys that only one provider's targets have.
const ONLY: [(&str, &str); 5] = [
    ("token", "kaiten"),
    ("dialect", "kaiten"),
    ("seed_writes", "kaiten"),
    ("auth", "cloudfoundry"),
    ("api", "cloudfoundry"),
];

/// One table as written: a target, or an overlay over one.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// Where its name stands.
    pub(super) span: Span,
    pub(super) provider: Slot<&'static str>,
    url: Slot<TargetUrl>,
    token: Slot<SecretSource>,
    auth: Slot<AuthSource>,
    dialect: Slot<&'static str>,
    api: Slot<&'static str>,
    ca_file: Slot<PathBuf>,
    skip_tls_verify: Slot<bool>,
    allow_insecure: Slot<bool>,
    seed_writes: Slot<bool>,
    /// The keys that only one provider's targets have, with their places.
    particular: Vec<(&'static str, &'static str, Span)>,
}

/// What completing a target looks at beside its table.
pub(super) struct Surroundings<'a> {
    pub(super) directory: &'a Path,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// Nothing will be connected to.
    pub(super) unconnected: bool,
}

impl Layer {
    /// Reads one table.
    pub(super) fn read(reader: &mut Reader, node: &Node<'_>) -> Option<Self> {
        let table = reader.table(node)?;
        let meant = reader.only(&table, &KEYS);
        let particular = ONLY.iter().filter_map(|(key, provider)| Some((*key, *provider, table.get(key)?.key)));
        Some(Self {
            span: node.key,
            provider: table
                .read("provider", reader, |reader, node| reader.choice(node, &PROVIDERS))
                .or_meant(meant.contains(&"provider")),
            url: table.read("url", reader, url).or_meant(meant.contains(&"url")),
            token: table.read("token", reader, secret),
            auth: table.read("auth", reader, auth),
            dialect: table.read("dialect", reader, |reader, node| reader.choice(node, &["auto", "core", "seed"])),
            api: table.read("api", reader, |reader, node| reader.choice(node, &["auto", "v2", "v3"])),
            ca_file: table.read("ca_file", reader, |reader, node| reader.string(node).map(PathBuf::from)),
            skip_tls_verify: table.read("skip_tls_verify", reader, Reader::boolean),
            allow_insecure: table.read("allow_insecure", reader, Reader::boolean),
            seed_writes: table.read("seed_writes", reader, Reader::boolean),
            particular: particular.collect(),
        })
    }

    /// Reports the keys that this provider's targets do not have.
    pub(super) fn check_keys(&self, provider: &str, reader: &mut Reader) {
        for (key, owner, span) in self.particular.iter().filter(|(_, owner, _)| *owner != provider) {
            reader.report(
                Diagnostic::error(Code::SettingsUnknownKey, format!("`{provider}` targets have no `{key}`"))
                    .at(*span, format!("a key of `{owner}` targets"))
                    .help("take it out"),
            );
        }
    }

    /// This overlay over its base, key by key; the place stays the base's.
    pub(super) fn over(self, base: Self) -> Self {
        Self {
            span: base.span,
            provider: self.provider.over(base.provider),
            url: self.url.over(base.url),
            token: self.token.over(base.token),
            auth: self.auth.over(base.auth),
            dialect: self.dialect.over(base.dialect),
            api: self.api.over(base.api),
            ca_file: self.ca_file.over(base.ca_file),
            skip_tls_verify: self.skip_tls_verify.over(base.skip_tls_verify),
            allow_insecure: self.allow_insecure.over(base.allow_insecure),
            seed_writes: self.seed_writes.over(base.seed_writes),
            particular: Vec::new(),
        }
    }

    /// What it comes to. Problems are reported; what they concern is then left out, and `None` if nothing is left.
    pub(super) fn complete(
        self,
        name: &str,
        surroundings: &Surroundings<'_>,
        reader: &mut Reader,
    ) -> Option<TargetSettings> {
        let provider = match self.provider {
            Slot::Good(ref entry) => entry.value,
            Slot::Bad => return None,
            Slot::Absent => {
                reader.report(
                    Diagnostic::error(Code::SettingsInvalid, format!("target `{name}` has no `provider`"))
                        .at(self.span, "of what kind is it?")
                        .help("add `provider = \"kaiten\"` or `provider = \"cloudfoundry\"`"),
                );
                return None;
            }
        };
        let url = self.complete_url(name, provider, surroundings, reader);
        let ca_file = self.complete_ca_file(surroundings, reader);
        let (auth, api) = match provider {
            "kaiten" => (self.token.clone().value().map(AuthSource::Token), self.complete_dialect(reader)),
            _ => (self.auth.clone().value(), self.complete_api()),
        };
        Some(TargetSettings {
            name: name.into(),
            provider,
            url: url?,
            api,
            auth,
            ca_file,
            skip_tls_verify: self.skip_tls_verify.value().unwrap_or(false),
            seed_writes: self.seed_writes.value().unwrap_or(false),
            span: self.span,
        })
    }

    fn complete_url(
        &self,
        name: &str,
        provider: &str,
        surroundings: &Surroundings<'_>,
        reader: &mut Reader,
    ) -> Option<TargetUrl> {
        let allowed = self.allow_insecure.good().is_some_and(|entry| entry.value);
        let (url, span) = match &self.url {
            Slot::Good(entry) => (entry.value.clone(), entry.span),
            Slot::Bad => return None,
            Slot::Absent if provider == "kaiten" => (self.url_from_environment(name, surroundings, reader)?, self.span),
            // Not read here: `validate` needs no session.
            Slot::Absent => return Some(TargetUrl::CfCli { allow_insecure: allowed }),
        };
        if matches!(&url, TargetUrl::Url(url) if is_insecure(url)) && !allowed {
            reader.report(
                Diagnostic::error(
                    Code::SettingsInsecureUrl,
                    format!("target `{name}` would be spoken to without encryption"),
                )
                .at(span, "credentials would cross the network readable")
                .help("use `https://`, or write `allow_insecure = true` beside the URL"),
            );
            return None;
        }
        Some(url)
    }

    fn url_from_environment(
        &self,
        name: &str,
        surroundings: &Surroundings<'_>,
        reader: &mut Reader,
    ) -> Option<TargetUrl> {
        let Some(text) = (surroundings.env)("KAITEN_BASE_URL").filter(|text| !text.is_empty()) else {
            if surroundings.unconnected {
                return Some(TargetUrl::Unsaid);
            }
            reader.report(
                Diagnostic::error(Code::SettingsInvalid, format!("target `{name}` has no `url`"))
                    .at(self.span, "where is it?")
                    .help("add `url = \"https://…\"`, or set KAITEN_BASE_URL"),
            );
            return None;
        };
        match parse(&text) {
            Ok(url) => Some(url),
            Err(problem) => {
                reader.report(
                    Diagnostic::error(problem.code, format!("the value of KAITEN_BASE_URL {}", problem.message))
                        .at(self.span, "this target has no `url` and takes that one")
                        .help(problem.help),
                );
                None
            }
        }
    }

    fn complete_ca_file(&self, surroundings: &Surroundings<'_>, reader: &mut Reader) -> Option<PathBuf> {
        match &self.ca_file {
            Slot::Absent | Slot::Bad => None,
            Slot::Good(entry) if surroundings.directory.join(&entry.value).is_file() => Some(entry.value.clone()),
            Slot::Good(entry) => {
                let message = format!("no file `{}`", entry.value.display());
                reader.report(
                    Diagnostic::error(Code::FileUnreadable, message)
                        .at(entry.span, "named here")
                        .help("the path is relative to the directory of `trueup.toml`"),
                );
                None
            }
        }
    }

    fn complete_dialect(&self, reader: &mut Reader) -> Option<Arc<str>> {
        let dialect = self.dialect.good();
        if let (Some(dialect), Some(writes)) = (dialect, self.seed_writes.good())
            && dialect.value == "core"
            && writes.value
        {
            reader.report(
                Diagnostic::error(Code::SettingsInvalid, "`seed_writes` allows what only the seed dialect lacks")
                    .at(writes.key, "means nothing to the core dialect")
                    .also(dialect.span, "the core dialect is chosen here")
                    .help("take `seed_writes` out"),
            );
        }
        dialect.filter(|entry| entry.value != "auto").map(|entry| entry.value.into())
    }

    fn complete_api(&self) -> Option<Arc<str>> {
        self.api.good().filter(|entry| entry.value != "auto").map(|entry| entry.value.into())
    }
}

fn url(reader: &mut Reader, node: &Node<'_>) -> Option<TargetUrl> {
    let text = reader.string(node)?;
    match parse(&text) {
        Ok(url) => Some(url),
        Err(problem) => {
            if problem.secret {
                reader.mask(node);
            }
            let place = if problem.secret { node.key } else { node.span };
            reader.report(
                Diagnostic::error(problem.code, format!("`{}` {}", node.path, problem.message))
                    .at(place, problem.label)
                    .help(problem.help),
            );
            None
        }
    }
}

/// `{ env = … }`, `{ file = … }` or `{ command = [ … ] }`.
fn secret(reader: &mut Reader, node: &Node<'_>) -> Option<SecretSource> {
    const PLACES: [&str; 3] = ["env", "file", "command"];
    if !node.value.is_table() {
        reader.mask(node);
        let key = node.path.rsplit('.').next().unwrap_or(&node.path);
        reader.report(
            Diagnostic::error(Code::SettingsLiteralSecret, format!("`{}` is written out", node.path))
                .at(node.key, "only where it is kept may stand here")
                .help(format!(
                    "write `{key} = {{ env = \"…\" }}`, `{{ file = \"…\" }}` or `{{ command = [\"…\"] }}`; \
                     if it was committed, have a new one issued"
                )),
        );
        return None;
    }
    let table = reader.table(node)?;
    reader.only(&table, &PLACES);
    let sound = table.iter().all(|(name, _)| PLACES.contains(&name));
    let env = table.read("env", reader, Reader::variable_name);
    let file = table.read("file", reader, Reader::string);
    let command = table.read("command", reader, Reader::strings);
    for (slot_is_bad, key) in [(env.is_bad(), "env"), (file.is_bad(), "file"), (command.is_bad(), "command")] {
        if let (true, Some(node)) = (slot_is_bad, table.get(key)) {
            reader.mask(node);
        }
    }
    let written = [env.is_absent(), file.is_absent(), command.is_absent()].iter().filter(|absent| !**absent).count();
    if written != 1 {
        if sound {
            let message = format!("`{}` has to name one place", node.path);
            let label = if written == 0 { "no place is named" } else { "more than one place is named" };
            let help = "write one of `env`, `file` and `command`".to_owned();
            return reader.invalid(node, message, label, Some(help));
        }
        return None;
    }
    let words = |command: Vec<(String, Span)>| command.into_iter().map(|(word, _)| word).collect();
    let from = (env.value().map(SecretPlace::Env))
        .or_else(|| file.value().map(|path| SecretPlace::File(path.into())))
        .or_else(|| command.value().map(|command| SecretPlace::Command(words(command))))?;
    Some(SecretSource { from, span: Some(node.span) })
}

/// A name at the UAA: literal, or kept where secrets are.
fn name(reader: &mut Reader, node: &Node<'_>) -> Option<NameSource> {
    if node.value.is_table() {
        return secret(reader, node).map(NameSource::Kept);
    }
    reader.string(node).map(NameSource::Literal)
}

fn auth(reader: &mut Reader, node: &Node<'_>) -> Option<AuthSource> {
    const METHODS: [&str; 5] = ["cf-cli", "password", "client-credentials", "refresh-token", "token"];
    if !node.value.is_table() {
        // A ready token may have been put here.
        reader.mask(node);
    }
    let table = reader.table(node)?;
    let any_method = |reader: &mut Reader| {
        reader.only(&table, &["method", "username", "password", "origin", "client_id", "client_secret", "token"]);
        for key in ["password", "client_secret", "token"] {
            table.read(key, reader, secret);
        }
    };
    let Some(method) = table.get("method") else {
        any_method(reader);
        let help = format!("write `method = \"…\"` with one of `{}`", METHODS.join("`, `"));
        return reader.invalid(node, format!("`{}` has no `method`", node.path), "how to sign in?", Some(help));
    };
    let Some(method) = reader.choice(method, &METHODS) else {
        any_method(reader);
        return None;
    };
    let known: &[&str] = match method {
        "cf-cli" => &["method"],
        "password" => &["method", "username", "password", "origin"],
        "client-credentials" => &["method", "client_id", "client_secret"],
        _ => &["method", "token"],
    };
    reader.only(&table, known);
    // Each is read before any is found missing, so that all problems are told.
    match method {
        "cf-cli" => Some(AuthSource::CfCli),
        "password" => {
            let username = required(&table, "username", node, reader, name);
            let password = required(&table, "password", node, reader, secret);
            let origin = table.read("origin", reader, Reader::string);
            if matches!(origin, Slot::Bad) {
                return None;
            }
            let (username, password) = (username?, password?);
            Some(AuthSource::Password { username, password, origin: origin.value() })
        }
        "client-credentials" => {
            let client_id = required(&table, "client_id", node, reader, name);
            let client_secret = required(&table, "client_secret", node, reader, secret);
            Some(AuthSource::ClientCredentials { client_id: client_id?, client_secret: client_secret? })
        }
        "refresh-token" => Some(AuthSource::RefreshToken(required(&table, "token", node, reader, secret)?)),
        _ => Some(AuthSource::Token(required(&table, "token", node, reader, secret)?)),
    }
}

fn required<'t, T>(
    table: &Table<'t>,
    key: &str,
    node: &Node<'t>,
    reader: &mut Reader,
    read: impl FnOnce(&mut Reader, &Node<'t>) -> Option<T>,
) -> Option<T> {
    let slot = table.read(key, reader, read);
    if slot.is_absent() {
        let help = Some(format!("add `{key}`"));
        return reader.invalid(node, format!("`{}` has no `{key}`", node.path), "this method needs it", help);
    }
    slot.value()
}
