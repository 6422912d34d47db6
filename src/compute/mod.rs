//! Where the arithmetic happens: devices, noise without a past, states to resume from, and the kernel.

pub mod device;
pub mod kernel;
pub mod noise;
pub mod snapshot;

/// The most numbers a tensor of one step may hold: a gigabyte in 64 bits, and a step needs about
/// a dozen of that size.
pub(crate) const MOST_ENTRIES: usize = 1 << 27;
