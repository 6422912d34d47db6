//! Where the arithmetic happens: devices, noise without a past, states to go on from, and the kernel.

pub mod device;
pub mod kernel;
pub mod noise;
pub mod snapshot;
