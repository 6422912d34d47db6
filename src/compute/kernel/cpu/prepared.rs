//! A mixture to evaluate again and again, block by block.

use std::sync::OnceLock;

use super::components::Components;
use super::factors::{Factors, single};
use super::forward::forward;
use super::inputs::{Mixture, ScaleForm, ShapeError, check_len};
use super::real::Real;
use super::width::Width;
use crate::compute::kernel::Resident;

/// One mixture with its factors worked out; threads may share it.
#[derive(Debug, Clone)]
pub struct Prepared<T> {
    width: Width,
    factors: Factors<T>,
    /// As it was given.
    given: Given<T>,
    #[cfg_attr(
        not(feature = "gpu"),
        expect(dead_code, reason = "of use to other devices")
    )]
    resident: Resident,
    /// The same in 32 bits, once it is asked for.
    single: OnceLock<Box<Prepared<f32>>>,
}

/// A mixture's own numbers.
#[derive(Debug, Clone)]
struct Given<T> {
    log_weights: Vec<T>,
    means: Vec<T>,
    scale: Vec<T>,
    form: ScaleForm,
}

impl<T: Real> Prepared<T> {
    /// Works out the factors of a mixture of one run.
    ///
    /// # Errors
    /// If the shapes do not fit together, or there is not exactly one run.
    pub fn new(width: Width, mixture: &Mixture<'_, T>) -> Result<Self, ShapeError> {
        let (k, dim) = (mixture.components, mixture.dim);
        if dim == 0 {
            return Err(ShapeError::NoDimensions);
        }
        let scale = mixture.scale;
        check_len("log_weights", k, mixture.log_weights.len())?;
        check_len("means", k * dim, mixture.means.len())?;
        check_len(
            "scale",
            k * scale.len_per_component(dim),
            scale.values().len(),
        )?;
        Ok(Self {
            width,
            factors: Factors::new(mixture)?,
            given: Given {
                log_weights: mixture.log_weights.to_vec(),
                means: mixture.means.to_vec(),
                scale: scale.values().to_vec(),
                form: scale.form(),
            },
            resident: Resident::default(),
            single: OnceLock::new(),
        })
    }

    /// As it was given.
    pub(crate) fn mixture(&self) -> Mixture<'_, T> {
        let given = &self.given;
        Mixture {
            components: given.log_weights.len(),
            dim: self.dim(),
            log_weights: &given.log_weights,
            means: &given.means,
            scale: given.form.scale(&given.scale),
        }
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.factors.dim()
    }

    /// Where a device keeps copies of it.
    #[cfg(feature = "gpu")]
    pub(crate) fn resident(&self) -> &Resident {
        &self.resident
    }

    /// The components.
    pub(crate) fn components(&self) -> Components<'_, T> {
        self.factors.run(0)
    }

    /// Writes log p(x) for N points, `[N, D]`, on the calling thread.
    ///
    /// Allocates nothing but, in a thread's first call, working memory that the thread keeps.
    ///
    /// # Errors
    /// If `x` and `out` do not have the same number of points.
    pub fn log_density(&self, x: &[T], out: &mut [T]) -> Result<(), ShapeError> {
        check_len("x", out.len() * self.dim(), x.len())?;
        forward(self.width, &self.factors.run(0), x, out);
        Ok(())
    }
}

impl Prepared<f64> {
    /// In 32 bits.
    pub(crate) fn single(&self) -> &Prepared<f32> {
        self.single.get_or_init(|| {
            let given = &self.given;
            Box::new(Prepared {
                width: self.width,
                factors: self.factors.single(),
                given: Given {
                    log_weights: single(&given.log_weights),
                    means: single(&given.means),
                    scale: single(&given.scale),
                    form: given.form,
                },
                resident: Resident::default(),
                single: OnceLock::new(),
            })
        })
    }
}
