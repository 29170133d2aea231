//! What tries to be more than text in a format for reviewers, and must not be: one text after the other, in every place that
//! a YAML file or a remote can fill.

use std::io;

use serde_json::Value;

use super::clean::is_unsafe;
use super::graph::Graph;
use super::json::{self, EventDocument};
use super::reviewed::reviewed_with;
use super::testing::as_text;
use super::{Files, github, gitlab, html, markdown, sarif};
use crate::model::Sources;
use crate::plan::Plan;

/// Beginnings and ends of everything the formats are made of.
const ATTEMPTS: &[&str] = &[
    "`",
    "``",
    "```",
    "````````````",
    "~~~",
    "```\n# heading\n```",
    "\n\n# heading\n\n",
    "    code\n",
    "| a | b |\n|---|---|",
    "@someone",
    "#123",
    "GH-123",
    "owner/repository#1",
    "https://evil.example",
    "www.evil.example",
    "[x](http://evil.example)",
    "![x](http://evil.example/a.png)",
    "[x]: http://evil.example",
    "<http://evil.example>",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "\"/><script>",
    "</title></svg><script>",
    "</text><a href=\"javascript:alert(1)\">",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "--!>",
    "<!DOCTYPE x [<!ENTITY y \"z\">]>",
    "&lt;b&gt;",
    "&#60;b&#62;",
    "&y;",
    "</details>",
    "</summary>",
    "</pre></td></tr></table>",
    "::error::x",
    "\n::error::x",
    "%0A::error::x",
    "%0D%0A::set-output name=a::b",
    "::stop-commands::x",
    "##[error]x",
    "##vso[task.complete]",
    "$(id)",
    "${{ secrets.TOKEN }}",
    "`id`",
    "; rm -rf /",
    "a,b=c:d",
    "{0}",
    "%s%n",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{9b}31m",
    "\r",
    "\r\n",
    "\0",
    "\u{8}\u{8}",
    "\u{202e}gnp.exe",
    "\u{2066}x\u{2069}",
    "\u{200b}",
    "\u{200f}",
    "\u{2028}x\u{2029}",
    "\u{feff}",
    "\u{ad}",
    "\u{e0041}",
    "\u{fffe}\u{ffff}",
    "\"]\n  n9[\"x",
    "\"];\n  n9 [label=\"x",
    "\\",
    "\\\"",
    "\\N\\G\\l",
    "%%{init: {}}%%",
    "click n0 \"javascript:alert(1)\"",
    "end\nsubgraph x",
    ":::create",
    "#quot;]",
    "\u{0}\u{1f}\u{7f}\u{80}\u{9f}",
];

/// Each attempt alone, within words, and in a line of ten thousand bytes.
fn attempts() -> impl Iterator<Item = String> {
    ATTEMPTS.iter().flat_map(|text| {
        [(*text).to_owned(), format!("before {text} behind"), format!("{text}{}{text}", "long".repeat(2500))]
    })
}

/// What a format writes of a plan in whose every place this stands.
fn written(text: &str, write: impl FnOnce(&mut dyn io::Write, &Plan, &Sources, &Files) -> io::Result<()>) -> String {
    let (mut plan, sources) = reviewed_with(text);
    plan.steps[1].address.key = text.into();
    plan.steps[5].requires[0] = plan.steps[1].address.clone();
    let text = as_text(|out| write(out, &plan, &sources, &Files::below("deploy")));
    assert!(!text.contains(|char| is_unsafe(char) && char != '\n'), "{text:?}");
    text
}

