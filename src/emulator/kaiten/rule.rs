//! What a targeting rule reads of the facts the server fills in (§10.11).
//!
//! A rule that names what is not there would never match, so writes refuse it. The rules are CEL; the emulator finds
//! the paths below `__kaiten` in them, and that parentheses and quotes close, but does not evaluate anything.

/// The reserved name under which the server puts its facts.
const FACTS: &str = "__kaiten";

/// What is below it, and the fields of each; those of an entitlement come after its slug.
const ROOTS: [(&str, &[&str]); 5] = [
    ("license", &["slug", "familySlug", "type"]),
    (ENTITLEMENTS, &["limit", "used", "remaining", "percentage", "unlimited"]),
    ("instance", &["id", "slug", "name", "status", "lifecycleStage", "metadata"]),
    ("customer", &["id", "name", "slug", "externalCustomerId", "domain"]),
    ("deploymentZone", &["id", "name", "slug", "type", "metadata", "currentReleaseId"]),
];

const ENTITLEMENTS: &str = "entitlements";

/// Why a rule is refused; none if it is not. `is_entitlement` knows the slugs of entitlements.
pub(super) fn fault(rule: &str, is_entitlement: impl Fn(&str) -> bool) -> Option<String> {
    if rule.trim().is_empty() {
        return Some("the rule is empty".to_owned());
    }
    let tokens = match tokens(rule) {
        Ok(tokens) => tokens,
        Err(fault) => return Some(format!("rule {rule:?} does not parse: {fault}")),
    };
    let paths = tokens.iter().enumerate().filter(|(at, token)| {
        // Below another name it is somebody else's member.
        **token == Token::Name(FACTS) && (*at == 0 || tokens[at - 1] != Token::Sign('.'))
    });
    for (at, _) in paths {
        let mut rest = &tokens[at + 1..];
        let Some(root) = field(&mut rest) else { continue };
        let Some((_, fields)) = ROOTS.iter().find(|(name, _)| *name == root) else {
            return Some(format!("rule {rule:?} reads {FACTS}.{root}, which does not exist"));
        };
        if root == ENTITLEMENTS {
            let Some(slug) = field(&mut rest).or_else(|| key(&mut rest)) else { continue };
            if !is_entitlement(slug) {
                return Some(format!(
                    "rule {rule:?} reads the entitlement {slug}, which the organization does not have"
                ));
            }
        }
        if let Some(name) = field(&mut rest).filter(|name| !fields.contains(name)) {
            let available = fields.join(", ");
            return Some(format!(
                "rule {rule:?} reads {name} of {root}, which does not exist: available are {available}"
            ));
        }
    }
    None
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    Name(&'a str),
    Text(&'a str),
    Sign(char),
}

/// The next `.name`.
fn field<'a>(tokens: &mut &[Token<'a>]) -> Option<&'a str> {
    let [Token::Sign('.'), Token::Name(name), rest @ ..] = tokens else { return None };
    let name = *name;
    *tokens = rest;
    Some(name)
}

/// The next `['name']`.
fn key<'a>(tokens: &mut &[Token<'a>]) -> Option<&'a str> {
    let [Token::Sign('['), Token::Text(name), Token::Sign(']'), rest @ ..] = tokens else { return None };
    let name = *name;
    *tokens = rest;
    Some(name)
}

/// Names, texts and single signs; numbers count as names. What opens must close.
fn tokens(rule: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut open = Vec::new();
    let mut rest = rule;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => {
                let inside = &rest[1..];
                let end = closing(inside, first).ok_or("a text does not end")?;
                tokens.push(Token::Text(&inside[..end]));
                end + 2
            }
            letter if letter.is_alphanumeric() || letter == '_' => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Name(&rest[..end]));
                end
            }
            space if space.is_whitespace() => space.len_utf8(),
            sign => {
                match sign {
                    '(' => open.push(')'),
                    '[' => open.push(']'),
                    '{' => open.push('}'),
                    ')' | ']' | '}' if open.pop() != Some(sign) => return Err(format!("unexpected {sign}")),
                    _ => {}
                }
                tokens.push(Token::Sign(sign));
                sign.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    match open.pop() {
        Some(sign) => Err(format!("missing {sign}")),
        None => Ok(tokens),
    }
}

/// Where a text ends: at a quote that is not escaped.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let ends = letter == quote && !escaped;
        escaped = letter == '\\' && !escaped;
        ends.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(rule: &str) -> bool {
        fault(rule, |slug| slug == "api-calls" || slug == "seats").is_some()
    }

    #[test]
    fn rules_over_facts_entitlements_and_attributes_of_the_host_are_accepted() {
        for rule in [
            "true",
            "__kaiten.license.familySlug == 'growth'",
            "__kaiten.entitlements['api-calls'].percentage >= 0.9 && user.cohort == \"beta\"",
            "__kaiten.entitlements.seats.remaining < 5",
            "has(__kaiten.instance.lifecycleStage) && __kaiten.instance.metadata['a b'] in ['x', 'y']",
            "'__kaiten.nothing' == user.__kaiten.nothing",
            r"name == 'it\'s (fine'",
        ] {
            assert!(!refused(rule), "{rule}: {:?}", fault(rule, |slug| slug == "seats"));
        }
    }

    #[test]
    fn rules_that_could_never_match_are_refused() {
        for rule in [
            "",
            "  ",
            "__kaiten.entitlements['sieges'].percentage > 0.5",
            "__kaiten.entitlements.sieges.percentage > 0.5",
            "true && ( __kaiten . entitlements [ \"sieges\" ] . used > 1)",
            "__kaiten.entitlements['seats'].precentage > 0.5",
            "__kaiten.customers.slug == 'acme'",
            "__kaiten.license.name == 'growth'",
            "('a' == 'b'",
            "a == 'b",
            "a[0)",
        ] {
            assert!(refused(rule), "{rule}");
        }
    }
}
