//! Fits a Gaussian or a mixture of Gaussians q to a target density p by gradient descent on a
//! divergence, most often KL(p‖q) or KL(q‖p), and shows what happened.
//!
//! The command `klfit` is a thin layer over this library. Data flows one way:
//!
//! ```text
//! config.toml ─► Experiment ─► Fit (the only loop) ─► Record … ─► RunFolder ─► figures ─► report
//! ```
//!
//! The modules are floors: each uses those below it and none above, and a test holds them to that.
//!
//! | floor | what is there |
//! | --- | --- |
//! | cli | the command `klfit`: arguments, progress, tables, and one error |
//! | [`jobs`] | from beginning to end: a run, a sweep, a landscape, an estimate, their figures |
//! | [`explore`], [`report`], [`plot`] | pages live and written, and figures |
//! | [`landscape`] | a divergence over two parameters, and the basins of its optima |
//! | [`run_folder`] | the folder of a run or a sweep: made, locked, read back |
//! | [`calculator`] | a divergence between two given densities, with an error and a bracket |
//! | [`config`] | what TOML may say, and the one place that turns it into an [`Experiment`](config::Experiment) |
//! | [`import`] | mixtures that scikit-learn or an earlier run fitted |
//! | [`record`] | what is known of a run, in files: summary, trajectory, restarts, checkpoint |
//! | [`fit`] | the loop, with the [objective](fit::objective), the [starts](fit::init), when to [stop](fit::stop) and the [optima](fit::optima) |
//! | [`judge`] | what a fit is [evaluated](judge::evaluate) by, its [diagnostics](judge::diagnostics), the [optimum](judge::known_optimum) where it is known |
//! | panels | integrals over x that see both densities |
//! | [`optimizer`], [`estimator`], [`divergence`] | one file for each choice, behind one trait each |
//! | [`density`] | what p and q have in common; the [targets](density::target) and the [family](density::family) |
//! | [`compute`] | [devices](compute::device), [noise](compute::noise) without a past, [snapshots](compute::snapshot), and the [kernel](compute::kernel): the log-density of mixtures, the hot operation |
//! | [`mixture`] | mixtures on the host, in natural parameters |
//! | precise, files, [`text`], [`error`], [`choice`] | doubled precision; files whole or not at all, and their names; numbers as people read them; what went wrong, where, and what to do; tables of what a config chooses from |
//!
//! A run goes down and up through them: [`jobs::run::run`] takes an experiment from [`config`], makes a
//! folder in [`run_folder`], and pulls records from [`fit::Fit`], whose steps evaluate an objective
//! made of a divergence, an estimator and a family on a device; [`judge`] says how each logged step
//! and the end are, [`record`] writes it, and [`plot`] and [`report`] read it back.
//!
//! Every tensor has the run as its first axis, so restarts go through the loop together: R runs, K
//! components, D dimensions, S points, P parameters. All logarithms are natural, all divergences in
//! nats.
//!
//! [`fit::Fit`] has a first example.

#![warn(missing_docs)]

pub mod calculator;
pub mod choice;
mod cli;
pub mod compute;
pub mod config;
pub mod density;
pub mod divergence;
pub mod error;
pub mod estimator;
pub mod explore;
mod files;
pub mod fit;
pub mod import;
pub mod jobs;
pub mod judge;
pub mod landscape;
pub mod mixture;
pub mod optimizer;
mod panels;
pub mod plot;
mod precise;
pub mod record;
pub mod report;
pub mod run_folder;
pub mod text;

pub use cli::main;
pub use error::{Error, Result};
pub use mixture::Mixture;
