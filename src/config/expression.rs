//! `${section.key.field}` and `${var.name}` inside strings. `$${` is a literal `${`.

use std::borrow::Cow;
use std::ops::Range;

use crate::model::{Path, Segment};

/// A part of a string.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// Text as it stands; a run of it may come in several pieces.
    Literal(&'t str),
    /// What is between `${` and `}`, and where the whole stands in the string.
    Expression { inner: &'t str, range: Range<usize> },
}

/// Whether a string has anything to take apart.
pub(super) fn is_plain(text: &str) -> bool {
    !text.contains("${")
}

/// Takes a string apart. The error is where an expression starts that has no end.
pub(super) fn split(text: &str) -> Result<Vec<Piece<'_>>, usize> {
    let mut pieces = Vec::new();
    let mut literal = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('$') {
        let dollar = at + found;
        let rest = &text[dollar..];
        if rest.starts_with("$${") {
            // The first `$` goes, `${` stays.
            pieces.push(Piece::Literal(&text[literal..dollar]));
            literal = dollar + 1;
            at = dollar + 3;
        } else if let Some(inside) = rest.strip_prefix("${") {
            let length = end(inside).ok_or(dollar)?;
            pieces.push(Piece::Literal(&text[literal..dollar]));
            literal = dollar + 2 + length + 1;
            at = literal;
            pieces.push(Piece::Expression { inner: &inside[..length], range: dollar..literal });
        } else {
            at = dollar + 1;
        }
    }
    pieces.push(Piece::Literal(&text[literal..]));
    pieces.retain(|piece| *piece != Piece::Literal(""));
    Ok(pieces)
}

/// The place of the closing brace; one inside a quoted path segment does not close.
fn end(inside: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// What an expression reads.
#[derive(Debug, PartialEq)]
pub(super) enum Expression<'t> {
    /// `${var.name}`.
    Variable(&'t str),
    /// `${section.key.path}`.
    Field { section: &'t str, key: &'t str, path: Path },
}

/// Why an expression cannot be read.
#[derive(Debug, PartialEq)]
pub(super) enum Malformed<'t> {
    /// `${}`.
    Empty,
    /// `${word}`.
    OneWord(&'t str),
    /// `${section.key}`.
    NoField { section: &'t str, key: &'t str },
    /// Anything else, in words.
    Other(Cow<'static, str>),
}

/// Reads what stands between `${` and `}`.
pub(super) fn parse(inner: &str) -> Result<Expression<'_>, Malformed<'_>> {
    let inner = inner.trim();
    if inner.is_empty() {
        return Err(Malformed::Empty);
    }
    if inner.contains("${") {
        return Err(Malformed::Other("an expression cannot stand inside another".into()));
    }
    let Some((section, rest)) = inner.split_once('.') else { return Err(Malformed::OneWord(inner)) };
    if section == "var" {
        return match rest {
            "" => Err(Malformed::Other("the name of the variable is missing".into())),
            name if name.chars().all(is_of_key) => Ok(Expression::Variable(name)),
            _ => Err(Malformed::Other(
                "a variable is one word: there is nothing inside it and nothing to compute".into(),
            )),
        };
    }
    let (key, path) = rest.split_once('.').unwrap_or((rest, ""));
    if let Some(wrong) = [section, key].into_iter().find(|word| word.is_empty() || !word.chars().all(is_of_key)) {
        let what =
            if wrong.is_empty() { "a word is missing".into() } else { format!("`{wrong}` is no section or key") };
        return Err(Malformed::Other(what.into()));
    }
    if path.is_empty() {
        return Err(Malformed::NoField { section, key });
    }
    match Path::parse(path) {
        Some(path) if matches!(&path.0[0], Segment::Key(field) if field.chars().all(is_of_key)) => {
            Ok(Expression::Field { section, key, path })
        }
        _ => Err(Malformed::Other(format!("`{path}` is no path to a field").into())),
    }
}

/// Whether a key of a section may contain this.
pub(crate) fn is_of_key(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(text: &str) -> Vec<String> {
        let pieces = split(text).unwrap_or_else(|at| panic!("{text} ends, {at}"));
        let shown = pieces.into_iter().map(|piece| match piece {
            Piece::Literal(text) => format!("'{text}'"),
            Piece::Expression { inner, range } => {
                assert_eq!(&text[range.clone()], format!("${{{inner}}}"));
                format!("<{inner}>")
            }
        });
        shown.collect()
    }

    #[test]
    fn a_string_is_taken_apart_at_its_expressions() {
        assert_eq!(pieces("a ${b.c.d} é ${e} f"), ["'a '", "<b.c.d>", "' é '", "<e>", "' f'"]);
        assert_eq!(pieces("${a}${b}"), ["<a>", "<b>"]);
        assert_eq!(pieces("cost: $5 $x {y}"), ["'cost: $5 $x {y}'"]);
        assert_eq!(pieces("${a.b.c[\"x}\\\"}\"]}!"), ["<a.b.c[\"x}\\\"}\"]>", "'!'"]);
    }

    #[test]
    fn a_doubled_dollar_is_a_literal_one() {
        assert_eq!(pieces("$${a} ${b}"), ["'${a} '", "<b>"]);
        assert_eq!(pieces("x$$${a}"), ["'x$'", "'${a}'"]);
        assert_eq!(pieces("$$"), ["'$$'"]);
    }

    #[test]
    fn an_expression_without_end_is_pointed_at() {
        assert_eq!(split("ab ${c.d"), Err(3));
        assert_eq!(split("${a} ${b[\"}\"]"), Err(5));
    }

    #[test]
    fn expressions_read_variables_and_fields() {
        assert_eq!(parse(" var.region "), Ok(Expression::Variable("region")));
        let path = Path::parse("metadata[\"a.b\"][0]").expect("a path");
        assert_eq!(
            parse("instances.клиент-1.metadata[\"a.b\"][0]"),
            Ok(Expression::Field { section: "instances", key: "клиент-1", path })
        );
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        assert_eq!(parse("  "), Err(Malformed::Empty));
        assert_eq!(parse("REGION"), Err(Malformed::OneWord("REGION")));
        assert_eq!(parse("customers.acme"), Err(Malformed::NoField { section: "customers", key: "acme" }));
        for text in [
            "var.",
            "var.a.b",
            "var.a | upper",
            "a..b",
            ".a.b",
            "a.b.",
            "a.b..c",
            "a b.c.d",
            "a.b.c + 1",
            "a.b.[0]",
            "a.b.[\"c d\"]",
            "${a}",
        ] {
            assert!(matches!(parse(text), Err(Malformed::Other(_) | Malformed::NoField { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_lost(text in "[a$ {}\"\\\\é]{0,12}") {
            if let Ok(pieces) = split(&text) {
                let joined: String = pieces.into_iter().map(|piece| match piece {
                    Piece::Literal(literal) => literal.replace("${", "$${"),
                    Piece::Expression { range, .. } => text[range].to_owned(),
                }).collect();
                prop_assert_eq!(joined, text);
            }
        }
    }
}
