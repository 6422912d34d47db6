//! `klfit mixture export`: a mixture as data, and as code for other programs.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::input::Input;
use super::output::Out;
use crate::Result;
use crate::cli::Verbosity;
use crate::error::Error;
use crate::export::{ExportFormat, MixtureFile, export};

/// Write a mixture as data, or as code that runs as it is
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture export q.json --to pytorch --out q.py
  klfit mixture export q.json --to latex --digits 3
  klfit mixture export outputs/bimodal#reverse-kl --to npz --out q.npz")]
pub struct Export {
    /// The mixture
    mixture: String,
    /// For which program, or as which kind of file
    #[arg(long, value_name = "FORMAT", value_parser = format_names())]
    to: String,
    /// Significant digits of numbers in LaTeX; all else has every digit [default: 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=17))]
    digits: Option<u8>,
    #[command(flatten)]
    out: Out,
}

fn format_names() -> PossibleValuesParser {
    let code = ExportFormat::ALL.map(ExportFormat::name);
    let data = MixtureFile::ALL.map(MixtureFile::name);
    PossibleValuesParser::new(code.into_iter().chain(data).collect::<Vec<_>>())
}

impl Export {
    /// Writes the code or the data.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        self.out.path()?;
        let format = ExportFormat::from_name(&self.to);
        if self.digits.is_some() && format != Some(ExportFormat::Latex) {
            return Err(Error::usage(
                format!("--digits is given, and {} has every digit", self.to),
                "remove it, or ask for latex",
            ));
        }
        let input = Input::read(&self.mixture, verbosity)?;
        let (mixture, names) = (&input.mixture, &input.coordinates);
        let bytes = match (format, MixtureFile::from_name(&self.to)) {
            (Some(format), _) => {
                let digits = self.digits.map(usize::from);
                export(mixture, names, format, digits)?.into_bytes()
            }
            (None, Some(file)) => file.encode(mixture, names)?,
            (None, None) => {
                return Err(Error::usage(
                    format!("--to {} is no format", self.to),
                    "`klfit mixture export --help` lists them",
                ));
            }
        };
        self.out.bytes(&bytes, verbosity)
    }
}
