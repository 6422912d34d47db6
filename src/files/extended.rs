//! Numbers that may be infinite or NaN, in JSON: as strings, since JSON has no such numbers.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else {
        serializer.serialize_str(&value.to_string())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Extended {
    Number(f64),
    Text(String),
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Extended::deserialize(deserializer)? {
        Extended::Number(value) => Ok(value),
        Extended::Text(text) => text.parse().map_err(D::Error::custom),
    }
}
