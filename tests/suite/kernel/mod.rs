//! The kernel against a naive reference in f64, at every vector width of this machine.

mod common;
mod edges;
mod expectation;
mod low_rank;
mod normals;
mod prepared;
mod reference;
