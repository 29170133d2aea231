//! The body of a resource against the table of its section.

use std::sync::Arc;

use super::collect::{Context, Draft, DraftField, Raw, RawReference, RawTo};
use super::lifecycle;
use super::names;
use super::parts;
use super::secret;
use super::shape::{self, Subject, Type};
use super::text;
use super::words::{a, listed, shown};
use super::yaml::{Content, Entry, Node};
use crate::model::{
    Address, Code, Diagnostic, Field, KeySource, Section, Shape, Span, TargetName, TemplatePart, Value,
};

/// Reads the body of a draft; what is wrong is told.
pub(super) fn decode(draft: &mut Draft, cx: &mut Context<'_>) {
    let tree = Arc::clone(&draft.tree);
    let body = tree.node(draft.body);
    let section = draft.section;
    let mut written: Vec<Option<Entry<'_>>> = vec![None; section.fields.len()];
    let mut target = None;
    let mut own_lifecycle = None;
    let mut meant = Vec::new();
    for entry in body.entries().into_iter().flatten() {
        if let Some(at) = section.fields.iter().position(|field| field.name == entry.key) {
            written[at] = Some(entry);
        } else if entry.key == "target" {
            target = Some(entry);
        } else if entry.key == "lifecycle" {
            own_lifecycle = Some(entry);
        } else {
            meant.extend(unknown_field(draft, entry, cx));
        }
    }
    draft.target = choose_target(draft, target, cx);
    if let Some(entry) = own_lifecycle {
        lifecycle::decode(draft, entry, cx);
    }
    let api = draft.target.as_ref().and_then(|target| cx.settings.targets.get(target)?.api.clone());
    if let (Some(api), Some(target)) = (&api, &draft.target)
        && !section.apis.is_empty()
        && !section.apis.contains(&&**api)
    {
        cx.report.push(
            Diagnostic::error(Code::NotInApi, format!("`{api}` has no {}", section.name.replace('_', " ")))
                .at(draft.key_span, format!("target `{target}` is set to `{api}`"))
                .help(format!("only {} can manage it", listed(section.apis.iter().copied(), "and")))
                .on(&draft.address),
        );
    }
    for (field, entry) in section.fields.iter().zip(&written) {
        let Some(entry) = entry else { continue };
        if let Shape::Parts { section } = field.shape {
            parts::decode(draft, field, section, *entry, cx);
            continue;
        }
        let raw = decode_field(draft, field, *entry, api.as_deref(), cx);
        draft.fields.push(DraftField { field, node: entry.value.id(), span: entry.value.span(), raw });
    }
    add_implied(draft);
    if body.entries().is_some() && !body.is_incomplete() {
        missing_fields(draft, &written, &meant, cx);
    }
    check_order(draft, cx);
}

/// Adds what the declared fields say of others that are not declared.
fn add_implied(draft: &mut Draft) {
    let implied = draft.fields.iter().filter(|field| matches!(field.raw, Raw::Value(Value::Bool(true))));
    let implied: Vec<_> = implied.filter_map(|by| Some((by.field.implies?, by.node, by.span))).collect();
    for ((name, value), node, span) in implied {
        let fields = draft.section.fields;
        let rank = |name: &str| fields.iter().position(|field| field.name == name);
        let at = draft.fields.partition_point(|other| rank(other.field.name) < rank(name));
        if draft.field(name).is_none()
            && let Some(field) = draft.section.field(name)
        {
            draft.fields.insert(at, DraftField { field, node, span, raw: Raw::Value(Value::text(value)) });
        }
    }
}

/// Tells an unknown field; returns the name of the field that was meant.
fn unknown_field(draft: &Draft, entry: Entry<'_>, cx: &mut Context<'_>) -> Option<&'static str> {
    let section = draft.section;
    let word = entry.key;
    let singular = section.singular;
    let nearest = names::nearest_field(word, section, &cx.report.suggest);
    let help = if let Some(part) = section.key.iter().find(|part| part.name == word && part.from == KeySource::Key) {
        format!("the {} is the key, `{}`: change that", part.name, draft.address.key)
    } else if let Some(nearest) = nearest {
        match nearest.shape {
            Shape::Reference { section: to, .. } => format!(
                "did you mean `{}`? it takes {}; an id is written `{{ {}: … }}`",
                nearest.name,
                names::takes(to, cx.registry),
                cx.registry.section(to).map_or("id", Section::id_name),
            ),
            _ => format!("did you mean `{}`?", nearest.name),
        }
    } else if let Some(attribute) = section.attribute(word) {
        format!("remove it: the remote decides the `{}` of {}", attribute.name, a(singular))
    } else if let Some(common) = cx.report.suggest.nearest(word, ["lifecycle", "target"]) {
        format!("did you mean `{common}`?")
    } else if lifecycle::words().any(|known| known == word) {
        format!("write it below `lifecycle:`, as `lifecycle: {{ {word}: … }}`")
    } else {
        let names = section.fields.iter().map(|field| field.name).chain(["target", "lifecycle"]);
        format!("{} has {}", a(singular), listed(names, "and"))
    };
    cx.report.push(
        Diagnostic::error(Code::UnknownField, format!("unknown field `{}`", shown(word)))
            .at(entry.key_span, format!("not a field of `{}`", section.name))
            .help(help)
            .on(&draft.address),
    );
    nearest.map(|field| field.name)
}

