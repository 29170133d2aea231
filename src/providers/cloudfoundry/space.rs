//! Spaces: what instances are in.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::api::{self, ContainerChange, Filter, Key, NewSpace};
use super::error::says_gone;
use super::meant::{self, Meant};
use super::metadata::{self, Metadata};
use super::{
    ANNOTATIONS_DOC, CREATED_AT, CloudFoundry, GUID, LABELS_DOC, NAME, NAME_SHAPE, Stamp, UPDATED_AT, linked_id,
    own_name_of,
};
use crate::kind::{
    Abilities, Check, Deletion, Failure, Kind, Modification, Proposal, Readable, Reader, RemoteError, Scope, Wanted,
    Writer,
};
use crate::model::{
    Collection, Compare, Condition, Diagnostic, Facts, Field, Fields, Identity, KeyPart, KeySource, Link, Observed,
    RemoteId, Section, Shape, To, Value,
};

/// How many spaces named by their guid are read one by one; for more, all spaces are read.
const FEW: usize = 3;

/// A space, as either API tells it.
#[derive(Debug, Clone)]
pub struct Space {
    pub(super) stamp: Stamp,
    pub(super) name: Arc<str>,
    /// The guid of its organization.
    pub(super) organization: RemoteId,
    /// Where the API has any.
    pub(super) metadata: Option<Metadata>,
}

const ORGANIZATION_SHAPE: Shape = Shape::Reference { section: "organizations", qualifier: None, with_slug: false };

static SECTION: Section = Section {
    name: "spaces",
    singular: "space",
    provider: NAME,
    doc: "Spaces of organizations, found by organization and name.",
    declarable: true,
    apis: &[],
    key: &[
        KeyPart { name: "organization", from: KeySource::Reference, shape: ORGANIZATION_SHAPE },
        KeyPart { name: "name", from: KeySource::FieldOrKey, shape: NAME_SHAPE },
    ],
    fold_case: true,
    fields: &[
        Field::new(
            "organization",
            "organization_guid",
            ORGANIZATION_SHAPE,
            "The organization: a declared key, the name of one that exists, or `{ guid: … }`.",
        )
        .required()
        .immutable("a space stays in the organization it was created in"),
        Field::new("name", "name", NAME_SHAPE, "The name, compared without regard to case; the key if not given."),
        Field::new("labels", "labels", Shape::Object, LABELS_DOC).compare(Compare::DeclaredKeys).only(&["v3"]),
        Field::new("annotations", "annotations", Shape::Object, ANNOTATIONS_DOC)
            .compare(Compare::DeclaredKeys)
            .only(&["v3"]),
    ],
    attributes: &[GUID, CREATED_AT, UPDATED_AT],
    example: "\
spaces:
  acme-production:
    organization: acme
    name: production
",
};

impl Space {
    fn observed(self, organization: Option<Arc<str>>) -> Observed {
        let shown = organization.clone().unwrap_or_else(|| Arc::clone(&self.organization));
        let link = Link { name: organization, id: Some(self.organization) };
        let mut fields = Fields::from_iter([
            ("organization", Value::Link(Box::new(link))),
            ("name", Value::Text(Arc::clone(&self.name))),
        ]);
        self.metadata.into_iter().flat_map(Metadata::fields).for_each(|(name, value)| fields.set(name, value));
        Observed {
            identity: Identity { parts: vec![("organization", shown), ("name", Arc::clone(&self.name))] },
            id: Arc::clone(&self.stamp.guid),
            version: self.stamp.updated_at.clone(),
            fields,
            attributes: self.stamp.attributes(),
            condition: Condition::Ready,
        }
    }
}

