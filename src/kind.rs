//! A kind of remote object, and the registry that erases it.
//!
//! What a kind has to say that is data is in its [`Section`]; what is work is in its [`Kind`]. Looking takes a
//! [`Reader`], changing a [`Writer`], so that nothing that plans can write.

mod others;

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use indexmap::IndexMap;

pub use self::others::{Others, Reading, Shared};
use crate::clock::Clock;
use crate::http::{BuildError, Throttle, Transport, Why};
use crate::model::{
    Address, Code, Collection, Diagnostic, Facts, Fields, Identity, Observed, Path, Reference, RemoteId, RemoteProblem,
    Resource, Secrets, Section, Value,
};
use crate::settings::Endpoint;

/// A connection to one target, kept for a run.
pub trait Session: Any + Send + Sync {
    /// What the target turned out to be.
    fn facts(&self) -> Facts;
    /// How many requests have been sent to it so far, sign-in and discovery included.
    fn requests(&self) -> Requests;

    /// What holds requests to it back now, if anything does.
    fn throttle(&self) -> Option<Throttle> {
        None
    }

    /// What the remote warned of so far beside its answers, each once.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Counted requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// Those that only read, tries again included.
    pub read: u64,
    /// Those that write.
    pub write: u64,
}

/// A remote system that can be signed in to.
pub trait Provider: 'static {
    /// Its name in `provider = "…"`.
    const NAME: &'static str;
    /// Its connection.
    type Session: Session;

    /// What its targets can turn out to be, today's API first: for what is told without asking any.
    fn can_be() -> Vec<Facts> {
        Vec::new()
    }

    /// Finds out what answers at the endpoint, by reads only, and signs in.
    fn connect(endpoint: &Endpoint, clock: &Clock) -> impl Future<Output = Result<Self::Session, RemoteError>> + Send;
}

/// Permission to look.
#[derive(Debug)]
pub struct Reader<'a, S>(&'a S);

impl<S> Deref for Reader<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        self.0
    }
}

impl<S> Clone for Reader<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Reader<'_, S> {}

/// Permission to change. Providers hang what writes on `Writer<'_, TheirSession>`.
#[derive(Debug)]
pub struct Writer<'a, S>(&'a S);

impl<'a, S> Writer<'a, S> {
    /// Whoever may change may look.
    pub fn reader(&self) -> Reader<'a, S> {
        Reader(self.0)
    }

    /// For the tests of providers.
    #[cfg(test)]
    pub(crate) fn to(session: &'a S) -> Self {
        Self(session)
    }

    /// The session behind it.
    pub fn session(&self) -> &'a S {
        self.0
    }
}

/// What is asked of an observation.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The declared resources of this kind at this target, ordered by address.
    pub resources: &'a [&'a Resource],
    /// References to this kind that nothing declared answers.
    pub references: &'a [&'a Reference],
    /// The collections named in [`Readable::AFTER`], each as soon as it has been read.
    pub observed: Others,
    /// Everything declared, of any kind and at any target: what a reference to a declared resource means, and which
    /// outer objects matter to a kind that nothing refers to.
    pub declared: &'a IndexMap<Address, Resource>,
}

/// One declared resource with everything looked up.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// Its address.
    pub address: &'a Address,
    /// Its natural key.
    pub identity: &'a Identity,
    /// Its fields: no reference and no template is left. While planning, what is known only after apply is unknown;
    /// while applying, nothing is.
    pub fields: &'a Fields,
}

/// An object that is to be changed in place.
#[derive(Debug, Clone, Copy)]
pub struct Modification<'a> {
    /// What it shall be.
    pub proposal: Proposal<'a>,
    /// What it is.
    pub observed: &'a Observed,
    /// The paths that differ, in the order of the section's table. Nothing else may be sent: with both APIs, sending what
    /// has not changed has effects.
    pub changes: &'a [Path],
}

