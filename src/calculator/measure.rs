//! What the calculator tells of densities: the divergences that a fit may minimise, and what none does.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::divergence::DivergenceKind;

/// What is told of two densities, or of one.
///
/// In files it is written by its name: `forward-kl`, `renyi-0.5`, `wasserstein-2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// A divergence of two densities.
    Divergence(DivergenceKind),
    /// The Bhattacharyya distance of two densities, −log ∫ √(p q), in nats.
    Bhattacharyya,
    /// The Wasserstein distance of order 2 of two mixtures, W₂, in the units of x; not its square.
    Wasserstein2,
    /// The entropy of one density, −∫ p log p, in nats.
    Entropy,
    /// The total correlation of one density, Σᵢ H(pᵢ) − H(p) with its marginals pᵢ, in nats.
    TotalCorrelation,
}

impl From<DivergenceKind> for Measure {
    fn from(kind: DivergenceKind) -> Self {
        Self::Divergence(kind)
    }
}

impl Measure {
    /// What no fit minimises.
    pub const OTHERS: [Self; 4] = [
        Self::Bhattacharyya,
        Self::Wasserstein2,
        Self::Entropy,
        Self::TotalCorrelation,
    ];

    /// The divergence that it is half of, and by which it is found: ½ D_½(p‖q), D being Rényi's.
    pub(super) fn twice(self) -> Option<DivergenceKind> {
        let half = || DivergenceKind::from_name("renyi-0.5");
        (self == Self::Bhattacharyya).then(half).flatten()
    }

    /// The divergence that it is, if a fit may minimise it.
    pub fn as_divergence(self) -> Option<DivergenceKind> {
        match self {
            Self::Divergence(kind) => Some(kind),
            _ => None,
        }
    }

    /// Whether it is of one density, not of two.
    pub fn is_of_one(self) -> bool {
        matches!(self, Self::Entropy | Self::TotalCorrelation)
    }

    /// Its name in files: `renyi-0.5`, `wasserstein-2`.
    pub fn name(self) -> String {
        match self {
            Self::Divergence(kind) => kind.name(),
            other => other.own_name().to_owned(),
        }
    }

    /// The name of what no fit minimises.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::Divergence(_) => "",
            Self::Bhattacharyya => "bhattacharyya",
            Self::Wasserstein2 => "wasserstein-2",
            Self::Entropy => "entropy",
            Self::TotalCorrelation => "total-correlation",
        }
    }

    /// Its name in a sentence.
    pub fn title(self) -> String {
        let title = match self {
            Self::Divergence(kind) => return kind.title(),
            Self::Bhattacharyya => "Bhattacharyya distance",
            Self::Wasserstein2 => "Wasserstein distance",
            Self::Entropy => "entropy",
            Self::TotalCorrelation => "total correlation",
        };
        title.to_owned()
    }

    /// How it is written in tables and figures.
    pub fn symbol(self) -> String {
        let symbol = match self {
            Self::Divergence(kind) => return kind.symbol(),
            Self::Bhattacharyya => "D_B(p, q)",
            Self::Wasserstein2 => "W₂(p, q)",
            Self::Entropy => "H(p)",
            Self::TotalCorrelation => "TC(p)",
        };
        symbol.to_owned()
    }

    /// What it is measured in, if it has a unit.
    pub fn unit(self) -> Option<&'static str> {
        match self {
            Self::Divergence(kind) => kind.is_in_nats().then_some("nats"),
            Self::Wasserstein2 => Some("units of x"),
            Self::Bhattacharyya | Self::Entropy | Self::TotalCorrelation => Some("nats"),
        }
    }

    /// What it is called on an axis, with its unit: KL(p‖q) (nats).
    pub fn with_unit(self) -> String {
        match self.unit() {
            Some(unit) => format!("{} ({unit})", self.symbol()),
            None => self.symbol(),
        }
    }

    /// The values it can have.
    pub fn range(self) -> RangeInclusive<f64> {
        match self {
            Self::Divergence(kind) => kind.range(),
            Self::Entropy => f64::NEG_INFINITY..=f64::INFINITY,
            Self::Bhattacharyya | Self::Wasserstein2 | Self::TotalCorrelation => {
                0.0..=f64::INFINITY
            }
        }
    }

    /// It with p and q exchanged, if that has a name.
    pub fn exchanged(self) -> Option<Self> {
        match self {
            Self::Divergence(kind) => kind.exchanged().map(Self::Divergence),
            Self::Bhattacharyya | Self::Wasserstein2 => Some(self),
            Self::Entropy | Self::TotalCorrelation => None,
        }
    }

    /// The one of a name in a file.
    pub fn from_name(name: &str) -> Option<Self> {
        let other = Self::OTHERS.into_iter().find(|one| one.name() == name);
        other.or_else(|| DivergenceKind::from_name(name).map(Self::Divergence))
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("\"{name}\" is not a divergence")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name_and_written_by_it() {
        let divergences = DivergenceKind::all().into_iter().map(Measure::Divergence);
        for measure in Measure::OTHERS.into_iter().chain(divergences) {
            assert_eq!(Measure::from_name(&measure.name()), Some(measure));
            let written = serde_json::to_string(&measure).unwrap();
            assert_eq!(written, format!("\"{}\"", measure.name()));
            assert_eq!(serde_json::from_str::<Measure>(&written).unwrap(), measure);
        }
        assert!(serde_json::from_str::<Measure>("\"wasserstein\"").is_err());
    }

    #[test]
    fn the_divergence_that_is_halved_is_known() {
        let twice = Measure::Bhattacharyya.twice().unwrap();
        assert_eq!(twice.order(), Some(0.5));
        assert_eq!(Measure::Wasserstein2.twice(), None);
    }
}
