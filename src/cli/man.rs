//! `klfit man`: the manual, from the same parser as the help.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::output::{print, write_file};
use super::{Cli, Command, Outcome, Verbosity};
use crate::{Error, Result};

/// Print the man page, or write those of all commands
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit man | man -l -
  klfit man --out ~/.local/share/man/man1")]
pub struct Man {
    /// The folder for the pages of klfit and of each command
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Command for Man {
    const EXAMPLE: [&str; 2] = ["man", "print the man page"];

    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let mut klfit = Cli::command().disable_help_subcommand(true);
        klfit.build();
        let Some(folder) = &self.out else {
            print(&page(&klfit)?.1)?;
            return Ok(Outcome::Success);
        };
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let mut files = Vec::new();
        let mut commands = vec![&klfit];
        while let Some(command) = commands.pop() {
            let (name, text) = page(command)?;
            let file = folder.join(name);
            write_file(&file, &text)?;
            files.push(file);
            commands.extend(command.get_subcommands());
        }
        files.sort();
        verbosity.written(&files);
        Ok(Outcome::Success)
    }
}

/// The page of a command, with its name.
fn page(command: &clap::Command) -> Result<(String, Vec<u8>)> {
    let page = clap_mangen::Man::new(command.clone())
        .source(concat!("klfit ", env!("CARGO_PKG_VERSION")))
        .manual("klfit");
    let (name, mut text) = (page.get_filename(), Vec::new());
    page.render(&mut text)
        .map_err(Error::io("write", name.as_ref()))?;
    Ok((name, text))
}
