//! Documents to text: YAML that readers of 1.2 and of 1.1 read alike, and people like to review.

use std::fmt::Write as _;

use serde_json::Number;

use crate::config::yaml::is_text;
use crate::render::clean_line;

/// Columns that a value in braces or brackets may reach.
const WIDTH: usize = 100;
/// Bytes of a key that may stand before its `:` on one line; YAML allows 1024 characters.
const LONGEST_KEY: usize = 1000;

/// A value to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, as it is to be read.
    Text(String),
    /// What needs no quotes for whoever knows its field, a date.
    Bare(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping.
    Map(Map),
}

/// A mapping to be written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Map {
    /// Its entries, in order.
    pub entries: Vec<Entry>,
    /// What is to be said below them, a comment each.
    pub notes: Vec<String>,
    /// Whether each entry has lines of its own, however short.
    pub open: bool,
}

/// An entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What is to be said above it, a comment each.
    pub comments: Vec<String>,
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Node,
}

impl Map {
    /// One whose entries have lines of their own.
    pub fn open() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// Adds an entry.
    pub fn push(&mut self, key: impl Into<String>, value: Node) {
        self.entries.push(Entry { comments: Vec::new(), key: key.into(), value });
    }
}

/// Writes a document.
pub fn document(map: &Map) -> String {
    let mut out = String::new();
    for (at, entry) in map.entries.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        write_entry(&mut out, entry, 0);
    }
    if !map.notes.is_empty() && !map.entries.is_empty() {
        out.push('\n');
    }
    map.notes.iter().for_each(|note| comment(&mut out, note, 0));
    out
}

/// Writes a comment of one line. Whatever the text holds, it does not end the comment.
pub fn comment(out: &mut String, text: &str, indent: usize) {
    let _ = writeln!(out, "{:indent$}# {}", "", clean_line(text));
}

fn write_entry(out: &mut String, entry: &Entry, indent: usize) {
    entry.comments.iter().for_each(|line| comment(out, line, indent));
    let _ = write!(out, "{:indent$}", "");
    write_keyed(out, entry, indent);
}

/// A key and its value, from where the line stands.
fn write_keyed(out: &mut String, entry: &Entry, indent: usize) {
    let key = scalar_text(&entry.key, false);
    if key.len() > LONGEST_KEY {
        let _ = write!(out, "? {key}\n{:indent$}:", "");
    } else {
        let _ = write!(out, "{key}:");
    }
    let column = if key.len() > LONGEST_KEY { indent + 2 } else { indent + key.chars().count() + 2 };
    write_value(out, &entry.value, indent, column);
}

