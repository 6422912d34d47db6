//! What the parameters of a member and the entries of θ are called.

use super::Family;
use crate::mixture::{Parameter, Quantity};

impl Family {
    /// The names of a member's [parameters](Parameter) in natural units, in their order.
    pub fn parameter_names(&self) -> Vec<String> {
        Parameter::names(self.components, self.dim())
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
