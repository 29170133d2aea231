//! What is written inside a resource and is a resource of its own: what a license grants.
//!
//! An entry of such a mapping is `null` (it shall not be), a value alone, or a mapping of the part's fields. Its key names
//! what the part is about; together with the key of the resource around it that is its address, `grants.growth/seats`.

use std::sync::Arc;

use super::collect::{Context, Draft, DraftField, Raw, RawReference, RawTo};
use super::decode::{decode_field, tell_no_value};
use super::names;
use super::words::{a, listed, shown};
use super::yaml::{Content, Entry};
use crate::model::{
    Address, Code, Diagnostic, Field, KeySource, Lifecycle, Path, Reference, Section, Segment, Shape, Spanned, To,
    Value,
};

/// Reads the parts of a draft that one of its fields declares. What is wrong is told.
pub(super) fn decode(owner: &mut Draft, field: &'static Field, section: &str, entry: Entry<'_>, cx: &mut Context<'_>) {
    let section = cx.registry.section(section).expect("a table names registered sections");
    let entries = match entry.value.content() {
        Content::Map(entries) => entries,
        Content::Invalid => return,
        Content::Null => return tell_no_value(cx, entry, field.name, &owner.address),
        _ => {
            let message =
                format!("`{}` takes a mapping that is written out, not {}", field.name, entry.value.describe());
            cx.report.push(
                Diagnostic::error(Code::WrongType, message)
                    .at(entry.value.span(), entry.value.describe())
                    .help("write `KEY: VALUE` lines below it, indented; each value may be an expression")
                    .on(&owner.address),
            );
            return;
        }
    };
    let parts: Vec<Draft> = entries.map(|entry| part(owner, field, section, entry, cx)).collect();
    owner.parts.extend(parts);
}

fn part(owner: &Draft, of: &'static Field, section: &'static Section, entry: Entry<'_>, cx: &mut Context<'_>) -> Draft {
    let is_null = matches!(entry.value.content(), Content::Null);
    let own: Vec<&'static Field> = section.own_fields().collect();
    let mut part = Draft {
        section,
        address: Address::new(section.name, format!("{}/{}", owner.address.key, entry.key)),
        tree: Arc::clone(&owner.tree),
        body: entry.value.id(),
        key_span: entry.key_span,
        target: owner.target.clone(),
        fields: Vec::new(),
        lifecycle: lifecycle(owner, of, &own, entry),
        uses: vec![(owner.address.clone(), entry.key_span)],
        short: None,
        parts: Vec::new(),
    };
    for (key, to) in section.key.iter().zip([
        RawTo::Resolved(Reference { section: owner.section.name, to: To::Declared(owner.address.clone()) }),
        RawTo::Name(Value::text(entry.key)),
    ]) {
        let field = section.field(key.name).expect("a part of a natural key that is a reference is a field");
        let (KeySource::Reference, Shape::Reference { section, qualifier, .. }) = (key.from, field.shape) else {
            unreachable!("parts are found by what they are in and what they are about");
        };
        let raw = Raw::Reference(RawReference { section, qualifier, to });
        part.fields.push(DraftField { field, node: entry.value.id(), span: entry.key_span, raw });
    }
    match entry.value.content() {
        Content::Null | Content::Invalid => {}
        Content::Map(entries) => fields(&mut part, &own, entry, entries.collect(), cx),
        _ => {
            let value = own.first().copied().expect("a part has a value");
            part.short = Some(value.name);
            add(&mut part, value, entry, cx);
        }
    }
    if is_null {
        part.lifecycle.absent = Some(entry.key_span.to(entry.value.span()));
    }
    part
}

/// The fields of a part that are written out.
fn fields(part: &mut Draft, own: &[&'static Field], whole: Entry<'_>, entries: Vec<Entry<'_>>, cx: &mut Context<'_>) {
    let singular = part.section.singular;
    let lacks = own.iter().find(|field| field.required && entries.iter().all(|entry| entry.key != field.name));
    if let Some(lacks) = lacks {
        let name = lacks.name;
        cx.report.push(
            Diagnostic::error(Code::MissingField, format!("`{}` does not say what its {name} is", shown(whole.key)))
                .at(whole.key_span, format!("this {singular} is neither a {name} nor `{{ {name}: … }}`"))
                .help(format!("write `{}: {{ {name}: … }}`", whole.key))
                .on(&part.address),
        );
        return;
    }
    for entry in entries {
        if let Some(field) = own.iter().find(|field| field.name == entry.key) {
            add(part, field, entry, cx);
            continue;
        }
        let nearest = names::nearest_field(entry.key, part.section, &cx.report.suggest);
        let help = match nearest.filter(|nearest| own.iter().any(|field| field.name == nearest.name)) {
            Some(nearest) => format!("did you mean `{}`?", nearest.name),
            None => format!("{} has {}", a(singular), listed(own.iter().map(|field| field.name), "and")),
        };
        cx.report.push(
            Diagnostic::error(Code::UnknownField, format!("unknown field `{}`", shown(entry.key)))
                .at(entry.key_span, format!("not a field of {}", a(singular)))
                .help(help)
                .on(&part.address),
        );
    }
    let rank = |field: &DraftField| part.section.fields.iter().position(|other| other.name == field.field.name);
    let mut fields = std::mem::take(&mut part.fields);
    fields.sort_by_key(rank);
    part.fields = fields;
}

fn add(part: &mut Draft, field: &'static Field, entry: Entry<'_>, cx: &mut Context<'_>) {
    let raw = decode_field(part, field, entry, None, cx);
    part.fields.push(DraftField { field, node: entry.value.id(), span: entry.value.span(), raw });
}

/// What is said of the resource around it, as far as it is about this part too.
fn lifecycle(owner: &Draft, of: &Field, own: &[&'static Field], entry: Entry<'_>) -> Lifecycle {
    let Lifecycle { absent, protect, ignore, on_exists, consent, timeout, depends_on: _, was: _ } = &owner.lifecycle;
    let inside = |path: &Path| match path.0.as_slice() {
        [Segment::Key(field)] if **field == *of.name => Some(Vec::new()),
        [Segment::Key(field), Segment::Key(key), rest @ ..] if **field == *of.name && **key == *entry.key => {
            Some(rest.to_vec())
        }
        _ => None,
    };
    let ignored = ignore.iter().filter_map(|ignored| Some((inside(&ignored.value)?, ignored.span)));
    let ignored = ignored.flat_map(|(rest, span)| {
        let whole = || own.iter().map(|field| Path::field(field.name)).collect();
        let paths: Vec<Path> = if rest.is_empty() { whole() } else { vec![Path(rest)] };
        paths.into_iter().map(move |value| Spanned { value, span })
    });
    Lifecycle {
        absent: *absent,
        protect: *protect,
        ignore: ignored.collect(),
        on_exists: *on_exists,
        consent: *consent,
        timeout: *timeout,
        ..Lifecycle::default()
    }
}