/// A value behind `key:`, at this column if it goes on the same line.
fn write_value(out: &mut String, node: &Node, indent: usize, column: usize) {
    if let Some(short) = short(node).filter(|short| column + short.chars().count() <= WIDTH || !has_lines(node)) {
        let _ = writeln!(out, " {short}");
        return;
    }
    match node {
        Node::Text(text) => write_block(out, text, indent + 2),
        Node::List(items) => {
            out.push('\n');
            write_items(out, items, indent + 2);
        }
        Node::Map(map) => {
            if map.entries.is_empty() {
                out.push_str(" {}");
            }
            out.push('\n');
            map.entries.iter().for_each(|entry| write_entry(out, entry, indent + 2));
            map.notes.iter().for_each(|note| comment(out, note, indent + 2));
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Bare(_) => unreachable!("they are short"),
    }
}

fn write_items(out: &mut String, items: &[Node], indent: usize) {
    for item in items {
        let _ = write!(out, "{:indent$}-", "");
        match item {
            // Its first entry stands behind the dash.
            Node::Map(map)
                if !map.entries.is_empty()
                    && short(item).is_none_or(|short| indent + 2 + short.chars().count() > WIDTH) =>
            {
                for (at, entry) in map.entries.iter().enumerate() {
                    if at == 0 {
                        out.push(' ');
                        write_keyed(out, entry, indent + 2);
                    } else {
                        write_entry(out, entry, indent + 2);
                    }
                }
            }
            item => write_value(out, item, indent, indent + 2),
        }
    }
}

/// Whether a value could have lines of its own.
fn has_lines(node: &Node) -> bool {
    match node {
        Node::List(items) => !items.is_empty(),
        Node::Map(map) => !map.entries.is_empty() || !map.notes.is_empty(),
        _ => false,
    }
}

/// A value on one line; `None` if it has to have lines of its own.
fn short(node: &Node) -> Option<String> {
    match node {
        Node::Text(text) if is_block(text) => None,
        Node::Text(text) => Some(scalar_text(text, false)),
        Node::List(_) | Node::Map(_) => inside(node),
        scalar => inside(scalar),
    }
}

/// A value inside braces or brackets; `None` if it has to have lines of its own.
fn inside(node: &Node) -> Option<String> {
    Some(match node {
        Node::Null => "null".to_owned(),
        Node::Bool(bool) => bool.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Bare(text) => text.clone(),
        Node::Text(text) if is_block(text) => return None,
        Node::Text(text) => scalar_text(text, true),
        Node::List(items) => {
            let items: Vec<String> = items.iter().map(inside).collect::<Option<_>>()?;
            format!("[{}]", items.join(", "))
        }
        Node::Map(map) if map.entries.is_empty() && map.notes.is_empty() => "{}".to_owned(),
        Node::Map(map) if map.open || !map.notes.is_empty() => return None,
        Node::Map(map) => {
            let entry = |entry: &Entry| {
                if !entry.comments.is_empty() || entry.key.len() > LONGEST_KEY {
                    return None;
                }
                Some(format!("{}: {}", scalar_text(&entry.key, true), inside(&entry.value)?))
            };
            let entries: Vec<String> = map.entries.iter().map(entry).collect::<Option<_>>()?;
            format!("{{ {} }}", entries.join(", "))
        }
    })
}

/// A string on one line, in quotes where it needs them.
fn scalar_text(text: &str, in_brackets: bool) -> String {
    if is_plain(text, in_brackets) { text.to_owned() } else { quoted(text) }
}

/// Whether a string can stand without quotes, and is a string to every reader.
fn is_plain(text: &str, in_brackets: bool) -> bool {
    let first = |first: char| first.is_alphanumeric() || matches!(first, '_' | '/' | '(') || first == '$';
    let ends = |char: char| in_brackets && matches!(char, ',' | '[' | ']' | '{' | '}');
    let is_odd = |char: char| is_invisible(char) || ends(char) || char != ' ' && char.is_whitespace();
    text.starts_with(first)
        && !text.contains(is_odd)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && is_text(text)
        && !is_read_otherwise(text)
}

/// Whether readers of YAML 1.1 take it for something else than a string: `yes`, `1_000`, `12:30`, `2024-01-01`.
fn is_read_otherwise(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "undefined"];
    let like_a_number = |char: char| char.is_ascii_hexdigit() || "xXoO_+-.:,tTzZ ".contains(char);
    text.starts_with(|first: char| first.is_ascii_digit()) && text.chars().all(like_a_number)
        || WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether a character cannot be seen, or makes others be seen elsewhere.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'
                | '\u{ffff}'
                | '\u{e0000}'..='\u{e007f}'
        )
        || u32::from(char) & 0xfffe == 0xfffe
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            char if is_invisible(char) => {
                let code = u32::from(char);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02X}"),
                    0x100..=0xffff => write!(out, "\\u{code:04X}"),
                    _ => write!(out, "\\U{code:08X}"),
                };
            }
            char => out.push(char),
        }
    }
    out.push('"');
    out
}

/// Whether a text is written as a block of lines: there are several, and nothing about them could get lost on the way.
fn is_block(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && body.lines().all(|line| !line.ends_with([' ', '\t']) && !line.starts_with('\t'))
        && text.chars().all(|char| matches!(char, '\n' | '\t') || !is_invisible(char))
}

