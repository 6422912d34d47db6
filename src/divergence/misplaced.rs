//! How far a divergence is off where log p or log q is, by as much everywhere: the error of a constant that is known
//! from draws.

use super::power::PowerFunction;
use super::{DivergenceKind, Power};

/// How p and q are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Summed {
    /// Each side by itself: what is added to log p adds as much to a mean of it.
    BySide,
    /// Together, with the tangent where p = q taken off, at points of a density that has p and q in it: of what is
    /// added to log p the square is left, and shares.
    Jointly,
}

/// D as a function of what is added to log p (or log q): |dD/dε| ≤ share · D + least, and of a joint integral
/// |dD/dε| ≤ share · D + curvature · |ε| e^|ε|.
#[derive(Debug, Clone, Copy)]
struct Slope {
    share: f64,
    least: f64,
    curvature: f64,
}

impl Slope {
    /// Of ∫ q f(p / q) the slope is ∫ p f′(p / q), and ½KL(p‖m) and ½KL(q‖m) of JS are no more than JS.
    const OF_KL: Self = Self {
        share: 1.0,
        least: 1.0,
        curvature: 1.0,
    };

    /// Of (I − 1) / divisor, I = ∫ p^α q^(1−α): α I / divisor, or (1 − α) I / divisor of q.
    fn of_power(order: f64, divisor: f64) -> Self {
        let share = order.abs().max((1.0 - order).abs());
        Self {
            share,
            least: share / divisor.abs(),
            curvature: (order * (order - 1.0) / divisor).abs(),
        }
    }

    fn moved(self, value: f64, off: f64, summed: Summed) -> f64 {
        match summed {
            Summed::BySide => (self.share * off).exp_m1() * value + self.least * off,
            Summed::Jointly => {
                // The points follow a density that is off by as much itself.
                let share = self.share + 1.0;
                let of_square = 0.5 * self.curvature * off * off * (share * off).exp();
                (share * off).exp_m1() * value + of_square
            }
        }
    }
}

impl DivergenceKind {
    /// By how much at most a divergence that was found to be `value` is off where log p, or log q, is off by as
    /// much as `off` nats everywhere.
    pub(crate) fn misplaced(self, value: f64, off: f64, summed: Summed) -> f64 {
        if off == 0.0 || !value.is_finite() {
            return 0.0;
        }
        let value = value.abs();
        let moved = match (self, self.power()) {
            (_, Some(power)) => of_power(power, value, off, summed),
            // |p − q| moves with p wherever it is larger.
            (Self::TotalVariation, _) => 0.5 * off + off.exp_m1() * value,
            (Self::Jeffreys, _) => {
                let slope = Slope {
                    curvature: 2.0,
                    ..Slope::OF_KL
                };
                slope.moved(value, off, summed)
            }
            _ => Slope::OF_KL.moved(value, off, summed),
        };
        // 0 · ∞ says nothing.
        if moved.is_nan() { f64::INFINITY } else { moved }
    }
}

fn of_power(power: Power, value: f64, off: f64, summed: Summed) -> f64 {
    let Power { order, of, .. } = power;
    match of {
        PowerFunction::Excess { divisor } => {
            let is_far = (value * divisor).ln_1p().abs() >= DivergenceKind::FAR;
            let summed = if is_far { Summed::BySide } else { summed };
            Slope::of_power(order, divisor).moved(value, off, summed)
        }
        PowerFunction::Log { divisor } => {
            let of_log = Slope::of_power(order, 1.0);
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
    use super::super::{Joint, Side};
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
                for q in [[1e-3, 1.0], [0.3, 1.1], [1.5, 1.3], [4.0, 1.5]] {
                    let truth = find(kind, q, [0.0; 2]);
                    for off in [1e-3, 0.05, 0.5] {
                        for by in [[off, 0.0], [-off, 0.0], [0.0, off], [0.0, -off]] {
                            let found = find(kind, q, by);
                            let bound = kind.misplaced(found, off, summed) + 1e-12;
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
