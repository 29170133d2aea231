//! All kinds by section, without their types: a session is downcast to the kind's own, and nobody else has to know it.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use indexmap::IndexMap;

use super::{
    Abilities, Check, Deletion, Kind, Modification, Proposal, Provider, Readable, Reader, RemoteError, Session,
    SessionOf, Sole, Tied, Wanted, Writer, Writes,
};
use crate::clock::Clock;
use crate::http::Client;
use crate::model::{Collection, Diagnostic, Facts, Observed, Resource, Secrets, Section, Value};
use crate::settings::Endpoint;

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

    /// All kinds, in the order of registration.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<dyn ErasedKind>> {
        self.kinds.values()
    }

    /// All tables, in the order of registration.
    pub fn sections(&self) -> impl Iterator<Item = &'static Section> {
        self.kinds.values().map(|kind| kind.section())
    }

    /// Connects to a target with the provider of its kinds. `None` if no kind has that provider.
    pub async fn connect_with(
        &self,
        endpoint: &Endpoint,
        client: Client,
    ) -> Option<Result<Box<dyn Session>, RemoteError>> {
        let kind = self.kinds.values().find(|kind| kind.section().provider == endpoint.provider)?;
        Some(kind.connect_with(endpoint, client).await)
    }

    /// The same with a client of its own.
    pub async fn connect(&self, endpoint: &Endpoint, clock: &Clock) -> Option<Result<Box<dyn Session>, RemoteError>> {
        match Client::new(endpoint, clock) {
            Ok(client) => self.connect_with(endpoint, client).await,
            Err(error) => Some(Err(error.into())),
        }
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
    /// See [`Readable::PARTIAL`].
    fn partial(&self) -> Option<&'static str>;
    /// See [`Readable::NOTES`].
    fn notes(&self) -> &'static [&'static str];
    /// See [`Provider::connect_with`].
    fn connect_with<'a>(
        &self,
        endpoint: &'a Endpoint,
        client: Client,
    ) -> Boxed<'a, Result<Box<dyn Session>, RemoteError>>;
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
    /// See [`Kind::writes`].
    fn writes(&self, of: Writes<'_>) -> u64;
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

    fn partial(&self) -> Option<&'static str> {
        K::PARTIAL
    }

    fn notes(&self) -> &'static [&'static str] {
        K::NOTES
    }

    fn can_be(&self) -> Vec<Facts> {
        K::Provider::can_be()
    }

    fn connect_with<'a>(
        &self,
        endpoint: &'a Endpoint,
        client: Client,
    ) -> Boxed<'a, Result<Box<dyn Session>, RemoteError>> {
        Box::pin(async move {
            let session = K::Provider::connect_with(endpoint, client).await?;
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

    fn writes(&self, of: Writes<'_>) -> u64 {
        K::writes(of)
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
