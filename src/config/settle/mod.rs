//! Drafts to resources: who is who, who refers to whom, and what needs what.
//!
//! A natural key may hang on another resource's (a space's on its organization's) and its name may be read from any
//! other resource, so questions are answered on demand, each once. Chains of questions may be as long as there are
//! resources: they are kept in a list of ours, not on the call stack.

mod reference;
mod value;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::config::collect::{Context, Draft, DraftField, Raw, RawReference, RawTo};
use crate::config::decode::tell;
use crate::config::names;
use crate::config::places::Body;
use crate::config::shape::Subject;
use crate::config::text::as_text;
use crate::config::words::{a, shown};
use crate::graph::{self, Parts};
use crate::model::{
    Address, Code, Diagnostic, Fields, Identity, KeyPart, KeySource, Places, Reference, Resource, Room, Shape, Span,
    TargetName, To, Value,
};

/// Turns drafts and their parts into resources, in their order. If anything is wrong, it has been told and there are none.
pub(super) fn settle(mut drafts: Vec<Draft>, cx: &mut Context<'_>) -> Vec<Resource> {
    let mut owners: HashMap<Address, Parts> = HashMap::new();
    let mut parts = Vec::new();
    for draft in drafts.iter_mut().filter(|draft| !draft.parts.is_empty()) {
        owners.insert(draft.address.clone(), parts_of(draft));
        parts.append(&mut draft.parts);
    }
    // Behind all others: those are known by their number.
    drafts.extend(parts);
    let mut settler = Settler::new(drafts, cx);
    for draft in 0..settler.drafts.len() {
        settler.answer(Question::Identity(draft), cx);
    }
    for draft in 0..settler.drafts.len() {
        settler.finish(draft, cx);
    }
    settler.duplicates(cx);
    let mut requires: Vec<Vec<(Address, Span)>> = settler.drafts.iter_mut().map(requires).collect();
    let addressed = settler.drafts.iter().map(|draft| &draft.address).zip(&mut requires);
    graph::require_parts(addressed, |address| owners.get(address));
    let cycles =
        graph::cycles(settler.drafts.iter().map(|draft| &draft.address).zip(requires.iter().map(Vec::as_slice)));
    // What hangs on itself is part of a cycle, which says it better.
    if cycles.is_empty() {
        settler.circular(cx);
    }
    for cycle in cycles {
        cx.report.push(cycle);
    }
    settler.absent(&requires, cx);
    if cx.report.errors() > 0 {
        return Vec::new();
    }
    let Settler { drafts, identities, .. } = settler;
    let parts = drafts.into_iter().zip(identities).zip(requires);
    let resource = |((draft, identity), requires): ((Draft, _), _)| {
        let parts = owners.remove(&draft.address).map(|parts| parts.all).unwrap_or_default();
        Resource { parts, ..resource(draft, identity, requires) }
    };
    parts.map(resource).collect()
}

fn parts_of(draft: &Draft) -> Parts {
    let mut parts: Vec<&Draft> = draft.parts.iter().collect();
    parts.sort_unstable_by(|a, b| a.address.cmp(&b.address));
    let awaited = parts.iter().filter(|part| part.lifecycle.absent.is_none());
    Parts {
        awaited: awaited.map(|part| part.address.clone()).collect(),
        all: parts.iter().map(|part| part.address.clone()).collect(),
    }
}

/// Sorted by address, each once, with the place where that is said first.
fn requires(draft: &mut Draft) -> Vec<(Address, Span)> {
    let mut uses = std::mem::take(&mut draft.uses);
    uses.sort_unstable();
    uses.dedup_by(|later, earlier| later.0 == earlier.0);
    uses
}

fn resource(draft: Draft, identity: Told<Identity>, requires: Vec<(Address, Span)>) -> Resource {
    let span = draft.key_span.to(draft.tree.node(draft.body).span());
    let fields: Fields = draft
        .fields
        .into_iter()
        .map(|field| {
            let value = match field.raw {
                Raw::Value(value) => value,
                Raw::Reference(RawReference { to: RawTo::Resolved(reference), .. }) => {
                    Value::Reference(Box::new(reference))
                }
                Raw::Reference(_) => unreachable!("without errors every reference is resolved"),
            };
            (field.field.name, value)
        })
        .collect();
    Resource {
        target: draft.target.expect("without errors every resource has a target"),
        identity: identity.known().expect("without errors every resource has an identity"),
        fields,
        lifecycle: draft.lifecycle,
        span,
        key_span: draft.key_span,
        places: Places::new(Arc::new(Body {
            tree: draft.tree,
            node: draft.body,
            key_span: draft.key_span,
            short: draft.short,
        })),
        requires,
        parts: Vec::new(),
        address: draft.address,
    }
}

