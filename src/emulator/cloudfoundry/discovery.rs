//! What a client learns before it signs in (reference section 2).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::uaa;
use super::world::World;

/// The release of the API that is emulated.
const V2_VERSION: &str = "2.293.0";
const V3_VERSION: &str = "3.228.0";
const OSBAPI_VERSION: &str = "2.15";

pub(super) fn root(world: &World, call: &Call) -> Reply {
    let origin = call.origin();
    let mut links = json!({"self": {"href": origin}});
    if world.options.v2 {
        links["cloud_controller_v2"] = json!({"href": format!("{origin}/v2"), "meta": {"version": V2_VERSION}});
    }
    if world.options.v3 {
        links["cloud_controller_v3"] = json!({"href": format!("{origin}/v3"), "meta": {"version": V3_VERSION}});
    }
    links["login"] = json!({"href": origin});
    links["uaa"] = json!({"href": origin});
    for absent in ["credhub", "routing", "logging", "log_cache", "log_stream", "app_ssh"] {
        links[absent] = Value::Null;
    }
    Reply::json(200, json!({"links": links}))
}

pub(super) fn info(world: &World, call: &Call, now: Timestamp) -> Reply {
    let origin = call.origin();
    let v2 = world.options.v2;
    let mut body = json!({
        "name": "trueup sandbox",
        "build": "",
        "support": if v2 { "" } else { "CF API v2 is disabled" },
        "version": 0,
        "description": "Cloud Foundry, emulated",
        "authorization_endpoint": origin,
        "token_endpoint": origin,
        "min_cli_version": null,
        "min_recommended_cli_version": null,
        "app_ssh_endpoint": null,
        "app_ssh_host_key_fingerprint": null,
        "app_ssh_oauth_client": null,
        "doppler_logging_endpoint": null,
        "api_version": if v2 { V2_VERSION } else { "" },
        "osbapi_version": OSBAPI_VERSION,
    });
    // A bad token does not hurt here: the answer is for everybody.
    if let Ok(caller) = uaa::authenticate(&world.options, &world.store, call, now)
        && caller.is_signed_in()
    {
        body["user"] = json!(caller.id);
    }
    Reply::json(200, body)
}

/// `GET /v3`: where each collection is. Of what a foundation has, this one has these.
pub(super) fn v3_root(call: &Call) -> Reply {
    let base = format!("{}/v3", call.origin());
    let mut links = json!({"self": {"href": base}});
    for collection in [
        "feature_flags",
        "info",
        "organizations",
        "organization_quotas",
        "service_brokers",
        "service_credential_bindings",
        "service_instances",
        "service_offerings",
        "service_plans",
        "spaces",
        "space_quotas",
    ] {
        links[collection] = json!({"href": format!("{base}/{collection}")});
    }
    Reply::json(200, json!({"links": links}))
}

/// `GET /v3/info`: unlike that of v2, without any version of the API.
pub(super) fn v3_info(world: &World, call: &Call) -> Reply {
    let limit = world.options.rate_limit;
    let body = json!({
        "build": "",
        "cli_version": {"minimum": "", "recommended": ""},
        "custom": {},
        "description": "Cloud Foundry, emulated",
        "name": "trueup sandbox",
        "version": 0,
        "osbapi_version": OSBAPI_VERSION,
        "rate_limits": {
            "enabled": limit.is_some(),
            "general_limit": limit.map_or(2000, |limit| limit.requests),
            "reset_interval_in_minutes": limit.map_or(60, |limit| limit.window.as_secs() / 60),
        },
        "links": {"self": {"href": format!("{}/v3/info", call.origin())}, "support": {"href": ""}},
    });
    Reply::json(200, body)
}
