//! `klfit devices`: what this binary can compute on, and what it found.

use clap::Args;

use super::output::to_stdout;
use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::compute::device::{Backend, Detected};

/// List what this klfit can compute on
#[derive(Debug, Args)]
pub struct Devices {}

impl Command for Devices {
    const EXAMPLE: [&str; 2] = ["devices", "list what this klfit can compute on"];

    /// Prints every backend with the devices behind it.
    fn run(&self, _: Verbosity) -> Result<Outcome> {
        for backend in Backend::ALL {
            let name = backend.name();
            match backend.detect() {
                Detected::NotCompiledIn => to_stdout(format_args!(
                    "{name:8} not in this build: cargo build --release --features {name}"
                )),
                Detected::Nothing => {
                    to_stdout(format_args!("{name:8} no device found on this machine"))
                }
                Detected::Devices(devices) => {
                    for device in devices {
                        let precisions = if device.has_f64 { "f64, f32" } else { "f32" };
                        let default = if backend == Backend::default() {
                            ", the default"
                        } else {
                            ""
                        };
                        to_stdout(format_args!(
                            "{name:8} {} ({precisions}{default})",
                            device.name
                        ));
                    }
                }
            }
        }
        Ok(Outcome::Success)
    }
}