/// Something to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    /// The natural key of a draft.
    Identity(usize),
    /// The value of a field with templates in it, as far as it is known without a remote.
    Field(usize, usize),
    /// Which natural keys are declared in a section.
    Names(&'static str),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told<T> {
    NotYet,
    Known(T),
    /// There is none; it has been told why.
    Faulty,
}

impl<T> Told<T> {
    fn known(self) -> Option<T> {
        match self {
            Self::Known(known) => Some(known),
            Self::NotYet | Self::Faulty => None,
        }
    }
}

/// What has to be found out before a question can be answered.
#[derive(Default)]
struct Needs {
    questions: Vec<Question>,
    /// One of them hangs on the question itself.
    circular: bool,
}

/// Natural keys, and the drafts that have them.
type Names = HashMap<Box<str>, Vec<usize>>;

struct Settler {
    drafts: Vec<Draft>,
    identities: Vec<Told<Identity>>,
    folded: HashMap<(usize, usize), Value>,
    /// By target and section; folded where the remote folds them.
    names: HashMap<(TargetName, &'static str), Names>,
    named: HashSet<&'static str>,
    asked: HashSet<Question>,
    /// Fields whose value hangs on itself.
    tangled: HashSet<(usize, usize)>,
    /// Drafts whose identity hangs on itself.
    circular: Vec<usize>,
    room: Room,
    told_room: bool,
    sections: HashMap<&'static str, Vec<usize>>,
}

impl Settler {
    fn new(drafts: Vec<Draft>, cx: &Context<'_>) -> Self {
        let identities = drafts.iter().map(|_| Told::NotYet).collect();
        let mut sections: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (at, draft) in drafts.iter().enumerate() {
            sections.entry(draft.section.name).or_default().push(at);
        }
        // A section in which nothing is declared has no names to wait for.
        let named = cx.registry.sections().map(|section| section.name).filter(|name| !sections.contains_key(name));
        Self {
            identities,
            folded: HashMap::new(),
            names: HashMap::new(),
            named: named.collect(),
            asked: HashSet::new(),
            tangled: HashSet::new(),
            circular: Vec::new(),
            room: Room::default(),
            told_room: false,
            sections,
            drafts,
        }
    }

    fn answered(&self, question: Question) -> bool {
        match question {
            Question::Identity(draft) => self.identities[draft] != Told::NotYet,
            Question::Field(draft, field) => self.folded.contains_key(&(draft, field)),
            Question::Names(section) => self.named.contains(section),
        }
    }

    /// Answers a question, after all that it hangs on.
    fn answer(&mut self, question: Question, cx: &mut Context<'_>) {
        let mut open = vec![question];
        while let Some(question) = open.last().copied() {
            if self.answered(question) {
                open.pop();
                continue;
            }
            self.asked.insert(question);
            let needs = match question {
                Question::Identity(draft) => self.identify(draft, cx),
                Question::Field(draft, field) => self.fold_field(draft, field, cx),
                Question::Names(section) => self.name(section),
            };
            if needs.is_empty() {
                self.asked.remove(&question);
                open.pop();
            } else {
                open.extend(needs);
            }
        }
    }

    /// Whether a question has been answered; otherwise it becomes a need.
    fn ask(&self, question: Question, needs: &mut Needs) -> bool {
        if self.answered(question) {
            needs.circular |=
                matches!(question, Question::Field(draft, field) if self.tangled.contains(&(draft, field)));
            return true;
        }
        if self.asked.contains(&question) {
            needs.circular = true;
        } else {
            needs.questions.push(question);
        }
        false
    }

