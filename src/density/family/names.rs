//! What the parameters of a member and the entries of θ are called.

use super::Family;
use crate::mixture::{Parameter, Quantity};

impl Family {
    /// A member's parameters in natural units, in the order of [`Parameter::all`], without the correlations
    /// at the end where they are all 0.
    pub fn natural_parameters(&self) -> impl Iterator<Item = Parameter> {
        let has_correlations = self.scale.covariance.has_correlations();
        Parameter::all(self.components, self.dim()).take_while(move |one| {
            has_correlations || !matches!(one.quantity, Quantity::Correlation(..))
        })
    }

    /// The names of its [`natural_parameters`](Self::natural_parameters).
    pub fn parameter_names(&self) -> Vec<String> {
        self.natural_parameters()
            .map(|one| one.to_string())
            .collect()
    }

    /// Which parameter an entry of θ is about: a weight, a mean, a standard deviation, or the
    /// covariance of a component.
    pub fn theta_name(&self, at: usize) -> String {
        let (k, d) = (self.components, self.dim());
        let logits = if k > 1 && self.fixed_weights().is_none() {
            k
        } else {
            0
        };
        let named =
            |quantity, component, i| Parameter::new(quantity, (component, k), (i, d)).to_string();
        let Some(after) = at.checked_sub(logits) else {
            return named(|_| Quantity::Weight, at, 0);
        };
        let Some(after) = after.checked_sub(k * d) else {
            return named(Quantity::Mean, after / d, after % d);
        };
        let (component, entry) = (after / self.scale.len(), after % self.scale.len());
        if entry < self.scale.logs() {
            return named(Quantity::Std, component, entry);
        }
        match k {
            1 => "the covariance".to_owned(),
            _ => format!("the covariance of component {}", component + 1),
        }
    }
}
