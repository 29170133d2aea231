//! `docs/reliability.md` names the tests that show what is promised. Those are there.

use crate::support::package;

/// The items of the page's lists: a file, and the tests in it.
fn named(page: &str) -> Vec<(String, Vec<String>)> {
    let mut items: Vec<String> = Vec::new();
    for line in page.lines() {
        if line.starts_with("- `") {
            items.push(line.to_owned());
        } else if let (true, Some(item)) = (line.starts_with("  `"), items.last_mut()) {
            item.push_str(line);
        }
    }
    let codes = |item: String| item.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    items.into_iter().map(codes).map(|mut codes| (codes.remove(0), codes)).collect()
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let page = std::fs::read_to_string(package().join("docs/reliability.md")).unwrap();
    let named = named(&page);
    assert!(named.len() >= 30, "{}", named.len());
    let mut lost = Vec::new();
    for (file, tests) in named {
        let text = std::fs::read_to_string(package().join(&file)).unwrap_or_default();
        assert!(!tests.is_empty(), "{file}: no test is named");
        let gone = tests.into_iter().filter(|test| !text.contains(&format!("fn {test}(")));
        lost.extend(gone.map(|test| format!("{file}: {test}")));
    }
    assert!(lost.is_empty(), "not there: {lost:#?}");
}
