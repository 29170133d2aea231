//! Strings with expressions in them: variables are put in here, what needs another resource becomes a template.

use std::ops::Range;
use std::sync::Arc;

use super::collect::Context;
use super::expression::{self, Expression, Malformed, Piece};
use super::names;
use super::shape::Type;
use super::words::{listed, shown};
use super::yaml::{Content, Node};
use crate::model::{
    Address, Code, Diagnostic, Map, Path, Section, Segment, Sensitive, Shape, Span, Template, TemplatePart, Value,
};

/// A resource that something needs, and where that is said.
pub(super) type Use = (Address, Span);

/// A value with all strings in it resolved as far as that can be done without other resources. What is faulty has been
/// told and is [`Value::Unknown`].
pub(super) fn value(node: Node<'_>, owner: &Address, uses: &mut Vec<Use>, cx: &mut Context<'_>) -> Value {
    match node.content() {
        Content::Invalid => Value::Unknown,
        Content::Text(text) => string(node, text, owner, uses, cx),
        Content::List(items) => Value::List(items.map(|item| value(item, owner, uses, cx)).collect()),
        Content::Map(entries) => {
            let mut map = Map::with_capacity(entries.len());
            for entry in entries {
                map.insert(cx.key(entry.key), value(entry.value, owner, uses, cx));
            }
            Value::Map(Box::new(map))
        }
        Content::Null | Content::Bool(_) | Content::Integer(_) | Content::Unsigned(_) | Content::Float(_) => {
            node.to_value()
        }
    }
}

/// A string, likewise.
pub(super) fn string(node: Node<'_>, text: &str, owner: &Address, uses: &mut Vec<Use>, cx: &mut Context<'_>) -> Value {
    if expression::is_plain(text) {
        return Value::text(text);
    }
    let mut reader = Reader { node, text, owner, uses, cx };
    reader.read().unwrap_or(Value::Unknown)
}

struct Reader<'r, 't, 'c> {
    node: Node<'t>,
    text: &'t str,
    owner: &'r Address,
    uses: &'r mut Vec<Use>,
    cx: &'r mut Context<'c>,
}

impl<'t> Reader<'_, 't, '_> {
    fn read(&mut self) -> Option<Value> {
        let pieces = match expression::split(self.text) {
            Ok(pieces) => pieces,
            Err(at) => {
                let span = self.inside(at..at + 2);
                self.refuse(
                    Diagnostic::error(Code::InvalidExpression, "`${` is never closed")
                        .at(span, "starts here")
                        .help("close it with `}`; for a literal `${` write `$${`"),
                );
                return None;
            }
        };
        let alone = matches!(pieces[..], [Piece::Expression { .. }]);
        let mut parts: Vec<TemplatePart> = Vec::new();
        let mut literal = String::new();
        let (mut sensitive, mut redacted) = (false, false);
        let mut faulty = false;
        for piece in pieces {
            let (inner, range) = match piece {
                Piece::Literal(text) => {
                    literal.push_str(text);
                    continue;
                }
                Piece::Expression { inner, range } => (inner, range),
            };
            let span = self.inside(range);
            match self.expression(inner, span) {
                None => faulty = true,
                Some(Read::Variable(value)) if alone => return Some(value),
                Some(Read::Variable(value)) => {
                    let value = if let Value::Sensitive(secret) = &value {
                        sensitive = true;
                        secret.expose()
                    } else {
                        &value
                    };
                    if *value == Value::Redacted {
                        // Stands for it where parts are counted, and is never part of a value.
                        literal.push_str("[redacted]");
                        redacted = true;
                    } else if let Some(text) = as_text(value) {
                        literal.push_str(&text);
                    } else {
                        faulty = true;
                        self.refuse_in_text(inner, value.describe(), span);
                    }
                }
                Some(Read::Field { address, path, kind }) => {
                    if !alone && matches!(kind, Type::List | Type::Map) {
                        faulty = true;
                        self.refuse_in_text(inner, kind.describe(), span);
                    }
                    self.uses.push((address.clone(), span));
                    if !literal.is_empty() {
                        parts.push(TemplatePart::Literal(std::mem::take(&mut literal).into()));
                    }
                    parts.push(TemplatePart::Field { address, path });
                }
            }
        }
        if faulty {
            return None;
        }
        if parts.is_empty() {
            let text = if redacted { Value::Redacted } else { Value::text(literal) };
            return Some(if sensitive { Sensitive::wrap(text) } else { text });
        }
        if !literal.is_empty() {
            parts.push(TemplatePart::Literal(literal.into()));
        }
        Some(Value::Template(Box::new(Template { parts, sensitive, redacted })))
    }

    fn refuse(&mut self, diagnostic: Diagnostic) {
        let diagnostic = diagnostic.on(self.owner);
        self.cx.report.push(diagnostic);
    }

