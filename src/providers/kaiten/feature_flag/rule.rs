//! What a targeting rule reads of the facts that Kaiten fills in (reference §10.11). Rules are CEL; they are not evaluated
//! here, only looked through.

use crate::model::{Path, Value};

/// The name under which Kaiten puts its facts. What else a rule reads is the host's own affair.
const FACTS: &str = "__kaiten";

/// The entitlements that the rules of targetings name, each once a rule.
pub(super) fn entitlements(targetings: &Value) -> Vec<(Path, &str)> {
    let Value::List(items) = targetings else { return Vec::new() };
    let rules = items.iter().enumerate().filter_map(|(at, item)| Some((at, item.as_map()?.get("rule")?.as_text()?)));
    rules
        .flat_map(|(at, rule)| named(rule).into_iter().map(move |slug| (Path::default().index(at).key("rule"), slug)))
        .collect()
}

/// Why a rule cannot be one: nothing in it, or something that does not close.
pub(super) fn fault(rule: &str) -> Option<&'static str> {
    match tokens(rule) {
        Ok(tokens) if tokens.is_empty() => Some("it is empty"),
        Ok(tokens) => unbalanced(&tokens),
        Err(fault) => Some(fault),
    }
}

fn named(rule: &str) -> Vec<&str> {
    let Ok(tokens) = tokens(rule) else { return Vec::new() };
    let mut slugs = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        // Below another name it is a member of the host's.
        let own = *token == Token::Name(FACTS) && (at == 0 || tokens[at - 1] != Token::Sign('.'));
        let slug = match &tokens[at + 1..] {
            [Token::Sign('.'), Token::Name("entitlements"), Token::Sign('.'), Token::Name(slug), ..]
            | [
                Token::Sign('.'),
                Token::Name("entitlements"),
                Token::Sign('['),
                Token::Text(slug),
                Token::Sign(']'),
                ..,
            ] => *slug,
            _ => continue,
        };
        if own && !slugs.contains(&slug) {
            slugs.push(slug);
        }
    }
    slugs
}

#[derive(Debug, PartialEq)]
enum Token<'r> {
    /// A name, a keyword or a number.
    Name(&'r str),
    /// What is between quotes.
    Text(&'r str),
    Sign(char),
}

fn tokens(rule: &str) -> Result<Vec<Token<'_>>, &'static str> {
    let is_part_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut tokens = Vec::new();
    let mut rest = rule.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '\'' || first == '"' {
            let (quote, text) = text(rest, first).ok_or("a text in it does not end")?;
            tokens.push(Token::Text(text));
            2 * quote + text.len()
        } else if is_part_of_name(first) {
            let end = rest.find(|letter| !is_part_of_name(letter)).unwrap_or(rest.len());
            tokens.push(Token::Name(&rest[..end]));
            end
        } else {
            tokens.push(Token::Sign(first));
            first.len_utf8()
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// How long the quote is with which this begins, one sign or three, and the text up to the next one that is not escaped.
fn text(from: &str, quote: char) -> Option<(usize, &str)> {
    let three: String = [quote; 3].iter().collect();
    let ends = if from.starts_with(&three) { three } else { quote.to_string() };
    let inside = &from[ends.len()..];
    let mut at = 0;
    while !inside[at..].starts_with(&ends) {
        let mut letters = inside[at..].chars();
        let letter = letters.next()?;
        at += letter.len_utf8();
        if letter == '\\' {
            at += letters.next()?.len_utf8();
        }
    }
    Some((ends.len(), &inside[..at]))
}

fn unbalanced(tokens: &[Token<'_>]) -> Option<&'static str> {
    let mut open = Vec::new();
    for token in tokens {
        match token {
            Token::Sign('(') => open.push(')'),
            Token::Sign('[') => open.push(']'),
            Token::Sign('{') => open.push('}'),
            Token::Sign(sign @ (')' | ']' | '}')) if open.pop() != Some(*sign) => {
                return Some("it closes a bracket that is not open");
            }
            _ => {}
        }
    }
    (!open.is_empty()).then_some("a bracket in it is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entitlements_are_found_however_they_are_spelt() {
        for (rule, slugs) in [
            ("true", &[] as &[&str]),
            ("__kaiten.entitlements['api-calls'].percentage >= 0.9 && user.cohort == \"beta\"", &["api-calls"]),
            ("__kaiten.entitlements.seats.remaining < 5", &["seats"]),
            ("true && ( __kaiten . entitlements [ \"seats\" ] . used > 1)", &["seats"]),
            (
                "has(__kaiten.entitlements.b) || __kaiten.entitlements.a.used > __kaiten.entitlements.b.used",
                &["b", "a"],
            ),
            ("user.__kaiten.entitlements.seats == 1 // __kaiten.entitlements.calls", &[]),
            ("'__kaiten.entitlements.seats' == '''it's __kaiten.entitlements.calls'''", &[]),
            (r"name == 'it\'s (fine' && __kaiten.entitlements.名前.used > 0", &["名前"]),
            ("__kaiten.entitlements[name].used > 0", &[]),
            ("__kaiten.license.familySlug == 'growth'", &[]),
        ] {
            assert_eq!(named(rule), slugs, "{rule}");
            assert_eq!(fault(rule), None, "{rule}");
        }
    }

    #[test]
    fn what_cannot_be_a_rule_is_told() {
        for rule in
            ["", "  \n", "// nothing", "a == 'b", "a == \"b'", "a == 'b\\", "('a' == 'b'", "a[0)", "a)", "'''a'"]
        {
            assert!(fault(rule).is_some(), "{rule}");
        }
    }
}
