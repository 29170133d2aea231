//! Where a remote is, as somebody says it on the command line or to a question.

use url::Url;

use crate::settings::{TargetUrl, UrlProblem, is_insecure, target_url};

/// Where a remote is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The embedded emulator.
    Sandbox,
    /// Here.
    Url(Url),
}

/// Why a text is no such place. Repeats nothing of it: it may hold credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Completes a sentence: "`--kaiten` …".
    pub why: &'static str,
    /// What to do next.
    pub help: String,
}

/// Reads a place: a URL, or `sandbox`.
pub fn place(text: &str) -> Result<Place, Refused> {
    match target_url(text.trim()) {
        Ok(TargetUrl::Url(url)) => Place::at(url),
        Ok(TargetUrl::Sandbox | TargetUrl::CfCli { .. } | TargetUrl::Unsaid) => Ok(Place::Sandbox),
        Err(UrlProblem { message, help, .. }) => Err(Refused { why: message, help }),
    }
}

impl Place {
    /// A URL, unless credentials would be readable on their way there: consent to that is written into `trueup.toml` by
    /// hand.
    pub fn at(url: Url) -> Result<Self, Refused> {
        if is_insecure(&url) {
            return Err(Refused {
                why: "is not encrypted: credentials would cross the network readable",
                help: "write it with `https://`".to_owned(),
            });
        }
        Ok(Self::Url(url))
    }

    /// As `trueup.toml` spells it.
    pub fn text(&self) -> &str {
        match self {
            Self::Sandbox => "sandbox",
            // The `/` that is all of a path is only there because it was parsed.
            Self::Url(url) if url.path() == "/" => url.as_str().trim_end_matches('/'),
            Self::Url(url) => url.as_str(),
        }
    }
}
