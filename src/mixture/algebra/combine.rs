//! Two mixtures as one: their normalised product, and the density of a sum.

use nalgebra::{DMatrix, DVector};

use super::condition::singular;
use super::{above, log_normal, lower_of, normalized};
use crate::error::Refusal;
use crate::mixture::{Mixture, check_size};

/// p q / ∫ p q.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// The density, a component for each two.
    pub mixture: Mixture,
    /// log ∫ p q, in nats.
    pub log_overlap: f64,
}

impl Mixture {
    /// The normalised product of two densities over the same coordinates.
    ///
    /// Of two Gaussians it is one with precision Σᵢ⁻¹ + Σⱼ⁻¹, and ∫ is N(μᵢ; μⱼ, Σᵢ + Σⱼ). Its mean is the least-squares
    /// solution of Lᵢ⁻¹ x = Lᵢ⁻¹ μᵢ and Lⱼ⁻¹ x = Lⱼ⁻¹ μⱼ.
    ///
    /// # Errors
    /// If the dimensions differ, there would be too many components, or the product is 0 in numbers.
    pub fn product(&self, other: &Self) -> Result<Product, Refusal> {
        self.check_partner(other)?;
        let dim = self.dim();
        let (mut logs, mut means, mut factors) = (Vec::new(), Vec::new(), Vec::new());
        for (k, i, j) in pairs(self, other) {
            let (mean, lower) = (&self.means()[i], &self.scale_trils()[i]);
            let (other_mean, other_lower) = (&other.means()[j], &other.scale_trils()[j]);
            let apart = other_mean - mean;
            let sum = sum_of(lower, other_lower).ok_or_else(|| singular(k))?;
            logs.push(self.weights()[i].ln() + other.weights()[j].ln() + log_normal(&sum, &apart));
            // In z with x = μᵢ + Lᵢ z the first rows are those of the identity, and nothing is inverted but Lⱼ.
            let turned = (other_lower.solve_lower_triangular(lower)).ok_or_else(|| singular(k))?;
            let pulled = (other_lower.solve_lower_triangular(&apart)).ok_or_else(|| singular(k))?;
            let qr = above(&turned, &DMatrix::identity(dim, dim)).qr();
            let mut rhs = DMatrix::zeros(2 * dim, 1);
            rhs.rows_mut(0, dim).copy_from(&pulled);
            qr.q_tr_mul(&mut rhs);
            let r = qr.unpack_r();
            let rhs = DVector::from_column_slice(rhs.rows(0, dim).into_owned().as_slice());
            let z = r.solve_upper_triangular(&rhs).ok_or_else(|| singular(k))?;
            // Σ = Lᵢ R⁻¹ R⁻ᵀ Lᵢᵀ.
            let root = r
                .tr_solve_upper_triangular(&lower.transpose())
                .ok_or_else(|| singular(k))?;
            factors.push(lower_of(root).ok_or_else(|| singular(k))?);
            means.push((mean + lower * z).as_slice().to_vec());
        }
        let (weights, log_overlap) = normalized(&logs);
        if log_overlap.is_nan() || log_overlap == f64::NEG_INFINITY {
            return Err(Refusal::new(
                "product",
                "is 0 in numbers: the two have nothing in common",
                "multiply densities that overlap",
            ));
        }
        Ok(Product {
            mixture: Self::new(weights, means, factors)?,
            log_overlap,
        })
    }

    /// The density of x + y for independent x of this one and y of the other: their convolution, with μᵢ + μⱼ and
    /// Σᵢ + Σⱼ.
    ///
    /// # Errors
    /// If the dimensions differ or there would be too many components.
    pub fn convolve(&self, other: &Self) -> Result<Self, Refusal> {
        self.check_partner(other)?;
        let (mut weights, mut means, mut factors) = (Vec::new(), Vec::new(), Vec::new());
        for (k, i, j) in pairs(self, other) {
            weights.push(self.weights()[i] * other.weights()[j]);
            means.push((&self.means()[i] + &other.means()[j]).as_slice().to_vec());
            let sum = sum_of(&self.scale_trils()[i], &other.scale_trils()[j]);
            factors.push(sum.ok_or_else(|| singular(k))?);
        }
        Self::new(weights, means, factors)
    }

