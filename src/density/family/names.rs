//! What the parameters of a member and the entries of θ are called.

use super::Family;
use crate::mixture::natural::pairs;

impl Family {
    /// The names of a member's parameters in natural units, in the order of
    /// [`natural_values`](crate::mixture::natural_values).
    ///
    /// Weights, then means, standard deviations and correlations: `weight_2`, `mean_2_x1`,
    /// `std_2_x1`, `corr_2_x1_x2`, leaving out the component where there is one and the coordinate
    /// where there is one.
    pub fn parameter_names(&self) -> Vec<String> {
        let (k, d) = (self.components, self.dim());
        let component = |k_: usize| {
            if k == 1 {
                String::new()
            } else {
                format!("_{}", k_ + 1)
            }
        };
        let coordinate = |d_: usize| {
            if d == 1 {
                String::new()
            } else {
                format!("_x{}", d_ + 1)
            }
        };
        let mut names = Vec::new();
        if k > 1 {
            names.extend((0..k).map(|c| format!("weight{}", component(c))));
        }
        for part in ["mean", "std"] {
            for c in 0..k {
                names.extend((0..d).map(|i| format!("{part}{}{}", component(c), coordinate(i))));
            }
        }
        for c in 0..k {
            for (i, j) in pairs(d) {
                names.push(format!(
                    "corr{}{}{}",
                    component(c),
                    coordinate(i),
                    coordinate(j)
                ));
            }
        }
        names
    }

    /// Which parameter an entry of θ is about: a weight, a mean, a standard deviation, or the
    /// covariance of a component.
    pub fn theta_name(&self, at: usize) -> String {
        let names = self.parameter_names();
        let (k, d) = (self.components, self.dim());
        let weights = if k > 1 { k } else { 0 };
        let logits = if self.fixed_weights().is_some() {
            0
        } else {
            weights
        };
        let named = |place: usize| names.get(place).cloned().unwrap_or_default();
        let Some(after) = at.checked_sub(logits) else {
            return named(at);
        };
        let Some(after) = after.checked_sub(k * d) else {
            return named(weights + after);
        };
        let (component, entry) = (after / self.scale.len(), after % self.scale.len());
        if entry < self.scale.logs() {
            return named(weights + (k + component) * d + entry);
        }
        match k {
            1 => "the covariance".to_owned(),
            _ => format!("the covariance of component {}", component + 1),
        }
    }
}
