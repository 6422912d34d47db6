//! Copies on a device of numbers that stay the same.

use std::any::Any;
use std::sync::OnceLock;

/// Copies on a device of what stays the same from call to call, as the first device that asks for them makes them;
/// another makes its own in each call.
#[derive(Debug, Default)]
pub struct Resident(OnceLock<Box<dyn Any + Send + Sync>>);

impl Resident {
    /// What the first that asks makes; `None` for those who ask for another type.
    #[cfg_attr(
        not(feature = "gpu"),
        expect(dead_code, reason = "of use to other devices")
    )]
    pub(super) fn get<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.get_or_init(|| Box::new(make())).downcast_ref()
    }
}

impl Clone for Resident {
    /// Of a clone nothing is on a device yet.
    fn clone(&self) -> Self {
        Self::default()
    }
}
