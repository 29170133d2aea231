//! How things are called: sections, fields, and how one refers to an object.

use super::words::{snake, stem};
use crate::kind::Registry;
use crate::model::{Field, KeySource, Section, Shape};
use crate::suggest::Suggest;

/// The natural key of a section's objects as one writes it: `slug`, `organization/space`.
pub(crate) fn natural_form(section: &'static Section, registry: &Registry) -> String {
    match section.key {
        [part] => part.name.to_owned(),
        _ => long_form(section, registry),
    }
}

fn long_form(section: &'static Section, registry: &Registry) -> String {
    let words = section.key.iter().map(|part| {
        let outer = (part.from == KeySource::Reference).then(|| referred(section, part.name)).flatten();
        match outer.and_then(|outer| registry.section(outer)).filter(|outer| outer.name != section.name) {
            Some(outer) => long_form(outer, registry),
            // `organization/space` says more than `name/name`.
            None if part.name == "name" => section.singular.rsplit(' ').next().unwrap_or(section.singular).to_owned(),
            None => part.name.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join("/")
}

/// Whether objects of this section, or what they are found by, are told apart without regard to case, part by part.
pub(super) fn folds(section: &'static Section, registry: &Registry) -> Vec<bool> {
    let own = section.fold_case;
    let fold = section.key.iter().map(|part| match part.from {
        KeySource::Reference => {
            referred(section, part.name).and_then(|outer| registry.section(outer)).map_or(own, |outer| outer.fold_case)
        }
        KeySource::Key | KeySource::Field | KeySource::FieldOrKey => own,
    });
    fold.collect()
}

fn referred(section: &'static Section, field: &str) -> Option<&'static str> {
    match section.field(field)?.shape {
        Shape::Reference { section, .. } => Some(section),
        _ => None,
    }
}

/// The natural key in a sentence: "slug", "`organization/space`".
pub(super) fn natural_words(section: &'static Section, registry: &Registry) -> String {
    let form = natural_form(section, registry);
    if form.contains('/') { format!("`{form}`") } else { form }
}

/// What a reference to this section takes: "a declared key or slug", "a declared key or `organization/space`".
pub(crate) fn takes(section: &str, registry: &Registry) -> String {
    match registry.section(section) {
        Some(section) if section.declarable => format!("a declared key or {}", natural_words(section, registry)),
        Some(section) => natural_words(section, registry),
        None => "a key, slug or name".into(),
    }
}

/// The section somebody may have meant.
pub(crate) fn nearest_section(word: &str, registry: &Registry, suggest: &Suggest) -> Option<&'static str> {
    let spelled = snake(word);
    let declarable = || registry.sections().filter(|section| section.declarable);
    if let Some(section) = declarable().find(|section| section.name == spelled || snake(section.singular) == spelled) {
        return Some(section.name);
    }
    suggest.nearest(&spelled, declarable().map(|section| section.name))
}

/// The field somebody may have meant, by our spelling or the API's.
pub(crate) fn nearest_field(word: &str, section: &'static Section, suggest: &Suggest) -> Option<&'static Field> {
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
