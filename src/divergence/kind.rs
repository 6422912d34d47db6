//! The divergences by name, and how they are written in files.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::order::Order;
use super::{
    Alpha, Chi2, CrossEntropy, Divergence, ForwardKl, Jeffreys, JensenShannon, Names, Power, Renyi,
    ReverseKl, SquaredHellinger, TotalVariation,
};

/// The divergences a config may name; two of them take an order, `alpha`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DivergenceName {
    /// KL(p‖q).
    ForwardKl,
    /// KL(q‖p).
    ReverseKl,
    /// KL(p‖q) + KL(q‖p).
    Jeffreys,
    /// The Jensen–Shannon divergence.
    Js,
    /// Amari's α-divergence.
    Alpha,
    /// The Rényi divergence.
    Renyi,
    /// Pearson's χ².
    Chi2,
    /// The squared Hellinger distance.
    SquaredHellinger,
    /// Total variation.
    TotalVariation,
}

impl DivergenceName {
    /// Every name.
    pub const ALL: [Self; 9] = [
        Self::ForwardKl,
        Self::ReverseKl,
        Self::Jeffreys,
        Self::Js,
        Self::Alpha,
        Self::Renyi,
        Self::Chi2,
        Self::SquaredHellinger,
        Self::TotalVariation,
    ];

    /// The name as it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::ForwardKl => "forward-kl",
            Self::ReverseKl => "reverse-kl",
            Self::Jeffreys => "jeffreys",
            Self::Js => "js",
            Self::Alpha => "alpha",
            Self::Renyi => "renyi",
            Self::Chi2 => "chi2",
            Self::SquaredHellinger => "squared-hellinger",
            Self::TotalVariation => "total-variation",
        }
    }

    /// From how it is written.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Whether it takes an order, `alpha`.
    pub fn takes_order(self) -> bool {
        matches!(self, Self::Alpha | Self::Renyi)
    }

    /// The divergence of this name.
    ///
    /// # Errors
    /// If an order is missing, not wanted, or one that the divergence is not defined for: the
    /// reason, and what to do.
    pub fn with_order(self, alpha: Option<f64>) -> Result<DivergenceKind, (String, &'static str)> {
        let order = |positive: bool| {
            let example = "give one, as in alpha = 0.5";
            let alpha = alpha.ok_or(("is missing".to_owned(), example))?;
            let refused = |help| Err((format!("is {alpha}"), help));
            match alpha {
                1.0 => refused("order 1 is forward KL: divergence = \"forward-kl\""),
                0.0 if !positive => refused("order 0 is reverse KL: divergence = \"reverse-kl\""),
                alpha if positive && alpha <= 0.0 => refused("Rényi's order is above 0"),
                alpha if !alpha.is_finite() => refused(example),
                alpha => Ok(Order(alpha)),
            }
        };
        let kind = match self {
            Self::Alpha => return order(false).map(DivergenceKind::Alpha),
            Self::Renyi => return order(true).map(DivergenceKind::Renyi),
            Self::ForwardKl => DivergenceKind::ForwardKl,
            Self::ReverseKl => DivergenceKind::ReverseKl,
            Self::Jeffreys => DivergenceKind::Jeffreys,
            Self::Js => DivergenceKind::Js,
            Self::Chi2 => DivergenceKind::Chi2,
            Self::SquaredHellinger => DivergenceKind::SquaredHellinger,
            Self::TotalVariation => DivergenceKind::TotalVariation,
        };
        match alpha {
            None => Ok(kind),
            Some(alpha) => Err((
                format!("is {alpha}, and {} has no order", kind.title()),
                "remove it, or choose divergence = \"alpha\" or \"renyi\"",
            )),
        }
    }
}

/// A divergence with all that defines it.
///
/// In files it is written by its name: `forward-kl`, `renyi-0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DivergenceKind {
    /// KL(p‖q).
    ForwardKl,
    /// KL(q‖p).
    ReverseKl,
    /// The Jensen–Shannon divergence.
    Js,
    /// KL(p‖q) + KL(q‖p).
    Jeffreys,
    /// Amari's α-divergence.
    Alpha(Order),
    /// The Rényi divergence.
    Renyi(Order),
    /// Pearson's χ².
    Chi2,
    /// The squared Hellinger distance.
    SquaredHellinger,
    /// Total variation.
    TotalVariation,
    /// The cross-entropy: what forward KL to draws comes to. No config names it.
    CrossEntropy,
}

impl DivergenceKind {
    /// Every divergence there is; one that takes an order, at a few of them.
    pub const ALL: [Self; 13] = [
        Self::ForwardKl,
        Self::ReverseKl,
        Self::Js,
        Self::Jeffreys,
        Self::Alpha(Order(-0.5)),
        Self::Alpha(Order(0.5)),
        Self::Alpha(Order(1.5)),
        Self::Renyi(Order(0.5)),
        Self::Renyi(Order(1.5)),
        Self::Chi2,
        Self::SquaredHellinger,
        Self::TotalVariation,
        Self::CrossEntropy,
    ];

    /// Makes it.
    pub fn build(self) -> Box<dyn Divergence> {
        match self {
            Self::ForwardKl => Box::new(ForwardKl),
            Self::ReverseKl => Box::new(ReverseKl),
            Self::Js => Box::new(JensenShannon),
            Self::Jeffreys => Box::new(Jeffreys),
            Self::Alpha(order) => Box::new(Alpha(order)),
            Self::Renyi(order) => Box::new(Renyi(order)),
            Self::Chi2 => Box::new(Chi2),
            Self::SquaredHellinger => Box::new(SquaredHellinger),
            Self::TotalVariation => Box::new(TotalVariation),
            Self::CrossEntropy => Box::new(CrossEntropy),
        }
    }

