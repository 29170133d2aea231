//! Values of templates, as far as these files say them.

use std::sync::Arc;

use super::{Needs, Question, Settler};
use crate::config::collect::{Context, Raw};
use crate::config::text::as_text;
use crate::model::{Address, KeySource, Map, Path, Segment, Sensitive, Template, TemplatePart, Value};

impl Settler {
    /// Puts what is known into the templates of a field.
    pub(super) fn fold_field(&mut self, at: usize, field: usize, cx: &mut Context<'_>) -> Vec<Question> {
        let mut needs = Needs::default();
        let folded = match &self.drafts[at].fields[field].raw {
            Raw::Value(value) => self.fold(value, &mut needs, cx),
            Raw::Reference(_) => Value::Unknown,
        };
        self.check_room(at, field, cx);
        if needs.questions.is_empty() {
            self.folded.insert((at, field), folded);
            if needs.circular {
                self.tangled.insert((at, field));
            }
        }
        needs.questions
    }

    fn fold(&self, value: &Value, needs: &mut Needs, cx: &Context<'_>) -> Value {
        match value {
            Value::Template(template) => self.evaluate(template, needs, cx),
            Value::List(items) => Value::List(items.iter().map(|item| self.fold(item, needs, cx)).collect()),
            Value::Map(map) => {
                let entries = map.iter().map(|(key, value)| (Arc::clone(key), self.fold(value, needs, cx)));
                Value::Map(Box::new(entries.collect::<Map>()))
            }
            value => value.clone(),
        }
    }

    pub(super) fn evaluate(&self, template: &Template, needs: &mut Needs, cx: &Context<'_>) -> Value {
        let read = |address: &Address, path: &Path, needs: &mut Needs| {
            let value = self.read(address, path, needs, cx);
            if self.room.takes(&value) { value } else { Value::Unknown }
        };
        let hide = |value: Value, sensitive: bool| match value {
            Value::Unknown => Value::Unknown,
            value if sensitive => Sensitive::wrap(value),
            value => value,
        };
        if let [TemplatePart::Field { address, path }] = &template.parts[..] {
            return hide(read(address, path, needs), template.sensitive);
        }
        let mut whole = String::new();
        let mut sensitive = template.sensitive;
        let mut unknown = template.redacted;
        for part in &template.parts {
            match part {
                TemplatePart::Literal(text) => whole.push_str(text),
                TemplatePart::Field { address, path } => {
                    let value = read(address, path, needs);
                    let exposed = if let Value::Sensitive(secret) = &value {
                        sensitive = true;
                        secret.expose()
                    } else {
                        &value
                    };
                    match as_text(exposed) {
                        Some(text) => whole.push_str(&text),
                        None => unknown = true,
                    }
                }
            }
        }
        if unknown { Value::Unknown } else { hide(Value::text(whole), sensitive) }
    }

    /// The value at a path of a resource, as far as these files say it.
    fn read(&self, address: &Address, path: &Path, needs: &mut Needs, cx: &Context<'_>) -> Value {
        let (Some(at), Some((Segment::Key(name), inner))) =
            (cx.declared.number(address.section, &address.key), path.0.split_first())
        else {
            return Value::Unknown;
        };
        let at = at as usize;
        let draft = &self.drafts[at];
        let Some((field, declared)) = draft.field(name) else {
            let key = draft.section.key.iter().find(|part| part.name == &**name && part.from != KeySource::Reference);
            return key.map_or(Value::Unknown, |_| Value::Text(Arc::clone(&address.key)));
        };
        match &declared.raw {
            Raw::Reference(_) => Value::Unknown,
            Raw::Value(value) if !value.has_template() => navigate(value, inner),
            Raw::Value(_) => {
                if self.ask(Question::Field(at, field), needs) {
                    navigate(&self.folded[&(at, field)], inner)
                } else {
                    Value::Unknown
                }
            }
        }
    }
}

fn navigate(value: &Value, inner: &[Segment]) -> Value {
    let Some((first, rest)) = inner.split_first() else { return value.clone() };
    match (value, first) {
        (Value::Map(map), Segment::Key(key)) => map.get(key).map_or(Value::Unknown, |value| navigate(value, rest)),
        (Value::List(items), Segment::Index(at)) => {
            items.get(*at).map_or(Value::Unknown, |value| navigate(value, rest))
        }
        (Value::Sensitive(secret), _) => match navigate(secret.expose(), inner) {
            Value::Unknown => Value::Unknown,
            value => Sensitive::wrap(value),
        },
        _ => Value::Unknown,
    }
}
