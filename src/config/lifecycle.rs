//! `lifecycle:` of a resource.

use std::time::Duration;

use super::collect::{Context, Draft};
use super::decode::{tell_no_value, tell_wrong_type};
use super::names;
use super::text;
use super::words::{a, listed, shown, snake};
use super::yaml::{Content, Entry, Node};
use crate::model::{Address, Code, Diagnostic, LIFECYCLE, OnExists, Path, Segment, Span, Spanned, Value};

/// What may stand in it.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    LIFECYCLE.iter().map(|field| field.name)
}

/// Nothing is waited for longer.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads it into the draft. What cannot be carried out is read all the same, and refused.
pub(super) fn decode(draft: &mut Draft, lifecycle: Entry<'_>, cx: &mut Context<'_>) {
    let owner = draft.address.clone();
    if matches!(lifecycle.value.content(), Content::Null) {
        return tell_no_value(cx, lifecycle, "lifecycle", &owner);
    }
    let Some(entries) = lifecycle.value.entries() else {
        tell_wrong_type::<()>(cx, lifecycle, "lifecycle", "a mapping", &owner);
        return;
    };
    for entry in entries {
        if words().any(|word| word == entry.key) && matches!(entry.value.content(), Content::Null) {
            tell_no_value(cx, entry, entry.key, &owner);
            continue;
        }
        match entry.key {
            "depends_on" => depends_on(draft, entry, cx),
            "ignore" => ignore(draft, entry, cx),
            "protect" => draft.lifecycle.protect = flag(entry, &owner, cx),
            "absent" => draft.lifecycle.absent = flag(entry, &owner, cx),
            "replace" => draft.lifecycle.consent.replace = consent(entry, &owner, cx),
            "cascade" => draft.lifecycle.consent.cascade = consent(entry, &owner, cx),
            "on_exists" => {
                if let Some(on_exists) = on_exists(entry, &owner, cx) {
                    draft.lifecycle.on_exists = on_exists;
                }
            }
            "was" => was(draft, entry, cx),
            "timeout" => draft.lifecycle.timeout = timeout(entry, &owner, cx),
            unknown => {
                let spelled = snake(unknown);
                let help = match cx.report.suggest.nearest(&spelled, words()) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!("`lifecycle` has {}", listed(words(), "and")),
                };
                cx.report.push(
                    Diagnostic::error(Code::UnknownField, format!("unknown field `{}`", shown(unknown)))
                        .at(entry.key_span, "not part of `lifecycle`")
                        .help(help)
                        .on(&owner),
                );
            }
        }
    }
    tombstone(draft, cx);
}

/// What a tombstone cannot say, and what cannot have one.
fn tombstone(draft: &Draft, cx: &mut Context<'_>) {
    let Some(absent) = draft.lifecycle.absent else { return };
    if let Some(protect) = draft.lifecycle.protect {
        cx.report.push(
            Diagnostic::error(Code::InvalidValue, format!("`{}` is both absent and protected", draft.address))
                .at(absent, "this asks for its deletion")
                .also(protect, "this forbids it")
                .help("to have it deleted remove `protect`, to keep it remove `absent`")
                .on(&draft.address),
        );
    }
    if let Some(was) = &draft.lifecycle.was {
        cx.report.push(
            Diagnostic::error(Code::InvalidValue, format!("`{}` is absent and has an earlier name", draft.address))
                .at(was.span, "which of the two names is to be deleted?")
                .also(absent, "this asks for its deletion")
                .help("declare absent what it is called now, and remove `was`")
                .on(&draft.address),
        );
    }
    let kind = cx.registry.kind(draft.section.name).and_then(|kind| kind.declared());
    if let Some(because) = kind.and_then(|kind| kind.deletion().never) {
        let section = draft.section.name.replace('_', " ");
        cx.report.push(
            Diagnostic::error(Code::Unsupported, format!("{section} are not deleted: {because}"))
                .at(absent, "not carried out")
                .help(format!(
                    "delete the {0} yourself and remove this resource: without a declaration it is left alone",
                    draft.section.singular
                ))
                .on(&draft.address),
        );
    }
}

fn refused(what: &str, span: Span, help: &str) -> Diagnostic {
    Diagnostic::error(Code::Unsupported, format!("this version does not {what} yet"))
        .at(span, "not carried out")
        .help(help)
}

/// A value in which no other resource takes part and that is not secret.
pub(super) fn plain(entry: Entry<'_>, name: &str, owner: &Address, cx: &mut Context<'_>) -> Option<Value> {
    plain_at(entry.value, name, owner, cx)
}