impl Modification<'_> {
    /// Whether anything in this field changes.
    pub fn changes(&self, field: &str) -> bool {
        self.changes.iter().any(|path| path.starts_with(&Path::field(field)))
    }
}

/// What can be done to existing objects of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities {
    /// They can be changed in place.
    pub update: bool,
    /// They can be deleted, and so replaced.
    pub delete: bool,
    /// A create takes the place of what a failed create left; elsewhere that has to be deleted first.
    pub create_over_failed: bool,
}

/// What a check before any write may look at.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// The declaration, for positions.
    pub resource: &'a Resource,
    /// What it comes to.
    pub proposal: Proposal<'a>,
    /// The object as it is, if it exists.
    pub observed: Option<&'a Observed>,
    /// The target's collections.
    pub collections: &'a BTreeMap<&'static str, Collection>,
    /// What the target is.
    pub facts: &'a Facts,
    /// Everything declared, of any kind and at any target: what else will be there.
    pub declared: &'a IndexMap<Address, Resource>,
}

/// A value that only one object can have at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sole {
    /// The field that gives it.
    pub field: &'static str,
    /// The value that only one can have.
    pub value: String,
    /// Among which objects, the same text for all that compete: ``the family `growth` ``.
    pub of: String,
    /// What to do about two that want it.
    pub help: &'static str,
}

/// Something else that a delete of an object concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tied {
    /// In a few words: ``the service key `ci` ``.
    pub words: String,
    /// Its id, by which it is known if it is declared too.
    pub id: RemoteId,
    /// The id of what it goes with, where that is another object.
    pub within: Option<RemoteId>,
    /// Whether it stays, and only loses what it had of the object.
    pub stays: bool,
}

/// What has to be known of a kind before any of its objects can be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// Why they never are; completes "spaces are not deleted: ".
    pub never: Option<&'static str>,
    /// What is lost with one for good, beside what [`Kind::takes_along`] names; completes "lost with it: ".
    pub loses: Option<&'static str>,
    /// The sections whose objects are deleted before those of this one, though none of them tells that it refers to any.
    pub after: &'static [&'static str],
    /// The sections whose objects have no name that one of this section has: it is free only once the other is gone.
    pub shares_names_with: &'static [&'static str],
}

impl Deletion {
    /// Nothing in particular.
    pub const PLAIN: Self = Self { never: None, loses: None, after: &[], shares_names_with: &[] };
}

/// A kind of remote object that can be looked at.
pub trait Readable: 'static {
    /// Its provider.
    type Provider: Provider;
    /// Its table.
    const SECTION: &'static Section;
    /// The collections, by section, that this one is found by or joined with, and that it therefore may wait for.
    const AFTER: &'static [&'static str] = &[];
    /// The sections that checks look into besides, read at the same time.
    const BESIDE: &'static [&'static str] = &[];

    /// The sections that [`Kind::takes_along`] and [`Kind::held_by`] look into: read as well, where something of this kind
    /// may be deleted.
    const ALONG: &'static [&'static str] = &[];

    /// Whether somebody who names none of these objects could mean this one: what cannot be chosen is not proposed.
    fn can_be_chosen(observed: &Observed) -> bool {
        let _ = observed;
        true
    }

    /// Reads, page by page, every object the declared ones could mean. Never one request per resource.
    fn observe(
        wanted: &Wanted<'_>,
        remote: Reader<'_, SessionOf<Self>>,
    ) -> impl Future<Output = Result<Vec<Observed>, RemoteError>> + Send;
}

/// The session of a kind.
pub type SessionOf<K> = <<K as Readable>::Provider as Provider>::Session;

/// A kind of remote object that can be declared.
pub trait Kind: Readable {
    /// What there is to know about deletes in general.
    const DELETION: Deletion = Deletion::PLAIN;

    /// Which observed objects the resource means. More than one is refused as ambiguous.
    fn recognise<'c>(proposal: Proposal<'_>, collection: &'c Collection, facts: &Facts) -> Vec<&'c Observed> {
        let _ = facts;
        collection.named(&proposal.identity.to_string(), Self::SECTION.fold_case).collect()
    }

