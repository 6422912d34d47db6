//! Divergences that are functions of ∫ p^α q^(1−α), and their integrand where one density is nothing
//! beside the other.

/// c (p^α q^(1−α) − α p − (1 − α) q), whose integral is c (∫ p^α q^(1−α) − 1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// α.
    pub order: f64,
    /// c.
    pub scale: f64,
    /// The divergence as a function of I = ∫ p^α q^(1−α).
    pub of: PowerFunction,
    /// How far the rounding of the integrand goes beyond what that of log p and log q does, as a multiple
    /// of ε: terms of size 1 cancel where p and q agree.
    pub cancellation: f64,
}

/// A function of I = ∫ p^α q^(1−α).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PowerFunction {
    /// (I − 1) / divisor.
    Excess {
        /// What it is divided by.
        divisor: f64,
    },
    /// log I / divisor.
    Log {
        /// What it is divided by.
        divisor: f64,
    },
}

impl Power {
    /// Nats by which log p and log q differ from which on nothing cancels.
    const APART: f64 = 40.0;

    /// The divergence from log I.
    pub fn at_log(self, log: f64) -> f64 {
        match self.of {
            PowerFunction::Excess { divisor } => log.exp_m1() / divisor,
            PowerFunction::Log { divisor } => log / divisor,
        }
    }

    /// Its value over a density m, from the logarithms of all three; none where p and q are so near to each
    /// other that it is a difference of like numbers. Of p, q and their ratio any may be beyond the numbers.
    pub(crate) fn apart(self, [log_p, log_q]: [f64; 2], log_m: f64) -> Option<f64> {
        let Self { order, scale, .. } = self;
        if (log_p - log_q).abs() < Self::APART || !(log_p.is_finite() && log_q.is_finite()) {
            return None;
        }
        let power = (order * log_p + (1.0 - order) * log_q - log_m).exp();
        let linear = order * (log_p - log_m).exp() + (1.0 - order) * (log_q - log_m).exp();
        Some(scale * (power - linear))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DivergenceKind, Joint};

    #[test]
    fn it_is_the_integrand_of_every_divergence_with_an_order() {
        for kind in DivergenceKind::all() {
            let Some(power) = kind.power() else { continue };
            for [log_p, log_q] in [[0.0, -50.0], [-45.0, 3.0], [1.0, 90.0]] {
                let log_m = f64::max(log_p, log_q);
                let shares = [log_p, log_q].map(|log: f64| [(log - log_m).exp()]);
                let by_joint =
                    Joint::new(kind).values([&[log_p], &[log_q]], [&shares[0], &shares[1]])[0];
                let found = power.apart([log_p, log_q], log_m).unwrap();
                let name = kind.name();
                assert!(
                    (found / by_joint - 1.0).abs() < 1e-12,
                    "{name}: {found} {by_joint}"
                );
            }
        }
    }
}