/// The names of the spaces that are meant, in whatever organization: those are known before any answer. `None` if they
/// cannot be told.
fn names_meant(wanted: &Wanted<'_>) -> Option<BTreeSet<Arc<str>>> {
    let mut names = BTreeSet::new();
    for resource in wanted.resources {
        names.extend(meant::names(resource)?);
    }
    let referred = wanted.references.iter().filter_map(|reference| match &reference.to {
        To::Natural { name, .. } => Some(meant::names_of_spaces(name)),
        _ => None,
    });
    names.extend(referred.flatten().map(Arc::from));
    // What is in a space is named with its organization and space in front.
    let holding = meant::instances_named(wanted.declared).flat_map(meant::names_of_spaces_holding);
    names.extend(holding.map(Arc::from));
    Some(names)
}

/// The organizations whose spaces are asked for, of those that exist.
fn organizations_meant(wanted: &Wanted<'_>, there: &Collection) -> Meant<BTreeSet<RemoteId>> {
    let mut guids = BTreeSet::new();
    for resource in wanted.resources {
        let organization = resource.fields.get("organization");
        let Some(found) = meant::organizations(organization, wanted.declared, there) else { return Meant::Any };
        guids.extend(found);
    }
    for reference in wanted.references {
        if let To::Natural { name, .. } = &reference.to {
            guids.extend(meant::organizations_holding(name, there));
        }
    }
    // What is in a space is named with its organization and space in front.
    for instance in meant::instances_named(wanted.declared) {
        guids.extend(meant::organizations_holding(instance, there));
    }
    Meant::These(guids)
}

/// Whether each space that is referred to by its natural key is among these.
fn all_found(wanted: &Wanted<'_>, spaces: &[Space], organizations: &Collection) -> bool {
    let mut missing: BTreeSet<String> = wanted
        .references
        .iter()
        .filter_map(|reference| match &reference.to {
            To::Natural { name, .. } => Some(name.to_lowercase()),
            _ => None,
        })
        .collect();
    for space in spaces {
        if let Some(organization) = organizations.with_id(&space.organization) {
            missing.remove(&format!("{}/{}", organization.identity, space.name).to_lowercase());
        }
    }
    missing.is_empty()
}

