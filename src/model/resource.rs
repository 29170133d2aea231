//! What is declared.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::{Address, Fields, Identity, Path, Section, Sources, Span, TargetName};

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// Everything the project declares: sound, with references pointing at declared resources where there are any.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// The project's name.
    pub project: Arc<str>,
    /// The environment chosen with `-e`.
    pub environment: Option<Arc<str>>,
    /// The resources, ordered by address, so that the order of files and documents changes nothing.
    pub resources: IndexMap<Address, Resource>,
    /// The targets in use, by name.
    pub targets: IndexMap<TargetName, Target>,
    /// The files, for positions.
    pub sources: Sources,
}

/// A remote system, as far as planning is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name in `trueup.toml`.
    pub name: TargetName,
    /// The provider, `kaiten` or `cloudfoundry`.
    pub provider: &'static str,
    /// The API version or dialect the user insists on; `None` for `auto`.
    pub api: Option<Arc<str>>,
}

/// One declared resource.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its address.
    pub address: Address,
    /// The target it belongs to.
    pub target: TargetName,
    /// Its natural key; a part that refers to an object by its raw id is that id.
    pub identity: Identity,
    /// What is declared, in the order of the section's table. References and templates are unresolved.
    pub fields: Fields,
    /// How it is to be treated.
    pub lifecycle: Lifecycle,
    /// Where its key and body stand.
    pub span: Span,
    /// Where its key stands.
    pub key_span: Span,
    /// Where each value stands.
    pub places: Places,
    /// The declared resources it refers to, with where it says so, and the parts of those; sorted by address, each once.
    pub requires: Vec<(Address, Span)>,
    /// The resources that are written inside this one, sorted by address. They require it, and what else requires it
    /// requires them too, except those that shall not be; it is not put into the reach of others before they are there.
    pub parts: Vec<Address>,
}

impl Resource {
    /// Whether it matters what this field comes to: of a tombstone, only what identifies it does.
    pub fn regards(&self, section: &Section, field: &str) -> bool {
        self.lifecycle.absent.is_none() || section.key.iter().any(|part| part.name == field)
    }
}

/// Looks up where the values of a resource stand.
#[derive(Clone)]
pub struct Places(Arc<dyn Locate>);

/// Answers where the value at a path was written.
pub trait Locate: Send + Sync {
    /// The span of the value, and whether it is exactly this path (`true`) or the nearest thing around it.
    fn value(&self, path: &Path) -> (Span, bool);
    /// The span of the key under which the value stands, where it has one.
    fn key(&self, path: &Path) -> Option<Span>;
}

impl Places {
    /// From whatever keeps the positions.
    pub fn new(locate: Arc<dyn Locate>) -> Self {
        Self(locate)
    }

    /// The span of a value, or of the nearest thing around it.
    pub fn value(&self, path: &Path) -> Span {
        self.0.value(path).0
    }

    /// The span of a value if exactly this path is written.
    pub fn exact(&self, path: &Path) -> Option<Span> {
        let (span, exact) = self.0.value(path);
        exact.then_some(span)
    }

    /// The span of the key of a value.
    pub fn key(&self, path: &Path) -> Option<Span> {
        self.0.key(path)
    }
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Places")
    }
}

/// `lifecycle:` of a resource.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// Resources that must be there first, though nothing refers to them.
    pub depends_on: Vec<Spanned<Address>>,
    /// A tombstone: it shall not exist.
    pub absent: Option<Span>,
    /// Refuse any plan that would delete or replace it.
    pub protect: Option<Span>,
    /// Paths whose differences are not looked at.
    pub ignore: Vec<Spanned<Path>>,
    /// What to do with an object that is there already.
    pub on_exists: OnExists,
    /// An earlier key, name or slug.
    pub was: Option<Spanned<Arc<str>>>,
    /// What has been consented to.
    pub consent: Consent,
    /// How long to wait for the remote to finish an operation.
    pub timeout: Option<Duration>,
}

/// What to do with an object that exists under the declared name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnExists {
    /// It is the declared one; differences are updated.
    #[default]
    Adopt,
    /// It is the declared one only if nothing differs; otherwise block.
    AdoptIfEqual,
}

/// What somebody has consented to, in `lifecycle` or on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Consent {
    /// To delete and create anew.
    pub replace: bool,
    /// To what a delete takes along.
    pub cascade: bool,
    /// To send again what the remote need not tell ([`Compare::IfTold`](super::Compare::IfTold)), though nothing says that
    /// it differs. Only on the command line: it is about one run.
    pub resend: bool,
}