fn choose_target(draft: &mut Draft, entry: Option<Entry<'_>>, cx: &mut Context<'_>) -> Option<TargetName> {
    let section = draft.section;
    let provider = section.provider;
    let settings = cx.settings;
    let fitting = || settings.targets.values().filter(|target| target.provider == provider);
    let candidates = || listed(fitting().map(|target| &*target.name), "or");
    let diagnostic = match entry {
        None => match (fitting().next(), fitting().nth(1)) {
            (Some(only), None) => return Some(Arc::clone(&only.name)),
            (Some(_), Some(_)) => {
                Diagnostic::error(Code::InvalidTarget, format!("which target does `{}` belong to?", draft.address))
                    .at(draft.key_span, format!("several targets have {}", section.name.replace('_', " ")))
                    .help(format!("add `target: …` with {}", candidates()))
            }
            (None, _) => {
                if !cx.without_target.insert(section.name) {
                    return None;
                }
                Diagnostic::error(Code::InvalidTarget, format!("no target has `{}`", section.name))
                    .at(draft.key_span, format!("needs a target of provider `{provider}`"))
                    .help(format!("add one to `trueup.toml`: `[targets.{provider}]` with `provider = \"{provider}\"`"))
            }
        },
        Some(entry) => {
            let name = lifecycle::plain(entry, "target", &draft.address, cx)?;
            let Some(name) = name.as_text() else {
                return tell_wrong_type(cx, entry, "target", "the name of a target", &draft.address);
            };
            match settings.targets.get(name) {
                Some(target) if target.provider == provider => return Some(Arc::clone(&target.name)),
                Some(target) => Diagnostic::error(
                    Code::InvalidTarget,
                    format!("target `{name}` has no {}", section.name.replace('_', " ")),
                )
                .at(entry.value.span(), format!("its provider is `{}`, not `{provider}`", target.provider))
                .help(match fitting().next() {
                    Some(_) => format!("write {}", candidates()),
                    None => format!("add a target with `provider = \"{provider}\"` to `trueup.toml`"),
                }),
                None => {
                    let nearest = cx.report.suggest.nearest(name, fitting().map(|target| &*target.name));
                    Diagnostic::error(Code::InvalidTarget, format!("unknown target `{}`", shown(name)))
                        .at(entry.value.span(), "not declared in `trueup.toml`")
                        .help(match nearest {
                            Some(nearest) => format!("did you mean `{nearest}`?"),
                            None if fitting().next().is_some() => format!("write {}", candidates()),
                            None => format!("add `[targets.…]` with `provider = \"{provider}\"` to `trueup.toml`"),
                        })
                }
            }
        }
    };
    cx.report.push(diagnostic.on(&draft.address));
    None
}

/// Tells that a value has a type that nothing can be made of.
pub(super) fn tell_wrong_type<T>(
    cx: &mut Context<'_>,
    entry: Entry<'_>,
    name: &str,
    takes: &str,
    owner: &Address,
) -> Option<T> {
    if !entry.value.is_invalid() {
        cx.report.push(
            Diagnostic::error(Code::WrongType, format!("`{name}` takes {takes}, not {}", entry.value.describe()))
                .at(entry.value.span(), entry.value.describe())
                .on(owner),
        );
    }
    None
}

/// Tells that nothing is written after a key.
pub(super) fn tell_no_value(cx: &mut Context<'_>, entry: Entry<'_>, name: &str, owner: &Address) {
    cx.report.push(
        Diagnostic::error(Code::WrongType, format!("`{name}` has no value"))
            .at(entry.key_span, "nothing is written here")
            .help("give it a value, or remove it: what is not declared is left alone")
            .on(owner),
    );
}

