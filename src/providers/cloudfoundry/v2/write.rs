//! What v2 is sent to change something.

use serde_json::{Value as Json, json};

use super::super::CloudFoundry;
use super::super::api::{
    Begun, ContainerChange, Deleted, InstanceChange, NewInstance, NewOrganization, NewSpace, Updated,
};
use super::super::error::{self, Purpose, says_gone};
use super::super::organization::Organization;
use super::super::service_instance::ServiceInstance;
use super::super::space::Space;
use super::{organization, service_instance, space};
use crate::http::{Method, segment};
use crate::kind::{RemoteError, Writer};
use crate::model::Section;

/// Creates an organization.
pub async fn create_organization(
    remote: &Writer<'_, CloudFoundry>,
    new: &NewOrganization<'_>,
    section: &'static Section,
) -> Result<Organization, RemoteError> {
    remote.told(Method::POST, "/v2/organizations", &json!({ "name": new.name }), section).await.map(organization)
}

/// Creates a space.
pub async fn create_space(
    remote: &Writer<'_, CloudFoundry>,
    new: &NewSpace<'_>,
    section: &'static Section,
) -> Result<Space, RemoteError> {
    let body = json!({ "name": new.name, "organization_guid": new.organization });
    remote.told(Method::POST, "/v2/spaces", &body, section).await.map(space)
}

/// A name is all that can change in an organization or a space: what v2 does not have has been refused already.
fn renaming(change: &ContainerChange<'_>) -> Json {
    change.name.map_or_else(|| json!({}), |name| json!({ "name": name }))
}

/// Changes an organization.
pub async fn update_organization(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    change: &ContainerChange<'_>,
    section: &'static Section,
) -> Result<Organization, RemoteError> {
    let path = format!("/v2/organizations/{}", segment(guid));
    remote.told(Method::PUT, &path, &renaming(change), section).await.map(organization)
}

/// Changes a space.
pub async fn update_space(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    change: &ContainerChange<'_>,
    section: &'static Section,
) -> Result<Space, RemoteError> {
    let path = format!("/v2/spaces/{}", segment(guid));
    remote.told(Method::PUT, &path, &renaming(change), section).await.map(space)
}

/// The body of a create, in the order in which the API's documentation has it.
fn creation(new: NewInstance<'_>) -> Json {
    // What v2 does not have has been refused already: labels and annotations.
    let NewInstance { space, name, plan, gateway_data, parameters, tags, metadata: _ } = new;
    let mut body = json!({ "space_guid": space, "name": name, "service_plan_guid": plan });
    for (key, value) in [("gateway_data", gateway_data), ("parameters", parameters), ("tags", tags)] {
        if let Some(value) = value {
            body[key] = value;
        }
    }
    body
}

/// Creates an instance, or begins to: plans that take their time and plans that do not are created alike.
pub async fn create_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    new: NewInstance<'_>,
    section: &'static Section,
) -> Result<ServiceInstance, RemoteError> {
    let path = "/v2/service_instances?accepts_incomplete=true";
    remote.told(Method::POST, path, &creation(new), section).await.map(service_instance)
}

fn instance(guid: &str, query: &str) -> String {
    format!("/v2/service_instances/{}?{query}", segment(guid))
}

/// The body of an update: what is not in it stays (section 9).
fn update(change: InstanceChange<'_>) -> Json {
    let InstanceChange { name, plan, parameters, tags, maintenance, metadata: _ } = change;
    let all = [
        ("name", name.map(Json::from)),
        ("service_plan_guid", plan.map(Json::from)),
        ("parameters", parameters),
        ("tags", tags),
        ("maintenance_info", maintenance.map(|version| json!({ "version": version }))),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// Changes an instance, or begins to.
pub async fn update_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    change: InstanceChange<'_>,
    section: &'static Section,
) -> Result<Updated, RemoteError> {
    let body = update(change);
    let answer = remote.send(Method::PUT, &instance(guid, "accepts_incomplete=true"), Some(&body), section).await?;
    if answer.status == 202 {
        return Ok(Updated::Begun(Begun { job: None }));
    }
    let told = answer.json().map_err(|error| error::malformed(&answer, Purpose::Write(section), error))?;
    Ok(Updated::Done(Box::new(service_instance(told))))
}

/// Deletes an instance, or begins to. What is attached to it goes along only if `along` says so; otherwise it is refused
/// (reference, section 11.1).
pub async fn delete_service_instance(
    remote: &Writer<'_, CloudFoundry>,
    guid: &str,
    along: bool,
    section: &'static Section,
) -> Result<Deleted, RemoteError> {
    let along = if along { "&recursive=true" } else { "" };
    let path = instance(guid, &format!("accepts_incomplete=true{along}"));
    match remote.send(Method::DELETE, &path, None, section).await {
        Ok(answer) if answer.status == 202 => Ok(Deleted::Begun(Begun { job: None })),
        Ok(_) => Ok(Deleted::Gone),
        Err(error) if says_gone(&error) => Ok(Deleted::Gone),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_instance_is_exactly_the_documented_body() {
        let new = || NewInstance {
            space: "f24c6904-30e0-4559-9523-06d2d93f0c9c",
            name: "my-service-instance",
            plan: "6df3af55-8f97-4dbe-9d6b-098eb53d8c17",
            gateway_data: None,
            parameters: None,
            tags: None,
            metadata: crate::providers::cloudfoundry::metadata::Metadata::default(),
        };
        let documented = r#"{"space_guid":"f24c6904-30e0-4559-9523-06d2d93f0c9c","name":"my-service-instance","service_plan_guid":"6df3af55-8f97-4dbe-9d6b-098eb53d8c17"}"#;
        assert_eq!(creation(new()).to_string(), documented);
        let full = NewInstance {
            gateway_data: Some(json!("CONFIGURATION")),
            parameters: Some(json!({"a": 1})),
            tags: Some(json!([])),
            ..new()
        };
        let more = r#","gateway_data":"CONFIGURATION","parameters":{"a":1},"tags":[]}"#;
        assert_eq!(creation(full).to_string(), format!("{}{more}", documented.trim_end_matches('}')));
    }

    #[test]
    fn an_update_holds_only_what_changes() {
        let nothing = || InstanceChange::default();
        assert_eq!(update(nothing()), json!({}));
        let change = InstanceChange { name: Some("n"), tags: Some(json!([])), ..nothing() };
        assert_eq!(update(change), json!({"name": "n", "tags": []}));
        let change = InstanceChange { plan: Some("p"), parameters: Some(json!({})), ..nothing() };
        assert_eq!(update(change), json!({"service_plan_guid": "p", "parameters": {}}));
        let change = InstanceChange { maintenance: Some("2.0.0"), ..nothing() };
        assert_eq!(update(change), json!({"maintenance_info": {"version": "2.0.0"}}));
    }
}
