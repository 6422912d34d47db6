//! `klfit mixture sample`: draws of a mixture.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use clap::Args;
use rand_chacha::ChaCha8Rng;

use super::input::Input;
use super::output::Out;
use crate::Result;
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
    match text.replace('_', "").parse::<f64>() {
        Ok(n) if (1.0..=1e15).contains(&n) && n.fract() == 0.0 => Ok(n as u64),
        _ => Err("give a whole number of at least 1, such as 1e6".to_owned()),
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Npy,
}

impl Sample {
    /// Writes the draws, a block after another, until a signal ends it.
    pub fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let path = self.out.path()?;
        let form = form(path)?;
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
        form: Form,
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
        form: Form,
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
            Form::Npy => npy::head_of_numbers(&[self.count as usize, columns]),
            Form::Csv => {
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
                Form::Npy => npy::append(&mut bytes, &rows),
                Form::Csv => rows.chunks(columns).for_each(|row| append(&mut bytes, row)),
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

fn form(path: Option<&Path>) -> Result<Form> {
    let Some(path) = path else {
        return Ok(Form::Csv);
    };
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("csv") => Ok(Form::Csv),
        Some("npy") => Ok(Form::Npy),
        _ => Err(Error::usage(
            format!("{}: not a kind of file that holds rows", path.display()),
            "choose a name that ends in .csv or .npy",
        )),
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
