//! How things are called: sections, fields, and how one refers to an object.

use super::suggest::{Suggest, snake, stem};
use crate::kind::Registry;
use crate::model::{Field, KeySource, Section, Shape};

/// Sections of the language that no kind of this version has.
pub(super) const PLANNED: &[&str] = &[
    "entitlements",
    "entitlement_groups",
    "metadata_fields",
    "components",
    "releases",
    "feature_flags",
    "user_provided_service_instances",
    "service_keys",
];

/// The natural key of a section's objects as one writes it: `slug`, `organization/space`.
pub(super) fn natural_form(section: &'static Section, registry: &Registry) -> String {
    let mut form = String::new();
    for part in section.key {
        if !form.is_empty() {
            form.push('/');
        }
        let outer = (part.from == KeySource::Reference).then(|| referred(section, part.name)).flatten();
        match outer.and_then(|outer| registry.section(outer)).filter(|outer| outer.name != section.name) {
            Some(outer) => form.push_str(&natural_form(outer, registry)),
            None if part.name == "name" && section.key.len() > 1 => form.push_str(&snake(section.singular)),
            None => form.push_str(part.name),
        }
    }
    form
}

/// Whether objects of this section, or what they are found by, are told apart without regard to case, part by part.
pub(super) fn folds(section: &'static Section, registry: &Registry) -> Vec<bool> {
    let own = section.fold_case;
    let fold = section.key.iter().map(|part| match part.from {
        KeySource::Reference => {
            referred(section, part.name).and_then(|outer| registry.section(outer)).map_or(own, |outer| outer.fold_case)
        }
        KeySource::Key | KeySource::FieldOrKey => own,
    });
    fold.collect()
}

fn referred(section: &'static Section, field: &str) -> Option<&'static str> {
    match section.field(field)?.shape {
        Shape::Reference { section, .. } => Some(section),
        _ => None,
    }
}

/// What a reference to this section takes: `a key or slug`, `a key or organization/space`.
pub(super) fn takes(section: &str, registry: &Registry) -> String {
    match registry.section(section) {
        Some(section) if section.declarable => format!("a declared key or `{}`", natural_form(section, registry)),
        Some(section) => format!("`{}`", natural_form(section, registry)),
        None => "a key, slug or name".into(),
    }
}

/// The section somebody may have meant.
pub(super) fn nearest_section(word: &str, registry: &Registry, suggest: &mut Suggest) -> Option<&'static str> {
    let spelled = snake(word);
    let declarable = || registry.sections().filter(|section| section.declarable);
    if let Some(section) = declarable().find(|section| section.name == spelled || snake(section.singular) == spelled) {
        return Some(section.name);
    }
    suggest.nearest(&spelled, declarable().map(|section| section.name).chain(PLANNED.iter().copied()))
}

/// The field somebody may have meant, by our spelling or the API's.
pub(super) fn nearest_field(word: &str, section: &'static Section, suggest: &mut Suggest) -> Option<&'static Field> {
    let spelled = snake(word);
    let meant = stem(word);
    let fields = section.fields;
    fields
        .iter()
        .find(|field| field.name == spelled || field.wire == word || snake(field.wire) == spelled)
        .or_else(|| fields.iter().find(|field| field.name == meant || stem(field.wire) == meant))
        .or_else(|| {
            let names = fields.iter().map(|field| field.name);
            let name = suggest.nearest(&spelled, names.clone()).or_else(|| suggest.nearest(&meant, names))?;
            section.field(name)
        })
}
