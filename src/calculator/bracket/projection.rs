//! Lower bounds of a divergence from p and q seen along a line.
//!
//! No map of both densities can raise a divergence (the data-processing inequality: Cover and Thomas 2006,
//! §2.8 and §2.9), and along a direction u a mixture is one on a line, where the bracket is narrow.

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

use super::line::{self, Mixture1D};
use crate::divergence::DivergenceKind;
use crate::mixture::Mixture;

/// The width of the brackets along lines, in nats.
const TOLERANCE: f64 = 1e-6;
/// The most pieces a line is cut into.
const MOST_PIECES: usize = 2000;
/// Projected means and standard deviations are within this many units, for each dimension.
const ROUNDING: f64 = 1e-13;
/// The most directions tried.
const MOST_DIRECTIONS: usize = 24;

/// The divergence is at least this.
pub(super) fn lower(kind: DivergenceKind, p: &Mixture, q: &Mixture) -> f64 {
    let origin = &p.means()[0];
    (directions(p, q).iter().take(MOST_DIRECTIONS))
        .map(|u| [p, q].map(|mixture| Mixture1D::along(mixture, u, origin)))
        .filter_map(|[p, q]| line::divergence(kind, &p, &q, TOLERANCE, MOST_PIECES))
        .map(|seen| seen.lower)
        .filter(|lower| lower.is_finite())
        .fold(0.0, f64::max)
        // The projections are rounded.
        * (1.0 - ROUNDING * p.dim() as f64)
}

/// Directions along which p and q may differ: Fisher's, those along which one is widest or narrowest
/// beside the other, Fisher's between every two components, and the axes.
fn directions(p: &Mixture, q: &Mixture) -> Vec<DVector<f64>> {
    let dim = p.dim();
    let (of_p, of_q) = (p.covariance(), q.covariance());
    let mut found = Vec::new();
    let Some(pooled) = Cholesky::new((&of_p + &of_q) * 0.5) else {
        return found;
    };
    let fisher = |from: &DVector<f64>, to: &DVector<f64>| pooled.solve(&(to - from));
    found.push(fisher(&p.mean(), &q.mean()));
    if let Some(factor) = Cholesky::new(of_q).map(Cholesky::unpack) {
        let whitened = (factor.solve_lower_triangular(&of_p))
            .and_then(|half| factor.solve_lower_triangular(&half.transpose()));
        if let Some(ratios) =
            whitened.filter(|ratios: &DMatrix<f64>| ratios.iter().all(|x| x.is_finite()))
        {
            let eigen = SymmetricEigen::new(ratios);
            let extremes = [eigen.eigenvalues.imax(), eigen.eigenvalues.imin()];
            found.extend(extremes.into_iter().filter_map(|i| {
                let v = eigen.eigenvectors.column(i).into_owned();
                factor.transpose().solve_upper_triangular(&v)
            }));
        }
    }
    let means: Vec<&DVector<f64>> = p.means().iter().chain(q.means()).take(8).collect();
    for (i, from) in means.iter().enumerate() {
        found.extend(means[i + 1..].iter().map(|to| fisher(from, to)));
    }
    found.extend((0..dim).map(|d| DVector::from_fn(dim, |i, _| f64::from(u8::from(i == d)))));
    found.retain(|u| u.norm() > 0.0 && u.iter().all(|x| x.is_finite()));
    found
}
