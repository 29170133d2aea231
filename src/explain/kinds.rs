//! The pages about kinds, their fields and what all resources have.

use super::page::{Entry, Page};
use super::words;
use crate::kind::Registry;
use crate::model::{Attribute, Compare, Field, LIFECYCLE, LIFECYCLE_DOC, LifecycleField, Section, Shape, target_doc};

/// Every kind, by provider.
pub(super) fn overview(registry: &Registry) -> Page {
    let mut page = Page::about("trueup explain", "what can be declared, and what is to be known of it");
    for (provider, sections) in by_provider(registry) {
        let entries = sections.into_iter().map(|section| Entry::new(section.name, in_a_line(section)));
        page = page.heading(provider).table(entries);
    }
    page.heading("every resource")
        .table([Entry::new("lifecycle", LIFECYCLE_DOC), Entry::new("target", target_doc(None))])
        .heading("go on with")
        .lines(
            "trueup explain instances\n\
             trueup explain instances.deployment_zone\n\
             trueup explain lifecycle.was\n\
             trueup explain trueup::config::unknown_field\n",
        )
}

/// What can be declared or referred to.
pub(super) fn by_provider(registry: &Registry) -> Vec<(&'static str, Vec<&'static Section>)> {
    let mut providers: Vec<(&str, Vec<&Section>)> = Vec::new();
    for section in registry.sections() {
        if !section.declarable && referring(section, registry).is_empty() {
            continue;
        }
        match providers.iter_mut().find(|(provider, _)| *provider == section.provider) {
            Some((_, sections)) => sections.push(section),
            None => providers.push((section.provider, vec![section])),
        }
    }
    providers
}

/// What a kind is, without its name and without what else there is to know.
fn in_a_line(section: &Section) -> String {
    let first = section.doc.split(['.', ';']).next().unwrap_or_default();
    let said = first.split_once(": ").map_or(first, |(_, said)| said);
    words::capital(said.split(", found by").next().unwrap_or(said))
}

/// The fields that can mean an object of this section, `service_instances.plan`.
fn referring(section: &Section, registry: &Registry) -> Vec<String> {
    let means = |field: &Field| match field.shape {
        Shape::Reference { section: of, .. } | Shape::Parts { section: of } => of == section.name,
        ref shape => shape.names() == Some(section.name),
    };
    let fields =
        registry.sections().filter(|of| of.declarable).flat_map(|of| of.fields.iter().map(move |field| (of, field)));
    fields.filter(|(_, field)| means(field)).map(|(of, field)| format!("`{}.{}`", of.name, field.name)).collect()
}

/// A kind.
pub(super) fn kind(section: &'static Section, registry: &Registry) -> Page {
    let apis = if section.apis.is_empty() { String::new() } else { format!(", only in {}", section.apis.join(", ")) };
    let mut page = Page::about(section.name, format!("{}{apis}", section.provider)).text(section.doc);
    if section.declarable {
        page = page
            .heading("natural key")
            .text(words::found_by(section, registry))
            .table(section.key.iter().map(|part| Entry::new(part.name, words::key_part(part))));
    } else {
        page = page.text(match referring(section, registry).as_slice() {
            [] => "Cannot be declared: it is looked at while planning.".to_owned(),
            fields if section.fields.is_empty() => format!(
                "Cannot be declared, only referred to: by {}. {}",
                words::listed(fields, "and"),
                words::found_by(section, registry)
            ),
            fields => format!("Not a section of its own: written in {}.", words::listed(fields, "and")),
        });
    }
    if !section.fields.is_empty() {
        page = page.heading("fields").entries(section.fields.iter().map(|field| in_short(field, registry)));
    }
    if section.declarable {
        page = page
            .text("Beside them, as in every resource: `lifecycle` and `target`.")
            .heading("in expressions")
            .text(format!(
                "`${{{}.KEY.FIELD}}` reads a field, or what the remote adds; of a new object that is known after apply.",
                section.name
            ))
            .table(added(section).map(read));
    }
    let (by_api, more) = registry.kind(section.name).map(|kind| words::abilities(&**kind)).unwrap_or_default();
    match by_api.as_slice() {
        [] => {}
        [(_, alone)] => {
            page = page.heading("changing and deleting").text([std::slice::from_ref(alone), &more].concat().join(" "));
        }
        _ => {
            let rows = by_api.into_iter().map(|(apis, can)| Entry::new(apis, can));
            page = page.heading("changing and deleting").table(rows);
            if !more.is_empty() {
                page = page.text(more.join(" "));
            }
        }
    }
    if section.example.is_empty() { page } else { page.heading("example").lines(section.example) }
}

