//! Files to drafts: which resources there are, and what stands between them that is none.

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::expression;
use super::names;
use super::report::Report;
use super::secret;
use super::shape::Shapes;
use super::text::Use;
use super::words::{a, listed, shown};
use super::yaml::{self, Content, Entry, Node, NodeId, Tree};
use crate::kind::Registry;
use crate::model::{
    Address, Code, Diagnostic, Diagnostics, Field, FileId, KeySource, Lifecycle, Reference, Section, SourceFile,
    Sources, Span, TargetName, Value,
};
use crate::settings::Settings;

/// Most characters a key may have: the longest name of a remote.
const MAX_KEY: usize = 255;

/// How many files are not worth a thread of their own.
const FEW_FILES: usize = 8;

/// What every stage needs.
pub(super) struct Context<'c> {
    pub settings: &'c Settings,
    pub registry: &'c Registry,
    pub report: Report,
    pub shapes: Shapes,
    pub declared: Declared,
    /// Whether a document could not be read, so that something may be declared which is not known here.
    pub partial: bool,
    /// Sections without any target, told once each.
    pub without_target: HashSet<&'static str>,
    /// What no excerpt of a file may show.
    pub secrets: Vec<Span>,
    /// The keys of free-form mappings: the same few in every resource.
    keys: HashSet<Arc<str>>,
}

impl<'c> Context<'c> {
    pub fn new(settings: &'c Settings, registry: &'c Registry) -> Self {
        Self {
            settings,
            registry,
            report: Report::default(),
            shapes: Shapes::default(),
            declared: Declared::default(),
            partial: false,
            without_target: HashSet::new(),
            secrets: Vec::new(),
            keys: HashSet::new(),
        }
    }

    /// A key of a free-form mapping, kept once however often it is written.
    pub fn key(&mut self, key: &str) -> Arc<str> {
        if let Some(known) = self.keys.get(key) {
            return Arc::clone(known);
        }
        let key: Arc<str> = key.into();
        self.keys.insert(Arc::clone(&key));
        key
    }
}

/// What is declared, by section and key: the number of its draft.
#[derive(Debug, Default)]
pub(super) struct Declared(HashMap<&'static str, IndexMap<Arc<str>, u32>>);

impl Declared {
    /// The number of a draft.
    pub fn number(&self, section: &str, key: &str) -> Option<u32> {
        self.0.get(section)?.get(key).copied()
    }

    /// The keys of a section, in the order of declaration.
    pub fn keys(&self, section: &str) -> impl Iterator<Item = &str> {
        self.0.get(section).into_iter().flat_map(|keys| keys.keys()).map(|key| &**key)
    }

    /// The address, with the key that is kept already.
    pub fn address(&self, section: &'static str, key: &str) -> Option<Address> {
        let (key, _) = self.0.get(section)?.get_key_value(key)?;
        Some(Address::new(section, Arc::clone(key)))
    }
}

/// A resource that is being read.
pub(super) struct Draft {
    pub section: &'static Section,
    pub address: Address,
    pub tree: Arc<Tree>,
    pub body: NodeId,
    pub key_span: Span,
    /// `None` if there is none that fits, which has been told.
    pub target: Option<TargetName>,
    /// In the order of the section's table.
    pub fields: Vec<DraftField>,
    pub lifecycle: Lifecycle,
    /// What expressions and references need, with where they say so.
    pub uses: Vec<Use>,
    /// The field that the body is the value of, where it is not a mapping of fields.
    pub short: Option<&'static str>,
    /// What is written inside it and is a resource of its own.
    pub parts: Vec<Draft>,
}

impl Draft {
    /// A declared field, with its place among them.
    pub fn field(&self, name: &str) -> Option<(usize, &DraftField)> {
        self.fields.iter().enumerate().find(|(_, field)| field.field.name == name)
    }
}

/// A declared field.
pub(super) struct DraftField {
    pub field: &'static Field,
    pub node: NodeId,
    /// Where it stands.
    pub span: Span,
    pub raw: Raw,
}

/// What a field holds, before references are resolved. What has been found faulty is [`Value::Unknown`].
pub(super) enum Raw {
    Value(Value),
    Reference(RawReference),
}

/// A reference as written.
pub(super) struct RawReference {
    pub section: &'static str,
    pub qualifier: Option<&'static str>,
    pub to: RawTo,
}

pub(super) enum RawTo {
    /// A key or natural key: a string or template.
    Name(Value),
    /// `{ id: … }`: strings or templates.
    Id {
        id: Value,
        slug: Option<Value>,
    },
    Resolved(Reference),
    /// It has been told.
    Faulty,
}

/// Finds the resources of all files, in order, then those of texts that are in no file yet, each with its name.
pub(super) fn collect(
    files: &[PathBuf],
    texts: &[(String, String)],
    sources: &mut Sources,
    cx: &mut Context<'_>,
) -> Vec<Draft> {
    let mut read: Vec<FileId> = files.iter().filter_map(|path| read(path, sources, cx)).collect();
    read.extend(texts.iter().map(|(name, text)| sources.add(SourceFile::new(name.clone(), text.clone()))));
    let mut drafts = Vec::new();
    for (file, (tree, found)) in read.iter().zip(parse(&read, sources)) {
        cx.partial |= found.has_errors();
        if !found.is_empty() {
            hide_likely(*file, sources, cx);
        }
        for problem in found {
            cx.report.push(problem);
        }
        let tree = Arc::new(tree);
        for document in tree.documents() {
            collect_document(&tree, document, &mut drafts, cx);
        }
    }
    drafts
}

/// A file's text; `None` if it has none, which has been told.
fn read(path: &FilePath, sources: &mut Sources, cx: &mut Context<'_>) -> Option<FileId> {
    let directory = &cx.settings.directory;
    let relative = path.strip_prefix(directory).unwrap_or(path);
    let name = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    let bytes = match std::fs::read(directory.join(path)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let file = sources.add(SourceFile::new(name.as_str(), ""));
            cx.report.push(
                Diagnostic::error(Code::FileUnreadable, format!("`{name}` cannot be read: {error}"))
                    .at(Span::new(file, 0..0), "this file"),
            );
            return None;
        }
    };
    match yaml::decode(bytes) {
        Ok(text) => Some(sources.add(SourceFile::new(name, text))),
        Err(problem) => {
            let file = sources.add(SourceFile::new(name, problem.text()));
            hide_likely(file, sources, cx);
            cx.report.push(problem.diagnostic(file));
            cx.partial = true;
            None
        }
    }
}

