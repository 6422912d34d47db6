//! What is averaged over m at the points of any stratum: the joint integrands of all divergences, and
//! the powers p^α q^(1−α) some are made of.

use super::SamplingRequest;
use super::densities::PreparedDensity;
use super::strata::Strata;
use crate::compute::kernel::cpu::{Prepared, Real};
use crate::divergence::{Joint, Power};

/// Divergences as functions of points under m.
#[derive(Debug)]
pub(super) struct Integrands<'a> {
    joints: Vec<Joint>,
    /// What divergences with an order are, by divergence.
    powers: Vec<Option<Power>>,
    p: PreparedDensity<'a>,
    q: PreparedDensity<'a>,
    bridges: Option<Prepared<f64>>,
    portions: [f64; 3],
    dim: usize,
}

/// Numbers as multiples of e^`log_scale`, which they may be far beyond.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub log_scale: f64,
    pub values: Vec<f64>,
}

impl List {
    fn plain(values: Vec<f64>) -> Self {
        Self {
            log_scale: 0.0,
            values,
        }
    }

    /// From logarithms.
    fn from_logs(mut logs: Vec<f64>) -> Self {
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let log_scale = if top.is_finite() { top } else { 0.0 };
        logs.iter_mut()
            .for_each(|log| *log = (*log - log_scale).exp());
        Self {
            log_scale,
            values: logs,
        }
    }
}

/// The places of what belongs to one divergence among all lists: its integrand, and how far that is
/// rounded, in units of ε.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Places {
    pub joint: [usize; 2],
    /// The same of the power it is made of.
    pub power: Option<[usize; 2]>,
}

impl<'a> Integrands<'a> {
    pub fn new(request: &SamplingRequest<'a>, strata: &mut Strata<'_>) -> Self {
        Self {
            joints: request.kinds.iter().map(|&kind| Joint::new(kind)).collect(),
            powers: request.kinds.iter().map(|kind| kind.power()).collect(),
            p: PreparedDensity::new(request.p),
            q: PreparedDensity::new(request.q),
            bridges: strata.bridges.take(),
            portions: strata.portions,
            dim: request.p.dim(),
        }
    }

    /// How many lists [`Integrands::values`] gives.
    pub fn len(&self) -> usize {
        self.joints.len() + 1 + 2 * self.powers.iter().flatten().count()
    }

    /// Where to find what belongs to a divergence, by its place among those asked for.
    pub fn places(&self, kind: usize) -> Places {
        let common = self.joints.len();
        let before = self.powers[..kind].iter().flatten().count();
        let power = common + 1 + 2 * before;
        Places {
            joint: [kind, common],
            power: self.powers[kind].map(|_| [power, power + 1]),
        }
    }

    /// The integrands over m at points x, N × D: a list for each divergence, then (p |log p| + q |log q|)
    /// / m, of which rounding is a share, and for each divergence with an order p^α q^(1−α) / m and how
    /// far it is rounded: |α log p| + |(1 − α) log q| times as much.
    pub fn values(&self, x: &[f64]) -> Vec<List> {
        let [log_p, log_q] = [&self.p, &self.q].map(|density| density.log_densities(x, self.dim));
        let log_bridges = self.bridges.as_ref().map(|bridges| {
            let mut logs = vec![f64::NAN; log_p.len()];
            // The numbers of points agree, which is all that could be wrong.
            _ = bridges.log_density(x, &mut logs);
            logs
        });
        // log m costs a logarithm, and only powers need it.
        let has_powers = self.powers.iter().any(Option::is_some);
        let [mut of_p, mut of_q] = [(); 2].map(|()| vec![0.0; log_p.len()]);
        let mut log_m = vec![0.0; if has_powers { log_p.len() } else { 0 }];
        let are_done = log_bridges.is_none()
            && !has_powers
            && close_shares(self.portions, [&log_p, &log_q], [&mut of_p, &mut of_q]);
        if !are_done {
            for i in 0..log_p.len() {
                let log_bridges = (log_bridges.as_ref()).map_or(f64::NEG_INFINITY, |logs| logs[i]);
                let (of, log) = shares(self.portions, [log_p[i], log_q[i], log_bridges]);
                [of_p[i], of_q[i]] = of;
                if has_powers {
                    log_m[i] = log();
                }
            }
        }
        let joint = |(joint, power): (&Joint, &Option<Power>)| {
            let mut values = joint.values([&log_p, &log_q], [&of_p, &of_q]);
            if let Some(power) = power {
                for (i, value) in values.iter_mut().enumerate() {
                    *value = (power.apart([log_p[i], log_q[i]], log_m[i])).unwrap_or(*value);
                }
            }
            List::plain(values)
        };
        let mut all: Vec<List> = self.joints.iter().zip(&self.powers).map(joint).collect();
        let size = |share: f64, log: f64| if share == 0.0 { 0.0 } else { share * log.abs() };
        let sizes = (0..log_p.len()).map(|i| size(of_p[i], log_p[i]) + size(of_q[i], log_q[i]));
        all.push(List::plain(sizes.collect()));
        for Power { order, .. } in self.powers.iter().flatten() {
            let logs = (0..log_p.len()).map(|i| {
                let (of_p, of_q) = (order * log_p[i], (1.0 - order) * log_q[i]);
                (of_p + of_q - log_m[i], of_p.abs() + of_q.abs())
            });
            let (powers, sizes): (Vec<f64>, Vec<f64>) = logs.unzip();
            let roundings = powers.iter().zip(sizes).map(|(log, size)| log + size.ln());
            let roundings = List::from_logs(roundings.collect());
            all.extend([List::from_logs(powers), roundings]);
        }
        all
    }
}

