//! Which pieces the line is cut into.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::mixture::{Component, Piece, UNIT, View};
use super::{crude, ellipse, gauss_legendre};

/// No piece is cut to make the bracket narrower than this.
const FLOOR: f64 = 1e-20;

/// A piece and how its part of the integral is bounded.
pub(super) struct Bounded {
    piece: Piece,
    /// Width of the bounds, without the rounding of quadrature.
    gap: f64,
    method: Method,
}

enum Method {
    /// Quadrature, off by at most half the gap.
    Quadrature,
    /// Without looking inside: these are the bounds.
    Crude([f64; 2]),
}

impl Bounded {
    /// Quadrature narrower than `enough` is not compared to other bounds.
    fn new(piece: Piece, p: &[Component], q: &[Component], enough: f64) -> Self {
        let [of_p, of_q] = [p, q].map(|mixture| View::new(mixture, piece));
        let gap = 2.0 * piece.half * ellipse::quadrature_error(&of_p, &of_q);
        let quadrature = Self {
            piece,
            gap,
            method: Method::Quadrature,
        };
        if gap <= enough {
            return quadrature;
        }
        let bracket = crude::bracket(piece, p, q, [&of_p, &of_q]);
        let width = bracket[1] - bracket[0].max(0.0);
        if gap <= width {
            return quadrature;
        }
        Self {
            piece,
            gap: width.min(f64::MAX),
            method: Method::Crude(bracket),
        }
    }

    /// Bounds on ∫ (p log(p/q) − p + q) over the piece.
    pub fn bracket(&self, p: &[Component], q: &[Component]) -> [f64; 2] {
        match self.method {
            Method::Crude(bracket) => bracket,
            Method::Quadrature => {
                let views = [p, q].map(|mixture| {
                    let mut view = View::new(mixture, self.piece);
                    view.trim();
                    view
                });
                let [value, rounding] = gauss_legendre::integrate(&views[0], &views[1])
                    .map(|part| self.piece.half * part);
                let error = rounding + 0.5 * self.gap;
                [value - error, value + error]
            }
        }
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

/// Halves [−1, 1], the widest gap first, until the gaps add up to `tolerance` or there are `most`
/// pieces.
pub(super) fn pieces(
    p: &[Component],
    q: &[Component],
    tolerance: f64,
    most: usize,
) -> Vec<Bounded> {
    let mut tolerance = tolerance.max(FLOOR);
    let enough = tolerance / 1024.0;
    let bounded = |piece| Bounded::new(piece, p, q, enough);
    let whole = Piece {
        center: 0.0,
        half: 1.0,
    };
    let mut open = BinaryHeap::from([bounded(whole)]);
    let mut done = Vec::new();
    let mut total = Total::of(&open);
    let mut next_look = 64;
    while total.now > tolerance && open.len() + done.len() < most {
        let Some(worst) = open.pop() else { break };
        total.now -= worst.gap;
        let Some(halves) = worst.piece.halves() else {
            done.push(worst);
            continue;
        };
        for half in halves.map(bounded) {
            total.now += half.gap;
            open.push(half);
        }
        if total.is_stale() {
            total = Total::of(&open);
        }
        if open.len() >= next_look {
            // The rounding of the result is more than this, however many pieces there are.
            let least = |one: &Bounded| one.bracket(p, q)[0].max(0.0);
            tolerance = tolerance.max(UNIT * open.iter().map(least).sum::<f64>());
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
    fn of(open: &BinaryHeap<Bounded>) -> Self {
        let sum = (open.iter().map(|one| one.gap).sum::<f64>()).min(f64::MAX);
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

    use super::*;

    fn mixture() -> impl Strategy<Value = Vec<Component>> {
        proptest::collection::vec((0.01..1.0_f64, -1.0..1.0_f64, -3.0..1.0_f64), 1..6).prop_map(
            |rows| {
                let total: f64 = rows.iter().map(|row| row.0).sum();
                let count = rows.len();
                (rows.into_iter())
                    .map(|(weight, mean, log_std)| {
                        Component::new(weight / total, [mean, 0.0], log_std.exp(), count)
                    })
                    .collect()
            },
        )
    }

    /// The rule on 256 parts of the piece.
    fn finely(piece: Piece, p: &[Component], q: &[Component]) -> f64 {
        let half = piece.half / 256.0;
        let parts = (0..256).map(|i| {
            let center = piece.center - piece.half + f64::from(2 * i + 1) * half;
            let part = Piece { center, half };
            half * gauss_legendre::integrate(&View::new(p, part), &View::new(q, part))[0]
        });
        parts.sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// On pieces where the bound is loose, so that an error in it would show.
        #[test]
        fn both_bounds_hold_on_any_piece(
            p in mixture(),
            q in mixture(),
            center in -64..64_i32,
            shrink in 0..7_i32,
        ) {
            let piece = Piece { center: f64::from(center) / 32.0, half: 0.5_f64.powi(shrink) };
            let [of_p, of_q] = [&p, &q].map(|mixture| View::new(mixture, piece));
            let truth = finely(piece, &p, &q);
            let error = 1e-13 * (1.0 + truth);
            let [low, high] = crude::bracket(piece, &p, &q, [&of_p, &of_q]);
            prop_assert!(low <= truth + error && truth <= high + error, "{low} {truth} {high}");
            let bound = piece.half * ellipse::quadrature_error(&of_p, &of_q);
            let [value, _] = gauss_legendre::integrate(&of_p, &of_q).map(|x| x * piece.half);
            prop_assert!((value - truth).abs() <= bound + error, "{value} {truth} {bound}");
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
