//! `klfit mixture sample`: draws of a mixture.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use clap::Args;
use rand_chacha::ChaCha8Rng;

use super::input::Input;
use super::output::{Out, RowsFile, append, header};
use crate::Result;
use crate::cli::answer::whole;
use crate::cli::signals::Signals;
use crate::cli::{Outcome, Verbosity};
use crate::compute::noise::{RunKey, Stream};
use crate::error::Error;
use crate::files::{npy, unique::unique};
use crate::mixture::Mixture;

/// Rows that are drawn before they are written.
const BLOCK: u64 = 1 << 12;

/// Draw from a mixture
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture sample q.json -n 1000000 --seed 0 --out draws.npy
  klfit mixture sample q.json -n 10 --labels")]
pub struct Sample {
    /// The mixture
    mixture: String,
    /// How many draws, such as 1e6
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = count)]
    count: u64,
    /// The seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Add a column with the component that each is from, counted from 1
    #[arg(long)]
    labels: bool,
    #[command(flatten)]
    out: Out,
}

fn count(text: &str) -> std::result::Result<u64, String> {
    whole(text, 1)
}

impl Sample {
    /// Writes the draws, a block after another, until a signal ends it.
    pub fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let path = self.out.path()?;
        let form = self.out.rows()?;
        let input = Input::read(&self.mixture, verbosity)?;
        let signals = Signals::listen()?;
        let drawing = verbosity.working("drawing");
        let written = match path {
            None => self.write(form, &input, &signals, &mut std::io::stdout().lock()),
            Some(path) => self.write_file(form, &input, &signals, path)?,
        };
        drop(drawing);
        match written {
            Ok(()) => self.out.told(verbosity)?,
            Err(_) if signals.is_received() => {
                return Ok(Outcome::Interrupted(signals.exit_code()));
            }
            // Who has read enough may stop.
            Err(error) if path.is_none() && error.kind() == ErrorKind::BrokenPipe => {}
            Err(error) => {
                return Err(Error::io(
                    "write",
                    path.unwrap_or(Path::new("standard output")),
                )(error));
            }
        }
        Ok(Outcome::Success)
    }

    /// Writes a file of any size, whole or not at all.
    fn write_file(
        &self,
        form: RowsFile,
        input: &Input,
        signals: &Signals,
        path: &Path,
    ) -> Result<std::io::Result<()>> {
        let mut part = path.as_os_str().to_owned();
        part.push(format!(".{}", unique()?));
        let part = Path::new(&part);
        let written = File::create_new(part)
            .and_then(|file| self.write(form, input, signals, &mut BufWriter::new(file)))
            .and_then(|()| fs::rename(part, path));
        if written.is_err() {
            // It is of no use, and what happened is told.
            _ = fs::remove_file(part);
        }
        Ok(written)
    }

    fn write(
        &self,
        form: RowsFile,
        input: &Input,
        signals: &Signals,
        file: &mut impl Write,
    ) -> std::io::Result<()> {
        let Input {
            mixture,
            coordinates,
            ..
        } = input;
        let columns = mixture.dim() + usize::from(self.labels);
        let mut bytes = match form {
            RowsFile::Npy => npy::head_of_numbers(&[self.count as usize, columns]),
            RowsFile::Csv => {
                let label = self.labels.then_some("component");
                let names = coordinates.iter().map(String::as_str).chain(label);
                header(names)?
            }
        };
        let key = RunKey {
            seed: self.seed,
            run: 0,
        };
        let mut generator = key.generator(Stream::Sample, 0);
        let mut left = self.count;
        while left > 0 {
            if signals.is_received() {
                return Err(ErrorKind::Interrupted.into());
            }
            let count = left.min(BLOCK);
            let rows = self.rows(mixture, count, &mut generator);
            match form {
                RowsFile::Npy => npy::append(&mut bytes, &rows),
                RowsFile::Csv => rows.chunks(columns).for_each(|row| append(&mut bytes, row)),
            }
            file.write_all(&bytes)?;
            bytes.clear();
            left -= count;
        }
        file.flush()
    }

    fn rows(&self, mixture: &Mixture, count: u64, generator: &mut ChaCha8Rng) -> Vec<f64> {
        let mut rows = Vec::with_capacity(count as usize * (mixture.dim() + 1));
        for _ in 0..count {
            let (component, x) = mixture.sample_one(generator);
            rows.extend(x);
            if self.labels {
                rows.push(component as f64 + 1.0);
            }
        }
        rows
    }
}
