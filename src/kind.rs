//! A kind of remote object, and the registry that erases it.
//!
//! What a kind has to say that is data is in its [`Section`]; what is work is in its [`Kind`]. Looking takes a
//! [`Reader`], changing a [`Writer`], so that nothing that plans can write.

mod error;
mod others;
mod registry;

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;

use indexmap::IndexMap;

pub use self::error::{Failure, FieldProblem, RemoteError};
pub use self::others::{Others, Reading, Shared};
pub use self::registry::{Boxed, ErasedDeclared, ErasedKind, Registry};
use crate::clock::Clock;
use crate::http::{Client, Throttle};
use crate::model::{
    Address, Collection, Diagnostic, Facts, Fields, Identity, Observed, Path, Reference, RemoteId, Resource, Section,
    Value,
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

    /// Finds out what answers at the endpoint, by reads only, and signs in. All requests go through this client, so that
    /// whoever has a clone of it sees what holds them back before there is a session.
    fn connect_with(
        endpoint: &Endpoint,
        client: Client,
    ) -> impl Future<Output = Result<Self::Session, RemoteError>> + Send;

    /// The same with a client of its own.
    fn connect(endpoint: &Endpoint, clock: &Clock) -> impl Future<Output = Result<Self::Session, RemoteError>> + Send {
        async { Self::connect_with(endpoint, Client::new(endpoint, clock)?).await }
    }
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

/// How much of a collection is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What the declared resources could mean or refer to, and as little else as the API allows.
    Declared,
    /// Every object that can be seen, declared or not. Only by lists: what has to be asked for object by object, such as
    /// credentials and parameters, is asked for as in [`Scope::Declared`].
    Whole,
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
    /// Whether objects that nobody has declared are asked for too.
    pub scope: Scope,
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

/// A write, to be counted in requests.
#[derive(Debug, Clone, Copy)]
pub enum Writes<'a> {
    /// [`Kind::create`].
    Create(Proposal<'a>),
    /// [`Kind::update`].
    Update(Modification<'a>),
    /// [`Kind::delete`] with what it may take along.
    Delete(&'a Observed),
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
    /// Everything declared, of any kind and at any target, ordered by address: what else will be there.
    pub declared: &'a IndexMap<Address, Resource>,
}

impl<'a> Check<'a> {
    /// The declared resources of a section, at any target. Every resource is checked: to go through all that is declared
    /// for each of them would take its square.
    pub fn declared_in(&self, section: &str) -> impl Iterator<Item = &'a Resource> + use<'a> {
        // They are ordered by address, a section's together.
        let all = self.declared.as_slice();
        let from = all.partition_point(|address, _| address.section < section);
        let till = all.partition_point(|address, _| address.section <= section);
        all[from..till].values()
    }
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

    /// What of these objects, or which of them, is read only as far as something declared asks for it, however much is asked
    /// for ([`Wanted::scope`]), in words.
    const PARTIAL: Option<&'static str> = None;

    /// The names under which checks keep what they need beside the attributes of the table; no expression can read them.
    const NOTES: &'static [&'static str] = &[];

    /// Whether somebody who names none of these objects could mean this one: what cannot be chosen is not proposed.
    fn can_be_chosen(observed: &Observed) -> bool {
        let _ = observed;
        true
    }

    /// Reads, page by page, every object the declared ones could mean, or all there are ([`Wanted::scope`]). Never one
    /// request per resource.
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

    /// How many requests a write of it takes at the most.
    fn writes(of: Writes<'_>) -> u64 {
        let _ = of;
        1
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
