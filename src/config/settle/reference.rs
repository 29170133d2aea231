//! References, each to a declared resource if there is one, else to what should exist remotely.

use std::sync::Arc;

use super::{Needs, Question, Settler, Told, fold};
use crate::config::collect::{Context, Draft, Raw, RawReference, RawTo};
use crate::config::names;
use crate::config::shape::Subject;
use crate::config::text::as_text;
use crate::config::words::{a, shown};
use crate::model::{Address, Code, Diagnostic, Reference, Section, Segment, TemplatePart, To, Value};
use crate::suggest::Suggest;

impl Settler {
    /// Resolves a reference in its place, or notes what has to be known first.
    pub(super) fn resolve(&mut self, at: usize, field: usize, needs: &mut Needs, cx: &mut Context<'_>) {
        let draft = &self.drafts[at];
        let Raw::Reference(reference) = &draft.fields[field].raw else { return };
        let to = match &reference.to {
            RawTo::Resolved(_) | RawTo::Faulty => return,
            RawTo::Name(name) => self.resolve_name(at, field, reference, name, needs, cx),
            RawTo::Id { id, slug } => match names_whole(id, reference.section, cx) {
                Some(address) => Some(self.same_target(at, field, address, cx)),
                None => self.resolve_id(at, field, id, slug.as_ref(), needs, cx),
            },
        };
        let Some(to) = to else { return };
        let section = reference.section;
        let span = draft.fields[field].span;
        let Some(to) = to.known() else {
            self.put(at, field, RawTo::Faulty);
            return;
        };
        if let To::Declared(address) = &to {
            self.drafts[at].uses.push((address.clone(), span));
        }
        self.put(at, field, RawTo::Resolved(Reference { section, to }));
    }

    fn put(&mut self, at: usize, field: usize, to: RawTo) {
        if let Raw::Reference(reference) = &mut self.drafts[at].fields[field].raw {
            reference.to = to;
        }
    }

    /// `None`: something has to be known first.
    fn resolve_name(
        &self,
        at: usize,
        field: usize,
        reference: &RawReference,
        name: &Value,
        needs: &mut Needs,
        cx: &mut Context<'_>,
    ) -> Option<Told<To>> {
        let draft = &self.drafts[at];
        if let Some(address) = names_whole(name, reference.section, cx) {
            return Some(self.same_target(at, field, address, cx));
        }
        let text = self.known_text(at, field, name, needs, cx)?;
        let Told::Known(text) = text else { return Some(Told::Faulty) };
        // Where there is no target, that is what has been told.
        let Some(target) = &draft.target else { return Some(Told::Faulty) };
        let declared = cx.declared.number(reference.section, &text);
        if let Some(there) = declared.map(|there| &self.drafts[there as usize])
            && there.target.as_ref().is_none_or(|there| there == target)
        {
            return Some(Told::Known(To::Declared(there.address.clone())));
        }
        let section = cx.registry.section(reference.section);
        let fold_case = section.is_some_and(|section| section.fold_case);
        if !self.ask(Question::Names(reference.section), needs) {
            return None;
        }
        let named = self.names.get(&(Arc::clone(target), reference.section));
        match named.and_then(|names| names.get(&fold(&text, fold_case))).map(Vec::as_slice) {
            Some([only]) => return Some(Told::Known(To::Declared(self.drafts[*only].address.clone()))),
            Some([first, second, ..]) => {
                let (first, second) = (&self.drafts[*first].address, &self.drafts[*second].address);
                let message = format!("`{}` means both `{first}` and `{second}`", shown(&text));
                self.unresolved(at, field, message, "which one?", format!("write its key, `{}`", first.key), cx);
                return Some(Told::Faulty);
            }
            Some([]) | None => {}
        }
        if let Some(there) = declared {
            return Some(self.same_target(at, field, self.drafts[there as usize].address.clone(), cx));
        }
        if let Some(section) = section
            && !self.could_be_remote(at, field, section, &text, cx)
        {
            return Some(Told::Faulty);
        }
        match reference.qualifier.and_then(|qualifier| draft.field(qualifier)) {
            None => Some(Told::Known(To::Natural { name: text, qualifier: None })),
            Some((at_qualifier, field)) => {
                let Raw::Value(value) = &field.raw else { return Some(Told::Faulty) };
                match self.known_text(at, at_qualifier, value, needs, cx)? {
                    Told::Known(qualifier) => Some(Told::Known(To::Natural { name: text, qualifier: Some(qualifier) })),
                    _ => Some(Told::Faulty),
                }
            }
        }
    }

    fn resolve_id(
        &self,
        at: usize,
        field: usize,
        id: &Value,
        slug: Option<&Value>,
        needs: &mut Needs,
        cx: &mut Context<'_>,
    ) -> Option<Told<To>> {
        let id = self.known_text(at, field, id, needs, cx)?;
        let slug = match slug {
            Some(slug) => Some(self.known_text(at, field, slug, needs, cx)?),
            None => None,
        };
        match (id, slug) {
            (Told::Known(id), None) => Some(Told::Known(To::Id { id, slug: None })),
            (Told::Known(id), Some(Told::Known(slug))) => Some(Told::Known(To::Id { id, slug: Some(slug) })),
            _ => Some(Told::Faulty),
        }
    }