    /// The identity of a draft, or what has to be known first.
    fn identify(&mut self, at: usize, cx: &mut Context<'_>) -> Vec<Question> {
        let mut needs = Needs::default();
        let section = self.drafts[at].section;
        // References first: they may have to be resolved, and telling twice what is wrong has to be avoided.
        for part in section.key {
            if part.from == KeySource::Reference
                && let Some((field, _)) = self.drafts[at].field(part.name)
            {
                self.resolve(at, field, &mut needs, cx);
            }
        }
        let parts: Vec<Told<Arc<str>>> = section.key.iter().map(|part| self.part(at, part, &mut needs, cx)).collect();
        if !needs.questions.is_empty() {
            return needs.questions;
        }
        if needs.circular {
            self.circular.push(at);
            self.identities[at] = Told::Faulty;
            return Vec::new();
        }
        let mut identity = Identity { parts: Vec::with_capacity(parts.len()) };
        let mut faulty = false;
        for (part, value) in section.key.iter().zip(parts) {
            match value {
                Told::Known(value) => faulty |= !self.add_part(at, part, value, &mut identity, cx),
                Told::Faulty => faulty = true,
                Told::NotYet => {
                    faulty = true;
                    let field = self.drafts[at].field(part.name).map(|(_, field)| field.span);
                    let span = field.unwrap_or(self.drafts[at].key_span);
                    cx.report.push(
                        Diagnostic::error(
                            Code::UnknownIdentity,
                            format!(
                                "the {} of `{}` would be known only after apply",
                                part.name, self.drafts[at].address
                            ),
                        )
                        .at(span, "depends on what the remote will say")
                        .help(format!(
                            "{} is found by it: write it out, or use only variables and fields that are written out",
                            a(section.singular)
                        ))
                        .on(&self.drafts[at].address),
                    );
                }
            }
        }
        self.identities[at] = if faulty { Told::Faulty } else { Told::Known(identity) };
        Vec::new()
    }

    /// One part of a natural key; not known if only the remote can tell.
    fn part(&self, at: usize, part: &KeyPart, needs: &mut Needs, cx: &Context<'_>) -> Told<Arc<str>> {
        let draft = &self.drafts[at];
        let field = match part.from {
            KeySource::Key => return Told::Known(Arc::clone(&draft.address.key)),
            KeySource::Field | KeySource::FieldOrKey | KeySource::Reference => draft.field(part.name),
        };
        match field.map(|(at, field)| (at, &field.raw)) {
            None if part.from == KeySource::FieldOrKey => Told::Known(Arc::clone(&draft.address.key)),
            Some((_, Raw::Value(Value::Text(text)))) => Told::Known(Arc::clone(text)),
            Some((field, Raw::Value(Value::Template(_)))) => {
                if !self.ask(Question::Field(at, field), needs) {
                    return Told::NotYet;
                }
                match &self.folded[&(at, field)] {
                    Value::Text(text) => Told::Known(Arc::clone(text)),
                    // Told when the value is checked.
                    Value::Sensitive(_) => Told::Faulty,
                    Value::Unknown => Told::NotYet,
                    other => as_text(other).map_or(Told::Faulty, Told::Known),
                }
            }
            // That the field is missing, or what is wrong with it, has been told.
            None | Some((_, Raw::Value(_))) => Told::Faulty,
            Some((_, Raw::Reference(reference))) => match &reference.to {
                RawTo::Resolved(Reference { to: To::Declared(address), .. }) => {
                    let Some(parent) = cx.declared.number(address.section, &address.key) else { return Told::Faulty };
                    let parent = parent as usize;
                    if !self.ask(Question::Identity(parent), needs) {
                        return Told::NotYet;
                    }
                    match &self.identities[parent] {
                        Told::Known(identity) => Told::Known(identity.to_string().into()),
                        _ => Told::Faulty,
                    }
                }
                RawTo::Resolved(Reference { to: To::Natural { name, .. }, .. }) => Told::Known(Arc::clone(name)),
                RawTo::Resolved(Reference { to: To::Id { id, .. }, .. }) => Told::Known(Arc::clone(id)),
                RawTo::Faulty => Told::Faulty,
                // Its needs have been noted when it was to be resolved.
                RawTo::Name(_) | RawTo::Id { .. } => Told::NotYet,
            },
        }
    }

