//! The `klfit` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    klfit::main()
}
