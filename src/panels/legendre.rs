//! Gauss–Legendre rules, with the tail of the Legendre series that shows how well they resolve.

#![allow(
    clippy::needless_range_loop,
    reason = "loops over several arrays at once, to become vector code"
)]

use std::num::NonZeroUsize;
use std::sync::OnceLock;

/// The rule of n points on [−1, 1], n a multiple of 4.
///
/// It is symmetric: what it multiplies values with is kept for the first half of the nodes, for the sum or the
/// difference of the values at a node and at its mirror image.
#[derive(Debug)]
pub(super) struct LegendreRule {
    /// Ascending.
    pub nodes: Vec<f64>,
    pub weights: Vec<f64>,
    /// (2k + 1)/2 wᵢ Pₖ(xᵢ) for n/4 ≤ k < n, row after row: the upper coefficients of a function's
    /// Legendre series from its values at the nodes. Even Pₖ take sums, odd ones differences.
    upper: Vec<f64>,
    /// Σₖ (2k + 1)/2 wᵢ Pₖ(xᵢ) over even k and over odd k: the parts of the series at 1.
    ends: [Vec<f64>; 2],
}

/// What the values of several functions at the nodes tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<const L: usize> {
    /// ∫ f over [−1, 1].
    pub integrals: [f64; L],
    /// How far these are off.
    pub errors: [f64; L],
}

/// No rule has more points.
pub(super) const MOST_NODES: usize = 16;

/// How many points the rules have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LegendreOrder {
    /// 8: for two dimensions, many times over.
    Eight,
    /// 16.
    Sixteen,
}

impl LegendreOrder {
    pub(super) fn rule(self) -> &'static LegendreRule {
        static RULES: [OnceLock<LegendreRule>; 2] = [const { OnceLock::new() }; 2];
        let (place, points) = match self {
            Self::Eight => (0, 8),
            Self::Sixteen => (1, 16),
        };
        RULES[place].get_or_init(|| LegendreRule::new(points))
    }
}

impl LegendreRule {
    fn new(points: usize) -> Self {
        let rule = gauss_quad::GaussLegendre::new(NonZeroUsize::MIN.saturating_add(points - 1));
        let mut pairs: Vec<(f64, f64)> = rule.iter().map(|(x, w)| (*x, *w)).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let half = points / 2;
        let mut upper = vec![0.0; (points - points / 4) * half];
        let mut ends = [(); 2].map(|()| vec![0.0; half]);
        for (i, &(x, weight)) in pairs[..half].iter().enumerate() {
            let (mut before, mut now) = (1.0, x);
            ends[0][i] = 0.5 * weight;
            for k in 1..points {
                let term = (2 * k + 1) as f64 / 2.0 * weight * now;
                ends[k % 2][i] += term;
                if k >= points / 4 {
                    upper[(k - points / 4) * half + i] = term;
                }
                let next = ((2 * k + 1) as f64 * x * now - k as f64 * before) / (k + 1) as f64;
                (before, now) = (now, next);
            }
        }
        Self {
            nodes: pairs.iter().map(|pair| pair.0).collect(),
            weights: pairs.iter().map(|pair| pair.1).collect(),
            upper,
            ends,
        }
    }

    /// From the last node to the end of the panel.
    pub fn gap(&self) -> f64 {
        1.0 - self.nodes.last().copied().unwrap_or(0.0)
    }

    /// Its points on a panel.
    pub fn on(&self, ends: [f64; 2]) -> impl Iterator<Item = f64> {
        self.nodes.iter().map(move |node| place(*node, ends))
    }

    /// The weights of its points on a panel.
    pub fn weights_on(&self, [from, to]: [f64; 2]) -> impl Iterator<Item = f64> {
        let half = 0.5 * (to - from);
        self.weights.iter().map(move |weight| half * weight)
    }

    /// How many points it has.
    pub fn points(&self) -> usize {
        self.nodes.len()
    }

