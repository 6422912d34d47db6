//! `klfit completions`: what a shell completes after `klfit`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Command, Outcome, Verbosity, output};
use crate::Result;

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit completions bash > ~/.local/share/bash-completion/completions/klfit
  klfit completions zsh > ~/.zfunc/_klfit
  klfit completions fish > ~/.config/fish/completions/klfit.fish

For zsh, ~/.zshrc needs `fpath+=~/.zfunc` before `compinit`.")]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Command for Completions {
    const EXAMPLE: [&str; 2] = ["completions SHELL", "print what a shell completes"];

    fn run(&self, _: Verbosity) -> Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "klfit", &mut script);
        output::print(&script)?;
        Ok(Outcome::Success)
    }
}
