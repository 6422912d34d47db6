//! The state of something as numbers by name, exact to the bit.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::compute::device::Numerics;
use crate::error::{Error, Result};

/// The greatest count: at a million a second it takes 300 years to reach.
const MOST: u64 = 1 << 53;

/// Arrays and counts by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    arrays: BTreeMap<String, Array>,
    counts: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Array {
    shape: Vec<usize>,
    values: Numbers,
}

/// Numbers of 64 bits, written in base 64, the least byte first.
#[derive(Debug, Clone, PartialEq)]
struct Numbers(Vec<f64>);

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self
            .0
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        serializer.serialize_str(&BASE64.encode(&bytes))
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(de::Error::custom)?;
        let (numbers, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(de::Error::custom("an array ends within a number"));
        }
        Ok(Self(
            numbers
                .iter()
                .map(|bytes| f64::from_le_bytes(*bytes))
                .collect(),
        ))
    }
}

fn unfit(what: String) -> Error {
    Error::usage(
        format!("the saved state does not fit: {what}"),
        "run the experiment again, with --force to replace the folder",
    )
}

impl Snapshot {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.arrays.is_empty() && self.counts.is_empty()
    }

    /// Takes in an array.
    pub fn put(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f64>) {
        let (shape, values) = (shape.to_vec(), Numbers(values));
        self.arrays.insert(name.into(), Array { shape, values });
    }

    /// Takes in a tensor.
    ///
    /// # Errors
    /// If the device failed.
    pub fn put_tensor<const N: usize>(
        &mut self,
        name: impl Into<String>,
        tensor: &Tensor<N>,
    ) -> Result<()> {
        let shape = tensor.dims();
        self.put(name, &shape, Numerics::read(tensor.clone())?);
        Ok(())
    }

    /// Takes in a count.
    pub fn put_count(&mut self, name: impl Into<String>, count: u64) {
        self.counts.insert(name.into(), count);
    }

    /// Takes in all of another one, with a prefix to its names.
    pub fn put_all(&mut self, prefix: &str, other: Self) {
        let named = |name: String| format!("{prefix}.{name}");
        let arrays = other.arrays.into_iter();
        self.arrays
            .extend(arrays.map(|(name, array)| (named(name), array)));
        let counts = other.counts.into_iter();
        self.counts
            .extend(counts.map(|(name, count)| (named(name), count)));
    }

    /// What was taken in with a prefix.
    pub fn part(&self, prefix: &str) -> Self {
        let inner = |name: &String| Some(name.strip_prefix(prefix)?.strip_prefix('.')?.to_owned());
        Self {
            arrays: (self.arrays.iter())
                .filter_map(|(name, array)| Some((inner(name)?, array.clone())))
                .collect(),
            counts: (self.counts.iter())
                .filter_map(|(name, count)| Some((inner(name)?, *count)))
                .collect(),
        }
    }

    /// Sets entries of the arrays of one shape to 0, by their place.
    pub fn clear(&mut self, shape: &[usize], is_cleared: impl Fn(usize) -> bool) {
        for array in self
            .arrays
            .values_mut()
            .filter(|array| array.shape == shape)
        {
            for (at, value) in array.values.0.iter_mut().enumerate() {
                if is_cleared(at) {
                    *value = 0.0;
                }
            }
        }
    }

    /// The array of a name, if there is one, with its shape.
    pub fn find(&self, name: &str) -> Option<(&[usize], &[f64])> {
        let Array { shape, values } = self.arrays.get(name)?;
        let size = (shape.iter()).try_fold(1usize, |size, &n| size.checked_mul(n))?;
        (size == values.0.len()).then_some((shape, &values.0))
    }

    /// The array of a name, which has a shape.
    ///
    /// # Errors
    /// If there is none, or its shape is another.
    pub fn array(&self, name: &str, shape: &[usize]) -> Result<&[f64]> {
        match self.find(name) {
            Some((found, values)) if found == shape => Ok(values),
            Some((found, _)) => Err(unfit(format!(
                "`{name}` has the shape {found:?}, not {shape:?}"
            ))),
            None => Err(unfit(format!("it has no `{name}`"))),
        }
    }

    /// The same as a tensor.
    ///
    /// # Errors
    /// As [`Snapshot::array`].
    pub fn tensor<const N: usize>(
        &self,
        name: &str,
        shape: [usize; N],
        numerics: &Numerics,
    ) -> Result<Tensor<N>> {
        let values = self.array(name, &shape)?;
        Ok(numerics.tensor(values.to_vec(), shape))
    }

    /// The count of a name.
    ///
    /// # Errors
    /// If there is none, or it is one that nothing can reach.
    pub fn count(&self, name: &str) -> Result<u64> {
        match self.counts.get(name) {
            Some(&count) if count <= MOST => Ok(count),
            Some(count) => Err(unfit(format!("`{name}` is {count}"))),
            None => Err(unfit(format!("it has no `{name}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_comes_back() {
        let numbers = vec![
            0.1,
            -0.0,
            f64::MIN_POSITIVE / 3.0,
            f64::INFINITY,
            f64::from_bits(0x7ff8_0000_0000_0123),
        ];
        let mut inner = Snapshot::default();
        inner.put("x", &[5], numbers.clone());
        inner.put_count("n", MOST);
        inner.put_count("more", MOST + 1);
        let mut outer = Snapshot::default();
        outer.put_all("a", inner.clone());
        let text = serde_json::to_string(&outer).unwrap();
        let read: Snapshot = serde_json::from_str(&text).unwrap();
        let part = read.part("a");
        let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(part.array("x", &[5]).unwrap()), bits(&numbers));
        assert_eq!(part.count("n").unwrap(), MOST);
        assert!(part.count("more").is_err() && part.count("none").is_err());
        assert!(read.part("b").is_empty());
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        let of = |text: &str| serde_json::from_str::<Snapshot>(text);
        let short = of(r#"{"arrays":{"x":{"shape":[2],"values":"AAAAAAAA8D8="}},"counts":{}}"#);
        assert!(short.unwrap().array("x", &[2]).is_err());
        let huge = r#"{"arrays":{"x":{"shape":[4294967296,4294967296],"values":""}},"counts":{}}"#;
        assert!(of(huge).unwrap().find("x").is_none());
        assert!(of(r#"{"arrays":{"x":{"shape":[1],"values":"AAAA"}},"counts":{}}"#).is_err());
        assert!(of(r#"{"arrays":{"x":{"shape":[1],"values":"!"}},"counts":{}}"#).is_err());
    }
}