    /// What it is recognised by where that is not its natural key; completes "no instance".
    fn recognised_by(proposal: Proposal<'_>, facts: &Facts) -> Option<String> {
        let _ = (proposal, facts);
        None
    }

    /// Why nobody can tell by this declaration whether its object is there, where that is so: a tombstone need not have all
    /// fields, and what is not found counts as gone.
    fn unrecognisable(resource: &Resource, facts: &Facts) -> Option<Diagnostic> {
        let _ = (resource, facts);
        None
    }

    /// What can be told before any write to be refused: against the live catalogue, rules between fields, names
    /// taken. The existence of what is referred to has been checked already.
    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        let _ = check;
        Vec::new()
    }

    /// What can be told only of several at once: a limit that all together exceed. `created` are those of this kind at one
    /// target that the plan creates and of which nothing is there yet, in its order.
    fn check_together(created: &[Check<'_>]) -> Vec<Diagnostic> {
        let _ = created;
        Vec::new()
    }

    /// What the proposal wants and only one object can have: two resources that do are refused, since they would take it
    /// from each other with every apply, or not be told apart.
    fn sole(proposal: Proposal<'_>, facts: &Facts) -> Option<Sole> {
        let _ = (proposal, facts);
        None
    }

    /// What of it has to wait for its parts ([`Resource::parts`]), because others could meet it without them: the fields,
    /// each with the value that it has meanwhile. `observed` is the object as it is, if it is to be changed; then nothing
    /// of it is changed before.
    fn held_back(proposal: Proposal<'_>, observed: Option<&Observed>) -> Vec<(&'static str, Value)> {
        let _ = (proposal, observed);
        Vec::new()
    }

    /// Creates it, with one write where the API allows. An object still being worked on comes back with
    /// [`Condition::InProgress`](crate::model::Condition).
    fn create(
        proposal: Proposal<'_>,
        remote: &Writer<'_, SessionOf<Self>>,
    ) -> impl Future<Output = Result<Observed, RemoteError>> + Send;

    /// What can be done to existing ones at such a target; what cannot is shown in the plan and not carried out.
    fn abilities(facts: &Facts) -> Abilities {
        let _ = facts;
        Abilities::default()
    }

    /// Changes it in place, sending only what differs. An object still being worked on comes back with
    /// [`Condition::InProgress`](crate::model::Condition); one whose update has been refused by what is behind the remote
    /// with [`Condition::Failed`](crate::model::Condition).
    fn update(
        modification: Modification<'_>,
        remote: &Writer<'_, SessionOf<Self>>,
    ) -> impl Future<Output = Result<Observed, RemoteError>> + Send {
        let _ = (modification, remote);
        async { unreachable!("its abilities say that it cannot be changed") }
    }

    /// Deletes it, by its id. `along`: somebody has consented to lose with it what [`Kind::takes_along`] names; without, the
    /// remote is to refuse where it can. `None`: it is gone, or was already; otherwise the remote is at work on it.
    fn delete(
        observed: &Observed,
        along: bool,
        remote: &Writer<'_, SessionOf<Self>>,
    ) -> impl Future<Output = Result<Option<Observed>, RemoteError>> + Send {
        let _ = (observed, along, remote);
        async { unreachable!("its abilities say that it cannot be deleted") }
    }

    /// What a delete of it would take along. The collections named in [`Readable::BESIDE`] and
    /// [`Readable::ALONG`] can be looked into.
    fn takes_along(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, facts: &Facts) -> Vec<Tied> {
        let _ = (observed, collections, facts);
        Vec::new()
    }

    /// What has to go, or to let go of it, before the remote would delete it.
    fn held_by(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, facts: &Facts) -> Vec<Tied> {
        let _ = (observed, collections, facts);
        Vec::new()
    }

    /// Looks for it by its natural key, now: after the answer to a create was lost. Few requests, no list of everything.
    fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, SessionOf<Self>>,
    ) -> impl Future<Output = Result<Option<Observed>, RemoteError>> + Send;

    /// How the operations on these objects are going, in as few requests as there are pages. An object that is gone is
    /// left out of the answer. Kinds whose writes are finished when they are answered need not say anything.
    fn poll(
        pending: &[&Observed],
        remote: Reader<'_, SessionOf<Self>>,
    ) -> impl Future<Output = Result<Vec<Observed>, RemoteError>> + Send {
        let _ = (pending, remote);
        async { Ok(Vec::new()) }
    }
}

