//! `klfit mixture product`: two densities multiplied.

use clap::Args;

use super::input::Input;
use super::output::Out;
use crate::Result;
use crate::cli::Verbosity;
use crate::cli::output::to_stderr;
use crate::text::fixed;

/// Multiply two mixtures over the same coordinates, and normalise
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture product prior.json likelihood.json --out posterior.json")]
pub struct Product {
    /// One mixture
    a: String,
    /// The other
    b: String,
    #[command(flatten)]
    out: Out,
}

impl Product {
    /// Writes the normalised product, and tells the integral.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        self.out.kind()?;
        let [a, b] = [&self.a, &self.b].map(|text| Input::read(text, verbosity));
        let (a, b) = (a?, b?);
        let b = a.aligned(b, verbosity)?;
        let product = a.mixture.product(&b)?;
        if !verbosity.quiet {
            to_stderr(format_args!(
                "log ∫ a(x) b(x) dx: {} nats",
                fixed(product.log_overlap, 8)
            ));
        }
        (self.out).mixture(&product.mixture, &a.coordinates, verbosity)
    }
}
