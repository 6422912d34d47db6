//! `klfit init`: write a commented config to start from.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::Args;

use super::output::to_stdout;
use super::{Command, Outcome, Verbosity};
use crate::text::shell_word;
use crate::{Error, Result};

/// Write a commented config to start from
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  klfit init my.toml && klfit run my.toml")]
pub struct Init {
    /// The file to write
    #[arg(default_value = "experiment.toml")]
    path: PathBuf,
}

impl Command for Init {
    const EXAMPLE: [&str; 2] = ["init my.toml", "write a commented config to start from"];

    /// Writes the starter config, never over a file that is there.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let path = &self.path;
        let mut file = File::create_new(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::usage(
                format!("{} is there already", path.display()),
                "give another name, as in `klfit init other.toml`",
            ),
            _ => Error::io("create", path)(error),
        })?;
        file.write_all(crate::config::STARTER.as_bytes())
            .map_err(Error::io("create", path))?;
        if !verbosity.quiet {
            let path = path.display();
            let word = path.to_string();
            let word = shell_word(&word);
            to_stdout(format_args!("wrote {path}; run it with `klfit run {word}`"));
        }
        Ok(Outcome::Success)
    }
}