/// Why a request came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or no answer.
    Unreachable,
    /// 401, or the sign-in itself was refused.
    SignIn,
    /// 403.
    Forbidden,
    /// 404.
    NotFound,
    /// 409, or a name that is taken.
    Conflict,
    /// Any other 4xx.
    Refused,
    /// 429, for longer than is waited.
    RateLimited,
    /// 5xx.
    Server,
    /// An answer that cannot be read.
    Malformed,
    /// What answers could not be told from what it says.
    UnknownDialect,
}

impl Failure {
    /// The code of its diagnostic.
    pub fn code(self) -> Code {
        match self {
            Self::Unreachable => Code::Unreachable,
            Self::SignIn => Code::SignInRefused,
            Self::Forbidden => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::Conflict => Code::Conflict,
            Self::Refused => Code::Refused,
            Self::RateLimited => Code::RateLimited,
            Self::Server => Code::ServerError,
            Self::Malformed => Code::MalformedAnswer,
            Self::UnknownDialect => Code::UnknownDialect,
        }
    }
}

/// A request that came to nothing, in terms of the YAML as far as the remote names fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RemoteError {
    /// Why.
    pub failure: Failure,
    /// Lower case, no full stop: `the remote refused the request`.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// What was asked and answered.
    pub problem: Box<RemoteProblem>,
    /// The fields the remote complains about, by their path in YAML.
    pub fields: Vec<FieldProblem>,
    /// Whether a write may have taken effect all the same. Always `false` for reads.
    pub uncertain: bool,
}

impl RemoteError {
    /// The same without these secrets: what a remote says can repeat what was sent to it.
    fn without(mut self, secrets: &Secrets) -> Self {
        secrets.take_out(&mut self.message);
        let RemoteProblem { method: _, path: _, status: _, code, detail, request_id } = &mut *self.problem;
        for text in [code, detail, request_id].into_iter().flatten() {
            secrets.take_out(text);
        }
        for field in &mut self.fields {
            secrets.take_out(&mut field.message);
        }
        self
    }

    /// As a diagnostic that points at the YAML as precisely as the remote's answer allows. `doing` completes "cannot".
    pub fn diagnose(&self, doing: &str, resource: Option<&Resource>) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.failure.code(), format!("cannot {doing}: {}", self.message))
            .remote((*self.problem).clone());
        diagnostic.help.clone_from(&self.help);
        let Some(resource) = resource else { return diagnostic };
        diagnostic = diagnostic.on(&resource.address);
        let mut fields = self.fields.iter();
        match fields.next() {
            Some(first) => {
                diagnostic = diagnostic.at(place(resource, &first.path), first.message.as_str());
                for field in fields {
                    diagnostic = diagnostic.also(place(resource, &field.path), field.message.as_str());
                }
                diagnostic
            }
            None => diagnostic.at(resource.key_span, "needed here"),
        }
    }
}

/// The value of a field; the resource's key if the field is not written.
fn place(resource: &Resource, path: &Path) -> crate::model::Span {
    let written = path.0.first().is_some_and(|first| resource.places.exact(&Path(vec![first.clone()])).is_some());
    if written { resource.places.value(path) } else { resource.key_span }
}

/// A field the remote complains about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field, as in YAML.
    pub path: Path,
    /// The remote's words, or ours where it has none.
    pub message: String,
}

