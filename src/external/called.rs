//! A function of the program that this library is part of, which answers batches of points.

use std::sync::Arc;

use super::process::Broken;
use crate::error::Error;
use crate::given::{LogDensities, LogDensity};
use crate::text;

/// It is called where it is: nothing is started.
#[derive(Debug)]
pub(super) struct Called {
    pub name: String,
    pub function: Arc<dyn LogDensity>,
}

impl Called {
    /// Log p at some points x `[N, D]`.
    pub fn ask(&self, x: &[f64], dim: usize) -> Result<LogDensities, Broken> {
        let answer = (self.function.log_densities(x, dim)).map_err(|error: Error| {
            Broken::new(
                format!("{}: {error}", self.name),
                error.help().unwrap_or_default(),
            )
        })?;
        let count = x.len() / dim;
        let slopes = answer.gradient.as_ref().map_or(x.len(), Vec::len);
        if answer.values.len() == count && slopes == x.len() {
            return Ok(answer);
        }
        let wrong = match answer.values.len() == count {
            true => format!("a gradient of {}", text::count(slopes, "number")),
            false => text::count(answer.values.len(), "number"),
        };
        Err(Broken::new(
            format!(
                "{} answered {} of {} with {wrong}",
                self.name,
                text::count(count, "point"),
                text::count(dim, "coordinate"),
            ),
            "answer with log p of each point, or with log p and its gradient",
        ))
    }

    /// The same, as it answered before: with a gradient, or without one.
    pub fn ask_again(
        &self,
        x: &[f64],
        dim: usize,
        has_gradient: bool,
    ) -> Result<LogDensities, Broken> {
        let answer = self.ask(x, dim)?;
        match answer.gradient.is_some() == has_gradient {
            true => Ok(answer),
            false => Err(Broken::changed(&self.name)),
        }
    }
}
