//! Where a target is: what its `url` may be.

use std::net::IpAddr;

use url::{Host, Url};

use super::TargetUrl;
use crate::model::Code;

/// Why a text cannot be a target's URL. Repeats nothing of it: it may hold credentials.
pub(super) struct UrlProblem {
    pub(super) code: Code,
    /// Completes "`targets.kaiten.url` …".
    pub(super) message: &'static str,
    pub(super) label: &'static str,
    pub(super) help: String,
    /// Whether the text must not be displayed.
    pub(super) secret: bool,
}

/// Reads a URL, or `sandbox`.
pub(super) fn parse(text: &str) -> Result<TargetUrl, UrlProblem> {
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
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) if !text.contains(['@', '?', '/']) => {
            return Err(invalid("needs a scheme", &format!("write `https://{}`", text.escape_debug())));
        }
        Err(_) => return Err(invalid("is not a URL", example)),
    };
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

/// Whether what is sent there could be read on the way.
pub(super) fn is_insecure(url: &Url) -> bool {
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