    /// ∫ f over [−1, 1] from its values at the nodes, and an estimate of how far that is off.
    ///
    /// The rule is exact for the first 2n terms of the Legendre series. Of those it sees, a₀ … aₙ₋₁,
    /// each quarter is smaller than the one before by a factor r, or less, and the terms from a₂ₙ on
    /// are five quarters after the last: about r⁵ times it where the series falls geometrically, as
    /// that of an analytic function does. 64 r⁴ leaves room, and of a function with a corner, whose
    /// coefficients hardly fall, all of the last quarter is kept.
    pub fn integrate(&self, values: &[f64]) -> [f64; 2] {
        let Told {
            integrals: [integral],
            errors: [error],
        } = self.integrate_each::<1, false>(values.as_chunks().0);
        [integral, error]
    }

    /// As [`LegendreRule::integrate`], of several functions: one row of values for each node. `FMA`: where that is one
    /// instruction.
    #[inline(always)]
    pub fn integrate_each<const L: usize, const FMA: bool>(&self, values: &[[f64; L]]) -> Told<L> {
        match self.nodes.len() {
            8 => self.told::<4, L, FMA>(&Folded::new(values)),
            _ => self.told::<8, L, FMA>(&Folded::new(values)),
        }
    }

    /// A function at −1 and at 1, from its values at the nodes, as its series continues.
    pub fn at_ends(&self, values: &[f64]) -> [f64; 2] {
        self.each_at_ends::<1, false>(values.as_chunks().0)
            .map(|[end]| end)
    }

    /// As [`LegendreRule::at_ends`], of several functions.
    #[inline(always)]
    pub fn each_at_ends<const L: usize, const FMA: bool>(
        &self,
        values: &[[f64; L]],
    ) -> [[f64; L]; 2] {
        let parts = match self.nodes.len() {
            8 => Folded::<4, L>::new(values).dots::<FMA>([&self.ends[0], &self.ends[1]]),
            _ => Folded::<8, L>::new(values).dots::<FMA>([&self.ends[0], &self.ends[1]]),
        };
        let [mut low, mut high] = [[0.0; L]; 2];
        for l in 0..L {
            (low[l], high[l]) = (parts[0][l] - parts[1][l], parts[0][l] + parts[1][l]);
        }
        [low, high]
    }

    /// ∫ f over [−1, 1] of several functions.
    #[inline(always)]
    pub fn sum_each<const L: usize, const FMA: bool>(&self, values: &[[f64; L]]) -> [f64; L] {
        match self.nodes.len() {
            8 => dot::<4, L, FMA>(&self.weights, &Folded::new(values).sums),
            _ => dot::<8, L, FMA>(&self.weights, &Folded::new(values).sums),
        }
    }

    /// `H`: half the number of points.
    #[inline(always)]
    fn told<const H: usize, const L: usize, const FMA: bool>(
        &self,
        values: &Folded<H, L>,
    ) -> Told<L> {
        let mut quarters = [[0.0f64; L]; 3];
        for (k, rows) in self.upper.chunks_exact(2 * H).enumerate() {
            // Of two rows the first is even, since n/4 is.
            let quarter = &mut quarters[2 * k / (H / 2)];
            for terms in values.dots::<FMA>([&rows[..H], &rows[H..]]) {
                for l in 0..L {
                    // NaN stays: f64::max would drop it.
                    let size = terms[l].abs();
                    if size > quarter[l] || size.is_nan() {
                        quarter[l] = size;
                    }
                }
            }
        }
        let mut errors = [0.0; L];
        for l in 0..L {
            let [second, third, last] = quarters.map(|quarter| quarter[l]);
            let fall = |from: f64, to: f64| if to < from { to / from } else { 1.0 };
            let falls = fall(third, last).max(fall(second, third));
            let square = falls * falls;
            errors[l] = 2.0 * last * (ROOM * (square * square)).min(1.0);
        }
        Told {
            integrals: dot::<H, L, FMA>(&self.weights, &values.sums),
            errors,
        }
    }
}

/// Values at the first `H` nodes with those at their mirror images.
struct Folded<const H: usize, const L: usize> {
    sums: [[f64; L]; H],
    differences: [[f64; L]; H],
}

