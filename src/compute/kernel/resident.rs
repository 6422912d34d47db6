//! Copies on a device of numbers that stay the same.

/// Copies on a device of what stays the same from call to call, made when a device first asks for them. They are of one
/// device; another makes its own in each call.
#[derive(Debug, Default)]
pub struct Resident {
    #[cfg(feature = "gpu")]
    pub(super) copies: std::sync::OnceLock<super::cube::Copies>,
}

impl Clone for Resident {
    /// Of a clone nothing is on a device yet.
    fn clone(&self) -> Self {
        Self::default()
    }
}
