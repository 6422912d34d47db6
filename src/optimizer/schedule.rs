//! How the learning rate changes over a fit.

use crate::choice::choices;

choices! {
    /// The shape of the learning rate over the steps, from all of it to `final_rate` of it.
    #[derive(Default)]
    pub enum Schedule {
        /// It stays.
        #[default]
        Constant = "constant",
        /// A straight line.
        Linear = "linear",
        /// Half a cosine (Loshchilov and Hutter 2017).
        Cosine = "cosine",
        /// The same factor at every step.
        Exponential = "exponential",
    }
}

impl Schedule {
    /// The share of the learning rate when `done` of the fit, from 0 to 1, is over; it ends at `end`.
    pub fn share(self, done: f64, end: f64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 + (end - 1.0) * done,
            Self::Cosine => end + (1.0 - end) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
            Self::Exponential => end.powf(done),
        }
    }
}
