//! `klfit mixture marginal`: some of the coordinates.

use clap::Args;

use super::input::Input;
use super::output::Out;
use crate::Result;
use crate::cli::Verbosity;

/// Keep some coordinates, whatever the others are
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture marginal q.json --keep x1,x3
  klfit mixture marginal q.json --keep x3,x1 --out turned.json")]
pub struct Marginal {
    /// The mixture
    mixture: String,
    /// The coordinates to keep, in this order
    #[arg(long, value_name = "NAME", value_delimiter = ',', required = true)]
    keep: Vec<String>,
    #[command(flatten)]
    out: Out,
}

impl Marginal {
    /// Writes the marginal.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        self.out.kind()?;
        let input = Input::read(&self.mixture, verbosity)?;
        let places = (self.keep.iter().map(|name| input.coordinate(name)))
            .collect::<Result<Vec<usize>>>()?;
        let marginal = input.mixture.marginal(&places)?;
        (self.out).mixture(&marginal, &input.names_of(&places), verbosity)
    }
}
