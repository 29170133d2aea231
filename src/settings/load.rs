//! Finds and reads `trueup.toml`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use toml::de::DeTable;

use super::read::{Node, Reader, Slot, Table};
use super::target::{Layer, PROVIDERS, Surroundings};
use super::variables::{self, Declarations};
use super::{Limits, Settings, TargetSettings, mask};
use crate::model::{Code, Diagnostic, Diagnostics, SourceFile, Sources, Span, Spanned, TargetName, Value};

/// The name of the file.
pub const FILE_NAME: &str = "trueup.toml";

/// Files have at most so many bytes; spans count in 32 bits.
const MAX_BYTES: usize = 64 << 20;

/// What the command line and the environment say about `trueup.toml`.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// The environment chosen with `-e`.
    pub environment: Option<&'a str>,
    /// Names and values given with `--var`; of two for one name the later counts.
    pub variables: &'a [(String, String)],
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Nothing will be connected to: where a target is need not be known, nor the value of a sensitive variable.
    pub unconnected: bool,
}

/// Reads the `trueup.toml` of `start` or of the nearest directory above.
///
/// All its problems are reported, those of the environments not chosen included. With an error the outcome is `None`,
/// with one exception: a variable without a value is unknown, so that the YAML can still be looked at.
/// Literal secrets are masked in `sources`.
pub fn load(
    start: &Path,
    options: LoadOptions<'_>,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Settings> {
    let (directory, text) = match find(start) {
        Ok(found) => found,
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            return None;
        }
    };
    let file = sources.add(SourceFile::new(FILE_NAME, text));
    let source = Arc::clone(sources.get(file));
    let (root, errors) = DeTable::parse_recoverable(source.text());
    if !errors.is_empty() {
        for range in mask::likely_secrets(source.text()) {
            sources.mask(Span::new(file, range));
        }
        diagnostics.extend(errors.iter().map(|error| {
            let range = error.span().unwrap_or_default();
            Diagnostic::error(Code::SettingsSyntax, "`trueup.toml` is not TOML")
                .at(Span::new(file, range), error.message())
        }));
        return None;
    }
    let mut reader = Reader { file, diagnostics: Diagnostics::default(), masks: Vec::new() };
    let settings = read(&mut reader, directory, root.get_ref(), options);
    let Reader { diagnostics: found, masks, .. } = reader;
    for span in masks {
        sources.mask(span);
    }
    let fatal = |diagnostic: &Diagnostic| {
        diagnostic.severity == crate::model::Severity::Error && diagnostic.code != Code::SettingsVariableUnset
    };
    let sound = !found.iter().any(fatal);
    diagnostics.extend(found);
    settings.filter(|_| sound)
}

/// The nearest `trueup.toml` and its directory.
fn find(start: &Path) -> Result<(PathBuf, String), Box<Diagnostic>> {
    let unreadable = |path: &Path, why: &str| {
        Box::new(Diagnostic::error(Code::FileUnreadable, format!("`{}` cannot be read: {why}", path.display())))
    };
    let start = std::path::absolute(start).map_err(|error| unreadable(start, &error.to_string()))?;
    for directory in start.ancestors() {
        let path = directory.join(FILE_NAME);
        match std::fs::read(&path) {
            Ok(bytes) if bytes.len() > MAX_BYTES => return Err(unreadable(&path, "it is larger than 64 MiB")),
            Ok(bytes) => {
                let text = String::from_utf8(bytes).map_err(|_| unreadable(&path, "it is not UTF-8"))?;
                return Ok((directory.to_owned(), text));
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(unreadable(&path, &error.to_string())),
        }
    }
    let message = format!("no `{FILE_NAME}` in `{}` or above", start.display());
    let help = "begin a project with `trueup init`, or give `-C` the directory of one";
    Err(Box::new(Diagnostic::error(Code::SettingsMissing, message).help(help)))
}

/// One `[environments.NAME]`.
#[derive(Default)]
struct Overlay<'t> {
    targets: IndexMap<&'t str, Option<Layer>>,
    variables: IndexMap<&'t str, Slot<Value>>,
    limits: LimitsLayer,
}

#[derive(Default)]
struct LimitsLayer {
    parallelism: Slot<usize>,
    max_deletes: Slot<u32>,
}