/// Fills in p / m and q / m without bridges, as vector code; false if somewhere the smaller of p and q
/// is so small compared with the other that this flushes it to 0, or if one is not a number.
fn close_shares(portions: [f64; 3], logs: [&[f64]; 2], of: [&mut [f64]; 2]) -> bool {
    /// Below where the exponential flushes to 0.
    const FAR: f64 = 600.0;
    let [of_p, of_q] = of;
    let mut are_close = true;
    for (((log_p, log_q), of_p), of_q) in logs[0].iter().zip(logs[1]).zip(of_p).zip(of_q) {
        let apart = log_p - log_q;
        let smaller = Real::exp::<false>(-apart.abs());
        let (p, q) = if apart >= 0.0 {
            (1.0, smaller)
        } else {
            (smaller, 1.0)
        };
        let m = portions[0] * p + portions[1] * q;
        [*of_p, *of_q] = [p / m, q / m];
        are_close &= apart.abs() < FAR;
    }
    are_close
}

/// p / m and q / m, and log m where it is asked for, from the portions and the logarithms of p, q and the
/// bridges.
fn shares(
    portions: [f64; 3],
    [log_p, log_q, log_bridges]: [f64; 3],
) -> ([f64; 2], impl Fn() -> f64) {
    let top = match log_p.max(log_q) {
        f64::NEG_INFINITY => log_bridges,
        top => top,
    };
    // Relative to the largest; NaN, of which nothing is known, stays.
    let relative = |log: f64| match log == top && log > f64::NEG_INFINITY {
        true => 1.0,
        false => (log - top).exp(),
    };
    let [p, q] = [log_p, log_q].map(relative);
    let mut m = portions[0] * p + portions[1] * q;
    if portions[2] > 0.0 {
        m += portions[2] * relative(log_bridges);
    }
    let log_m = move || match m.is_infinite() {
        true => log_bridges + portions[2].ln(),
        false => top + m.ln(),
    };
    ([p / m, q / m], log_m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_close_densities_are_those_of_any() {
        let portions = [0.75, 0.25, 0.0];
        let log_p: Vec<f64> = (0..40).map(|i| 1e3 - 30.0 * f64::from(i)).collect();
        let log_q = vec![400.5; 40];
        let [mut of_p, mut of_q] = [vec![0.0; 40], vec![0.0; 40]];
        assert!(close_shares(
            portions,
            [&log_p, &log_q],
            [&mut of_p, &mut of_q]
        ));
        for i in 0..40 {
            let ([p, q], _) = shares(portions, [log_p[i], log_q[i], f64::NEG_INFINITY]);
            for (found, expected) in [(of_p[i], p), (of_q[i], q)] {
                assert!((found / expected - 1.0).abs() < 1e-15, "{found} {expected}");
            }
        }
        for far in [-200.0, f64::NEG_INFINITY, f64::NAN] {
            let mut of = [[0.0], [0.0]];
            let [of_p, of_q] = &mut of;
            assert!(!close_shares(portions, [&[far], &[400.5]], [of_p, of_q]));
        }
    }

    #[test]
    fn shares_are_ratios_of_densities_of_any_size() {
        for (portions, logs) in [
            ([0.5, 0.5, 0.0], [1.0, -2.0, f64::NEG_INFINITY]),
            ([0.675, 0.225, 0.1], [0.3, 0.7, 2.0]),
        ] {
            let [p, q, bridges] = logs.map(f64::exp);
            let m = portions[0] * p + portions[1] * q + portions[2] * bridges;
            for far in [0.0, -5000.0, 5000.0] {
                let (found, log_m) = shares(portions, logs.map(|log| log + far));
                let log_m = log_m();
                for (found, expected) in found.into_iter().zip([p / m, q / m]) {
                    assert!((found - expected).abs() < 1e-11, "{found} {expected}");
                }
                assert!((log_m - far - m.ln()).abs() < 1e-11, "{log_m}");
            }
        }
        let none = f64::NEG_INFINITY;
        assert_eq!(shares([0.45, 0.45, 0.1], [none, none, 0.0]).0, [0.0, 0.0]);
        assert_eq!(shares([0.5, 0.5, 0.0], [none, 0.0, none]).0, [0.0, 2.0]);
        assert!(shares([0.5, 0.5, 0.0], [none; 3]).0[0].is_nan());
        assert!(shares([0.5, 0.5, 0.0], [f64::NAN, 0.0, none]).0[0].is_nan());
        // Where a bridge is beyond all numbers above both, its own logarithm is left.
        let (far, log_m) = shares([0.4, 0.4, 0.2], [-2000.0, -3000.0, -1.0]);
        assert_eq!((far, log_m()), ([0.0, 0.0], 0.2f64.ln() - 1.0));
    }
}
