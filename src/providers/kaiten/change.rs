//! Changing and deleting what exists. A PUT replaces the object, and what each resource does with an omitted member differs
//! (reference §7.2): so the object is read right before, and what is not to change is repeated as it is.

use serde_json::Value as Json;

use super::page::Walk;
use super::wire::Row;
use super::{Dialect, Kaiten, entitlement, problem, wire};
use crate::http::{Method, Request, segment};
use crate::kind::{Abilities, Check, Failure, Modification, RemoteError, Writer};
use crate::model::{Code, Diagnostic, Facts, Observed, Path, Section, Value};

/// What can be done wherever anything can be changed at all.
pub(super) fn abilities(facts: &Facts) -> Abilities {
    let able = facts.read_only.is_none();
    Abilities { update: able, delete: able, create_over_failed: false }
}

/// Values that can be changed but not taken away again (reference §14). An expression can come to nothing.
pub(super) fn irremovable(check: Check<'_>, fields: &[&'static str]) -> Vec<Diagnostic> {
    let is_to_go = |name: &&&str| {
        let there = check.observed.and_then(|observed| observed.fields.get(name));
        check.proposal.fields.get(name) == Some(&Value::Null) && there.is_some_and(|value| *value != Value::Null)
    };
    let diagnostic = |name: &&str| {
        Diagnostic::error(Code::Blocked, format!("`{name}` cannot be removed: Kaiten changes it and nothing more"))
            .on(&check.resource.address)
            .at(check.resource.places.value(&Path::field(*name)), "this comes to nothing")
            .help(format!("give it a value, or take `{name}` out: what is not declared is left alone"))
    };
    fields.iter().filter(is_to_go).map(diagnostic).collect()
}

/// Where an object is: `/customers/acme`.
pub(super) fn path_of(collection: &str, slug: &str) -> String {
    format!("{collection}/{}", segment(slug))
}

impl Kaiten {
    /// An object as JSON, read now. `None` if there is none.
    async fn row(
        &self,
        section: &'static Section,
        collection: &str,
        observed: &Observed,
    ) -> Result<Option<Row>, RemoteError> {
        if self.dialect == Dialect::Seed {
            return self.listed_row(section, collection, &observed.id).await;
        }
        let path = path_of(collection, &observed.identity.to_string());
        let response = self.ask(Request::get(format!("{}{path}", self.prefix))).await?;
        // A proxy's 404 says nothing about the object.
        if response.status == 404 && problem::is_problem(&response) {
            return Ok(None);
        }
        if !response.is_success() {
            return Err(self.refusal(&response, Some(section)));
        }
        let row = response.json::<Row>().map_err(|error| problem::malformed(&response, error.detail))?;
        if row.get("id").and_then(Json::as_str) == Some(&*observed.id) {
            let mut row = row;
            if section.name == entitlement::SECTION.name {
                entitlement::inward(&mut row);
            }
            return Ok(Some(row));
        }
        Err(problem::ours(
            Failure::Conflict,
            format!("the slug `{}` belongs to another {} by now", observed.identity, section.singular),
            "it was deleted or renamed since the plan was made: plan again",
        ))
    }

    /// The seed dialect documents no read of a single object.
    async fn listed_row(
        &self,
        section: &'static Section,
        collection: &str,
        id: &str,
    ) -> Result<Option<Row>, RemoteError> {
        let response = self.ask(Request::get(format!("{}{collection}", self.prefix))).await?;
        if !response.is_success() {
            return Err(self.refusal(&response, Some(section)));
        }
        let page = response.json::<Json>().map_err(|error| problem::malformed(&response, error.detail))?;
        let mut walk = Walk::default();
        walk.take(page).map_err(|detail| problem::malformed(&response, detail))?;
        Ok(walk.rows.into_iter().find(|row| row.get("id").and_then(Json::as_str) == Some(id)))
    }
}

