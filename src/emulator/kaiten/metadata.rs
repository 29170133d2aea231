//! What becomes of free objects on their way through float64 and JSONB (§6.2).

use serde_json::{Map, Number, Value};

/// The object with sorted keys and every number as a double.
pub(super) fn stored(object: &Map<String, Value>) -> Map<String, Value> {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.into_iter().map(|(key, value)| (key.clone(), through(value))).collect()
}

fn through(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(double(number)),
        Value::Array(items) => items.iter().map(through).collect(),
        Value::Object(object) => Value::Object(stored(object)),
        other => other.clone(),
    }
}

/// The number as a double, without a fraction where it has none.
fn double(number: &Number) -> Number {
    let Some(double) = number.as_f64() else { return number.clone() };
    #[expect(clippy::cast_possible_truncation, reason = "whole and within bounds")]
    if double.fract() == 0.0 && double.abs() < 9e18 {
        return (double as i64).into();
    }
    Number::from_f64(double).unwrap_or_else(|| number.clone())
}

/// A double as it is written: without a fraction where it has none.
pub(super) fn number(number: f64) -> Value {
    through(&Value::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_numbers_become_doubles() {
        let object = serde_json::from_str(
            r#"{"b":1e3,"a":[1.0,0.5,{"z":9007199254740993,"y":null}],"c":-0.0,"a":[1.0,0.5,{"z":9007199254740993,"y":"9007199254740993"}]}"#,
        );
        let text = serde_json::to_string(&stored(&object.unwrap())).unwrap();
        assert_eq!(text, r#"{"a":[1,0.5,{"y":"9007199254740993","z":9007199254740992}],"b":1000,"c":0}"#);
    }
}
