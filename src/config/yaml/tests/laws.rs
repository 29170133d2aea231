//! What holds for every input: no panic, places that exist, and the meaning that another reader finds too.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::{Read, read};
use crate::config::yaml::{Content, Node, decode};
use crate::model::{Span, Value};

/// Walks everything that has been read; every place must exist in the text.
fn check(read: &Read) {
    let text = read.sources.get(read.tree.file).text();
    let exists = |span: Span| {
        assert!(span.start <= span.end, "{span:?}");
        assert!(text.get(span.range()).is_some(), "{span:?} in {text:?}");
    };
    for problem in &read.problems {
        assert!(!problem.labels.is_empty() && problem.help.is_some(), "{problem:?}");
        assert!(!problem.message.contains(char::is_control), "{problem:?}");
        for label in &problem.labels {
            exists(label.span);
        }
    }
    for document in read.tree.documents() {
        walk(document, &exists);
        document.to_value();
    }
}

fn walk(node: Node<'_>, exists: &impl Fn(Span)) {
    exists(node.span());
    let _ = (node.lexeme(), node.describe());
    match node.content() {
        Content::List(items) => items.for_each(|item| walk(item, exists)),
        Content::Map(entries) => entries.for_each(|entry| {
            exists(entry.key_span);
            walk(entry.value, exists);
        }),
        _ => {}
    }
}

/// Lines of pieces that YAML is made of: most of it is wrong, some of it is not.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b: ",
        "c:",
        "- ",
        "-",
        "? ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        ",",
        ", ",
        "\"",
        "'",
        "\"x\"",
        "'y'",
        "|",
        ">-",
        "|2",
        "&x ",
        "*x",
        "!t ",
        "!!str ",
        "# c",
        " #",
        "1",
        "-2.5",
        "0x1f",
        "01",
        "1e999",
        "true",
        "null",
        "~",
        "<<: ",
        "<<",
        "%YAML 1.2",
        "@",
        "`",
        "\t",
        "  ",
        " ",
        "ж",
        "値",
        "🙂",
        "\\",
        "\\u12",
        "\u{7}",
        "\0",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\r",
        "x y",
        "k: v",
        "...",
        "---",
        "!<tag:x> ",
        "*",
        "&",
        "\\n",
    ]);
    let line = (0usize..6, prop::collection::vec(piece, 0..5))
        .prop_map(|(indent, pieces)| " ".repeat(indent) + &pieces.concat());
    let newline = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\n---\n", "\n\n"]);
    prop::collection::vec((line, newline), 0..10)
        .prop_map(|lines| lines.iter().fold(String::new(), |text, (line, newline)| text + line + newline))
}

