//! What Python gives to configs by name: functions, and tables of numbers.

use std::sync::{Arc, Mutex, PoisonError};

use klfit::{Error, LogDensities, LogDensity, Take};
use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::arrays::flat;
use crate::errors::raised;

/// A function of Python, of points `(N, D)`: log p `(N,)`, or that and its gradient `(N, D)`.
struct Function {
    function: Py<PyAny>,
    /// The package's own that calls it, in Python, where everything that is like an array may be made one.
    evaluate: Py<PyAny>,
    /// What it raised.
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Function {
    fn call(&self, py: Python, x: &[f64], dim: usize, take: Take<'_>) -> PyResult<()> {
        let points = PyArray1::from_slice(py, x).reshape([x.len() / dim, dim])?;
        let answer = self.evaluate.bind(py).call1((&self.function, points))?;
        let (values, gradient): (PyReadonlyArray1<f64>, Option<PyReadonlyArray2<f64>>) =
            answer.extract()?;
        let gradient = gradient.as_ref().map(|gradient| gradient.as_slice());
        take(values.as_slice()?, gradient.transpose()?);
        Ok(())
    }
}

impl LogDensity for Function {
    fn log_densities(&self, x: &[f64], dim: usize) -> Result<LogDensities, Error> {
        let mut answer = LogDensities::default();
        self.with_log_densities(x, dim, &mut |values, gradient| {
            answer = LogDensities {
                values: values.to_vec(),
                gradient: gradient.map(<[f64]>::to_vec),
            };
        })?;
        Ok(answer)
    }

    fn with_log_densities(&self, x: &[f64], dim: usize, take: Take<'_>) -> Result<(), Error> {
        Python::attach(|py| {
            self.call(py, x, dim, take).map_err(|error| {
                let (said, help) = told(py, &error);
                let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
                *raised = Some(error);
                Error::usage(said, help)
            })
        })
    }
}

/// What an exception says, and what to do: its own words if it is one of the package.
fn told(py: Python, error: &PyErr) -> (String, String) {
    let of_package = |name| {
        let value = error.value(py).getattr(name).ok()?;
        value.extract::<String>().ok()
    };
    let is_of_package = (py.import("klfit.errors"))
        .and_then(|errors| errors.getattr("Error"))
        .is_ok_and(|class| error.is_instance(py, &class));
    match (is_of_package, of_package("message"), of_package("help")) {
        (true, Some(message), help) => (message, help.unwrap_or_default()),
        _ => (error.to_string(), "mend the function".to_owned()),
    }
}

/// What is given, for as long as this is kept.
#[pyclass(frozen, module = "klfit._klfit")]
pub struct Given {
    given: klfit::Given,
    raised: Arc<Mutex<Option<PyErr>>>,
}

#[pymethods]
impl Given {
    #[staticmethod]
    fn function(py: Python, name: &str, function: Py<PyAny>) -> PyResult<Self> {
        let raised_by_it = Arc::default();
        let function = Arc::new(Function {
            function,
            evaluate: py.import("klfit._function")?.getattr("evaluate")?.unbind(),
            raised: Arc::clone(&raised_by_it),
        });
        Ok(Self {
            given: klfit::give_function(name, function).map_err(raised)?,
            raised: raised_by_it,
        })
    }

    #[staticmethod]
    fn table(name: &str, columns: Vec<String>, rows: PyReadonlyArray2<f64>) -> PyResult<Self> {
        Ok(Self {
            given: klfit::give_table(name, columns, flat(&rows)).map_err(raised)?,
            raised: Arc::default(),
        })
    }

    #[getter]
    fn name(&self) -> &str {
        self.given.name()
    }

    /// What stands for it in a config.
    #[getter]
    fn path(&self) -> String {
        self.given.path().display().to_string()
    }

    /// What the function raised last, once.
    fn take_raised(&self, py: Python) -> Option<Py<PyAny>> {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        raised.take().map(|error| error.into_value(py).into_any())
    }
}
