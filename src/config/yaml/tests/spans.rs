//! Where things stand.

use super::{Read, sound};
use crate::config::yaml::Node;
use crate::model::{Path, Value};

fn at<'r>(read: &'r Read, path: &str) -> Node<'r> {
    let mut node = read.root();
    for segment in Path::parse(path).expect("a path").0 {
        node = match segment {
            crate::model::Segment::Key(key) => node.get(&key).unwrap_or_else(|| panic!("{path}")).value,
            crate::model::Segment::Index(index) => node.items().expect("a list").nth(index).expect("an item"),
        };
    }
    node
}

/// What is underlined for the value at a path.
fn text<'r>(read: &'r Read, path: &str) -> &'r str {
    read.under(at(read, path).span())
}

#[test]
fn scalars_are_underlined_from_their_first_to_their_last_character() {
    let read = sound("a: plain text   # comment\nb: \"quo\\ted\"\nc: 'it''s'\nd: {e: 1.50, f: [x , true]}\n");
    assert_eq!(text(&read, "a"), "plain text");
    assert_eq!(text(&read, "b"), "\"quo\\ted\"");
    assert_eq!(text(&read, "c"), "'it''s'");
    assert_eq!(text(&read, "d.e"), "1.50");
    assert_eq!(text(&read, "d.f[0]"), "x");
    assert_eq!(text(&read, "d.f"), "[x , true]");
    assert_eq!(text(&read, "d"), "{e: 1.50, f: [x , true]}");
    let keys: Vec<_> = read.root().entries().expect("a mapping").map(|entry| read.under(entry.key_span)).collect();
    assert_eq!(keys, ["a", "b", "c", "d"]);
}

#[test]
fn a_block_ends_with_its_last_value_and_not_with_the_next_key() {
    let read = sound("a:\n  b: 1\n  c:\n    - x\n    - y: [1,\n        2]  # here\n\n# comment\n\nd: 2\n");
    assert_eq!(text(&read, "a"), "b: 1\n  c:\n    - x\n    - y: [1,\n        2]");
    assert_eq!(text(&read, "a.c"), "- x\n    - y: [1,\n        2]");
    assert_eq!(text(&read, "a.c[1]"), "y: [1,\n        2]");
    assert_eq!(
        read.under(read.root().span()),
        "a:\n  b: 1\n  c:\n    - x\n    - y: [1,\n        2]  # here\n\n# comment\n\nd: 2"
    );
}

#[test]
fn a_list_begins_at_its_first_dash_however_it_is_indented() {
    let read =
        sound("a:\n- 1\n- 2\nb: # - no\n# - no\n-   # - no\n  3\nc:\n-\n- 4\nd: &x\n- 5\ne-f:\n  - g:\n    - 6\n");
    assert_eq!(text(&read, "a"), "- 1\n- 2");
    assert_eq!(text(&read, "b"), "-   # - no\n  3");
    assert_eq!(text(&read, "c"), "-\n- 4");
    assert_eq!(text(&read, "d"), "- 5");
    assert_eq!(text(&read, "e-f"), "- g:\n    - 6");
    assert_eq!(text(&read, "e-f[0].g"), "- 6");
}

#[test]
fn a_text_block_is_underlined_from_its_indicator_to_its_last_line() {
    let read = sound(
        "a: |\n  one\n\n    two\n\n\nb: >- # a | b\n\n  three\n  four\nc: |\nd: |2+ # x\n   five\n\n\"e | f\": |\n  six\ng:\n  - |\n    seven\n  - >\n\n  - x\n",
    );
    assert_eq!(text(&read, "a"), "|\n  one\n\n    two");
    assert_eq!(at(&read, "a").text(), Some("one\n\n  two\n"));
    assert_eq!(text(&read, "b"), ">- # a | b\n\n  three\n  four");
    assert_eq!(at(&read, "b").text(), Some("\nthree four"));
    assert_eq!(text(&read, "c"), "|");
    assert_eq!(at(&read, "c").text(), Some(""));
    assert_eq!(text(&read, "d"), "|2+ # x\n   five");
    assert_eq!(at(&read, "d").text(), Some(" five\n\n"));
    assert_eq!(text(&read, "[\"e | f\"]"), "|\n  six");
    assert_eq!(text(&read, "g[0]"), "|\n    seven");
    assert_eq!(text(&read, "g[1]"), ">");
    assert_eq!(text(&read, "g"), "- |\n    seven\n  - >\n\n  - x");
    assert!(at(&read, "a").is_quoted());
}

