//! The numbers of the pages, each taken out of its sentence and held against what the program has or does.
//!
//! Blocks that the program prints are compared in `printed`, and lists of choices in `docs`. What is measured,
//! times and memory, is no test: the pages name the command that measures it.

mod calculator;
mod choices;
mod config;
mod diagnostics;
mod files;
mod held;
mod limits;
mod looks;
mod method;
mod mixture;
pub mod page;
mod performance;
mod pictures;
mod readme;
pub mod results;
mod tutorial;