impl From<Transport> for RemoteError {
    fn from(lost: Transport) -> Self {
        let help = match lost.why {
            Why::NoConnection => Some("check the target's `url` in `trueup.toml`, and the network"),
            Why::Untrusted => Some("name the certificate authority's file as the target's `ca_file` in `trueup.toml`"),
            Why::Invalid => Some("check the target's `url` in `trueup.toml`"),
            Why::TimedOut | Why::Cut => Some("try again; if it stays so, look at what is between here and the remote"),
            Why::TooLarge => None,
        };
        Self {
            failure: if lost.why == Why::TooLarge { Failure::Malformed } else { Failure::Unreachable },
            message: lost.message,
            help: help.map(str::to_owned),
            problem: Box::new(RemoteProblem {
                method: lost.method.to_string(),
                path: lost.path,
                ..RemoteProblem::default()
            }),
            fields: Vec::new(),
            uncertain: lost.uncertain,
        }
    }
}

impl From<BuildError> for RemoteError {
    fn from(error: BuildError) -> Self {
        Self {
            failure: Failure::Unreachable,
            message: error.to_string(),
            help: Some(
                "check the target's `ca_file` in `trueup.toml`, and the system's certificate authorities".to_owned(),
            ),
            problem: Box::default(),
            fields: Vec::new(),
            uncertain: false,
        }
    }
}

/// Every kind trueup knows, by section.
#[derive(Default, Clone)]
pub struct Registry {
    kinds: IndexMap<&'static str, Arc<dyn ErasedKind>>,
}

impl Registry {
    /// Adds a kind that can be declared.
    pub fn with<K: Kind>(mut self) -> Self {
        self.kinds.insert(
            K::SECTION.name,
            Arc::new(Erased::<K> { kind: PhantomData, declared: Some(Box::new(Declared::<K>(PhantomData))) }),
        );
        self
    }

    /// Adds a kind that can only be referred to.
    pub fn with_readable<K: Readable>(mut self) -> Self {
        self.kinds.insert(K::SECTION.name, Arc::new(Erased::<K> { kind: PhantomData, declared: None }));
        self
    }

    /// The kind of a section.
    pub fn kind(&self, section: &str) -> Option<&Arc<dyn ErasedKind>> {
        self.kinds.get(section)
    }

    /// The table of a section.
    pub fn section(&self, section: &str) -> Option<&'static Section> {
        self.kinds.get(section).map(|kind| kind.section())
    }

    /// All tables, in the order of registration.
    pub fn sections(&self) -> impl Iterator<Item = &'static Section> {
        self.kinds.values().map(|kind| kind.section())
    }

    /// Connects to a target with the provider of its kinds. `None` if no kind has that provider.
    pub async fn connect(&self, endpoint: &Endpoint, clock: &Clock) -> Option<Result<Box<dyn Session>, RemoteError>> {
        let kind = self.kinds.values().find(|kind| kind.section().provider == endpoint.provider)?;
        Some(kind.connect(endpoint, clock).await)
    }
}

/// A future without its type.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`Kind`] or [`Readable`] without its type. Sessions handed to it must be its own provider's.
pub trait ErasedKind: Send + Sync {
    /// See [`Readable::SECTION`].
    fn section(&self) -> &'static Section;
    /// See [`Readable::AFTER`].
    fn after(&self) -> &'static [&'static str];
    /// See [`Readable::BESIDE`].
    fn beside(&self) -> &'static [&'static str];
    /// See [`Readable::can_be_chosen`].
    fn can_be_chosen(&self, observed: &Observed) -> bool;
    /// See [`Readable::ALONG`].
    fn along(&self) -> &'static [&'static str];
    /// See [`Provider::connect`].
    fn connect<'a>(&self, endpoint: &'a Endpoint, clock: &'a Clock)
    -> Boxed<'a, Result<Box<dyn Session>, RemoteError>>;
    /// See [`Provider::can_be`].
    fn can_be(&self) -> Vec<Facts>;
    /// See [`Readable::observe`].
    fn observe<'a>(
        &self,
        wanted: &'a Wanted<'a>,
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Collection, RemoteError>>;
    /// The same kind as one that can be declared.
    fn declared(&self) -> Option<&dyn ErasedDeclared>;
}