#[test]
fn a_value_left_out_is_shown_at_its_key_or_dash() {
    let read = sound("a:\nb: {c: , d}\ne:\n-\n-  # x\n- 1\n-\nf: ~\ng: \"\"\nh:\n  - i:\n");
    for (path, shown) in
        [("a", "a"), ("b.c", "c"), ("b.d", "d"), ("e[0]", "-"), ("e[1]", "-"), ("e[3]", "-"), ("h[0].i", "i")]
    {
        let node = at(&read, path);
        assert_eq!((read.under(node.span()), node.is_left_out(), node.lexeme()), (shown, true, ""), "{path}");
        assert_eq!(node.to_value(), Value::Null, "{path}");
    }
    assert_eq!(read.place(at(&read, "e[0]").span()), "4:1");
    assert_eq!(read.place(at(&read, "e[1]").span()), "5:1");
    assert_eq!(read.place(at(&read, "e[3]").span()), "7:1");
    let written = at(&read, "f");
    assert_eq!((read.under(written.span()), written.is_left_out(), written.to_value()), ("~", false, Value::Null));
    assert_eq!(at(&read, "g").to_value(), Value::text(""));
    assert_eq!(text(&read, "e"), "-\n-  # x\n- 1\n-");
}

#[test]
fn columns_count_characters_in_every_script_and_past_every_line_break() {
    let text_of = |newline: &str| {
        format!("\u{feff}ключ: значение # 値{newline}名前: [🙂, é, \"ё\\n\"]{newline}{newline}z: ☃{newline}")
    };
    for newline in ["\n", "\r\n"] {
        let read = sound(&text_of(newline));
        for (path, shown, place) in [
            ("ключ", "значение", "1:7"),
            ("名前[0]", "🙂", "2:6"),
            ("名前[1]", "é", "2:9"),
            ("名前[2]", "\"ё\\n\"", "2:12"),
            ("z", "☃", "4:4"),
        ] {
            let span = at(&read, path).span();
            assert_eq!((read.under(span), read.place(span).as_str()), (shown, place), "{path} {newline:?}");
        }
        assert_eq!(at(&read, "名前[2]").text(), Some("ё\n"));
        let keys: Vec<_> = read.root().entries().expect("a mapping").map(|entry| read.place(entry.key_span)).collect();
        assert_eq!(keys, ["1:1", "2:1", "4:1"]);
    }
    let crlf = sound("a: |\r\n  x\r\n  y\r\nb: p\r\n  q\r\nc: \"r\r\n  s\"\r\n");
    assert_eq!(at(&crlf, "a").text(), Some("x\ny\n"));
    assert_eq!(text(&crlf, "a"), "|\r\n  x\r\n  y");
    assert_eq!((at(&crlf, "b").text(), text(&crlf, "b")), (Some("p q"), "p\r\n  q"));
    assert_eq!((at(&crlf, "c").text(), text(&crlf, "c")), (Some("r s"), "\"r\r\n  s\""));
}

#[test]
fn an_alias_stands_where_it_was_written_and_means_its_anchor() {
    let read = sound("a: &x\n  b: [1, 2]\nc: *x\nd: &s text\ne: [*s, *x]\n");
    assert_eq!(text(&read, "c"), "*x");
    assert_eq!(at(&read, "c").to_value(), at(&read, "a").to_value());
    assert_eq!(read.place(at(&read, "c.b[1]").span()), "2:10");
    assert_eq!(
        (text(&read, "e[0]"), at(&read, "e[0]").text(), at(&read, "e[0]").lexeme()),
        ("*s", Some("text"), "text")
    );
    assert_eq!(text(&read, "a"), "b: [1, 2]");
    assert_eq!(text(&read, "e"), "[*s, *x]");
}

#[test]
fn a_path_leads_to_its_value_or_to_the_nearest_thing_around_it() {
    let read = sound("metadata:\n  a.b: {c: [x, y]}\n  n:\n");
    let locate = |path: &str| {
        let (span, exact) = read.root().locate(&Path::parse(path).expect("a path"));
        (read.under(span), exact)
    };
    assert_eq!(locate("metadata[\"a.b\"].c[1]"), ("y", true));
    assert_eq!(locate("metadata[\"a.b\"].c[2]"), ("[x, y]", false));
    assert_eq!(locate("metadata[\"a.b\"].c.d"), ("[x, y]", false));
    assert_eq!(locate("metadata[\"a.b\"].c[1].deeper"), ("y", false));
    assert_eq!(locate("metadata.n"), ("n", true));
    assert!(!locate("other").1);
    assert_eq!(read.root().locate(&Path::default()), (read.root().span(), true));
    let key = |path: &str| read.root().key_span(&Path::parse(path).expect("a path")).map(|span| read.under(span));
    assert_eq!(key("metadata[\"a.b\"].c"), Some("c"));
    assert_eq!(key("metadata.n"), Some("n"));
    assert_eq!(key("metadata[\"a.b\"].c[0]"), None);
    assert_eq!(key("metadata.x"), None);
    assert_eq!(read.root().key_span(&Path::default()), None);
}
