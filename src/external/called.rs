//! A function of the program that this library is part of, which answers batches of points.

use std::borrow::Cow;
use std::sync::Arc;

use super::process::Broken;
use crate::error::Error;
use crate::given::{LogDensity, Take};
use crate::text;

/// It is called where it is: nothing is started.
#[derive(Debug)]
pub(super) struct Called {
    pub name: String,
    pub function: Arc<dyn LogDensity>,
}

impl Called {
    /// Hands log p at some points x `[N, D]` to `take`; whether it has a gradient.
    pub fn ask(&self, x: &[f64], dim: usize, take: Take<'_>) -> Result<bool, Broken> {
        let count = x.len() / dim;
        let mut has_gradient = false;
        // A function may hand over nothing at all.
        let mut wrong = Some(Cow::Borrowed("nothing"));
        let asked = (self.function).with_log_densities(x, dim, &mut |values, gradient| {
            has_gradient = gradient.is_some();
            let slopes = gradient.map_or(x.len(), <[f64]>::len);
            wrong = match (values.len() == count, slopes == x.len()) {
                (true, true) => {
                    take(values, gradient);
                    None
                }
                (true, false) => {
                    Some(format!("a gradient of {}", text::count(slopes, "number")).into())
                }
                (false, _) => Some(text::count(values.len(), "number").into()),
            };
        });
        asked.map_err(|error: Error| {
            Broken::new(
                format!("{}: {error}", self.name),
                error.help().unwrap_or_default(),
            )
        })?;
        let Some(wrong) = wrong else {
            return Ok(has_gradient);
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
        take: Take<'_>,
    ) -> Result<(), Broken> {
        match self.ask(x, dim, take)? == has_gradient {
            true => Ok(()),
            false => Err(Broken::changed(&self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::LogDensities;

    struct Silent;

    impl LogDensity for Silent {
        fn log_densities(&self, _: &[f64], _: usize) -> crate::error::Result<LogDensities> {
            Ok(LogDensities::default())
        }

        fn with_log_densities(&self, _: &[f64], _: usize, _: Take<'_>) -> crate::error::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_hands_over_nothing_is_told() {
        let called = Called {
            name: "silent".to_owned(),
            function: Arc::new(Silent),
        };
        let broken = called.ask(&[0.0], 1, &mut |_, _| {}).unwrap_err();
        assert_eq!(
            broken.message,
            "silent answered 1 point of 1 coordinate with nothing"
        );
    }
}
