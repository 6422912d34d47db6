//! Estimates that cannot be: no divergence is below 0, and some have a largest value.

use super::{DivergenceKind, Estimate};
use crate::text;

/// By chance a sample is this many of its standard errors off in less than one of 10⁶ cases, even where
/// the standard error is estimated from a dozen numbers …
const CHANCE: f64 = 10.0;
/// … and a mean of log p − log q under p is never this many nats below 0, whatever its standard error:
/// since E_p[q / p] ≤ 1, that of M draws (from each component) is below −t with a probability of e^(−M t)
/// at most (Markov's inequality for the product of their ratios). A rule without noise that is so far
/// off says as little.
const FARTHEST: f64 = 12.0;
/// What rounding may add to the error, relative or in nats: below every digit that is printed.
const ROUNDING: f64 = 1e-9;

impl DivergenceKind {
    /// Why an estimate is not one of this divergence, in words: it lies outside the
    /// [range](DivergenceKind::range) by more than its error (ten standard errors of a sample), by 12
    /// nats or by the width of the range, whichever is least, and rounding. None if nothing speaks
    /// against it; an unknown one (NaN) claims nothing.
    pub fn refutes(self, estimate: Estimate) -> Option<String> {
        let Estimate { value, error, .. } = estimate;
        let (least, most) = self.range().into_inner();
        // An error that is no number excuses nothing.
        let error = if error.is_finite() { error } else { 0.0 };
        let error = match estimate.method.is_random() {
            true => CHANCE * error,
            false => error,
        };
        let off = error.min(FARTHEST).min(most - least);
        let slack = off + ROUNDING * value.abs().max(1.0);
        let bound = if value < least - slack {
            format!("never below {least}")
        } else if value > most + slack {
            format!("never above {}", text::fixed(most, 6))
        } else {
            return None;
        };
        let text = text::with_error(value, estimate.error);
        Some(format!(
            "{} comes out as {text}, which is {bound}",
            self.symbol()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::divergence::{EstimateMethod, Order};

    fn estimate(value: f64, error: f64, method: EstimateMethod) -> Estimate {
        Estimate {
            value,
            error,
            method,
        }
    }

    #[test]
    fn what_lies_outside_by_more_than_its_error_is_refuted_and_nothing_else() {
        use DivergenceKind::{
            Alpha, Chi2, CrossEntropy, ForwardKl, Jeffreys, Js, Renyi, ReverseKl, SquaredHellinger,
            TotalVariation,
        };
        use EstimateMethod::{MonteCarlo, Quadrature};
        let most = |kind: DivergenceKind| *kind.range().end();
        assert_eq!(most(Js), std::f64::consts::LN_2);
        assert_eq!((most(SquaredHellinger), most(TotalVariation)), (1.0, 1.0));
        // Of p and q that nowhere overlap: (1 − 0) / (α (1 − α)).
        assert_eq!(most(Alpha(Order(0.5))), 4.0);
        for kind in [ForwardKl, ReverseKl, Jeffreys, Chi2] {
            assert_eq!(most(kind), f64::INFINITY);
        }
        for kind in DivergenceKind::all() {
            let says = |value, error, method| kind.refutes(estimate(value, error, method));
            if kind == CrossEntropy {
                assert_eq!(says(-1e200, 0.0, EstimateMethod::Data), None);
                continue;
            }
            for error in [1e-3, 1e154, f64::INFINITY, f64::NAN] {
                let words = says(-2e153, error, Quadrature).unwrap();
                assert!(words.contains(&kind.symbol()) && words.contains("-2.00e153"));
                assert!(words.ends_with("never below 0"), "{words}");
            }
            assert_eq!(says(-1e-3, 2e-3, Quadrature), None);
            assert!(says(-1e-3, 1e-4, Quadrature).is_some());
            assert_eq!(says(-1e-3, 2e-4, MonteCarlo), None);
            // 5 standard errors below 0, and so far that no sample can be.
            assert!(says(-1482915.0, 289951.0, MonteCarlo).is_some());
            assert!(says(-1e-3, 1e-5, MonteCarlo).is_some());
            assert_eq!(says(f64::NAN, 0.0, Quadrature), None);
            assert_eq!(says(-1e-15, 0.0, EstimateMethod::ClosedForm), None);
            let above = most(kind) + 1e-3;
            if above.is_finite() {
                assert!(says(above, 1e-4, Quadrature).is_some());
                assert_eq!(says(above, 2e-3, Quadrature), None);
            } else {
                assert_eq!(says(above, 1e-4, Quadrature), None);
            }
        }
        assert_eq!(most(Renyi(Order(0.5))), f64::INFINITY);
        let words = Js.refutes(estimate(0.71, 1e-9, Quadrature)).unwrap();
        assert_eq!(
            words,
            "JS(p, q) comes out as 0.71000000 ± 1e-9, which is never above 0.693147"
        );
    }
}