fn plain_at(node: Node<'_>, name: &str, owner: &Address, cx: &mut Context<'_>) -> Option<Value> {
    let value = text::value(node, owner, &mut Vec::new(), cx);
    let (code, message, label) = match value {
        Value::Unknown => return None,
        Value::Template(_) => (
            Code::InvalidExpression,
            format!("`{name}` cannot depend on another resource"),
            "has to be known before anything is read",
        ),
        Value::Sensitive(_) => {
            (Code::InvalidValue, format!("`{name}` cannot be a sensitive variable"), "this is shown in plans")
        }
        value => return Some(value),
    };
    cx.report.push(
        Diagnostic::error(code, message)
            .at(node.span(), label)
            .help("write it out, or use a variable that is not sensitive")
            .on(owner),
    );
    None
}

fn flag(entry: Entry<'_>, owner: &Address, cx: &mut Context<'_>) -> Option<Span> {
    let set = match plain(entry, entry.key, owner, cx)? {
        Value::Bool(set) => set,
        other => {
            let help = match other.as_text().map(str::to_lowercase).as_deref() {
                Some("yes" | "on" | "true") => "write `true`, without quotes: in YAML 1.2 anything else is a string",
                Some("no" | "off" | "false") => "write `false`, without quotes: in YAML 1.2 anything else is a string",
                _ => "write `true` or `false`",
            };
            cx.report.push(
                Diagnostic::error(
                    Code::WrongType,
                    format!("`{}` takes `true` or `false`, not {}", entry.key, other.describe()),
                )
                .at(entry.value.span(), other.describe())
                .help(help)
                .on(owner),
            );
            return None;
        }
    };
    set.then(|| entry.key_span.to(entry.value.span()))
}

fn consent(entry: Entry<'_>, owner: &Address, cx: &mut Context<'_>) -> bool {
    flag(entry, owner, cx).is_some()
}

fn on_exists(entry: Entry<'_>, owner: &Address, cx: &mut Context<'_>) -> Option<OnExists> {
    let value = plain(entry, "on_exists", owner, cx)?;
    let Some(word) = value.as_text() else {
        return tell_wrong_type(cx, entry, "on_exists", "`adopt` or `adopt_if_equal`", owner);
    };
    match word {
        "adopt" => Some(OnExists::Adopt),
        "adopt_if_equal" => Some(OnExists::AdoptIfEqual),
        _ => {
            let help = match cx.report.suggest.nearest(&snake(word), ["adopt", "adopt_if_equal"]) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "write `adopt`, the default, or `adopt_if_equal`".into(),
            };
            cx.report.push(
                Diagnostic::error(Code::InvalidValue, format!("`on_exists` cannot be `{}`", shown(word)))
                    .at(entry.value.span(), "not one of the allowed words")
                    .help(help)
                    .on(owner),
            );
            None
        }
    }
}

fn was(draft: &mut Draft, entry: Entry<'_>, cx: &mut Context<'_>) {
    let owner = &draft.address;
    let Some(value) = plain(entry, "was", owner, cx) else { return };
    let Value::Text(text) = value else {
        tell_wrong_type::<()>(cx, entry, "was", "the earlier key, name or slug, a string", owner);
        return;
    };
    let span = entry.key_span.to(entry.value.span());
    if draft.section.renaming().is_none() {
        let diagnostic = refused(
            &format!("rename {}", draft.section.name.replace('_', " ")),
            span,
            "rename the object yourself, then remove `was`; or go on declaring it under its earlier name",
        );
        cx.report.push(diagnostic.on(owner));
    }
    draft.lifecycle.was = Some(Spanned { value: text, span });
}

fn timeout(entry: Entry<'_>, owner: &Address, cx: &mut Context<'_>) -> Option<Duration> {
    let value = plain(entry, "timeout", owner, cx)?;
    let help = "write a number and its unit: `90s`, `60m` or `2h`";
    let diagnostic = match &value {
        Value::Text(text) => match duration(text) {
            Some(duration) if duration.is_zero() || duration > MAX_TIMEOUT => {
                Diagnostic::error(Code::InvalidValue, format!("`timeout` cannot be `{}`", shown(text)))
                    .at(entry.value.span(), "out of bounds")
                    .help("from `1s` to `24h` is allowed")
            }
            Some(duration) => return Some(duration),
            None => Diagnostic::error(Code::InvalidValue, format!("`{}` is not a duration", shown(text)))
                .at(entry.value.span(), "not a number with a unit")
                .help(help),
        },
        Value::Number(_) => Diagnostic::error(Code::WrongType, "`timeout` has no unit")
            .at(entry.value.span(), "seconds, minutes or hours?")
            .help(help),
        _ => return tell_wrong_type(cx, entry, "timeout", "a duration such as `60m`", owner),
    };
    cx.report.push(diagnostic.on(owner));
    None
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More than fits is more than is allowed.
    Some(Duration::from_secs(digits.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(seconds)))
}

