//! The extension module of the Python package klfit: what the library does, on NumPy's arrays.
//!
//! It knows arrays, names and paths. What other packages call a mixture, a function or a table is told in Python.

mod answer;
mod arrays;
mod errors;
mod estimate;
mod function;
mod mixture;
mod runs;
mod section;
mod sweep;
mod target;
mod work;

use std::ffi::OsString;

use mimalloc::MiMalloc;
use pyo3::prelude::*;

/// That of the interpreter gives memory back to the system after each step of a fit, and takes it again.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The command `klfit` with arguments of which the first is its name; returns its exit code.
#[pyfunction]
fn main(py: Python, arguments: Vec<OsString>) -> PyResult<u8> {
    work::briefly(py, || klfit::command(arguments))
}

/// Panics, as nothing should, at once or in a thread of its own: for the test that no panic crosses.
#[pyfunction]
fn panics(py: Python, at_once: bool) -> PyResult<()> {
    match at_once {
        true => work::briefly(py, || panic!("on purpose")),
        false => work::interruptible(py, |_| panic!("on purpose")),
    }
}

#[pymodule]
mod _klfit {
    #[pymodule_export]
    use crate::answer::{Answer, ask};
    #[pymodule_export]
    use crate::estimate::estimate;
    #[pymodule_export]
    use crate::function::Given;
    #[pymodule_export]
    use crate::main;
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "as Python calls it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
    #[pymodule_export]
    use crate::mixture::Mixture;
    #[pymodule_export]
    use crate::panics;
    #[pymodule_export]
    use crate::runs::{columns, draw, report, run, summary, trajectory};
    #[pymodule_export]
    use crate::sweep::{begin_sweep, draw_sweep, gather, sweep, sweep_point};
    #[pymodule_export]
    use crate::target::Target;
}
