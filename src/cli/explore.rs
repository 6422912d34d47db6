//! `klfit explore`: the page.

use std::path::PathBuf;

use clap::Args;

use super::output::{to_stderr, to_stdout};
use super::{Command, Outcome, Verbosity};
use crate::explore::{Opening, Server};
use crate::{Error, Result};

/// Explore both KLs on a page in the browser
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit explore                          two bumps to begin with
  klfit explore configs/bimodal.toml     the target and the start of a config
  klfit explore outputs/bimodal          a finished run, step by step
  klfit explore 'http://127.0.0.1:…#…'   what a link of another page shows")]
pub struct Explore {
    /// A config, the folder of a finished run, or a link of the page in quotes
    path: Option<PathBuf>,
    /// The port to listen on [default: any free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Do not open a browser
    #[arg(long)]
    no_open: bool,
}

impl Command for Explore {
    const EXAMPLE: [&str; 2] = ["explore", "see forward and reverse KL move, in the browser"];

    /// Serves the page until Ctrl-C.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let opening = match &self.path {
            Some(path) => Opening::read(path)?,
            None => Opening::default(),
        };
        let runtime = tokio::runtime::Runtime::new().map_err(|error| {
            Error::usage(
                format!("the server cannot start: {error}"),
                "close other programs and try again",
            )
        })?;
        let server = runtime.block_on(Server::bind(self.port, opening))?;
        let url = server.url();
        to_stdout(&url);
        if !verbosity.quiet {
            to_stderr("Ctrl-C ends it");
        }
        if !self.no_open && webbrowser::open(&url).is_err() && !verbosity.quiet {
            to_stderr("no browser could be opened: open the address above in one");
        }
        runtime.block_on(server.serve(async {
            // Without a signal handler only a kill ends it.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        // Fits that still train and views that are being made end with the program.
        runtime.shutdown_background();
        Ok(Outcome::Success)
    }
}
