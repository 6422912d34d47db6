//! NumPy's arrays as the library takes and gives them.

use klfit::Samples;
use nalgebra::DMatrix;
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::prelude::*;

use crate::errors::exception;

/// The numbers of a vector.
pub fn vector(array: &PyReadonlyArray1<f64>) -> Vec<f64> {
    array.as_array().iter().copied().collect()
}

/// The numbers of a matrix, row after row.
pub fn flat(array: &PyReadonlyArray2<f64>) -> Vec<f64> {
    array.as_array().iter().copied().collect()
}

/// The numbers of N points of as many coordinates as a thing has, row after row.
pub fn points(array: &PyReadonlyArray2<f64>, dim: usize, thing: &str) -> PyResult<Vec<f64>> {
    let columns = array.as_array().ncols();
    if columns == dim {
        return Ok(flat(array));
    }
    let message = format!("the points have {columns} coordinates, and {thing} has {dim}");
    let help = "give an array of shape (N, D)".to_owned();
    Err(exception("UsageError", message, Some(help)))
}

/// The rows of a matrix.
pub fn rows(array: &PyReadonlyArray2<f64>) -> Vec<Vec<f64>> {
    let rows = array.as_array();
    rows.rows().into_iter().map(|row| row.to_vec()).collect()
}

/// K matrices.
pub fn matrices(array: &PyReadonlyArray3<f64>) -> Vec<DMatrix<f64>> {
    let all = array.as_array();
    let one = |matrix: numpy::ndarray::ArrayView2<f64>| {
        DMatrix::from_row_iterator(matrix.nrows(), matrix.ncols(), matrix.iter().copied())
    };
    all.outer_iter().map(one).collect()
}

/// A matrix of numbers, row after row.
pub fn matrix_of<'py>(
    py: Python<'py>,
    rows: usize,
    columns: usize,
    values: Vec<f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let array = Array2::from_shape_vec((rows, columns), values)
        .map_err(|error| exception("Error", error.to_string(), None))?;
    Ok(array.into_pyarray(py))
}

/// The rows of a matrix, whose columns have no names.
pub fn samples(array: &PyReadonlyArray2<f64>) -> klfit::Result<Samples> {
    let dim = array.as_array().ncols();
    Samples::new(
        (1..=dim).map(|i| format!("x{i}")).collect(),
        flat(array),
        dim,
    )
}
