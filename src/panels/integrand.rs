//! What is integrated over panels, from the logarithms of two densities.

use crate::divergence::{Divergence, Power, Side};

/// The log-density at N points, `[N, D]`, written to N numbers.
pub(crate) type LogDensityFn<'a> = &'a (dyn Fn(&[f64], &mut [f64]) + Sync);

/// A function of a point of D coordinates.
pub(crate) type Expected<'a> = &'a (dyn Fn(&[f64]) -> f64 + Sync);

/// What is integrated over x.
#[derive(Clone, Copy)]
pub(crate) enum PanelIntegrand<'a> {
    /// p·f_p + q·f_q of a divergence, the sum of its sides before its outer function.
    Divergence {
        /// f_p and f_q.
        divergence: &'a dyn Divergence,
        /// What it is where one density is negligible compared with the other.
        power: Option<Power>,
    },
    /// p^α q^(1−α) e^(−shift): of densities far apart its integral may be any number there is, and many
    /// that there are not.
    Power {
        /// α.
        order: f64,
        /// About the largest logarithm of the power.
        shift: f64,
    },
    /// p times a function of x.
    Expectation(Expected<'a>),
}

impl PanelIntegrand<'_> {
    /// An integral below this is as good as one of this size.
    pub(super) fn least(self) -> f64 {
        match self {
            Self::Divergence { .. } | Self::Expectation(_) => 1.0,
            Self::Power { .. } => 0.0,
        }
    }
}

/// The rounding of a log-density is this many units ε of its size or of 1.
const ROUNDINGS: f64 = 2.0;
/// Below this e^x is less than the least positive number with all its digits.
const UNDERFLOW: f64 = -709.0;
/// Where the logs of both densities are below this they are rounded by a nat or so, and tell nothing of
/// their difference.
const LEAST: f64 = -1e15;
/// A divergence at N points from log p and log q there: calls `each` with the place of a point, a side, its density there, f and the derivatives
/// of f by log p and log q.
///
/// Where there is nothing of a density its logarithm may be anything, and the point is left out.
fn sides(
    divergence: &dyn Divergence,
    logs: [&[f64]; 2],
    mut each: impl FnMut(usize, Side, f64, [f64; 3]),
) {
    let n = logs[0].len();
    let mut scratch = vec![0.0; 3 * n];
    let (f, rest) = scratch.split_at_mut(n);
    let (by_p, by_q) = rest.split_at_mut(n);
    for &side in divergence.sides() {
        divergence.slopes(side, logs[0], logs[1], [f, by_p, by_q]);
        let under = match side {
            Side::Target => logs[0],
            Side::Family => logs[1],
        };
        for i in 0..n {
            // There are many of these, and exp takes longer where it underflows.
            if under[i] < UNDERFLOW {
                continue;
            }
            let density = under[i].exp();
            // NaN is not left out.
            if density.is_nan() || density > f64::MIN_POSITIVE {
                each(i, side, density, [f[i], by_p[i], by_q[i]]);
            }
        }
    }
}

/// The integrand at N points, and how far rounding of log p and log q may move it, in units of ε; `more`: by how much
/// more than for their size those are rounded.
pub(super) fn integrand(
    integrand: PanelIntegrand,
    x: &[f64],
    logs: [&[f64]; 2],
    more: [f64; 2],
    [values, roundings]: [&mut [f64]; 2],
) {
    values.fill(0.0);
    roundings.fill(0.0);
    // The logarithm of nothing is not rounded.
    let size = |log: f64, more: f64| match log {
        f64::NEG_INFINITY => 0.0,
        log => ROUNDINGS * (1.0 + log.abs()) + more,
    };
    let moved = |size: f64, slope: f64| match size {
        0.0 => 0.0,
        size => size * slope.abs(),
    };
    let (divergence, power) = match integrand {
        PanelIntegrand::Divergence { divergence, power } => (divergence, power),
        PanelIntegrand::Power { order, shift } => {
            for i in 0..values.len() {
                let [of_p, of_q] = [order * logs[0][i], (1.0 - order) * logs[1][i]];
                values[i] =
                    log_power(order, logs[0][i], logs[1][i]).map_or(0.0, |log| (log - shift).exp());
                roundings[i] = values[i]
                    * (size(of_p, order.abs() * more[0])
                        + size(of_q, (1.0 - order).abs() * more[1])
                        + size(shift, 0.0));
            }
            return;
        }
        PanelIntegrand::Expectation(of) => {
            let dim = x.len() / values.len().max(1);
            for (i, x) in x.chunks_exact(dim.max(1)).enumerate() {
                if logs[0][i] < UNDERFLOW {
                    continue;
                }
                let density = logs[0][i].exp();
                // NaN is not left out.
                if density.is_nan() || density > f64::MIN_POSITIVE {
                    values[i] = density * of(x);
                    roundings[i] = values[i].abs() * size(logs[0][i], more[0]);
                }
            }
            return;
        }
    };
    let cancellation = power.map_or(0.0, |power| power.cancellation);
    sides(divergence, logs, |i, side, density, [f, by_p, by_q]| {
        let [of_p, of_q] = [0, 1].map(|side| size(logs[side][i], more[side]));
        let own = match side {
            Side::Target => of_p,
            Side::Family => of_q,
        };
        values[i] += density * f;
        let all = moved(own, f) + moved(of_p, by_p) + moved(of_q, by_q);
        roundings[i] += density * (cancellation + all);
    });
    let Some(power) = power else { return };
    for i in 0..values.len() {
        let at = [logs[0][i], logs[1][i]];
        if at[0].max(at[1]) <= LEAST {
            continue;
        }
        if let Some(value) = power.apart(at, 0.0) {
            values[i] = value;
            let orders = [power.order, 1.0 - power.order];
            let [of_p, of_q] =
                [0, 1].map(|side| size(orders[side] * at[side], orders[side].abs() * more[side]));
            roundings[i] = value.abs() * (of_p + of_q);
        }
    }
}

/// log p^α q^(1−α); none where a density that stands below the line is 0, as far as numbers go.
pub(super) fn log_power(order: f64, log_p: f64, log_q: f64) -> Option<f64> {
    // 0 · ∞ and ∞ − ∞ are of places where there is nothing.
    let log = order * log_p + (1.0 - order) * log_q;
    (log < f64::INFINITY && log_p.max(log_q) > LEAST).then_some(log)
}

/// The integrand over x of a divergence at N points, and its derivative by log q.
pub(crate) fn integrand_and_slope(
    divergence: &dyn Divergence,
    logs: [&[f64]; 2],
    [values, slopes]: [&mut [f64]; 2],
) {
    values.fill(0.0);
    slopes.fill(0.0);
    sides(divergence, logs, |i, side, density, [f, _, by_q]| {
        // q itself has the derivative of its logarithm.
        let own = match side {
            Side::Target => 0.0,
            Side::Family => f,
        };
        values[i] += density * f;
        slopes[i] += density * (by_q + own);
    });
}
