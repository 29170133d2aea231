use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::*;
use crate::render::reviewed::{NASTY, long, reviewed, reviewed_with};
use crate::render::testing::as_text;

fn written(made: &(Plan, Sources), most: Option<usize>) -> String {
    as_text(|out| plan(out, &made.0, &made.1, &Files::below("deploy"), most))
}

/// Whether a text outside of code holds anything that a forge, a browser or a terminal acts on.
fn is_live(text: &str) -> bool {
    text.contains(['@', '#', '<', '>', '☠', '`', '\u{1b}']) || text.contains("://") || text.contains("www.")
}

/// What is in the text beside code and what we put there: nothing that a forge could take for its own.
pub(in crate::render) fn problem_of(markdown: &str) -> Option<String> {
    let ours = |html: &str| {
        let html = html.trim();
        html == "</details>"
            || (html.starts_with("<details><summary>") && html.ends_with("</summary>"))
            || html == markdown.lines().next().unwrap_or_default()
    };
    let mut in_code = false;
    for event in Parser::new_ext(markdown, Options::all()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Html(html) if html.lines().all(ours) => {}
            Event::Html(html) | Event::InlineHtml(html) => return Some(format!("HTML: {html}")),
            Event::Start(tag @ (Tag::Link { .. } | Tag::Image { .. })) => return Some(format!("{tag:?}")),
            Event::Text(text) if !in_code && is_live(&text) => return Some(format!("bare text: {text}")),
            _ => {}
        }
    }
    let unsafe_char = |char| crate::render::clean::is_unsafe(char) && char != '\n';
    if markdown.contains(unsafe_char) { Some("an unsafe character".to_owned()) } else { None }
}

#[test]
fn a_plan_with_nasty_values_is_a_comment_without_them_at_work() {
    let text = written(&reviewed(), None);
    assert_eq!(problem_of(&text), None, "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn what_does_not_fit_is_counted_and_what_destroys_is_there() {
    let text = written(&long("a word", 40), Some(16_000));
    assert!(text.len() <= 16_000, "{}", text.len());
    for at in 0..40 {
        assert!(text.contains(&format!("`service_instances.legacy-{at}`")), "{at}\n{text}");
    }
    insta::assert_snapshot!(text);
    let all = written(&long("a word", 40), Some(200_000));
    assert!(!all.contains("to fit") && all.matches("will be deleted and created anew").count() == 40, "{all}");
    assert_eq!(all, written(&long("a word", 40), None));
}

#[test]
fn the_minimum_holds_what_must_be_said() {
    for nasty in [NASTY, "\u{e0001}", &"\u{1b}".repeat(500), &"👩‍💻".repeat(200)] {
        let text = written(&long(nasty, 300), Some(MINIMUM_BYTES));
        assert!(text.len() <= MINIMUM_BYTES, "{}", text.len());
        assert!(text.contains("Plan: 600 to add") && text.contains("Digest of the whole plan: `sha256:"), "{text}");
        assert!(text.contains("**Left out, to fit: "), "{text}");
    }
}

#[test]
fn a_plan_from_a_snapshot_says_so_in_the_least_there_is_room_for() {
    let (mut made, sources) = long(NASTY, 300);
    made.taken = Some("2026-11-28T10:12:30Z".parse().unwrap());
    let text = written(&(made, sources), Some(MINIMUM_BYTES));
    assert!(text.len() <= MINIMUM_BYTES, "{}", text.len());
    assert!(text.contains("**Made from a snapshot taken 2026-11-28 10:12 UTC, not from the remotes"), "{text}");
    assert_eq!(problem_of(&text), None, "{text}");
}

#[test]
fn the_marker_is_of_the_project_and_its_environment_alone() {
    let marker = |made: &(Plan, Sources), files| as_text(|out| plan(out, &made.0, &made.1, &files, None));
    let first = |text: &str| text.lines().next().unwrap().to_owned();
    let (mut made, sources) = reviewed_with("staging");
    let one = first(&marker(&(made.clone(), sources.clone()), Files::below("deploy")));
    assert_eq!(one, "<!-- trueup plan deploy staging 3fae557556e6 -->");
    made.steps.clear();
    made.project = "".into();
    assert_eq!(one, first(&marker(&(made.clone(), sources.clone()), Files::below("deploy"))));
    assert_ne!(one, first(&marker(&(made.clone(), sources.clone()), Files::below("other"))));
    made.environment = None;
    assert_ne!(one, first(&marker(&(made, sources), Files::below("deploy"))));
}

#[test]
fn nothing_to_do_is_said_and_a_plan_that_cannot_be_applied_never_says_it() {
    let (mut plan, sources) = reviewed_with("acme");
    plan.steps.retain(|step| step.action == Action::Unchanged);
    let errored = written(&(plan.clone(), sources.clone()), None);
    assert!(
        errored.contains("**This plan cannot be applied: 2 errors.**") && !errored.contains("No changes"),
        "{errored}"
    );
    plan.targets.clear();
    for made in [plan.clone(), Plan { diagnostics: plan.diagnostics.clone(), ..Plan::default() }] {
        let text = written(&(made, sources.clone()), None);
        assert!(!text.contains("\n\n\n"), "one empty line is enough: {text}");
    }
    let (mut plan, sources) = reviewed_with("acme");
    plan.steps.retain(|step| step.action == Action::Unchanged);
    plan.diagnostics.clear();
    insta::assert_snapshot!(written(&(plan, sources), None));
}

#[test]
fn a_graph_is_drawn_where_it_is_small() {
    assert!(written(&reviewed(), None).contains("```mermaid\n"));
    assert!(!written(&long("x", 4), None).contains("```mermaid\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_content_fits_and_stays_in_its_place(
        pieces in prop::collection::vec(prop_oneof![
            Just("☠@octocat ".to_owned()), Just("☠#12".to_owned()), Just("`".to_owned()), Just("```".to_owned()),
            Just("\n".to_owned()), Just("<b>☠</b>".to_owned()), Just("<!--☠".to_owned()), Just("-->".to_owned()),
            Just("[☠](http://x.example)".to_owned()), Just("\\".to_owned()), Just("~~~".to_owned()), Just("    ".to_owned()),
            Just("</details>☠".to_owned()), Just("\u{1b}[2J\u{202e}☠".to_owned()), "\\PC{0,12}", any::<String>(),
        ], 0..10),
        copies in 1usize..12,
        most in MINIMUM_BYTES..30_000,
    ) {
        let text = written(&long(&pieces.concat(), copies), Some(most));
        prop_assert!(text.len() <= most, "{} of {most}", text.len());
        prop_assert_eq!(problem_of(&text), None, "{}", text);
    }
}
