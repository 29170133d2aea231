use super::*;
use crate::render::testing::{as_text, in_color};

fn shown(code: Code) -> String {
    as_text(|out| super::code(out, code, Theme::PLAIN))
}

#[test]
fn a_code_is_explained_without_markdown() {
    insta::assert_snapshot!(shown(Code::Protected));
    let theme = Theme { color: true, width: 60, ..Theme::PLAIN };
    insta::assert_snapshot!("a_code_in_color", in_color(&as_text(|out| code(out, Code::YamlEncoding, theme))));
}

#[test]
fn every_code_is_shown_with_all_it_has_and_no_markup() {
    for code in Code::ALL {
        let text = shown(*code);
        assert!(text.starts_with(code.as_str()), "{text}");
        assert!(!text.contains("```"), "{text}");
        let mut words = 0;
        for block in markdown::blocks(Explanation::of(*code).markdown()) {
            let Block::Text(prose) = block else { continue };
            words += 1;
            let marks = ["- ", "#", "|", "> ", "1. ", "* ", "<"];
            assert!(!marks.iter().any(|mark| prose.starts_with(mark)), "{code}: {prose}");
            assert!(!prose.contains("](") && !prose.contains("**") && !prose.contains(" *"), "{code}: {prose}");
        }
        assert!(words > 0, "{code}");
    }
}
