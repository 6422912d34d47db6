//! What is averaged over m: the joint integrands of all divergences, at the points of any stratum.

use super::Request;
use super::densities::LogDensity;
use super::strata::Strata;
use crate::divergence::Joint;
use crate::kernel::cpu::Prepared;

/// Divergences as functions of points under m.
#[derive(Debug)]
pub(super) struct Integrands<'a> {
    joints: Vec<Joint>,
    p: LogDensity<'a>,
    q: LogDensity<'a>,
    bridges: Option<Prepared<f64>>,
    portions: [f64; 3],
    dim: usize,
}

impl<'a> Integrands<'a> {
    pub fn new(request: &Request<'a>, strata: &mut Strata) -> Self {
        Self {
            joints: request.kinds.iter().map(|&kind| Joint::new(kind)).collect(),
            p: LogDensity::new(request.p),
            q: LogDensity::new(request.q),
            bridges: strata.bridges.take(),
            portions: strata.portions,
            dim: request.p.dim(),
        }
    }

    /// How many lists [`Integrands::at`] gives.
    pub fn len(&self) -> usize {
        self.joints.len() + 1
    }

    /// The integrands over m at points x, N × D: a list for each divergence, and last
    /// (p |log p| + q |log q|) / m, of which rounding is a share.
    pub fn at(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let [log_p, log_q] = [&self.p, &self.q].map(|density| density.at(x, self.dim));
        let log_bridges = self.bridges.as_ref().map(|bridges| {
            let mut logs = vec![f64::NAN; log_p.len()];
            // The numbers of points agree, which is all that could be wrong.
            _ = bridges.log_density(x, &mut logs);
            logs
        });
        let (mut of_p, mut of_q) = (vec![0.0; log_p.len()], vec![0.0; log_p.len()]);
        for (i, (of_p, of_q)) in of_p.iter_mut().zip(&mut of_q).enumerate() {
            let log_bridges = log_bridges
                .as_ref()
                .map_or(f64::NEG_INFINITY, |logs| logs[i]);
            [*of_p, *of_q] = shares(self.portions, [log_p[i], log_q[i], log_bridges]);
        }
        let mut all: Vec<Vec<f64>> = (self.joints.iter())
            .map(|joint| joint.values([&log_p, &log_q], [&of_p, &of_q]))
            .collect();
        let size = |share: f64, log: f64| if share == 0.0 { 0.0 } else { share * log.abs() };
        all.push(
            (0..log_p.len())
                .map(|i| size(of_p[i], log_p[i]) + size(of_q[i], log_q[i]))
                .collect(),
        );
        all
    }
}

/// p / m and q / m, from the portions and the logarithms of p, q and the bridges.
fn shares(portions: [f64; 3], [log_p, log_q, log_bridges]: [f64; 3]) -> [f64; 2] {
    let top = log_p.max(log_q);
    if top == f64::NEG_INFINITY && log_bridges > top {
        return [0.0; 2];
    }
    // Relative to the larger one; NaN, of which nothing is known, stays.
    let [p, q] = match log_p > log_q {
        true => [1.0, (log_q - log_p).exp()],
        false => [(log_p - log_q).exp(), 1.0],
    };
    let mut m = portions[0] * p + portions[1] * q;
    if portions[2] > 0.0 {
        m += portions[2] * (log_bridges - top).exp();
    }
    [p / m, q / m]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_ratios_of_densities_of_any_size() {
        for (portions, logs) in [
            ([0.5, 0.5, 0.0], [1.0, -2.0, f64::NEG_INFINITY]),
            ([0.675, 0.225, 0.1], [0.3, 0.7, 2.0]),
        ] {
            let [p, q, bridges] = logs.map(f64::exp);
            let m = portions[0] * p + portions[1] * q + portions[2] * bridges;
            for far in [0.0, -5000.0, 5000.0] {
                let found = shares(portions, logs.map(|log| log + far));
                for (found, expected) in found.into_iter().zip([p / m, q / m]) {
                    assert!((found - expected).abs() < 1e-11, "{found} {expected}");
                }
            }
        }
        let none = f64::NEG_INFINITY;
        assert_eq!(shares([0.45, 0.45, 0.1], [none, none, 0.0]), [0.0, 0.0]);
        assert_eq!(shares([0.5, 0.5, 0.0], [none, 0.0, none]), [0.0, 2.0]);
        assert!(shares([0.5, 0.5, 0.0], [none; 3])[0].is_nan());
        assert!(shares([0.5, 0.5, 0.0], [f64::NAN, 0.0, none])[0].is_nan());
    }
}
