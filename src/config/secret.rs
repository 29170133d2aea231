//! Secrets that are written out: neither their values nor their places in a file are shown.

use std::ops::Range;

use super::collect::Context;
use super::yaml::{Content, Node};
use crate::model::{Sensitive, Value};

/// Makes a value sensitive; a mapping key by key, so that each can be told changed. Templates become so when resolved.
pub(super) fn conceal(value: Value) -> Value {
    match value {
        Value::Template(mut template) => {
            template.sensitive = true;
            Value::Template(template)
        }
        Value::Map(map) => {
            Value::Map(Box::new(map.into_iter().map(|(key, value)| (key, conceal_all(value))).collect()))
        }
        value => conceal_all(value),
    }
}

fn conceal_all(value: Value) -> Value {
    match value {
        Value::Unknown => value,
        Value::Template(_) => conceal(value),
        Value::List(items) if items.iter().any(Value::has_template) => {
            Value::List(items.into_iter().map(conceal_all).collect())
        }
        Value::Map(map) if map.values().any(Value::has_template) => {
            Value::Map(Box::new(map.into_iter().map(|(key, value)| (key, conceal_all(value))).collect()))
        }
        value => Sensitive::wrap(value),
    }
}

/// Notes what no excerpt of the file may show: every scalar that is more than expressions.
pub(super) fn hide(node: Node<'_>, cx: &mut Context<'_>) {
    match node.content() {
        Content::Map(entries) => entries.for_each(|entry| hide(entry.value, cx)),
        Content::List(items) => items.for_each(|item| hide(item, cx)),
        Content::Null | Content::Invalid => {}
        Content::Text(text) if only_expressions(text) => {}
        _ => cx.secrets.push(node.written()),
    }
}

/// What may be a secret in a file that could not be read whole: all that stands below or beside a field of such a name, but
/// keys and expressions.
pub(super) fn likely(text: &str, fields: &[&str]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // How far a field is indented whose lines these are.
    let mut inside: Option<usize> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let (whole, indent) = (line.trim(), line.len() - line.trim_start().len());
        inside = inside.filter(|field| whole.is_empty() || indent > *field);
        let (key, value) = match whole.split_once(':') {
            Some((key, value)) if key.chars().all(|char| !char.is_whitespace() || char == '-') => (key, value.trim()),
            _ => ("", whole),
        };
        // A flow mapping has several fields in one line.
        let named = fields.iter().any(|field| whole.contains(field));
        if inside.is_some() || named {
            let end = start + line.trim_end().len();
            if !only_expressions(value.trim_matches(['"', '\''])) && !value.is_empty() {
                found.push(end - value.len()..end);
            }
        }
        if inside.is_none() && fields.contains(&key.trim_matches(['"', '\''])) {
            inside = Some(indent);
        }
        start += line.len();
    }
    found
}

fn only_expressions(mut text: &str) -> bool {
    while let Some(rest) = text.strip_prefix("${") {
        let Some((_, after)) = rest.split_once('}') else { return false };
        text = after;
    }
    text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceFile;

    #[test]
    fn of_a_broken_file_what_may_be_a_secret_is_not_shown() {
        let text = "a:\n  b:\n    space: x\n    credentials: &c\n      user: hush\n      - hush\n\n      x: |\n        hush: hush\n      \
                    v: '${var.x}'\n    tags: [x]\n  c: { credentials: { p: hush }, tags: x }\n  \"credentials\": hush\n  d: x\n";
        let mut file = SourceFile::new("a.yaml", text);
        for range in likely(text, &["credentials"]) {
            file.mask(range);
        }
        assert_eq!(
            file.display(),
            "a:\n  b:\n    space: x\n    credentials: **\n      user: ****\n      ******\n\n      x: *\n        hush: ****\n      \
             v: '${var.x}'\n    tags: [x]\n  c: *************************************\n  \"credentials\": ****\n  d: x\n"
        );
    }
}