    fn names(self) -> Names {
        self.build().names()
    }

    /// The values it can have, in nats.
    pub fn range(self) -> RangeInclusive<f64> {
        self.build().range()
    }

    /// The divergence with p and q exchanged, if it has a name.
    pub fn exchanged(self) -> Option<Self> {
        match self {
            Self::ForwardKl => Some(Self::ReverseKl),
            Self::ReverseKl => Some(Self::ForwardKl),
            Self::Alpha(order) => Some(Self::Alpha(Order(1.0 - order.0))),
            Self::Js | Self::Jeffreys | Self::SquaredHellinger | Self::TotalVariation => Some(self),
            Self::Renyi(_) | Self::Chi2 | Self::CrossEntropy => None,
        }
    }

    /// The order α of the ∫ p^α q^(1−α) that it is made of, if it is.
    pub fn order(self) -> Option<f64> {
        match self {
            Self::Alpha(order) | Self::Renyi(order) => Some(order.0),
            Self::Chi2 => Some(2.0),
            Self::SquaredHellinger => Some(0.5),
            Self::ForwardKl
            | Self::ReverseKl
            | Self::Js
            | Self::Jeffreys
            | Self::TotalVariation
            | Self::CrossEntropy => None,
        }
    }

    /// What its integrand is, if it has an [order](Self::order); before its outer function, if it has one.
    pub(crate) fn power(self) -> Option<Power> {
        let order = self.order()?;
        let scale = match self {
            Self::Alpha(_) | Self::Renyi(_) => 1.0 / (order * (order - 1.0)),
            Self::SquaredHellinger => -1.0,
            _ => 1.0,
        };
        Some(Power { order, scale })
    }

    /// Nats by which the logarithm of a power's integral is away from that of 1 for a divergence to be told
    /// by it alone.
    pub(crate) const FAR: f64 = 1.0;

    /// Whether its integrand has a corner where both densities are equal.
    pub(crate) fn has_corner(self) -> bool {
        self == Self::TotalVariation
    }

    /// How far the rounding of its integrand goes beyond what that of log p and log q does, as a multiple
    /// of ε: of a power, terms of size 1 cancel where p and q agree.
    pub(crate) fn cancellation(self) -> f64 {
        match self {
            Self::Alpha(order) | Self::Renyi(order) => 4.0 / (order.0 * (1.0 - order.0)).abs(),
            Self::ForwardKl
            | Self::ReverseKl
            | Self::Js
            | Self::Jeffreys
            | Self::Chi2
            | Self::SquaredHellinger
            | Self::TotalVariation
            | Self::CrossEntropy => 0.0,
        }
    }

    /// It from the logarithm of ∫ p^α q^(1−α) of its [order](Self::order), if it is a function of that.
    pub fn of_log_power(self, log: f64) -> Option<f64> {
        match self {
            Self::Alpha(order) => Some(log.exp_m1() / (order.0 * (order.0 - 1.0))),
            Self::Renyi(order) => Some(log / (order.0 - 1.0)),
            Self::Chi2 => Some(log.exp_m1()),
            Self::SquaredHellinger => Some(-log.exp_m1()),
            Self::ForwardKl
            | Self::ReverseKl
            | Self::Js
            | Self::Jeffreys
            | Self::TotalVariation
            | Self::CrossEntropy => None,
        }
    }

    /// Its name in files: `renyi-0.5`.
    pub fn name(self) -> String {
        self.names().file
    }

    /// Its name in a sentence.
    pub fn title(self) -> String {
        self.names().title
    }

    /// How it is written in tables and figures.
    pub fn symbol(self) -> String {
        self.names().symbol
    }

    /// What it is called on an axis, with its unit: KL(p‖q) (nats).
    pub fn with_unit(self) -> String {
        let Names {
            symbol, in_nats, ..
        } = self.names();
        if in_nats {
            format!("{symbol} (nats)")
        } else {
            symbol
        }
    }

    /// Whether it is a number of nats, rather than one without a unit.
    pub fn is_in_nats(self) -> bool {
        self.names().in_nats
    }

    /// The divergence of a name in a file.
    pub fn from_name(name: &str) -> Option<Self> {
        let order = |prefix: &str| {
            let order = name.strip_prefix(prefix)?.parse().ok()?;
            Some(Order(order))
        };
        order("alpha-")
            .map(Self::Alpha)
            .or_else(|| order("renyi-").map(Self::Renyi))
            .or_else(|| Self::ALL.into_iter().find(|kind| kind.name() == name))
    }
}

impl Serialize for DivergenceKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl<'de> Deserialize<'de> for DivergenceKind {
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
    fn a_divergence_is_found_by_its_name() {
        for kind in DivergenceKind::ALL {
            assert_eq!(DivergenceKind::from_name(&kind.name()), Some(kind));
            assert!(!kind.build().sides().is_empty());
        }
        let odd = DivergenceKind::Alpha(Order(-2.25));
        assert_eq!(DivergenceKind::from_name(&odd.name()), Some(odd));
        assert_eq!(DivergenceKind::from_name("renyi"), None);
    }

    #[test]
    fn orders_that_mean_something_else_are_refused() {
        use DivergenceName::{Alpha, Chi2, Renyi};
        for (name, alpha) in [
            (Alpha, Some(1.0)),
            (Alpha, Some(0.0)),
            (Alpha, Some(f64::NAN)),
            (Alpha, None),
            (Renyi, Some(0.0)),
            (Renyi, Some(-1.0)),
            (Renyi, Some(f64::INFINITY)),
            (Chi2, Some(2.0)),
        ] {
            assert!(name.with_order(alpha).is_err(), "{name:?} {alpha:?}");
        }
        assert!(Renyi.with_order(Some(0.5)).is_ok());
    }
}
