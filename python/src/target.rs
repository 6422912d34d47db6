//! The target of a run, as figures and draws need it.

use std::path::PathBuf;

use klfit::{RunFolder, TargetModel};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::arrays::{matrix_of, points};
use crate::work::{attempted, briefly};

/// What a run is fitted to.
#[pyclass(frozen, module = "klfit._klfit")]
pub struct Target {
    model: TargetModel,
    names: Vec<String>,
}

#[pymethods]
impl Target {
    /// That of the run in a folder.
    #[staticmethod]
    fn read(py: Python, path: PathBuf) -> PyResult<Self> {
        attempted(py, || {
            let experiment = RunFolder::open(&path)?.experiment()?;
            Ok(Self {
                names: experiment.config.target.coordinates(&experiment.target),
                model: experiment.target,
            })
        })
    }

    /// What the coordinates are called that q is a mixture of.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// What those are called that people know it by.
    #[getter]
    fn names_of_x(&self) -> Vec<String> {
        (self.model.bounded()).map_or_else(|| self.names.clone(), klfit::Coordinates::names)
    }

    /// Log p in nats at N points `[N, D]`: `[N]`; NaN for rows and bins.
    fn log_density<'py>(
        &self,
        py: Python<'py>,
        u: PyReadonlyArray2<f64>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let points = points(&u, self.model.dim(), "the target")?;
        let mut logs = vec![0.0; points.len() / self.model.dim()];
        let logs = briefly(py, || {
            self.model.log_densities(&points, &mut logs);
            logs
        })?;
        Ok(logs.into_pyarray(py))
    }

    /// Its rows `[N, D]`, if it is known by rows.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray2<f64>>>> {
        let rows = self.model.as_samples();
        rows.map(|rows| matrix_of(py, rows.len(), rows.dim(), rows.rows().to_vec()))
            .transpose()
    }

    /// The weights of its rows `[N]`, if they have some.
    fn weights<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        let weights = self.model.as_samples()?.weights()?;
        Some(PyArray1::from_slice(py, weights.values()))
    }

    /// Draws `[count, D]`.
    fn sample<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        seed: u64,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let draws = briefly(py, || {
            self.model
                .sample(count, &mut ChaCha8Rng::seed_from_u64(seed))
        })?;
        matrix_of(py, count, self.model.dim(), draws)
    }

    /// Points u `[N, D]` as x: the same where nothing has bounds.
    fn x_of<'py>(
        &self,
        py: Python<'py>,
        u: PyReadonlyArray2<f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let mut points = points(&u, self.model.dim(), "the target")?;
        if let Some(coordinates) = self.model.bounded() {
            coordinates.apply(&mut points);
        }
        matrix_of(
            py,
            points.len() / self.model.dim(),
            self.model.dim(),
            points,
        )
    }
}
