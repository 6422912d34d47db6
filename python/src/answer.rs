//! Divergences of two given densities, and measures of one, with all there is to say of them.

use klfit::{Accuracy, Claim, Ending, Measure, Method, Operand, Question};
use numpy::PyReadonlyArray2;
use pyo3::prelude::*;

use crate::arrays::samples;
use crate::errors::{exception, raised};
use crate::mixture::Mixture;
use crate::work::interruptible;

/// A number, how sure it is, and how it was found.
#[pyclass(frozen, from_py_object, module = "klfit._klfit")]
#[derive(Clone)]
pub struct Answer(pub klfit::Answer);

#[pymethods]
impl Answer {
    #[getter]
    fn name(&self) -> String {
        self.0.divergence.name()
    }

    #[getter]
    fn title(&self) -> String {
        self.0.divergence.title()
    }

    #[getter]
    fn symbol(&self) -> String {
        self.0.divergence.symbol()
    }

    #[getter]
    fn unit(&self) -> Option<&'static str> {
        self.0.divergence.unit()
    }

    #[getter]
    fn value(&self) -> f64 {
        self.0.value
    }

    #[getter]
    fn error(&self) -> Option<f64> {
        self.0.error
    }

    #[getter]
    fn interval(&self) -> Option<(f64, f64)> {
        self.0.interval.map(Into::into)
    }

    #[getter]
    fn bracket(&self) -> Option<(f64, f64)> {
        let bracket = self.0.bracket?;
        Some((bracket.lower, bracket.upper))
    }

    #[getter]
    fn method(&self) -> &'static str {
        self.0.method.name()
    }

    #[getter]
    fn claim(&self) -> &'static str {
        match self.0.claim {
            Claim::Exact => "exact",
            Claim::Rounded => "rounded",
            Claim::Integral => "integral",
            Claim::Sample => "sample",
            Claim::Bracket => "bracket",
            Claim::UpperBound => "upper-bound",
            Claim::Approximation => "approximation",
            Claim::PlugIn => "plug-in",
        }
    }

    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.0.samples
    }

    /// Whether the error that was asked for is reached; none if nothing was asked for.
    #[getter]
    fn reached(&self) -> Option<bool> {
        self.0.ending.map(|ending| ending == Ending::Reached)
    }

    #[getter]
    fn seconds(&self) -> f64 {
        self.0.seconds
    }
}

/// A density: a mixture, or the Gaussian of rows.
#[derive(FromPyObject)]
pub enum Density<'py> {
    Mixture(Mixture),
    Rows(PyReadonlyArray2<'py, f64>),
}

impl Density<'_> {
    fn operand(&self, name: &str) -> PyResult<Operand> {
        let rows = match self {
            Self::Mixture(mixture) => return Ok(Operand::new(name, mixture.0.clone())),
            Self::Rows(rows) => rows,
        };
        let samples = samples(rows).map_err(raised)?;
        Operand::estimated(name, samples).map_err(raised)
    }
}

/// What is asked, as the command says it.
fn question(
    kinds: &[String],
    method: &str,
    errors: (Option<f64>, Option<f64>),
    samples: Option<u64>,
    seed: u64,
    brackets: bool,
) -> PyResult<Question> {
    let unknown = |what: &str, name: &str, help: String| {
        exception("UsageError", format!("\"{name}\" is no {what}"), Some(help))
    };
    let divergences = kinds.iter().map(|kind| {
        Measure::from_name(kind).ok_or_else(|| {
            let help = "take kl, reverse-kl, js, jeffreys, renyi-0.5, alpha-2, chi2, squared-hellinger, total-variation, \
                        bhattacharyya or wasserstein-2 of two densities; entropy or total-correlation of one";
            unknown("divergence", kind, help.to_owned())
        })
    });
    let found = Method::from_name(method).ok_or_else(|| {
        let known = Method::ALL.map(Method::name).join(", ");
        unknown("method", method, format!("take one of {known}"))
    })?;
    Ok(Question {
        divergences: divergences.collect::<PyResult<_>>()?,
        method: found,
        accuracy: Accuracy {
            absolute: errors.0,
            relative: errors.1,
        },
        samples,
        seed,
        brackets,
    })
}

/// What is asked of two densities, or of one.
#[pyfunction]
#[pyo3(signature = (p, q, kinds, *, method, abs_err, rel_err, samples, seed, brackets))]
#[expect(clippy::too_many_arguments, reason = "each has a name in Python")]
pub fn ask(
    py: Python,
    p: Density,
    q: Option<Density>,
    kinds: Vec<String>,
    method: &str,
    abs_err: Option<f64>,
    rel_err: Option<f64>,
    samples: Option<u64>,
    seed: u64,
    brackets: bool,
) -> PyResult<Vec<Answer>> {
    let question = question(&kinds, method, (abs_err, rel_err), samples, seed, brackets)?;
    let p = p.operand("p")?;
    let q = q.map(|q| q.operand("q")).transpose()?;
    let answers = interruptible(py, move |watched| {
        let progress = |_| watched.look();
        match &q {
            Some(q) => question.ask(&p, q, &progress),
            None => question.ask_one(&p, &progress),
        }
    })?;
    Ok(answers.into_iter().map(Answer).collect())
}