fn read(reader: &mut Reader, directory: PathBuf, root: &DeTable<'_>, options: LoadOptions<'_>) -> Option<Settings> {
    let root = reader.root(root);
    reader.only(&root, &["project", "targets", "variables", "limits", "environments"]);
    let (project, files) = project(reader, root.get("project"));
    let targets = sub_table(reader, &root, "targets");
    let targets = layers(reader, targets.as_ref());
    let declarations = match sub_table(reader, &root, "variables") {
        Some(table) => variables::declarations(reader, &table),
        None => Declarations::new(),
    };
    let base_limits = limits(reader, root.get("limits"));
    let mut overlays = IndexMap::new();
    if let Some(table) = sub_table(reader, &root, "environments") {
        for (name, node) in table.iter() {
            reader.name(name, node, "an environment");
            overlays.insert(name, overlay(reader, node, &targets, &declarations));
        }
    }

    let mut chosen = None;
    if let Some(name) = options.environment {
        if let Some(overlay) = overlays.swap_remove(name) {
            chosen = overlay;
        } else {
            reader.report(unknown_environment(name, root.get("environments"), &overlays));
        }
    }
    let mut chosen = chosen.unwrap_or_default();

    let surroundings = Surroundings { directory: &directory, env: options.env, unconnected: options.unconnected };
    let targets = complete(reader, targets, &mut chosen.targets, &surroundings);
    let variables = variables::values(reader, declarations, chosen.variables, options);
    let default = Limits::default();
    let limits = Limits {
        parallelism: chosen.limits.parallelism.over(base_limits.parallelism).value().unwrap_or(default.parallelism),
        max_deletes: chosen.limits.max_deletes.over(base_limits.max_deletes).value().unwrap_or(default.max_deletes),
    };
    Some(Settings {
        file: reader.file,
        project: project?.into(),
        environment: options.environment.map(Into::into),
        files: files?,
        targets,
        variables,
        limits,
        directory,
    })
}

fn sub_table<'t>(reader: &mut Reader, root: &Table<'t>, name: &str) -> Option<Table<'t>> {
    let node = root.get(name)?;
    reader.table(node)
}

fn project(reader: &mut Reader, node: Option<&Node<'_>>) -> (Option<String>, Option<Vec<Spanned<String>>>) {
    let missing = |span: Option<Span>| {
        let diagnostic = Diagnostic::error(Code::SettingsInvalid, "the project has no name");
        let diagnostic = match span {
            Some(span) => diagnostic.at(span, "`name` is missing here"),
            None => diagnostic,
        };
        diagnostic.help("add `[project]` with `name = \"…\"`; plans show it")
    };
    let Some(node) = node else {
        let start = Span::new(reader.file, 0..0);
        reader.report(missing(Some(start)));
        return (None, Some(Vec::new()));
    };
    let Some(table) = reader.table(node) else { return (None, None) };
    reader.only(&table, &["name", "files"]);
    let name = table.read("name", reader, |reader, node| {
        let name = reader.string(node)?;
        if name.chars().any(char::is_control) {
            return reader.invalid(node, "the project's name has to be one line", "a control character is in it", None);
        }
        Some(name)
    });
    if name.is_absent() {
        reader.report(missing(Some(node.key)));
    }
    let files = table.read("files", reader, |reader, node| {
        let globs = reader.strings(node)?;
        Some(globs.into_iter().map(|(value, span)| Spanned { value, span }).collect())
    });
    let files = if files.is_absent() { Some(Vec::new()) } else { files.value() };
    (name.value(), files)
}

fn layers<'t>(reader: &mut Reader, table: Option<&Table<'t>>) -> IndexMap<&'t str, Option<Layer>> {
    let mut layers = IndexMap::new();
    for (name, node) in table.into_iter().flat_map(Table::iter) {
        reader.name(name, node, "a target");
        let layer = Layer::read(reader, node);
        if let Some((layer, provider)) = layer.as_ref().and_then(|layer| Some((layer, layer.provider.good()?.value))) {
            layer.check_keys(provider, reader);
        }
        layers.insert(name, layer);
    }
    layers
}

