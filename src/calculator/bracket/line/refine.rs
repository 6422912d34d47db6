//! Which pieces the line is cut into.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::component::{Piece, Term};
use super::integrand::Analytic;
use super::rounding::UNIT;
use super::view::View;
use super::{crude, gauss_legendre};

/// No piece is cut to make the bracket narrower than this.
pub(super) const FLOOR: f64 = 1e-20;

/// A gap of more is one of this: sums of them are numbers.
const WIDEST_GAP: f64 = 1e290;

/// What is integrated.
pub(super) struct IntegrationProblem<'a, I> {
    pub integrand: &'a I,
    pub p: &'a [Term],
    pub q: &'a [Term],
}

impl<I: Analytic> IntegrationProblem<'_, I> {
    fn views(&self, piece: Piece) -> [View; 2] {
        [self.p, self.q].map(|mixture| View::new(mixture, piece))
    }

    /// Without the components that change no digit.
    fn trimmed_views(&self, piece: Piece) -> [View; 2] {
        self.views(piece).map(|mut view| {
            view.trim();
            view
        })
    }
}

/// When pieces are narrow enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    /// The width of the bracket, or …
    pub absolute: f64,
    /// … its width as a share of the integral; the first that is reached.
    pub relative: f64,
    /// There are no more pieces than about this.
    pub most_pieces: usize,
}

impl Goal {
    /// This many times as wide.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            absolute: factor * self.absolute,
            ..self
        }
    }
}

/// A piece and how its part of the integral is bounded.
pub(super) struct Bounded {
    piece: Piece,
    /// Width of the bounds, without the rounding of quadrature.
    gap: f64,
    method: Bounding,
}

enum Bounding {
    /// Quadrature, off by at most half the gap.
    Quadrature,
    /// These are the bounds.
    Known([f64; 2]),
}

impl Bounded {
    /// Quadrature narrower than `enough` is not compared to other bounds.
    fn new<I: Analytic>(piece: Piece, problem: &IntegrationProblem<I>, enough: f64) -> Self {
        let [p, q] = problem.views(piece);
        let errors = gauss_legendre::errors(problem.integrand, &p, &q);
        let quadrature = if I::SIGNED {
            Self::absolute(piece, problem, &errors)
        } else {
            Self {
                piece,
                gap: 2.0 * piece.half * errors.rule,
                method: Bounding::Quadrature,
            }
        };
        if quadrature.gap <= enough {
            return quadrature;
        }
        let on = crude::bounds(piece, [problem.p, problem.q], [&p, &q]);
        let bracket = problem.integrand.crude(&on);
        let width = bracket[1] - bracket[0].max(0.0);
        if quadrature.gap <= width.min(WIDEST_GAP) {
            return quadrature;
        }
        Self {
            piece,
            gap: if width < WIDEST_GAP {
                width
            } else {
                WIDEST_GAP
            },
            method: Bounding::Known(bracket),
        }
    }

    fn absolute<I: Analytic>(
        piece: Piece,
        problem: &IntegrationProblem<I>,
        errors: &gauss_legendre::Errors,
    ) -> Self {
        if !errors.polynomial.is_finite() {
            return Self {
                piece,
                gap: f64::INFINITY,
                method: Bounding::Known([0.0, f64::INFINITY]),
            };
        }
        let [p, q] = problem.trimmed_views(piece);
        let found = gauss_legendre::integrate_absolute(problem.integrand, &p, &q, errors);
        let gap = piece.half * found.gap;
        let value = piece.half * found.value;
        let error = 0.5 * gap + piece.half * found.rounding;
        Self {
            piece,
            gap,
            method: Bounding::Known([value - error, value + error]),
        }
    }

    /// Bounds on the integral over the piece.
    pub fn bracket<I: Analytic>(&self, problem: &IntegrationProblem<I>) -> [f64; 2] {
        let [low, high] = match self.method {
            Bounding::Known(bracket) => bracket,
            Bounding::Quadrature => {
                let [p, q] = problem.trimmed_views(self.piece);
                let [value, rounding] = gauss_legendre::integrate(problem.integrand, &p, &q)
                    .map(|part| self.piece.half * part);
                let error = rounding + 0.5 * self.gap;
                [value - error, value + error]
            }
        };
        // What overflowed bounds nothing.
        [
            if low > 0.0 { low } else { 0.0 },
            if high.is_nan() { f64::INFINITY } else { high },
        ]
    }
}

impl Ord for Bounded {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gap.total_cmp(&other.gap)
    }
}

impl PartialOrd for Bounded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Bounded {}