pub(super) fn decode_field(
    draft: &mut Draft,
    field: &'static Field,
    entry: Entry<'_>,
    api: Option<&str>,
    cx: &mut Context<'_>,
) -> Raw {
    let name = field.name;
    if let Some(because) = field.unsupported {
        cx.report.push(
            Diagnostic::error(Code::Unsupported, format!("this version does not manage `{name}`"))
                .at(entry.key_span, "not carried out")
                .help(because)
                .on(&draft.address),
        );
        return Raw::Value(Value::Unknown);
    }
    if let (Some(api), Some(target)) = (api, &draft.target)
        && !field.apis.is_empty()
        && !field.apis.contains(&api)
    {
        cx.report.push(
            Diagnostic::error(Code::NotInApi, format!("`{api}` has no `{name}`"))
                .at(entry.key_span, format!("target `{target}` is set to `{api}`"))
                .help(format!("only {} has it: remove it", listed(field.apis.iter().copied(), "and")))
                .on(&draft.address),
        );
    }
    if matches!(entry.value.content(), Content::Null) {
        tell_no_value(cx, entry, name, &draft.address);
        return Raw::Value(Value::Unknown);
    }
    if let Shape::Reference { section, qualifier, with_slug } = field.shape {
        let to = decode_reference(draft, name, section, with_slug, entry.value, cx);
        return Raw::Reference(RawReference { section, qualifier, to });
    }
    if field.sensitive {
        secret::hide(entry.value, cx);
    }
    let value = text::value(entry.value, &draft.address, &mut draft.uses, cx);
    if !check_value(field, &value, entry.value, &draft.address, cx) {
        return Raw::Value(Value::Unknown);
    }
    Raw::Value(if field.sensitive { secret::conceal(value) } else { value })
}

fn check_value(field: &Field, value: &Value, node: Node<'_>, owner: &Address, cx: &mut Context<'_>) -> bool {
    let subject = Subject { name: field.name, value, lexeme: Some(node.lexeme()), secret: field.sensitive };
    if let Value::Template(template) = value {
        let (kind, what) = match &template.parts[..] {
            [TemplatePart::Field { address, path }] => {
                let section = cx.registry.section(address.section).expect("templates read registered sections");
                (text::type_of(section, path).unwrap_or(Type::Unknown), format!("`{address}.{path}`"))
            }
            _ => (Type::Text, "a string with expressions in it".into()),
        };
        if kind.fits(Type::of(&field.shape)) {
            return true;
        }
        cx.report.push(
            Diagnostic::error(
                Code::WrongType,
                format!("`{}` takes {}, and {what} is {}", field.name, shape::describe(&field.shape), kind.describe()),
            )
            .at(node.span(), kind.describe())
            .help("name a field that fits, or write the value out")
            .on(owner),
        );
        return false;
    }
    match cx.shapes.check(&field.shape, subject, &cx.report.suggest) {
        Ok(()) => true,
        Err(complaint) => {
            tell(complaint, node, owner, cx);
            false
        }
    }
}

/// Puts a complaint where its value stands.
pub(super) fn tell(complaint: shape::Complaint, node: Node<'_>, owner: &Address, cx: &mut Context<'_>) {
    let (span, _) = node.locate(&complaint.path);
    let mut diagnostic = Diagnostic::error(complaint.code, complaint.message).at(span, complaint.label).on(owner);
    diagnostic.help = complaint.help;
    cx.report.push(diagnostic);
}

fn decode_reference(
    draft: &mut Draft,
    name: &str,
    section: &'static str,
    with_slug: bool,
    node: Node<'_>,
    cx: &mut Context<'_>,
) -> RawTo {
    let id_name = cx.registry.section(section).map_or("id", Section::id_name);
    let singular = cx.registry.section(section).map_or("object", |section| section.singular);
    let takes = names::takes(section, cx.registry);
    let owner = draft.address.clone();
    match node.content() {
        Content::Invalid => RawTo::Faulty,
        Content::Text(_) => match reference_text(draft, name, node, cx) {
            Some(value) => RawTo::Name(value),
            None => RawTo::Faulty,
        },
        Content::Map(entries) => {
            let mut id = None;
            let mut slug = None;
            let mut faulty = false;
            for entry in entries {
                if entry.key == id_name {
                    id = reference_text(draft, id_name, entry.value, cx);
                    faulty |= id.is_none();
                } else if entry.key == "slug" && with_slug {
                    slug = reference_text(draft, "slug", entry.value, cx);
                    faulty |= slug.is_none();
                } else {
                    faulty = true;
                    let help = match entry.key {
                        "id" | "guid" | "Id" | "ID" | "GUID" => format!("did you mean `{id_name}`?"),
                        "slug" | "name" | "key" => format!("write it as a plain string: `{name}: …` takes {takes}"),
                        _ if with_slug => format!("write `{{ {id_name}: …, slug: … }}`"),
                        _ => format!("write `{{ {id_name}: … }}`"),
                    };
                    cx.report.push(
                        Diagnostic::error(Code::UnknownField, format!("unknown field `{}`", shown(entry.key)))
                            .at(entry.key_span, format!("not part of a reference to {}", a(singular)))
                            .help(help)
                            .on(&owner),
                    );
                }
            }
            match id {
                Some(id) if !faulty => RawTo::Id { id, slug },
                _ if faulty => RawTo::Faulty,
                _ => {
                    cx.report.push(
                        Diagnostic::error(Code::MissingField, format!("`{name}` names no {singular}"))
                            .at(node.span(), format!("no `{id_name}` in it"))
                            .help(format!("write {takes}, or `{{ {id_name}: … }}`"))
                            .on(&owner),
                    );
                    RawTo::Faulty
                }
            }
        }
        _ => {
            let help = match node.content() {
                Content::Integer(_) | Content::Unsigned(_) | Content::Float(_) | Content::Bool(_) => {
                    format!("quote it if it is {takes}: `\"{}\"`", node.lexeme())
                }
                _ => format!("write {takes}, or `{{ {id_name}: … }}`"),
            };
            cx.report.push(
                Diagnostic::error(
                    Code::WrongType,
                    format!("`{name}` refers to one {singular}, not {}", node.describe()),
                )
                .at(node.span(), node.describe())
                .help(help)
                .on(&owner),
            );
            RawTo::Faulty
        }
    }
}

