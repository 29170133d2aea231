//! `[variables]`: what may be put into YAML by `${var.name}`, and where its value comes from.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Variable;
use super::load::LoadOptions;
use super::read::{Entry, Node, Reader, Slot, Table};
use super::words::{nearest, suggestion};
use crate::model::{Code, Diagnostic, Sensitive, Span, Value};

/// A declared variable.
pub(super) struct Declaration {
    span: Span,
    default: Slot<Value>,
    env: Slot<String>,
    sensitive: bool,
}

/// Declared variables, in the order of the file.
pub(super) type Declarations<'t> = IndexMap<&'t str, Declaration>;

/// Reads `[variables]`.
pub(super) fn declarations<'t>(reader: &mut Reader, table: &Table<'t>) -> Declarations<'t> {
    let mut declarations = Declarations::new();
    for (name, node) in table.iter() {
        reader.name(name, node, "a variable");
        if !node.value.is_table() {
            // Whether it is sensitive is not said yet.
            reader.mask(node);
            let message = format!("`{}` has to be a table", node.path);
            let help = format!("write `{name} = {{ default = … }}`");
            reader.invalid::<()>(node, message, "a value of its own", Some(help));
            continue;
        }
        let Some(table) = reader.table(node) else { continue };
        let meant = reader.only(&table, &["default", "env", "sensitive"]);
        let declaration = Declaration {
            span: node.key,
            default: table.read("default", reader, Reader::value).or_meant(meant.contains(&"default")),
            env: table.read("env", reader, Reader::variable_name).or_meant(meant.contains(&"env")),
            sensitive: matches!(
                table.read("sensitive", reader, Reader::boolean),
                Slot::Good(Entry { value: true, .. })
            ),
        };
        if let (true, Some(default)) = (declaration.sensitive, table.get("default")) {
            written_out(reader, name, default);
        }
        declarations.insert(name, declaration);
    }
    declarations
}

/// Reads `[environments.NAME.variables]`: a value for each.
pub(super) fn overlay<'t>(
    reader: &mut Reader,
    declarations: &Declarations<'_>,
    table: &Table<'t>,
) -> IndexMap<&'t str, Slot<Value>> {
    let mut values = IndexMap::new();
    for (name, node) in table.iter() {
        let Some(declaration) = declarations.get(name) else {
            // Which of the declared ones it would be, and so whether it is sensitive, is not known.
            reader.mask(node);
            let declared: Vec<&str> = declarations.keys().copied().collect();
            reader.report(
                Diagnostic::error(
                    Code::SettingsUnknownKey,
                    format!("variable `{}` is not declared", name.escape_debug()),
                )
                .at(node.key, "not in `[variables]`")
                .help(nearest(name, &declared).map_or_else(
                    || format!("declare it first: `[variables.{name}]`"),
                    |nearest| format!("did you mean `{nearest}`?"),
                )),
            );
            continue;
        };
        if declaration.sensitive {
            written_out(reader, name, node);
        }
        values.insert(name, table.read(name, reader, Reader::value));
    }
    values
}

/// Warns of a sensitive value in the file, and keeps it from being displayed.
fn written_out(reader: &mut Reader, name: &str, node: &Node<'_>) {
    reader.mask(node);
    reader.report(
        Diagnostic::warning(Code::SettingsLiteralSecret, format!("the sensitive variable `{name}` is written out"))
            .at(node.key, "readable by everybody who can read this file")
            .help(format!("take it from the environment: `[variables.{name}]` with `env = \"…\"`")),
    );
}

/// Gives each variable its value: `--var`, else the environment, else what is written. Those without are reported, unless
/// nothing will be connected to and they are secret.
pub(super) fn values(
    reader: &mut Reader,
    declarations: Declarations<'_>,
    mut overlay: IndexMap<&str, Slot<Value>>,
    options: LoadOptions<'_>,
) -> IndexMap<Arc<str>, Variable> {
    let LoadOptions { environment: _, variables: given, env, unconnected } = options;
    let declared: Vec<&str> = declarations.keys().copied().collect();
    for (name, _) in given.iter().filter(|(name, _)| !declared.contains(&name.as_str())) {
        let help = if declared.is_empty() {
            "`trueup.toml` declares no variable".to_owned()
        } else {
            suggestion(name, &declared, "declared are")
        };
        let message = format!("`--var` names a variable that is not declared: `{}`", name.escape_debug());
        reader.report(Diagnostic::error(Code::Usage, message).help(help));
    }
    let mut variables = IndexMap::new();
    for (name, declaration) in declarations {
        let Declaration { span, default, env: from, sensitive } = declaration;
        let written = overlay.swap_remove(name).unwrap_or(Slot::Absent).over(default);
        let bad = matches!(written, Slot::Bad) || matches!(from, Slot::Bad);
        let from = from.value();
        let may_miss = unconnected && sensitive && from.is_some();
        let given = given.iter().rev().find(|(given, _)| given == name).map(|(_, text)| text.as_str());
        let mut kept = from.as_deref().and_then(env);
        // So a CI tells of a secret that it does not have; nobody means the empty one.
        if sensitive && given.is_none() && kept.as_deref().is_some_and(|text| text.trim().is_empty()) {
            if !may_miss {
                reader.report(empty(name, span, from.as_deref().unwrap_or_default()));
                variables.insert(name.into(), Variable { value: Value::Unknown, span });
                continue;
            }
            kept = None;
        }
        let value = given.map(Value::text).or_else(|| kept.map(Value::text)).or_else(|| written.value());
        match value {
            Some(value) => {
                let value = if sensitive { Sensitive::wrap(value) } else { value };
                variables.insert(name.into(), Variable { value, span });
            }
            None if bad => {}
            None if may_miss => {
                variables.insert(name.into(), Variable { value: Sensitive::wrap(Value::Redacted), span });
            }
            None => {
                reader.report(unset(name, span, from.as_deref(), sensitive));
                variables.insert(name.into(), Variable { value: Value::Unknown, span });
            }
        }
    }
    variables
}

fn empty(name: &str, span: Span, env: &str) -> Diagnostic {
    Diagnostic::error(Code::SettingsVariableUnset, format!("the sensitive variable `{name}` is empty"))
        .at(span, format!("nothing is in its environment variable, {env}"))
        .help(format!("set {env} to the secret; a CI sets it to nothing where it does not have the secret"))
}

fn unset(name: &str, span: Span, env: Option<&str>, sensitive: bool) -> Diagnostic {
    let help = match (env, sensitive) {
        // What is given on a command line, every user of the machine can read.
        (Some(env), true) => format!("set {env} in the environment"),
        (Some(env), false) => format!("set {env} in the environment, or give `--var {name}=VALUE`"),
        (None, true) => "take it from the environment: add `env = \"…\"`".to_owned(),
        (None, false) => format!("add a `default` or an `env`, or give `--var {name}=VALUE`"),
    };
    let label = if env.is_some() { "its environment variable is not set" } else { "declared without a value" };
    Diagnostic::error(Code::SettingsVariableUnset, format!("variable `{name}` has no value")).at(span, label).help(help)
}