    /// Adds a part, if it has the form that it must have.
    fn add_part(&self, at: usize, part: &KeyPart, text: Arc<str>, to: &mut Identity, cx: &mut Context<'_>) -> bool {
        let draft = &self.drafts[at];
        let field = if part.from == KeySource::Key { None } else { draft.field(part.name) };
        if part.from != KeySource::Reference {
            // A key that cannot be an address has been told already.
            let invalid_key = field.is_none() && crate::config::collect::key_problem(&text).is_some();
            let value = Value::Text(Arc::clone(&text));
            let subject = Subject { name: part.name, value: &value, lexeme: None, secret: false };
            if !invalid_key && let Err(complaint) = cx.shapes.check(&part.shape, subject, &cx.report.suggest) {
                if let Some((_, field)) = field {
                    tell(complaint, draft.tree.node(field.node), &draft.address, cx);
                    return false;
                }
                let own = format!("; or keep the key and declare `{}: …`", part.name);
                let own = if part.from == KeySource::FieldOrKey { own } else { String::new() };
                let help = complaint.help.unwrap_or_else(|| format!("give it a key that is a {}", part.name));
                // "not a slug" again would say nothing new.
                let why = Some(complaint.label).filter(|label| !complaint.message.ends_with(&**label));
                let why = why.map_or_else(String::new, |label| format!(": {label}"));
                cx.report.push(
                    Diagnostic::error(Code::InvalidKey, complaint.message)
                        .at(draft.key_span, format!("the key is the {}{why}", part.name))
                        .help(format!("{help}{own}"))
                        .on(&draft.address),
                );
                return false;
            }
        }
        to.parts.push((part.name, text));
        true
    }

    /// Finds out the natural keys of a section.
    fn name(&mut self, section: &'static str) -> Vec<Question> {
        let members = self.sections.get(section).map(Vec::as_slice).unwrap_or_default();
        let mut needs = Needs::default();
        for member in members {
            self.ask(Question::Identity(*member), &mut needs);
        }
        if !needs.questions.is_empty() {
            return needs.questions;
        }
        let mut names: HashMap<TargetName, Names> = HashMap::new();
        for member in members {
            let draft = &self.drafts[*member];
            if let (Some(target), Told::Known(identity)) = (&draft.target, &self.identities[*member]) {
                let name = fold(&identity.to_string(), draft.section.fold_case);
                names.entry(Arc::clone(target)).or_default().entry(name).or_default().push(*member);
            }
        }
        self.names.extend(names.into_iter().map(|(target, names)| ((target, section), names)));
        self.named.insert(section);
        Vec::new()
    }

    /// Tells once that expressions come to too much.
    fn check_room(&mut self, at: usize, field: usize, cx: &mut Context<'_>) {
        if self.room.is_spent() && !self.told_room {
            self.told_room = true;
            let draft = &self.drafts[at];
            let span = draft.fields[field].span;
            cx.report.push(Room::refusal().at(span, "this no longer fits in").on(&draft.address));
        }
    }

    /// Resolves what is left of a draft and checks the values that have become known.
    fn finish(&mut self, at: usize, cx: &mut Context<'_>) {
        for field in 0..self.drafts[at].fields.len() {
            loop {
                let mut needs = Needs::default();
                self.resolve(at, field, &mut needs, cx);
                self.check_room(at, field, cx);
                if needs.questions.is_empty() {
                    break;
                }
                for question in needs.questions {
                    self.answer(question, cx);
                }
            }
            let DraftField { field: table, raw, .. } = &self.drafts[at].fields[field];
            // Whatever comes to stand inside a free-form value is right.
            let free = matches!(table.shape, Shape::Object | Shape::Mappings { .. } | Shape::Any)
                && !matches!(raw, Raw::Value(Value::Template(_)));
            if !free && matches!(raw, Raw::Value(value) if value.has_template()) {
                self.answer(Question::Field(at, field), cx);
                self.check_folded(at, field, cx);
            }
            self.check_secret(at, field, cx);
            self.use_named(at, field, cx);
        }
    }

    /// What a field names without being a reference is needed first all the same, if it is declared.
    fn use_named(&mut self, at: usize, field: usize, cx: &mut Context<'_>) {
        let draft = &self.drafts[at];
        let declared = &draft.fields[field];
        let (Some(section), Raw::Value(value)) = (declared.field.shape.names(), &declared.raw) else { return };
        let node = draft.tree.node(declared.node);
        let mut uses = Vec::new();
        for (path, name) in declared.field.shape.named(value) {
            let Some(address) = cx.declared.address(section, name) else { continue };
            if let Told::Known(To::Declared(address)) = self.same_target(at, field, address, cx) {
                uses.push((address, node.locate(&path).0));
            }
        }
        self.drafts[at].uses.extend(uses);
    }