    fn refuse_in_text(&mut self, inner: &str, what: &str, span: Span) {
        self.refuse(
            Diagnostic::error(
                Code::InvalidExpression,
                format!("`{}` is {what} and cannot be part of a string", shown(inner)),
            )
            .at(span, what)
            .help("let the expression be the whole value, or name something inside it"),
        );
    }

    /// The span of a part of the string, if the source says it literally; else that of the whole value.
    ///
    /// Escapes can only hide a `${` of the value, never add one to the source, so if there are equally many, the same
    /// ones are meant.
    fn inside(&self, range: Range<usize>) -> Span {
        let whole = self.node.span();
        let lexeme = self.node.lexeme();
        if whole.range().len() != lexeme.len() {
            return whole; // An alias: the string stands somewhere else.
        }
        let of_source: Vec<usize> = lexeme.match_indices("${").map(|(at, _)| at).collect();
        let mut of_value = self.text.match_indices("${").map(|(at, _)| at);
        let nth = of_value.clone().take_while(|at| *at < range.start).count();
        if of_value.by_ref().count() != of_source.len() {
            return whole;
        }
        match of_source.get(nth) {
            Some(at) if lexeme.get(*at..at + range.len()) == self.text.get(range.clone()) => {
                let start = whole.range().start + at;
                Span::new(whole.file, start..start + range.len())
            }
            _ => whole,
        }
    }

    fn expression(&mut self, inner: &'t str, span: Span) -> Option<Read> {
        match expression::parse(inner) {
            Ok(Expression::Variable(name)) => self.variable(name, span),
            Ok(Expression::Field { section, key, path }) => self.field(section, key, path, span),
            Err(malformed) => {
                let diagnostic = self.malformed(inner, malformed).at(span, "cannot be read");
                self.refuse(diagnostic);
                None
            }
        }
    }

    fn malformed(&mut self, inner: &str, malformed: Malformed<'_>) -> Diagnostic {
        let forms = "an expression is `${section.key.field}` or `${var.name}`; a literal `${` is written `$${`";
        let error = |message: String| Diagnostic::error(Code::InvalidExpression, message);
        match malformed {
            Malformed::Empty => error("an empty expression".into()).help(forms),
            Malformed::OneWord(word) => {
                let diagnostic = error(format!("`{}` is no expression", shown(word)));
                if self.cx.settings.variables.contains_key(word) {
                    diagnostic.help(format!("did you mean `${{var.{word}}}`?"))
                } else {
                    diagnostic.help(forms)
                }
            }
            Malformed::NoField { section, key } => {
                let diagnostic = error(format!("`{}` names a resource, not a value", shown(inner.trim())));
                match self.cx.registry.section(section) {
                    Some(known) => diagnostic.help(format!(
                        "name what of it is meant, for instance `${{{section}.{key}.{}}}`",
                        known.id_name()
                    )),
                    None => diagnostic.help(forms),
                }
            }
            Malformed::Other(why) => error(format!("`{}` is no expression: {why}", shown(inner))).help(forms),
        }
    }

    fn variable(&mut self, name: &str, span: Span) -> Option<Read> {
        let variables = &self.cx.settings.variables;
        if let Some(variable) = variables.get(name) {
            if variable.value == Value::Unknown {
                self.cx.report.note_told();
                return None;
            }
            return Some(Read::Variable(variable.value.clone()));
        }
        let nearest = self.cx.report.suggest.nearest(name, variables.keys().map(|name| &**name));
        let help = match nearest {
            Some(nearest) => format!("did you mean `${{var.{nearest}}}`?"),
            None => format!("declare it in `trueup.toml`: `[variables.{name}]`"),
        };
        self.refuse(
            Diagnostic::error(Code::UnknownVariable, format!("unknown variable `{name}`"))
                .at(span, "not declared in `trueup.toml`")
                .help(help),
        );
        None
    }

    fn field(&mut self, section: &str, key: &str, path: Path, span: Span) -> Option<Read> {
        let section = self.section(section, key, &path, span)?;
        let Some(address) = self.cx.declared.address(section.name, key) else {
            // A resource that is missing because its document is broken is not worth a second problem.
            if !self.cx.partial {
                let nearest = self.cx.report.suggest.nearest(key, self.cx.declared.keys(section.name));
                let help = match nearest {
                    Some(nearest) => format!("did you mean `${{{}.{nearest}.{path}}}`?", section.name),
                    None => "expressions read declared resources only: declare it, or write the value out".into(),
                };
                self.refuse(
                    Diagnostic::error(Code::UnresolvedReference, format!("`{}.{key}` is not declared", section.name))
                        .at(span, "no such resource in these files")
                        .help(help),
                );
            }
            return None;
        };
        let kind = self.readable(section, &path, span)?;
        Some(Read::Field { address, path, kind })
    }

