//! Mixtures for other programs: as data and as code.

mod data;

pub use data::MixtureFile;
