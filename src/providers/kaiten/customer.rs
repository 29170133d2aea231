//! Customers (reference §10.1).

use std::collections::BTreeMap;

use super::{CREATED_AT, ID, Kaiten, Provided, SLUG, SLUG_ATTRIBUTE, UNLIMITED, UPDATED_AT, change, instance};
use crate::kind::{Abilities, Kind, Modification, Proposal, Readable, Reader, RemoteError, Tied, Wanted, Writer};
use crate::model::{Collection, Facts, Field, Format, KeyPart, KeySource, Observed, Section, Shape};

/// Who instances belong to.
#[derive(Debug)]
pub struct Customer;

const PATH: &str = "/customers";

static DOMAIN: Format = Format {
    what: "a domain name",
    pattern: r"^[a-z0-9_-]+(\.[a-z0-9_-]+)+$",
    min: 3,
    max: UNLIMITED,
    help: "a domain name is in lower case and has a dot, `acme.com`",
};

pub(super) static SECTION: Section = Section {
    name: "customers",
    singular: "customer",
    provider: "kaiten",
    doc: "Customers of the organization: whom instances belong to. Deleting one deletes all its instances.",
    declarable: true,
    apis: &["core"],
    key: &[KeyPart { name: "slug", from: KeySource::Key, shape: Shape::Format(&SLUG) }],
    fold_case: false,
    fields: &[
        Field::new("name", "name", Shape::Text { min: 1, max: UNLIMITED }, "The name people read.").required(),
        Field::new(
            "domain",
            "domain",
            Shape::Format(&DOMAIN),
            "The customer's domain name, in lower case and with a dot, `acme.com`.",
        ),
        Field::new(
            "external_customer_id",
            "externalCustomerId",
            Shape::Text { min: 0, max: UNLIMITED },
            "What another system calls the customer; need not be unique.",
        ),
    ],
    attributes: &[ID, SLUG_ATTRIBUTE, CREATED_AT, UPDATED_AT],
    example: "\
customers:
  acme:
    name: Acme Corp
    domain: acme.com
",
};

impl Readable for Customer {
    type Provider = Provided;
    const SECTION: &'static Section = &SECTION;
    /// A delete takes them along.
    const ALONG: &'static [&'static str] = &["instances"];

    async fn observe(_: &Wanted<'_>, remote: Reader<'_, Kaiten>) -> Result<Vec<Observed>, RemoteError> {
        remote.collection(&SECTION, PATH).await
    }
}

impl Kind for Customer {
    async fn create(proposal: Proposal<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        remote.post(&SECTION, PATH, remote.body(&SECTION, proposal, &[])).await
    }

    async fn look_up(proposal: Proposal<'_>, remote: Reader<'_, Kaiten>) -> Result<Option<Observed>, RemoteError> {
        remote.find(&SECTION, PATH, &proposal.identity.to_string()).await
    }

    fn abilities(facts: &Facts) -> Abilities {
        change::abilities(facts)
    }

    /// Omitted, the domain and the external id would be cleared (reference §7.2).
    async fn update(modification: Modification<'_>, remote: &Writer<'_, Kaiten>) -> Result<Observed, RemoteError> {
        remote.replace(&SECTION, PATH, modification, &[]).await
    }

    async fn delete(
        observed: &Observed,
        _: bool,
        remote: &Writer<'_, Kaiten>,
    ) -> Result<Option<Observed>, RemoteError> {
        remote.remove(&SECTION, PATH, observed).await
    }

    /// Kaiten deletes them without a word (reference §9).
    fn takes_along(observed: &Observed, collections: &BTreeMap<&'static str, Collection>, _: &Facts) -> Vec<Tied> {
        instance::tied(collections, "customer", &observed.id, "the instance")
    }
}
