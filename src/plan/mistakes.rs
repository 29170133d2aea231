//! What is wrong with a declaration, seen beside what is there.

use std::collections::HashSet;

use crate::kind::Abilities;
use crate::model::{Code, Diagnostic, Facts, Identity, KeyPart, KeySource, Observed, Path, Resource, Section};

/// What the API that answers does not have.
pub(super) fn api_problems(resource: &Resource, section: &'static Section, facts: &Facts) -> Vec<Diagnostic> {
    let lacks = |apis: &[&str]| !apis.is_empty() && !apis.contains(&facts.api);
    let mut problems = Vec::new();
    if lacks(section.apis) {
        problems.push(
            Diagnostic::error(Code::ApiMismatch, format!("`{}` has no {}", facts.api, section.name.replace('_', " ")))
                .at(resource.key_span, format!("target `{}` speaks `{}`", resource.target, facts.api))
                .help(format!(
                    "only `{}` can manage it: take this declaration out, and refer to what exists with `{{ {}: … }}`",
                    section.apis.join("`, `"),
                    section.id_name()
                ))
                .on(&resource.address),
        );
    }
    for (name, _) in resource.fields.iter() {
        let Some(field) = section.field(name) else { continue };
        if lacks(field.apis) {
            let path = Path::field(name);
            problems.push(
                Diagnostic::error(Code::ApiMismatch, format!("`{}` has no `{name}`", facts.api))
                    .at(
                        resource.places.key(&path).unwrap_or(resource.key_span),
                        format!("target `{}` speaks `{}`", resource.target, facts.api),
                    )
                    .help(format!("only `{}` has it: remove it", field.apis.join("`, `")))
                    .on(&resource.address),
            );
        }
    }
    problems
}

pub(super) fn ambiguous(
    resource: &Resource,
    section: &'static Section,
    identity: &Identity,
    objects: &[&Observed],
) -> Diagnostic {
    let listed = |word: &dyn Fn(&Observed) -> String| {
        objects.iter().map(|object| format!("`{}`", word(object))).collect::<Vec<_>>().join(", ")
    };
    let help = match section.key {
        // Recognised by something else than their names, which do tell them apart.
        [KeyPart { name, from: KeySource::FieldOrKey, .. }] if tell_apart(objects, name) => {
            let own = listed(&|object| object.identity.to_string());
            format!("they are {own}: write the `{name}` of the one that is meant")
        }
        _ => {
            let ids = listed(&|object| object.id.to_string());
            format!("they are {ids}; rename or remove all but one of them at the remote")
        }
    };
    Diagnostic::error(
        Code::AmbiguousName,
        format!("{} {} could be this one", objects.len(), section.name.replace('_', " ")),
    )
    .at(resource.key_span, format!("`{identity}` does not tell them apart"))
    .help(help)
    .on(&resource.address)
}

/// Whether the objects' own names, written as this field, would do.
fn tell_apart(objects: &[&Observed], name: &str) -> bool {
    let names: HashSet<_> = objects.iter().filter_map(|object| object.fields.text(name)).collect();
    names.len() == objects.len()
}

/// An earlier name where objects cannot be given another one.
pub(super) fn rename_refused(
    resource: &Resource,
    section: &'static Section,
    abilities: Abilities,
) -> Option<Diagnostic> {
    let was = resource.lifecycle.was.as_ref()?;
    if abilities.update && section.renaming().is_some() {
        return None;
    }
    Some(
        Diagnostic::error(
            Code::Unsupported,
            format!("this version does not rename {}", section.name.replace('_', " ")),
        )
        .at(was.span, "not carried out")
        .help("rename the object yourself, then remove `was`; or go on declaring it under its earlier name")
        .on(&resource.address),
    )
}

/// An earlier name under which there still is something, beside the object itself.
pub(super) fn both_names(resource: &Resource, section: &'static Section, identity: &Identity) -> Option<Diagnostic> {
    let was = resource.lifecycle.was.as_ref()?;
    let message = format!("`{}` exists, and another {} has its earlier name", resource.address, section.singular);
    Some(
        Diagnostic::warning(Code::AmbiguousName, message)
            .at(was.span, format!("nothing is renamed: `{identity}` is there already"))
            .help("remove `was`; the other one is left alone")
            .on(&resource.address),
    )
}
