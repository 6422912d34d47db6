//! Where a mixture goes that a command made.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Verbosity;
use crate::cli::output::{print, to_stderr, write_file};
use crate::error::{Error, Result};
use crate::export::MixtureFile;
use crate::mixture::Mixture;

/// The kinds of file that rows are written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsFile {
    Csv,
    Npy,
}

/// The file for a result.
#[derive(Debug, Args)]
pub struct Out {
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace that file
    #[arg(long)]
    force: bool,
}

impl Out {
    /// The file, unless it is there and not to be replaced.
    pub fn path(&self) -> Result<Option<&Path>> {
        let out = self.out.as_deref();
        out.map_or(Ok(()), |out| self.check(out))?;
        Ok(out)
    }

    /// Refuses a file that is there and not to be replaced.
    pub fn check(&self, path: &Path) -> Result<()> {
        if path.exists() && !self.force {
            return Err(Error::usage(
                format!("{} exists", path.display()),
                "choose another name, or replace it with --force",
            ));
        }
        Ok(())
    }

    /// Which kind of mixture its name asks for: TOML where there is no name.
    pub fn kind(&self) -> Result<MixtureFile> {
        let Some(path) = self.path()? else {
            return Ok(MixtureFile::Toml);
        };
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let kind = extension.to_str().and_then(MixtureFile::from_name);
        kind.ok_or_else(|| {
            Error::usage(
                format!(
                    "{}: not a kind of file that holds a mixture",
                    path.display()
                ),
                "choose a name that ends in .toml, .json or .npz",
            )
        })
    }

    /// Which kind of table its name asks for: CSV where there is no name.
    pub fn rows(&self) -> Result<RowsFile> {
        let Some(path) = self.path()? else {
            return Ok(RowsFile::Csv);
        };
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("csv") => Ok(RowsFile::Csv),
            Some("npy") => Ok(RowsFile::Npy),
            _ => Err(Error::usage(
                format!("{}: not a kind of file that holds rows", path.display()),
                "choose a name that ends in .csv or .npy",
            )),
        }
    }

    /// Writes a mixture, by the ending of the file's name.
    pub fn mixture(
        &self,
        mixture: &Mixture,
        coordinates: &[String],
        verbosity: Verbosity,
    ) -> Result<()> {
        self.bytes(&self.kind()?.encode(mixture, coordinates)?, verbosity)
    }

    /// Writes what is whole.
    pub fn bytes(&self, bytes: &[u8], verbosity: Verbosity) -> Result<()> {
        let Some(path) = self.path()? else {
            return print(bytes);
        };
        write_file(path, bytes)?;
        self.told(verbosity)
    }

    /// Says where it went.
    pub fn told(&self, verbosity: Verbosity) -> Result<()> {
        if let (Some(path), false) = (&self.out, verbosity.quiet) {
            to_stderr(format_args!("written to {}", path.display()));
        }
        Ok(())
    }
}

/// The first line of a table.
pub fn header<'n>(names: impl Iterator<Item = &'n str>) -> std::io::Result<Vec<u8>> {
    let mut line = csv::Writer::from_writer(Vec::new());
    line.write_record(names)?;
    line.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// A line of a table: the shortest numbers that read back as they are.
pub fn append(bytes: &mut Vec<u8>, row: &[f64]) {
    for (i, value) in row.iter().enumerate() {
        if i > 0 {
            bytes.push(b',');
        }
        // Writing to memory does not fail.
        _ = match value.fract() == 0.0 && value.abs() < 1e15 {
            true => write!(bytes, "{value}"),
            false => write!(bytes, "{value:?}"),
        };
    }
    bytes.push(b'\n');
}
