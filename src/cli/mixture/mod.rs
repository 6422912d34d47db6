//! `klfit mixture`: what is done with a mixture that is there.

mod condition;
mod convolve;
mod density;
mod export;
mod input;
mod marginal;
mod output;
mod product;
mod reduce;
mod sample;
mod show;
mod transform;

use clap::{Args, Subcommand};
pub use output::Out;

use super::{Command, Outcome, Verbosity};
use crate::Result;

/// Show, sample, evaluate, condition, combine, reduce or export a mixture
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture show outputs/bimodal#reverse-kl
  klfit mixture sample q.json -n 1000000 --out draws.npy
  klfit mixture reduce q.json --to 4 --out smaller.json
  klfit mixture export q.json --to pytorch

A mixture is a .toml, .json or .npz file, the folder of a run, or a .csv or .npy file for the Gaussian of
its rows; docs/mixture.md says more. Of a run with several fits one is named after a #, and #target is what
they were fitted to; in a config it is named by fit = \"reverse-kl\" beside file.")]
pub struct Mixture {
    #[command(subcommand)]
    verb: Verb,
}

/// What is done with a mixture; each is a file of this folder.
#[derive(Debug, Subcommand)]
enum Verb {
    Show(show::Show),
    Sample(sample::Sample),
    Density(density::Density),
    Marginal(marginal::Marginal),
    Condition(condition::Condition),
    Transform(transform::Transform),
    Product(product::Product),
    Convolve(convolve::Convolve),
    Reduce(reduce::Reduce),
    Export(export::Export),
}

impl Command for Mixture {
    const EXAMPLE: [&str; 2] = ["mixture show Q", "show, sample, reduce or export a mixture"];

    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        match &self.verb {
            Verb::Show(show) => show.run(verbosity),
            Verb::Sample(sample) => return sample.run(verbosity),
            Verb::Density(density) => density.run(verbosity),
            Verb::Marginal(marginal) => marginal.run(verbosity),
            Verb::Condition(condition) => condition.run(verbosity),
            Verb::Transform(transform) => transform.run(verbosity),
            Verb::Product(product) => product.run(verbosity),
            Verb::Convolve(convolve) => convolve.run(verbosity),
            Verb::Reduce(reduce) => reduce.run(verbosity),
            Verb::Export(export) => export.run(verbosity),
        }?;
        Ok(Outcome::Success)
    }
}