/// What the remote adds that is not a field too.
fn added(section: &'static Section) -> impl Iterator<Item = &'static Attribute> {
    section.attributes.iter().filter(|attribute| section.field(attribute.name).is_none())
}

fn read(attribute: &'static Attribute) -> Entry {
    let entry = Entry::new(attribute.name, attribute.doc);
    if attribute.sensitive { entry.marked("never shown") } else { entry }
}

fn in_short(field: &Field, registry: &Registry) -> Entry {
    let text = [Some(field.doc.to_owned()), words::immutable(field), refused(field)];
    let text: Vec<String> = text.into_iter().flatten().collect();
    Entry::new(field.name, text.join(" ")).marked(words::marks(field, registry))
}

fn refused(field: &Field) -> Option<String> {
    field.unsupported.map(|because| format!("Refused by this version: {because}."))
}

/// One field in full.
pub(super) fn field(section: &'static Section, field: &'static Field, registry: &Registry) -> Page {
    let title = format!("{}.{}", section.name, field.name);
    let page = Page::about(title, format!("a field of `{}` ({})", section.name, section.provider)).text(field.doc);
    let mut rules = vec![Entry::new("takes", format!("{}.", words::capital(&words::shape(&field.shape, registry))))];
    let mut rule = |name: &str, text: Option<String>| rules.extend(text.map(|text| Entry::new(name, text)));
    match field.shape {
        Shape::Format(format) => rule("form", Some(format!("{}.", words::capital(format.help)))),
        Shape::Reference { qualifier: Some(sibling), .. } => {
            rule("ambiguous", Some(format!("`{sibling}` beside it says which, where several have this name.")));
        }
        _ => {}
    }
    rule(
        "required",
        field.required.then(|| format!("In every {}{}.", section.singular, unless_absent(section, field))),
    );
    rule(
        "default",
        field.default.map(|json| format!("A new one gets {} where it is not declared.", words::default(json))),
    );
    rule("implied", implied(section, field));
    rule("not before", field.not_before.map(|other| format!("Is not before `{other}`.")));
    rule("changed", Some(changed(section, field, registry)));
    rule(
        "compared",
        Some(format!("{}.", words::capital(words::compared(field.compare))))
            .filter(|_| field.compare != Compare::Value),
    );
    rule("secret", field.sensitive.then(|| "Never shown, in no plan and no log.".to_owned()));
    let apis = if field.apis.is_empty() { section.apis } else { field.apis };
    rule("only in", (!apis.is_empty()).then(|| format!("{}.", apis.join(", "))));
    rule("in the API", Some(format!("`{}`.", field.wire)));
    rule("unsupported", refused(field));
    let mut page = page.table(rules);
    if let Shape::Parts { section: parts } = field.shape
        && let Some(parts) = registry.section(parts)
    {
        page = page
            .heading(parts.name)
            .text(parts.doc)
            .entries(parts.own_fields().map(|field| in_short(field, registry)))
            .heading("example")
            .lines(parts.example);
    }
    page.text(format!("All of the kind: `trueup explain {}`.", section.name))
}

fn unless_absent(section: &Section, field: &Field) -> &'static str {
    let identifies = section.key.iter().any(|part| part.name == field.name);
    if identifies { ", also in one that is `absent`" } else { " that is not `absent`" }
}

