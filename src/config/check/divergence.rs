//! Divergences: finite for the target, and without its density where it has none.

use super::{Checked, CheckedFit};
use crate::config::FitConfig;
use crate::density::target::Distribution;
use crate::divergence::{DivergenceKind, Side};

impl CheckedFit<'_> {
    pub(super) fn divergence(&self, fit: &FitConfig) -> Checked<DivergenceKind> {
        let kind =
            (fit.divergence.with_order(fit.alpha)).map_err(|refusal| self.refused(&[], refusal))?;
        if let Some(reason) = kind.infinite_for(self.target.tails()) {
            return Err(self.error(
                &["divergence"],
                format!(
                    "is {}, which is infinite for every q: {reason}",
                    kind.title()
                ),
                "choose one that stays finite, such as reverse-kl, js or squared-hellinger",
            ));
        }
        if let Some(target) = self.target.as_unnormalized()
            && target.log_normalizer_error().is_infinite()
            && kind.build().sides().contains(&Side::Target)
        {
            return Err(self.error(
                &["divergence"],
                format!(
                    "is {}, a mean over draws of p, and none can be had: k-hat is {:.2}, above 0.7",
                    kind.title(),
                    target.located().k_hat
                ),
                "use divergence = \"reverse-kl\", a mean over draws of q alone; or write the density in \
                 coordinates where it looks more like a mixture of Gaussians",
            ));
        }
        if self.target.as_histogram().is_some() {
            return match kind {
                // Of bins there are probabilities alone.
                DivergenceKind::ForwardKl => Ok(DivergenceKind::BinnedKl),
                kind => Err(self.error(
                    &["divergence"],
                    format!(
                        "is {}, which needs the density of the target, and a histogram has none inside its bins",
                        kind.title()
                    ),
                    "use divergence = \"forward-kl\": of bins it is the largest likelihood of their counts; or fit \
                     a mixture to the bins first and make that the target",
                )),
            };
        }
        match (self.target.as_samples(), kind) {
            (None, kind) => Ok(kind),
            // Rows have no density: what is left of forward KL is the cross-entropy.
            (Some(_), DivergenceKind::ForwardKl) => Ok(DivergenceKind::CrossEntropy),
            (Some(_), kind) => Err(self.error(
                &["divergence"],
                format!(
                    "is {}, which needs the density of the target, and a sample has none",
                    kind.title()
                ),
                "use divergence = \"forward-kl\": only its average over the rows is needed; or fit \
                 a mixture to the rows first and make that the target",
            )),
        }
    }
}
