//! Where a fit starts.

use super::{Checked, CheckedFit};
use crate::config::{DEFAULT_RESTARTS, FitConfig};
use crate::density::family::Family;
use crate::fit::init::random::Random;
use crate::fit::init::{Start, duplicate_components};
use crate::text::numbered;

impl CheckedFit<'_> {
    pub(super) fn start(
        &self,
        fit: &mut FitConfig,
        family: &Family,
        notes: &mut Vec<String>,
    ) -> Checked<Start> {
        if fit.restarts == Some(0) {
            let help = "1 to try one random start, 64 to look for several optima";
            return Err(self.error(&["restarts"], "is 0", help));
        }
        let restarts = fit.restarts.unwrap_or(DEFAULT_RESTARTS);
        let at = self.at.name("init");
        let start = match &mut fit.init {
            Some(init) => init.resolve(restarts, &at, self.source)?.distinct(family),
            None => Start::drawn(Random {}, restarts),
        };
        (start.check()).map_err(|refusal| self.refused(&["init"], refusal))?;
        let is_single = matches!(start, Start::Given(_) | Start::EndOf(_));
        if let (true, Some(restarts @ 2..)) = (is_single, fit.restarts) {
            notes.push(format!(
                "{}: [init] gives the start, so restarts = {restarts} is taken as 1",
                self.at
            ));
        }
        fit.restarts = (!is_single).then_some(start.runs());
        if let Start::Given(mixture) = &start {
            family.theta_of(mixture).map_err(|error| {
                self.source.error(
                    &at,
                    format!("is not a member of the family: {error}"),
                    "change [init] or [family] so that they agree",
                )
            })?;
            notes.extend(duplicate_components(mixture).into_iter().map(|group| {
                format!(
                    "{at}: components {} start alike, and gradients that are alike part them late or \
                     never; move their means apart, or give fewer components",
                    numbered(&group)
                )
            }));
        }
        Ok(start)
    }
}