/// What another field says of it where it is not declared.
fn implied(section: &Section, field: &Field) -> Option<String> {
    section.fields.iter().find_map(|other| {
        let (_, value) = other.implies.filter(|(name, _)| *name == field.name)?;
        Some(format!("`{value}` where `{}` is `true` and this is not declared.", other.name))
    })
}

fn changed(section: &Section, field: &Field, registry: &Registry) -> String {
    let Some(never) = words::immutable(field) else {
        let renames = section.renaming().is_some_and(|renaming| renaming.name == field.name);
        return if renames {
            "In place; what had another one before is found by `lifecycle.was`.".to_owned()
        } else {
            "In place, where the API can change these objects.".to_owned()
        };
    };
    let kind = registry.kind(section.name).and_then(|kind| kind.declared().map(|declared| declared.deletion().never));
    match kind {
        Some(None) => format!("{never} `lifecycle.replace` consents to a new {} in its place.", section.singular),
        _ => never,
    }
}

/// What the remote adds.
pub(super) fn attribute(section: &'static Section, attribute: &'static Attribute) -> Page {
    let marks = if attribute.sensitive { "added by the remote; never shown" } else { "added by the remote" };
    Page::about(format!("{}.{}", section.name, attribute.name), marks)
        .text(attribute.doc)
        .table([
            Entry::new(
                "read as",
                format!("`${{{}.KEY.{}}}`; of a new object it is known after apply.", section.name, attribute.name),
            ),
            Entry::new("in the API", format!("`{}`.", attribute.wire)),
        ])
        .text(format!("All of the kind: `trueup explain {}`.", section.name))
}

/// `lifecycle:`.
pub(super) fn lifecycle() -> Page {
    let entry = |field: &LifecycleField| Entry::new(field.name, field.doc).marked(field.takes);
    Page::about("lifecycle", "in every resource")
        .text(LIFECYCLE_DOC)
        .heading("fields")
        .entries(LIFECYCLE.iter().map(entry))
        .text("What is in it cannot depend on another resource, and cannot be a sensitive variable.")
}

/// A field of `lifecycle:`.
pub(super) fn lifecycle_field(field: &'static LifecycleField, registry: &Registry) -> Page {
    let mut page = Page::about(format!("lifecycle.{}", field.name), field.takes).text(field.doc);
    for more in lifecycle_rules(field, registry) {
        page = page.text(more);
    }
    page.heading("example").lines(format!("lifecycle: {}\n", field.example))
}

/// Which kinds have a field of `lifecycle:`, and how else one says it.
pub(super) fn lifecycle_rules(field: &LifecycleField, registry: &Registry) -> Vec<String> {
    let declarable = || registry.sections().filter(|section| section.declarable);
    let able =
        |holds: &dyn Fn(&Section) -> bool| words::names(declarable().filter(|of| holds(of)).map(|of| of.name), "and");
    let never = |section: &Section| {
        let declared = registry.kind(section.name).and_then(|kind| kind.declared());
        declared.is_some_and(|declared| declared.deletion().never.is_some())
    };
    let kinds = match field.name {
        "was" => Some(format!("In {}.", able(&|section| section.renaming().is_some()))),
        "absent" | "replace" | "cascade" if declarable().any(never) => {
            Some(format!("Not in {}, which are never deleted.", able(&never)))
        }
        _ => None,
    };
    let for_one_run = match field.name {
        "replace" => Some("For one run: `--allow-replace ADDRESS`.".to_owned()),
        "cascade" => Some("For one run: `--allow-cascade ADDRESS`.".to_owned()),
        _ => None,
    };
    kinds.into_iter().chain(for_one_run).collect()
}

/// `target:`.
pub(super) fn target(section: Option<&'static Section>) -> Page {
    match section {
        Some(section) => Page::about(format!("{}.target", section.name), "a string").text(section.target_doc()),
        None => Page::about("target", "a string; in every resource").text(target_doc(None)),
    }
}
