use crate::render::Files;
use crate::render::reviewed::{NASTY, reviewed, reviewed_with};
use crate::render::testing::as_text;

use super::*;

/// A plan in whose addresses, reasons and names nothing is harmless.
fn nasty() -> (Graph, crate::model::Sources) {
    let (mut plan, sources) = reviewed();
    plan.steps[1].address.key = NASTY.into();
    plan.steps[5].requires[0] = plan.steps[1].address.clone();
    (Graph::planned(&plan), sources)
}

fn page(graph: &Graph, sources: &crate::model::Sources) -> String {
    as_text(|out| graph.html(out, sources, &Files::below("deploy")))
}

fn without_sheet(text: &str) -> String {
    let (before, rest) = text.split_once("<style>").expect("a sheet");
    format!("{before}{}", rest.split_once("</style>").expect("its end").1)
}

#[test]
fn a_plan_with_nasty_names_is_a_picture_with_them_as_text() {
    insta::assert_snapshot!(without_sheet(&as_text(|out| nasty().0.svg(out))));
}

#[test]
fn a_plan_with_nasty_names_is_a_page_with_them_as_text() {
    let (graph, sources) = nasty();
    let page = page(&graph, &sources);
    let (_, body) = page.split_once("</style>").expect("a sheet");
    insta::assert_snapshot!(body.split_once("<script>").expect("a script").0);
}

#[test]
fn nothing_leads_out_of_a_page_or_a_picture() {
    let (graph, sources) = nasty();
    for text in [page(&graph, &sources), as_text(|out| graph.svg(out))] {
        assert!(!text.contains(|char| crate::render::clean::is_unsafe(char) && char != '\n'));
        for outside in ["src=", "url(h", "@import", "style=\"", "href=\"http", "<link", "<img", "foreignObject"] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert_eq!(text.matches("<style>").count(), 1);
    }
    assert_eq!(page(&graph, &sources).matches("<script>").count(), 1);
    assert_eq!(as_text(|out| graph.svg(out)).matches("<script").count(), 0);
}

#[test]
fn what_stays_as_it_is_is_not_touched() {
    let (plan, _) = reviewed();
    assert_eq!((Graph::planned(&plan).len(), Graph::touched(&plan).len()), (9, 8));
}

#[test]
fn a_long_name_is_cut_and_stands_in_full_beside() {
    let (mut plan, sources) = reviewed_with("acme");
    let long = "n".repeat(10_000);
    plan.steps[1].address.key = long.as_str().into();
    let graph = Graph::planned(&plan);
    let picture = as_text(|out| graph.svg(out));
    assert!(picture.contains(&format!("<title>customers.{long}, create</title>")));
    assert!(picture.contains(&format!(">{}…</text>", "n".repeat(35))), "{picture}");
    assert!(page(&graph, &sources).contains(&format!("<h2>customers.{long}</h2>")));
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let graph = Graph::default();
    assert!(as_text(|out| graph.svg(out)).contains("Nothing is declared."));
    let page = page(&graph, &crate::model::Sources::default());
    assert!(page.contains("Nothing is declared.") && !page.contains("<form"), "{page}");
}
