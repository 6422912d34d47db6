//! What broke down, and which parameter it happened to, in words.

use nalgebra::DMatrix;

use super::Fit;
use crate::compute::device::Numerics;
use crate::coordinates::Coordinates;
use crate::density::family::Family;
use crate::density::target::Lost;
use crate::error::{Refusal, Result};
use crate::judge::evaluate::Evaluation;
use crate::mixture::{Mixture, Parameter, Quantity, is_diagonal};

/// A component is no wider than this many steps between the numbers at its mean: it is a point. And a
/// covariance no farther from a singular one than this many roundings of its entries is singular.
const RESOLVED: f64 = 4.0;

impl Fit<'_> {
    /// Why the numbers of a run are no longer finite at a step: which parameter, or what of p.
    pub(super) fn failure(&self, run: usize, step: usize) -> Result<String> {
        let parameters = self.family.parameters();
        let row = |numbers: &[f64]| numbers[run * parameters..(run + 1) * parameters].to_vec();
        // θ of a run that broke down has stayed where it did.
        let theta = row(&self.theta);
        if let Some(at) = theta.iter().position(|x| !x.is_finite()) {
            let name = self.family.theta_name(at);
            return Ok(format!("{name} is {}, not finite", theta[at]));
        }
        let all = self.tensor(&self.theta);
        let again = || self.objective.value_and_gradient(&all, step);
        let p = self.objective.target().model().as_unnormalized();
        let ((loss, gradient), lost) = match p {
            Some(p) => p.watched(again),
            None => (again(), Vec::new()),
        };
        let loss = Numerics::read(loss)?[run];
        let member = self.objective.member(all).read()?;
        let q = member[run].as_ref().ok();
        let place = || Some(place(p?.function().coordinates(), loss, &lost, q?));
        if loss.is_finite() {
            let gradient = row(&Numerics::read(gradient)?);
            let at = gradient.iter().position(|x| !x.is_finite());
            let place = place()
                .flatten()
                .map_or_else(String::new, |place| format!(": {place}"));
            return Ok(match at {
                Some(at) => format!(
                    "the gradient of {} is {}, not finite{place}",
                    self.family.theta_name(at),
                    gradient[at]
                ),
                None => "the gradient is too long for a number".to_owned(),
            });
        }
        let reason = place().flatten().or_else(|| {
            let q = q?;
            self.empty_place(q).or_else(|| self.degenerate(q))
        });
        let reason = reason.unwrap_or_else(|| extreme(&self.family, &theta));
        Ok(format!("the loss is {loss}, not finite: {reason}"))
    }

    /// Why a run is no longer well where it is: at θ (P), which is `q` with an evaluation.
    pub(super) fn find_failure(
        &self,
        q: &std::result::Result<Mixture, Refusal>,
        evaluation: &Evaluation,
        theta: &[f64],
    ) -> Option<String> {
        match q {
            Err(error) => Some(format!("q is no longer a density: {error}")),
            Ok(q) => self.degenerate(q).or_else(|| {
                let what = refuted(evaluation)?;
                let place = extreme(&self.family, theta);
                Some(format!("{what}: {place}; lower the learning rate"))
            }),
        }
    }

    /// Which component of q is where p has no density that a number could hold.
    fn empty_place(&self, q: &Mixture) -> Option<String> {
        let p = self.objective.target().model();
        let is_empty = |mean: &[f64]| p.log_density(mean) == Some(f64::NEG_INFINITY);
        let k = q
            .means()
            .iter()
            .position(|mean| is_empty(mean.as_slice()))?;
        Some(format!(
            "p has no density at the mean of component {}",
            k + 1
        ))
    }

    /// Which component is no longer one: it has become a point, is flat in some direction, is wider than
    /// numbers go, or has no weight left.
    pub(super) fn degenerate(&self, q: &Mixture) -> Option<String> {
        let numerics = self.objective.numerics();
        let (components, dim) = (q.components(), q.dim());
        let named = |quantity, k, d| Parameter::new(quantity, (k, components), (d, dim));
        for (k, &weight) in q.weights().iter().enumerate() {
            if weight == 0.0 && self.adaptation.is_some() {
                // It is not there.
                continue;
            }
            if components > 1 && weight < numerics.least() && self.family.fixed_weights().is_none()
            {
                return Some(format!(
                    "{} is {weight:e}: the component has died; begin with fewer components or \
                     from other starts",
                    named(|_| Quantity::Weight, k, 0)
                ));
            }
            let (mean, stds) = (&q.means()[k], q.component_stds(k));
            for (d, &std) in stds.iter().enumerate() {
                let step = RESOLVED * numerics.epsilon() * mean[d].abs();
                if std <= step || std * std < numerics.least() {
                    return Some(format!(
                        "{} is {std:.1e} at {} = {}: the component has collapsed onto a point; set \
                         family.min_std",
                        named(Quantity::Std, k, d),
                        named(Quantity::Mean, k, d),
                        mean[d]
                    ));
                }
                if !(std * std).is_finite() {
                    return Some(format!(
                        "{} is {std:.1e}: its square is beyond the range of numbers; lower the \
                         learning rate",
                        named(Quantity::Std, k, d)
                    ));
                }
            }
            if let Some(condition) = singular(&q.scale_trils()[k]) {
                return Some(format!(
                    "the covariance of component {} is singular to rounding, of a condition number \
                     about {condition:.0e}: lower the learning rate or set family.min_std",
                    k + 1
                ));
            }
        }
        None
    }
}

