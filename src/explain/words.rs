//! Tables in words.

use crate::config::{describe, natural_form, takes};
use crate::kind::{Abilities, ErasedKind, Registry};
use crate::model::{ChangeRule, Compare, Field, KeyPart, KeySource, Section, Shape};

/// A string that may be so long needs no bound.
const LONG: usize = 1 << 31;

/// `a`, `b` or `c`, without backticks.
pub(super) fn listed(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., end] => format!("{} {last} {end}", rest.join(", ")),
    }
}

/// The same of names.
pub(super) fn names<'n>(names: impl IntoIterator<Item = &'n str>, last: &str) -> String {
    listed(&names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>(), last)
}

/// What a field takes.
pub(super) fn shape(shape: &Shape, registry: &Registry) -> String {
    let what = describe(shape);
    match *shape {
        Shape::Text { min, max } => match (min, max) {
            (0, LONG..) => what.to_owned(),
            (_, LONG..) => format!("{what}, not empty"),
            (0, _) => format!("{what} of at most {max} characters"),
            (_, _) => format!("{what} of {min} to {max} characters"),
        },
        Shape::Integer { min, max } => format!("{what} from {min} to {max}"),
        Shape::Enum(words) => names(words.iter().copied(), "or"),
        Shape::Instant => format!("{what}, `2026-09-01T00:00:00Z`"),
        Shape::Reference { section, with_slug, .. } => {
            let id = registry.section(section).map_or("id", Section::id_name);
            let slug = if with_slug { ", slug: …" } else { "" };
            format!("one of `{section}`: {}, or `{{ {id}: …{slug} }}`", takes(section, registry))
        }
        Shape::Texts { max_total } if max_total < LONG => format!("{what}, at most {max_total} characters in all"),
        Shape::Names { section } => format!("a list of `{section}`, each by {}", takes(section, registry)),
        Shape::Parts { section } => format!("{what}, each entry one of `{section}`"),
        Shape::Format(_)
        | Shape::Boolean
        | Shape::Texts { .. }
        | Shape::Object
        | Shape::Mappings { .. }
        | Shape::Any => what.to_owned(),
    }
}

/// What a field takes and which rules it has, in a few words.
pub(super) fn marks(field: &Field, registry: &Registry) -> String {
    let mut marks = vec![shape(&field.shape, registry)];
    marks.extend(field.required.then(|| "required".to_owned()));
    marks.extend(field.default.map(|json| format!("default {}", default(json))));
    marks.extend(matches!(field.change, ChangeRule::Never(_)).then(|| "immutable".to_owned()));
    marks.extend(compared_in_short(field.compare).map(str::to_owned));
    marks.extend(field.sensitive.then(|| "never shown".to_owned()));
    marks.extend((!field.apis.is_empty()).then(|| format!("only in {}", names(field.apis.iter().copied(), "and"))));
    marks.join("; ")
}

/// What is sent when nothing is declared, as one would write it.
pub(super) fn default(json: &str) -> String {
    if json == "null" { "none".to_owned() } else { format!("`{json}`") }
}

/// Why it cannot be changed, if it cannot.
pub(super) fn immutable(field: &Field) -> Option<String> {
    match field.change {
        ChangeRule::InPlace => None,
        ChangeRule::Never(because) => Some(format!("Cannot be changed: {}.", because.trim_end_matches('.'))),
    }
}

/// The same as [`compared`] in a word or two, where it is not what one expects anyway.
fn compared_in_short(compare: Compare) -> Option<&'static str> {
    match compare {
        Compare::Value | Compare::IfTrue => None,
        Compare::Set => Some("in any order"),
        Compare::DeclaredKeys => Some("only declared keys count"),
        Compare::IfTold | Compare::WholeIfTold => Some("compared where the remote tells it"),
    }
}

/// How a declared value is held against what is there.
pub(super) fn compared(compare: Compare) -> &'static str {
    match compare {
        Compare::Value => "by its value",
        Compare::Set => "as a set: the order does not matter",
        Compare::DeclaredKeys => "by its declared keys, at every depth; other keys are left alone",
        Compare::IfTrue => "only where it is `true`: `false` asks for nothing",
        Compare::IfTold => "as far as the remote tells it; where it does not, a difference cannot be seen",
        Compare::WholeIfTold => "as a whole, where the remote tells it; where it does not, a difference cannot be seen",
    }
}

/// A part of a natural key: where it comes from and what it must look like.
pub(super) fn key_part(part: &KeyPart) -> String {
    let name = part.name;
    let from = match part.from {
        KeySource::Key => "the key in the section".to_owned(),
        KeySource::Field => format!("the field `{name}`"),
        KeySource::FieldOrKey => format!("the field `{name}`, else the key in the section"),
        KeySource::Reference => return format!("What the field `{name}` refers to."),
    };
    match part.shape {
        Shape::Format(format) => format!("{}; {}.", capital(&from), format.help),
        _ => format!("{}.", capital(&from)),
    }
}

/// The natural key as one writes it.
pub(super) fn found_by(section: &'static Section, registry: &Registry) -> String {
    let case = if section.fold_case { ", without regard to case" } else { "" };
    format!("Found by `{}`{case}.", natural_form(section, registry))
}

/// What can be done to existing objects in each API, and what else there is to know of that.
pub(super) fn abilities(kind: &dyn ErasedKind) -> (Vec<(String, String)>, Vec<String>) {
    let section = kind.section();
    let Some(declared) = kind.declared() else { return (Vec::new(), Vec::new()) };
    let of_api = |api: &str| section.apis.is_empty() || section.apis.contains(&api);
    let mut told: Vec<(String, String)> = Vec::new();
    for facts in kind.can_be().into_iter().filter(|facts| of_api(facts.api)) {
        let can = match facts.read_only {
            Some(because) => format!("Nothing: {because}."),
            None => done(declared.abilities(&facts)).to_owned(),
        };
        match told.iter_mut().find(|(_, known)| *known == can) {
            Some((apis, _)) => *apis = format!("{apis}, {}", facts.api),
            None => told.push((facts.api.to_owned(), can)),
        }
    }
    let deletion = declared.deletion();
    let more = [
        section.renaming().map(|_| "Renamed with `lifecycle.was`.".to_owned()),
        deletion.never.map(|because| format!("Never deleted: {because}.")),
        deletion.loses.map(|loses| format!("A delete loses {loses}.")),
    ];
    (told, more.into_iter().flatten().collect())
}

fn done(abilities: Abilities) -> &'static str {
    match (abilities.update, abilities.delete) {
        (true, true) => "Changed in place, deleted, and replaced where a change cannot be made in place.",
        (true, false) => "Changed in place.",
        (false, true) => "Deleted, and replaced where something changes.",
        (false, false) => "Nothing.",
    }
}

/// With a capital letter at the beginning.
pub(crate) fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