impl Writer<'_, Kaiten> {
    /// An object that is about to be changed, as it is now. What `apply` has looked at before will not do: that may be of a
    /// list that many share, and seconds old, and whatever others have changed since would be put back.
    pub(super) async fn fresh(
        &self,
        section: &'static Section,
        collection: &str,
        observed: &Observed,
    ) -> Result<Row, RemoteError> {
        // What was read before a write says nothing after it.
        self.session().take_first_page();
        let row = self.session().row(section, collection, observed).await?;
        row.ok_or_else(|| {
            problem::ours(
                Failure::NotFound,
                format!("the {} is gone", section.singular),
                "it was deleted since the plan was made: plan again",
            )
        })
    }

    /// Changes an object with at most one PUT, and tells what it is then. `kept` names the fields that a PUT leaves alone
    /// when they are omitted: they are sent only if they change.
    pub(super) async fn replace(
        &self,
        section: &'static Section,
        collection: &str,
        modification: Modification<'_>,
        kept: &[&str],
    ) -> Result<Observed, RemoteError> {
        let live = self.fresh(section, collection, modification.observed).await?;
        let path = path_of(collection, &modification.observed.identity.to_string());
        self.put_over(section, &path, &live, modification, kept).await?;
        self.changed(section, collection, modification.observed).await
    }

    /// Sends the PUT, if anything still differs from what was read.
    pub(super) async fn put_over(
        &self,
        section: &'static Section,
        path: &str,
        live: &Row,
        modification: Modification<'_>,
        kept: &[&str],
    ) -> Result<(), RemoteError> {
        self.put_reshaped(section, path, live, modification, kept, |_| {}).await
    }

    /// The same for a body that Kaiten takes in another shape than the table's.
    pub(super) async fn put_reshaped(
        &self,
        section: &'static Section,
        path: &str,
        live: &Row,
        modification: Modification<'_>,
        kept: &[&str],
        outward: impl FnOnce(&mut Row),
    ) -> Result<(), RemoteError> {
        let dialect = self.session().dialect;
        let as_it_is = wire::repeat(section, dialect, live, kept);
        let mut body = as_it_is.clone();
        wire::put_over(section, dialect, modification, live, &mut body);
        if body == as_it_is {
            return Ok(());
        }
        outward(&mut body);
        self.send(Method::PUT, section, path, Some(body)).await
    }

    /// An object after it was changed; the answer to a PUT holds nothing (reference §7.1).
    pub(super) async fn changed(
        &self,
        section: &'static Section,
        collection: &str,
        observed: &Observed,
    ) -> Result<Observed, RemoteError> {
        let read = self.session().row(section, collection, observed).await;
        let read = read.and_then(|row| {
            row.ok_or_else(|| {
                problem::ours(Failure::NotFound, format!("the {} is gone", section.singular), "plan again")
            })
        });
        let row = read.map_err(|error| RemoteError {
            message: format!("it has been changed, but not read back: {}", error.message),
            uncertain: true,
            ..error
        })?;
        wire::project(section, self.session().dialect, &row)
            .map_err(|detail| problem::malformed_at("GET", format!("{}{collection}", self.session().prefix), detail))
    }

    /// A write whose answer says nothing that matters.
    pub(super) async fn send(
        &self,
        method: Method,
        section: &'static Section,
        path: &str,
        body: Option<Row>,
    ) -> Result<(), RemoteError> {
        let kaiten = self.session();
        kaiten.take_first_page();
        let mut request = Request::write(method, format!("{}{path}", kaiten.prefix)).untaken(problem::nothing_written);
        if let Some(body) = body {
            request = request.json(&Json::Object(body));
        }
        let response = kaiten.ask(request).await?;
        if response.is_success() { Ok(()) } else { Err(kaiten.refusal(&response, Some(section))) }
    }

    /// Deletes an object. Its path is its slug, which may have gone to another one: that is not touched.
    pub(super) async fn remove(
        &self,
        section: &'static Section,
        collection: &str,
        observed: &Observed,
    ) -> Result<Option<Observed>, RemoteError> {
        self.session().take_first_page();
        if self.session().row(section, collection, observed).await?.is_none() {
            return Ok(None);
        }
        self.delete_at(section, &path_of(collection, &observed.identity.to_string())).await?;
        Ok(None)
    }

    /// A DELETE; what is gone already is gone.
    pub(super) async fn delete_at(&self, section: &'static Section, path: &str) -> Result<(), RemoteError> {
        match self.send(Method::DELETE, section, path, None).await {
            Err(error) if error.failure == Failure::NotFound && error.problem.code.is_some() => Ok(()),
            answer => answer,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
