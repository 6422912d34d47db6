//! What points of an unnormalised density are drawn from.

use burn::tensor::Tensor;
use rayon::prelude::*;
use statrs::function::erf::erfc;

use super::student_t::{StudentT, StudentTDensity};
use crate::compute::device::Numerics;
use crate::density::{Density, Draws, DrawsError, ErrorRule, Nodes};

/// A mixture of Student-t distributions, drawn from as a whole: each component has as many random points as it has
/// weight. Its strata would have as many points as each other, however little they count.
#[derive(Debug)]
pub struct Proposal {
    model: StudentT,
    density: StudentTDensity,
    numerics: Numerics,
}

impl Proposal {
    /// Of a mixture.
    pub fn new(model: &StudentT, numerics: &Numerics) -> Self {
        Self {
            density: StudentTDensity::new(model, numerics),
            model: model.clone(),
            numerics: numerics.clone(),
        }
    }

    /// The point that D standard normal numbers become, of the component that has u of the unit interval.
    fn point(&self, u: f64, z: &[f64], x: &mut [f64]) {
        let scales = self.model.scales();
        let k = scales.choose(u);
        let radius = z.iter().map(|z| z * z).sum::<f64>().sqrt();
        let stretch = self.density.stretch(radius);
        let (mean, factor) = (&scales.means()[k], &scales.scale_trils()[k]);
        for (i, x) in x.iter_mut().enumerate() {
            let along: f64 = (0..=i).map(|j| factor[(i, j)] * z[j]).sum();
            *x = mean[i] + stretch * along;
        }
    }
}

impl Density for Proposal {
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        self.density.log_density(x)
    }

    fn strata(&self) -> usize {
        1
    }

    /// One more, by which a component is chosen.
    fn standard_dim(&self, dim: usize) -> usize {
        dim + 1
    }

    /// Points that are not random are laid along every component.
    fn place(&self, nodes: Nodes) -> Draws {
        let ErrorRule::Random { group } = nodes.error else {
            return self.density.place(nodes);
        };
        let [runs, _, n, numbers] = nodes.z.dims();
        let dim = numbers - 1;
        let mut x = vec![0.0; runs * n * dim];
        // A device that fails here fails again, and is reported, where the loss is read.
        if let Ok(z) = Numerics::read(nodes.z) {
            (x.par_chunks_exact_mut(dim).zip(z.par_chunks_exact(numbers)))
                .enumerate()
                .for_each(|(at, (x, z))| {
                    let (z, last) = z.split_at(dim);
                    let within = 0.5 * erfc(-last[0] / std::f64::consts::SQRT_2);
                    // Independent points take turns: a component never has one too many. Those of a net do already.
                    let u = match group {
                        1 => ((at % n) as f64 + within) / n as f64,
                        _ => within,
                    };
                    self.point(u, z, x);
                });
        }
        Draws {
            x: self.numerics.tensor(x, [runs, n, dim]),
            weights: self.numerics.tensor(vec![1.0 / n as f64; n], [1, n]),
            error: DrawsError::Random { strata: 1, group },
            log_p: None,
        }
    }
}
