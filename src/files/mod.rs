//! Files: read whole up to a size, written whole or not at all, and what they are called.

pub(crate) mod extended;
pub(crate) mod folder;
pub(crate) mod names;
pub(crate) mod npy;
pub(crate) mod npy_file;
pub(crate) mod npy_parts;
pub(crate) mod read;
pub(crate) mod table;
pub(crate) mod unique;