    fn section(&mut self, name: &str, key: &str, path: &Path, span: Span) -> Option<&'static Section> {
        let section = self.cx.registry.section(name);
        if let Some(section) = section.filter(|section| section.declarable) {
            return Some(section);
        }
        let diagnostic = if section.is_some() {
            Diagnostic::error(
                Code::UnresolvedReference,
                format!("`{name}` are not declared, so nothing can be read of them"),
            )
            .at(span, "only declared resources can be read")
            .help("write the value out")
        } else {
            let help = match names::nearest_section(name, self.cx.registry, &self.cx.report.suggest) {
                Some(nearest) => format!("did you mean `${{{nearest}.{key}.{path}}}`?"),
                None => "an expression is `${section.key.field}` or `${var.name}`".into(),
            };
            Diagnostic::error(Code::UnresolvedReference, format!("`{name}` is no section"))
                .at(span, "no section of this name")
                .help(help)
        };
        self.refuse(diagnostic);
        None
    }

    /// What kind of value is read, if the section has it.
    fn readable(&mut self, section: &'static Section, path: &Path, span: Span) -> Option<Type> {
        match type_of(section, path) {
            Ok(kind) => Some(kind),
            Err(Unreadable::TooDeep(name, kind)) => {
                self.too_deep(name, kind, span);
                None
            }
            Err(Unreadable::NoSuchField(name)) => {
                self.no_such_field(section, name, span);
                None
            }
        }
    }

    fn too_deep(&mut self, name: &str, kind: Type, span: Span) {
        self.refuse(
            Diagnostic::error(
                Code::UnknownExpressionField,
                format!("`{name}` is {}: there is nothing inside it to name", kind.describe()),
            )
            .at(span, "goes too deep")
            .help(format!("end the expression with `.{name}}}`")),
        );
    }

    fn no_such_field(&mut self, section: &'static Section, name: &str, span: Span) {
        let parts = section.key.iter().map(|part| part.name);
        let attributes = section.attributes.iter().map(|attribute| attribute.name);
        let fields = section.fields.iter().filter(|field| section.parts(field.name).is_none());
        let mut names: Vec<&str> = fields.map(|field| field.name).chain(parts).chain(attributes).collect();
        names.sort_unstable();
        names.dedup();
        let suggest = &self.cx.report.suggest;
        let spelled = super::words::snake(name);
        let nearest = match suggest.nearest(&spelled, names.iter().copied()) {
            Some(nearest) => Some(nearest),
            None if matches!(name, "id" | "guid") => Some(section.id_name()),
            None => names::nearest_field(name, section, suggest).map(|field| field.name),
        };
        let help = match nearest {
            _ if section.parts(name).is_some() => "write the value out, or make it a variable of `trueup.toml`".into(),
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("readable are {}", listed(names, "and")),
        };
        self.refuse(
            Diagnostic::error(
                Code::UnknownExpressionField,
                format!("`{}` have no `{}` that could be read", section.name, shown(name)),
            )
            .at(span, format!("not a field of `{}`", section.name))
            .help(help),
        );
    }
}

/// What an expression came to.
enum Read {
    Variable(Value),
    Field { address: Address, path: Path, kind: Type },
}

/// A value as part of a longer string.
pub(super) fn as_text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::Text(text) => Some(Arc::clone(text)),
        Value::Bool(bool) => Some(bool.to_string().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// Why an expression cannot read a path.
pub(super) enum Unreadable<'p> {
    /// There is nothing inside this.
    TooDeep(&'p str, Type),
    /// The section has no such field.
    NoSuchField(&'p str),
}

/// What kind of value a path into a resource of this section has.
pub(super) fn type_of<'p>(section: &'static Section, path: &'p Path) -> Result<Type, Unreadable<'p>> {
    let Some((Segment::Key(name), inner)) = path.0.split_first() else { return Err(Unreadable::NoSuchField("")) };
    let leaf = |kind: Type| if inner.is_empty() { Ok(kind) } else { Err(Unreadable::TooDeep(name, kind)) };
    if let Some(field) = section.field(name) {
        return match field.shape {
            // They are resources of their own, and nothing of those can be read.
            Shape::Parts { .. } => Err(Unreadable::NoSuchField(name)),
            Shape::Object | Shape::Mappings { .. } if !inner.is_empty() => Ok(Type::Unknown),
            Shape::Any => Ok(Type::Unknown),
            Shape::Texts { .. } | Shape::Names { .. } if matches!(inner, [Segment::Index(_)]) => Ok(Type::Text),
            shape => leaf(Type::of(&shape)),
        };
    }
    match section.attribute(name) {
        Some(attribute) if attribute.name == section.id_name() => leaf(Type::Text),
        // A secret may be one of many: the credentials of a key.
        Some(attribute) if attribute.sensitive => Ok(Type::Unknown),
        Some(_) if inner.is_empty() => Ok(Type::Unknown),
        Some(_) => leaf(Type::Text),
        None if section.key.iter().any(|part| part.name == &**name) => leaf(Type::Text),
        None => Err(Unreadable::NoSuchField(name)),
    }
}