fn limits(reader: &mut Reader, node: Option<&Node<'_>>) -> LimitsLayer {
    let Some(table) = node.and_then(|node| reader.table(node)) else {
        return LimitsLayer::default();
    };
    reader.only(&table, &["parallelism", "max_deletes"]);
    let within = |number: i64| u32::try_from(number).expect("the range that was asked for fits");
    LimitsLayer {
        parallelism: table.read("parallelism", reader, |reader, node| {
            reader.integer(node, 1..=256).map(|number| within(number) as usize)
        }),
        max_deletes: table
            .read("max_deletes", reader, |reader, node| reader.integer(node, 0..=i64::from(u32::MAX)).map(within)),
    }
}

fn overlay<'t>(
    reader: &mut Reader,
    node: &Node<'t>,
    targets: &IndexMap<&'t str, Option<Layer>>,
    declarations: &Declarations<'_>,
) -> Option<Overlay<'t>> {
    let table = reader.table(node)?;
    reader.only(&table, &["targets", "variables", "limits"]);
    let mut layers = IndexMap::new();
    for (name, node) in sub_table(reader, &table, "targets").iter().flat_map(Table::iter) {
        reader.name(name, node, "a target");
        let layer = Layer::read(reader, node);
        let base = targets.get(name).and_then(Option::as_ref);
        if let Some(layer) = &layer {
            let provider = layer.provider.clone().over(base.map_or(Slot::Absent, |base| base.provider.clone()));
            match provider.good() {
                Some(provider) => layer.check_keys(provider.value, reader),
                None if layer.provider.is_absent() && !targets.contains_key(name) => {
                    let known: Vec<&str> = targets.keys().copied().collect();
                    let help = match super::words::nearest(name, &known) {
                        Some(nearest) => format!("did you mean `{nearest}`?"),
                        None => format!("declare `[targets.{name}]`, or add a `provider`: {}", PROVIDERS.join(" or ")),
                    };
                    reader.report(
                        Diagnostic::error(Code::SettingsUnknownKey, format!("target `{name}` is not declared"))
                            .at(node.key, "there is nothing to lay this over")
                            .help(help),
                    );
                    continue;
                }
                None => {}
            }
        }
        layers.insert(name, layer);
    }
    let variables = match sub_table(reader, &table, "variables") {
        Some(table) => variables::overlay(reader, declarations, &table),
        None => IndexMap::new(),
    };
    Some(Overlay { targets: layers, variables, limits: limits(reader, table.get("limits")) })
}

fn unknown_environment<T>(name: &str, node: Option<&Node<'_>>, declared: &IndexMap<&str, T>) -> Diagnostic {
    let message = format!("environment `{}` is not declared", name.escape_debug());
    let diagnostic = Diagnostic::error(Code::SettingsUnknownEnvironment, message);
    let known: Vec<&str> = declared.keys().copied().collect();
    let diagnostic = match node {
        Some(node) => diagnostic.at(node.key, "only these are declared"),
        None => diagnostic,
    };
    if known.is_empty() {
        return diagnostic.help("`trueup.toml` declares none; leave `-e` out");
    }
    let list = format!("declared are {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
    diagnostic.help(match super::words::nearest(name, &known) {
        Some(nearest) if known.len() == 1 => format!("did you mean `{nearest}`?"),
        Some(nearest) => format!("did you mean `{nearest}`? {list}"),
        None => list,
    })
}

/// The targets with the overlay laid over them, in the order of the file; those only the overlay has come last.
fn complete<'t>(
    reader: &mut Reader,
    base: IndexMap<&'t str, Option<Layer>>,
    overlay: &mut IndexMap<&'t str, Option<Layer>>,
    surroundings: &Surroundings<'_>,
) -> IndexMap<TargetName, TargetSettings> {
    let mut layers = IndexMap::new();
    for (name, layer) in base {
        let merged = match overlay.shift_remove(name) {
            None => layer,
            Some(None) => None,
            Some(Some(over)) => layer.map(|layer| over.over(layer)),
        };
        layers.insert(name, merged);
    }
    layers.extend(overlay.drain(..));
    let mut targets = IndexMap::new();
    for (name, layer) in layers {
        if let Some(target) = layer.and_then(|layer| layer.complete(name, surroundings, reader)) {
            targets.insert(name.into(), target);
        }
    }
    targets
}
