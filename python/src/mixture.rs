//! Mixtures of Gaussians on arrays.

use klfit::{ExportFormat, Reducer, export};
use nalgebra::DMatrix;
use numpy::ndarray::{Array2, Array3};
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArray3, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3,
};
use pyo3::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::answer::Answer;
use crate::arrays::{matrices, matrix_of, points, rows, vector};
use crate::errors::{exception, refused};
use crate::work::{attempted, briefly, interruptible};

/// A mixture of Gaussians: K weights, means `[K, D]`, covariances `[K, D, D]`.
#[pyclass(frozen, from_py_object, module = "klfit._klfit")]
#[derive(Clone)]
pub struct Mixture(pub klfit::Mixture);

impl Mixture {
    fn matrices<'py>(
        &self,
        py: Python<'py>,
        of: impl Fn(usize) -> DMatrix<f64>,
    ) -> Bound<'py, PyArray3<f64>> {
        let (k, dim) = (self.0.components(), self.0.dim());
        let all: Vec<DMatrix<f64>> = (0..k).map(of).collect();
        Array3::from_shape_fn((k, dim, dim), |(k, i, j)| all[k][(i, j)]).into_pyarray(py)
    }
}

#[pymethods]
impl Mixture {
    #[staticmethod]
    fn from_covariances(
        weights: PyReadonlyArray1<f64>,
        means: PyReadonlyArray2<f64>,
        covariances: PyReadonlyArray3<f64>,
    ) -> PyResult<Self> {
        let made = klfit::Mixture::from_covariances(
            vector(&weights),
            rows(&means),
            matrices(&covariances),
        );
        made.map(Self).map_err(refused)
    }

    #[staticmethod]
    fn from_scale_trils(
        weights: PyReadonlyArray1<f64>,
        means: PyReadonlyArray2<f64>,
        scale_trils: PyReadonlyArray3<f64>,
    ) -> PyResult<Self> {
        let made = klfit::Mixture::new(vector(&weights), rows(&means), matrices(&scale_trils));
        made.map(Self).map_err(refused)
    }

    #[staticmethod]
    fn from_stds(
        weights: PyReadonlyArray1<f64>,
        means: PyReadonlyArray2<f64>,
        stds: PyReadonlyArray2<f64>,
    ) -> PyResult<Self> {
        klfit::Mixture::from_stds(vector(&weights), rows(&means), rows(&stds))
            .map(Self)
            .map_err(refused)
    }

    /// What a file or the folder of a run holds.
    #[staticmethod]
    #[pyo3(signature = (path, fit=None))]
    fn read(py: Python, path: std::path::PathBuf, fit: Option<&str>) -> PyResult<Self> {
        attempted(py, || klfit::read_mixture(&path, fit)).map(Self)
    }

    #[getter]
    fn dim(&self) -> usize {
        self.0.dim()
    }

    #[getter]
    fn components(&self) -> usize {
        self.0.components()
    }

    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.0.weights())
    }

    #[getter]
    fn means<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let values = self.0.means().iter().flat_map(|mean| mean.iter().copied());
        matrix_of(py, self.0.components(), self.0.dim(), values.collect())
    }

    #[getter]
    fn covariances<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray3<f64>> {
        self.matrices(py, |k| self.0.component_covariance(k))
    }

    #[getter]
    fn scale_trils<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray3<f64>> {
        self.matrices(py, |k| self.0.scale_trils()[k].clone())
    }

    fn mean<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_slice(py, self.0.mean().as_slice())
    }

    fn covariance<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        let all = self.0.covariance();
        Array2::from_shape_fn((all.nrows(), all.ncols()), |(i, j)| all[(i, j)]).into_pyarray(py)
    }

    /// Log p in nats at N points: `[N]`.
    fn log_density<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let points = points(&x, self.0.dim(), "the mixture")?;
        Ok(briefly(py, || klfit::log_densities(&self.0, &points))?.into_pyarray(py))
    }

    /// The shares of the components in the density at N points: `[N, K]`.
    fn responsibilities<'py>(
        &self,
        py: Python<'py>,
        x: PyReadonlyArray2<f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let points = points(&x, self.0.dim(), "the mixture")?;
        let dim = self.0.dim();
        let shares = briefly(py, || -> Vec<f64> {
            let of_point = |x| self.0.log_density_with_shares(x).1;
            points
                .par_chunks_exact(dim)
                .flat_map_iter(of_point)
                .collect()
        })?;
        matrix_of(py, points.len() / dim, self.0.components(), shares)
    }

    /// Draws `[count, D]`.
    fn sample<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        seed: u64,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let draws = briefly(py, || {
            self.0.sample(count, &mut ChaCha8Rng::seed_from_u64(seed))
        })?;
        matrix_of(py, count, self.0.dim(), draws)
    }

    fn marginal(&self, coordinates: Vec<usize>) -> PyResult<Self> {
        self.0.marginal(&coordinates).map(Self).map_err(refused)
    }

    /// The mixture of the other coordinates, the log-density of what is given, and its distance.
    fn condition(&self, given: Vec<(usize, f64)>) -> PyResult<(Self, f64, f64)> {
        let found = self.0.condition(&given).map_err(refused)?;
        Ok((Self(found.mixture), found.log_density, found.distance))
    }

    /// A mixture of so many components at most, and its KL to this one.
    fn reduce(&self, py: Python, components: usize) -> PyResult<(Self, Answer)> {
        let full = self.0.clone();
        let reduced = interruptible(py, move |_| Reducer::default().reduce(&full, components))?;
        Ok((Self(reduced.mixture), Answer(reduced.kl)))
    }

    /// The normalised product of densities, and the logarithm of its constant.
    fn product(&self, other: &Self) -> PyResult<(Self, f64)> {
        let found = self.0.product(&other.0).map_err(refused)?;
        Ok((Self(found.mixture), found.log_overlap))
    }

    fn convolve(&self, other: &Self) -> PyResult<Self> {
        self.0.convolve(&other.0).map(Self).map_err(refused)
    }

    /// The density of A x + b.
    fn transform(&self, a: PyReadonlyArray2<f64>, b: PyReadonlyArray1<f64>) -> PyResult<Self> {
        let matrix = a.as_array();
        let a = DMatrix::from_row_iterator(matrix.nrows(), matrix.ncols(), matrix.iter().copied());
        self.0.transform(&a, &vector(&b)).map(Self).map_err(refused)
    }

    /// The source of a program in another language that has the density.
    #[pyo3(signature = (format, names, digits=None))]
    fn export(&self, format: &str, names: Vec<String>, digits: Option<usize>) -> PyResult<String> {
        let found = ExportFormat::from_name(format).ok_or_else(|| {
            let known = ExportFormat::ALL.map(ExportFormat::name).join(", ");
            exception(
                "UsageError",
                format!("\"{format}\" is no format"),
                Some(format!("take one of {known}")),
            )
        })?;
        export(&self.0, &names, found, digits).map_err(refused)
    }
}
