//! What a foundation says of itself before anyone has signed in: `GET /`, else `GET /v2/info` (reference, section 2).

use serde::Deserialize;
use url::Url;

/// What is known of a foundation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foundation {
    /// Whether it speaks v2.
    pub v2: bool,
    /// Whether it speaks v3.
    pub v3: bool,
    /// Where to sign in.
    pub sign_in: Option<Url>,
}

impl Foundation {
    /// Reads `GET /`. `None` if it is not the answer of a Cloud Controller.
    pub fn from_root(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Root {
            links: Links,
        }
        #[derive(Deserialize)]
        struct Links {
            cloud_controller_v2: Option<Href>,
            cloud_controller_v3: Option<Href>,
            login: Option<Href>,
            uaa: Option<Href>,
        }
        #[derive(Deserialize)]
        struct Href {
            href: String,
        }
        let Root { links } = serde_json::from_slice(body).ok()?;
        if links.cloud_controller_v2.is_none() && links.cloud_controller_v3.is_none() {
            return None;
        }
        let url = |link: Option<Href>| Url::parse(&link?.href).ok();
        Some(Self {
            v2: links.cloud_controller_v2.is_some(),
            v3: links.cloud_controller_v3.is_some(),
            sign_in: url(links.login).or_else(|| url(links.uaa)),
        })
    }

    /// Reads `GET /v2/info`, which answers even where v2 is off; it says nothing of v3, but where v2 is off there is
    /// nothing else. `None` if it is not the answer of a Cloud Controller.
    pub fn from_info(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Info {
            api_version: String,
            authorization_endpoint: Option<String>,
            token_endpoint: Option<String>,
        }
        let info: Info = serde_json::from_slice(body).ok()?;
        let url = |text: Option<String>| Url::parse(&text?).ok();
        Some(Self {
            v2: !info.api_version.is_empty(),
            v3: info.api_version.is_empty(),
            sign_in: url(info.authorization_endpoint).or_else(|| url(info.token_endpoint)),
        })
    }
}

/// Whether this is `GET /v3` of a Cloud Controller: the links to its collections.
pub fn is_v3(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Root {
        links: Links,
    }
    #[derive(Deserialize)]
    struct Links {
        organizations: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice(body).is_ok_and(|root: Root| root.links.organizations.is_some())
}

/// Whether secrets may be sent to `sign_in`, which the API at `api` has named: never from an encrypted connection to a
/// plain one, except on this machine.
pub fn may_sign_in_at(sign_in: &Url, api: &Url) -> bool {
    let loopback = match sign_in.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    match sign_in.scheme() {
        "https" => true,
        "http" => loopback || api.scheme() == "http",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn root(links: &str) -> Option<Foundation> {
        Foundation::from_root(format!(r#"{{"links":{{{links}}}}}"#).as_bytes())
    }

    #[test]
    fn the_root_tells_which_apis_there_are_and_where_to_sign_in() {
        let v2 = r#""cloud_controller_v2":{"href":"https://api.x/v2","meta":{"version":"2.293.0"}}"#;
        let v3 = r#""cloud_controller_v3":{"href":"https://api.x/v3"},"credhub":null"#;
        let login = r#""login":{"href":"https://login.x"}"#;
        let uaa = r#""uaa":{"href":"https://uaa.x"}"#;
        let cases = [
            (format!("{v2},{v3},{login},{uaa}"), (true, true), Some("https://login.x")),
            (format!("{v2},{uaa}"), (true, false), Some("https://uaa.x")),
            (format!("{v3},{login}"), (false, true), Some("https://login.x")),
            (format!(r#""cloud_controller_v2":null,{v3},"login":null"#), (false, true), None),
        ];
        for (links, (v2, v3), sign_in) in cases {
            assert_eq!(root(&links), Some(Foundation { v2, v3, sign_in: sign_in.map(url) }), "{links}");
        }
    }

    #[test]
    fn what_is_no_cloud_controller_is_not_taken_for_one() {
        assert_eq!(root(r#""self":{"href":"https://blog.x"}"#), None);
        assert_eq!(Foundation::from_root(b"<html>"), None);
        assert_eq!(Foundation::from_info(br#"{"name":"vcap"}"#), None);
    }

    #[test]
    fn an_empty_api_version_means_that_v2_is_off() {
        let info = |version: &str| {
            let body = format!(
                r#"{{"api_version":"{version}","authorization_endpoint":"https://login.x","token_endpoint":"https://uaa.x"}}"#
            );
            Foundation::from_info(body.as_bytes()).unwrap()
        };
        let sign_in = Some(url("https://login.x"));
        assert_eq!(info("2.293.0"), Foundation { v2: true, v3: false, sign_in: sign_in.clone() });
        assert_eq!(info(""), Foundation { v2: false, v3: true, sign_in });
    }

    #[test]
    fn the_root_of_v3_is_told_from_any_other_answer() {
        assert!(is_v3(br#"{"links":{"self":{"href":"x"},"organizations":{"href":"x"}}}"#));
        assert!(!is_v3(br#"{"links":{"self":{"href":"x"}}}"#));
        assert!(!is_v3(b"<html>"));
    }

    #[test]
    fn secrets_do_not_leave_encryption_because_a_link_says_so() {
        for (sign_in, api, may) in [
            ("https://login.x", "https://api.x", true),
            ("http://login.x", "https://api.x", false),
            ("http://127.0.0.1:8081", "https://api.x", true),
            ("http://uaa.localhost:8081", "http://127.0.0.1:8080", true),
            ("http://login.x", "http://api.x", true),
            ("ftp://login.x", "http://api.x", false),
        ] {
            assert_eq!(may_sign_in_at(&url(sign_in), &url(api)), may, "{sign_in} named by {api}");
        }
    }
}
