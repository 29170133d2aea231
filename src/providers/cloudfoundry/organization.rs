//! Organizations: what everything else is in.

use std::sync::Arc;

use super::api::{self, ContainerChange, Filter, Key, NewOrganization};
use super::metadata::{self, Metadata};
use super::{
    ANNOTATIONS_DOC, CREATED_AT, CloudFoundry, GUID, LABELS_DOC, NAME, NAME_SHAPE, Stamp, UPDATED_AT, own_name_of,
};
use crate::kind::{
    Abilities, Check, Deletion, Kind, Modification, Proposal, Readable, Reader, RemoteError, Wanted, Writer,
};
use crate::model::{
    Compare, Condition, Diagnostic, Facts, Field, Fields, Identity, KeyPart, KeySource, Observed, Section, Shape, Value,
};

/// An organization, as either API tells it.
#[derive(Debug, Clone)]
pub struct Organization {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
    /// Where the API has any.
    pub(super) metadata: Option<Metadata>,
}

static SECTION: Section = Section {
    name: "organizations",
    singular: "organization",
    provider: NAME,
    doc: "Organizations of a foundation, found by name; creating one needs an administrator on most foundations.",
    declarable: true,
    apis: &[],
    key: &[KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE }],
    fold_case: true,
    fields: &[
        Field::new("name", "name", NAME_SHAPE, "The name, compared without regard to case; the key if not given."),
        Field::new("labels", "labels", Shape::Object, LABELS_DOC).compare(Compare::DeclaredKeys).only(&["v3"]),
        Field::new("annotations", "annotations", Shape::Object, ANNOTATIONS_DOC)
            .compare(Compare::DeclaredKeys)
            .only(&["v3"]),
    ],
    attributes: &[GUID, CREATED_AT, UPDATED_AT],
    example: "\
organizations:
  acme: {}
",
};

impl Organization {
    fn observed(self) -> Observed {
        let mut fields = Fields::from_iter([("name", Value::Text(Arc::clone(&self.name)))]);
        self.metadata.into_iter().flat_map(Metadata::fields).for_each(|(name, value)| fields.set(name, value));
        Observed {
            identity: Identity::single("name", Arc::clone(&self.name)),
            id: Arc::clone(&self.stamp.guid),
            version: self.stamp.updated_at.clone(),
            fields,
            attributes: self.stamp.attributes(),
            condition: Condition::Ready,
        }
    }
}

impl Readable for Organization {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;

    /// All of them: spaces are found through their organization, and which organizations those are in is not asked here.
    async fn observe(_: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        Ok(api::organizations(&remote, &[]).await?.into_iter().map(Self::observed).collect())
    }
}

impl Kind for Organization {
    /// As v3 does it (reference, section 6.1), whatever v2 would refuse.
    const DELETION: Deletion = Deletion {
        never: Some("a delete takes along everything inside, apps and routes too, which cannot be shown beforehand"),
        ..Deletion::PLAIN
    };

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        metadata::check(check)
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, CloudFoundry>) -> Result<Observed, RemoteError> {
        let new = NewOrganization { name: own_name_of(proposal), metadata: Metadata::declared(proposal.fields) };
        api::create_organization(remote, new, &SECTION).await.map(Self::observed)
    }

    fn abilities(_: &Facts) -> Abilities {
        Abilities { update: true, ..Abilities::default() }
    }

    async fn update(
        modification: Modification<'_>,
        remote: &Writer<'_, CloudFoundry>,
    ) -> Result<Observed, RemoteError> {
        let change = ContainerChange {
            name: modification.changes("name").then(|| own_name_of(modification.proposal)),
            metadata: Metadata::changed(&modification),
        };
        let updated = api::update_organization(remote, &modification.observed.id, change, &SECTION).await;
        updated.map(Self::observed)
    }

    async fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        let name = own_name_of(proposal);
        let found = api::organizations(&remote, &[Filter::Is(Key::Name, name.into())]).await?;
        let named = found.into_iter().find(|found| found.name.to_lowercase() == name.to_lowercase());
        Ok(named.map(Self::observed))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{body_string, method, path, query_param};
    use wiremock::{Mock, ResponseTemplate};

    use super::super::testing::{foundation, object, page, registry, session};
    use super::*;
    use crate::kind::Failure;
    use crate::model::Address;

    #[tokio::test]
    async fn an_organization_is_created_by_name_and_found_without_regard_to_case() {
        let server = foundation().await;
        Mock::given(method("POST"))
            .and(path("/v2/organizations"))
            .and(body_string(r#"{"name":"Acme"}"#))
            .respond_with(ResponseTemplate::new(201).set_body_json(object("o-1", json!({"name": "Acme"}))))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let taken = json!({"error_code": "CF-OrganizationNameTaken", "code": 30002, "description": "taken: Acme"});
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(400).set_body_json(taken)).mount(&server).await;
        Mock::given(method("GET"))
            .and(path("/v2/organizations"))
            .and(query_param("q", "name:Acme"))
            .respond_with(ResponseTemplate::new(200).set_body_json(page(&[object("o-1", json!({"name": "ACME"}))])))
            .expect(1)
            .mount(&server)
            .await;
        let (address, identity) = (Address::new("organizations", "acme"), Identity::single("name", "Acme"));
        let fields = Fields::default();
        let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
        let registry = registry();
        let kind = registry.kind("organizations").unwrap().declared().unwrap();
        let session = session(&server).await;

        let created = kind.create(proposal, &*session).await.unwrap();
        assert_eq!((&*created.id, created.fields.text("name")), ("o-1", Some("Acme")));
        assert_eq!(session.requests().write, 1);
        let error = kind.create(proposal, &*session).await.unwrap_err();
        assert_eq!(error.failure, Failure::Conflict);
        assert_eq!(error.fields[0].path.to_string(), "name");
        let found = kind.look_up(proposal, &*session).await.unwrap().unwrap();
        assert_eq!(found.identity.to_string(), "ACME");
    }
}
