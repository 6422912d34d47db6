//! Rows that lie in a plane: what a fit to them can be.

use super::{Checked, CheckedFit};
use crate::config::FitConfig;
use crate::density::family::Covariance;

impl CheckedFit<'_> {
    /// Refuses a family whose likelihood of the rows has no bound, and says where others follow only
    /// from the floor of the standard deviations, or do not see that columns follow from each other.
    pub(super) fn dependence(&self, fit: &FitConfig, notes: &mut Vec<String>) -> Checked {
        let rows = self.target.as_samples();
        let Some(dependence) = rows.and_then(|rows| rows.dependence()) else {
            return Ok(());
        };
        let covariance = fit.family.covariance;
        let is_seen = match covariance {
            Covariance::Full => true,
            Covariance::LowRank => dependence.is_unbounded_for(fit.family.rank.unwrap_or(1)),
            Covariance::Diagonal | Covariance::Isotropic => false,
        };
        let name = covariance.name();
        let article = if name.starts_with('i') { "an" } else { "a" };
        if !is_seen {
            notes.push(format!(
                "{}: {dependence}; {article} {name} covariance does not see that",
                self.at
            ));
            return Ok(());
        }
        if fit.family.min_std > 0.0 {
            notes.push(format!(
                "{}: {dependence}; the likelihood is bounded by min_std = {} alone",
                self.at, fit.family.min_std
            ));
            return Ok(());
        }
        Err(self.error(
            &["family", "covariance"],
            format!("is \"{name}\", and {dependence}"),
            format!("{}, or set covariance = \"diagonal\"", dependence.help()),
        ))
    }
}
