//! `klfit init`: write a commented config to start from.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::Args;
use klfit::{Error, Result};

use super::{Outcome, Verbosity};

/// Options of `klfit init`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  klfit init my.toml && klfit run my.toml")]
pub struct Options {
    /// The file to write
    #[arg(default_value = "experiment.toml")]
    path: PathBuf,
}

/// Writes the starter config, never over a file that is there.
pub fn init(options: &Options, verbosity: Verbosity) -> Result<Outcome> {
    let path = &options.path;
    let io = |source| Error::Io {
        action: "create",
        path: path.clone(),
        source,
    };
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Error::Usage {
            message: format!("{} is there already", path.display()),
            help: "give another name, as in `klfit init other.toml`".to_owned(),
        },
        _ => io(error),
    })?;
    file.write_all(klfit::config::STARTER.as_bytes())
        .map_err(io)?;
    if !verbosity.quiet {
        let path = path.display();
        anstream::println!("wrote {path}; run it with `klfit run {path}`");
    }
    Ok(Outcome::Success)
}