    fn check_partner(&self, other: &Self) -> Result<(), Refusal> {
        let (dim, dim_of_other) = (self.dim(), other.dim());
        if dim != dim_of_other {
            return Err(Refusal::new(
                "means",
                format!("one mixture has {dim} coordinates and the other {dim_of_other}"),
                "give two mixtures over the same coordinates",
            ));
        }
        check_size(self.components().saturating_mul(other.components()), dim)
    }
}

/// Two components each, numbered.
fn pairs(one: &Mixture, other: &Mixture) -> impl Iterator<Item = (usize, usize, usize)> {
    let others = other.components();
    (0..one.components() * others).map(move |k| (k, k / others, k % others))
}

/// The factor of the sum of two covariances.
fn sum_of(lower: &DMatrix<f64>, other: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    lower_of(above(&lower.transpose(), &other.transpose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> [Mixture; 2] {
        let p = Mixture::new(
            vec![0.25, 0.75],
            vec![vec![0.0, 1.0], vec![2.0, -1.0]],
            vec![
                DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.5, 0.3]),
                DMatrix::from_row_slice(2, 2, &[1e-4, 0.0, 0.0, 2.0]),
            ],
        );
        let q = Mixture::new(
            vec![0.6, 0.4],
            vec![vec![1.0, 1.0], vec![0.0, -2.0]],
            vec![
                DMatrix::from_row_slice(2, 2, &[0.7, 0.0, -0.2, 0.9]),
                DMatrix::from_row_slice(2, 2, &[2.0, 0.0, 1.0, 0.4]),
            ],
        );
        [p.unwrap(), q.unwrap()]
    }

    /// log p + log q − log ∫ p q at every point.
    #[test]
    fn a_product_is_one_at_every_point() {
        let [p, q] = two();
        let found = p.product(&q).unwrap();
        for x in [[0.0, 0.0], [2.0, -1.0], [1.9998, 0.5], [-1.0, 2.0]] {
            let expected = p.log_density(&x) + q.log_density(&x) - found.log_overlap;
            let at = found.mixture.log_density(&x);
            assert!(
                (at - expected).abs() < 1e-10 * expected.abs().max(1.0),
                "{x:?}: {at} {expected}"
            );
        }
        // Which of the two is first makes no difference.
        let turned = q.product(&p).unwrap();
        assert!((turned.log_overlap - found.log_overlap).abs() < 1e-13);
    }

    /// The characteristic function of a sum is the product of both.
    #[test]
    fn a_sum_multiplies_characteristic_functions() {
        let [p, q] = two();
        let sum = p.convolve(&q).unwrap();
        for t in [[0.3, -0.2], [1.0, 0.5], [0.0, 2.0]] {
            let ([a, b], [c, d]) = (p.characteristic_function(&t), q.characteristic_function(&t));
            let [re, im] = sum.characteristic_function(&t);
            assert!((re - (a * c - b * d)).abs() < 1e-14 && (im - (a * d + b * c)).abs() < 1e-14);
        }
    }

    /// A density that is 10⁸ times as narrow as the other is not moved by it.
    #[test]
    fn a_narrow_one_stays_where_it_is() {
        let narrow = Mixture::from_stds(vec![1.0], vec![vec![3.0]], vec![vec![1e-8]]).unwrap();
        let wide = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![1.0]]).unwrap();
        for found in [narrow.product(&wide), wide.product(&narrow)] {
            let Product {
                mixture,
                log_overlap,
            } = found.unwrap();
            assert!((mixture.means()[0][0] - 3.0).abs() < 1e-15);
            assert!((mixture.scale_trils()[0][(0, 0)] / 1e-8 - 1.0).abs() < 1e-15);
            assert!((log_overlap - wide.log_density(&[3.0])).abs() < 1e-14);
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let [p, _] = two();
        let line = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![1.0]]).unwrap();
        let far = Mixture::from_stds(vec![1.0], vec![vec![1e200]], vec![vec![1.0]]).unwrap();
        assert!(p.product(&line).is_err() && p.convolve(&line).is_err());
        assert!(line.product(&far).is_err());
        // Of 5000 components and 5000 there would be 25 million.
        let many = Mixture::from_stds(
            vec![1.0 / 5000.0; 5000],
            vec![vec![0.0]; 5000],
            vec![vec![1.0]; 5000],
        )
        .unwrap();
        let refusal = many.convolve(&many).unwrap_err().to_string();
        assert!(refusal.contains("25000000"), "{refusal}");
    }
}
