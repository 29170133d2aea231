//! What values mean, and what stays readable beside what does not.

use serde_json::json;

use super::{read, sound};
use crate::config::yaml::{Content, Node};
use crate::model::{Code, Severity, Value};

fn value(text: &str) -> Value {
    sound(text).root().to_value()
}

#[test]
fn values_mean_what_yaml_1_2_says() {
    let expected = json!({
        "int": 7, "max": u64::MAX, "hex": 255, "float": 1.5, "yes": true, "null": null, "tilde": null,
        "texts": ["yes", "no", "on", "1_000", "2024-01-01", "12:30:45", "0b1", "7", "true", "a: b"],
        "block": "x\ny\n", "folded": "x y", "escapes": "tab\there ☃ \u{1f600} \\", "on": 1, "y": 2,
        "url": "http://example.com:80/#x", "expression": "${var.region}",
    });
    let text = r#"
int: 7
max: 18446744073709551615
hex: 0xff
float: 1.5
"yes": true
"null": null
tilde: ~
texts: [yes, no, on, 1_000, 2024-01-01, 12:30:45, 0b1, "7", 'true', "a: b"]
block: |
  x
  y
folded: >-
  x
  y
escapes: "tab\there \u2603 \ud83d\ude00 \\"
on: 1
y: 2
url: http://example.com:80/#x
expression: ${var.region}
"#;
    assert_eq!(value(text), Value::from_json(&expected));
}

#[test]
fn numbers_keep_how_they_were_written() {
    let read = sound("[01234, 1.10, +5, 18446744073709551615]");
    let items: Vec<_> = read.root().items().expect("a list").collect();
    assert_eq!(
        items.iter().map(|node| node.lexeme()).collect::<Vec<_>>(),
        ["01234", "1.10", "+5", "18446744073709551615"]
    );
    assert!(matches!(items[0].content(), Content::Integer(1234)));
    assert!(matches!(items[3].content(), Content::Unsigned(u64::MAX)));
    assert_eq!(
        items.iter().map(|node| node.describe()).collect::<Vec<_>>(),
        ["an integer", "a number", "an integer", "an integer"]
    );
}

#[test]
fn quotes_tell_what_was_meant_as_a_string() {
    let read = sound("[a, \"a\", 'a', \"\"]");
    let quoted: Vec<_> = read.root().items().expect("a list").map(Node::is_quoted).collect();
    assert_eq!(quoted, [false, true, true, true]);
}

#[test]
fn tags_of_the_core_schema_say_what_the_value_is() {
    let text = "%TAG !y! tag:yaml.org,2002:\n---\n[!!str 7, ! 8, !!int 9, !!float 1, !!bool true, !!null ~, !!str , !!map {}, !!seq [], !y!str 1, !<tag:yaml.org,2002:str> 2]";
    assert_eq!(value(text), Value::from_json(&json!(["7", "8", 9, 1, true, null, "", {}, [], "1", "2"])));
    assert_eq!(value("!!str 7: x\n! 8: y\n!!str <<: z"), Value::from_json(&json!({"7": "x", "8": "y", "<<": "z"})));
    for text in ["!!int x", "!!int \"7\"", "!!bool yes", "!!null 0", "!!float true", "!!map []", "!!seq {}", "!!str []"]
    {
        let read = read(text);
        assert_eq!(
            read.problems.iter().map(|problem| problem.code).collect::<Vec<_>>(),
            [Code::YamlUnsupported],
            "{text}"
        );
        assert!(read.root().is_invalid(), "{text}");
    }
}

#[test]
fn documents_come_in_order_and_empty_ones_not_at_all() {
    let read = sound("---\n---\na: 1\n...\n---\n# nothing\n---\n~\n---\n[b]\n...\n");
    let values: Vec<_> = read.tree.documents().map(Node::to_value).collect();
    assert_eq!(values, [json!({"a": 1}), json!(null), json!(["b"])].map(|json| Value::from_json(&json)));
    for text in ["", "\n", "# only\n", "---", "\u{feff}", "---\n...\n", "   \n\t\n"] {
        assert_eq!(sound(text).tree.documents().len(), 0, "{text:?}");
    }
}

#[test]
fn a_broken_document_costs_its_siblings_nothing() {
    let read = read("a: 1\n---\nb: [1, 2\n---\nc: &x 3\n---\nd: *x\n---\n\"e\n---\nf: 6\n");
    let values: Vec<_> = read.tree.documents().map(Node::to_value).collect();
    assert_eq!(
        values,
        [json!({"a": 1}), json!({"c": 3}), json!({"d": null}), json!({"f": 6})].map(|json| Value::from_json(&json))
    );
    let codes: Vec<_> = read.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [Code::YamlSyntax, Code::YamlAnchor, Code::YamlSyntax], "{:?}", read.told());
}

#[test]
fn what_is_wrong_in_one_place_leaves_the_rest_of_the_document() {
    let read = read(
        "a: 1\na: 2\n<<: {x: 1}\n7: z\n? [k]\n: v\nb: *nope\nc: !secret s\nd: 1e999\ne: &e [*e]\n*x : 1\nf: last\n",
    );
    let root = read.root();
    let keys: Vec<_> = root.entries().expect("a mapping").map(|entry| entry.key).collect();
    assert_eq!(keys, ["a", "b", "c", "d", "e", "f"]);
    assert!(matches!(root.get("a").expect("there").value.content(), Content::Integer(1)));
    for invalid in ["b", "c", "d"] {
        assert!(root.get(invalid).expect("there").value.is_invalid(), "{invalid}");
    }
    assert_eq!(root.get("f").expect("there").value.text(), Some("last"));
    assert_eq!(read.problems.len(), 9, "{:#?}", read.told());
}

#[test]
fn a_duplicate_key_is_labelled_with_the_first_one() {
    for more in [0, 10, 40] {
        let filler: String = (0..more).map(|n| format!("k{n}: {n}\n")).collect();
        let read = read(&format!("a: 1\n{filler}\"\\x61\": 2\nb: {{a: 1, c: 2, 'c': 3}}\na: 4\n"));
        let labels: Vec<Vec<_>> = read
            .problems
            .iter()
            .map(|problem| problem.labels.iter().map(|label| read.place(label.span)).collect())
            .collect();
        let line = more + 2;
        assert_eq!(
            labels,
            [
                vec![format!("{line}:1"), "1:1".to_owned()],
                vec![format!("{}:17", line + 1), format!("{}:11", line + 1)],
                vec![format!("{}:1", line + 2), "1:1".to_owned()]
            ],
            "{:?}",
            read.told()
        );
    }
}

#[test]
fn an_old_yaml_version_is_remarked_upon_once_and_stops_nothing() {
    let read = read("%YAML 1.1\n---\na: yes\n...\n%YAML 1.1\n---\nb: no\n");
    assert_eq!(read.tree.documents().len(), 2);
    let told: Vec<_> =
        read.problems.iter().map(|problem| (problem.severity, read.under(problem.span().expect("a place")))).collect();
    assert_eq!(told, [(Severity::Warning, "%YAML 1.1")]);
}

#[test]
fn debug_output_shows_no_value() {
    let read = sound("password: hunter2\n");
    assert!(!format!("{:?} {:?}", read.tree, read.root()).contains("hunter2"));
    assert!(!format!("{:?}", read.root().content()).contains("hunter2"));
}
