use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::render::reviewed::{NASTY, reviewed, reviewed_with};
use crate::render::testing::as_text;

fn written(made: &(Plan, Sources)) -> String {
    as_text(|out| plan(out, &made.0, &made.1, &Files::below("deploy")))
}

/// The page without what is the same on every page.
fn body(page: &str) -> &str {
    let (_, body) = page.split_once("</style>").expect("a sheet");
    body.split_once("<script>").expect("a script").0
}

#[test]
fn a_plan_with_nasty_values_is_a_page_with_them_as_text() {
    let page = written(&reviewed());
    insta::assert_snapshot!(body(&page));
}

#[test]
fn the_policy_names_the_script_and_the_sheet_that_are_there_and_nothing_else() {
    let page = written(&reviewed());
    let between = |start: &str, end: &str| page.split_once(start).unwrap().1.split_once(end).unwrap().0;
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(between("<style>", "</style>")),
        hash(between("<script>", "</script>"))
    );
    assert_eq!(between("http-equiv=\"Content-Security-Policy\" content=\"", "\""), policy);
    assert_eq!((page.matches("<script").count(), page.matches("<style").count()), (1, 1));
    for outside in ["src=", "url(", "@import", "style=\"", "href=\"http", "<link", "<img"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn backticks_make_code_and_a_lone_one_stays() {
    assert_eq!(Prose("a `b<` c `").to_string(), "a <code>b&lt;</code> c `");
    assert_eq!(Prose("``").to_string(), "<code></code>");
}

#[test]
fn the_page_of_a_plan_that_failed_says_so() {
    let (mut plan, sources) = reviewed_with("acme");
    plan.steps.clear();
    let page = written(&(plan, sources));
    assert!(page.contains("This plan cannot be applied: 2 errors.") && !page.contains("No changes"));
    assert!(!page.contains("<form"), "there is nothing to filter");
}

/// The tags of a page, without their attributes.
fn tags(page: &str) -> Vec<String> {
    let tag = |rest: &str| rest.split([' ', '>', '\n']).next().unwrap_or_default().to_owned();
    body(page).split('<').skip(1).map(tag).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn no_text_adds_a_tag(text in prop_oneof![
        Just(NASTY.replace('\n', " ")), Just("\"><img src=x onerror=alert(1)>".to_owned()), "\\PC{0,20}", "[<>&\"'/a ]{0,20}",
    ]) {
        // A text of one word is drawn by as many elements as another.
        let text = format!("x{}x", text.replace(char::is_whitespace, ""));
        let page = written(&reviewed_with(&text));
        let count = |name: &str| tags(&page).iter().filter(|tag| *tag == name).count();
        let plain = written(&reviewed_with("xyzx"));
        for name in ["script", "img", "b>alert(1)", "/details", "article", "a", "form", "tbody", "pre"] {
            let expected = tags(&plain).iter().filter(|tag| *tag == name).count();
            prop_assert_eq!(count(name), expected, "{}", name);
        }
        let known = ["header", "h1", "small", "p", "ul", "li", "div", "form", "input", "fieldset", "legend", "label",
            "select", "option", "button", "output", "main", "section", "h2", "article", "details", "summary", "span",
            "pre", "b", "i", "del", "ins", "table", "caption", "colgroup", "col", "thead", "tbody", "tr", "th", "td",
            "a", "footer", "code", "head", "body"];
        for tag in tags(&page) {
            prop_assert!(known.contains(&tag.trim_start_matches('/')), "{}", tag);
        }
    }
}
