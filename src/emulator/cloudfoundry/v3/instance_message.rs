//! The fields of a service instance in the body of a request (reference sections 8.1, 9, 12).

use serde_json::{Map, Value};

use super::message::{Message, humanized};
use crate::emulator::cloudfoundry::admission::is_semantic;

impl<'a> Message<'a> {
    /// A name that must be given, or its faults in the order in which instances tell them.
    pub(super) fn instance_name(&mut self) -> &'a str {
        let name = self.value("name").and_then(Value::as_str);
        if name.is_none() {
            self.fault("Name must be a string".to_owned());
        }
        if name.unwrap_or_default().trim().is_empty() {
            self.fault("Name can't be blank".to_owned());
        }
        name.unwrap_or_default().trim()
    }

    /// A name that may be given. How long it is, is looked at later.
    pub(super) fn new_instance_name(&mut self) -> Option<&'a str> {
        let value = self.value("name")?;
        if !value.is_string() {
            self.fault("Name must be a string".to_owned());
        }
        value.as_str().map(str::trim)
    }

    /// The tags, if they are sent; null are none.
    pub(super) fn tags(&mut self) -> Option<Vec<String>> {
        let tags = match self.field("tags")? {
            Value::Null => Vec::new(),
            Value::Array(items) => {
                if !items.iter().all(Value::is_string) {
                    self.fault("Tags must be a list of strings".to_owned());
                }
                items.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect()
            }
            _ => {
                self.fault("Tags must be an array".to_owned());
                Vec::new()
            }
        };
        Some(tags)
    }

    /// An object, if the field is sent; null is an empty one.
    pub(super) fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.field(name)? {
            Value::Null => Some(Map::new()),
            Value::Object(object) => Some(object.clone()),
            _ => {
                self.fault(format!("{} must be an object", humanized(name)));
                None
            }
        }
    }

    /// A URL, if the field is sent; null takes it away.
    pub(super) fn url(&mut self, name: &str) -> Option<&'a Value> {
        let value = self.field(name)?;
        let text = value.as_str();
        let is_url = text.is_some_and(|text| text.is_empty() || url::Url::parse(text).is_ok());
        if !value.is_null() && !is_url {
            self.fault(format!("{} must be a valid URI", humanized(name)));
        }
        if name == "route_service_url" && text.is_some_and(|text| !text.is_empty() && !text.starts_with("https:")) {
            self.fault("Route service url must be https".to_owned());
        }
        Some(value)
    }

    /// The version in `maintenance_info`, if it is sent.
    pub(super) fn maintenance_version(&mut self) -> Option<&'a str> {
        let value = self.value("maintenance_info")?;
        let Some(info) = value.as_object() else {
            self.fault("Maintenance info must be an object".to_owned());
            return None;
        };
        let unknown: Vec<String> = info.keys().filter(|key| *key != "version").map(|key| format!("'{key}'")).collect();
        if !unknown.is_empty() {
            self.fault(format!("Maintenance info Unknown field(s): {}", unknown.join(", ")));
        }
        let version = info.get("version").and_then(Value::as_str).filter(|version| is_semantic(version));
        if version.is_none() {
            self.fault("Maintenance info version should be a semantic version".to_owned());
        }
        version
    }
}
