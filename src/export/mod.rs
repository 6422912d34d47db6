//! A mixture for other programs: as code that runs as it is, as a formula, and as data.
//!
//! One file for each program. Numbers are written as short as they read back to the bit, and factors L are given
//! where a program takes them, not covariances L Lᵀ: nothing is lost of a component that is nearly singular.

mod c;
mod comment;
mod data;
mod jax;
mod latex;
mod numbers;
mod python;
mod pytorch;
mod scipy;
mod sklearn;
mod stan;

pub use data::MixtureFile;

use crate::choice::choices;
use crate::error::Refusal;
use crate::mixture::Mixture;
use crate::text::count;

choices! {
    /// What a mixture can be exported as.
    pub enum ExportFormat {
        /// Python: `mixture()` makes a `sklearn.mixture.GaussianMixture` as if it had been fitted.
        Sklearn = "sklearn",
        /// Python: `mixture()` makes a `torch.distributions.MixtureSameFamily`.
        Pytorch = "pytorch",
        /// Python: `log_density(x)` and `sample(key, shape)` of `jax.numpy`, to be compiled and differentiated.
        Jax = "jax",
        /// Python: `logpdf(x)` and `rvs(size, random_state)` by `scipy.stats`.
        Scipy = "scipy",
        /// A Stan program that samples the mixture, with `mixture_lpdf(x | )` in its functions.
        Stan = "stan",
        /// C99 that is C++ too: `klfit_log_density(x)` and `klfit_responsibilities(x, r)`.
        C = "c",
        /// The formula, for a document with the package amsmath to take in by `\input`.
        Latex = "latex",
    }
}

impl ExportFormat {
    /// What the name of its file ends with, after the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Sklearn | Self::Pytorch | Self::Jax | Self::Scipy => "py",
            Self::Stan => "stan",
            Self::C => "c",
            Self::Latex => "tex",
        }
    }
}

/// The significant digits of a formula where none are asked for.
const DIGITS: usize = 4;
/// With so many, every number reads back to the bit.
const MOST_DIGITS: usize = 17;

/// A mixture as a whole file of the given format.
///
/// `names` are what the D coordinates are called, in their order: x1, x2, … where it is empty. They stand in
/// comments, lists of names and formulas, whatever characters they have. `digits` are the significant digits of the
/// formula, 4 where it is `None`; everything else has each number to the bit. Log-densities are in nats. Components
/// of weight 0 are left out.
///
/// ```
/// use klfit::{ExportFormat, Mixture, export};
///
/// let q = Mixture::from_stds(vec![0.25, 0.75], vec![vec![0.0], vec![4.0]], vec![vec![1.0]; 2])?;
/// let program = export(&q, &[], ExportFormat::C, None)?;
/// assert!(program.contains("double klfit_log_density(const double x[])"));
/// # Ok::<(), klfit::Error>(())
/// ```
///
/// # Errors
/// If there are names for more or fewer coordinates than there are, or digits that are not from 1 to 17 or of another
/// format than the formula.
pub fn export(
    mixture: &Mixture,
    names: &[String],
    format: ExportFormat,
    digits: Option<usize>,
) -> Result<String, Refusal> {
    let dim = mixture.dim();
    if !(names.is_empty() || names.len() == dim) {
        return Err(Refusal::new(
            "names",
            format!(
                "there are {} for {}",
                count(names.len(), "name"),
                count(dim, "coordinate")
            ),
            "give one name for each coordinate, or none",
        ));
    }
    if digits.is_some() && format != ExportFormat::Latex {
        return Err(Refusal::new(
            "digits",
            format!(
                "are not for {}, where each number reads back to the bit",
                format.name()
            ),
            "leave them out; latex rounds to them",
        ));
    }
    let digits = digits.unwrap_or(DIGITS);
    if !(1..=MOST_DIGITS).contains(&digits) {
        return Err(Refusal::new(
            "digits",
            format!("is {digits}"),
            format!("take from 1 to {MOST_DIGITS}, with which each number reads back to the bit"),
        ));
    }
    let exported = Exported {
        q: mixture.occupied(),
        names: match names {
            [] => default_names(dim),
            names => names.to_vec(),
        },
    };
    Ok(match format {
        ExportFormat::Sklearn => sklearn::source(&exported),
        ExportFormat::Pytorch => pytorch::source(&exported),
        ExportFormat::Jax => jax::source(&exported),
        ExportFormat::Scipy => scipy::source(&exported),
        ExportFormat::Stan => stan::source(&exported),
        ExportFormat::C => c::source(&exported),
        ExportFormat::Latex => latex::source(&exported, digits),
    })
}

fn default_names(dim: usize) -> Vec<String> {
    (1..=dim).map(|i| format!("x{i}")).collect()
}

/// What is exported: a mixture whose components all have weight, and a name for each of its coordinates.
struct Exported {
    q: Mixture,
    names: Vec<String>,
}

impl Exported {
    /// What it is, in words.
    fn title(&self) -> String {
        let dim = count(self.q.dim(), "dimension");
        match self.q.components() {
            1 => format!("A Gaussian in {dim}"),
            components => format!("A mixture of {components} Gaussians in {dim}"),
        }
    }

    /// Whether the coordinates are called as they are where nobody names them.
    fn has_default_names(&self) -> bool {
        self.names == default_names(self.q.dim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        let q = Mixture::from_stds(vec![1.0], vec![vec![0.0; 2]], vec![vec![1.0; 2]]).unwrap();
        let refused = |names: &[&str], format, digits| {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            export(&q, &names, format, digits).unwrap_err().to_string()
        };
        let found = refused(&["mu"], ExportFormat::C, None);
        assert_eq!(found, "names: there are 1 name for 2 coordinates");
        let found = refused(&[], ExportFormat::Stan, Some(5));
        assert!(found.starts_with("digits: are not for stan"), "{found}");
        for digits in [0, 18] {
            let found = refused(&[], ExportFormat::Latex, Some(digits));
            assert_eq!(found, format!("digits: is {digits}"));
        }
    }
}
