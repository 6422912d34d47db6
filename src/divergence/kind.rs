//! The table of the divergences, and how they are written in files.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::order::Order;
use super::{Divergence, Names, Power};
use crate::density::target::Tails;

/// Makes [`DivergenceKind`] from the table below.
macro_rules! divergences {
    ($($(#[$doc:meta])* $kind:ident $(($order:ident: $($example:literal),+))? => $file:ident::$type:ident,)+) => {
        /// A divergence with all that defines it.
        ///
        /// In files it is written by its name: `forward-kl`, `renyi-0.5`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DivergenceKind {
            $($(#[$doc])* $kind $((instead!($order Order)))?,)+
        }

        impl DivergenceKind {
            /// Every divergence there is; one that takes an order, at a few of them.
            pub fn all() -> Vec<Self> {
                [$(examples!(Self::$kind $(, $($example)+)?)),+].concat()
            }

            /// Makes it.
            pub fn build(self) -> Box<dyn Divergence> {
                match self {
                    $(Self::$kind $(($order))? => Box::new(super::$file::$type $(($order))?),)+
                }
            }

            /// The order that it is named with, `alpha` of a config, if it takes one.
            pub fn alpha(self) -> Option<f64> {
                let order = match self {
                    $(Self::$kind $(($order))? => None::<Order>$(.or(Some($order)))?,)+
                };
                Some(order?.value())
            }

            /// It with an order, if it takes one; as it is, if not.
            pub(super) fn with_order(self, to: Order) -> Self {
                match self {
                    $(Self::$kind $((instead!($order _)))? => Self::$kind $((instead!($order to)))?,)+
                }
            }
        }
    };
}

macro_rules! instead {
    ($_:ident $by:tt) => {
        $by
    };
}

macro_rules! examples {
    ($kind:path) => { vec![$kind] };
    ($kind:path, $($order:literal)+) => { vec![$($kind(Order($order))),+] };
}

divergences! {
    /// KL(p‖q).
    ForwardKl => forward_kl::ForwardKl,
    /// KL(q‖p).
    ReverseKl => reverse_kl::ReverseKl,
    /// The Jensen–Shannon divergence.
    Js => jensen_shannon::JensenShannon,
    /// KL(p‖q) + KL(q‖p).
    Jeffreys => jeffreys::Jeffreys,
    /// Amari's α-divergence.
    Alpha(order: -0.5, 0.5, 1.5) => alpha::Alpha,
    /// The Rényi divergence.
    Renyi(order: 0.5, 1.5) => renyi::Renyi,
    /// Pearson's χ².
    Chi2 => chi2::Chi2,
    /// The squared Hellinger distance.
    SquaredHellinger => squared_hellinger::SquaredHellinger,
    /// Total variation.
    TotalVariation => total_variation::TotalVariation,
    /// The cross-entropy: what forward KL to draws comes to. No config names it.
    CrossEntropy => cross_entropy::CrossEntropy,
    /// Forward KL between the probabilities of bins: what it comes to where p is a histogram. No config names it.
    BinnedKl => binned_kl::BinnedKl,
}

impl DivergenceKind {
    /// How it is called.
    pub fn names(self) -> Names {
        self.build().names()
    }

    /// Whether a config may name it.
    pub fn is_for_configs(self) -> bool {
        self.build().is_for_configs()
    }

    /// Whether it does without the density of p: then it alone is told of a fit.
    pub fn needs_no_density(self) -> bool {
        matches!(self, Self::CrossEntropy | Self::BinnedKl)
    }

    /// Whether it is a mean of −log q under p, but for a constant: the less it is the more likely is p under q.
    pub fn is_likelihood(self) -> bool {
        matches!(self, Self::ForwardKl | Self::CrossEntropy | Self::BinnedKl)
    }

    /// The values it can have, in nats.
    pub fn range(self) -> RangeInclusive<f64> {
        self.build().range()
    }

    /// The divergence with p and q exchanged, if it has a name.
    pub fn exchanged(self) -> Option<Self> {
        Self::from_name(&self.build().exchanged()?)
    }

    /// Why it is infinite between a target with these tails and every mixture of Gaussians, if it is.
    pub fn infinite_for(self, tails: Tails) -> Option<&'static str> {
        self.build().infinite_for(tails)
    }

    /// What it is of ∫ p^α q^(1−α), if it is a function of that.
    pub fn power(self) -> Option<Power> {
        self.build().power()
    }

    /// The order α of the ∫ p^α q^(1−α) that it is a function of, if it is.
    pub fn order(self) -> Option<f64> {
        Some(self.power()?.order)
    }

    /// Nats by which the logarithm of a power's integral is away from that of 1 for a divergence to be told
    /// by it alone.
    pub(crate) const FAR: f64 = 1.0;

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
        Self::all().into_iter().find_map(|kind| {
            let names = kind.names();
            if names.file == name {
                return Some(kind);
            }
            let order = name.strip_prefix(names.config)?.strip_prefix('-')?;
            let kind = kind.with_order(Order(order.parse().ok()?));
            (kind.names().file != names.file).then_some(kind)
        })
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
        for kind in DivergenceKind::all() {
            assert_eq!(DivergenceKind::from_name(&kind.name()), Some(kind));
            assert!(!kind.build().sides().is_empty());
        }
        let odd = DivergenceKind::Alpha(Order(-2.25));
        assert_eq!(DivergenceKind::from_name(&odd.name()), Some(odd));
        for name in ["renyi", "renyi-", "js-0.5", "alpha-x", ""] {
            assert_eq!(DivergenceKind::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn an_exchanged_divergence_has_a_name_and_is_exchanged_back() {
        for kind in DivergenceKind::all() {
            if kind.build().exchanged().is_some() {
                let exchanged = kind.exchanged().unwrap();
                assert_eq!(exchanged.exchanged(), Some(kind));
            }
        }
    }
}
