//! What Python gives to configs by name: functions, and tables of numbers.

use std::sync::{Arc, Mutex, PoisonError};

use klfit::{Error, LogDensity};
use numpy::ndarray::ArrayView2;
use numpy::{PyReadonlyArray2, PyReadonlyArrayDyn, ToPyArray};
use pyo3::prelude::*;

use crate::arrays::flat;
use crate::errors::raised;

/// A function of Python, of points `(N, D)`: log p `(N,)`, or that and its gradient `(N, D)`.
struct Function {
    function: Py<PyAny>,
    /// What it raised.
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Function {
    fn call(&self, py: Python, x: &[f64], dim: usize) -> PyResult<Result<Vec<f64>, Error>> {
        let points =
            ArrayView2::from_shape((x.len() / dim, dim), x).map(|view| view.to_pyarray(py));
        let Ok(points) = points else {
            return Ok(Err(Error::usage(
                "the points are not D numbers each",
                "report this",
            )));
        };
        let answer = self.function.bind(py).call1((points,))?;
        // In Python, where everything that is like an array may be made one.
        let convert = py.import("klfit._function")?.getattr("answer")?;
        let answer = convert.call1((answer, x.len() / dim, dim))?;
        let answer: PyReadonlyArrayDyn<f64> = answer.extract()?;
        Ok(Ok(answer.as_array().iter().copied().collect()))
    }
}

impl LogDensity for Function {
    fn log_densities(&self, x: &[f64], dim: usize) -> Result<Vec<f64>, Error> {
        Python::attach(|py| {
            self.call(py, x, dim).unwrap_or_else(|error| {
                let said = error.to_string();
                let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
                *raised = Some(error);
                Err(Error::usage(said, "mend the function"))
            })
        })
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
    fn function(name: &str, function: Py<PyAny>) -> PyResult<Self> {
        let raised_by_it = Arc::default();
        let function = Arc::new(Function {
            function,
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