/// A string that names an object. Names are shown, so no secret may be in one.
fn reference_text(draft: &mut Draft, name: &str, node: Node<'_>, cx: &mut Context<'_>) -> Option<Value> {
    let value = text::value(node, &draft.address, &mut draft.uses, cx);
    let (message, label, help) = match &value {
        Value::Unknown => return None,
        Value::Text(text) if text.is_empty() => {
            (format!("`{name}` is empty"), "an empty string", "name what is meant, or remove the field")
        }
        Value::Text(_) => return Some(value),
        Value::Template(template) if !template.sensitive => return Some(value),
        Value::Template(_) | Value::Sensitive(_) => (
            format!("a sensitive variable cannot be part of `{name}`"),
            "names of objects are shown in plans",
            "use a variable that is not sensitive",
        ),
        other => {
            cx.report.push(
                Diagnostic::error(Code::WrongType, format!("`{name}` takes a string, not {}", other.describe()))
                    .at(node.span(), other.describe())
                    .help("write it in quotes")
                    .on(&draft.address),
            );
            return None;
        }
    };
    cx.report.push(Diagnostic::error(Code::InvalidValue, message).at(node.span(), label).help(help).on(&draft.address));
    None
}

fn missing_fields(draft: &Draft, written: &[Option<Entry<'_>>], meant: &[&str], cx: &mut Context<'_>) {
    let section = draft.section;
    let identifies = |field: &Field| section.key.iter().any(|part| part.name == field.name);
    let tombstone = draft.lifecycle.absent.is_some();
    let missing: Vec<&str> = section
        .fields
        .iter()
        .zip(written)
        .filter(|(field, entry)| field.required && entry.is_none() && !meant.contains(&field.name))
        .filter(|(field, _)| !tombstone || identifies(field))
        .map(|(field, _)| field.name)
        .collect();
    if missing.is_empty() {
        return;
    }
    let fields = if missing.len() == 1 { "field" } else { "fields" };
    let list = listed(missing.iter().copied(), "and");
    let help = match missing[..] {
        [one] => {
            section.field(one).map_or_else(String::new, |field| format!("add `{one}: …`: {}", plain_doc(field.doc)))
        }
        _ => format!("every {} needs them", section.singular),
    };
    cx.report.push(
        Diagnostic::error(Code::MissingField, format!("missing {fields} {list}"))
            .at(
                draft.key_span,
                format!("this {} lacks {}", section.singular, if missing.len() == 1 { "it" } else { "them" }),
            )
            .help(help)
            .on(&draft.address),
    );
}

/// The first sentence of a documentation as part of another one.
fn plain_doc(doc: &str) -> String {
    let doc = doc.trim_end_matches('.');
    match doc.split_at_checked(1) {
        // Not `UAA` or `API`.
        Some((first, rest)) if rest.starts_with(|next: char| next == ' ' || next.is_lowercase()) => {
            first.to_lowercase() + rest
        }
        _ => doc.to_owned(),
    }
}

fn check_order(draft: &Draft, cx: &mut Context<'_>) {
    for field in &draft.fields {
        let Some((_, first)) = field.field.not_before.and_then(|name| draft.field(name)) else { continue };
        let instant = |field: &DraftField| match &field.raw {
            Raw::Value(Value::Text(text)) => shape::instant(text).ok(),
            _ => None,
        };
        if let (Some(start), Some(end)) = (instant(first), instant(field))
            && end < start
        {
            let span = |field: &DraftField| -> Span { field.span };
            cx.report.push(
                Diagnostic::error(Code::DateOrder, format!("`{}` is before `{}`", field.field.name, first.field.name))
                    .at(span(field), "this is earlier")
                    .also(span(first), "than this")
                    .help("the remote does not check this: correct one of the dates")
                    .on(&draft.address),
            );
        }
    }
}