impl Readable for Space {
    type Provider = CloudFoundry;
    const SECTION: &'static Section = &SECTION;
    const AFTER: &'static [&'static str] = &["organizations"];

    /// All, or by their names, which need no answer to any other question; where that is too much to ask for or to be told, and
    /// where one that is referred to is not among them and what it is near to is to be said, by their organizations.
    async fn observe(wanted: &Wanted<'_>, remote: Reader<'_, CloudFoundry>) -> Result<Vec<Observed>, RemoteError> {
        let named = match names_meant(wanted) {
            _ if wanted.scope == Scope::Whole => Some(api::spaces(&remote, &[]).await?),
            Some(names) => api::spaces_named(&remote, &names).await?,
            None => None,
        };
        let organizations = wanted.observed.get("organizations").await?;
        let mut spaces = match named {
            Some(named) if wanted.scope == Scope::Whole || all_found(wanted, &named, organizations) => named,
            _ => match api::of_organizations(remote.speaks, &organizations_meant(wanted, organizations)) {
                Some(filters) => api::spaces(&remote, &filters).await?,
                None => Vec::new(),
            },
        };

        let mut missing: BTreeSet<&str> = wanted
            .references
            .iter()
            .filter_map(|reference| match &reference.to {
                To::Id { id, .. } => Some(&**id),
                _ => None,
            })
            .collect();
        for space in &spaces {
            missing.remove(&*space.stamp.guid);
        }
        if missing.len() > FEW {
            spaces = api::spaces(&remote, &[]).await?;
        } else {
            for guid in missing {
                match api::space_of_guid(&remote, guid).await {
                    Ok(space) => spaces.push(space),
                    // Passed through unresolved: it is whoever uses it that is told.
                    Err(error) if says_gone(&error) || error.failure == Failure::Forbidden => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let name_of = |guid: &RemoteId| Some(organizations.with_id(guid)?.identity.to_string().into());
        Ok(spaces
            .into_iter()
            .map(|space| {
                let name = name_of(&space.organization);
                space.observed(name)
            })
            .collect())
    }
}

impl Kind for Space {
    /// As v3 does it (reference, section 6.1), whatever v2 would refuse.
    const DELETION: Deletion = Deletion {
        never: Some("a delete takes along everything inside, apps and routes too, which cannot be shown beforehand"),
        ..Deletion::PLAIN
    };

    fn recognise<'c>(proposal: Proposal<'_>, collection: &'c Collection, _: &Facts) -> Vec<&'c Observed> {
        let name = own_name_of(proposal);
        match proposal.fields.link("organization").and_then(|link| link.id.as_ref()) {
            Some(id) => collection.called(name).filter(|space| meant::organization_of(space) == Some(id)).collect(),
            None => collection.named(&proposal.identity.to_string(), true).collect(),
        }
    }

    fn check(check: Check<'_>) -> Vec<Diagnostic> {
        metadata::check(check)
    }

    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, CloudFoundry>) -> Result<Observed, RemoteError> {
        let new = NewSpace {
            organization: linked_id(proposal, "organization"),
            name: own_name_of(proposal),
            metadata: Metadata::declared(proposal.fields),
        };
        let space = api::create_space(remote, new, &SECTION).await?;
        Ok(space.observed(super::linked_name(proposal, "organization")))
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
        let updated = api::update_space(remote, &modification.observed.id, change, &SECTION).await;
        updated.map(|space| space.observed(super::linked_name(modification.proposal, "organization")))
    }

    async fn look_up(
        proposal: Proposal<'_>,
        remote: Reader<'_, CloudFoundry>,
    ) -> Result<Option<Observed>, RemoteError> {
        let (name, organization) = (own_name_of(proposal), linked_id(proposal, "organization"));
        let filters = [Filter::Is(Key::Name, name.into()), Filter::Is(Key::Organization, organization.into())];
        let found = api::spaces(&remote, &filters)
            .await?
            .into_iter()
            .find(|space| space.name.to_lowercase() == name.to_lowercase() && &*space.organization == organization);
        Ok(found.map(|space| space.observed(super::linked_name(proposal, "organization"))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{body_string, method, path, query_param, query_param_is_missing};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::super::testing::{
        declare, declared, foundation, link, named, object, of_key, organizations, page, registry, session, span, to,
    };
    use super::*;
    use crate::kind::Others;
    use crate::model::{Address, Reference, Resource, Spanned};

    fn entity(guid: &str, name: &str, organization: &str) -> serde_json::Value {
        object(guid, json!({"name": name, "organization_guid": organization}))
    }

    async fn observe(server: &MockServer, resources: &[Resource], references: &[Reference]) -> Collection {
        let organizations = organizations();
        let observed = Others::from_iter([("organizations", &organizations)]);
        let all = declared(resources.iter().cloned());
        let resources: Vec<&Resource> =
            resources.iter().filter(|resource| resource.address.section == "spaces").collect();
        let references: Vec<&Reference> = references.iter().collect();
        let wanted =
            Wanted { resources: &resources, references: &references, observed, declared: &all, scope: Scope::Declared };
        let kind = Arc::clone(registry().kind("spaces").unwrap());
        kind.observe(&wanted, &*session(server).await).await.unwrap()
    }

    fn natural(name: &str) -> Reference {
        to("spaces", To::Natural { name: name.into(), qualifier: None })
    }

    fn guid(guid: &str) -> Reference {
        to("spaces", To::Id { id: guid.into(), slug: None })
    }

    async fn answer(server: &MockServer, q: &str, spaces: &[serde_json::Value]) {
        answer_page(server, q, page(spaces)).await;
    }

    async fn answer_page(server: &MockServer, q: &str, page: serde_json::Value) {
        let answer = ResponseTemplate::new(200).set_body_json(page);
        Mock::given(path("/v2/spaces")).and(query_param("q", q)).respond_with(answer).expect(1).mount(server).await;
    }

    #[tokio::test]
    async fn the_spaces_that_are_meant_are_read_by_their_names() {
        let server = foundation().await;
        let spaces =
            [entity("s-1", "Production", "o-1"), entity("s-2", "x/y", "o-2"), entity("s-3", "production", "o-9")];
        // Names may hold a `/`, and what has been renamed may have its name already.
        answer(&server, "name IN b/x/y,live,production,x/y,y", &spaces).await;
        let mut production = declare("spaces", "live", [("organization", named("organizations", "acme"))]);
        production.lifecycle.was = Some(Spanned { value: "production".into(), span: span() });
        // One that is named by its guid and in the list already is not read again.
        let found = observe(&server, &[production], &[natural("a/b/x/y"), guid("s-1")]).await;
        assert_eq!(found.with_id("s-2").unwrap().identity.to_string(), "a/b/x/y");
        let production = found.named("acme/production", true).next().unwrap();
        assert_eq!(production.fields.get("organization"), Some(&link("acme", "o-1")));
        assert_eq!(production.fields.text("name"), Some("Production"));
        let odd = found.with_id("s-3").unwrap();
        assert_eq!(odd.fields.link("organization").unwrap(), &Link { name: None, id: Some("o-9".into()) });
    }

    #[tokio::test]
    async fn a_space_that_is_referred_to_and_not_there_is_looked_for_among_all_of_its_organization() {
        let server = foundation().await;
        answer(&server, "name:prodution", &[entity("s-9", "prodution", "o-9")]).await;
        answer(&server, "organization_guid IN o-1", &[entity("s-1", "production", "o-1")]).await;
        let found = observe(&server, &[], &[natural("acme/prodution")]).await;
        assert_eq!(found.iter().map(|space| space.identity.to_string()).collect::<Vec<_>>(), ["acme/production"]);
    }

    #[tokio::test]
    async fn a_declared_space_that_is_not_there_is_not_looked_for_any_further() {
        let server = foundation().await;
        answer(&server, "name:production", &[]).await;
        let resources = [
            declare("organizations", "new", []),
            declare("spaces", "production", [("organization", of_key("organizations", "new"))]),
        ];
        assert!(observe(&server, &resources, &[]).await.is_empty());
    }

    #[tokio::test]
    async fn names_that_half_the_foundation_has_are_no_filter_and_organizations_are() {
        let server = foundation().await;
        let dev = entity("s-1", "dev", "o-1");
        let pages = json!({"total_results": 101, "total_pages": 2, "resources": [entity("s-9", "dev", "o-9")]});
        answer_page(&server, "name:dev", pages).await;
        answer(&server, "organization_guid IN o-1", std::slice::from_ref(&dev)).await;
        assert_eq!(observe(&server, &[], &[natural("acme/dev")]).await.len(), 1);
    }

    #[tokio::test]
    async fn names_that_cannot_be_listed_are_asked_for_by_their_organizations() {
        let of = || ("organization", named("organizations", "acme"));
        let many = (0..400).map(|at| declare("spaces", &format!("space-{at:03}"), [of()])).collect();
        let comma = vec![declare("spaces", "a,b", [of()]), declare("spaces", "c", [of()])];
        let riddle = vec![declare("spaces", "x", [of(), ("name", Value::Unknown)])];
        for resources in [many, comma, riddle] {
            let server = foundation().await;
            answer(&server, "organization_guid IN o-1", &[entity("s-1", "production", "o-1")]).await;
            assert_eq!(observe(&server, &resources, &[]).await.len(), 1);
        }
    }

    #[tokio::test]
    async fn spaces_named_by_their_guid_are_read_too() {
        let server = foundation().await;
        let gone = json!({"error_code": "CF-SpaceNotFound", "code": 40004, "description": "gone"});
        let hidden = json!({"error_code": "CF-NotAuthorized", "code": 10003, "description": "no"});
        for (guid, template) in [
            ("s-1", ResponseTemplate::new(200).set_body_json(entity("s-1", "production", "o-1"))),
            ("s-2", ResponseTemplate::new(404).set_body_json(gone)),
            ("s-3", ResponseTemplate::new(403).set_body_json(hidden)),
        ] {
            Mock::given(path(format!("/v2/spaces/{guid}"))).respond_with(template).expect(1).mount(&server).await;
        }
        let found = observe(&server, &[], &[guid("s-1"), guid("s-2"), guid("s-3"), guid("s-1")]).await;
        assert_eq!(found.iter().map(|space| space.identity.to_string()).collect::<Vec<_>>(), ["acme/production"]);
    }

    #[tokio::test]
    async fn many_spaces_named_by_their_guid_are_read_by_one_list() {
        let server = foundation().await;
        Mock::given(path("/v2/spaces"))
            .and(query_param_is_missing("q"))
            .respond_with(ResponseTemplate::new(200).set_body_json(page(&[entity("s-1", "production", "o-1")])))
            .expect(1)
            .mount(&server)
            .await;
        let references: Vec<Reference> = (1..=4).map(|number| guid(&format!("s-{number}"))).collect();
        assert_eq!(observe(&server, &[], &references).await.len(), 1);
    }

    #[test]
    fn a_space_is_recognised_by_the_id_of_its_organization_and_by_its_name() {
        let space = |guid: &str, organization: &str| {
            let stamp = Stamp { guid: guid.into(), created_at: None, updated_at: None };
            Space { stamp, name: "Production".into(), organization: organization.into(), metadata: None }.observed(None)
        };
        let collection = Collection::new(vec![space("s-1", "o-1"), space("s-2", "o-2")], true);
        let address = Address::new("spaces", "production");
        let identity = Identity { parts: vec![("organization", "acme".into()), ("name", "production".into())] };
        let facts = Facts { provider: NAME, url: "x".into(), api: "v2", read_only: None };
        let registry = registry();
        let kind = registry.kind("spaces").unwrap().declared().unwrap();
        for (fields, expected) in [
            (Fields::from_iter([("organization", link("acme", "o-2"))]), vec!["s-2"]),
            (Fields::from_iter([("organization", Value::Unknown)]), vec![]),
        ] {
            let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
            let found = kind.recognise(proposal, &collection, &facts);
            assert_eq!(found.iter().map(|space| &*space.id).collect::<Vec<_>>(), expected);
        }
    }

    #[tokio::test]
    async fn a_space_is_created_in_its_organization_and_found_there_without_regard_to_case() {
        let server = foundation().await;
        Mock::given(method("POST"))
            .and(path("/v2/spaces"))
            .and(body_string(r#"{"name":"Prod;1","organization_guid":"o-1"}"#))
            .respond_with(ResponseTemplate::new(201).set_body_json(entity("s-1", "Prod;1", "o-1")))
            .expect(1)
            .mount(&server)
            .await;
        Mock::given(method("GET"))
            .and(path("/v2/spaces"))
            .and(query_param("q", "name:Prod;;1"))
            .and(query_param("q", "organization_guid:o-1"))
            .respond_with(ResponseTemplate::new(200).set_body_json(page(&[entity("s-1", "PROD;1", "o-1")])))
            .expect(1)
            .mount(&server)
            .await;
        let address = Address::new("spaces", "prod");
        let identity = Identity { parts: vec![("organization", "acme".into()), ("name", "Prod;1".into())] };
        let fields = Fields::from_iter([("organization", link("acme", "o-1"))]);
        let proposal = Proposal { address: &address, identity: &identity, fields: &fields };
        let kind = Arc::clone(registry().kind("spaces").unwrap());
        let session = session(&server).await;
        let created = kind.declared().unwrap().create(proposal, &*session).await.unwrap();
        assert_eq!(created.identity, identity);
        let found = kind.declared().unwrap().look_up(proposal, &*session).await.unwrap().unwrap();
        assert_eq!(&*found.id, "s-1");
    }
}