    pub(super) fn same_target(&self, at: usize, field: usize, address: Address, cx: &mut Context<'_>) -> Told<To> {
        let draft = &self.drafts[at];
        let there = cx.declared.number(address.section, &address.key).map(|there| &self.drafts[there as usize]);
        let (Some(own), Some(other)) = (&draft.target, there.and_then(|there| there.target.as_ref())) else {
            return Told::Known(To::Declared(address));
        };
        if own == other {
            return Told::Known(To::Declared(address));
        }
        let span = draft.fields[field].span;
        let declared = there.map_or(span, |there| there.key_span);
        cx.report.push(
            Diagnostic::error(Code::InvalidTarget, format!("`{address}` is on another target"))
                .at(span, format!("`{}` is on `{own}`", draft.address))
                .also(declared, format!("this one is on `{other}`"))
                .help("a reference stays on its target: refer to an object there, or correct `target`")
                .on(&draft.address),
        );
        Told::Faulty
    }

    /// A string that has to be known now. `None`: something has to be known first.
    fn known_text(
        &self,
        at: usize,
        field: usize,
        value: &Value,
        needs: &mut Needs,
        cx: &mut Context<'_>,
    ) -> Option<Told<Arc<str>>> {
        let Value::Template(template) = value else {
            return Some(value.as_text().map_or(Told::Faulty, |text| Told::Known(text.into())));
        };
        let mut own = Needs::default();
        let folded = self.evaluate(template, &mut own, cx);
        if own.circular || !own.questions.is_empty() {
            needs.circular |= own.circular;
            needs.questions.extend(own.questions);
            return None;
        }
        if let Some(text) = as_text(&folded) {
            return Some(Told::Known(text));
        }
        let draft = &self.drafts[at];
        let name = draft.fields[field].field.name;
        let (code, message, label) = match folded {
            Value::Sensitive(_) => (
                Code::InvalidValue,
                format!("a sensitive value cannot be part of `{name}`"),
                "names of objects are shown in plans",
            ),
            _ => (
                Code::UnknownIdentity,
                format!("what `{name}` refers to would be known only after apply"),
                "depends on what the remote will say",
            ),
        };
        cx.report.push(
            Diagnostic::error(code, message)
                .at(draft.fields[field].span, label)
                .help("name a declared key, or use only variables and fields that are written out")
                .on(&draft.address),
        );
        Some(Told::Faulty)
    }

    /// Whether an object outside these files could be called so. If not, that is told.
    fn could_be_remote(
        &self,
        at: usize,
        field: usize,
        section: &'static Section,
        text: &str,
        cx: &mut Context<'_>,
    ) -> bool {
        let form = names::natural_form(section, cx.registry);
        let wanted = form.split('/').count();
        let parts: Vec<&str> = text.splitn(wanted, '/').collect();
        let wrong_form = parts.len() < wanted || parts.iter().any(|part| part.is_empty());
        let mut wrong_shape = || match section.key {
            [part] => {
                let value = Value::text(text);
                let subject = Subject { name: part.name, value: &value, lexeme: None, secret: false };
                cx.shapes.check(&part.shape, subject, &Suggest::default()).is_err()
            }
            _ => false,
        };
        if !wrong_form && !wrong_shape() {
            return true;
        }
        let singular = section.singular;
        let (message, takes) = if section.declarable {
            let natural = if form.contains('/') { format!("`{form}`") } else { a(&form) };
            let message = format!("`{}` is neither a declared {singular} nor {natural}", shown(text));
            (message, names::takes(section.name, cx.registry))
        } else {
            (format!("`{}` is not `{form}`", shown(text)), format!("`{form}`"))
        };
        let nearest = match self.called(section, text, cx) {
            Some(draft) => Some(&*draft.address.key),
            None => cx.report.suggest.nearest(text, cx.declared.keys(section.name)),
        };
        let help = match nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("write {takes}"),
        };
        self.unresolved(at, field, message, "names nothing that could exist", help, cx);
        false
    }

    /// The declared resource of this name: the one that people see is often taken for the key.
    fn called(&self, section: &'static Section, text: &str, cx: &Context<'_>) -> Option<&Draft> {
        // Where everything is wrong, looking through everything each time would take long.
        if cx.report.errors() > 200 {
            return None;
        }
        self.sections.get(section.name)?.iter().map(|member| &self.drafts[*member]).find(|draft| {
            let name = draft.field("name").map(|(_, field)| &field.raw);
            matches!(name, Some(Raw::Value(Value::Text(name))) if **name == *text)
        })
    }

    fn unresolved(&self, at: usize, field: usize, message: String, label: &str, help: String, cx: &mut Context<'_>) {
        let draft = &self.drafts[at];
        cx.report.push(
            Diagnostic::error(Code::UnresolvedReference, message)
                .at(draft.fields[field].span, label)
                .help(help)
                .on(&draft.address),
        );
    }
}

/// The resource, if a value is exactly an expression for the id, slug or name of one of this section.
fn names_whole(value: &Value, section: &str, cx: &Context<'_>) -> Option<Address> {
    let Value::Template(template) = value else { return None };
    let [TemplatePart::Field { address, path }] = &template.parts[..] else { return None };
    let table = cx.registry.section(address.section).filter(|table| table.name == section)?;
    let [Segment::Key(name)] = &path.0[..] else { return None };
    let names = &**name == table.id_name() || table.key.last().is_some_and(|part| part.name == &**name);
    names.then(|| address.clone())
}