/// The trees of files and what is wrong with them, in their order. No file needs another, and most of what reading a
/// project takes is done here, so all processors take part.
fn parse(files: &[FileId], sources: &Sources) -> Vec<(Tree, Diagnostics)> {
    let parse = |files: &[FileId]| -> Vec<(Tree, Diagnostics)> {
        let parse = |file: &FileId| {
            let mut found = Diagnostics::default();
            (yaml::parse(*file, sources.get(*file), &mut found), found)
        };
        files.iter().map(parse).collect()
    };
    if files.len() <= FEW_FILES {
        return parse(files);
    }
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = files.len().div_ceil(processors).max(FEW_FILES);
    std::thread::scope(|scope| {
        let workers: Vec<_> = files.chunks(share).map(|files| scope.spawn(move || parse(files))).collect();
        let trees = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        trees.flatten().collect()
    })
}

/// Hides the secrets that the tree of a faulty file does not have, or has otherwise than they were meant.
fn hide_likely(file: FileId, sources: &Sources, cx: &mut Context<'_>) {
    let fields = cx.registry.sections().flat_map(|section| section.fields);
    let names: Vec<_> = fields.filter(|field| field.sensitive).map(|field| field.name).collect();
    let likely = secret::likely(sources.get(file).text(), &names);
    cx.secrets.extend(likely.into_iter().map(|range| Span::new(file, range)));
}

fn collect_document(tree: &Arc<Tree>, document: Node<'_>, drafts: &mut Vec<Draft>, cx: &mut Context<'_>) {
    match document.content() {
        Content::Null | Content::Invalid => {}
        Content::Map(sections) => {
            let mut empty = None;
            for section in sections {
                collect_section(tree, section, empty, drafts, cx);
                empty = Some(section.key).filter(|_| matches!(section.value.content(), Content::Null));
            }
        }
        _ => cx.report.push(
            Diagnostic::error(
                Code::WrongType,
                format!("a document is a mapping of sections, not {}", document.describe()),
            )
            .at(document.span(), document.describe())
            .help("write the section, `customers:`, then below it each key with its body, indented"),
        ),
    }
}

/// `above` is the key before this one, if nothing is below that.
fn collect_section(
    tree: &Arc<Tree>,
    entry: Entry<'_>,
    above: Option<&str>,
    drafts: &mut Vec<Draft>,
    cx: &mut Context<'_>,
) {
    let Some(section) = cx.registry.section(entry.key).filter(|section| section.declarable) else {
        return unknown_section(entry, above, cx);
    };
    let bodies = match entry.value.content() {
        Content::Map(bodies) => bodies,
        // A section whose resources are commented out declares nothing, and nothing is deleted for it.
        Content::Null | Content::Invalid => return,
        _ => {
            let name = section.name;
            return cx.report.push(
                Diagnostic::error(
                    Code::WrongType,
                    format!("`{name}` is a mapping from keys to bodies, not {}", entry.value.describe()),
                )
                .at(entry.value.span(), entry.value.describe())
                .help(format!("write each {} as `KEY:` with its fields below it, indented", section.singular)),
            );
        }
    };
    for body in bodies {
        collect_resource(tree, section, body, drafts, cx);
    }
}

