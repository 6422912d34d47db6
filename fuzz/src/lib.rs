//! A fuzzer for each reader of `tests/suite/readers.rs`, by its name.
//!
//! With a nightly toolchain and `cargo install cargo-fuzz`, from the root of the repository:
//!
//! ```text
//! cargo +nightly fuzz run --sanitizer none config -- -dict=fuzz/dictionaries/toml.dict \
//!     -timeout=10 -rss_limit_mb=2048
//! ```
//!
//! `fuzz/run SECONDS` goes through all of them. What they find and keep stays out of the repository;
//! a seed is a file with a name in `fuzz/corpus/READER`.
//!
//! A new reader has a function and a line in `readers.rs`, a file in `fuzz_targets/`, a `[[bin]]` in
//! `Cargo.toml` and a seed that it takes; a test tells what is missing.

#[path = "../../tests/suite/readers.rs"]
pub mod readers;

pub use libfuzzer_sys::fuzz_target;

/// The fuzzer of one reader.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        $crate::fuzz_target!(|bytes: &[u8]| {
            $crate::readers::read($name, bytes);
        });
    };
}
