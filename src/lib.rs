//! Fits a Gaussian or a mixture of Gaussians q to a target density p by gradient descent on a
//! divergence, and shows what happened.

pub mod config;
pub mod density;
pub mod device;
pub mod digest;
pub mod divergence;
pub mod error;
pub mod estimator;
pub mod evaluate;
pub mod family;
pub mod fit;
pub mod init;
pub mod kernel;
pub mod known_optimum;
pub mod mixture;
pub mod noise;
pub mod objective;
pub mod optima;
pub mod optimizer;
pub mod plot;
pub mod run;
pub mod run_folder;
pub mod target;

pub use error::{Error, Result};
pub use mixture::Mixture;