/// The field, and its section, in which the resources of this section are declared.
fn part_of(section: &str, registry: &Registry) -> Option<(&'static Field, &'static Section)> {
    registry.sections().find_map(|owner| {
        let field = owner.fields.iter().find(|field| owner.parts(field.name) == Some(section))?;
        Some((field, owner))
    })
}

fn unknown_section(entry: Entry<'_>, above: Option<&str>, cx: &mut Context<'_>) {
    let name = shown(entry.key);
    let diagnostic = if let Some((field, owner)) = part_of(entry.key, cx.registry) {
        Diagnostic::error(Code::UnknownSection, format!("`{name}` are declared inside `{}`", owner.name))
            .at(entry.key_span, "not a section of its own")
            .help(format!("write them below `{}:` of {}", field.name, a(owner.singular)))
    } else if let Some(section) = cx.registry.section(entry.key) {
        Diagnostic::error(Code::UnknownSection, format!("`{name}` can be referred to, not declared"))
            .at(entry.key_span, "not a section that can be declared")
            .help(format!("remove it: {} are only referred to, by name", section.name.replace('_', " ")))
    } else {
        let nearest = names::nearest_section(entry.key, cx.registry, &cx.report.suggest);
        let help = if let Some(nearest) = nearest {
            format!("did you mean `{nearest}`?")
        } else if let Some(above) = above.filter(|above| cx.registry.section(above).is_some()) {
            format!("if it belongs to `{above}`, indent it and what is below it")
        } else {
            let known = cx.registry.sections().filter(|section| section.declarable).map(|section| section.name);
            format!("sections are {}", listed(known, "and"))
        };
        Diagnostic::error(Code::UnknownSection, format!("unknown section `{name}`"))
            .at(entry.key_span, "no kind is declared under this name")
            .help(help)
    };
    cx.report.push(diagnostic);
}

fn collect_resource(
    tree: &Arc<Tree>,
    section: &'static Section,
    entry: Entry<'_>,
    drafts: &mut Vec<Draft>,
    cx: &mut Context<'_>,
) {
    let key: Arc<str> = entry.key.into();
    let address = Address::new(section.name, Arc::clone(&key));
    check_key(section, &address, entry, cx);
    let keys = cx.declared.0.entry(section.name).or_default();
    if let Some(first) = keys.get(&key) {
        let first = drafts[*first as usize].key_span;
        return cx.report.push(
            Diagnostic::error(Code::DuplicateAddress, format!("`{address}` is declared twice"))
                .at(entry.key_span, "declared again")
                .also(first, "declared first here")
                .help("keep one of them, or give one another key")
                .on(&address),
        );
    }
    keys.insert(key, u32::try_from(drafts.len()).expect("fewer than 2^32 resources"));
    match entry.value.content() {
        Content::Map(_) | Content::Invalid => {}
        Content::Null => cx.report.push(
            Diagnostic::error(Code::WrongType, format!("`{address}` has no body"))
                .at(entry.key_span, "nothing below this key")
                .help(format!("declare its fields below it, or write `{}: {{}}` if it needs none", entry.key))
                .on(&address),
        ),
        _ => cx.report.push(
            Diagnostic::error(
                Code::WrongType,
                format!("the body of `{address}` is a mapping of fields, not {}", entry.value.describe()),
            )
            .at(entry.value.span(), entry.value.describe())
            .help(format!("write its fields below `{}:`, indented", entry.key))
            .on(&address),
        ),
    }
    drafts.push(Draft {
        section,
        address,
        tree: Arc::clone(tree),
        body: entry.value.id(),
        key_span: entry.key_span,
        target: None,
        fields: Vec::new(),
        lifecycle: Lifecycle::default(),
        uses: Vec::new(),
        short: None,
        parts: Vec::new(),
    });
}

/// What is wrong with a key as part of an address.
pub(crate) fn key_problem(key: &str) -> Option<String> {
    let length = key.chars().count();
    if length == 0 {
        return Some("an empty key".into());
    }
    if length > MAX_KEY {
        return Some(format!("{length} characters, at most {MAX_KEY} are allowed"));
    }
    let wrong = key.chars().find(|c| !expression::is_of_key(*c))?;
    Some(format!("{wrong:?} cannot be part of a key"))
}

fn check_key(section: &'static Section, address: &Address, entry: Entry<'_>, cx: &mut Context<'_>) {
    let Some(label) = key_problem(entry.key) else { return };
    let own_name = section.key.iter().find(|part| part.from == KeySource::FieldOrKey);
    let help = match own_name {
        Some(part) => format!("use letters, digits, `_` and `-`; its real {0} goes into the body: `{0}: …`", part.name),
        None => "use letters, digits, `_` and `-`".into(),
    };
    cx.report.push(
        Diagnostic::error(
            Code::InvalidKey,
            format!("`{}` cannot be the key of {}", shown(entry.key), a(section.singular)),
        )
        .at(entry.key_span, label)
        .help(help)
        .on(address),
    );
}
