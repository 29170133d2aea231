//! Words that every stage shares. This module knows no other.

mod address;
mod code;
mod diagnostic;
mod document;
mod exit;
mod fingerprint;
pub mod instant;
mod lifecycle;
mod path;
mod resource;
mod room;
mod secrets;
mod section;
mod snapshot;
mod source;
mod value;

pub use address::{Address, TargetName};
pub use code::{Class, Code};
pub use diagnostic::{Diagnostic, Diagnostics, Label, RemoteProblem, Severity};
pub use document::{
    DiagnosticDocument, FORMAT_VERSION, LabelDocument, PlaceDocument, RemoteDocument, ValidationDocument,
};
pub use exit::Exit;
pub use fingerprint::Fingerprint;
pub(crate) use fingerprint::hex;
pub use lifecycle::{LIFECYCLE, LIFECYCLE_DOC, LifecycleField, target_doc};
pub use path::{Path, Segment};
pub use resource::{Consent, Desired, Lifecycle, Locate, OnExists, Places, Resource, Spanned, Target};
pub use room::Room;
pub use secrets::Secrets;
pub use section::{
    Attribute, ChangeRule, Compare, Field, Follows, Format, Initial, KeyPart, KeySource, Naming, Section, Shape,
};
pub use snapshot::{Collection, Condition, Facts, Identity, Observed, Operation, Snapshot};
pub use source::{FileId, Position, SourceFile, Sources, Span};
pub use value::{Fields, Link, Map, Reference, RemoteId, Sensitive, Template, TemplatePart, To, Value};