/// The tags of HTML or SVG without their attributes, and whether each attribute is one of ours.
fn markup(text: &str) -> Vec<String> {
    let body = text.split_once("</style>").map_or(text, |(_, body)| body);
    let body = body.split_once("<script>").map_or(body, |(body, _)| body);
    let tags = body.split('<').skip(1).map(|rest| rest.split_once('>').expect("each tag ends").0);
    // Values are quoted and hold no quotes, so every other piece is outside of them.
    let names = tags.map(|tag| tag.split('"').step_by(2).collect::<Vec<_>>().join("…"));
    names.collect()
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn no_text_makes_markup_in_a_page() {
    let known = sorted(markup(&written("x", html::plan)));
    for text in attempts() {
        for tag in sorted(markup(&written(&text, html::plan))) {
            let ours =
                known.contains(&tag) || ["code", "/code", "i", "/i", "del", "/del", "ins", "/ins"].contains(&&*tag);
            assert!(ours || tag.starts_with("td") || tag.starts_with("th "), "{text:?}: {tag}");
        }
    }
}

#[test]
fn no_text_makes_markup_in_a_graph() {
    let html = |text: &str| written(text, |out, plan, sources, files| Graph::planned(plan).html(out, sources, files));
    let svg = |text: &str| written(text, |out, plan, _, _| Graph::planned(plan).svg(out));
    let without_code = |text: &str| {
        let tags = markup(&html(text)).into_iter();
        tags.filter(|tag| tag != "code" && tag != "/code").collect::<Vec<_>>()
    };
    for text in attempts() {
        assert_eq!(without_code(&text), without_code("x"), "{text:?}");
        assert_eq!(markup(&svg(&text)), markup(&svg("x")), "{text:?}");
    }
}

#[test]
fn no_text_leaves_its_label_in_a_graph() {
    for text in attempts() {
        let mermaid = written(&text, |out, plan, _, _| Graph::planned(plan).mermaid(out));
        assert_eq!(
            mermaid.lines().count(),
            written("x", |out, plan, _, _| Graph::planned(plan).mermaid(out)).lines().count()
        );
        let label = mermaid.lines().find(|line| line.starts_with("  n1[")).expect("a node");
        let label = label.strip_prefix("  n1[\"").and_then(|rest| rest.strip_suffix("\"]:::create")).expect("quotes");
        let harmless = |char: char| char.is_alphanumeric() || " .-_/+~!#;".contains(char);
        assert!(label.chars().all(harmless), "{text:?}: {label}");
        let dot = written(&text, |out, plan, _, _| Graph::planned(plan).dot(out));
        let label = dot.lines().find(|line| line.starts_with("  n1 [")).expect("a node");
        let label =
            label.strip_prefix("  n1 [label=\"").and_then(|rest| rest.split_once("\", fillcolor=")).expect("quotes").0;
        let bare = label.replace("\\\\", "").replace("\\\"", "").replace("&amp;", "").replace("&#35;", "");
        assert!(!bare.contains(['"', '\\', '&']), "{text:?}: {label}");
    }
}

#[test]
fn no_text_makes_a_command_of_a_forge() {
    for text in attempts() {
        let lines = written(&text, github::plan);
        assert_eq!(lines.lines().count(), 12, "{text:?}");
        for line in lines.lines() {
            let rest = ["::error ", "::warning ", "::notice "].iter().find_map(|start| line.strip_prefix(start));
            let (properties, data) = rest.and_then(|rest| rest.split_once("::")).expect("a command");
            assert!(properties.split(',').all(|property| property.matches('=').count() >= 1), "{text:?}: {line}");
            // A percent sign of ours is one of these.
            let ours = ["%25", "%0A", "%0D", "%3A", "%2C"];
            let is_ours = |at: usize| ours.iter().any(|ours| line[at..].starts_with(ours));
            assert!(line.match_indices('%').all(|(at, _)| is_ours(at)), "{text:?}: {line}");
            assert!(!data.contains('\r'), "{text:?}");
        }
    }
}

/// A document may be printed to a log that a runner listens to.
#[test]
fn no_document_holds_a_command_of_a_log() {
    let graph = |plan: &Plan| Graph::planned(plan);
    for text in attempts() {
        let formats = [
            ("json", written(&text, |out, plan, sources, _| json::plan(out, plan, sources))),
            ("events", written(&text, |out, plan, sources, _| json::line(out, &EventDocument::planned(plan, sources)))),
            ("problems", written(&text, |out, plan, sources, _| json::validation(out, &plan.diagnostics, sources))),
            ("sarif", written(&text, sarif::plan)),
            ("gitlab", written(&text, |out, plan, at, files| gitlab::validation(out, &plan.diagnostics, at, files))),
            ("markdown", written(&text, |out, plan, sources, files| markdown::plan(out, plan, sources, files, None))),
            ("html", written(&text, html::plan)),
            ("mermaid", written(&text, |out, plan, _, _| graph(plan).mermaid(out))),
            ("dot", written(&text, |out, plan, _, _| graph(plan).dot(out))),
            ("svg", written(&text, |out, plan, _, _| graph(plan).svg(out))),
            ("page of a graph", written(&text, |out, plan, sources, files| graph(plan).html(out, sources, files))),
        ];
        for (format, written) in formats {
            let obeyed = |line: &&str| line.trim_start().starts_with("::") || line.contains("##[");
            assert_eq!(written.lines().find(obeyed), None, "{format}: {text:?}");
        }
    }
}

#[test]
fn no_text_leaves_its_string_in_a_report() {
    for text in attempts() {
        let report =
            written(&text, |out, plan, sources, files| gitlab::validation(out, &plan.diagnostics, sources, files));
        let entries: Vec<Value> = serde_json::from_str(&report).expect("JSON");
        assert_eq!(entries.len(), 3, "{text:?}");
        let log: Value = serde_json::from_str(&written(&text, sarif::plan)).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results");
        assert_eq!(results.len(), 11, "{text:?}");
        for result in results {
            let message = result["message"]["text"].as_str().expect("a text");
            assert!(!message.contains("]("), "a link: {text:?}: {message}");
        }
    }
}

#[test]
fn no_text_leaves_its_code_in_a_comment() {
    for text in attempts() {
        for most in [None, Some(4000)] {
            let comment = written(&text, |out, plan, sources, files| markdown::plan(out, plan, sources, files, most));
            assert_eq!(markdown::problem_of(&comment), None, "{text:?}\n{comment}");
            assert!(most.is_none_or(|most| comment.len() <= most));
        }
    }
}
