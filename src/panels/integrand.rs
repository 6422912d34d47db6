//! What is integrated over panels, from the logarithms of two densities.

use super::terms::{self, AddSide, AddSlope};
use crate::compute::kernel::cpu::with_scratch;
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

/// Below this e^x is less than the least positive number with all its digits.
const UNDERFLOW: f64 = -709.0;
/// Where the logs of both densities are below this they are rounded by a nat or so, and tell nothing of
/// their difference.
const LEAST: f64 = -1e15;
/// How many points are worked on at once: as many as stay in the nearest cache with all that is worked out there.
pub(super) const AT_ONCE: usize = 512;

/// Two densities at some points.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtPoints<'a> {
    /// `[N, D]`.
    pub x: &'a [f64],
    /// log p and log q, `[N]` each.
    pub logs: [&'a [f64]; 2],
    /// By how much more than for their size those are rounded, in units of ε.
    pub more: [f64; 2],
}

/// Works out integrands, at [`AT_ONCE`] points or fewer at a time.
#[derive(Debug)]
pub(super) struct Integrands {
    /// p and q.
    densities: [Vec<f64>; 2],
    /// How far log p and log q are rounded.
    roundings: [Vec<f64>; 2],
    /// A function of log p and log q with its derivatives.
    slopes: [Vec<f64>; 3],
}

impl Integrands {
    /// For so many points at a time.
    pub fn new(points: usize) -> Self {
        let room = || vec![0.0; points.min(AT_ONCE)];
        Self {
            densities: [(); 2].map(|()| room()),
            roundings: [(); 2].map(|()| room()),
            slopes: [(); 3].map(|()| room()),
        }
    }

    /// Goes to some points, for divergences.
    pub fn go_to(&mut self, at: AtPoints) {
        for side in 0..2 {
            let n = at.logs[side].len();
            terms::densities(at.logs[side], &mut self.densities[side][..n]);
            terms::roundings(at.logs[side], at.more[side], &mut self.roundings[side][..n]);
        }
    }

    /// An integrand at the points where this is, and how far rounding of log p and log q may move it, in units of ε.
    pub fn tell(&mut self, integrand: PanelIntegrand, at: AtPoints, to: [&mut [f64]; 2]) {
        match integrand {
            PanelIntegrand::Divergence { divergence, power } => {
                self.divergence(divergence, power, at, to);
            }
            PanelIntegrand::Power { order, shift } => {
                let [values, roundings] = to;
                for i in 0..values.len() {
                    let [log_p, log_q] = at.logs.map(|logs| logs[i]);
                    let log = log_power(order, log_p, log_q);
                    values[i] = log.map_or(0.0, |log| (log - shift).exp());
                    roundings[i] = values[i]
                        * (power_rounding(order, [log_p, log_q], at.more)
                            + terms::rounding(shift, 0.0));
                }
            }
            PanelIntegrand::Expectation(of) => {
                let [values, roundings] = to;
                let dim = at.x.len() / values.len().max(1);
                for (i, x) in at.x.chunks_exact(dim.max(1)).enumerate() {
                    let log = at.logs[0][i];
                    let density = if log < UNDERFLOW { 0.0 } else { log.exp() };
                    [values[i], roundings[i]] = [0.0; 2];
                    // NaN is not left out.
                    if density.is_nan() || density > f64::MIN_POSITIVE {
                        values[i] = density * of(x);
                        roundings[i] = values[i].abs() * terms::rounding(log, at.more[0]);
                    }
                }
            }
        }
    }

    fn divergence(
        &mut self,
        divergence: &dyn Divergence,
        power: Option<Power>,
        at: AtPoints,
        [values, roundings]: [&mut [f64]; 2],
    ) {
        let n = values.len();
        values.fill(0.0);
        roundings.fill(0.0);
        for &side in divergence.sides() {
            let slopes = self.slopes.each_mut().map(|all| &mut all[..n]);
            divergence.slopes(side, at.logs[0], at.logs[1], slopes);
            let density = match side {
                Side::Target => &self.densities[0],
                Side::Family => &self.densities[1],
            };
            AddSide {
                side,
                density,
                roundings: self.roundings.each_ref().map(|all| &all[..]),
                slopes: self.slopes.each_ref().map(|all| &all[..]),
                cancellation: power.map_or(0.0, |power| power.cancellation),
                to: [&mut *values, &mut *roundings],
            }
            .run();
        }
        let Some(power) = power else { return };
        for i in 0..n {
            let logs = at.logs.map(|logs| logs[i]);
            if logs[0].max(logs[1]) <= LEAST {
                continue;
            }
            if let Some(value) = power.apart(logs, 0.0) {
                values[i] = value;
                roundings[i] = value.abs() * power_rounding(power.order, logs, at.more);
            }
        }
    }
}

/// How far rounding of log p and log q moves log p^α q^(1−α), in units of ε.
fn power_rounding(order: f64, [log_p, log_q]: [f64; 2], more: [f64; 2]) -> f64 {
    let other = 1.0 - order;
    terms::rounding(order * log_p, order.abs() * more[0])
        + terms::rounding(other * log_q, other.abs() * more[1])
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
    with_scratch(4 * AT_ONCE, |room: &mut [f64]| {
        let (densities, room) = room.split_at_mut(AT_ONCE);
        let (f, room) = room.split_at_mut(AT_ONCE);
        let (by_p, by_q) = room.split_at_mut(AT_ONCE);
        for start in (0..values.len()).step_by(AT_ONCE) {
            let at = start..(start + AT_ONCE).min(values.len());
            let n = at.len();
            let [log_p, log_q] = logs.map(|logs| &logs[at.clone()]);
            for &side in divergence.sides() {
                let under = match side {
                    Side::Target => log_p,
                    Side::Family => log_q,
                };
                terms::densities(under, &mut densities[..n]);
                let all = [&mut f[..n], &mut by_p[..n], &mut by_q[..n]];
                divergence.slopes(side, log_p, log_q, all);
                AddSlope {
                    side,
                    density: densities,
                    slopes: [f, by_q],
                    to: [&mut values[at.clone()], &mut slopes[at.clone()]],
                }
                .run();
            }
        }
    });
}
