//! Numbers that may be infinite or NaN, in JSON: as strings, since JSON has no such numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

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

/// A number of a list.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Item(#[serde(with = "super::extended")] f64);

/// One, or none.
pub mod option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Item;

    pub fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Item).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<f64>, D::Error> {
        let item = Option::<Item>::deserialize(deserializer)?;
        Ok(item.map(|item| item.0))
    }
}

/// Two ends, or none.
pub mod interval {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Item;

    pub fn serialize<S: Serializer>(
        ends: &Option<[f64; 2]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        ends.map(|ends| ends.map(Item)).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<[f64; 2]>, D::Error> {
        let ends = Option::<[Item; 2]>::deserialize(deserializer)?;
        Ok(ends.map(|ends| ends.map(|item| item.0)))
    }
}

/// Lists of them.
pub mod list {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Item;

    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().copied().map(Item))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        let items = Vec::<Item>::deserialize(deserializer)?;
        Ok(items.into_iter().map(|item| item.0).collect())
    }
}

/// Lists of lists of them.
pub mod table {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Item;

    pub fn serialize<S: Serializer>(rows: &[Vec<f64>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            rows.iter()
                .map(|row| row.iter().copied().map(Item).collect::<Vec<_>>()),
        )
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<f64>>, D::Error> {
        let rows = Vec::<Vec<Item>>::deserialize(deserializer)?;
        let numbers = |row: Vec<Item>| row.into_iter().map(|item| item.0).collect();
        Ok(rows.into_iter().map(numbers).collect())
    }
}