/// A [`Kind`] without its type. Sessions handed to it must be its own provider's.
pub trait ErasedDeclared: Send + Sync {
    /// See [`Kind::recognise`].
    fn recognise<'c>(&self, proposal: Proposal<'_>, collection: &'c Collection, facts: &Facts) -> Vec<&'c Observed>;
    /// See [`Kind::recognised_by`].
    fn recognised_by(&self, proposal: Proposal<'_>, facts: &Facts) -> Option<String>;
    /// See [`Kind::unrecognisable`].
    fn unrecognisable(&self, resource: &Resource, facts: &Facts) -> Option<Diagnostic>;
    /// See [`Kind::check`].
    fn check(&self, check: Check<'_>) -> Vec<Diagnostic>;
    /// See [`Kind::check_together`].
    fn check_together(&self, created: &[Check<'_>]) -> Vec<Diagnostic>;
    /// See [`Kind::sole`].
    fn sole(&self, proposal: Proposal<'_>, facts: &Facts) -> Option<Sole>;
    /// See [`Kind::held_back`].
    fn held_back(&self, proposal: Proposal<'_>, observed: Option<&Observed>) -> Vec<(&'static str, Value)>;
    /// See [`Kind::create`].
    fn create<'a>(&self, proposal: Proposal<'a>, session: &'a dyn Session) -> Boxed<'a, Result<Observed, RemoteError>>;
    /// See [`Kind::abilities`].
    fn abilities(&self, facts: &Facts) -> Abilities;
    /// See [`Kind::update`].
    fn update<'a>(
        &self,
        modification: Modification<'a>,
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Observed, RemoteError>>;
    /// See [`Kind::delete`].
    fn delete<'a>(
        &self,
        observed: &'a Observed,
        along: bool,
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Option<Observed>, RemoteError>>;
    /// See [`Kind::DELETION`].
    fn deletion(&self) -> Deletion;
    /// See [`Kind::takes_along`].
    fn takes_along(
        &self,
        observed: &Observed,
        collections: &BTreeMap<&'static str, Collection>,
        facts: &Facts,
    ) -> Vec<Tied>;
    /// See [`Kind::held_by`].
    fn held_by(
        &self,
        observed: &Observed,
        collections: &BTreeMap<&'static str, Collection>,
        facts: &Facts,
    ) -> Vec<Tied>;
    /// See [`Kind::look_up`].
    fn look_up<'a>(
        &self,
        proposal: Proposal<'a>,
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Option<Observed>, RemoteError>>;
    /// See [`Kind::poll`].
    fn poll<'a>(
        &self,
        pending: &'a [&'a Observed],
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Vec<Observed>, RemoteError>>;
}

/// What can be said of any kind; `declared` is the rest, for one that can be declared.
struct Erased<K> {
    kind: PhantomData<fn() -> K>,
    declared: Option<Box<dyn ErasedDeclared>>,
}

struct Declared<K>(PhantomData<fn() -> K>);

fn own<K: Readable>(session: &dyn Session) -> &SessionOf<K> {
    let session: &dyn Any = session;
    session.downcast_ref().expect("a kind is handed a session of its own provider")
}

impl<K: Readable> ErasedKind for Erased<K> {
    fn section(&self) -> &'static Section {
        K::SECTION
    }

    fn after(&self) -> &'static [&'static str] {
        K::AFTER
    }

    fn beside(&self) -> &'static [&'static str] {
        K::BESIDE
    }

    fn can_be_chosen(&self, observed: &Observed) -> bool {
        K::can_be_chosen(observed)
    }

    fn along(&self) -> &'static [&'static str] {
        K::ALONG
    }

    fn can_be(&self) -> Vec<Facts> {
        K::Provider::can_be()
    }

