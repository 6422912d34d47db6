//! How far a divergence is off where log p or log q is, by as much everywhere: the error of a constant that is known
//! from draws.

use super::power::PowerFunction;
use super::{DivergenceKind, Power, Side};

/// How p and q are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summed {
    /// Each side by itself: what is added to log p adds as much to a mean of it.
    BySide,
    /// Together, with the tangent where p = q taken off, at points of a density that has p and q in it: of what is
    /// added to log p the square is left, and shares.
    Jointly,
}

/// D as a function of what is added to the logarithm of one density: |dD/dε| ≤ share · D + least of an integral, and of
/// a joint one share · D + curvature · |ε| e^|ε|, and `most` e^|ε| where it is bounded.
#[derive(Debug, Clone, Copy)]
struct Slope {
    share: f64,
    least: f64,
    curvature: f64,
    most: f64,
}

impl Slope {
    /// Of KL where its first density moves. Of ∫ q f(p / q) the slope is ∫ p f′(p / q), and ½KL(p‖m) and ½KL(q‖m) of JS
    /// are no more than JS.
    const OF_FIRST: Self = Self {
        share: 1.0,
        least: 1.0,
        curvature: 1.0,
        // Where one density is all of m what it is off by is the same above and below, and log p / q moves by it.
        most: 2.5,
    };

    /// Of KL where its second density moves: only log q does.
    const OF_SECOND: Self = Self {
        share: 0.0,
        ..Self::OF_FIRST
    };

    /// Of KL(p‖q) + KL(q‖p).
    const OF_BOTH: Self = Self {
        curvature: 2.0,
        most: 5.0,
        ..Self::OF_FIRST
    };

    /// Of (I − 1) / divisor, I = ∫ p^α q^(1−α): α I / divisor, or (1 − α) I / divisor of q.
    fn of_power(order: f64, divisor: f64, side: Side) -> Self {
        let share = match side {
            Side::Target => order.abs(),
            Side::Family => (1.0 - order).abs(),
        };
        Self {
            share,
            least: share / divisor.abs(),
            curvature: (order * (order - 1.0) / divisor).abs(),
            most: f64::INFINITY,
        }
    }

    fn moved(self, value: f64, off: f64, summed: Summed) -> f64 {
        // ∫ e^(share ε) dε, for any share.
        let grown = |share: f64| match share {
            0.0 => off,
            share => (share * off).exp_m1() / share,
        };
        match summed {
            Summed::BySide => grown(self.share) * (self.share * value + self.least),
            Summed::Jointly => {
                // The points follow a density that is off by as much itself.
                let share = self.share + 1.0;
                let of_square = 0.5 * self.curvature * off * off * (share * off).exp();
                let near = grown(share) * share * value + of_square;
                near.min(self.most * off.exp_m1())
            }
        }
    }
}

impl DivergenceKind {
    /// By how much at most a divergence that was found to be `value` is off where log p and log q are off by as much as
    /// `off` nats everywhere, each by its own.
    pub(crate) fn misplaced(self, value: f64, off: [f64; 2], summed: Summed) -> f64 {
        if !value.is_finite() {
            return 0.0;
        }
        let sides = [Side::Target, Side::Family].into_iter().zip(off);
        sides
            .filter(|(_, off)| *off != 0.0)
            .map(|(side, off)| self.misplaced_by(side, value.abs(), off, summed))
            .sum()
    }

    fn misplaced_by(self, side: Side, value: f64, off: f64, summed: Summed) -> f64 {
        let of_kl = |first: Side| match side == first {
            true => Slope::OF_FIRST,
            false => Slope::OF_SECOND,
        };
        let slope = match self {
            // |p − q| moves with p wherever it is larger.
            Self::TotalVariation => return known(0.5 * off + off.exp_m1() * value),
            Self::ReverseKl => of_kl(Side::Family),
            Self::ForwardKl | Self::CrossEntropy | Self::BinnedKl => of_kl(Side::Target),
            Self::Jeffreys => Slope::OF_BOTH,
            _ => match self.power() {
                Some(power) => return of_power(power, side, value, off, summed),
                None => Slope::OF_FIRST,
            },
        };
        known(slope.moved(value, off, summed))
    }
}

/// 0 · ∞ says nothing.
fn known(moved: f64) -> f64 {
    if moved.is_nan() { f64::INFINITY } else { moved }
}