/// Halves [−1, 1], the widest gap first, until the gaps add up to what is asked for or there are too
/// many pieces.
pub(super) fn pieces<I: Analytic>(problem: &IntegrationProblem<I>, goal: Goal) -> Vec<Bounded> {
    let mut tolerance = goal.absolute.max(FLOOR);
    // The rounding of the result is more than this, however many pieces there are.
    let relative = goal.relative.max(UNIT);
    let bounded = |piece, tolerance: f64| Bounded::new(piece, problem, tolerance / 1024.0);
    let whole = Piece {
        center: 0.0,
        half: 1.0,
    };
    let mut open = BinaryHeap::from([bounded(whole, tolerance)]);
    let mut done = Vec::new();
    let mut total = Total::new(&open);
    let mut next_look = 64;
    while total.now > tolerance && open.len() + done.len() < goal.most_pieces {
        let Some(worst) = open.pop() else { break };
        total.now -= worst.gap;
        let Some(halves) = worst.piece.halves() else {
            done.push(worst);
            continue;
        };
        for half in halves {
            let half = bounded(half, tolerance);
            total.now += half.gap;
            open.push(half);
        }
        if total.is_stale() {
            total = Total::new(&open);
        }
        if open.len() >= next_look {
            let least = |one: &Bounded| one.bracket(problem)[0];
            tolerance = tolerance.max(relative * open.iter().map(least).sum::<f64>());
            next_look *= 2;
        }
    }
    done.extend(open);
    done
}

/// A sum of gaps kept up to date by differences.
struct Total {
    now: f64,
    counted: f64,
}

impl Total {
    fn new(open: &BinaryHeap<Bounded>) -> Self {
        let sum = open.iter().map(|one| one.gap).sum::<f64>();
        Self {
            now: sum,
            counted: sum,
        }
    }

    /// Whether what it was when it was counted has left too few digits of what it is now.
    fn is_stale(&self) -> bool {
        self.now <= 1e-3 * self.counted
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::jensen_shannon::JsIntegrand;
    use super::super::order::Amari;
    use super::super::total_variation::TvIntegrand;
    use super::*;

    fn mixture() -> impl Strategy<Value = Vec<Term>> {
        let dof = prop::option::weighted(0.3, -1.0..4.0_f64);
        let rows = prop::collection::vec((0.01..1.0_f64, -1.0..1.0_f64, -3.0..1.0_f64), 1..6);
        (rows, dof).prop_map(|(rows, log_dof)| {
            let total: f64 = rows.iter().map(|row| row.0).sum();
            let count = rows.len();
            (rows.into_iter())
                .map(|(weight, mean, log_std)| {
                    let dof = log_dof.map(f64::exp);
                    Term::new(weight / total, [mean, 0.0], log_std.exp(), dof, count)
                })
                .collect()
        })
    }

    /// The rule on 256 parts of the piece; where the sign changes within a part, its absolute value
    /// is off by less than the error allowed for.
    fn finely<I: Analytic>(piece: Piece, problem: &IntegrationProblem<I>) -> [f64; 2] {
        let half = piece.half / 256.0;
        (0..256).fold([0.0; 2], |[sum, error], i| {
            let center = piece.center - piece.half + f64::from(2 * i + 1) * half;
            let [p, q] = problem.views(Piece { center, half });
            let [value, rounding] = gauss_legendre::integrate(problem.integrand, &p, &q);
            [sum + half * value.abs(), error + half * rounding]
        })
    }

    fn both_bounds_hold<I: Analytic>(integrand: &I, p: &[Term], q: &[Term], piece: Piece) {
        let problem = IntegrationProblem { integrand, p, q };
        let [of_p, of_q] = problem.views(piece);
        let [truth, rounding] = finely(piece, &problem);
        // Powers of densities that are far apart may be no numbers.
        if !truth.is_finite() {
            return;
        }
        let share = if I::SIGNED { 1e-3 } else { 1e-13 };
        let error = share * (1.0 + truth) + rounding;
        let [low, high] = integrand.crude(&crude::bounds(piece, [p, q], [&of_p, &of_q]));
        assert!(
            low <= truth + error && truth <= high + error,
            "{low} {truth} {high}"
        );
        let errors = gauss_legendre::errors(integrand, &of_p, &of_q);
        let [value, gap] = if I::SIGNED && errors.polynomial.is_finite() {
            let found = gauss_legendre::integrate_absolute(integrand, &of_p, &of_q, &errors);
            [found.value, 0.5 * found.gap]
        } else if I::SIGNED {
            return;
        } else {
            let [value, _] = gauss_legendre::integrate(integrand, &of_p, &of_q);
            [value, errors.rule]
        };
        let [value, gap] = [value, gap].map(|part| part * piece.half);
        assert!(
            (value - truth).abs() <= gap + error,
            "{value} {truth} {gap}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        /// On pieces where the bound is loose, so that an error in it would show.
        #[test]
        fn both_bounds_hold_on_any_piece(
            p in mixture(),
            q in mixture(),
            center in -64..64_i32,
            shrink in 0..7_i32,
        ) {
            let piece = Piece { center: f64::from(center) / 32.0, half: 0.5_f64.powi(shrink) };
            for alpha in [0.5, 0.8, 1.0, 1.5, 3.0] {
                both_bounds_hold(&Amari::new(alpha).unwrap(), &p, &q, piece);
            }
            both_bounds_hold(&JsIntegrand, &p, &q, piece);
            both_bounds_hold(&TvIntegrand, &p, &q, piece);
        }
    }

    #[test]
    fn halves_end_where_numbers_do() {
        let mut piece = Piece {
            center: 0.5,
            half: 0.5,
        };
        while let Some([_, right]) = piece.halves() {
            piece = right;
        }
        assert!(piece.ends()[0] < piece.ends()[1]);
    }
}
