//! One number, not two: what a method found, reconciled with what is certain.

use super::answer::Computed;
use super::{Bracket, Claim};

/// A number reconciled with its bracket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reconciled {
    /// It lies in the bracket, and so does its interval.
    Within(Computed),
    /// Its interval and the bracket have nothing in common, or it is no number: the method is wrong.
    Missed,
}

/// Reconciles what a method found with the bracket that certainly has the divergence in it.
///
/// A number outside is moved to the nearest end if its interval reaches there. What is not a sample has
/// no larger error than to the farther end; a sample keeps its standard error.
pub(super) fn reconcile(found: Computed, bracket: Bracket, claim: Claim) -> Reconciled {
    if !found.value.is_finite() {
        return Reconciled::Missed;
    }
    let (Some([low, high]), Some(error)) = (found.interval, found.error) else {
        return Reconciled::Within(found);
    };
    let Bracket { lower, upper } = bracket;
    // NaN is an error that says nothing.
    let [low, high] = [
        if low.is_nan() { f64::NEG_INFINITY } else { low },
        if high.is_nan() { f64::INFINITY } else { high },
    ];
    if high < lower || upper < low {
        return Reconciled::Missed;
    }
    let value = found.value.max(lower).min(upper);
    let farther = (upper - value).max(value - lower);
    let error = match claim {
        Claim::Sample => error,
        _ if error <= farther => error,
        _ => farther,
    };
    Reconciled::Within(Computed {
        value,
        error: Some(error),
        interval: Some([low.max(lower), high.min(upper)]),
        ..found
    })
}

impl Bracket {
    /// The number in its middle, which is off by half its width at most; none if it has no upper end.
    pub(super) fn middle(self) -> Option<Computed> {
        let half = 0.5 * self.width();
        (half.is_finite()).then(|| Computed::within(self.lower + half, half))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRACKET: Bracket = Bracket {
        lower: 1.0,
        upper: 2.0,
    };

    fn found(value: f64, error: f64, claim: Claim) -> Reconciled {
        reconcile(Computed::within(value, error), BRACKET, claim)
    }

    #[test]
    fn a_number_inside_keeps_what_is_narrower() {
        let Reconciled::Within(sure) = found(1.25, 0.5, Claim::Integral) else {
            panic!()
        };
        assert_eq!((sure.value, sure.error), (1.25, Some(0.5)));
        assert_eq!(sure.interval, Some([1.0, 1.75]));
        let Reconciled::Within(unsure) = found(1.25, 10.0, Claim::Integral) else {
            panic!()
        };
        assert_eq!((unsure.value, unsure.error), (1.25, Some(0.75)));
    }

    #[test]
    fn a_number_near_by_is_moved_and_one_far_off_is_refused() {
        let Reconciled::Within(moved) = found(2.25, 0.5, Claim::Integral) else {
            panic!()
        };
        assert_eq!((moved.value, moved.interval), (2.0, Some([1.75, 2.0])));
        assert_eq!(found(2.25, 0.125, Claim::Integral), Reconciled::Missed);
        assert_eq!(found(0.5, 0.25, Claim::Sample), Reconciled::Missed);
        assert_eq!(
            found(f64::INFINITY, 0.0, Claim::Integral),
            Reconciled::Missed
        );
        assert_eq!(found(f64::NAN, 1.0, Claim::Sample), Reconciled::Missed);
        let Reconciled::Within(lost) = found(5.0, f64::NAN, Claim::Integral) else {
            panic!()
        };
        assert_eq!((lost.value, lost.error), (2.0, Some(1.0)));
    }
}
