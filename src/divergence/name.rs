//! The divergences as configs name them.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DivergenceKind, Order};
use crate::error::Refusal;

/// The name of a divergence in a config; some take an order beside it, `alpha`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DivergenceName {
    /// A divergence of this name: of those with an order, one.
    example: DivergenceKind,
}

/// Every name, once.
static NAMES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| DivergenceName::all().map(DivergenceName::name).collect());

impl DivergenceName {
    /// Every name.
    pub fn all() -> impl Iterator<Item = Self> {
        let mut kinds = DivergenceKind::all();
        kinds.retain(|kind| kind.is_for_configs());
        kinds.dedup_by_key(|kind| kind.names().config);
        kinds.into_iter().map(|example| Self { example })
    }

    /// The name as it is written.
    pub fn name(self) -> &'static str {
        self.example.names().config
    }

    /// From how it is written; KL without more is forward KL.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "kl" { "forward-kl" } else { name };
        Self::all().find(|one| one.name() == name)
    }

    /// Whether it takes an order, `alpha`.
    pub fn takes_order(self) -> bool {
        self.example.alpha().is_some()
    }

    /// Whether it is a mean of −log q under p, but for a constant.
    pub fn is_likelihood(self) -> bool {
        self.example.is_likelihood()
    }

    /// Whether it is reverse KL.
    pub fn is_reverse_kl(self) -> bool {
        self.example == DivergenceKind::ReverseKl
    }

    /// The divergence of this name.
    ///
    /// # Errors
    /// If an order is missing, not wanted, or one that the divergence is not defined for.
    pub fn with_order(self, alpha: Option<f64>) -> Result<DivergenceKind, Refusal> {
        const EXAMPLE: &str = "give one, as in alpha = 0.5";
        let Self { example } = self;
        let refused = |message: String, help| Err(Refusal::new("alpha", message, help));
        match alpha {
            None if self.takes_order() => refused("is missing".to_owned(), EXAMPLE),
            None => Ok(example),
            Some(alpha) if !self.takes_order() => refused(
                format!("is {alpha}, and {} has no order", example.title()),
                "remove it, or choose divergence = \"alpha\" or \"renyi\"",
            ),
            Some(alpha) => {
                let kind = example.with_order(Order(alpha));
                match kind.build().order_refused() {
                    Some(help) => refused(format!("is {alpha}"), help),
                    None if !alpha.is_finite() => refused(format!("is {alpha}"), EXAMPLE),
                    None => Ok(kind),
                }
            }
        }
    }
}

impl Serialize for DivergenceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DivergenceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| serde::de::Error::unknown_variant(&name, &NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_mean_something_else_are_refused() {
        for (name, alpha) in [
            ("alpha", Some(1.0)),
            ("alpha", Some(0.0)),
            ("alpha", Some(f64::NAN)),
            ("alpha", None),
            ("renyi", Some(0.0)),
            ("renyi", Some(1.0)),
            ("renyi", Some(-1.0)),
            ("renyi", Some(f64::INFINITY)),
            ("chi2", Some(2.0)),
        ] {
            let name = DivergenceName::from_name(name).unwrap();
            assert!(name.with_order(alpha).is_err(), "{name:?} {alpha:?}");
        }
        let name = DivergenceName::from_name("renyi").unwrap();
        assert!(name.with_order(Some(0.5)).is_ok());
    }

    #[test]
    fn every_name_is_that_of_one_divergence() {
        assert_eq!(DivergenceName::from_name("cross-entropy"), None);
        // As the calculator's option has it.
        let written: DivergenceName = serde_json::from_str("\"kl\"").unwrap();
        assert_eq!(written.name(), "forward-kl");
        assert_eq!(DivergenceName::all().count(), 9);
        for name in DivergenceName::all() {
            let alpha = name.takes_order().then_some(0.5);
            assert_eq!(name.with_order(alpha).unwrap().names().config, name.name());
        }
    }
}