fn of_power(power: Power, side: Side, value: f64, off: f64, summed: Summed) -> f64 {
    let Power { order, of, .. } = power;
    match of {
        PowerFunction::Excess { divisor } => {
            let is_far = (value * divisor).ln_1p().abs() >= DivergenceKind::FAR;
            let slope = Slope::of_power(order, divisor, side);
            known(match is_far {
                true => Slope {
                    // The points follow a density that is off by as much itself.
                    share: slope.share + 1.0,
                    least: (slope.share + 1.0) / divisor.abs(),
                    ..slope
                }
                .moved(value, off, Summed::BySide),
                false => slope.moved(value, off, summed),
            })
        }
        PowerFunction::Log { divisor } => {
            let of_log = Slope::of_power(order, 1.0, side);
            // As much is added to log I, and as much as the points are off.
            let at_most = (of_log.share + 1.0) * off / divisor.abs();
            if summed == Summed::BySide || (value * divisor).abs() >= DivergenceKind::FAR {
                return at_most;
            }
            let excess = (value * divisor).exp_m1();
            let moved = of_log.moved(excess.abs(), off, summed);
            let by_slope = -(-moved / (1.0 + excess)).ln_1p() / divisor.abs();
            by_slope.min(at_most)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Joint;
    use super::*;

    /// log of N(mean, std²) at x.
    fn log_normal(x: f64, mean: f64, std: f64) -> f64 {
        let z = (x - mean) / std;
        -0.5 * z * z - std.ln() - 0.5 * std::f64::consts::TAU.ln()
    }

    /// What is between points of a line, of which the trapezoidal rule is exact.
    const WIDTH: f64 = 0.03;

    /// log p and log q along the line.
    fn logs(q: [f64; 2]) -> [Vec<f64>; 2] {
        let line = (-800..=800).map(|i| WIDTH * f64::from(i));
        let both = line.map(|x| (log_normal(x, 0.0, 1.0), log_normal(x, q[0], q[1])));
        both.unzip().into()
    }

    fn with(logs: &[Vec<f64>; 2], off: [f64; 2]) -> [Vec<f64>; 2] {
        [0, 1].map(|side| logs[side].iter().map(|log| log + off[side]).collect())
    }

    /// ½p + ½q.
    fn between(logs: &[Vec<f64>; 2]) -> Vec<f64> {
        let both = logs[0].iter().zip(&logs[1]);
        both.map(|(p, q)| 0.5 * (p.exp() + q.exp())).collect()
    }

    /// What is found jointly where log p is off, by points of what is true.
    fn jointly(kind: DivergenceKind, q: [f64; 2], off: [f64; 2]) -> f64 {
        let truth = logs(q);
        let found = with(&truth, off);
        let (true_m, m) = (between(&truth), between(&found));
        let [of_p, of_q] = [0, 1].map(|side| -> Vec<f64> {
            let shares = found[side].iter().zip(&m);
            shares
                .map(|(log, m)| if *m > 0.0 { log.exp() / m } else { 0.0 })
                .collect()
        });
        let values = Joint::new(kind).values([&found[0], &found[1]], [&of_p, &of_q]);
        let terms = values.iter().zip(&true_m).filter(|(_, m)| **m > 0.0);
        outer(kind, terms.map(|(value, m)| value * m * WIDTH).sum())
    }

    /// The same from points of either side.
    fn by_side(kind: DivergenceKind, q: [f64; 2], off: [f64; 2]) -> f64 {
        let truth = logs(q);
        let found = with(&truth, off);
        let divergence = kind.build();
        let mut sum = 0.0;
        for &side in divergence.sides() {
            let mut values = vec![0.0; found[0].len()];
            divergence.values(side, &found[0], &found[1], &mut values);
            let under = match side {
                Side::Target => &truth[0],
                Side::Family => &truth[1],
            };
            let terms = values.iter().zip(under).filter(|(_, log)| log.exp() > 0.0);
            sum += terms
                .map(|(value, log)| value * log.exp() * WIDTH)
                .sum::<f64>();
        }
        outer(kind, sum)
    }

    fn outer(kind: DivergenceKind, sum: f64) -> f64 {
        let numerics = crate::compute::device::Numerics::cpu();
        let outer = kind.build().outer(numerics.tensor(vec![sum], [1]));
        crate::compute::device::Numerics::read(outer).unwrap()[0]
    }

    #[test]
    fn a_divergence_is_off_by_no_more_and_not_by_far_less() {
        type Rule = fn(DivergenceKind, [f64; 2], [f64; 2]) -> f64;
        let rules: [(Summed, Rule); 2] = [(Summed::Jointly, jointly), (Summed::BySide, by_side)];
        let mut misses = Vec::new();
        for kind in DivergenceKind::all() {
            if kind.needs_no_density() {
                continue;
            }
            for (summed, find) in rules {
                let mut nearest: f64 = 0.0;
                for q in [
                    [1e-3, 1.0],
                    [0.3, 1.1],
                    [1.5, 1.3],
                    [4.0, 1.5],
                    [9.0, 1.1],
                    [0.0, 0.3],
                    [1.0, 3.0],
                ] {
                    let truth = find(kind, q, [0.0; 2]);
                    if !truth.is_finite() || truth > 1e6 {
                        continue;
                    }
                    for off in [1e-3, 0.05, 0.5] {
                        for by in [[off, 0.0], [-off, 0.0], [0.0, off], [0.0, -off]] {
                            let found = find(kind, q, by);
                            let size = by.map(f64::abs);
                            let bound = kind.misplaced(found, size, summed) + 1e-12 * (1.0 + found);
                            let ratio = (found - truth).abs() / bound;
                            nearest = nearest.max(ratio);
                            if ratio.is_nan() || ratio > 1.0 {
                                let name = kind.name();
                                misses.push(format!(
                                    "{name} {summed:?} {q:?} {by:?}: {found} for {truth}, ± {bound}"
                                ));
                            }
                        }
                    }
                }
                // By side some integrands have their tangent off already, of which this makes no use.
                let is_tight = match summed {
                    Summed::Jointly => true,
                    Summed::BySide => {
                        matches!(kind, DivergenceKind::ForwardKl | DivergenceKind::ReverseKl)
                    }
                };
                assert!(
                    nearest > 0.2 || !is_tight,
                    "{} {summed:?}: {nearest}",
                    kind.name()
                );
            }
        }
        assert!(misses.is_empty(), "{}", misses.join("\n"));
    }
}
