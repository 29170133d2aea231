//! Everything people and scripts read: plans, problems, the course of an apply and its ledger.
//!
//! Values in, text out, to the writer that is given. Who is reading and on what is decided elsewhere and comes in as a
//! [`Theme`]. Text that is not ours passes through `clean` before it is written.

mod cause;
mod change;
mod clean;
mod compared;
mod coverage;
mod diff;
mod explanation;
mod files;
mod finding;
mod fingerprint;
mod layout;
mod snippet;
mod style;
pub(crate) mod taken;
mod unchanged;
mod value;
pub mod apply;
pub mod diagnostic;
pub mod explain;
pub mod github;
pub mod gitlab;
pub mod graph;
pub mod html;
pub mod human;
pub mod json;
pub mod markdown;
pub mod progress;
pub mod reference;
pub mod sarif;
pub mod throttle;
pub mod workflow;

pub use clean::{clean, clean_line};
pub use files::Files;
pub(crate) use layout::wrap;
pub use style::Theme;

#[cfg(test)]
mod breakout;
#[cfg(test)]
mod reviewed;

#[cfg(test)]
mod testing {
    //! What the tests of renderers share.

    use std::io::{self, Write};
    use std::time::Duration;

    use crate::apply::{Event, Resolution};
    use crate::model::{Address, Code, Diagnostic, Identity, RemoteProblem, SourceFile, Sources, Span};
    use crate::plan::{Action, Plan, Reason, Step};

    /// What is written, as text.
    pub(super) fn as_text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).expect("a vector can be written to");
        String::from_utf8(out).expect("text")
    }

    /// Colours made visible.
    pub(super) fn in_color(text: &str) -> String {
        text.replace('\u{1b}', "\\e")
    }

    pub(super) fn address(section: &'static str, key: &str) -> Address {
        Address::new(section, key)
    }

    /// A plan to create six resources and leave one.
    pub(super) fn planned() -> (Plan, Sources) {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("resources/acme.yaml", ""));
        let step = |(section, key, action): (&'static str, &str, Action)| Step {
            address: address(section, key),
            target: "kaiten".into(),
            action,
            reason: Reason { code: "test", message: String::new() },
            source: Span::new(file, 0..0),
            identity: Identity::single("slug", key),
            requires: Vec::new(),
            changes: Vec::new(),
            takes_along: Vec::new(),
            observed: None,
            executable: true,
            writes: 1,
            cause: None,
        };
        let steps = [
            ("licenses", "growth", Action::Unchanged),
            ("customers", "acme", Action::Create),
            ("customers", "globex", Action::Create),
            ("instances", "globex-production", Action::Create),
            ("instances", "moved", Action::Blocked),
            ("service_instances", "acme-db", Action::Create),
            ("service_instances", "search", Action::Wait),
        ];
        let plan = Plan { project: "acme".into(), steps: steps.into_iter().map(step).collect(), ..Plan::default() };
        (plan, sources)
    }

    /// The events of an apply of that plan, and when they come.
    pub(super) fn a_course() -> Vec<(Duration, Event)> {
        let (acme, globex) = (address("customers", "acme"), address("customers", "globex"));
        let production = address("instances", "globex-production");
        let (database, search) = (address("service_instances", "acme-db"), address("service_instances", "search"));
        let start = |address: &Address, action| Event::Start { address: address.clone(), action };
        let ended = |address: &Address, action, resolution, because: Option<&Address>| Event::Ended {
            address: address.clone(),
            action,
            resolution,
            because: because.cloned(),
        };
        let refused = Diagnostic::error(Code::Refused, "the remote refused the request")
            .on(&globex)
            .help("choose another domain")
            .remote(RemoteProblem {
                method: "POST".into(),
                path: "/api/customers".into(),
                status: Some(422),
                code: Some("UNPROCESSABLE".into()),
                detail: Some("domain is taken".into()),
                request_id: Some("7f3c9a".into()),
            });
        let progress = |seconds, words: &str| Event::Progress {
            address: database.clone(),
            action: Action::Create,
            elapsed: Duration::from_secs(seconds),
            description: Some(words.to_owned()),
        };
        let complete = |address: &Address, action, id: Option<&str>, millis| Event::Complete {
            address: address.clone(),
            action,
            id: id.map(Into::into),
            elapsed: Duration::from_millis(millis),
        };
        let events = vec![
            (0, ended(&address("instances", "moved"), Action::Blocked, Resolution::Blocked, None)),
            (0, start(&acme, Action::Create)),
            (0, start(&globex, Action::Create)),
            (0, start(&database, Action::Create)),
            (0, start(&search, Action::Wait)),
            (1, complete(&acme, Action::Create, Some("c-1"), 1_234)),
            (2, Event::Diagnostic(refused)),
            (2, ended(&globex, Action::Create, Resolution::Failed, None)),
            (2, ended(&production, Action::Create, Resolution::Skipped, Some(&globex))),
            (30, progress(30, "creating volumes")),
            (61, progress(61, "starting the second of three nodes")),
            (185, complete(&search, Action::Wait, None, 185_000)),
            (200, ended(&database, Action::Create, Resolution::Waiting, None)),
        ];
        events.into_iter().map(|(seconds, event)| (Duration::from_secs(seconds), event)).collect()
    }
}
