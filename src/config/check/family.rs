//! The family: what a covariance and weights may be.

use super::{Checked, CheckedFit};
use crate::config::FitConfig;
use crate::density::family::Covariance;
use crate::mixture::check_size;

/// Weights that stay sum to 1 up to this.
const WEIGHT_SUM_TOLERANCE: f64 = 1e-6;

impl CheckedFit<'_> {
    pub(super) fn family(&self, fit: &mut FitConfig) -> Checked {
        let family = &mut fit.family;
        let at = |key: &'static str| ["family", key];
        if family.components == 0 {
            return Err(self.error(&at("components"), "is 0", "a Gaussian has 1 component"));
        }
        check_size(family.components, self.target.dim()).map_err(|error| {
            let message = format!("is {}, too many", family.components);
            self.error(&at("components"), message, error.help)
        })?;
        if !(family.min_std >= 0.0 && family.min_std.is_finite()) {
            let message = format!("is {}", family.min_std);
            let help = "give a standard deviation that no component should fall below, or 0";
            return Err(self.error(&at("min_std"), message, help));
        }
        let narrowest = self.target.extent().1.diagonal().min().sqrt();
        if family.min_std >= narrowest {
            let message = format!(
                "is {}, and the narrowest coordinate of the target has a standard deviation of \
                 {narrowest}",
                family.min_std
            );
            return Err(self.error(&at("min_std"), message, "lower it"));
        }
        match (family.covariance, family.rank) {
            (Covariance::LowRank, rank) => {
                let rank = rank.unwrap_or(1);
                if !(1..=self.target.dim()).contains(&rank) {
                    let message =
                        format!("is {rank}, and there are {} dimensions", self.target.dim());
                    let help = "give a rank from 1 to the number of dimensions";
                    return Err(self.error(&at("rank"), message, help));
                }
                family.rank = Some(rank);
            }
            (other, Some(rank)) => {
                let message = format!("is {rank}, and a {} covariance has none", other.name());
                let help = "remove it, or set covariance = \"low-rank\"";
                return Err(self.error(&at("rank"), message, help));
            }
            (_, None) => {}
        }
        self.weights(fit)
    }

    fn weights(&self, fit: &FitConfig) -> Checked {
        let Some(weights) = &fit.family.weights else {
            return Ok(());
        };
        let at = ["family", "weights"];
        if weights.len() != fit.family.components {
            let message = format!(
                "has {} entries, and there are {} components",
                weights.len(),
                fit.family.components
            );
            return Err(self.error(&at, message, "give one weight for each component"));
        }
        let total: f64 = weights.iter().sum();
        let fine = weights
            .iter()
            .all(|&weight| weight > 0.0 && weight.is_finite())
            && (total - 1.0).abs() <= WEIGHT_SUM_TOLERANCE;
        if fine {
            return Ok(());
        }
        let message = format!("is {weights:?}, which sums to {total}");
        Err(self.error(&at, message, "weights are positive and sum to 1"))
    }
}
