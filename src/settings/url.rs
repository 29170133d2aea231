//! Where a target is: what its `url` may be.

use std::net::IpAddr;

use url::{Host, Url};

use super::TargetUrl;
use crate::model::Code;

/// Why a text cannot be a target's URL. Repeats nothing of it: it may hold credentials.
#[derive(Debug)]
pub(crate) struct UrlProblem {
    pub(super) code: Code,
    /// Completes "`targets.kaiten.url` …".
    pub(crate) message: &'static str,
    pub(super) label: &'static str,
    pub(crate) help: String,
    /// Whether the text must not be displayed.
    pub(super) secret: bool,
}

/// Reads a URL, or `sandbox`.
pub(crate) fn parse(text: &str) -> Result<TargetUrl, UrlProblem> {
    if text == "sandbox" {
        return Ok(TargetUrl::Sandbox);
    }
    let invalid = |message, help: &str| UrlProblem {
        code: Code::SettingsInvalid,
        message,
        label: "not such a URL",
        help: help.to_owned(),
        secret: text.contains('@') || text.contains('?'),
    };
    let example = "write it as `https://kaiten.example.com`, or `sandbox` for the embedded emulator";
    if let Some(url) = without_scheme(text) {
        return Err(invalid("needs a scheme", &format!("write `{url}`")));
    }
    let Ok(url) = Url::parse(text) else { return Err(invalid("is not a URL", example)) };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlProblem {
            code: Code::SettingsLiteralSecret,
            message: "has credentials in it",
            label: "a secret is written out here",
            help: "take them out of the URL; how to sign in is said by `token` or `auth`".to_owned(),
            secret: true,
        });
    }
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(invalid("has to begin with `https://`", example));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("has to end before any `?` or `#`", "take the query out"));
    }
    Ok(TargetUrl::Url(url))
}

/// The URL that is most likely meant, if only its scheme is missing: `kaiten.example.com/api`, and `localhost:6000`, which
/// looks like a scheme.
fn without_scheme(text: &str) -> Option<String> {
    if text.contains("://") || text.contains(['@', '?', '#', '\\']) || text.contains(char::is_whitespace) {
        return None;
    }
    let (host, _) = text.split_once('/').unwrap_or((text, ""));
    let is_host = host.starts_with(char::is_alphanumeric) && (host.contains('.') || host.starts_with("localhost"));
    let plain = Url::parse(&format!("http://{text}")).ok().filter(|url| is_host && url.host().is_some())?;
    let scheme = if is_insecure(&plain) { "https" } else { "http" };
    Some(format!("{scheme}://{}", text.escape_debug()))
}

/// Whether what is sent there could be read on the way.
pub(crate) fn is_insecure(url: &Url) -> bool {
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    url.scheme() != "https" && !local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_are_secure() {
        for (text, insecure) in [
            ("https://kaiten.example.com", false),
            ("http://kaiten.example.com", true),
            ("http://localhost:6000", false),
            ("http://api.localhost", false),
            ("http://127.0.0.1:1", false),
            ("http://127.9.9.9", false),
            ("http://[::1]:1", false),
            ("http://10.0.0.1", true),
            ("http://localhost.example.com", true),
            ("http://notlocalhost", true),
        ] {
            assert_eq!(is_insecure(&Url::parse(text).expect("a URL")), insecure, "{text}");
        }
    }

    #[test]
    fn what_only_lacks_its_scheme_is_given_one() {
        for (text, help) in [
            ("kaiten.example.com", "write `https://kaiten.example.com`"),
            ("kaiten.example.com/api", "write `https://kaiten.example.com/api`"),
            ("kaiten.example.com:8443", "write `https://kaiten.example.com:8443`"),
            ("localhost:6000", "write `http://localhost:6000`"),
            ("127.0.0.1:6000/", "write `http://127.0.0.1:6000/`"),
        ] {
            let problem = parse(text).expect_err("it has no scheme");
            assert_eq!((problem.message, problem.help.as_str()), ("needs a scheme", help), "{text}");
        }
        for text in
            ["kaiten", "/etc/kaiten", "./kaiten", "me:hush@kaiten.example.com", "ftp://kaiten.example.com", "a b.c"]
        {
            assert_ne!(parse(text).expect_err("not a URL").message, "needs a scheme", "{text}");
        }
    }

    #[test]
    fn what_may_hold_credentials_is_secret() {
        for (text, secret) in [
            ("https://me:pw@kaiten.example.com", true),
            ("https://me@kaiten.example.com", true),
            ("me:pw@kaiten", true),
            ("https://kaiten.example.com/?token=1", true),
            ("ftp://kaiten.example.com", false),
            ("kaiten.example.com", false),
        ] {
            let problem = parse(text).expect_err("not a URL of a target");
            assert_eq!(problem.secret, secret, "{text}");
            assert!(!secret || !problem.help.contains("pw"), "{text}");
        }
    }
}
