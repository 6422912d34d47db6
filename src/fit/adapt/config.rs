//! `[adapt]` of a config.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::density::family::Family;
use crate::density::target::TargetModel;
use crate::error::Refusal;
use crate::optimizer::OptimizerConfig;

/// More points than this are taken for a mistake: all of them are in memory.
const MOST_CANDIDATES: usize = 1_000_000;

/// `[adapt]` of a config: components come where p is underestimated most, are merged where two are one, and go where
/// they have no weight, up to the K of the family.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct AdaptConfig {
    /// How many components there are at first.
    pub start: usize,
    /// A look at which components are to come and go every this many steps.
    pub every: usize,
    /// None comes after this step; after three quarters of them if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<usize>,
    /// How many points are looked at for where one is missing: half of them of the start, half of q.
    pub candidates: usize,
    /// A component goes whose weight is below this, and has not grown since the last look.
    pub least_weight: f64,
    /// Two components are merged where that changes q by less than this, KL(q‖merged q) in nats.
    pub merge_kl: f64,
}

impl Default for AdaptConfig {
    fn default() -> Self {
        Self {
            start: 1,
            every: 10,
            until: None,
            candidates: 100,
            least_weight: 1e-4,
            merge_kl: 1e-4,
        }
    }
}

impl AdaptConfig {
    /// Writes down the default that depends on the steps.
    pub(crate) fn fill(&mut self, steps: usize) {
        self.until.get_or_insert(steps / 4 * 3);
    }

    /// The family that a fit starts in, with room for its own or not.
    pub(crate) fn first_family(adapt: Option<Self>, family: &Family) -> Cow<'_, Family> {
        match adapt {
            Some(adapt) => Cow::Owned(family.of(adapt.start)),
            None => Cow::Borrowed(family),
        }
    }

    /// Whether a component may come before a step is taken in, or at a later one.
    pub(super) fn adds(&self, step: usize) -> bool {
        self.until.is_some_and(|until| step <= until)
    }

    /// Checks that it makes sense for a fit.
    ///
    /// # Errors
    /// With the first setting that makes none.
    pub(crate) fn check(
        &self,
        family: &Family,
        optimizer: &OptimizerConfig,
        target: &TargetModel,
    ) -> Result<(), Refusal> {
        let refused = |key, message: String, help: &str| Err(Refusal::new(key, message, help));
        let most = family.components();
        if most < 2 {
            let help = "give family.components, the most there may be, as in components = 20";
            return refused("start", format!("is for mixtures of up to {most}"), help);
        }
        if !(1..=most).contains(&self.start) {
            let message = format!("is {}, and there may be 1 to {most}", self.start);
            return refused("start", message, "1 is the default");
        }
        if family.fixed_weights().is_some() {
            let help = "remove weights under [family]: those of components that come are learned";
            return refused("start", "is for weights that are learned".to_owned(), help);
        }
        if self.every == 0 {
            return refused("every", "is 0".to_owned(), "10 steps are the default");
        }
        let until = self.until.unwrap_or(optimizer.steps / 4 * 3);
        if until < self.every || until >= optimizer.steps {
            let message = format!(
                "is {until}, with a look every {} of {} steps",
                self.every, optimizer.steps
            );
            let help = "leave it out and take more optimizer.steps, or give at least adapt.every and less than optimizer.steps: \
                        what comes last needs steps too";
            return refused("until", message, help);
        }
        if self.candidates < 2 {
            let message = format!("is {}", self.candidates);
            return refused("candidates", message, "give at least 2; 100 is the default");
        }
        if self.candidates > MOST_CANDIDATES {
            let message = format!("is {}, more than {MOST_CANDIDATES}", self.candidates);
            return refused("candidates", message, "100 is the default");
        }
        if !(0.0..1.0).contains(&self.least_weight) {
            let message = format!(
                "is {}; it must be at least 0 and below 1",
                self.least_weight
            );
            return refused("least_weight", message, "1e-4 is the default");
        }
        if !(self.merge_kl >= 0.0 && self.merge_kl.is_finite()) {
            let message = format!("is {}; it must not be negative", self.merge_kl);
            return refused("merge_kl", message, "1e-4 is the default; 0 merges none");
        }
        if !target.has_density() {
            let help = "remove the section; components = [1, 2, 3, 4] chooses among fits of each";
            let message = "looks for where log p is above log q, and rows have no density";
            return refused("start", message.to_owned(), help);
        }
        if optimizer.rule.compares_steps() {
            let message = format!(
                "has no meaning for {}, which compares one step with the next",
                optimizer.rule.name()
            );
            return refused("start", message, "use \"vips\"");
        }
        Ok(())
    }
}
