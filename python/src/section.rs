//! What Python says of a config, as TOML.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString};
use toml::{Table, Value};

use crate::errors::exception;

/// The keys of a dict: what is `None` is left out.
pub fn table(keys: &Bound<PyDict>) -> PyResult<Table> {
    let mut all = Table::new();
    for (key, one) in keys {
        if !one.is_none() {
            let key: String = key.extract()?;
            let found = value(&one).map_err(|error| match error.get_type(one.py()).name() {
                // As the innermost says.
                Ok(name) if name == "ConfigError" => error,
                _ => unknown(&key, &one),
            })?;
            all.insert(key, found);
        }
    }
    Ok(all)
}

fn unknown(key: &str, one: &Bound<PyAny>) -> PyErr {
    let what = one
        .get_type()
        .name()
        .map_or_else(|_| "a thing".to_owned(), |name| name.to_string());
    let message = format!("`{key}` is of type {what}, which no config has");
    exception(
        "ConfigError",
        message,
        Some("give a number, a text, a list or a dict".to_owned()),
    )
}

fn value(one: &Bound<PyAny>) -> PyResult<Value> {
    if one.is_instance_of::<PyBool>() {
        return Ok(Value::Boolean(one.extract()?));
    }
    if one.is_instance_of::<PyString>() {
        return Ok(Value::String(one.extract()?));
    }
    if one.is_instance_of::<PyInt>() {
        return Ok(Value::Integer(one.extract()?));
    }
    if one.is_instance_of::<PyFloat>() {
        return Ok(Value::Float(one.extract()?));
    }
    if let Ok(keys) = one.cast::<PyDict>() {
        return Ok(Value::Table(table(keys)?));
    }
    // Arrays, and single numbers of NumPy.
    if let Ok(listed) = one.call_method0("tolist") {
        return value(&listed);
    }
    if let Ok(path) = one.call_method0("__fspath__") {
        return value(&path);
    }
    let items = one.try_iter()?.map(|item| value(&item?));
    Ok(Value::Array(items.collect::<PyResult<_>>()?))
}
