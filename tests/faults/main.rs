//! What the program promises when it is killed, asked to stop, or the disk fails under it.
//!
//! `cargo test --test faults` kills it a few times; `cargo test --test faults -- --ignored` kills it
//! hundreds of times, fails every single write, and fills a file system of its own, for which it must
//! be root. With KLFIT_SOAK_SECONDS it goes on killing for as long as that.

#![cfg(unix)]

mod calls;
mod disk;
mod drawing;
mod folder;
mod kills;
mod left;
mod place;
mod signals;
mod soak;
mod sweep;