impl<const H: usize, const L: usize> Folded<H, L> {
    #[inline(always)]
    fn new(values: &[[f64; L]]) -> Self {
        let values = &values[..2 * H];
        let [mut sums, mut differences] = [[[0.0; L]; H]; 2];
        for i in 0..H {
            let (one, other) = (&values[i], &values[2 * H - 1 - i]);
            for l in 0..L {
                sums[i][l] = one[l] + other[l];
                differences[i][l] = one[l] - other[l];
            }
        }
        Self { sums, differences }
    }

    /// With rows of an even and of an odd function.
    #[inline(always)]
    fn dots<const FMA: bool>(&self, [even, odd]: [&[f64]; 2]) -> [[f64; L]; 2] {
        [
            dot::<H, L, FMA>(even, &self.sums),
            dot::<H, L, FMA>(odd, &self.differences),
        ]
    }
}

/// Where a node of [−1, 1] lies on a panel.
#[inline(always)]
pub(super) fn place(node: f64, [from, to]: [f64; 2]) -> f64 {
    let half = 0.5 * (to - from);
    // From the nearer end, so that a short panel far out has its points.
    match node < 0.0 {
        true => from + half * (1.0 + node),
        false => to - half * (1.0 - node),
    }
}

/// By how much more the series may continue with than it seems to.
const ROOM: f64 = 64.0;

/// Σᵢ aᵢ bᵢ over `H` rows, with several b at once.
#[inline(always)]
fn dot<const H: usize, const L: usize, const FMA: bool>(a: &[f64], b: &[[f64; L]; H]) -> [f64; L] {
    let a = &a[..H];
    let mut sums = [0.0; L];
    for i in 0..H {
        for l in 0..L {
            sums[l] = match FMA {
                true => a[i].mul_add(b[i][l], sums[l]),
                false => a[i] * b[i][l] + sums[l],
            };
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integrate(order: LegendreOrder, f: impl Fn(f64) -> f64) -> [f64; 2] {
        let rule = order.rule();
        let values: Vec<f64> = rule.nodes.iter().map(|&x| f(x)).collect();
        rule.integrate(&values)
    }

    #[test]
    fn is_exact_up_to_the_degree_and_not_beyond() {
        for (order, degree) in [(LegendreOrder::Eight, 14), (LegendreOrder::Sixteen, 30)] {
            let off =
                |degree: i32| integrate(order, |x| x.powi(degree))[0] - 2.0 / f64::from(degree + 1);
            assert!(off(degree).abs() < 1e-15, "{}", off(degree));
            assert!(off(degree + 2).abs() > 1e-13, "{}", off(degree + 2));
        }
    }

    #[test]
    fn the_error_of_a_smooth_function_is_an_upper_bound_that_is_not_far_off() {
        // 1 / (1 + (x/d)²) has poles at ± i d.
        for d in [0.5f64, 0.8, 1.2] {
            let exact = 2.0 * d * (1.0 / d).atan();
            for order in [LegendreOrder::Eight, LegendreOrder::Sixteen] {
                let [value, error] = integrate(order, |x| 1.0 / (1.0 + (x / d).powi(2)));
                let off = (value - exact).abs();
                assert!(off <= error + 1e-15, "{d} {order:?}: {off} {error}");
                assert!(error <= 1e5 * off + 1e-14, "{d} {order:?}: {off} {error}");
            }
        }
    }

    #[test]
    fn a_corner_is_not_taken_for_a_smooth_function() {
        let mut misses = 0;
        // Between the first and the last node; a corner beyond is seen by nothing.
        for i in 0..1000 {
            let at = -0.98 + 0.00196 * f64::from(i);
            let exact = 0.5 * ((1.0 - at).powi(2) + (1.0 + at).powi(2));
            let [value, error] = integrate(LegendreOrder::Sixteen, |x| (x - at).abs());
            let off = (value - exact).abs();
            assert!(off <= 3.0 * error, "{at}: {off} {error}");
            misses += usize::from(off > error);
        }
        assert!(misses <= 10, "{misses}");
    }
}