    fn connect<'a>(
        &self,
        endpoint: &'a Endpoint,
        clock: &'a Clock,
    ) -> Boxed<'a, Result<Box<dyn Session>, RemoteError>> {
        Box::pin(async move {
            let session = K::Provider::connect(endpoint, clock).await?;
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }

    fn observe<'a>(
        &self,
        wanted: &'a Wanted<'a>,
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Collection, RemoteError>> {
        Box::pin(async move {
            let objects = K::observe(wanted, Reader(own::<K>(session))).await?;
            Ok(Collection::new(objects, K::SECTION.fold_case))
        })
    }

    fn declared(&self) -> Option<&dyn ErasedDeclared> {
        self.declared.as_deref()
    }
}

impl<K: Kind> ErasedDeclared for Declared<K> {
    fn recognise<'c>(&self, proposal: Proposal<'_>, collection: &'c Collection, facts: &Facts) -> Vec<&'c Observed> {
        K::recognise(proposal, collection, facts)
    }

    fn recognised_by(&self, proposal: Proposal<'_>, facts: &Facts) -> Option<String> {
        K::recognised_by(proposal, facts)
    }

    fn unrecognisable(&self, resource: &Resource, facts: &Facts) -> Option<Diagnostic> {
        K::unrecognisable(resource, facts)
    }

    fn check(&self, check: Check<'_>) -> Vec<Diagnostic> {
        K::check(check)
    }

    fn check_together(&self, created: &[Check<'_>]) -> Vec<Diagnostic> {
        K::check_together(created)
    }

    fn sole(&self, proposal: Proposal<'_>, facts: &Facts) -> Option<Sole> {
        K::sole(proposal, facts)
    }

    fn held_back(&self, proposal: Proposal<'_>, observed: Option<&Observed>) -> Vec<(&'static str, Value)> {
        K::held_back(proposal, observed)
    }

    fn create<'a>(&self, proposal: Proposal<'a>, session: &'a dyn Session) -> Boxed<'a, Result<Observed, RemoteError>> {
        Box::pin(async move {
            let created = K::create(proposal, &Writer(own::<K>(session))).await;
            created.map_err(|error| error.without(&Secrets::of(proposal.fields)))
        })
    }

    fn abilities(&self, facts: &Facts) -> Abilities {
        K::abilities(facts)
    }

    fn update<'a>(
        &self,
        modification: Modification<'a>,
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Observed, RemoteError>> {
        Box::pin(async move {
            let updated = K::update(modification, &Writer(own::<K>(session))).await;
            updated.map_err(|error| error.without(&Secrets::of(modification.proposal.fields)))
        })
    }

    fn delete<'a>(
        &self,
        observed: &'a Observed,
        along: bool,
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Option<Observed>, RemoteError>> {
        Box::pin(async move { K::delete(observed, along, &Writer(own::<K>(session))).await })
    }

    fn deletion(&self) -> Deletion {
        K::DELETION
    }

    fn takes_along(
        &self,
        observed: &Observed,
        collections: &BTreeMap<&'static str, Collection>,
        facts: &Facts,
    ) -> Vec<Tied> {
        K::takes_along(observed, collections, facts)
    }

    fn held_by(
        &self,
        observed: &Observed,
        collections: &BTreeMap<&'static str, Collection>,
        facts: &Facts,
    ) -> Vec<Tied> {
        K::held_by(observed, collections, facts)
    }

    fn look_up<'a>(
        &self,
        proposal: Proposal<'a>,
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Option<Observed>, RemoteError>> {
        Box::pin(K::look_up(proposal, Reader(own::<K>(session))))
    }

    fn poll<'a>(
        &self,
        pending: &'a [&'a Observed],
        session: &'a dyn Session,
    ) -> Boxed<'a, Result<Vec<Observed>, RemoteError>> {
        Box::pin(K::poll(pending, Reader(own::<K>(session))))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.kinds.keys()).finish()
    }
}
