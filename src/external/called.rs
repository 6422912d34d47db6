//! A function of the program that this library is part of, which answers batches of points.

use std::sync::Arc;

use super::answer::Answer;
use super::process::Broken;
use crate::error::Error;
use crate::given::LogDensity;
use crate::text;

/// It is called where it is: nothing is started.
#[derive(Debug)]
pub(super) struct Called {
    pub name: String,
    pub function: Arc<dyn LogDensity>,
}

impl Called {
    /// Log p at some points x `[N, D]`.
    pub fn ask(&self, x: &[f64], dim: usize) -> Result<Answer, Broken> {
        let values = (self.function.log_densities(x, dim)).map_err(|error: Error| {
            Broken::new(
                format!("{}: {error}", self.name),
                error.help().unwrap_or_default(),
            )
        })?;
        let count = x.len() / dim;
        let width = match values.len() {
            len if len == count => 1,
            len if len == count * (1 + dim) => 1 + dim,
            len => {
                return Err(Broken::new(
                    format!(
                        "{} answered {} of {} with {}",
                        self.name,
                        text::count(count, "point"),
                        text::count(dim, "coordinate"),
                        text::count(len, "number")
                    ),
                    "answer with log p of each point, or with log p and its gradient",
                ));
            }
        };
        Ok(Answer { width, values })
    }

    /// The same, as it answered before: with a gradient, or without one.
    pub fn ask_again(&self, x: &[f64], dim: usize, has_gradient: bool) -> Result<Answer, Broken> {
        let answer = self.ask(x, dim)?;
        match answer.has_gradient() == has_gradient {
            true => Ok(answer),
            false => Err(Broken::changed(&self.name)),
        }
    }
}