    fn check_folded(&self, at: usize, field: usize, cx: &mut Context<'_>) {
        let draft = &self.drafts[at];
        let declared = &draft.fields[field];
        let identifies = draft.section.key.iter().any(|part| part.name == declared.field.name);
        if identifies && self.identities[at] == Told::Faulty {
            return;
        }
        let value = &self.folded[&(at, field)];
        let secret = declared.field.sensitive || value.has_sensitive();
        let subject = Subject { name: declared.field.name, value, lexeme: None, secret };
        if let Err(complaint) = cx.shapes.check(&declared.field.shape, subject, &cx.report.suggest) {
            tell(complaint, draft.tree.node(declared.node), &draft.address, cx);
        }
    }

    /// What identifies an object is shown everywhere, so no secret may be in it.
    fn check_secret(&self, at: usize, field: usize, cx: &mut Context<'_>) {
        let draft = &self.drafts[at];
        let declared = &draft.fields[field];
        let Raw::Value(value) = &declared.raw else { return };
        if !draft.section.key.iter().any(|part| part.name == declared.field.name) {
            return;
        }
        let secret = match value {
            Value::Template(_) => self.folded.get(&(at, field)).is_some_and(Value::has_sensitive),
            value => value.has_sensitive(),
        };
        let secret = secret || matches!(value, Value::Template(template) if template.sensitive);
        if secret {
            let name = declared.field.name;
            cx.report.push(
                Diagnostic::error(Code::InvalidValue, format!("a sensitive value cannot be part of `{name}`"))
                    .at(declared.span, "shown in plans and sent in paths")
                    .help("use a variable that is not sensitive")
                    .on(&draft.address),
            );
        }
    }

    /// Tells resources that mean the same object.
    fn duplicates(&self, cx: &mut Context<'_>) {
        let mut first: HashMap<(&TargetName, &'static str, Vec<Box<str>>), usize> = HashMap::new();
        let mut folds: HashMap<&'static str, Vec<bool>> = HashMap::new();
        for (at, draft) in self.drafts.iter().enumerate() {
            let (Some(target), Told::Known(identity)) = (&draft.target, &self.identities[at]) else { continue };
            let folds = folds.entry(draft.section.name).or_insert_with(|| names::folds(draft.section, cx.registry));
            let parts = identity.parts.iter().zip(&*folds).map(|((_, value), folds)| fold(value, *folds)).collect();
            match first.entry((target, draft.section.name, parts)) {
                std::collections::hash_map::Entry::Vacant(vacant) => {
                    vacant.insert(at);
                }
                std::collections::hash_map::Entry::Occupied(occupied) => {
                    let earlier = &self.drafts[*occupied.get()];
                    cx.report.push(
                        Diagnostic::error(
                            Code::DuplicateIdentity,
                            format!(
                                "`{}` and `{}` mean the same {}",
                                earlier.address, draft.address, draft.section.singular
                            ),
                        )
                        .at(draft.key_span, format!("`{}` again", shown(&identity.to_string())))
                        .also(earlier.key_span, "declared first here")
                        .help("keep one of them, or give one another name")
                        .on(&draft.address),
                    );
                }
            }
        }
    }

    /// Nothing that shall exist can need what shall not.
    fn absent(&self, requires: &[Vec<(Address, Span)>], cx: &mut Context<'_>) {
        let living = self.drafts.iter().zip(requires).filter(|(draft, _)| draft.lifecycle.absent.is_none());
        for (draft, requires) in living {
            for (address, span) in requires {
                let number = cx.declared.number(address.section, &address.key);
                let Some(absent) = number.and_then(|at| self.drafts[at as usize].lifecycle.absent) else { continue };
                cx.report.push(
                    Diagnostic::error(
                        Code::RefersToAbsent,
                        format!("`{}` needs `{address}`, which shall not exist", draft.address),
                    )
                    .at(*span, "refers to it here")
                    .also(absent, "its deletion is asked for here")
                    .help(format!(
                        "remove this reference, declare `{}` absent too, or take `absent` back",
                        draft.address
                    ))
                    .on(&draft.address),
                );
            }
        }
    }

    /// Tells the identities that hang on themselves.
    fn circular(&self, cx: &mut Context<'_>) {
        for at in &self.circular {
            let draft = &self.drafts[*at];
            cx.report.push(
                Diagnostic::error(
                    Code::UnknownIdentity,
                    format!("what identifies `{}` depends on itself", draft.address),
                )
                .at(draft.key_span, "cannot be told")
                .help("write its name out, and refer to other resources by their keys")
                .on(&draft.address),
            );
        }
    }
}

/// A name as it is compared.
fn fold(name: &str, fold_case: bool) -> Box<str> {
    if fold_case { name.to_lowercase().into() } else { name.into() }
}