fn write_block(out: &mut String, text: &str, indent: usize) {
    let body = text.strip_suffix('\n');
    out.push_str(if body.is_some() { " |\n" } else { " |-\n" });
    for line in body.unwrap_or(text).split('\n') {
        if line.is_empty() {
            out.push('\n');
        } else {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::yaml;
    use crate::model::{Diagnostics, SourceFile, Sources, Value};

    fn written(node: Node) -> String {
        let mut map = Map::default();
        map.push("key", node);
        document(&map)
    }

    /// What the text means to our own reader.
    fn read(text: &str) -> Value {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("x.yaml", text));
        let mut problems = Diagnostics::default();
        let tree = yaml::parse(file, sources.get(file), &mut problems);
        assert!(problems.is_empty(), "{problems:?}\n{text}");
        let document = tree.documents().next().expect("a document");
        document.get("key").expect("the key").value.to_value()
    }

    fn map(entries: &[(&str, Node)]) -> Node {
        let mut map = Map::default();
        for (key, value) in entries {
            map.push(*key, value.clone());
        }
        Node::Map(map)
    }

    fn text(text: &str) -> Node {
        Node::Text(text.to_owned())
    }

    #[test]
    fn what_other_readers_would_misread_is_quoted() {
        for word in [
            "",
            "yes",
            "No",
            "ON",
            "off",
            "y",
            "null",
            "~",
            "true",
            "1e3",
            "0x1f",
            "017",
            "1_000",
            "12:30:45",
            "2024-01-01",
            ".5",
            "+1",
            "-",
            "- a",
            "? a",
            ": a",
            "a: b",
            "a #b",
            "#a",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "'a",
            "\"a",
            "[a",
            "{a",
            " a",
            "a ",
            "a:",
            "<<",
            "=",
            "4.1.0",
            "a\tb",
            "a\u{202e}b",
            "\u{feff}a",
            "a\u{7f}b",
        ] {
            let out = written(text(word));
            assert!(out.starts_with("key: \""), "{word:?} became {out}");
        }
        for word in
            ["a", "Acme & Söhne", "it's", "a:b", "a#b", "x, y", "日本", "3 seats", "acme/production", "a\u{200d}b"]
        {
            assert_eq!(written(text(word)), format!("key: {word}\n"));
        }
        assert_eq!(
            written(Node::List(vec![text("x, y"), text("a]"), text("on")])),
            "key: [\"x, y\", \"a]\", \"on\"]\n"
        );
    }

    #[test]
    fn texts_of_several_lines_are_blocks_where_nothing_of_them_can_get_lost() {
        assert_eq!(written(text("a\n\n  b: c\n")), "key: |\n  a\n\n    b: c\n");
        assert_eq!(written(text("a\nb")), "key: |-\n  a\n  b\n");
        for odd in [" a\nb", "a \nb", "\na\nb", "a\nb\n\n", "a\r\nb", "\n", "a\n\tb"] {
            assert!(written(text(odd)).starts_with("key: \""), "{odd:?}");
        }
    }

    #[test]
    fn short_collections_stand_on_one_line_and_long_ones_do_not() {
        let units = map(&[("singular", text("seat")), ("plural", text("seats"))]);
        assert_eq!(written(units.clone()), "key: { singular: seat, plural: seats }\n");
        let list = Node::List(vec![units, map(&[("note", text("x\ny")), ("at", Node::Bool(true))])]);
        assert_eq!(
            written(list),
            "key:\n  - { singular: seat, plural: seats }\n  - note: |-\n      x\n      y\n    at: true\n"
        );
        let long = map(&[("a", text(&"x".repeat(60))), ("b", Node::List(vec![text(&"y".repeat(60))]))]);
        assert_eq!(written(long), format!("key:\n  a: {}\n  b: [{}]\n", "x".repeat(60), "y".repeat(60)));
    }

    #[test]
    fn a_comment_ends_with_its_line_whatever_it_says() {
        let mut out = String::new();
        comment(&mut out, "a\nb: c\u{1b}[31m\r\nd\u{2028}e\u{85}f", 2);
        assert_eq!(out.lines().count(), 1, "{out}");
        assert!(out.starts_with("  # a b: c\\u{1b}"), "{out}");
        assert!(!out.contains(['\u{2028}', '\u{85}']), "{out:?}");
    }

    /// Texts that YAML has an opinion on.
    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            "[ -~]{0,6}",
            prop::sample::select(vec![
                "\n",
                "\n\n",
                " ",
                "\t",
                ": ",
                " #",
                "- ",
                "${",
                "$${",
                "\\",
                "\"",
                "'",
                "👩‍👩‍👧",
                "\u{202e}",
                "\u{0}",
                "\r\n",
                "---",
                "yes",
                "0x1f",
                "1e3",
                "\u{85}",
                "\u{a0}",
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            8 => prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat()),
            1 => "[a-z ]{1,5}".prop_map(|text| text.repeat(400)),
        ]
    }

    fn any_node() -> impl Strategy<Value = Node> {
        let leaf = prop_oneof![
            Just(Node::Null),
            any::<bool>().prop_map(Node::Bool),
            any::<i64>().prop_map(|number| Node::Number(number.into())),
            any::<u64>().prop_map(|number| Node::Number(number.into())),
            any::<f64>().prop_filter_map("finite", |number| Some(Node::Number(Number::from_f64(number)?))),
            any_text().prop_map(Node::Text),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            let entries = prop::collection::btree_map(any_text(), inner.clone(), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Node::List),
                (entries, any::<bool>(), prop::collection::vec(any_text(), 0..2)).prop_map(|(entries, open, notes)| {
                    let entry = |(key, value)| Entry { comments: notes.clone(), key, value };
                    Node::Map(Map { entries: entries.into_iter().map(entry).collect(), notes: notes.clone(), open })
                }),
            ]
        })
    }

    fn meaning(node: &Node) -> Value {
        match node {
            Node::Null => Value::Null,
            Node::Bool(bool) => Value::Bool(*bool),
            Node::Number(number) => Value::Number(number.clone()),
            Node::Text(text) | Node::Bare(text) => Value::text(text.as_str()),
            Node::List(items) => Value::List(items.iter().map(meaning).collect()),
            Node::Map(map) => Value::Map(Box::new(
                map.entries.iter().map(|entry| (entry.key.as_str().into(), meaning(&entry.value))).collect(),
            )),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_as_it_was_meant(node in any_node()) {
            let out = written(node.clone());
            prop_assert_eq!(read(&out), meaning(&node), "{}", out);
        }

        #[test]
        fn another_reader_reads_the_same_strings(text in any_text()) {
            let out = written(Node::Text(text.clone()));
            let other: serde_yaml::Value = serde_yaml::from_str(&out).map_err(|error| TestCaseError::fail(format!("{error}: {out}")))?;
            prop_assert_eq!(other["key"].as_str(), Some(text.as_str()), "{}", out);
        }
    }
}