fn depends_on(draft: &mut Draft, entry: Entry<'_>, cx: &mut Context<'_>) {
    let owner = draft.address.clone();
    for (node, text) in texts(entry, "addresses of resources", &owner, cx) {
        let text = text.as_str();
        let (section, key) = text.split_once('.').unwrap_or(("", text));
        let known = cx.registry.section(section).filter(|section| section.declarable);
        if let Some(address) = known.and_then(|section| cx.declared.address(section.name, key)) {
            draft.uses.push((address.clone(), node.span()));
            draft.lifecycle.depends_on.push(Spanned { value: address, span: node.span() });
            continue;
        }
        if known.is_some() && cx.partial {
            continue;
        }
        let suggest = &cx.report.suggest;
        let help = if section.is_empty() {
            let owners = cx.registry.sections().filter(|section| cx.declared.number(section.name, key).is_some());
            match owners.map(|section| section.name).next() {
                Some(section) => format!("did you mean `{section}.{key}`?"),
                None => "an address is `section.key`, for instance `customers.acme`".into(),
            }
        } else if let Some(section) = known {
            match suggest.nearest(key, cx.declared.keys(section.name)) {
                Some(nearest) => format!("did you mean `{}.{nearest}`?", section.name),
                None => "only declared resources can be waited for".into(),
            }
        } else {
            match names::nearest_section(section, cx.registry, suggest) {
                Some(nearest) => format!("did you mean `{nearest}.{key}`?"),
                None => "an address is `section.key`, for instance `customers.acme`".into(),
            }
        };
        cx.report.push(
            Diagnostic::error(Code::UnresolvedReference, format!("`{}` is not declared", shown(text)))
                .at(node.span(), "no such resource in these files")
                .help(help)
                .on(&owner),
        );
    }
}

fn ignore(draft: &mut Draft, entry: Entry<'_>, cx: &mut Context<'_>) {
    let owner = draft.address.clone();
    for (node, text) in texts(entry, "paths of fields", &owner, cx) {
        let path = Path::parse(&text);
        let first = path.as_ref().and_then(|path| match path.0.first() {
            Some(Segment::Key(name)) => Some(name.as_ref()),
            _ => None,
        });
        let diagnostic = match (path.as_ref(), first) {
            (Some(path), Some(name)) => {
                if draft.section.field(name).is_some() {
                    draft.lifecycle.ignore.push(Spanned { value: path.clone(), span: node.span() });
                    continue;
                }
                let nearest = names::nearest_field(name, draft.section, &cx.report.suggest);
                let help = match nearest {
                    Some(nearest) => format!("did you mean `{}`?", nearest.name),
                    None => format!(
                        "{} has {}",
                        a(draft.section.singular),
                        listed(draft.section.fields.iter().map(|field| field.name), "and")
                    ),
                };
                Diagnostic::error(Code::UnknownField, format!("unknown field `{}`", shown(name)))
                    .at(node.span(), format!("not a field of `{}`", draft.section.name))
                    .help(help)
            }
            _ => Diagnostic::error(Code::InvalidValue, format!("`{}` is not a path", shown(&text)))
                .at(node.span(), "cannot be read")
                .help("write the field, then what is inside it: `metadata.last_seen`, `tags[0]`, `metadata[\"a.b\"]`"),
        };
        cx.report.push(diagnostic.on(&owner));
    }
}

/// The strings of a list.
fn texts<'t>(entry: Entry<'t>, of: &str, owner: &Address, cx: &mut Context<'_>) -> Vec<(Node<'t>, String)> {
    let Some(items) = entry.value.items() else {
        if !entry.value.is_invalid() {
            let mut diagnostic = Diagnostic::error(
                Code::WrongType,
                format!("`{}` takes a list of {of}, not {}", entry.key, entry.value.describe()),
            )
            .at(entry.value.span(), entry.value.describe());
            if entry.value.text().is_some() {
                diagnostic = diagnostic.help(format!("write a list: `[{}]`", shown(entry.value.lexeme())));
            }
            cx.report.push(diagnostic.on(owner));
        }
        return Vec::new();
    };
    let mut texts = Vec::new();
    for item in items {
        match plain_at(item, entry.key, owner, cx) {
            None => {}
            Some(Value::Text(text)) => texts.push((item, text.to_string())),
            Some(other) => cx.report.push(
                Diagnostic::error(Code::WrongType, format!("`{}` takes {of}, not {}", entry.key, other.describe()))
                    .at(item.span(), other.describe())
                    .help("write each as a string")
                    .on(owner),
            ),
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, seconds) in
            [("90s", 90), ("60m", 3600), ("2h", 7200), ("0s", 0), ("99999999999999999999h", u64::MAX)]
        {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "s", "60", "60 m", "1h30m", "-1s", "1.5h", "60M", "１s", "1д"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
