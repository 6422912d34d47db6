//! Fits a Gaussian or a mixture of Gaussians q to a target density p by gradient descent on a
//! divergence, most often KL(p‖q) or KL(q‖p), and shows what happened.
//!
//! The command `klfit` is a thin layer over this library. Data flows one way:
//!
//! ```text
//! config.toml ─► Experiment ─► Fit (the only loop) ─► Record … ─► RunFolder ─► figures ─► report
//! ```
//!
//! - [`config`]: what TOML may say, and the one place that turns it into an
//!   [`Experiment`](config::Experiment);
//! - [`target`], [`family`], [`divergence`], [`estimator`], [`optimizer`]: one file for each choice,
//!   behind one trait each;
//! - [`density`]: what p and q have in common, and the points and weights every estimator makes;
//!   [`kernel`]: the log-density of mixtures, the hot operation;
//! - [`objective`]: the loss and its gradient; [`fit`]: the loop; [`init`]: where it starts;
//! - [`evaluate`]: what every fit is judged by; [`diagnostics`]: whether q can stand for p, and what
//!   of p it covers; [`known_optimum`] and [`optima`]: the best there is,
//!   and where the restarts ended;
//! - [`mod@run`]: a whole experiment into a [`run_folder`]; [`plot`]: figures from that folder alone;
//!   [`report`]: pages about it;
//! - [`landscape`]: a divergence over two parameters; [`explore`]: all of it live in the browser;
//! - [`calculator`]: a divergence between two given densities, with an error and a bracket;
//! - [`mixture`]: mixtures on the host; [`device`]: backends and precision; [`snapshot`]: a state to go on from; [`noise`]: randomness
//!   without a past.
//!
//! Every tensor has the run as its first axis, so restarts go through the loop together: R runs, K
//! components, D dimensions, S points, P parameters. All logarithms are natural, all divergences in
//! nats.
//!
//! [`fit::Fit`] has a first example.

#![warn(missing_docs)]

pub mod calculator;
pub mod config;
pub mod density;
pub mod device;
pub mod diagnostics;
pub mod digest;
pub mod divergence;
pub mod error;
pub mod estimate;
pub mod estimator;
pub mod evaluate;
pub mod explore;
pub mod family;
pub mod fit;
pub mod init;
mod input;
pub mod kernel;
pub mod known_optimum;
pub mod landscape;
pub mod mixture;
pub mod noise;
mod npy;
pub mod objective;
pub mod optima;
pub mod optimizer;
mod panels;
pub mod plot;
mod precise;
pub mod report;
pub mod run;
pub mod run_folder;
pub mod snapshot;
pub mod stop;
pub mod sweep;
pub mod target;

pub use error::{Error, Result};
pub use mixture::Mixture;