/// Soup without what the two readers are known to read differently, and rather often sound.
fn clean_soup() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec!["a", "b", "c", "d e", "\"q\"", "'r'", "ж", "on", "-x"]);
    let scalar = prop::sample::select(vec![
        "1",
        "-2",
        "+3",
        "0",
        "-0",
        "1.5",
        ".5",
        "1.",
        "1e3",
        "-1.5E-2",
        "0x1F",
        "0o17",
        "00",
        "010",
        "1_0",
        "0b1",
        "-0x1",
        "true",
        "True",
        "no",
        "~",
        "null",
        "",
        "x",
        "x y",
        "x  # c",
        "\"a\\tb\\u0416\"",
        "'it''s'",
        "\"\"",
        "[1, x, [y]]",
        "{k: 1, l: }",
        "[a: 1]",
        "{\"j\":2}",
        "&n z",
        "*n",
        "18446744073709551615",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
        "1e400",
        "12:30",
        "2024-01-01",
        "a:b",
        "a#b",
        "値🙂",
        "!!str 1",
        "!!int 2",
        "- 1",
        "? 1",
        "-1-",
        "1.2.3",
        ".inf",
        ".nan",
        "0x",
        "0o8",
        "1e",
        "+",
        "-",
        ".",
        "==",
        "=",
        "NULL",
        "yes",
        "y",
        "|\n      t\n        u\n",
        ">\n      t\n      u\n\n      v\n",
        "|-\n      t\n",
        "|+\n      t\n\n",
        "multi\n      line",
        "\"multi\n      line\"",
        "\"esc\\\n      line\"",
        "'multi\n\n      line'",
    ]);
    let line = (0usize..3, prop::sample::select(vec!["", "", "- ", "- - "]), prop::option::weighted(0.7, key), scalar)
        .prop_map(|(indent, dash, key, scalar)| {
            let key = key.map_or(String::new(), |key| format!("{key}: "));
            format!("{}{dash}{key}{scalar}\n", "  ".repeat(indent))
        });
    prop::collection::vec(line, 1..6).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = decode(bytes) {
            check(&read(&text));
        }
    }

    #[test]
    fn no_characters_make_it_panic(text in any::<String>()) {
        check(&read(&text));
    }

    #[test]
    fn no_soup_of_yaml_makes_it_panic(text in soup()) {
        check(&read(&text));
    }

    #[test]
    fn no_edit_of_sound_yaml_makes_it_panic(at in any::<prop::sample::Index>(), len in 0usize..4, with in "[\\PC\n\t]{0,3}|[-:\\[\\]{}'\"|>&*!#, \n]{1,3}") {
        let mut chars: Vec<char> = SOUND.chars().collect();
        let at = at.index(chars.len());
        let end = (at + len).min(chars.len());
        chars.splice(at..end, with.chars());
        check(&read(&chars.into_iter().collect::<String>()));
    }

    #[test]
    fn what_is_written_reads_back(value in value(), style in any::<u64>()) {
        let mut text = String::new();
        write(&value, &mut Style(style | 1), 0, Place::Root, &mut text);
        let read = super::sound(&text);
        prop_assert_eq!(read.root().to_value(), Value::from_json(&value), "{}", text);
        check(&read);
    }

    #[test]
    fn json_is_yaml(value in value(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.expect("JSON");
        prop_assert_eq!(super::sound(&text).root().to_value(), Value::from_json(&value));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_reader_finds_the_same_meaning(text in prop_oneof![3 => clean_soup(), 1 => soup()]) {
        prop_assert_eq!(difference(&text), None, "{:?}", text);
    }
}

const SOUND: &str = "# c\ncustomers:\n  acme: &acme\n    name: Acme \"Corp\"\n    domain: 'acme.com'\n    tags: [a, \"b\\n\", {c: d}]\n    text: |\n      one\n\n      two\n    \
                     folded: >-\n      x\n      y\n  other: *acme\n---\nключ:\n- 1\n- - 2.5\n  - ~\n-\n...\n---\n{\"j\": [true, null]}\n";

/// JSON-like values; floats only such as are read back exactly, which is all of them.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        "[a-z]{0,8}",
        any::<String>(),
        prop::sample::select(vec![
            "", " ", "~", "null", "yes", "true", "1", "01", "0x1", "1e5", ".inf", "- a", "-", "? x", "a: b", "a #b",
            "#", "[", "{a}", "*a", "&a", "!x", "|", ">", "%", "@", "`", "'", "\"", "\\", "a\nb", "a\n\nb\n", "\n",
            " a", "a ", "\ta", "---", "...", "<<", "=", "\u{85}", "\u{2028}", "\u{feff}", "\u{0}", "\u{1b}", "\r\n",
            "é", "名", "🙂",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<u64>().prop_map(|value| json!(value)),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(|value| json!(value)),
        text.clone().prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A cheap source of choices.
struct Style(u64);

impl Style {
    fn pick(&mut self, of: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % of
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Item,
    Value,
    Flow,
}

fn write(value: &serde_json::Value, style: &mut Style, indent: usize, place: Place, out: &mut String) {
    let block = place != Place::Flow && style.pick(3) > 0;
    let pad = |out: &mut String, indent: usize| out.extend(std::iter::repeat_n(' ', indent));
    match value {
        serde_json::Value::Array(items) if block && !items.is_empty() => {
            let indent = if place == Place::Value {
                indent + usize::try_from(style.pick(2)).expect("0 or 1") * 2
            } else {
                indent
            };
            for (at, item) in items.iter().enumerate() {
                if at > 0 || place == Place::Value {
                    line(style, out);
                    pad(out, indent);
                }
                out.push_str("- ");
                write(item, style, indent + 2, Place::Item, out);
            }
        }
        serde_json::Value::Object(map) if block && !map.is_empty() => {
            let indent = if place == Place::Value { indent + 2 } else { indent };
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 || place == Place::Value {
                    line(style, out);
                    pad(out, indent);
                }
                // Longer keys need a `? `.
                string(key, style, None, out);
                out.push_str(": ");
                write(value, style, indent, Place::Value, out);
            }
        }
        serde_json::Value::Array(items) => {
            out.push('[');
            for item in items {
                write(item, style, indent, Place::Flow, out);
                out.push_str(", ");
            }
            out.push(']');
        }
        serde_json::Value::Object(map) => {
            out.push('{');
            for (key, value) in map {
                string(key, style, None, out);
                out.push_str(": ");
                write(value, style, indent, Place::Flow, out);
                out.push_str(", ");
            }
            out.push('}');
        }
        serde_json::Value::String(text) => string(text, style, (place == Place::Value).then_some(indent + 2), out),
        other => write!(out, "{other}").expect("a string takes all"),
    }
    if place == Place::Root {
        out.push('\n');
    }
}

fn line(style: &mut Style, out: &mut String) {
    out.push_str(
        ["\n", "\n\n", " # comment: - [x\n", "\n# at the start\n"][usize::try_from(style.pick(4)).expect("small")],
    );
}

/// A string, plain, quoted or as a block, as far as it can be written so.
fn string(text: &str, style: &mut Style, block: Option<usize>, out: &mut String) {
    let harmless = |c: char| c.is_ascii_graphic() || c == ' ' || ('а'..='я').contains(&c);
    match style.pick(4) {
        0 if text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase())
            && !matches!(text, "null" | "true" | "false") =>
        {
            out.push_str(text);
        }
        1 if text.chars().all(harmless) => write!(out, "'{}'", text.replace('\'', "''")).expect("a string takes all"),
        2 if text.chars().all(|c| harmless(c) || c == '\n')
            && !text.starts_with(['\n', ' '])
            && !text.is_empty()
            && !text.ends_with("\n\n")
            && let Some(indent) = block =>
        {
            out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
            for line in text.lines() {
                write!(out, "\n{:indent$}{line}", "").expect("a string takes all");
            }
            // A comment on the last line would be text.
            out.push('\n');
        }
        _ => {
            out.push('"');
            for char in text.chars() {
                match char {
                    '"' | '\\' => out.extend(['\\', char]),
                    ' '..='~' | 'а'..='я' | '一'..='龥' | '😀'..='🙏' => out.push(char),
                    char => write!(out, "\\U{:08X}", u32::from(char)).expect("a string takes all"),
                }
            }
            out.push('"');
        }
    }
}

/// What `serde_yaml` makes of a text that both readers take.
fn theirs(ours: &Read, text: &str) -> Option<serde_yaml::Value> {
    // The other reader takes the first document and refuses the file if there is a second.
    let one = ours.problems.is_empty() && ours.tree.documents().len() == 1;
    one.then(|| serde_yaml::from_str(text).ok()).flatten()
}

/// How the two readers differ about a text that both take, apart from what is known.
fn difference(text: &str) -> Option<String> {
    let ours = read(text);
    let theirs = theirs(&ours, text)?;
    let known = [
        // Line breaks in YAML 1.1, characters like any other in 1.2.
        text.contains(['\u{85}', '\u{2028}', '\u{2029}']),
        // In YAML 1.2 the name of an anchor may contain a colon.
        text.split('&').skip(1).any(|rest| {
            rest.split([' ', '\n', '\r', '\t', ',', ']', '}']).next().is_some_and(|name| name.contains(':'))
        }),
        // A text block that is the whole document need not be indented, so `#` at the start of a line is text.
        text.contains("\n#") && ours.root().text().is_some_and(|text| text.contains('#')),
        // Each document prefix may begin with a mark (YAML 1.2, `l-document-prefix`), and there may be several prefixes.
        text.starts_with("\u{feff}\u{feff}"),
    ];
    if known.contains(&true) { None } else { same(ours.root(), &theirs).err() }
}

/// Numbers of YAML 1.1 or of no YAML at all that `serde_yaml` knows, and the reverse.
fn known_number(ours: Node<'_>, theirs: &serde_yaml::Value) -> bool {
    let unsigned = ours.lexeme().trim_start_matches(['-', '+']);
    match ours.content() {
        // `01` is an integer to YAML 1.2.
        Content::Integer(_) => {
            theirs.as_str() == Some(ours.lexeme()) && unsigned.len() > 1 && unsigned.starts_with('0')
        }
        // `0b1` and `-0x1` are not.
        Content::Text(_) => theirs.is_number() && (unsigned.starts_with("0b") || ours.lexeme() != unsigned),
        _ => false,
    }
}

fn same(ours: Node<'_>, theirs: &serde_yaml::Value) -> Result<(), String> {
    use serde_yaml::Value as Theirs;
    let equal = match (ours.content(), theirs) {
        (Content::Null, Theirs::Null) => true,
        (Content::Bool(ours), Theirs::Bool(theirs)) => ours == *theirs,
        (Content::Integer(ours), Theirs::Number(theirs)) => theirs.as_i64() == Some(ours),
        (Content::Unsigned(ours), Theirs::Number(theirs)) => theirs.as_u64() == Some(ours),
        (Content::Float(ours), Theirs::Number(theirs)) => theirs.is_f64() && theirs.as_f64() == Some(ours),
        (Content::Text(ours), Theirs::String(theirs)) => ours == theirs,
        (Content::List(items), Theirs::Sequence(theirs)) if items.len() == theirs.len() => {
            return items.zip(theirs).try_for_each(|(ours, theirs)| same(ours, theirs));
        }
        (Content::Map(entries), Theirs::Mapping(theirs)) if entries.len() == theirs.len() => {
            return entries.zip(theirs).try_for_each(|(ours, (key, theirs))| {
                if key.as_str() == Some(ours.key) {
                    same(ours.value, theirs)
                } else {
                    Err(format!("{} and {key:?}", ours.key))
                }
            });
        }
        _ => false,
    };
    if equal || known_number(ours, theirs) { Ok(()) } else { Err(format!("{:?} and {theirs:?}", ours.content())) }
}

#[test]
fn the_other_reader_takes_enough_to_be_a_check() {
    let mut runner = TestRunner::deterministic();
    let sound = (0..500)
        .map(|_| clean_soup().new_tree(&mut runner).expect("a text").current())
        .filter(|text| theirs(&read(text), text).is_some_and(|value| value.is_mapping() || value.is_sequence()))
        .count();
    assert!(sound > 50, "{sound} of 500");
}
