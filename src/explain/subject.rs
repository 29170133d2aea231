//! What somebody wants explained.

use super::words::{listed, names};
use crate::config::{nearest_field, nearest_section};
use crate::kind::Registry;
use crate::model::{Attribute, Code, Diagnostic, Field, LIFECYCLE, LifecycleField, Section};
use crate::suggest::Suggest;

/// What can be explained.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// What there is.
    Everything,
    /// A kind.
    Kind(&'static Section),
    /// A field of a kind.
    Field(&'static Section, &'static Field),
    /// What the remote adds to objects of a kind.
    Attribute(&'static Section, &'static Attribute),
    /// `lifecycle:`.
    Lifecycle,
    /// A word of it.
    LifecycleField(&'static LifecycleField),
    /// `target:`, of a certain kind or of any.
    Target(Option<&'static Section>),
    /// A diagnostic code.
    Code(Code),
}

/// What `word` means: a kind, `kind.field`, `lifecycle`, `lifecycle.field`, or a code with or without what stands before
/// its last part. Otherwise what it may mean, as a wrong command line.
pub fn find(word: &str, registry: &Registry) -> Result<Subject, Diagnostic> {
    let (first, rest) = word.split_once('.').map_or((word, None), |(first, rest)| (first, Some(rest)));
    match (first, rest, registry.section(first)) {
        ("lifecycle", None, _) => Ok(Subject::Lifecycle),
        ("lifecycle", Some(rest), _) => lifecycle(word, rest),
        ("target", None, _) => Ok(Subject::Target(None)),
        (_, None, Some(section)) => Ok(Subject::Kind(section)),
        (_, Some(rest), Some(section)) => inside(word, section, rest),
        (_, Some(rest), None) => match nearest_section(first, registry, &Suggest::default()) {
            Some(near) => Err(unknown(word, &meant(&format!("{near}.{rest}")))),
            None => Err(nothing(word)),
        },
        (_, None, None) => code(word, registry),
    }
}

fn lifecycle(word: &str, name: &str) -> Result<Subject, Diagnostic> {
    if let Some(field) = LIFECYCLE.iter().find(|field| field.name == name) {
        return Ok(Subject::LifecycleField(field));
    }
    let all = || LIFECYCLE.iter().map(|field| field.name);
    let help = match Suggest::default().nearest(name, all()) {
        Some(near) => meant(&format!("lifecycle.{near}")),
        None => format!("`lifecycle` has {}", names(all(), "and")),
    };
    Err(unknown(word, &help))
}

fn inside(word: &str, section: &'static Section, name: &str) -> Result<Subject, Diagnostic> {
    if let Some(field) = section.field(name) {
        return Ok(Subject::Field(section, field));
    }
    if section.declarable {
        match name.split_once('.') {
            None if name == "lifecycle" => return Ok(Subject::Lifecycle),
            Some(("lifecycle", rest)) => return lifecycle(word, rest),
            _ => {}
        }
        if name == "target" {
            return Ok(Subject::Target(Some(section)));
        }
        if let Some(attribute) = section.attribute(name) {
            return Ok(Subject::Attribute(section, attribute));
        }
    }
    let suggest = Suggest::default();
    let outer = name.split_once('.').and_then(|(outer, _)| section.field(outer));
    let near = outer.or_else(|| nearest_field(name, section, &suggest)).map(|field| field.name);
    let attributes = || section.attributes.iter().map(|attribute| attribute.name).filter(|_| section.declarable);
    let near = near.or_else(|| suggest.nearest(name, attributes().chain(["target", "lifecycle"])));
    let help = match near {
        Some(near) => meant(&format!("{}.{near}", section.name)),
        None if section.fields.is_empty() => format!("`{}` has no fields that could be declared", section.name),
        None => format!("`{}` has {}", section.name, names(section.fields.iter().map(|field| field.name), "and")),
    };
    Err(unknown(word, &help))
}

/// The parts of a code from each `::` on, the whole first.
fn endings(code: Code) -> impl Iterator<Item = &'static str> {
    let whole = code.as_str();
    std::iter::successors(Some(whole), |text| text.split_once("::").map(|(_, rest)| rest))
}

fn code(word: &str, registry: &Registry) -> Result<Subject, Diagnostic> {
    let meaning: Vec<Code> =
        Code::ALL.iter().copied().filter(|code| endings(*code).any(|ending| ending == word)).collect();
    match meaning.as_slice() {
        [code] => return Ok(Subject::Code(*code)),
        [] => {}
        several => {
            let several: Vec<String> = several.iter().map(|code| format!("`{code}`")).collect();
            let message = format!("`{word}` is the end of {} codes", several.len());
            return Err(usage(message, format!("write {}", listed(&several, "or"))));
        }
    }
    let suggest = Suggest::default();
    if !word.contains("::") {
        if let Some(near) = nearest_section(word, registry, &suggest) {
            return Err(unknown(word, &meant(near)));
        }
        if let Some(field) = LIFECYCLE.iter().find(|field| field.name == word) {
            return Err(unknown(word, &meant(&format!("lifecycle.{}", field.name))));
        }
        let having = registry.sections().filter(|section| section.field(word).is_some());
        let having: Vec<String> = having.map(|section| format!("`{}.{word}`", section.name)).collect();
        if !having.is_empty() {
            return Err(unknown(word, &format!("did you mean {}?", listed(&having, "or"))));
        }
    }
    let all = || Code::ALL.iter().copied().flat_map(endings);
    let others = registry.sections().map(|section| section.name).chain(["lifecycle", "target"]);
    match suggest.nearest(word, others.chain(all())) {
        Some(near) => Err(unknown(word, &meant(near))),
        None => Err(nothing(word)),
    }
}

fn meant(what: &str) -> String {
    format!("did you mean `{what}`?")
}

fn nothing(word: &str) -> Diagnostic {
    unknown(
        word,
        "`trueup explain` lists the kinds; the codes are those of diagnostics, `trueup::config::unknown_field`",
    )
}

fn unknown(word: &str, help: &str) -> Diagnostic {
    usage(format!("there is no kind, field or code `{word}`"), help.to_owned())
}

fn usage(message: String, help: String) -> Diagnostic {
    Diagnostic::error(Code::Usage, message).help(help)
}
