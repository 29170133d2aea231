//! An answer, within bounds and safe to quote.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

/// How many characters of a foreign text are quoted.
const EXCERPT: usize = 200;

/// Under which names remotes tell the id of a request: Cloud Controller's, Kaiten's gateway's, everybody's.
const REQUEST_IDS: [&str; 3] = ["x-vcap-request-id", "kaiten-traceid", "x-request-id"];

/// An answer of a target, whatever its status.
#[derive(Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Vec<u8>,
    /// The method of the request.
    pub method: Method,
    /// The path of the request, as sent, without its query.
    pub path: String,
    /// Whether this is the answer to a write that may have taken effect although it was not answered with success.
    pub uncertain: bool,
}

/// An answer that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Malformed {
    /// What is wrong with it. Quotes nothing that could be a secret.
    pub detail: String,
}

impl Response {
    /// Takes the credentials out of a body that may be quoted: servers repeat what they do not accept.
    pub(super) fn forget(&mut self, credentials: Option<&str>) {
        let data = self.is_success() && matches!(self.body.first(), Some(b'{' | b'['));
        if let Some(credentials) = credentials.filter(|_| !data)
            && let text = String::from_utf8_lossy(&self.body)
            && text.contains(credentials)
        {
            self.body = text.replace(credentials, "[redacted]").into_bytes();
        }
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header that is readable text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The id under which the remote's operators find the request.
    pub fn request_id(&self) -> Option<String> {
        REQUEST_IDS.iter().find_map(|name| self.header(name)).map(|id| clean(id, EXCERPT)).filter(|id| !id.is_empty())
    }

    /// Reads the body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Malformed> {
        serde_json::from_slice(&self.body).map_err(|error| Malformed {
            detail: match error.classify() {
                serde_json::error::Category::Data => {
                    // Other messages of serde quote the value they stumbled upon.
                    let message = error.to_string();
                    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
                    match missing {
                        Some((field, _)) => format!("the answer has no `{field}`"),
                        None => format!("the answer has another shape than expected, at byte {}", error.column()),
                    }
                }
                serde_json::error::Category::Eof if self.body.is_empty() => "the answer has no body".to_owned(),
                serde_json::error::Category::Eof => "the answer ends too early".to_owned(),
                _ => match self.excerpt() {
                    Some(excerpt) => format!("the answer is not JSON: {excerpt}"),
                    None => "the answer is not JSON".to_owned(),
                },
            },
        })
    }

    /// How long the remote asks to wait: seconds, or until a date.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
    }

    /// A short, harmless quote of a body that is not JSON: the title of a page, the start of a text.
    pub fn excerpt(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(64 * 1024)]);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let excerpt = if text.starts_with('<') { page_title(text)? } else { clean(text, EXCERPT) };
        (!excerpt.is_empty()).then_some(excerpt)
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {} {}, {} bytes", self.status, self.method, self.path, self.body.len())
    }
}

/// The title of an HTML page, else its first heading.
fn page_title(html: &str) -> Option<String> {
    // Ascii lower case keeps byte offsets.
    let lower = html.to_ascii_lowercase();
    ["title", "h1"].iter().find_map(|tag| {
        let open = lower.find(&format!("<{tag}"))?;
        let start = open + lower[open..].find('>')? + 1;
        let end = start + lower[start..].find("</")?;
        let title = clean(&html[start..end], EXCERPT);
        (!title.is_empty()).then_some(title)
    })
}

/// Foreign text on one line, without control characters or marks that reorder what is shown, and not longer than `most`
/// characters.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let mut cleaned = String::new();
    let harmless = text.chars().map(|c| if c.is_whitespace() || c.is_control() || is_mark(c) { ' ' } else { c });
    let (mut gap, mut count) = (false, 0);
    for c in harmless {
        if c == ' ' {
            gap = !cleaned.is_empty();
            continue;
        }
        if count + usize::from(gap) >= most {
            cleaned.push('…');
            break;
        }
        if gap {
            cleaned.push(' ');
            count += 1;
            gap = false;
        }
        cleaned.push(c);
        count += 1;
    }
    cleaned
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn response(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
        Response {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
                .collect(),
            body: body.as_bytes().to_vec(),
            method: Method::GET,
            path: "/x".to_owned(),
            uncertain: false,
        }
    }

    #[test]
    fn a_page_is_quoted_by_its_title() {
        let page = response(502, &[], "<!DOCTYPE html>\n<HTML><head><TITLE >502\n Bad Gateway</title><style>x</style>");
        assert_eq!(page.excerpt().as_deref(), Some("502 Bad Gateway"));
        assert_eq!(response(502, &[], "<html><h1>Oops</h1>").excerpt().as_deref(), Some("Oops"));
        assert_eq!(response(502, &[], "<html>").excerpt(), None);
    }

    #[test]
    fn a_text_is_quoted_short_and_without_what_steers_a_terminal() {
        let text = response(503, &[], "  up\u{1b}[31mstream\u{202e}\r\n\tgone ");
        assert_eq!(text.excerpt().as_deref(), Some("up [31mstream gone"));
        let long = response(503, &[], &"ä".repeat(500)).excerpt().unwrap();
        assert_eq!(long.chars().count(), EXCERPT + 1);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let asked = |value: &str| response(429, &[("retry-after", value)], "").retry_after(now);
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-1"), None);
    }

    #[test]
    fn what_cannot_be_read_is_described_without_its_values() {
        #[derive(serde::Deserialize, Debug)]
        struct Token {
            #[expect(dead_code, reason = "read by nobody")]
            access_token: u8,
        }
        let detail = |body: &str| response(200, &[], body).json::<Token>().unwrap_err().detail;
        assert_eq!(detail("{}"), "the answer has no `access_token`");
        assert!(!detail(r#"{"access_token":"hush"}"#).contains("hush"));
        assert_eq!(detail(r#"{"access_token":"#), "the answer ends too early");
        assert_eq!(detail(""), "the answer has no body");
        assert_eq!(detail("<html><title>Login</title>"), "the answer is not JSON: Login");
    }

    #[test]
    fn the_remotes_own_request_id_comes_first() {
        let both = response(200, &[("x-request-id", "proxy"), ("x-vcap-request-id", "controller")], "");
        assert_eq!(both.request_id().as_deref(), Some("controller"));
        assert_eq!(response(200, &[("kaiten-traceid", "abc")], "").request_id().as_deref(), Some("abc"));
    }
}
