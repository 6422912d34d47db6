//! The table of the rules.

use super::EstimatorSettings;
use crate::choice::choices;

choices! {
    /// The rules for points a config may name.
    #[derive(Copy)]
    pub enum EstimatorRule: EstimatorSettings + Default {
        /// The trapezoidal rule on every component; 1-D and 2-D.
        Quadrature(super::quadrature::QuadratureConfig) = "quadrature",
        /// Gauss–Hermite on every component; up to 4-D.
        GaussHermite(super::gauss_hermite::GaussHermiteConfig) = "gauss-hermite",
        /// Independent random points; any dimension.
        MonteCarlo(super::monte_carlo::MonteCarloConfig) = "monte-carlo",
        /// Scrambled Sobol points; up to 256-D.
        QuasiMonteCarlo(super::quasi_monte_carlo::QuasiMonteCarloConfig) = "quasi-monte-carlo",
        /// Every row of a target that is a sample.
        Rows(super::rows::RowsConfig) = "rows",
    }
}

impl EstimatorRule {
    /// Whether its points are random.
    pub fn is_random(&self) -> bool {
        self.choice().build(1).is_random()
    }

    /// Whether points that see both densities may take the place of its own.
    pub(crate) fn is_open(&self) -> bool {
        self.choice().is_open()
    }

    /// Points on one side of a mixture of `strata` components in D dimensions; `rows` of a target
    /// that is a sample.
    pub fn points(&self, strata: usize, dim: usize, rows: usize) -> usize {
        self.choice().points(strata, dim, rows)
    }
}
