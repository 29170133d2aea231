//! The rules of the reference, each tried on an API without a network.

use axum::body::Bytes;
use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::Call;
use super::{Catalogue, Clock, Dialect, Ids, Kaiten, Options, Token};

mod customers;
mod entitlements;
mod flags;
mod grants;
mod instances;
mod licenses;
mod lists;
mod metadata_fields;
mod order;
mod releases;
mod seed;
mod zones;

/// An API with a clock that moves by one second per reading, and with ids that repeat from test to test.
struct Api(Kaiten);

/// Status and body; null where there is none.
type Reply = (u16, Value);

impl Api {
    fn empty() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut options = Options {
            catalogue: Catalogue::Empty,
            clock: Clock::stepping(start, SignedDuration::from_secs(1)),
            ids: Ids::seeded(1),
            tokens: vec![
                Token::admin("ksh_admin"),
                Token::new("ksh_reader", "reader", &["read:*"]),
                Token::new("ksh_sales", "sales", &["write:customers"]),
                Token::new("ksh_operator", "operator", &["write:instances"]),
            ],
            ..Options::default()
        };
        change(&mut options);
        Self(Kaiten::new(options, None).unwrap())
    }

    fn seed(writes: bool) -> Self {
        Self::with(|options| {
            options.dialect = Dialect::Seed { writes };
            options.catalogue = Catalogue::Sample;
        })
    }

    /// The same data after a restart.
    fn restarted(&self) -> Self {
        Self(Kaiten::new(self.0.0.options.clone(), Some(self.0.save())).unwrap())
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let bytes = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        self.raw(method, path, Some("Bearer ksh_admin"), bytes)
    }

    fn raw(&self, method: &str, path: &str, authorization: Option<&str>, body: impl Into<Bytes>) -> Reply {
        let uri = path.parse().unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let call = Call::new(method, &uri, authorization.map(str::to_owned), body.into());
        let service = &self.0.0;
        let (status, content_type, body) = service.render(service.answer(&call), uri.path());
        let expected = if status < 400 { "application/json" } else { "application/problem+json" };
        assert!(body.is_none() || content_type == expected, "{status} {content_type}");
        (status, body.unwrap_or(Value::Null))
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn create(&self, path: &str, body: &Value) -> Value {
        let (status, created) = self.send("POST", path, body);
        assert_eq!(status, 201, "{path}: {created}");
        created
    }

    fn put(&self, path: &str, body: &Value) {
        assert_eq!(self.send("PUT", path, body), (204, Value::Null), "{path}");
    }

    fn delete(&self, path: &str) {
        assert_eq!(self.send("DELETE", path, &Value::Null), (204, Value::Null), "{path}");
    }

    /// Status and code of a refusal.
    fn refusal(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let (status, problem) = self.send(method, path, body);
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    /// A customer, a license, a zone, and the ids an instance needs.
    fn peopled() -> (Self, World) {
        let api = Self::empty();
        let customer = api.create("/api/customers", &json!({"slug": "acme", "name": "Acme"}));
        let license = api.create("/api/licenses", &license("growth"));
        let zone = json!({"slug": "eu", "name": "EU", "type": "production", "description": ""});
        let zone = api.create("/api/deployment-zones", &zone);
        let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
        let world = World { customer: id(&customer), license: id(&license), zone: id(&zone) };
        (api, world)
    }
}

/// Ids of what is there from the start.
struct World {
    customer: String,
    license: String,
    zone: String,
}

impl World {
    fn instance(&self, slug: &str) -> Value {
        json!({
            "slug": slug, "name": "Acme", "description": "", "customerId": self.customer, "licenseId": self.license,
            "startLicenseDate": "2026-01-01T00:00:00Z", "endLicenseDate": "2027-01-01T00:00:00Z",
        })
    }
}

/// The body of a license that opens a family.
fn license(slug: &str) -> Value {
    json!({"slug": slug, "name": "Growth", "description": "", "type": "PAID", "isDefault": false})
}

/// The value with another member.
fn and(mut value: Value, name: &str, member: impl Into<Value>) -> Value {
    value[name] = member.into();
    value
}

/// The value without a member.
fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}
