//! `klfit mixture convolve`: the density of a sum.

use clap::Args;

use super::input::Input;
use super::output::Out;
use crate::Result;
use crate::cli::Verbosity;

/// The density of x + y, where x is of one mixture and y of another
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture convolve signal.json noise.toml --out observed.json")]
pub struct Convolve {
    /// One mixture
    a: String,
    /// The other
    b: String,
    #[command(flatten)]
    out: Out,
}

impl Convolve {
    /// Writes the convolution.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        self.out.kind()?;
        let [a, b] = [&self.a, &self.b].map(|text| Input::read(text, verbosity));
        let (a, b) = (a?, b?);
        let b = a.aligned(b, verbosity)?;
        let sum = a.mixture.convolve(&b)?;
        (self.out).mixture(&sum, &a.coordinates, verbosity)
    }
}
