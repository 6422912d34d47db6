//! Errors of the library as exceptions of the package, with the same words.

use std::path::Path;

use klfit::{Error, Refusal};
use pyo3::prelude::*;

/// An exception of `klfit.errors`, by the name of its class.
pub fn exception(class: &str, message: String, help: Option<String>) -> PyErr {
    Python::attach(|py| {
        let raised = py
            .import("klfit.errors")
            .and_then(|module| module.getattr(class))
            .and_then(|class| class.call1((message, help)));
        match raised {
            Ok(exception) => PyErr::from_value(exception),
            Err(error) => error,
        }
    })
}

/// Where an error in a dict is said to be: its lines are none that anybody wrote.
const ARGUMENTS: &str = "arguments";

/// What the library says.
pub fn raised(mut error: Error) -> PyErr {
    if let Error::Config(error) = &mut error
        && error.location.path == Path::new(ARGUMENTS)
    {
        error.location.span = None;
    }
    let class = match &error {
        Error::Config(_) => "ConfigError",
        Error::Usage { .. } => "UsageError",
        Error::Io { .. } => "FileError",
        Error::RunFolder { .. } => "RunFolderError",
        Error::Numerical { .. } => "NumericalError",
        Error::Figure { .. } => "FigureError",
    };
    exception(class, error.to_string(), error.help())
}

/// What a mixture cannot be.
pub fn refused(refusal: Refusal) -> PyErr {
    let error = Error::from(refusal);
    exception("MixtureError", error.to_string(), error.help())
}