/// Where p was no number, of the points that a loss is made of: of all runs, and so the one where q has most.
///
/// Where p has no density at a point its logarithm is −∞, and the loss is infinite by that and not NaN.
fn place(coordinates: &Coordinates, loss: f64, lost: &[Lost], q: &Mixture) -> Option<String> {
    let counts = |lost: &&Lost| lost.value != f64::NEG_INFINITY || loss == f64::INFINITY;
    let likely = |lost: &Lost| q.log_density(&lost.u);
    let lost = (lost.iter().filter(counts)).max_by(|a, b| likely(a).total_cmp(&likely(b)))?;
    let at = coordinates.place(&lost.u);
    Some(match lost.value.is_finite() {
        true => format!("the gradient of log p is not finite at {at}"),
        false => format!("log p is {} at {at}", lost.value),
    })
}

/// The condition number of the correlations of a covariance L Lᵀ where rounding its entries may make
/// it no covariance: points that are placed by such an L are off by more than it tells apart.
///
/// With L̃ = L in units of the standard deviations, ‖L̃⁻¹‖² is the trace of the inverse correlations,
/// between 1/λ and D/λ of their least eigenvalue λ, and rounding moves λ by about D ε.
fn singular(factor: &DMatrix<f64>) -> Option<f64> {
    let dim = factor.nrows();
    let stds: Vec<f64> = factor.row_iter().map(|row| row.norm()).collect();
    if is_diagonal(factor) {
        return None;
    }
    let mut trace = 0.0;
    let mut known = vec![0.0; dim];
    for j in 0..dim {
        // Column j of the inverse from the diagonal down, by columns of L, which lie side by side in memory.
        known[j..].fill(0.0);
        let mut squares = 0.0;
        for m in j..dim {
            let column = &factor.as_slice()[m * dim..][..dim];
            let start = if m == j { 1.0 } else { -known[m] };
            let entry = start * (stds[m] / column[m]);
            squares += entry * entry;
            let below = known[m + 1..].iter_mut().zip(&column[m + 1..]);
            for ((known, factor), std) in below.zip(&stds[m + 1..]) {
                *known += factor / std * entry;
            }
        }
        trace += squares;
    }
    let rounding = RESOLVED * dim as f64 * f64::EPSILON;
    // NaN, where the sum has overflowed, is not well conditioned.
    let is_well = trace * rounding < 1.0;
    (!is_well).then_some(trace * dim as f64)
}

/// Which number of an evaluation cannot be that of two densities, in words.
pub(crate) fn refuted(evaluation: &Evaluation) -> Option<String> {
    let mut estimates = evaluation.iter();
    estimates.find_map(|(kind, estimate)| kind.refutes(estimate))
}

/// The entry of θ that is farthest out.
fn extreme(family: &Family, theta: &[f64]) -> String {
    // A component that is not there is nowhere.
    let mut entries = theta.to_vec();
    (family.absent_places(theta)).for_each(|place| entries[place].fill(0.0));
    let farthest = (entries.iter().enumerate()).max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    farthest.map_or_else(String::new, |(at, value)| {
        let name = family.theta_name(at);
        format!("farthest out is {name}, at {value:.3e} in θ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mixture::NaturalParameters;

    #[test]
    fn a_covariance_is_singular_where_its_entries_no_longer_tell() {
        // Of two coordinates with the correlation ρ = √(1 − s²) the inverse correlations have the trace
        // 2 / s².
        let flat = |s: f64| DMatrix::from_row_slice(2, 2, &[3.0, 0.0, 5.0, 5.0 * s]);
        assert_eq!(singular(&flat(1e-7)), None);
        let condition = singular(&flat(1e-8)).unwrap();
        assert!((condition / 4e16 - 1.0).abs() < 1e-9, "{condition}");
        // Nor does a mixture with it read back, and one that is just within does: in D dimensions with
        // the worst kind of factor, whose entries are all alike.
        for dim in [2, 5, 20] {
            let factor = |s: f64| {
                DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => {
                        if i == 0 {
                            1.0
                        } else {
                            s
                        }
                    }
                    std::cmp::Ordering::Greater => {
                        if j == 0 {
                            1.0
                        } else {
                            s
                        }
                    }
                })
            };
            for power in 0..40 {
                let factor = factor(0.5f64.powi(power));
                let is_singular = singular(&factor).is_some();
                let means = vec![vec![0.0; dim]];
                let q = Mixture::new(vec![1.0], means, vec![factor]).unwrap();
                let reads_back = Mixture::try_from(&NaturalParameters::from(&q)).is_ok();
                assert!(is_singular || reads_back, "{dim} {power}");
                assert!(
                    is_singular == (power > 20) || (18..=26).contains(&power),
                    "{dim} {power}"
                );
            }
        }
    }

    #[test]
    fn a_factor_that_overflows_is_singular() {
        let factor = DMatrix::from_row_slice(2, 2, &[1e-300, 0.0, 1e300, 1e-300]);
        assert!(singular(&factor).is_some());
    }
}
