//! `/customers` (§10.1).

use serde_json::{Value, json};

use super::auth::Access::{Read, Write};
use super::auth::Caller;
use super::body::{Body, Schema, Shape, optional, required};
use super::call::{Answer, Call, Outcome};
use super::integration;
use super::page::Window;
use super::problem::Problem;
use super::record::{Audit, Customer};
use super::{Service, store::Store};

const MODULE: &str = "customers";

const CUSTOMER: Schema = &[
    optional("createdAt", Shape::ReadOnly),
    optional("createdBy", Shape::ReadOnly),
    optional("domain", Shape::Domain),
    optional("externalCustomerId", Shape::Text { min: 0, max: 0 }),
    optional("id", Shape::ReadOnly),
    integration::PROPERTY,
    required("name", Shape::Text { min: 1, max: 0 }),
    optional("slug", Shape::Slug),
    optional("updatedAt", Shape::ReadOnly),
    optional("updatedBy", Shape::ReadOnly),
];

pub(super) fn list(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let window = Window::of(call)?;
    caller.may(Read, MODULE)?;
    let store = service.read();
    window.answer(&store.customers, service.options.lists, "Customers", view).map(Answer::Found)
}

pub(super) fn get(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Read, MODULE)?;
    let store = service.read();
    Ok(Answer::Found(view(find(&store, slug, "GetCustomer")?)))
}

pub(super) fn create(service: &Service, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, CUSTOMER)?;
    caller.may(Write, MODULE)?;
    let now = service.now();
    let integrations = integration::read(&body, "CreateCustomer", now)?;
    let mut store = service.write();
    service.within_limit(store.customers.len(), service.options.limits.customers, "CreateCustomer")?;
    let slug =
        service.new_slug(&body, &body.demanded("name"), "CreateCustomer", |slug| store.customers.has_slug(slug))?;
    if store.customer_link_is_taken(&integrations) {
        // The unique violation is not mapped (§10.12 says so of instances).
        return Err(Problem::internal());
    }
    let customer = Customer {
        id: service.new_id(|id| store.customers.get(id).is_some()),
        slug,
        name: body.demanded("name"),
        external_customer_id: body.owned("externalCustomerId"),
        domain: body.owned("domain"),
        integrations,
        audit: Audit::new(now, &caller.author),
    };
    let customer = store.put_customer(customer);
    Ok(Answer::Created(view(&customer)))
}

pub(super) fn update(service: &Service, slug: &str, call: &Call, caller: &Caller) -> Outcome {
    let body = Body::read(&call.body, CUSTOMER)?;
    caller.may(Write, MODULE)?;
    service.not_renamed(&body, slug, "UpdateCustomer")?;
    if integration::given(&body) {
        let detail = "integrations cannot be set through this operation";
        return Err(Problem::new(422, "UpdateCustomer.IntegrationsNotSettable", detail));
    }
    let mut store = service.write();
    let mut customer = find(&store, slug, "UpdateCustomer")?.clone();
    customer.name = body.demanded("name");
    customer.external_customer_id = body.owned("externalCustomerId");
    customer.domain = body.owned("domain");
    customer.audit.touch(service.now(), &caller.author);
    store.put_customer(customer);
    Ok(Answer::Done)
}

pub(super) fn delete(service: &Service, slug: &str, caller: &Caller) -> Outcome {
    caller.may(Write, MODULE)?;
    let mut store = service.write();
    let id = find(&store, slug, "DeleteCustomer")?.id.clone();
    store.remove_customer(&id);
    Ok(Answer::Done)
}

fn find<'a>(store: &'a Store, slug: &str, operation: &str) -> Result<&'a Customer, Problem> {
    let missing = || Problem::new(404, format!("{operation}.NotFound"), "customer not found");
    store.customers.find(slug).map(AsRef::as_ref).ok_or_else(missing)
}

fn view(customer: &Customer) -> Value {
    let Customer { id, slug, name, external_customer_id, domain, integrations, audit } = customer;
    let mut object = json!({ "id": id, "slug": slug, "name": name });
    if let Some(external) = external_customer_id {
        object["externalCustomerId"] = external.as_str().into();
    }
    if let Some(domain) = domain {
        object["domain"] = domain.as_str().into();
    }
    integration::show(integrations, &mut object);
    audit.show(&mut object);
    object
}
